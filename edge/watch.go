// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// What a person says of what was shown.
const (
	toldTaken  = "taken"
	toldPassed = "passed"
)

// toldOf is what a person said of a decision; empty for nothing.
func toldOf(d *episode.Decision) string {
	switch {
	case d.Verdict.Taken(d.By):
		return toldTaken
	case d.By == episode.ByPerson && d.Verdict == episode.Rejected, d.Verdict == episode.Ignored && d.By != episode.ByRule:
		return toldPassed
	}
	return ""
}

// watched is a roll-out that is compared: what was made until now, and what was made by the two so far.
type watched struct {
	new, base *control
	worth     release.Worth
	between   release.Comparison
	monitor   *release.Monitor
	at        time.Time // of the last decision that was taken in, and its id
	id        string
	began     map[int]bool // stages in which the new one has decided
}

// stage is a step of a roll-out as this edge has seen it.
type stage struct {
	release.Rollout
	seen time.Time
}

// take takes in a decision, if one of the two made it since the new one began to decide, and not by chance. Developers are compared within a
// stage: before the new one is here, or where a person has pinned something, there is nothing to compare.
func (w *watched) take(row *sqlstore.DecisionRow, q *asked, steps []stage, channel string) {
	base := ""
	if w.base != nil {
		base = w.base.ID
	}
	now, new := 0, row.Release == w.new.ID
	for now+1 < len(steps) && !row.At.Before(steps[now+1].seen) {
		now++
	}
	if q.Kind != string(w.new.Kind) || row.Explore || !new && row.Release != base || new != steps[now].Reaches(channel, row.Developer) {
		return
	}
	if w.began[now] = w.began[now] || new; !w.began[now] {
		return
	}
	s, ok := w.between.See(q.Features, q.Actions, q.Chosen)
	if !ok {
		return
	}
	switch s.Asked, s.Told, s.Taken = row.Shown, row.Told != "", row.Told == toldTaken; row.Told {
	case toldTaken:
		s.Reward = w.worth.Taken
	case toldPassed:
		s.Reward = w.worth.Passed
	}
	w.monitor.Add(w.monitor.Cell("", strconv.Itoa(now), row.Developer, new), s)
}

// failed is why a release goes back whose model failed.
const failed = "its model failed"

// watchReleases looks at what is rolled out here, and takes back at once what surely does harm, or whose model has failed.
func (e *Edge) watchReleases(ctx context.Context) error {
	var errs []error
	for i, kind := range release.Kinds() {
		f := e.force[i].Load()
		if f != nil && f.base != nil && f.base.broken.Load() {
			e.log.Warn("a release is taken back", "release", f.base.ID, "why", failed)
			errs = append(errs, f.base.hub.sendBack(ctx, "edge", sqlstore.Gone{ID: f.base.ID, Own: bundle.BackForFailing, Why: failed}), e.arrange(ctx))
			continue
		}
		if f != nil && f.pinned != nil && f.pinned.broken.Load() && f.pin.Failed.IsZero() {
			errs = append(errs, e.failPinned(ctx, f))
		}
		if f == nil || f.new == nil || f.pinned != nil {
			e.watching[i] = nil
			continue
		}
		gone := sqlstore.Gone{ID: f.new.ID}
		if f.new.broken.Load() {
			gone.Own, gone.Why = bundle.BackForFailing, failed
		} else if kind != release.Instructions {
			look, err := e.lookAt(ctx, i, f)
			if err != nil {
				errs = append(errs, fmt.Errorf("watch %s: %w", f.new.ID, err))
				continue
			}
			if look.Harmful() {
				gone.Own, gone.Why = bundle.BackForHarm, look.Harm()
			}
		}
		if gone.Own != "" {
			e.log.Warn("a release is taken back", "release", gone.ID, "why", gone.Why)
			errs = append(errs, f.new.hub.sendBack(ctx, "edge", gone), e.arrange(ctx))
		}
	}
	return errors.Join(errs...)
}

// failPinned says that the model of a pinned release has failed. Its pin stays, so that nothing that the person did not choose decides in its place.
func (e *Edge) failPinned(ctx context.Context, f *force) error {
	b := f.pin
	b.Failed = e.cfg.Now()
	e.log.Error("a pinned release decides nothing any more, nor does another in its place", "release", b.ID, "why", failed, "hint", "pin another, or none, or this one anew: headrace pin")
	if err := f.pinned.hub.sendBack(ctx, "edge", sqlstore.Gone{ID: b.ID, Own: bundle.BackForFailing, Why: failed}); err != nil {
		return err
	}
	err := e.db.Noting(e.entry(ctx, "edge", "pinned release failed", b.ID)).FailBrake(ctx, b)
	if err != nil && !errors.Is(err, sqlstore.ErrChanged) {
		return err
	}
	return e.arrange(ctx)
}

// lookAt is what can be said of what is rolled out. The log is read on from where it was read to; from the beginning of the roll-out where
// that moves on to another release, or the edge starts.
func (e *Edge) lookAt(ctx context.Context, i int, f *force) (release.Look, error) {
	steps, err := e.stages(ctx, f)
	if err != nil || len(steps) == 0 {
		return release.Look{}, err
	}
	worth := release.Worth{}
	if f.rollout.Worth != nil {
		worth = *f.rollout.Worth
	}
	w := e.watching[i]
	if w == nil || w.new != f.new || w.base != f.base || w.worth != worth {
		w = &watched{new: f.new, base: f.base, worth: worth, between: release.Comparison{New: f.new}, monitor: release.NewMonitor(release.Watch{}),
			at: steps[0].seen.Add(-time.Microsecond), began: map[int]bool{}}
		if f.base != nil {
			w.between.Old = f.base
		}
	}
	if !e.stuck { // else what came of decisions waits, and would be taken for silence
		if err := e.readOn(ctx, w, steps, f.channel); err != nil {
			e.watching[i] = nil
			return release.Look{}, err
		}
	}
	e.watching[i] = w
	look := w.monitor.Look()
	if f.rollout.Worth == nil {
		look.Difference = nil // what a decision is worth nobody here knows: the guardrails are what is watched
	}
	return look, nil
}

// stages are the steps of what is rolled out that were seen here, from the first.
func (e *Edge) stages(ctx context.Context, f *force) (steps []stage, err error) {
	rows, err := e.db.Rollouts(ctx)
	for i := len(rows) - 1; i >= 0 && err == nil; i-- {
		if rows[i].Hub != f.new.hub.link.Name || rows[i].Kind != string(f.new.Kind) {
			continue
		}
		if on, opened := f.new.hub.link.OpenRollout(rows[i].Envelope); opened == nil && on.Release == f.new.ID {
			steps = append(steps, stage{on.Rollout, rows[i].PulledAt})
		}
	}
	slices.SortStableFunc(steps, func(a, b stage) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for i := len(steps) - 2; i >= 0; i-- { // the clock may have gone back since
		if steps[i].seen.After(steps[i+1].seen) {
			steps[i].seen = steps[i+1].seen
		}
	}
	return steps, err
}

// readOn takes in what the log has of decisions that people have had the time to answer: of younger ones only what is told at once would
// be known. What can no longer be read there is left out.
func (e *Edge) readOn(ctx context.Context, w *watched, steps []stage, channel string) error {
	const page = 5000
	until := e.cfg.Now().Add(-patienceWithTools)
	for {
		rows, err := e.db.DecisionsFrom(ctx, w.at, w.id, page)
		if err != nil {
			return err
		}
		for i := range rows {
			if !rows[i].At.Before(until) {
				return nil
			}
			w.at, w.id = rows[i].At, rows[i].ID
			q, err := e.question(ctx, rows[i])
			if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
				continue
			}
			if err != nil {
				return err
			}
			w.take(&rows[i], &q, steps, channel)
		}
		if len(rows) < page {
			return nil
		}
	}
}
