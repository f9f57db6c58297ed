// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// recorded are scrubbed episodes for a policy to be tried on, and what lowers them.
type recorded struct {
	episodes iter.Seq2[*episode.Episode, error]
	lowerer  func(recipient string) (*consent.Lowerer, error)
	close    func()
}

// setsAside reports whether an error of episodes is of one record; the others end the reading.
func (recorded) setsAside(err error) bool {
	_, line := errors.AsType[*episode.LineError](err)
	return line || errors.Is(err, edge.ErrNotClean)
}

// recorded opens files of scrubbed episodes, - being standard input, or else what the edge in the state folder has.
func (e *env) recorded(files []string, config, key string) (recorded, error) {
	if len(files) == 0 {
		return e.recordedByEdge(config)
	}
	derive, err := e.deriveWith(key)
	if err != nil {
		return recorded{}, err
	}
	return recorded{close: func() {}, lowerer: func(to string) (*consent.Lowerer, error) { return consent.NewLowerer(to, derive) },
		episodes: func(yield func(*episode.Episode, error) bool) {
			for _, path := range files {
				if !e.readInto(path, yield) {
					return
				}
			}
		}}, nil
}

// readInto yields the episodes of a file, and reports whether more are wanted.
func (e *env) readInto(path string, yield func(*episode.Episode, error) bool) bool {
	in := e.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return yield(nil, fmt.Errorf("read episodes: %w", err))
		}
		defer f.Close()
		in = f
	}
	r := episode.NewReader(bufio.NewReader(in))
	for {
		ep, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return true
		case e.ctx.Err() != nil:
			return yield(nil, e.ctx.Err())
		case !yield(ep, err):
			return false
		}
	}
}

// recordedByEdge opens what the edge in the state folder has recorded and still has the raw text of: errInUse where it runs.
func (e *env) recordedByEdge(config string) (recorded, error) {
	f, joined, err := (&edgeCmd{Config: config}).read(e)
	if err != nil {
		return recorded{}, err
	}
	conf := edge.Config{Dir: f.Dir, Own: true} // headrace up's: of the developer who asks
	if len(joined) > 0 {
		if conf, err = f.Config(joined...); err != nil {
			return recorded{}, err
		}
	}
	ed, err := edge.OpenRecorded(e.ctx, conf)
	if err != nil {
		return recorded{}, err
	}
	return recorded{episodes: ed.Recorded(e.ctx), lowerer: ed.Lowerer, close: func() { ed.Close() }}, nil
}
