// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
	"github.com/headrace/headrace/internal/web"
)

// Releases returns what was fetched, newest first.
func (v View) Releases(ctx context.Context) ([]web.Release, error) {
	rows, err := v.db.PulledReleases(ctx, "")
	if err != nil {
		return nil, err
	}
	steps, err := v.db.Rollouts(ctx)
	if err != nil {
		return nil, err
	}
	states, err := v.Edge.Releases(ctx)
	if err != nil {
		return nil, err
	}
	var list []web.Release
	for _, r := range rows {
		h, err := v.hubOf(r.Hub)
		if err != nil {
			continue // of a hub whose key is not here any more
		}
		c, err := h.link.OpenRelease(r.Envelope, r.Payload, r.Gate)
		if err != nil { // of an earlier version, such as one before reports were of the format that they are: it decides nothing
			v.log.Warn("a stored release is not shown: it does not verify", "release", r.ID, "err", err)
			continue
		}
		rule, ruled := v.policy().ReleaseRule(r.Kind, r.Hub)
		rel := published.Release(c.Release, r.PulledAt, h.rolledOut(steps, c.Kind), nil, h.channel(rule), h.link.Signer())
		if rel.Hub = v.oneOf(r.Hub); r.BackWhy != "" {
			rel.State = "rolled back"
			if rel.RolledBack == nil {
				rel.RolledBack = &web.RolledBack{At: r.BackAt, Why: r.BackWhy, By: "the edge"}
			}
		}
		rel.Rule = "The policy in force has no rule for it: it is not taken."
		if ruled {
			rel.Rule = ruleWords(rule, h.channel(rule))
			rel.Asks = (rule.Person || c.Kind.NeedsPerson()) && c.Kind != release.Instructions && r.ApprovedBy == "" && r.BackAt.IsZero()
		}
		for _, s := range states {
			if s.ID == r.ID && s.Hub == r.Hub {
				rel.InUse, rel.Rule = s.decides, rel.Rule+" It "+s.State+"."
			}
		}
		list = append(list, rel)
	}
	return list, nil
}

// ruleWords say under which rule releases are taken.
func ruleWords(r consent.ReleaseRule, channel string) string {
	words := "The policy takes it on channel " + channel
	if r.Hold > 0 {
		words += fmt.Sprintf(", after %v", r.Hold)
	}
	if r.Person {
		words += ", once a person has approved it"
	}
	return words + "."
}

// rolledOut are the roll-outs of a kind that this hub has shown, newest first.
func (h *hub) rolledOut(rows []sqlstore.PulledRollout, kind release.Kind) (list []release.Rollout) {
	for _, row := range rows {
		if row.Hub != h.link.Name || row.Kind != string(kind) {
			continue
		}
		if r, err := h.link.OpenRollout(row.Envelope); err == nil {
			list = append(list, r.Rollout)
		}
	}
	return list
}

// Standing says what persons have decided of releases, for the pages.
func (v View) Standing(ctx context.Context) (st web.Standing, err error) {
	brakes, err := v.db.Brakes(ctx)
	for _, b := range brakes {
		if b.Kind == "" {
			st.Stopped, st.By, st.At = true, b.Who, b.At
		} else if failed := !b.Failed.IsZero(); st.Pinned == "" || failed && !st.Failed {
			if st.Pinned, st.Failed = b.ID, failed; !st.Stopped {
				st.By, st.At = b.Who, b.At
			}
		}
	}
	return st, err
}

// Pin pins a release; with an empty id what was pinned or stopped ends.
func (v View) Pin(ctx context.Context, who, id string) error {
	if id == "" {
		return v.Unpin(ctx, who)
	}
	return v.PinRelease(ctx, who, id)
}

// Approve lets a release decide that waits for a person. Instructions have a page of their own, with their diff.
func (v View) Approve(ctx context.Context, who, id string) error {
	return v.ApproveRelease(ctx, who, id)
}

// Stop takes no release from now on, or ends that.
func (v View) Stop(ctx context.Context, who string, stop bool) error {
	if !stop {
		return v.Unpin(ctx, who)
	}
	_, err := v.StopReleases(ctx, who, true)
	return err
}

// Statements returns what was fetched, newest first.
func (v View) Statements(ctx context.Context) ([]web.Statement, error) {
	docs, err := v.db.Statements(ctx)
	if err != nil {
		return nil, err
	}
	var list []web.Statement
	for _, doc := range docs {
		h, err := v.hubOf(doc.Hub)
		if err != nil {
			continue
		}
		var s value.Statement
		if err := h.link.Open(doc.Envelope, bundle.TypeStatement, &s); err != nil {
			return nil, err
		}
		shown := published.Statement(doc.ID, &s, h.link.Signer())
		shown.Hub = v.oneOf(doc.Hub)
		list = append(list, shown)
	}
	return list, nil
}

// Statement returns one.
func (v View) Statement(ctx context.Context, id string) (*web.Statement, error) {
	list, err := v.Statements(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, web.ErrNotFound
}

// Token is the secret that local tools send; TokenFile is where it is kept.
func (e *Edge) Token() (string, error) { return e.ring.Token() }

// Sessions keep who is signed in to the pages.
func (e *Edge) Sessions() access.Sessions { return e.db.Sessions(sqlstore.RoleEdge) }

// Dir is the edge's state folder.
func (e *Edge) Dir() string { return e.cfg.Dir }

// TokenFile is where the token is kept.
func (e *Edge) TokenFile() string { return e.ring.Dir + "/token" }
