// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// control is a release that this edge may decide by.
type control struct {
	*release.Release
	hub     *hub
	model   learn.Model // nil for instructions
	payload []byte
	broken  atomic.Bool // its model failed: it decides nothing any more, unless a person pins it anew
}

// controlOf reads the payload. A model's file has its bounds ([learn.Decode]), and so has what it costs to ask it.
func controlOf(h *hub, r *link.Release) (*control, error) {
	c := &control{Release: r.Release, hub: h, payload: r.Payload}
	if r.Kind == release.Instructions {
		return c, nil
	}
	var err error
	if c.model, err = learn.Decode(r.Payload); err != nil {
		return nil, err
	}
	if learn.Chooses(c.model) == string(r.Kind) { // what it is called decides who must approve it
		return c, nil
	}
	return nil, &episode.Problem{Code: "release/other-kind", Message: fmt.Sprintf("release %s is called a %s and holds another kind of model", r.ID, r.Kind), Hint: "ask the hub's operator"}
}

// values are what each action is expected to be worth; ok is false where the model fails. A model that fails once decides nothing
// any more, and the next turn takes its release back.
func (c *control) values(into []float64, context map[string]any, actions []episode.Action) (values []float64, ok bool) {
	if c.broken.Load() {
		return into, false
	}
	defer func() {
		if recover() != nil {
			c.broken.Store(true)
			values, ok = into, false
		}
	}()
	return c.model.Values(into, context, actions), true
}

// Values are what each action is expected to be worth, none where the model fails.
func (c *control) Values(into []float64, context map[string]any, actions []episode.Action) []float64 {
	if values, ok := c.values(into, context, actions); ok {
		return values
	}
	return into[:0]
}

// force is what decides of a kind. It is never changed: another takes its place.
type force struct {
	rollout   release.Rollout
	digest    string // of the signed roll-out
	channel   string
	new, base *control // of those whom the roll-out has reached, and of the others; nil for none
	pinned    *control // of all, where a person said so
	pin       sqlstore.Brake
	waits     string // why new is not taken though it is here; empty where it is, or where none is
}

// of is the release that decides for a developer; nil for none: then all is as if Headrace were not there.
func (f *force) of(developer string) *control {
	switch {
	case f == nil:
		return nil
	case f.pinned != nil:
		return f.pinned
	case f.new != nil && f.rollout.Reaches(f.channel, developer):
		return f.new
	}
	return f.base
}

// words say for the audit trail what decides.
func (f *force) words() string {
	switch {
	case f == nil:
		return "none"
	case f.pinned != nil && !f.pin.Failed.IsZero():
		return "none: it is pinned to " + f.pinned.ID + ", and " + failed
	case f.pinned != nil:
		return "pinned to " + f.pinned.ID
	case f.new == nil && f.base == nil:
		return "none"
	case f.new == nil:
		return f.base.ID
	}
	words := fmt.Sprintf("%s for %g %% of the developers on channel %s", f.new.ID, 100*release.Share(f.channel, f.rollout.Stage), f.channel)
	if f.base != nil {
		words += ", " + f.base.ID + " for the others"
	}
	return words
}

// deciding is the release of a kind that decides for a developer, nil for none. It is read without a lock.
func (e *Edge) deciding(kind release.Kind, developer string) *control {
	return e.force[kindIndex(kind)].Load().of(developer)
}

// inForceRelease is what the audit trail calls it that what decides has changed.
const inForceRelease = "release in force"

// arrange works out what decides, from what hubs have signed, what the policy in force lets them, and what persons have decided.
func (e *Edge) arrange(ctx context.Context) error {
	e.arranging.Lock()
	defer e.arranging.Unlock()
	brakes, err := e.db.Brakes(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i, kind := range release.Kinds() {
		was := e.force[i].Load()
		is, err := e.forceOf(ctx, kind, was, brakes)
		if err != nil {
			errs = append(errs, fmt.Errorf("releases of kind %s: %w", kind, err))
			continue
		}
		if e.force[i].Store(is); e.arranged && was.words() != is.words() {
			errs = append(errs, e.db.Note(ctx, e.entry(ctx, "edge", inForceRelease, string(kind)+": "+is.words())))
		}
	}
	e.decisions.stopped.Store(len(brakes) > 0 && brakes[0].Kind == "")
	e.arranged = true
	return errors.Join(errs...)
}

func (e *Edge) forceOf(ctx context.Context, kind release.Kind, was *force, brakes []sqlstore.Brake) (*force, error) {
	pin := sqlstore.Brake{}
	for _, b := range brakes {
		switch b.Kind {
		case "":
			return nil, nil
		case string(kind):
			pin = b
		}
	}
	if e.PolicyHeld() != nil {
		return nil, nil // nobody knows what the rule is
	}
	policy := e.policy()
	for _, h := range e.hubs {
		if e.cfg.DecidesFrom != "" && h.link.Name != e.cfg.DecidesFrom || pin.Hub != "" && h.link.Name != pin.Hub || !h.link.Joined() {
			continue
		}
		rule, ok := policy.ReleaseRule(string(kind), h.link.Name)
		if !ok || rule.Key != "" && rule.Key != string(bundle.KeyIDOf(h.link.Public)) && rule.Key != h.link.Signer() {
			continue
		}
		if f, err := h.forceOf(ctx, kind, rule, was, pin); f != nil || err != nil {
			return f, err
		}
	}
	return nil, nil
}

// forceOf is what decides by a hub's word; nil where it has said nothing, or nothing that is taken.
func (h *hub) forceOf(ctx context.Context, kind release.Kind, rule consent.ReleaseRule, was *force, pin sqlstore.Brake) (*force, error) {
	f := &force{channel: h.channel(rule)}
	if pin.ID != "" {
		if was != nil && was.pin != pin {
			was = nil // who pins what has failed wants it to be tried anew
		}
		c, err := h.control(ctx, pin.ID, was)
		if c == nil {
			return nil, err
		}
		if f.pinned, f.pin = c, pin; !pin.Failed.IsZero() {
			c.broken.Store(true)
		}
		return f, err
	}
	last, err := h.lastRollout(ctx, kind)
	if err != nil || last.Sequence == 0 {
		return nil, err
	}
	f.rollout, f.digest = last.Rollout, last.Digest
	if last.State != release.Back {
		if f.new, f.waits, err = h.taken(ctx, last.Release, rule, was); err != nil {
			return nil, err
		}
	}
	if f.base, _, err = h.taken(ctx, last.Base, rule, was); err != nil {
		return nil, err
	}
	if f.new == nil && f.base == nil && f.waits == "" {
		return nil, nil
	}
	return f, nil
}

// channel is the one that is followed under a rule.
func (h *hub) channel(rule consent.ReleaseRule) string {
	channel := rule.Channel
	if channel == "" {
		channel = h.link.Channel
	}
	if channel == release.Early && h.standing.Load() != nil && *h.standing.Load() == release.Stable {
		return release.Stable
	}
	return channel
}

// lastRollout is the highest that the hub has shown us; the zero Rollout where it has shown none, or where what is stored does
// not verify.
func (h *hub) lastRollout(ctx context.Context, kind release.Kind) (r link.Rollout, err error) {
	row, err := h.db.LastRollout(ctx, h.link.Name, h.signer(), string(kind))
	if errors.Is(err, sqlstore.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	opened, err := h.link.OpenRollout(row.Envelope)
	if err != nil && row.Signer == "" {
		return r, nil // of a hub that had the name before
	}
	if err != nil {
		h.log.Warn("the stored roll-out does not verify; waiting for the hub's", "hub", h.link.Name, "err", err)
		return r, nil
	}
	return *opened, nil
}

// taken is a release if it may decide under a rule, else why it waits; neither where it is not to decide.
func (h *hub) taken(ctx context.Context, id string, rule consent.ReleaseRule, was *force) (c *control, waits string, err error) {
	if id == "" {
		return nil, "", nil
	}
	row, err := h.db.PulledRelease(ctx, h.link.Name, id)
	if errors.Is(err, sqlstore.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil || !row.BackAt.IsZero() {
		return nil, "", err
	}
	if until := row.PulledAt.Add(rule.Hold); h.cfg.Now().Before(until) {
		return nil, "it is held until " + until.UTC().Format("2006-01-02 15:04 UTC"), nil
	}
	if (rule.Person || release.Kind(row.Kind).NeedsPerson()) && row.ApprovedBy == "" {
		return nil, "a person must approve it", nil
	}
	c, err = h.control(ctx, id, was)
	return c, "", err
}

// control is a stored release of the hub, or nil where it does not verify any more.
func (h *hub) control(ctx context.Context, id string, was *force) (*control, error) {
	if was != nil {
		for _, c := range []*control{was.new, was.base, was.pinned} {
			if c != nil && c.ID == id && c.hub == h {
				return c, nil
			}
		}
	}
	row, err := h.db.PulledRelease(ctx, h.link.Name, id)
	if errors.Is(err, sqlstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := h.link.OpenRelease(row.Envelope, row.Payload, row.Gate)
	var c *control
	if err == nil {
		c, err = controlOf(h, r)
	}
	if err != nil {
		h.log.Warn("a stored release does not verify and decides nothing", "hub", h.link.Name, "release", id, "err", err)
		return nil, nil
	}
	return c, nil
}

// openReleases takes up what was in force before a restart. It was verified when it was stored, and is again.
func (e *Edge) openReleases(ctx context.Context) error {
	var errs []error
	for _, h := range e.hubs {
		errs = append(errs, h.readStanding(ctx))
	}
	return errors.Join(append(errs, e.arrange(ctx))...)
}
