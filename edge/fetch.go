// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
)

// fetch brings back what the hub has for us: what it passed on, withdrawals it has yet to certify, roll-outs with their releases, our
// statement. Each is verified before it is stored.
func (h *hub) fetch(ctx context.Context) error {
	return errors.Join(h.fetchOnward(ctx), h.fetchExpired(ctx), h.fetchReleases(ctx), h.fetchInstructions(ctx), h.fetchStatement(ctx))
}

// fetchReleases fetches what the policy has a rule for. Nothing else is.
func (h *hub) fetchReleases(ctx context.Context) error {
	var errs []error
	for _, kind := range release.Kinds() {
		if _, ok := h.policy().ReleaseRule(string(kind), h.link.Name); ok {
			errs = append(errs, h.fetchRollout(ctx, kind))
		}
	}
	return errors.Join(errs...)
}

// fetchRollout fetches the last roll-out of a kind and the releases that it names.
func (h *hub) fetchRollout(ctx context.Context, kind release.Kind) error {
	last, err := h.lastRollout(ctx, kind)
	if err != nil {
		return err
	}
	r, err := h.link.Rollout(ctx, kind, last)
	if err != nil || r == nil || r.Digest == last.Digest {
		return err
	}
	var rows []sqlstore.PulledRelease
	for _, id := range []string{r.Release, r.Base} {
		if id == "" || id == r.Release && r.State == release.Back {
			continue
		}
		row, err := h.fetchRelease(ctx, kind, id)
		if err != nil && r.State == release.Back {
			h.log.Error("what takes the place of a release that went back cannot be had, and nothing does", "hub", h.link.Name, "release", id, "err", err)
			continue // that it went back holds all the same
		}
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	db, gone, err := h.gone(ctx, kind, r)
	if err != nil {
		return err
	}
	return db.SaveRollout(ctx, sqlstore.PulledRollout{Hub: h.link.Name, Signer: h.signer(), Kind: string(kind), Sequence: r.Sequence, Envelope: r.Envelope, PulledAt: h.cfg.Now()}, gone, rows...)
}

// gone is what never decides again by a roll-out: what it takes back, and what was here and it names no more. The roll-out is stored
// with it, in the store that is returned and notes in the trail what is taken back.
func (h *hub) gone(ctx context.Context, kind release.Kind, r *link.Rollout) (db *sqlstore.DB, gone []sqlstore.Gone, err error) {
	db = h.db
	add := func(id, why string) {
		gone = append(gone, sqlstore.Gone{Hub: h.link.Name, ID: id, Why: why, At: h.cfg.Now()})
	}
	if r.State == release.Back {
		if was, err := h.db.IsGone(ctx, h.link.Name, r.Release); err != nil {
			return nil, nil, err
		} else if !was {
			db = db.Noting(h.entry(ctx, "hub "+h.link.Name, releaseBack, r.Release+": "+r.Why))
		}
		add(r.Release, r.Why)
	}
	here, err := h.db.PulledReleases(ctx, h.link.Name)
	for _, p := range here {
		if p.Kind == string(kind) && p.ID != r.Release && p.ID != r.Base {
			add(p.ID, "") // another has taken its place
		}
	}
	return db, gone, err
}

func (h *hub) fetchRelease(ctx context.Context, kind release.Kind, id string) (sqlstore.PulledRelease, error) {
	row, err := h.db.PulledRelease(ctx, h.link.Name, id)
	if !errors.Is(err, sqlstore.ErrNotFound) {
		return row, err
	}
	r, err := h.link.Release(ctx, id)
	if err == nil && r.Kind != kind {
		err = &episode.Problem{Code: "release/bad-manifest", Message: fmt.Sprintf("release %s of kind %s is rolled out as one of kind %s", id, r.Kind, kind), Hint: "ask the hub's operator"}
	}
	if err == nil {
		_, err = controlOf(h, r)
	}
	if err != nil {
		return row, err
	}
	return sqlstore.PulledRelease{Hub: h.link.Name, ID: id, Kind: string(kind), Envelope: r.Envelope, Payload: r.Payload, Gate: r.Gate, PulledAt: h.cfg.Now()}, nil
}

// Pull fetches the release of a kind that a hub rolls out, or nil where it rolls out none.
func Pull(ctx context.Context, l *link.Link, kind release.Kind) (*link.Release, *link.Rollout, error) {
	ro, err := l.Rollout(ctx, kind, link.Rollout{})
	if err != nil || ro == nil || ro.Release == "" || ro.State == release.Back {
		return nil, ro, err
	}
	r, err := l.Release(ctx, ro.Release)
	if err == nil {
		_, err = controlOf(nil, r)
	}
	if err != nil {
		return nil, ro, err
	}
	return r, ro, nil
}

func (h *hub) fetchStatement(ctx context.Context) error {
	signed, err := h.link.Statement(ctx)
	if err != nil || signed == nil {
		return err
	}
	if err := h.db.SaveStatement(ctx, sqlstore.Document{ID: episode.Digest(signed), Hub: h.link.Name, Envelope: signed, At: h.cfg.Now()}); err != nil {
		return err
	}
	return h.readStanding(ctx)
}

// readStanding takes up which channel the hub's last statement lets us follow.
func (h *hub) readStanding(ctx context.Context) error {
	docs, err := h.db.Statements(ctx)
	if err != nil || !h.link.Joined() {
		return err
	}
	for _, doc := range docs {
		var s value.Statement
		if doc.Hub != h.link.Name || h.link.Open(doc.Envelope, bundle.TypeStatement, &s) != nil {
			continue
		}
		h.standing.Store(&s.Channel)
		return nil
	}
	return nil
}
