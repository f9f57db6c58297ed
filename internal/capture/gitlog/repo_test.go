// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repo is a repository that a test writes commit by commit.
type repo struct {
	t   *testing.T
	dir string
	at  time.Time
}

func newRepo(t *testing.T) *repo {
	r := &repo{t, t.TempDir(), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	date := fmt.Sprintf("%d +0000", r.at.Unix())
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Miller", "GIT_AUTHOR_EMAIL=miller@example.com",
		"GIT_COMMITTER_NAME=Miller", "GIT_COMMITTER_EMAIL=miller@example.com", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// later lets time pass.
func (r *repo) later(d time.Duration) { r.at = r.at.Add(d) }

// write writes a file; an empty text removes it.
func (r *repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if text == "" {
		os.Remove(path)
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits all that was written, an hour later.
func (r *repo) commit(message string) string {
	r.t.Helper()
	r.later(time.Hour)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	r.later(time.Minute)
	return r.git("rev-parse", "HEAD")
}

// follow tells what became of suggestions by now.
func (r *repo) follow(list ...Suggestion) [][]Line {
	r.t.Helper()
	repo, err := Open(r.t.Context(), r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	h := History{Now: r.at.Unix()}
	if h.Main, err = repo.Main(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	p := NewPrinter([]byte("key"))
	if err := repo.Scan(r.t.Context(), time.Time{}, func(string) bool { return false }, func(c *Commit) error {
		h.Changes = append(h.Changes, p.Change(c))
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return Follow(&h, list)
}

func (r *repo) suggest(path, before, after string) Suggestion {
	s := NewPrinter([]byte("key")).Suggestion("/home/dev/mill/"+path, before, after)
	s.ID, s.Session, s.At = "s", "session", r.at.Unix()
	return s
}

const gate = `package gate

import "errors"

// Gate is a sluice gate.
type Gate struct {
	height int
}

// Raise raises the gate.
func (g *Gate) Raise(by int) error {
	if by < 0 {
		return errors.New("a gate is raised upwards")
	}
	g.height += by
	return nil
}
`

const lower = `
// Lower lowers the gate by so many notches, down to the sill.
func (g *Gate) Lower(notches int) error {
	if notches > g.height {
		return errors.New("the gate is on the sill already")
	}
	g.height -= notches
	recordLowering(g, notches)
	return nil
}
`

func fates(lines []Line, f func(Line) Fate) (s string) {
	for _, l := range lines {
		s += string("?VCD"[f(l)])
	}
	return s
}

func committed(l Line) Fate { return l.Committed }
func merged(l Line) Fate    { return l.Merged }
