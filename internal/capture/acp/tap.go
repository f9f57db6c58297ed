// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"bytes"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

const (
	maxQueued = 64 << 20 // bytes that a tap holds for the builder
	maxLine   = 32 << 20 // bytes of a message; a longer one is let go
)

// Tap makes episodes of copies of what two sides say to each other, at its own pace: [Tap.Copy] never waits. What there is
// no room for is let go and counted, and the rest goes on with the next message.
type Tap struct {
	more chan struct{} // something is queued, or it is closed

	mu     sync.Mutex // guards what follows
	queue  []piece
	bytes  int
	gap    [3]bool // the last piece of that side was let go
	lost   int
	closed bool
}

// piece is what one side wrote at a time: any part of its messages.
type piece struct {
	from Side
	at   time.Time
	b    []byte
	gap  bool // something is missing before it
}

// NewTap makes a tap.
func NewTap() *Tap { return &Tap{more: make(chan struct{}, 1)} }

// Copy takes what a side wrote. It keeps none of b.
func (t *Tap) Copy(from Side, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.bytes+len(b) > maxQueued {
		t.gap[from] = true
		t.lost++
		return
	}
	t.queue = append(t.queue, piece{from, time.Now(), bytes.Clone(b), t.gap[from]})
	t.bytes += len(b)
	t.gap[from] = false
	t.wake()
}

func (t *Tap) wake() {
	select {
	case t.more <- struct{}{}:
	default:
	}
}

// Close says that nothing follows.
func (t *Tap) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.wake()
}

// Lost is how many times something was let go.
func (t *Tap) Lost() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// next waits for the pieces that are queued; none where the tap is closed.
func (t *Tap) next() []piece {
	for {
		t.mu.Lock()
		queue, closed := t.queue, t.closed
		t.queue, t.bytes = nil, 0
		t.mu.Unlock()
		if len(queue) > 0 || closed {
			return queue
		}
		<-t.more
	}
}

// Run gives the episodes to keep as they end, until the tap is closed and all is read. A fault of ours ends it early; the
// conversation does not notice.
func (t *Tap) Run(command []string, keep func(*episode.Episode)) {
	defer t.Close()
	defer func() { _ = recover() }()
	b := NewBuilder(command)
	var lines [3]line
	for pieces := t.next(); len(pieces) > 0; pieces = t.next() {
		for _, p := range pieces {
			for raw := range lines[p.from].add(p.b, p.gap) {
				done, _ := b.Add(p.from, p.at, raw)
				for _, e := range done {
					keep(e)
				}
			}
		}
	}
	for _, e := range b.Close() {
		keep(e)
	}
}

// line gathers one side's messages from pieces of any size.
type line struct {
	buf  []byte
	skip bool // to the end of the line: its beginning is missing, or it is too long
}

// add gives each line that the piece completes.
func (l *line) add(b []byte, gap bool) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		if gap {
			l.buf, l.skip = nil, true
		}
		for {
			part, rest, ended := bytes.Cut(b, []byte{'\n'})
			if l.skip = l.skip || len(l.buf)+len(part) > maxLine; l.skip {
				l.buf = nil
			} else {
				l.buf = append(l.buf, part...)
			}
			if !ended {
				return
			}
			if !l.skip && len(bytes.TrimSpace(l.buf)) > 0 && !yield(l.buf) {
				return
			}
			if l.buf = l.buf[:0]; cap(l.buf) > 1<<20 {
				l.buf = nil
			}
			l.skip, b = false, rest
		}
	}
}
