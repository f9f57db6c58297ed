// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
)

// asked is what rests sealed of a decision: what was asked, and what could have been done.
type asked struct {
	Kind          string           `json:"kind,omitempty"`
	Features      map[string]any   `json:"features,omitempty"`
	Actions       []episode.Action `json:"actions,omitempty"`
	Chosen        string           `json:"chosen,omitempty"`
	Authenticated bool             `json:"authenticated,omitempty"`
}

// logged is a decision on its way into the log; without an ID it only says that all before it are durable.
type logged struct {
	sqlstore.DecisionRow
	asked
	durable chan struct{}
}

// decisionLog has the decisions that wait, and what it takes to make one without a lock.
type decisionLog struct {
	queue   chan logged
	key     []byte // by which chance draws
	mark    string // that the ids of this edge's decisions begin with
	share   atomic.Uint64
	stopped atomic.Bool // by headrace stop --all

	mu      sync.Mutex
	waiting map[string]bool // durable, and of which there is no row yet
}

func (d *decisionLog) open(ring *keyring.Ring) {
	d.queue, d.waiting = make(chan logged, 1<<14), map[string]bool{}
	d.key = ring.Derive("explore")
	d.mark = "d_" + base32.StdEncoding.EncodeToString(ring.Derive("decisions")[:5])
}

// id is a new one. Its beginning says that it is this edge's.
func (d *decisionLog) id() string { return d.mark + rand.Text() }

func (d *decisionLog) ours(id string) bool { return strings.HasPrefix(id, d.mark) }

// explore is the share of decisions that the policy in force leaves to chance; none where a person has stopped all releases.
func (d *decisionLog) explore() float64 {
	if d.stopped.Load() {
		return 0
	}
	return math.Float64frombits(d.share.Load())
}

// unrecorded is how many decisions are durable, and have no row yet.
func (d *decisionLog) unrecorded() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.waiting)
}

// explores takes over what the policy in force says about exploration. Nothing is left to chance while it is not known which policy
// is in force.
func (e *Edge) explores() {
	share := 0.0
	if e.versions.held == nil && e.versions.force != nil {
		share = e.versions.force.Explore()
	}
	e.decisions.share.Store(math.Float64bits(share))
}

// logDecisions makes decisions durable, many with one fsync, until ctx ends; what waits then is written still. They rest
// in a spool of their own: a turn that holds the database keeps none of them waiting.
func (e *Edge) logDecisions(ctx context.Context) {
	for {
		select {
		case r := <-e.decisions.queue:
			e.logBatch(ctx, r)
			select { // gather: durable well within 50 ms all the same
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
		case <-ctx.Done():
			for {
				select {
				case r := <-e.decisions.queue:
					e.logBatch(ctx, r)
				default:
					return
				}
			}
		}
	}
}

// logBatch writes a decision and those behind it.
func (e *Edge) logBatch(ctx context.Context, first logged) {
	batch, told := make([]sqlstore.DecisionRow, 0, 1000), []chan struct{}(nil)
	take := func(d logged) {
		if d.durable != nil {
			told = append(told, d.durable)
			return
		}
		d.Sealed, _ = json.Marshal(d.asked) // numbers, bools and enums: no raw text; sealed with the row
		batch = append(batch, d.DecisionRow)
	}
	take(first)
	for more := true; more && len(batch) < 1000; {
		select {
		case d := <-e.decisions.queue:
			take(d)
		default:
			more = false
		}
	}
	if len(batch) > 0 {
		if err := e.keepDecisions(context.WithoutCancel(ctx), batch); err != nil {
			// Nobody will learn from them: what comes of them is refused.
			e.log.Error("decision log", "err", err, "lost", len(batch))
		}
	}
	for _, c := range told {
		close(c)
	}
}

// keepDecisions returns after the fsync.
func (e *Edge) keepDecisions(ctx context.Context, batch []sqlstore.DecisionRow) error {
	plain, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	sealed, err := e.sealFor(ctx, spoolDecisions, plain)
	if err != nil {
		return err
	}
	// Before they are: a turn that reads the spool right after the fsync takes them out again.
	d := &e.decisions
	d.mu.Lock()
	for i := range batch {
		d.waiting[batch[i].ID] = true
	}
	d.mu.Unlock()
	if err := e.decided.Append(sealed); err != nil {
		e.recorded(batch)
		return err
	}
	return nil
}

// recorded says that decisions wait no longer.
func (e *Edge) recorded(rows []sqlstore.DecisionRow) {
	e.decisions.mu.Lock()
	defer e.decisions.mu.Unlock()
	for i := range rows {
		delete(e.decisions.waiting, rows[i].ID)
	}
}

// recordDecisions makes rows of the decisions in the spool. No decision wakes a turn for it.
func (e *Edge) recordDecisions(ctx context.Context) error {
	return e.drain(e.decided, func(payloads [][]byte, last uint64) error {
		var rows []sqlstore.DecisionRow
		for _, sealed := range payloads {
			var batch []sqlstore.DecisionRow
			plain, err := e.openFrom(ctx, spoolDecisions, sealed)
			if err != nil && !errors.Is(err, errExpired) && !errors.Is(err, errDamaged) {
				return err
			}
			if err == nil {
				err = json.Unmarshal(plain, &batch)
			}
			if err != nil {
				e.setAside("a part of the decision log is set aside", err)
				continue
			}
			rows = append(rows, batch...)
		}
		today := day(e.cfg.Now())
		key, err := e.vault.inbox(ctx, today)
		if err != nil {
			return err
		}
		for i := range rows {
			dst := binary.BigEndian.AppendUint64(nil, uint64(today))
			rows[i].Sealed = key.Seal(dst, nil, rows[i].Sealed, []byte(rows[i].ID))
		}
		if err := e.db.LogDecisions(ctx, rows, last); err != nil {
			return err
		}
		e.recorded(rows)
		return nil
	})
}

// flushDecisions returns once all decisions that were given out before it are durable, or lost.
func (e *Edge) flushDecisions(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case e.decisions.queue <- logged{durable: done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
