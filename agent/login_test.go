// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/login"
	"github.com/headrace/headrace/internal/login/logintest"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// newMachineWithLogin is a machine whose edge has an identity provider.
func newMachineWithLogin(t *testing.T, every time.Duration) (*machine, *logintest.Provider) {
	t.Helper()
	p := logintest.New(t)
	return newMachineAt(t, edge.Config{OIDC: edge.OIDC{Issuer: p.URL, ClientID: p.ClientID, LoginEvery: every}}), p
}

func (m *machine) pin() string {
	m.t.Helper()
	pin, err := m.edge.LoginPin()
	m.ok(err)
	return pin
}

// login enrols with a login, and returns what the developer was shown.
func (m *machine) login(log *slog.Logger) (e *agent.Edge, shown []login.Ask, err error) {
	e, err = agent.EnrolByLogin(m.t.Context(), m.dir, m.url, m.pin(), func(a login.Ask) { shown = append(shown, a) }, log)
	return e, shown, err
}

// logged is a log that is read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// says waits until a log says something.
func (l *logged) says(t *testing.T, what string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(l.String(), what); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %q in:\n%s", what, l)
		}
	}
}

func TestADeveloperLogsInAndWhatTheirToolsWriteArrivesUnderTheirName(t *testing.T) {
	m, p := newMachineWithLogin(t, 0)
	m.prompts("s", 0, 2)
	e, shown, err := m.login(slog.New(slog.DiscardHandler))
	m.ok(err)
	if len(shown) != 1 || shown[0].Address != p.URL+"/device" || shown[0].Code == "" {
		t.Errorf("shown %+v", shown)
	}
	if e.Developer != "ada@example.com" || time.Until(e.LoginUntil) < 29*24*time.Hour || time.Until(e.Until()) > 7*24*time.Hour {
		t.Errorf("enrolled as %q; login good until %v, certificate until %v", e.Developer, e.LoginUntil, e.Until())
	}
	m.run(e, nil)
	m.arrived(2)
	page, err := edge.View{Edge: m.edge}.Episodes(t.Context(), web.EpisodeFilter{})
	m.ok(err)
	db, err := sqlstore.Open(t.Context(), filepath.Join(m.edge.Dir(), "edge.db"), sqlstore.RoleEdge)
	m.ok(err)
	defer db.Close()
	for _, r := range page.Rows {
		rows, err := db.EpisodesByID(t.Context(), []string{r.ID})
		if err != nil || rows[r.ID].Developer != "ada@example.com" {
			t.Errorf("%+v, %v", rows, err)
		}
	}
	tokens := p.Issued()
	if len(tokens) != 1 {
		t.Fatalf("%d tokens", len(tokens))
	}
	// Nowhere on disk is what proved the login: not its signature, nor what it says.
	for _, part := range strings.Split(tokens[0], ".")[1:] {
		for _, dir := range []string{m.dir, m.home, m.edge.Dir()} {
			m.ok(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				if bytes.Contains(b, []byte(part)) {
					t.Errorf("%s holds the token", path)
				}
				return err
			}))
		}
	}
}

func TestAFailedLoginLeavesTheMachineAsItIs(t *testing.T) {
	m, p := newMachineWithLogin(t, 0)
	quiet := slog.New(slog.DiscardHandler)
	_, _, err := m.login(quiet)
	m.ok(err)
	before, err := os.ReadFile(filepath.Join(m.dir, "edge.json"))
	m.ok(err)
	wrongPin := func() error {
		_, err := agent.EnrolByLogin(t.Context(), m.dir, m.url, strings.Repeat("A", 32), func(login.Ask) { t.Error("a stranger's edge has somebody log in") }, quiet)
		return err
	}
	again := func(change func(*logintest.Provider)) func() error {
		return func() error {
			p.Set(change)
			_, _, err := m.login(quiet)
			return err
		}
	}
	for _, c := range []struct {
		name string
		try  func() error
		code string
	}{
		{"another edge answers", wrongPin, "edge/unreachable"},
		{"half a pin", func() error {
			_, err := agent.EnrolByLogin(t.Context(), m.dir, m.url, "AAAA", nil, quiet)
			return err
		}, "enrol/pin"},
		{"not confirmed", again(func(p *logintest.Provider) { p.Say = []string{"access_denied"} }), "login/denied"},
		{"not verified", again(func(p *logintest.Provider) { p.Claims["email_verified"] = false }), "login/email-not-verified"},
		{"the provider is away", again(func(p *logintest.Provider) { p.Away = true }), "login/provider-away"},
		{"the edge is away", func() error { m.stop(); return again(func(p *logintest.Provider) { p.Away = false })() }, "edge/unreachable"},
	} {
		err := c.try()
		if !errors.Is(err, &episode.Problem{Code: c.code}) {
			t.Errorf("%s: %v", c.name, err)
		}
		if after, err := os.ReadFile(filepath.Join(m.dir, "edge.json")); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: edge.json has changed, or: %v", c.name, err)
		}
	}
}

func TestAnAgentSaysWhenToLogInAgainAndTakesUpTheLogin(t *testing.T) {
	m, _ := newMachineWithLogin(t, time.Hour)
	said := new(logged)
	e, _, err := m.login(slog.New(slog.NewTextHandler(said, nil)))
	m.ok(err)
	if left := time.Until(e.Until()); left > time.Hour {
		t.Errorf("the certificate outlasts the login by %v", left-time.Hour)
	}
	m.prompts("s", 0, 1)
	m.run(e, nil)
	said.says(t, "headrace agent enrol "+m.url+" --login "+m.pin())
	m.arrived(1) // it delivers as long as it may
	if n, err := m.edge.RevokeDevices(t.Context(), "ada@example.com"); n != 1 || err != nil {
		t.Errorf("%d certificates ended, %v", n, err)
	}
	m.prompts("s", 1, 2)
	time.Sleep(4 * time.Second) // it tries, in vain
	m.arrived(1)
	_, _, err = m.login(slog.New(slog.DiscardHandler)) // another process
	m.ok(err)
	m.arrived(2)
}

func TestACertificateThatHasEndedIsSaidToHaveEnded(t *testing.T) {
	m := newMachineAt(t, edge.Config{Now: func() time.Time { return time.Now().Add(-8 * 24 * time.Hour) }}) // that long ago
	said := new(logged)
	code, err := m.edge.InviteDevice(t.Context(), "ada")
	m.ok(err)
	e, err := agent.Enrol(t.Context(), m.dir, m.url, code, slog.New(slog.NewTextHandler(said, nil)))
	m.ok(err)
	m.prompts("s", 0, 1)
	pub, err := e.Public()
	m.ok(err)
	out, err := agent.OpenOutbox(m.dir, e, slog.New(slog.NewTextHandler(said, nil)))
	m.ok(err)
	defer out.Close()
	go out.Run(t.Context())
	go agent.Run(t.Context(), agent.Config{Dir: m.dir, Home: m.home, Getenv: func(string) string { return "" }, SealTo: pub, Send: out.Send})
	said.says(t, "certificate ended")
	if strings.Contains(said.String(), "does not answer") {
		t.Errorf("it asks an edge that cannot know it:\n%s", said)
	}
	for end := time.Now().Add(20 * time.Second); out.Waiting() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is kept")
		}
	}
}
