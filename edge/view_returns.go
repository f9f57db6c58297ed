// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/published"
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
	var list []web.Release
	for _, r := range rows {
		h, err := v.hubOf(r.Hub)
		if err != nil {
			continue // of a hub whose key is not here any more
		}
		c, err := h.link.OpenRelease(r.Envelope, r.Payload, r.Gate)
		if err != nil {
			return nil, err
		}
		on, err := h.lastRollout(ctx, c.Kind)
		if err != nil {
			return nil, err
		}
		rel := published.Release(c.Release, r.PulledAt, on.Rollout, h.link.Signer())
		if rel.Hub = v.oneOf(r.Hub); !r.BackAt.IsZero() {
			rel.State = "rolled back"
		}
		if f := v.force[kindIndex(c.Kind)].Load(); f != nil {
			for _, now := range []*control{f.pinned, f.new, f.base} {
				rel.InUse = rel.InUse || now != nil && now.hub == h && now.ID == c.ID
			}
		}
		list = append(list, rel)
	}
	return list, nil
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
