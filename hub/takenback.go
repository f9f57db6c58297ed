// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// admitTakenBack keeps a contributor's word that one of our releases decides nothing there any more. Said again it changes nothing.
func (h *Hub) admitTakenBack(ctx context.Context, contributor, digest string) error {
	envelope, payload, err := h.document(ctx, contributor, digest, bundle.TypeTakenBack)
	if err != nil {
		return err
	}
	var t bundle.TakenBack
	if err := bundle.DecodeDocument(payload, &t); err != nil {
		return err
	}
	if t.Contributor != contributor || t.Recipient != h.cfg.Name {
		return &episode.Problem{Code: "returns/not-ours", Message: fmt.Sprintf("it is %.60q's word to %.60q", t.Contributor, t.Recipient), Hint: "send it to the hub whose release it is"}
	}
	if err := t.Check(); err != nil {
		return err
	}
	if _, err := h.db.Document(ctx, sqlstore.DocRelease, t.Release); err != nil {
		return &episode.Problem{Code: "returns/not-ours", Message: fmt.Sprintf("this hub has released nothing that is called %.60q", t.Release), Hint: "send it to the hub whose release it is", Err: err}
	}
	words := fmt.Sprintf("%s: %s", t.Release, t.Why)
	return h.db.Noting(h.entry(ctx, contributor, "release taken back", words)).SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocTakenBack, ID: digest, Parent: t.Release, Contributor: contributor,
		Envelope: envelope, LogIndex: -1, Note: t.Why, MadeAt: h.cfg.Now()})
}

// returned is how many contributors have taken a release back by themselves: once each, however often they say so.
func (h *Hub) returned(ctx context.Context, r *release.Release) (int, error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocTakenBack)
	by := map[string]bool{}
	for _, doc := range docs {
		if doc.Parent == r.ID {
			by[doc.Contributor] = true
		}
	}
	return len(by), err
}
