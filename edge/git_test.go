// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
)

// clone is a git repository that a test works in.
type clone struct {
	l   *loop
	dir string
}

func (l *loop) clone() *clone {
	c := &clone{l, filepath.Join(l.dir, "mill")}
	l.ok(os.MkdirAll(c.dir, 0o755))
	c.git("init", "-q", "-b", "main")
	return c
}

func (c *clone) git(args ...string) {
	c.l.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	date := fmt.Sprintf("%d +0000", c.l.clock().Unix())
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Miller", "GIT_AUTHOR_EMAIL=miller@example.com",
		"GIT_COMMITTER_NAME=Miller", "GIT_COMMITTER_EMAIL=miller@example.com", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.l.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// commit writes a file and commits it.
func (c *clone) commit(message, name, text string) {
	c.l.t.Helper()
	c.l.ok(os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644))
	c.git("add", "-A")
	c.git("commit", "-q", "-m", message)
}

// tell tells the edge of the repository's commits, as the agent does.
func (c *clone) tell(e *edge.Edge) {
	c.l.t.Helper()
	clones := gitlog.NewClones(nil)
	clones.Add(c.dir)
	_, err := clones.Tell(c.l.t.Context(), c.l.clock(), func(ctx context.Context, body []byte) error {
		return e.ReceiveCommits(ctx, edge.Principal{Name: "ada", Authenticated: true}, body)
	})
	c.l.ok(err)
}

const (
	wheel = "package wheel\n\n// Turn turns the wheel.\nfunc Turn(w *Wheel) {\n\tw.angle++\n}\n"
	brake = "\n// Brake stops the wheel before the millrace freezes.\nfunc Brake(w *Wheel, force int) error {\n\tif force < w.momentum {\n\t\treturn errTooWeak\n\t}\n\tw.momentum = 0\n\treturn nil\n}\n"
)

func (l *loop) suggested(c *clone, e *edge.Edge, id string) {
	l.t.Helper()
	ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: id, StartedAt: l.clock(), EndedAt: l.clock(), Session: "s_" + id, Repository: c.dir,
		Tool: episode.Tool{Name: "claude-code", Surface: episode.SurfaceAgent}, Instruction: "let the wheel be stopped",
		Suggestions: []episode.Suggestion{{ID: "toolu_1", Step: -1, Kind: episode.KindEdit, Path: filepath.Join(c.dir, "wheel.go"), Language: "go", Before: "}\n", After: "}\n" + brake}},
		Decisions:   []episode.Decision{{Suggestion: "toolu_1", Verdict: episode.Accepted, By: episode.ByPerson, At: l.clock()}}}
	line, err := episode.Append(nil, ep)
	l.ok(err)
	_, err = e.Receive(l.t.Context(), edge.Principal{Name: "ada", Authenticated: true}, append(line, '\n'))
	l.ok(err)
}

func outcomes(ep *episode.Episode) (s string) {
	for _, o := range ep.Outcomes {
		s += fmt.Sprintf("%s%s=%.2f ", o.Kind, o.Window, o.Value)
	}
	return strings.TrimSpace(s)
}

func TestWhatWasCommittedIsAnOutcomeAndWhatWasEditedIsModified(t *testing.T) {
	for _, first := range []string{"the episode", "the commit"} {
		t.Run(first+" first", func(t *testing.T) {
			l := newLoop(t)
			e := l.edge("mill")
			c := l.clone()
			c.commit("begin", "wheel.go", wheel)
			l.pass(time.Minute)
			suggest := func() { l.suggested(c, e, "ep_1") }
			at := l.clock()
			if first == "the episode" {
				suggest()
				l.ok(e.Turn(t.Context()))
			}
			l.pass(time.Hour)
			c.commit("brake", "wheel.go", wheel+strings.Replace(brake, "force < w.momentum", "force+w.friction < w.momentum", 1))
			c.tell(e)
			l.ok(e.Turn(t.Context()))
			if first != "the episode" {
				now := l.clock()
				l.now.Store(at.UnixNano())
				suggest()
				l.now.Store(now.UnixNano())
				l.ok(e.Turn(t.Context()))
			}
			ep := l.stored(e, "ep_1")
			if got := outcomes(ep); got != "committed=1.00 merged=1.00" {
				t.Errorf("outcomes: %s", got)
			}
			d := ep.Decisions[0]
			if d.Verdict != episode.Modified || d.By != episode.ByPerson || !d.FinalAt.After(d.At) || d.EditDistance == nil || *d.EditDistance <= 0 || *d.EditDistance > 0.2 {
				t.Errorf("%+v", d)
			}
			if first == "the episode" && d.Final != "}\n"+strings.Replace(brake, "force < w.momentum", "force+w.friction < w.momentum", 1) {
				t.Errorf("final: %q", d.Final)
			}
			if ep.Links == nil || len(ep.Links.Commit) != 40 {
				t.Errorf("links: %+v", ep.Links)
			}
		})
	}
}

// stored is what the edge knows of an episode.
func (l *loop) stored(e *edge.Edge, id string) *episode.Episode {
	l.t.Helper()
	all, err := e.Stored(l.t.Context())
	l.ok(err)
	for _, ep := range all {
		if ep.ID == id {
			return ep
		}
	}
	l.t.Fatalf("%s is not stored", id)
	return nil
}

func TestTheEdgeFollowsRepositoriesOfItsOwn(t *testing.T) {
	l := newLoop(t)
	c := l.clone()
	c.commit("begin", "wheel.go", wheel)
	l.conf = func(cfg *edge.Config) { cfg.Repositories = []string{c.dir} }
	e := l.edge("mill")
	l.pass(time.Minute)
	l.suggested(c, e, "ep_1")
	l.turn(e)
	l.pass(time.Hour)
	c.commit("brake", "wheel.go", wheel+brake)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	for range 100 {
		if outcomes(l.stored(e, "ep_1")) != "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	cancel()
	<-done
	if got := outcomes(l.stored(e, "ep_1")); got != "committed=1.00 merged=1.00" {
		t.Errorf("outcomes: %s", got)
	}
}

// The windows pass after the raw text has gone, and what became of the lines leaves as an amendment.
func TestWhatIsStillThereAfterAMonthIsAnAmendment(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	c := l.clone()
	c.commit("begin", "wheel.go", wheel)
	l.pass(time.Minute)
	l.suggested(c, e, "ep_1")
	l.pass(time.Hour)
	c.commit("brake", "wheel.go", wheel+brake)
	c.tell(e)
	l.turn(e)
	l.turnHub()
	l.pass(8 * 24 * time.Hour)
	l.turn(e)
	c.commit("a smoother wheel", "wheel.go", wheel)
	c.tell(e)
	l.turn(e)
	l.pass(31 * 24 * time.Hour)
	l.turn(e)
	l.turnHub()
	var got []string
	for _, r := range l.atHub("mill") {
		if r.Amends != "" {
			got = append(got, outcomes(r))
		} else if r.Decisions[0].Verdict != episode.Accepted {
			t.Errorf("%+v", r.Decisions)
		}
	}
	if want := "kept1d=1.00 kept7d=1.00|kept30d=0.00"; strings.Join(got, "|") != want {
		t.Errorf("amendments: %q, want %q", got, want)
	}
}

func TestOfARepositoryThatIsOffNothingIsKept(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	c := l.clone()
	c.git("remote", "add", "origin", "https://git.example.com/mill/skunkworks.git")
	c.commit("begin", "wheel.go", wheel)
	c.tell(e)
	l.turn(e)
	l.close(e)
	repos, err := l.edgeDB("mill").ToFollow(t.Context(), l.clock().Add(time.Hour))
	l.ok(err)
	if len(repos) != 0 {
		t.Errorf("%+v", repos)
	}
}
