// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// control is a release in force: what a tool's lever is moved by.
type control struct {
	release *release.Release
	filter  *learn.Filter
	digest  string // of the artifact it came in
}

// fetch brings back what the hub has for us: what it passed on, withdrawals it has yet to certify, the release of our channel, our
// statement. Each is verified before it is stored.
func (h *hub) fetch(ctx context.Context) error {
	return errors.Join(h.fetchOnward(ctx), h.fetchExpired(ctx), h.fetchRelease(ctx), h.fetchStatement(ctx))
}

func (h *hub) fetchRelease(ctx context.Context) error {
	known, channel := "", h.link.Channel
	if c := h.current.Load(); c != nil {
		known = c.digest
	}
	r, err := h.link.Release(ctx, channel, known)
	if err != nil {
		return err
	}
	if r == nil {
		// None yet, or the last was retired: show everything, as if Headrace were not there, after a restart too.
		if h.current.Swap(nil) != nil {
			return h.db.DropReleases(ctx, h.link.Name)
		}
		return nil
	}
	if r.Digest == known {
		return nil
	}
	c, err := controlOf(r)
	if err != nil {
		return fmt.Errorf("release in channel %s: %w", channel, err)
	}
	err = h.db.SaveRelease(ctx, sqlstore.PulledRelease{ID: r.ID, Hub: h.link.Name, Channel: channel, Envelope: r.Envelope, Model: r.Model, Gate: r.Gate, PulledAt: h.cfg.Now()})
	if err != nil {
		return err
	}
	h.current.Store(c)
	return nil
}

func controlOf(r *link.Release) (*control, error) {
	c := &control{release: r.Release, filter: new(learn.Filter), digest: r.Digest}
	return c, c.filter.UnmarshalBinary(r.Model)
}

// Pull fetches the release that a channel of a hub offers, or nil where it offers none.
func Pull(ctx context.Context, l *link.Link, channel string) (*link.Release, error) {
	r, err := l.Release(ctx, channel, "")
	if err != nil || r == nil {
		return nil, err
	}
	if _, err := controlOf(r); err != nil {
		return nil, fmt.Errorf("release in channel %s: %w", channel, err)
	}
	return r, nil
}

// loadReleases takes up the releases that were in force before a restart.
func (e *Edge) loadReleases(ctx context.Context) error {
	var errs []error
	for _, h := range e.hubs {
		errs = append(errs, h.loadRelease(ctx))
	}
	return errors.Join(errs...)
}

// loadRelease takes up the release that was in force before a restart. It was verified when it was stored.
func (h *hub) loadRelease(ctx context.Context) error {
	list, err := h.db.PulledReleases(ctx, h.link.Name)
	if err != nil || len(list) == 0 || list[0].Channel == "" || !h.link.Joined() {
		return err
	}
	r, err := h.link.OpenRelease(list[0].Envelope, list[0].Model, list[0].Gate)
	var c *control
	if err == nil {
		c, err = controlOf(r)
	}
	if err != nil {
		h.log.Warn("the stored release does not verify; waiting for the hub's", "hub", h.link.Name, "err", err)
		return nil
	}
	h.current.Store(c)
	return nil
}

// inForce is the release that decides what is shown, and the channel it came by: that of the hub that is configured, else of the first
// that has one; nil for none.
func (e *Edge) inForce() (*control, string) {
	for _, h := range e.hubs {
		if e.cfg.DecidesFrom != "" && h.link.Name != e.cfg.DecidesFrom {
			continue
		}
		if c := h.current.Load(); c != nil {
			return c, h.link.Channel
		}
	}
	return nil, ""
}

func (h *hub) fetchStatement(ctx context.Context) error {
	signed, err := h.link.Statement(ctx)
	if err != nil || signed == nil {
		return err
	}
	return h.db.SaveStatement(ctx, sqlstore.Document{ID: episode.Digest(signed), Hub: h.link.Name, Envelope: signed, At: h.cfg.Now()})
}
