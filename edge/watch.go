// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// heard is a decision and what was asked, as the log has both.
type heard struct {
	sqlstore.DecisionRow
	asked
}

// What a person says of what was shown, and what that is worth at once: the immediate reward.
const (
	toldTaken  = "taken"
	toldPassed = "passed"
	worthTaken = 0.75
	worthPass  = -0.25
)

// toldOf is what a person said of a decision; empty for nothing.
func toldOf(d *episode.Decision) string {
	switch {
	case d.By == episode.ByPerson && (d.Verdict == episode.Accepted || d.Verdict == episode.Modified):
		return toldTaken
	case d.By == episode.ByPerson && d.Verdict == episode.Rejected, d.Verdict == episode.Ignored && d.By != episode.ByRule:
		return toldPassed
	}
	return ""
}

// watching compares what is rolled out here with what it replaces. It is safe for concurrent use.
type watching struct {
	mu sync.Mutex
	of [3]*watched // by kind; nil where nothing is compared
}

// watched is a roll-out that is compared.
type watched struct {
	kind      release.Kind
	id        string // of the release
	new, base *control
	began     []time.Time // when its stages were seen here, from the first
	monitor   *release.Monitor
	values    [2][]float64
}

// made takes in decisions as they become rows, and tell what came of some. A kind that is not compared takes in nothing.
func (w *watching) made(list []heard) { w.each(list, (*watched).add) }
func (w *watching) tell(list []heard) { w.each(list, (*watched).tell) }

func (w *watching) each(list []heard, do func(*watched, *heard)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.of {
		for i := range list {
			if x != nil && x.concerns(&list[i]) {
				do(x, &list[i])
			}
		}
	}
}

// concerns says that a decision was made by one of the two since the roll-out began, and not by chance.
func (w *watched) concerns(d *heard) bool {
	base := ""
	if w.base != nil {
		base = w.base.ID
	}
	return d.Kind == string(w.kind) && !d.Explore && (d.Release == w.id || d.Release == base) && !d.At.Before(w.began[0])
}

func (w *watched) add(d *heard)  { k, s := w.seen(d); w.monitor.Add(k, s) }
func (w *watched) tell(d *heard) { k, s := w.seen(d); w.monitor.Tell(k, s) }

// seen is what a decision says, and where it is added: developers are compared within a stage.
func (w *watched) seen(d *heard) (int, release.Seen) {
	stage := 0
	for stage+1 < len(w.began) && !d.At.Before(w.began[stage+1]) {
		stage++
	}
	values, _ := w.new.values(w.values[0][:0], d.Features, d.Actions)
	isNew, isOld, chosen := learn.Greedy(values), 0, -1 // the first action is what the tool does by itself
	w.values[0] = values
	if w.base != nil {
		w.values[1], _ = w.base.values(w.values[1][:0], d.Features, d.Actions)
		isOld = learn.Greedy(w.values[1])
	}
	for i := range d.Actions {
		if d.Actions[i].ID == d.Chosen {
			chosen = i
		}
	}
	reward := 0.0
	switch d.Told {
	case toldTaken:
		reward = worthTaken
	case toldPassed:
		reward = worthPass
	}
	s := release.Saw(values, isNew, isOld, chosen, reward)
	s.Asked, s.Told, s.Taken = d.Shown, d.Told != "", d.Told == toldTaken
	return w.monitor.Cell(strconv.Itoa(stage), d.Developer, d.Release == w.id), s
}

// watchReleases looks at what is rolled out here, and takes back at once what surely does harm, or whose model has failed.
func (e *Edge) watchReleases(ctx context.Context) error {
	var errs []error
	for i, kind := range release.Kinds() {
		f := e.force[i].Load()
		if f == nil || f.new == nil || f.pinned != nil {
			e.watching.put(i, nil)
			continue
		}
		why := ""
		if f.new.broken.Load() {
			why = "its model failed"
		} else if kind != release.Instructions {
			look, err := e.lookAt(ctx, i, f)
			if err != nil {
				errs = append(errs, fmt.Errorf("watch %s: %w", f.new.ID, err))
				continue
			}
			if look.Harmful() {
				why = look.Harm()
			}
		}
		if why != "" {
			e.log.Warn("a release is taken back", "release", f.new.ID, "why", why)
			errs = append(errs, f.new.hub.sendBack(ctx, f.new.ID, "edge", why), e.arrange(ctx))
		}
	}
	return errors.Join(errs...)
}

func (w *watching) put(i int, x *watched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of[i] = x
}

// lookAt is what can be said of what is rolled out. What is compared is taken from the log when a roll-out begins, moves on, or the edge
// starts, and grows with the log from then on.
func (e *Edge) lookAt(ctx context.Context, i int, f *force) (release.Look, error) {
	e.watching.mu.Lock()
	defer e.watching.mu.Unlock()
	w := e.watching.of[i]
	began, err := e.stages(ctx, f)
	if err != nil || len(began) == 0 {
		return release.Look{}, err
	}
	if w == nil || w.new != f.new || w.base != f.base {
		w = &watched{kind: f.new.Kind, id: f.new.ID, new: f.new, base: f.base, began: began, monitor: release.NewMonitor(release.Watch{})}
		if err := e.read(ctx, w); err != nil {
			return release.Look{}, err
		}
		e.watching.of[i] = w
	}
	w.began = began
	return w.monitor.Look(), nil
}

// stages are the times at which the stages of what is rolled out were seen here, from the first.
func (e *Edge) stages(ctx context.Context, f *force) (began []time.Time, err error) {
	rows, err := e.db.Rollouts(ctx)
	for i := len(rows) - 1; i >= 0 && err == nil; i-- {
		if rows[i].Hub != f.new.hub.link.Name || rows[i].Kind != string(f.new.Kind) {
			continue
		}
		if on, opened := f.new.hub.link.OpenRollout(rows[i].Envelope); opened == nil && on.Release == f.new.ID {
			began = append(began, rows[i].PulledAt)
		}
	}
	return began, err
}

// read takes in what the log has since the roll-out began. What can no longer be read there is left out.
func (e *Edge) read(ctx context.Context, w *watched) error {
	const page = 5000
	at, id := w.began[0].Add(-time.Microsecond), ""
	for {
		rows, err := e.db.DecisionsFrom(ctx, at, id, page)
		if err != nil {
			return err
		}
		for _, row := range rows {
			at, id = row.At, row.ID
			q, err := e.question(ctx, row)
			if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
				continue
			}
			if err != nil {
				return err
			}
			if d := (heard{row, q}); w.concerns(&d) {
				w.add(&d)
			}
		}
		if len(rows) < page {
			return nil
		}
	}
}
