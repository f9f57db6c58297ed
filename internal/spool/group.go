// SPDX-License-Identifier: Apache-2.0

package spool

import "sync"

// group lets concurrent callers share one commit. Whoever comes while nobody writes leads: it takes what waits, writes
// it in one transaction and answers all. While it writes, others gather; when it is done it hands the lead to the first
// of them. There is no goroutine to start or stop, and one caller alone pays no delay.
type group[T any] struct {
	max   int
	flush func([]T) error

	mu      sync.Mutex // guards what follows
	pending []*waiter[T]
	busy    bool
}

type waiter[T any] struct {
	v    T
	done chan error
	lead chan struct{}
}

func newGroup[T any](max int, flush func([]T) error) *group[T] {
	return &group[T]{max: max, flush: flush}
}

// do returns once v is committed, or was not.
func (g *group[T]) do(v T) error {
	w := &waiter[T]{v: v, done: make(chan error, 1), lead: make(chan struct{}, 1)}
	g.mu.Lock()
	g.pending = append(g.pending, w)
	if g.busy {
		g.mu.Unlock()
		select {
		case err := <-w.done:
			return err
		case <-w.lead:
		}
		g.mu.Lock()
	}
	g.busy = true
	// w is the first of pending: a leader is always the oldest that waits.
	n := min(len(g.pending), g.max)
	batch := g.pending[:n:n]
	g.pending = g.pending[n:]
	g.mu.Unlock()

	vs := make([]T, n)
	for i, b := range batch {
		vs[i] = b.v
	}
	err := g.flush(vs)
	for _, b := range batch {
		b.done <- err
	}

	g.mu.Lock()
	if len(g.pending) > 0 {
		g.pending[0].lead <- struct{}{}
	} else {
		g.busy = false
		g.pending = nil
	}
	g.mu.Unlock()
	return <-w.done
}
