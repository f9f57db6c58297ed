// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

// Run turns whenever something arrives, and at least once a minute, until ctx ends. What fails is logged and tried again.
func (e *Edge) Run(ctx context.Context) error {
	if e.keyless != nil {
		return e.keyless
	}
	var wg sync.WaitGroup
	wg.Go(func() { e.logDecisions(ctx) })
	wg.Go(func() { e.recordAhead(ctx) })
	wg.Go(func() { e.mirror(ctx) })
	wg.Go(func() { e.poll(ctx) })
	wg.Go(func() { e.trail.Run(ctx) })
	wg.Go(func() { e.listen(ctx) })
	defer wg.Wait()
	wait := time.Minute
	for {
		if err := e.Turn(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("turn", "err", err, "hint", episode.HintOf(err))
		}
		wait = e.patience(ctx, wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.wake:
			e.gather(ctx)
		case <-time.After(wait):
		}
	}
}

// patience is how long to wait before the next turn: a minute, but less at first while a hub owes us an answer.
func (e *Edge) patience(ctx context.Context, last time.Duration) time.Duration {
	owed := false
	for _, h := range e.hubs {
		if h.link.Joined() && !owed {
			var err error
			if owed, err = e.db.Owed(ctx, h.link.Name); err != nil {
				return time.Minute
			}
		}
	}
	switch {
	case !owed:
		return time.Minute
	case last == time.Minute:
		return 2 * time.Second
	}
	return min(3*last, 59*time.Second)
}

const (
	quiet   = 300 * time.Millisecond // without anything arriving, a burst is over
	patient = 20 * time.Second       // and this is how long one may last before it is taken up all the same
)

// gather lets a burst come in before it is assembled: intake and assembly share processors and the store's one writer,
// and a tool that waits for its acknowledgement comes first.
func (e *Edge) gather(ctx context.Context) {
	for end := time.Now().Add(patient); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
			select { // not at every arrival: the channel would be all this loop does
			case <-ctx.Done():
				return
			case <-time.After(quiet / 3):
			}
		case <-time.After(quiet):
			return
		}
	}
}

// Wake asks Run for a turn soon.
func (e *Edge) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
