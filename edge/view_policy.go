// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/web"
)

// Audit returns a page of the audit trail.
func (v View) Audit(ctx context.Context, f trail.Filter) (trail.Page, error) {
	return v.trail.Page(ctx, f)
}

// PolicyVersions returns all versions of the policy.
func (v View) PolicyVersions(ctx context.Context) (web.PolicyPage, error) {
	p := web.PolicyPage{TwoPeople: v.TwoPeople(), Differs: v.PolicyDiffers()}
	if err := v.PolicyHeld(); err != nil {
		p.Held, p.HeldHint = err.Error(), episode.HintOf(err)
	}
	rows, err := v.Policies(ctx)
	for _, r := range rows {
		p.Versions = append(p.Versions, shownVersion(r))
	}
	return p, err
}

func shownVersion(r sqlstore.PolicyRow) web.PolicyVersion {
	s := web.PolicyVersion{Version: r.Version, State: r.State, Looser: r.Looser, First: r.Base == 0, Digest: r.Digest, Why: r.Why,
		ProposedBy: r.ProposedBy, ProposedAt: r.ProposedAt, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt}
	for _, vote := range r.Votes {
		s.Yes = append(s.Yes, vote.Who)
	}
	return s
}

// tried is how many recorded episodes a version is tried on for a page: each has to be filtered first.
const tried = 300

// PolicyVersion returns one version, and, with try, what it would change for recorded episodes.
func (v View) PolicyVersion(ctx context.Context, version int64, try bool) (*web.PolicyView, error) {
	rows, err := v.Policies(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.PolicyRow) bool { return r.Version == version })
	if i < 0 {
		return nil, web.ErrNotFound
	}
	p := &web.PolicyView{PolicyVersion: shownVersion(rows[i]), TwoPeople: v.TwoPeople(), Policy: rows[i].Body}
	if p.State != sqlstore.PolicyProposed {
		return p, nil
	}
	changes, err := v.PolicyChanges(rows[i])
	if err != nil {
		return nil, err
	}
	p.Looser = consent.Looser(changes)
	for _, c := range changes {
		p.Changes = append(p.Changes, web.PolicyChange{Rule: c.Rule, What: c.What, Why: c.Why, Looser: c.Looser})
	}
	if try {
		next, err := consent.DecodePolicy([]byte(rows[i].Body))
		if err != nil {
			return nil, err
		}
		if p.Trial, err = v.try(ctx, next); err != nil {
			return nil, err
		}
	}
	return p, err
}

// try runs a policy over recorded episodes, beside the one in force. Nothing leaves, and no text is shown.
func (v View) try(ctx context.Context, next *consent.Policy) (*web.PolicyTrial, error) {
	t, err := consent.NewTrial(next, v.policy(), v.recipients(), v.Lowerer)
	if err != nil {
		return nil, err
	}
	shown := &web.PolicyTrial{All: true}
	for e, err := range v.Recorded(ctx) {
		if shown.Records == tried {
			shown.All = false
			break
		}
		shown.Records++
		if err == nil {
			err = v.tryOn(ctx, t, e)
		} else if errors.Is(err, ErrNotClean) {
			err = nil
			t.SetAside()
		}
		if err != nil {
			return nil, err
		}
	}
	report := t.Report()
	shown.SetAside = report.SetAside
	for _, m := range report.Changes {
		shown.Moved = append(shown.Moved, web.PolicyMove{How: m.How, Was: m.Was, Is: m.Is, Records: m.Records})
	}
	return shown, nil
}

// tryOn asks for one episode, with what its developer says.
func (v View) tryOn(ctx context.Context, t *consent.Trial, e *episode.Episode) error {
	q := consent.Request{Now: v.cfg.Now(), Audited: v.cfg.Audited}
	who := consent.DeveloperOf(e)
	said, err := v.db.PreferencesOf(ctx, who)
	if err != nil {
		return err
	}
	if said[who] != "" {
		if q.Preferences, err = consent.DecodePreferences([]byte(said[who])); err != nil {
			return err
		}
	}
	return t.Add(e, q)
}

// DecidePolicy says yes or no to a version that waits, in the name of who is signed in.
func (v View) DecidePolicy(ctx context.Context, version int64, choice web.Choice) error {
	if choice == web.Refuse {
		return v.RefusePolicy(ctx, version)
	}
	_, err := v.ApprovePolicy(ctx, version)
	return err
}
