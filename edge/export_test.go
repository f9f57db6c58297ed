// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// The steps of a turn, so that tests can stop after each.

func (e *Edge) Assemble(ctx context.Context) error   { return e.assemble(ctx) }
func (e *Edge) Screen(ctx context.Context) error     { return e.screen(ctx) }
func (e *Edge) Pack(ctx context.Context) error       { return e.pack(ctx) }
func (e *Edge) Contribute(ctx context.Context) error { return e.hubs[0].contribute(ctx) }

// Stored returns all episodes as they rest, opened.
func (e *Edge) Stored(ctx context.Context) (all []*episode.Episode, err error) {
	list, _, err := e.db.ListEpisodes(ctx, sqlstore.EpisodeFilter{Limit: 1000})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	rows, err := e.db.EpisodesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		told, err := e.stored(ctx, rows[id])
		if err != nil {
			return nil, err
		}
		all = append(all, told.Episode())
	}
	return all, nil
}

// PackRows packs rows that were read before.
func PackRows(e *Edge, ctx context.Context, rows []sqlstore.OutboundRow) error {
	return e.hubs[0].packBundle(ctx, rows)
}

func (e *Edge) FetchCertificates(ctx context.Context) error { return e.hubs[0].fetchCertificates(ctx) }

// SendDocument signs a withdrawal and sends it into a contributor's repository, whatever it says.
func (e *Edge) SendDocument(ctx context.Context, contributor string, w bundle.Withdrawal) error {
	envelope, err := bundle.SealDocument(bundle.TypeWithdrawal, w, e.ring.Signing())
	if err != nil {
		return err
	}
	l := e.hubs[0].link
	repo, err := l.Repository(contributor + link.Withdrawals)
	if err != nil {
		return err
	}
	_, err = l.PushDocument(ctx, repo, bundle.TypeWithdrawal, envelope)
	return err
}

// BreakPinned makes the model of the pinned filter one that fails as soon as it is asked.
func (e *Edge) BreakPinned() {
	e.force[kindIndex(release.Filter)].Load().pinned.model = struct{ learn.Model }{}
}

// MostUnrecorded bounds how many decisions may wait for their row, before the edge runs: filling it up as it is takes minutes.
func (e *Edge) MostUnrecorded(n int64) { e.decisions.most = n }

// HoldTurns lets no turn begin until what it returns is called.
func (e *Edge) HoldTurns() func() {
	e.turning.Lock()
	return e.turning.Unlock
}
