// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/registry"
)

// admitPassage takes what a hub says of a bundle that it is about to pass on. Whether it is so is seen when the bundle comes.
func (h *Hub) admitPassage(ctx context.Context, contributor, envelopeDigest string) error {
	_, payload, err := h.document(ctx, contributor, envelopeDigest, bundle.TypePassage)
	if err != nil {
		return err
	}
	var p bundle.Passage
	if err := bundle.DecodeDocument(payload, &p); err != nil {
		return err
	}
	if p.As != contributor || p.Recipient != h.cfg.Name || !h.Public().Equal(ed25519.PublicKey(p.RecipientKey)) {
		return &episode.Problem{Code: "passage/not-ours", Message: "the passage is " + p.As + "'s to " + p.Recipient, Hint: "send it to the hub that the records are passed on to"}
	}
	return nil
}

// came is how a bundle got here.
type came struct {
	passage string    // the blob that says so; empty: its contributor gave it
	first   time.Time // when the first hub received its records; zero: we are the first
}

// cameBy finds out whether a bundle's records were given to somebody else first, and if so, that this one may pass them on to us: from
// then on they are kept as long as if they had come when they came there.
func (h *Hub) cameBy(ctx context.Context, contributor string, b *bundle.Bundle) (c came, err error) {
	if !b.Manifest.PassedOn() {
		return c, nil
	}
	row, err := h.db.RegistryIndex().Manifest(ctx, contributor+link.Passages, link.PassageTag(b.Digest))
	if errors.Is(err, registry.ErrNotFound) {
		return c, &episode.Problem{Code: "intake/no-passage", Message: "the records were given to somebody else first, and it is not shown that they may be passed on to us",
			Hint: "a hub that passes on says so before it pushes; records of your own are under terms that name us first"}
	}
	if err != nil {
		return c, err
	}
	var m ocispec.Manifest
	if raw, err := h.blobs.Get(ctx, row.Digest); err != nil {
		return c, err
	} else if err := json.Unmarshal(raw, &m); err != nil || len(m.Layers) != 1 {
		return c, errors.Join(err, errors.New("a passage has one layer"))
	}
	c.passage = m.Layers[0].Digest.String()
	envelope, err := h.blobs.Get(ctx, c.passage)
	if err != nil {
		return c, err
	}
	trust, err := h.trust(ctx, contributor)
	if err != nil {
		return c, err
	}
	_, origin, err := bundle.OpenPassage(envelope, b, trust.Keys()[0].Key)
	if err != nil {
		return c, err
	}
	c.first, err = time.Parse(time.DateOnly, origin.ReceivedDay)
	if err != nil || c.first.After(h.cfg.Now()) {
		return c, &episode.Problem{Code: bundle.CodePassage, Message: "the records were first received on " + origin.ReceivedDay, Err: err, Hint: "ask the hub that passed them on: its receipt has no such day, or its clock is wrong"}
	}
	return c, nil
}
