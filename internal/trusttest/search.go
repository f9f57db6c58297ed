// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/killtest"
	"github.com/headrace/headrace/internal/spool"
	"github.com/headrace/headrace/internal/sqlstore"
)

// SearchOptions says how much raw text is planted, and how often what holds it is killed on the way.
type SearchOptions struct {
	Options
	Canaries int // at least; 2,000
	Kills    int // of the edge, of the agent and of the hub together, while they work
}

// SearchReport is what came out.
type SearchReport struct {
	Planted int            // strings
	By      map[string]int // by way in
	Sealed  int            // raw texts that rest sealed in the edge's vault: what was planted has arrived
	Texts   int            // episodes of which clean text leaves
	Whole   int            // of them, those in which nothing was planted
	Bundles int            // that the hub has
	Left    map[string]int // records that it holds, by level
	Stopped int            // records that the edge found to hold what it was told of
	Waiting int            // records that hold it, too, and wait for a person
	Kills   int
	Files   int
	Bytes   int64
	Pages   map[string]int // by role and kind, each with the answer that it should have
	Found   []string       // where a planted string stands
}

// world is a developer's machine, an edge and a hub, each a process.
type world struct {
	o       SearchOptions
	hub     *maker
	c       *contributor
	edge    *killtest.Process
	agent   *killtest.Process
	devices string
	said    strings.Builder // of lives that are over
	listed  []string        // the canaries that the edge is told of
	rng     *rand.Rand
	report  SearchReport
}

// searched is the enterprise whose texts are planted.
const searched = "alder"

// searchPolicy lets numbers, masked code and clean text leave by themselves, each of its repositories.
const searchPolicy = `version: 1
recipients:
  - {name: ` + hubName + `, kind: own}
text:
  repositories: ["git.example/masked", "git.example/clean", "git.example/waits"]
  clean_batches: 1
rules:
  - {name: clean, when: "repository == 'git.example/clean'", level: clean, purposes: [evaluate], recipients: [` + hubName + `], retention_days: 30, approval: auto}
  - {name: waits, when: "repository == 'git.example/waits'", level: clean, purposes: [evaluate], recipients: [` + hubName + `], retention_days: 30, approval: steward}
  - {name: masked, when: "repository == 'git.example/masked'", level: masked, purposes: [evaluate], recipients: [` + hubName + `], retention_days: 30, approval: auto}
  - {name: signal, when: "true", level: signal, purposes: [evaluate], recipients: [` + hubName + `], retention_days: 30, approval: auto}
`

// Search plants strings at every way in, lets all of it go round, and looks for them wherever raw text may not rest or stand:
// each file of agent, edge and hub, their databases' logs, temporary files, what they print, pages, answers, and the dumps of
// processes that end by a fault.
func Search(ctx context.Context, o SearchOptions) (r SearchReport, err error) {
	if o.Canaries == 0 {
		o.Canaries = 2000
	}
	w := &world{o: o, rng: rand.New(rand.NewPCG(o.Seed, 9)), report: SearchReport{By: map[string]int{}, Left: map[string]int{}, Pages: map[string]int{}}}
	if w.hub, err = newMaker(ctx, o.Options); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for i, step := range []func(context.Context) error{w.begin, w.plant, w.allIsDone, w.askForPages, w.dump, w.search} {
		begin := time.Now()
		if err := step(ctx); err != nil {
			return w.report, err
		}
		o.log("%s: %v", []string{"joined and enrolled", "planted", "all went round", "pages asked for", "ended by faults", "searched"}[i], time.Since(begin).Round(time.Millisecond))
	}
	return w.report, nil
}

func (w *world) close() error {
	for _, p := range []*killtest.Process{w.agent, w.edge} {
		if p != nil {
			p.Kill() // gone already, where all went well
		}
	}
	return w.hub.close()
}

// begin joins, enrols and starts everything.
func (w *world) begin(ctx context.Context) (err error) {
	if w.c, err = w.hub.join(ctx, searched); err != nil {
		return err
	}
	w.list()
	if err := w.configure(); err != nil {
		return err
	}
	if w.devices, err = unused(); err != nil {
		return err
	}
	if err := w.startEdge(ctx); err != nil {
		return err
	}
	out, err := w.o.command(ctx, "edge", "invite", "--dir", w.c.dir, "ada")
	if err != nil {
		return err
	}
	line := strings.Fields(string(out)) // headrace agent enrol URL CODE
	if len(line) < 5 {
		return fmt.Errorf("the invite is %q", out)
	}
	if err := os.MkdirAll(w.machine(), 0o700); err != nil {
		return err
	}
	if _, err := w.o.command(ctx, append([]string{"--dir", w.machine()}, line[1:5]...)...); err != nil {
		return err
	}
	// An agent that finds nothing of a tool looks again after a minute only.
	return errors.Join(w.plantTranscript(ctx, -1), w.startAgent(ctx))
}

// configure writes what the edge reads.
func (w *world) configure() error {
	conf := "policy: policy.yaml\nsettle: 0s\naudited_batches: 5\n"
	if len(w.listed) > 0 {
		conf += "canaries: " + listedFile + "\n"
	}
	return errors.Join(os.WriteFile(filepath.Join(w.c.dir, "policy.yaml"), []byte(searchPolicy), 0o600),
		os.WriteFile(filepath.Join(w.c.dir, "edge.yaml"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(w.c.dir, listedFile), []byte(strings.Join(w.listed, "\n")+"\n"), 0o600))
}

func (w *world) machine() string { return filepath.Join(w.o.Dir, "machine") }

// home is the developer's: what tools keep there is not Headrace's, and holds raw text.
func (w *world) home() string { return filepath.Join(w.o.Dir, "developer") }

func (w *world) startEdge(ctx context.Context) (err error) {
	w.edge, err = killtest.Start(ctx, served, w.hub.home(), w.o.Binary, "edge", "--dir", w.c.dir, "--listen", "127.0.0.1:0", "--otlp", "none", "--devices", w.devices)
	return err
}

var recording = regexp.MustCompile(`recording what coding tools`)

func (w *world) startAgent(ctx context.Context) (err error) {
	w.agent, err = killtest.Start(ctx, recording, w.home(), w.o.Binary, "agent", "--dir", w.machine(), "--otlp", "none")
	return err
}

func (w *world) url() string {
	_, port, _ := strings.Cut(w.edge.Ready[1], ":")
	return "http://localhost:" + port
}

// kill kills one of the three and starts it again.
func (w *world) kill(ctx context.Context) error {
	w.report.Kills++
	switch w.report.Kills % 4 {
	case 0:
		w.said.WriteString(w.hub.p.Said())
		return errors.Join(w.hub.kill(), w.hub.start(ctx))
	case 1:
		w.said.WriteString(w.agent.Said())
		return errors.Join(w.agent.Kill(), w.startAgent(ctx))
	default:
		w.said.WriteString(w.edge.Said())
		return errors.Join(w.edge.Kill(), w.startEdge(ctx))
	}
}

// allIsDone waits until what was planted has been taken round: nothing waits in the spool, settles, or is still to be sent.
func (w *world) allIsDone(ctx context.Context) error {
	db, err := sqlstore.Open(ctx, filepath.Join(w.c.edgeDir(), "edge.db"), sqlstore.RoleEdge)
	if err != nil {
		return err
	}
	defer db.Close()
	left := ""
	for end := time.Now().Add(patience); time.Now().Before(end); sleep(ctx, 100*time.Millisecond) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if left, err = w.left(ctx, db); err != nil {
			return err
		}
		if left == "" {
			return w.arrived(ctx)
		}
	}
	return fmt.Errorf("after %v there is still work left: %s", patience, left)
}

func (w *world) left(ctx context.Context, db *sqlstore.DB) (string, error) {
	done, err := db.SpoolDone(ctx, "inbox")
	if err != nil {
		return "", err
	}
	waits, err := spool.Count(filepath.Join(w.c.edgeDir(), "inbox"), done)
	if err != nil || waits > 0 {
		return "intake", err
	}
	settled, err := db.Settled(ctx, time.Now(), sqlstore.EpisodeRow{}, 1)
	if err != nil || len(settled) > 0 {
		return "screening", err
	}
	packed, err := db.Bundles(ctx, "packed")
	if err != nil || len(packed) > 0 {
		return "sending", err
	}
	states, err := db.OutboundCounts(ctx)
	if err != nil || slices.ContainsFunc(states, func(c sqlstore.Count) bool { return c.Key == sqlstore.OutApproved && c.N > 0 }) {
		return "packing", err
	}
	// A transcript is one episode; the agent reads it when it looks again.
	n, err := count(ctx, filepath.Join(w.c.edgeDir(), "edge.db"), `SELECT COUNT(*) FROM episodes WHERE tool='claude-code' AND developer='ada'`)
	if err != nil || n < w.report.By["transcript of a tool"]/transcriptPlants {
		return fmt.Sprintf("%d transcripts are here", n), err
	}
	if n, err = count(ctx, filepath.Join(w.o.HubDir(), "hub.db"), `SELECT COUNT(*) FROM documents WHERE kind='snapshot'`); err != nil || n == 0 {
		return "curation", err // its page is looked at, too
	}
	return "", nil
}

// count asks a role's file one number.
func count(ctx context.Context, path, query string) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, errors.Join(err, db.Close())
}

// arrived counts what there is to be found, and what the hub has of it.
func (w *world) arrived(ctx context.Context) error {
	for n, query := range map[*int]string{
		&w.report.Sealed:  `SELECT COUNT(*) FROM raw`,
		&w.report.Stopped: `SELECT COUNT(*) FROM outbound WHERE state='refused' AND decided_by='canary check'`,
		&w.report.Waiting: `SELECT COUNT(*) FROM outbound WHERE state='waiting' AND rule='waits'`,
	} {
		var err error
		if *n, err = count(ctx, filepath.Join(w.c.edgeDir(), "edge.db"), query); err != nil {
			return err
		}
	}
	rows, err := eachRecord(ctx, w.o.HubDir(), func(_ sqlstore.AdmittedRow, line []byte) error {
		w.look("record at the hub, whose files are sealed", line)
		e, err := episode.Decode(line)
		if err == nil && e.Privacy == nil {
			err = errors.New("it has no level")
		}
		if err == nil {
			w.report.Left[string(e.Privacy.Level)]++
		}
		return err
	})
	w.report.Bundles = len(rows)
	return err
}

// dump ends agent and edge as a fault does, and the hub in order.
func (w *world) dump(context.Context) error {
	err := errors.Join(w.agent.Dump(), w.edge.Dump(), w.hub.p.Dump())
	w.said.WriteString(w.agent.Said() + w.edge.Said() + w.hub.p.Said())
	w.hub.p = nil
	if !strings.Contains(w.said.String(), "goroutine 1 ") {
		err = errors.Join(err, errors.New("a process that was to end by a fault has dumped nothing"))
	}
	return err
}

// search looks through what was printed and through each file but the tool's own.
func (w *world) search(ctx context.Context) error {
	w.look("printed by a process", []byte(w.said.String()))
	own := filepath.Join(w.home(), ".claude")
	return filepath.WalkDir(w.o.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == own {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		w.report.Files, w.report.Bytes = w.report.Files+1, w.report.Bytes+int64(len(b))
		if name, _ := filepath.Rel(w.o.Dir, path); name != "" {
			w.look(name, b)
		}
		return nil
	})
}

// look notes where a planted string stands.
func (w *world) look(where string, b []byte) {
	heads := []string{canaryHead, listedHead}
	if mayHoldListed(where) {
		heads = heads[:1]
	}
	for _, head := range heads {
		const most = 100
		if as, what := planted(head, b); as != "" && len(w.report.Found) < most {
			w.report.Found = append(w.report.Found, fmt.Sprintf("%s: %s, %q", where, as, what))
		}
	}
}

// planted looks for a canary as it stands, whatever its case, and as encodings write it, inside of compressed frames too.
func planted(head string, b []byte) (as, what string) {
	lower := bytes.ToLower(b)
	for _, f := range formsOf(head) {
		in := b
		if f.anyCase {
			in = lower
		}
		if i := bytes.Index(in, f.needle); i >= 0 {
			return f.name, string(b[max(0, i-40):min(len(b), i+60)])
		}
	}
	frame := []byte{0x28, 0xB5, 0x2F, 0xFD}
	for rest := b; ; {
		i := bytes.Index(rest, frame)
		if i < 0 {
			return "", ""
		}
		if raw, err := unpack(rest[i:]); err == nil || len(raw) > 0 {
			if as, what := planted(head, raw); as != "" {
				return as + ", compressed", what
			}
		}
		rest = rest[i+len(frame):]
	}
}
