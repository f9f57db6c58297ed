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

	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
)

const (
	// maxBehind is how many decisions may wait to be durable, and maxUnrecorded how many that are durable may wait for their row:
	// what is decided beyond gets no id, and nobody learns from it.
	maxBehind     = 1 << 14
	maxUnrecorded = 1 << 20
	// recordAt is how many that wait for their row become rows before the next turn. A minute's at once would keep a processor and
	// the store busy for seconds.
	recordAt = 2000
)

// decisionLog has the decisions that wait, and what it takes to make one.
type decisionLog struct {
	questions sync.Pool // of *question
	key       []byte    // by which chance draws
	mark      string    // that the ids of this edge's decisions begin with
	share     atomic.Uint64
	stopped   atomic.Bool // by headrace stop --all

	begun chan struct{} // something waits to be durable, or somebody for that
	many  chan struct{} // recordAt wait for their row

	mu     sync.Mutex      // guards what follows
	behind []byte          // records that wait to be durable, one after the other
	n      int             // how many
	told   []chan struct{} // closed when they are durable, or lost

	waits   sync.Mutex          // guards what follows
	waiting map[uint64]struct{} // durable, and of which there is no row yet: hashes of their ids
	durable atomic.Int64        // how many those are
	most    int64               // of them

	unlogged atomic.Int64 // answered without an id, and not said yet
}

func (d *decisionLog) open(ring *keyring.Ring, coarse consent.Coarsener) {
	d.questions.New = func() any { return newQuestion(coarse) }
	d.begun, d.many, d.waiting, d.most = make(chan struct{}, 1), make(chan struct{}, 1), map[uint64]struct{}{}, maxUnrecorded
	d.key = ring.Derive("explore")
	d.mark = "d_" + base32.StdEncoding.EncodeToString(ring.Derive("decisions")[:5])
}

// id makes a new one, in a buffer of the question. It begins with the mark of this edge; then come the time, so that rows come in the
// order of their ids, and 80 bits that nobody can guess.
func (d *decisionLog) id(q *question, now time.Time) []byte {
	binary.BigEndian.PutUint64(q.entropy[:], uint64(now.UnixMilli())<<16)
	rand.Read(q.entropy[6:])
	q.id = append(q.id[:0], d.mark...)
	q.id = base32.HexEncoding.WithPadding(base32.NoPadding).AppendEncode(q.id, q.entropy[:])
	return q.id
}

func (d *decisionLog) ours(id string) bool { return strings.HasPrefix(id, d.mark) }

// explore is the share of decisions that the policy in force leaves to chance; none where a person has stopped all releases.
func (d *decisionLog) explore() float64 {
	if d.stopped.Load() {
		return 0
	}
	return math.Float64frombits(d.share.Load())
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

// unrecorded is how many decisions are durable, and have no row yet.
func (d *decisionLog) unrecorded() int { return int(d.durable.Load()) }

// add takes in a record; false where the log is too far behind for more.
func (d *decisionLog) add(record []byte) bool {
	d.mu.Lock()
	if d.n >= maxBehind || d.durable.Load() >= d.most {
		d.mu.Unlock()
		d.unlogged.Add(1)
		return false
	}
	d.behind = append(d.behind, record...)
	d.n++
	first := d.n == 1
	d.mu.Unlock()
	if first {
		signal(d.begun)
	}
	return true
}

// take takes out what waits. The next records go where room is.
func (d *decisionLog) take(room []byte) (records []byte, n int, told []chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	records, n, told = d.behind, d.n, d.told
	d.behind, d.n, d.told = room[:0], 0, nil
	return records, n, told
}

// note notes that decisions are durable, or no longer wait for a row.
func (d *decisionLog) note(records []byte, waits bool) {
	d.waits.Lock()
	defer d.waits.Unlock()
	for r := range loggedIn(records) {
		if h := fnv(uint64(offset64), r.id); waits {
			d.waiting[h] = struct{}{}
		} else {
			delete(d.waiting, h)
		}
	}
	d.durable.Store(int64(len(d.waiting)))
}

// waitsForRow says that a decision is durable, and has no row yet.
func (d *decisionLog) waitsForRow(id string) bool {
	d.waits.Lock()
	defer d.waits.Unlock()
	_, waits := d.waiting[fnv(uint64(offset64), id)]
	return waits
}

// signal says something to whoever listens, or will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// logDecisions makes decisions durable, many with one fsync, until ctx ends; what waits then is written still. They rest
// in a spool of their own: a turn that holds the database keeps none of them waiting.
func (e *Edge) logDecisions(ctx context.Context) {
	d := &e.decisions
	var room []byte
	for ended := false; !ended; {
		select {
		case <-d.begun:
		case <-ctx.Done():
			ended = true
		}
		records, n, told := d.take(room)
		if err := e.keepDecisions(context.WithoutCancel(ctx), records); err != nil {
			// Nobody will learn from them: what comes of them is refused.
			e.log.Error("decision log", "err", err, "lost", n)
		}
		for _, c := range told {
			close(c)
		}
		if room = records; cap(room) > 4<<20 {
			room = nil // of a burst
		}
		select { // gather: durable well within 50 ms all the same
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// keepDecisions returns after the fsync.
func (e *Edge) keepDecisions(ctx context.Context, records []byte) error {
	if len(records) == 0 {
		return nil
	}
	sealed, err := e.sealFor(ctx, spoolDecisions, records)
	if err != nil {
		return err
	}
	// Noted before they are: a turn that reads the spool right after the fsync takes them out again.
	d := &e.decisions
	d.note(records, true)
	if err := e.decided.Append(sealed); err != nil {
		d.note(records, false)
		return err
	}
	if d.durable.Load() >= recordAt {
		signal(d.many)
	}
	return nil
}

// recordAhead makes rows of many decisions between turns, until ctx ends.
func (e *Edge) recordAhead(ctx context.Context) {
	for {
		select {
		case <-e.decisions.many:
		case <-ctx.Done():
			return
		}
		e.turning.Lock()
		if err := e.recordDecisions(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("decisions wait for their rows until the next turn", "err", err)
		}
		e.turning.Unlock()
	}
}

// recordDecisions makes rows of the decisions in the spool. No decision wakes a turn for it.
func (e *Edge) recordDecisions(ctx context.Context) error {
	if n := e.decisions.unlogged.Swap(0); n > 0 {
		e.log.Error("decisions were given out that are not logged, because the log is too far behind: nobody learns from them", "n", n)
		e.stats.SetAside.Add(n)
	}
	return e.drain(e.decided, func(payloads [][]byte, last uint64) error {
		today := day(e.cfg.Now())
		key, err := e.vault.inbox(ctx, today)
		if err != nil {
			return err
		}
		rows := make([]sqlstore.DecisionRow, 0, e.decisions.unrecorded())
		var opened [][]byte
		for _, sealed := range payloads {
			records, err := e.openFrom(ctx, spoolDecisions, sealed)
			if err == nil {
				records, err = recordsOf(records)
			}
			if err != nil && !errors.Is(err, errExpired) && !errors.Is(err, errDamaged) {
				return err
			}
			if err != nil {
				e.setAside("a part of the decision log is set aside", err)
				continue
			}
			opened = append(opened, records)
			room := make([]byte, 0, 2*len(records)) // for what is sealed: one piece of memory for many rows
			var r logged
			for rest := records; len(rest) > 0; {
				if rest = r.parse(rest); rest == nil {
					e.setAside("a part of the decision log is set aside", errDamaged)
					break
				}
				row := r.row()
				begin := len(room)
				room = key.Seal(binary.BigEndian.AppendUint64(room, uint64(today)), nil, r.asked, r.id)
				row.Sealed = room[begin:len(room):len(room)]
				rows = append(rows, row)
			}
		}
		if err := e.db.LogDecisions(ctx, rows, last); err != nil {
			return err
		}
		for _, records := range opened {
			e.decisions.note(records, false)
		}
		return nil
	})
}

// flushDecisions returns once all decisions that were given out before it are durable, or lost.
func (e *Edge) flushDecisions(ctx context.Context) error {
	d, done := &e.decisions, make(chan struct{})
	d.mu.Lock()
	d.told = append(d.told, done)
	d.mu.Unlock()
	signal(d.begun)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
