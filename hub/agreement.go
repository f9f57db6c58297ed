// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// admitAgreement countersigns the terms under which a contributor is about to give records: its word and ours, before the first record.
func (h *Hub) admitAgreement(ctx context.Context, contributor, repo, envelopeDigest, manifest string, size int64) error {
	_, payload, err := h.document(ctx, contributor, envelopeDigest, bundle.TypeAgreement)
	if err != nil {
		return err
	}
	var a bundle.Agreement
	if err := bundle.DecodeDocument(payload, &a); err != nil {
		return err
	}
	if a.Contributor != contributor || a.Recipient != h.cfg.Name {
		return &episode.Problem{Code: "terms/not-ours", Message: fmt.Sprintf("the agreement is %s's with %s", a.Contributor, a.Recipient), Hint: "send it to the hub that the terms name"}
	}
	if err := a.Check(); err != nil {
		return err
	}
	if said, err := h.db.RegistryIndex().Referrers(ctx, repo, manifest); err != nil || len(said) > 0 {
		return err // it comes again
	}
	signed, err := bundle.SealDocument(bundle.TypeCountersignature, bundle.Countersignature{Agreement: envelopeDigest, Contributor: contributor, Recipient: h.cfg.Name,
		Day: h.cfg.Now().UTC().Format(time.DateOnly)}, h.ring.Signing())
	if err != nil {
		return err
	}
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ocidigest(manifest), Size: size}
	_, _, err = h.publish(ctx, repo, "", bundle.TypeCountersignature, &subject, signed)
	return err
}
