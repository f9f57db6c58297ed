// SPDX-License-Identifier: Apache-2.0

// Package agent is the role on a developer's machine: it finds the histories that coding tools keep there, reads them,
// and delivers episodes to an edge. It needs no administrator rights and holds no key of the enterprise.
//
// [Find] looks at names and sizes only, and [Agent.Read] reads all of it once. [Run] stays: it follows the histories as
// they grow, picks up what tools tell their hooks and send as telemetry, and hands everything, sealed to the edge's key, to
// an [Outbox] or to an edge in the same process. Reading is idempotent: an episode has the same id each time. What cannot
// be read is set aside and told; the rest goes on.
package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/rules"
	"github.com/headrace/headrace/internal/capture/tools"
)

// History is the history of one tool on this machine, and how far it is read.
type History struct {
	Tool     string
	Files    int
	Bytes    int64
	Read     int // files read
	Episodes int
	// Problem says why some of it could not be read; empty when all was.
	Problem string
}

// Agent reads the histories of one machine. It is safe for concurrent use.
type Agent struct {
	found []tools.Found

	mu   sync.Mutex // guards list
	list []History

	read   map[string]stamp // what was read, as it looked before
	clones *gitlog.Clones
	rules  *rules.Finder
}

// Find looks below home for tool histories. The problems are of places that may not be looked into.
func Find(ctx context.Context, home string, getenv func(string) string) (*Agent, []error) {
	found, problems := tools.Find(ctx, home, getenv)
	a := &Agent{found: found, read: map[string]stamp{}, clones: gitlog.NewClones(nil), rules: rules.New(home, getenv)}
	for _, f := range found {
		a.list = append(a.list, History{Tool: f.Tool, Files: len(f.Files), Bytes: f.Bytes})
	}
	return a, problems
}

// Histories returns what was found, with progress.
func (a *Agent) Histories() []History {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]History(nil), a.list...)
}

func (a *Agent) note(tool int, f func(*History)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.list[tool])
}

// deliverBytes is how much is gathered before it is delivered.
const deliverBytes = 4 << 20

// delivery gathers episodes as JSON Lines.
type delivery struct {
	ctx     context.Context
	deliver func(ctx context.Context, lines []byte) error
	buf     []byte
}

func (d *delivery) add(line []byte) error {
	if d.buf = append(append(d.buf, line...), '\n'); len(d.buf) > deliverBytes {
		return d.flush()
	}
	return nil
}

func (d *delivery) flush() error {
	if len(d.buf) == 0 {
		return nil
	}
	err := d.deliver(d.ctx, d.buf)
	d.buf = d.buf[:0]
	return err
}

// Read reads every history once and delivers episodes as JSON Lines; deliver returns once they are durable. An error is
// the context's or deliver's: what cannot be read is noted in the history instead.
func (a *Agent) Read(ctx context.Context, deliver func(ctx context.Context, lines []byte) error) error {
	d := delivery{ctx: ctx, deliver: deliver}
	for i, f := range a.found {
		for _, path := range f.Files {
			before, _ := look(path)
			var failed error // deliver's word, which is not about the file
			_, err := capture.Read(ctx, tools.All(), "", path, func(e *episode.Episode) error {
				a.rules.Add(ctx, e)
				line, err := episode.Append(nil, e)
				if err != nil {
					return err
				}
				a.clones.AddWork(e)
				a.note(i, func(h *History) { h.Episodes++ })
				failed = d.add(line)
				return failed
			})
			if failed != nil {
				return failed
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err == nil || errors.Is(err, notHistory) {
				err = nil // a file among a tool's own that is none of its histories: settings, an index
			}
			a.read[path] = before
			a.note(i, func(h *History) {
				h.Read++
				if err != nil {
					h.Problem = err.Error()
				}
			})
		}
	}
	return d.flush()
}

// Commits sends the commits of the repositories that the histories name, in the form that an edge takes; send returns once
// they are durable. Of what cannot be read nothing is sent.
func (a *Agent) Commits(ctx context.Context, send func(ctx context.Context, body []byte) error) error {
	_, err := a.clones.Tell(ctx, time.Now(), send)
	return err
}

var notHistory = &episode.Problem{Code: "capture/not-a-history"}
