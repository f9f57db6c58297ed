// SPDX-License-Identifier: Apache-2.0

// Package agent is the role on a developer's machine: it finds the histories that coding tools keep there, reads them,
// and delivers episodes to an edge. It needs no administrator rights and holds no key of the enterprise.
//
// Start from [Find], which looks at names and sizes only, then [Agent.Read]. Reading is idempotent: an episode has the
// same id each time, so a history can be read again after it has grown. What cannot be read is set aside and told; the
// rest goes on.
package agent

import (
	"context"
	"errors"
	"sync"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
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
}

// Find looks below home for tool histories. The problems are of places that may not be looked into.
func Find(ctx context.Context, home string, getenv func(string) string) (*Agent, []error) {
	found, problems := tools.Find(ctx, home, getenv)
	a := &Agent{found: found}
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

// Read reads every history and delivers episodes as JSON Lines; deliver returns once they are durable. An error is the
// context's or deliver's: what cannot be read is noted in the history instead.
func (a *Agent) Read(ctx context.Context, deliver func(ctx context.Context, lines []byte) error) error {
	var buf []byte
	flush := func() error {
		if len(buf) == 0 {
			return nil
		}
		err := deliver(ctx, buf)
		buf = buf[:0]
		return err
	}
	for i, f := range a.found {
		for _, path := range f.Files {
			var failed error // deliver's word, which is not about the file
			_, err := capture.Read(ctx, tools.All(), "", path, func(e *episode.Episode) error {
				var err error
				if buf, err = episode.Append(buf, e); err != nil {
					return err
				}
				buf = append(buf, '\n')
				a.note(i, func(h *History) { h.Episodes++ })
				if len(buf) > deliverBytes {
					failed = flush()
				}
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
			a.note(i, func(h *History) {
				h.Read++
				if err != nil {
					h.Problem = err.Error()
				}
			})
		}
	}
	return flush()
}

var notHistory = &episode.Problem{Code: "capture/not-a-history"}
