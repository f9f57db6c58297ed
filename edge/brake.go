// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// ApproveRelease lets a release decide that the policy asks a person about. Whoever says so has seen what it changes.
func (e *Edge) ApproveRelease(ctx context.Context, who, id string) error {
	row, err := e.releaseRow(ctx, id)
	if err != nil {
		return err
	}
	err = e.db.Noting(e.entry(ctx, who, "approve release", row.ID)).ApproveRelease(ctx, row.Hub, row.ID, who, e.cfg.Now())
	if errors.Is(err, sqlstore.ErrChanged) {
		return &episode.Problem{Code: "release/decided", Message: row.ID + " was approved before, or has gone back", Hint: "a release that has gone back stays so"}
	}
	if err != nil {
		return err
	}
	return e.arrange(context.WithoutCancel(ctx))
}

// PinRelease lets a release that is here decide for everybody, whatever hubs say, until [Edge.Unpin]. The policy must have a
// rule for its kind and hub; whoever pins it approves it.
func (e *Edge) PinRelease(ctx context.Context, who, id string) error {
	row, err := e.releaseRow(ctx, id)
	if err != nil {
		return err
	}
	if _, ok := e.policy().ReleaseRule(row.Kind, row.Hub); !ok {
		return &episode.Problem{Code: "release/no-rule", Message: fmt.Sprintf("the policy in force takes no releases of kind %s from %s", row.Kind, row.Hub), Hint: "add a rule below releases: and bring it in force: headrace policy propose FILE"}
	}
	b := sqlstore.Brake{Kind: row.Kind, Hub: row.Hub, ID: row.ID, Who: who, At: e.cfg.Now()}
	if err := e.db.Noting(e.entry(ctx, who, "pin release", row.ID)).SetBrake(ctx, b); err != nil {
		return err
	}
	return e.arrange(context.WithoutCancel(ctx))
}

// Unpin takes off what was pinned and stopped: from now on what hubs roll out decides, as the policy lets it. A release that was
// stopped stays back.
func (e *Edge) Unpin(ctx context.Context, who string) error {
	err := e.db.Noting(e.entry(ctx, who, "unpin releases", "")).LiftBrakes(ctx)
	if errors.Is(err, sqlstore.ErrChanged) {
		return &episode.Problem{Code: "release/not-pinned", Message: "nothing is pinned or stopped", Hint: "there is nothing to do"}
	}
	if err != nil {
		return err
	}
	return e.arrange(context.WithoutCancel(ctx))
}

// StopReleases takes the releases that decide now back at once, for good, and returns their ids. With all, nothing that hubs release
// decides from now on, until [Edge.Unpin].
func (e *Edge) StopReleases(ctx context.Context, who string, all bool) (ids []string, err error) {
	var stopped []*control
	for i := range e.force {
		f := e.force[i].Load()
		if f == nil {
			continue
		}
		switch {
		case f.pinned != nil:
			stopped = append(stopped, f.pinned)
		case f.new != nil:
			stopped = append(stopped, f.new)
		case f.base != nil:
			stopped = append(stopped, f.base)
		}
	}
	for _, c := range stopped {
		ids = append(ids, c.ID)
	}
	if all {
		err := e.db.Noting(e.entry(ctx, who, "stop all releases", strings.Join(ids, ", "))).SetBrake(ctx, sqlstore.Brake{Who: who, At: e.cfg.Now()})
		return ids, errors.Join(err, e.arrange(context.WithoutCancel(ctx)), e.StopAllInstructions(ctx, who, "stopped with all releases"))
	}
	if len(stopped) == 0 {
		return nil, &episode.Problem{Code: "release/none", Message: "no release decides anything here", Hint: "to take none from now on: headrace stop --all"}
	}
	pinned := false
	for _, c := range stopped {
		f := e.force[kindIndex(c.Kind)].Load()
		pinned = pinned || f != nil && f.pinned == c
		if err := c.hub.sendBack(ctx, who, sqlstore.Gone{ID: c.ID, Why: "stopped by " + who, Own: bundle.BackByPerson}); err != nil {
			return nil, err
		}
	}
	if pinned {
		if err := e.db.LiftBrakes(ctx); err != nil && !errors.Is(err, sqlstore.ErrChanged) {
			return nil, err
		}
	}
	return ids, e.arrange(context.WithoutCancel(ctx))
}

// sendBack takes a release back, for good. Where it is back already nothing is done.
func (h *hub) sendBack(ctx context.Context, who string, g sqlstore.Gone) error {
	g.Hub, g.At = h.link.Name, h.cfg.Now()
	err := h.db.Noting(h.entry(ctx, who, releaseBack, g.ID+": "+g.Why)).TakeReleaseBack(ctx, g)
	if errors.Is(err, sqlstore.ErrChanged) {
		return nil
	}
	return err
}

// tellBack tells the hub which of its releases were taken back here.
func (h *hub) tellBack(ctx context.Context) error {
	list, err := h.db.Untold(ctx, h.link.Name)
	errs := []error{err}
	for _, g := range list {
		err := h.link.TellBack(ctx, g.ID, g.Own)
		if err == nil {
			err = h.db.ToldGone(ctx, g.Hub, g.ID, h.cfg.Now())
		}
		errs = append(errs, err) // one word that the hub does not take keeps no other from it
	}
	return errors.Join(errs...)
}

// releaseBack is what the audit trail calls it that a release went back.
const releaseBack = "release back"

// releaseRow is a release that is here, by its id or as much of it as is of one alone.
func (e *Edge) releaseRow(ctx context.Context, id string) (sqlstore.PulledRelease, error) {
	rows, err := e.db.PulledReleases(ctx, "")
	if err != nil {
		return sqlstore.PulledRelease{}, err
	}
	var found []sqlstore.PulledRelease
	for _, r := range rows {
		if id != "" && strings.HasPrefix(r.ID, id) {
			found = append(found, r)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return sqlstore.PulledRelease{}, &episode.Problem{Code: "release/unknown", Message: fmt.Sprintf("%d releases here are called %q", len(found), id), Hint: "headrace release list shows those that are here"}
}

func kindIndex(k release.Kind) int {
	for i, other := range release.Kinds() {
		if other == k {
			return i
		}
	}
	return 0
}

// ReleaseState is a release that is here, and what it does.
type ReleaseState struct {
	ID, Kind, Hub string
	At            time.Time // when it was fetched
	State         string    // in words: it …
	decides       bool
}

// Releases are those that are here, newest first.
func (e *Edge) Releases(ctx context.Context) ([]ReleaseState, error) {
	rows, err := e.db.PulledReleases(ctx, "")
	if err != nil {
		return nil, err
	}
	brakes, err := e.db.Brakes(ctx)
	if err != nil {
		return nil, err
	}
	stopped := len(brakes) > 0 && brakes[0].Kind == ""
	var list []ReleaseState
	for _, r := range rows {
		s := ReleaseState{ID: r.ID, Kind: r.Kind, Hub: r.Hub, At: r.PulledAt, State: "is not in force"}
		f := e.force[kindIndex(release.Kind(r.Kind))].Load()
		is := func(c *control) bool { return c != nil && c.ID == r.ID && c.hub.link.Name == r.Hub }
		switch {
		case r.BackWhy != "" && (f == nil || !is(f.pinned)):
			s.State = "has gone back: " + r.BackWhy
		case stopped:
			s.State = "is stopped by " + brakes[0].Who
		case f == nil:
		case is(f.pinned) && f.pinned.broken.Load():
			s.State = "is pinned, and decides nothing any more, nor does another: " + failed + "; headrace pin --none ends that"
		case is(f.pinned):
			s.State, s.decides = "is pinned, and decides for everybody", true
		case f.pinned != nil:
		case is(f.new):
			s.decides = true
			s.State = fmt.Sprintf("decides for %g %% of the developers, channel %s", 100*release.Share(f.channel, f.rollout.Stage), f.channel)
		case is(f.base):
			s.State, s.decides = "decides for those whom no newer one has reached", true
		case f.rollout.Release == r.ID && f.waits != "":
			s.State = "waits: " + f.waits
		}
		list = append(list, s)
	}
	return list, nil
}
