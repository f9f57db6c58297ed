// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// Sessions keep who is signed in to the pages.
func (h *Hub) Sessions() access.Sessions { return h.db.Sessions(sqlstore.RoleHub) }

// only is the one contributor of which a request may see anything; empty where it may see all. A contributor's people see what
// the hub's log, receipts and statements tell their edge as well, and nothing that others' data went into but the releases.
func only(ctx context.Context) string {
	p, _ := access.Of(ctx)
	return p.Contributor
}

// statements are those that a request may see.
func (v View) statements(ctx context.Context) ([]sqlstore.DocumentRow, error) {
	if c := only(ctx); c != "" {
		return v.db.DocumentsOf(ctx, sqlstore.DocStatement, c)
	}
	return v.db.Documents(ctx, sqlstore.DocStatement)
}

// stagesOf are the stages as one contributor's people see them: what came from it, what was released, what it was worth.
func (v View) stagesOf(ctx context.Context, contributor string) ([]web.Stage, error) {
	stage := func(name, unit string) web.Stage { return web.Stage{Name: name, Unit: unit, Health: web.HealthIdle} }
	admitted, err := v.db.AdmittedOf(ctx, contributor)
	if err != nil {
		return nil, err
	}
	intake := stage("intake", "bundles")
	for _, a := range admitted {
		intake.Count, intake.Last, intake.Health = intake.Count+1, a.AdmittedAt, web.HealthOK
	}
	list := []web.Stage{intake}
	for _, s := range []struct {
		name, unit string
		docs       func() ([]sqlstore.DocumentRow, error)
	}{
		{"release", "releases", func() ([]sqlstore.DocumentRow, error) { return v.db.Documents(ctx, sqlstore.DocRelease) }},
		{"value", "statements", func() ([]sqlstore.DocumentRow, error) { return v.statements(ctx) }},
	} {
		docs, err := s.docs()
		if err != nil {
			return nil, err
		}
		st := stage(s.name, s.unit)
		if len(docs) > 0 {
			st.Count, st.Last, st.Health = len(docs), docs[0].MadeAt, web.HealthOK
		}
		list = append(list, st)
	}
	return list, nil
}
