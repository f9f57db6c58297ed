// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/killtest"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Options says with what and where; Binary and Dir must be set.
type Options struct {
	// Binary is a headrace program.
	Binary string
	// Dir is an empty folder for all state.
	Dir  string
	Seed uint64
	Log  func(string) // progress; nil is silent
}

func (o *Options) log(format string, a ...any) {
	if o.Log != nil {
		o.Log(fmt.Sprintf(format, a...))
	}
}

// HubDir is the hub's own folder.
func (o *Options) HubDir() string { return filepath.Join(o.Dir, "maker", "hub") }

// hubName is what terms call the hub.
const hubName = "trial-maker"

// maker is a hub as a process of its own, at the far end of a line: it keeps its address whenever it is started again.
type maker struct {
	o    Options
	line *killtest.Line
	p    *killtest.Process // nil while it is down
}

// served is what a role prints once it serves.
var served = regexp.MustCompile(`Open  http://([^/\s]+)/enter\?code=\S*`)

// newMaker starts a hub without limits that would stand in the way of a trial.
func newMaker(ctx context.Context, o Options) (*maker, error) {
	m := &maker{o: o}
	var err error
	if m.line, err = killtest.NewLine(o.Seed); err != nil {
		return nil, err
	}
	conf := fmt.Sprintf("name: %s\nurl: http://%s\nquotas: {bundles_a_day: 1000000, bytes_a_day: 1000000000000, waiting_uploads: 1000}\n", hubName, m.line.Addr())
	if err := errors.Join(os.MkdirAll(m.home(), 0o700), os.MkdirAll(m.dir(), 0o700), os.WriteFile(filepath.Join(m.dir(), "hub.yaml"), []byte(conf), 0o600)); err != nil {
		return nil, errors.Join(err, m.line.Close())
	}
	if err := m.start(ctx); err != nil {
		return nil, errors.Join(err, m.line.Close())
	}
	return m, nil
}

func (m *maker) dir() string  { return filepath.Join(m.o.Dir, "maker") }
func (m *maker) home() string { return filepath.Join(m.o.Dir, "home") }

func (m *maker) start(ctx context.Context) (err error) {
	if m.p, err = killtest.Start(ctx, served, m.home(), m.o.Binary, "hub", "--dir", m.dir(), "--listen", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("start the hub: %w", err)
	}
	_, port, _ := strings.Cut(m.p.Ready[1], ":")
	m.line.To("127.0.0.1:" + port)
	return nil
}

func (m *maker) kill() error {
	p := m.p
	m.p = nil
	return p.Kill()
}

func (m *maker) stop() error {
	p := m.p
	m.p = nil
	return p.Stop()
}

// close ends whatever runs still.
func (m *maker) close() error {
	var err error
	if m.p != nil {
		err = m.kill()
	}
	return errors.Join(err, m.line.Close())
}

// command runs a headrace command to its end and returns its standard output.
func (o *Options) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, o.Binary, args...)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(o.Dir, "home"), "TMPDIR="+filepath.Join(o.Dir, "home", "tmp"))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("headrace %s: %w: %s", strings.Join(args, " "), err, &said)
	}
	return out.Bytes(), nil
}

// contributor is an enterprise that has joined the hub.
type contributor struct {
	name string
	dir  string // its state folder; the edge's is below it
	*link.Membership
	ring *keyring.Ring
}

func (c *contributor) edgeDir() string { return filepath.Join(c.dir, "edge") }

// trust is whom a hub believes for this contributor.
func (c *contributor) trust() bundle.Trust {
	return bundle.NewTrust(bundle.TrustedKey{Name: c.name, Key: c.ring.Public()})
}

// join invites a contributor and joins in its name, with the commands that people use for it.
func (m *maker) join(ctx context.Context, name string) (*contributor, error) {
	out, err := m.o.command(ctx, "hub", "invite", "--dir", m.dir(), name)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(out), "#")
	words := strings.Fields(line) // headrace edge join URL CODE
	if len(words) != 5 {
		return nil, fmt.Errorf("the invite is %q", out)
	}
	c := &contributor{name: name, dir: filepath.Join(m.o.Dir, name)}
	if c.Membership, err = link.Join(ctx, c.edgeDir(), words[3], words[4], keyring.Signing{}); err != nil {
		return nil, err
	}
	c.ring, err = keyring.Open(filepath.Join(c.edgeDir(), "keys"))
	return c, err
}

// admitted is what the hub's own tables say that it took in. The hub may run.
func (m *maker) admitted(ctx context.Context) ([]sqlstore.AdmittedRow, error) {
	db, err := sqlstore.Open(ctx, filepath.Join(m.o.HubDir(), "hub.db"), sqlstore.RoleHub)
	if err != nil {
		return nil, err
	}
	rows, err := db.Admitted(ctx)
	return rows, errors.Join(err, db.Close())
}

// api is the address of a path of the hub's registry.
func (m *maker) api(path string, query ...string) string {
	u := url.URL{Scheme: "http", Host: m.line.Addr(), Path: path}
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}
