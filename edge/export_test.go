// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/internal/sqlstore"
)

// The steps of a turn, so that tests can stop after each.

func (e *Edge) Assemble(ctx context.Context) error   { return e.assemble(ctx) }
func (e *Edge) Screen(ctx context.Context) error     { return e.screen(ctx) }
func (e *Edge) Pack(ctx context.Context) error       { return e.pack(ctx) }
func (e *Edge) Contribute(ctx context.Context) error { return e.contribute(ctx) }

// PackRows packs rows that were read before.
func PackRows(e *Edge, ctx context.Context, rows []sqlstore.OutboundRow) error {
	return e.packBundle(ctx, rows)
}

func (e *Edge) FetchCertificates(ctx context.Context) error { return e.fetchCertificates(ctx) }
