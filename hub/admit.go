// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// admit is asked by the registry before a contributor's manifest becomes visible: a bundle is verified, logged and
// answered with a receipt; a withdrawal is carried out; anything else is refused.
func (h *Hub) admit(ctx context.Context, repo string, manifest []byte, digest string) error {
	err := h.admitAs(ctx, repo, manifest, digest)
	if errors.Is(err, keyring.ErrUnsigned) {
		// Our trouble, and no word of it to others: what came stays as it is, and is taken in when it comes again.
		h.log.Error("what comes is not answered: the signing key is away", "err", err, "hint", episode.HintOf(err))
		return &registry.Wait{After: unsignedWait, Problem: &episode.Problem{Code: "intake/not-now", Message: "this hub cannot sign receipts at the moment", Hint: "nothing is lost: it is sent again"}}
	}
	return err
}

// unsignedWait is how long a contributor waits when the hub's signing key is away.
const unsignedWait = time.Minute

func (h *Hub) admitAs(ctx context.Context, repo string, manifest []byte, digest string) error {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return &episode.Problem{Code: "intake/bad-manifest", Message: "not an OCI image manifest", Err: err, Hint: "push with headrace push, or any OCI client, what headrace pack made"}
	}
	contributor, place, ok := splitRepo(repo)
	switch {
	case ok && place == "bundles" && m.ArtifactType == bundle.ArtifactType:
		return h.admitBundle(ctx, contributor, repo, manifest, digest)
	case ok && place == "withdrawals" && m.ArtifactType == bundle.TypeWithdrawal && len(m.Layers) == 1:
		return h.admitWithdrawal(ctx, contributor, m.Layers[0].Digest.String(), digest, int64(len(manifest)))
	case ok && place == "agreements" && m.ArtifactType == bundle.TypeAgreement && len(m.Layers) == 1:
		return h.admitAgreement(ctx, contributor, repo, m.Layers[0].Digest.String(), digest, int64(len(manifest)))
	case ok && place == "returns" && m.ArtifactType == bundle.TypeTakenBack && len(m.Layers) == 1:
		return h.admitTakenBack(ctx, contributor, m.Layers[0].Digest.String())
	case ok && place == "counts" && m.ArtifactType == bundle.TypeCounts && len(m.Layers) == 1:
		return h.admitCounts(ctx, contributor, m.Layers[0].Digest.String())
	case ok && place == "passages" && m.ArtifactType == bundle.TypePassage && len(m.Layers) == 1:
		return h.admitPassage(ctx, contributor, m.Layers[0].Digest.String())
	}
	return &episode.Problem{Code: "intake/not-taken", Message: fmt.Sprintf("artifact %q is not taken in %s", m.ArtifactType, repo),
		Hint: "bundles go to NAME/bundles, withdrawals to NAME/withdrawals"}
}

// admitBundle verifies a bundle against its contributor's key, enters it into the log and stores the receipt. It is done
// once: the same bundle again finds everything in place.
func (h *Hub) admitBundle(ctx context.Context, contributor, repo string, manifest []byte, digest string) error {
	defer h.stats.Verify.add(0, time.Now())
	trust, err := h.trust(ctx, contributor)
	if err != nil {
		return err
	}
	if err := h.refusedBefore(ctx, repo, manifest, digest); err != nil {
		return err
	}
	b, err := bundle.VerifyFrom(manifest, func(d string) ([]byte, error) { return h.blobs.Get(ctx, d) }, trust)
	if err != nil {
		return err
	}
	if b.Manifest.Recipient != h.cfg.Name {
		return h.notKept(ctx, repo, manifest, &episode.Problem{Code: "intake/wrong-recipient", Message: fmt.Sprintf("the bundle is for %q, this is %q", b.Manifest.Recipient, h.cfg.Name),
			Hint: "its terms do not let us have it: nothing was kept"})
	}
	if a, err := h.db.AdmittedBundle(ctx, digest); err == nil {
		return h.arrivedAgain(ctx, manifest, a)
	} else if err != sqlstore.ErrNotFound {
		return err
	}
	if err := b.Manifest.Expired(h.cfg.Now()); err != nil {
		return h.notKept(ctx, repo, manifest, err)
	}
	way, err := h.cameBy(ctx, contributor, b)
	if err != nil {
		return h.notKept(ctx, repo, manifest, err)
	}
	seen := []byte(b.Manifest.Checkpoint)
	if err := h.continues(ctx, seen); err != nil {
		return h.notKept(ctx, repo, manifest, err)
	}
	if err := h.door.quotas.mayAdmit(ctx, contributor); err != nil {
		return err
	}
	if err := h.scan(ctx, contributor, repo, manifest, b); err != nil {
		return err
	}
	inclusion, err := h.logOnce(ctx, proof.KindBundle, digest)
	if err != nil {
		return err
	}
	grown, err := h.tlog.Consistency(ctx, seen, inclusion.Checkpoint)
	if err != nil {
		return err
	}
	h.admitting.Lock()
	defer h.admitting.Unlock()
	if _, err := h.db.AdmittedBundle(ctx, digest); err != sqlstore.ErrNotFound {
		return err // it came twice at once
	}
	m, err := h.stillHere(ctx, repo, manifest)
	if err != nil {
		return err
	}
	row := sqlstore.AdmittedRow{Bundle: digest, Contributor: contributor, Kind: string(b.Manifest.Kind), Records: b.Manifest.Records,
		Bytes: b.Manifest.PayloadBytes, Shard: m.Layers[1].Digest.String(), LogIndex: int64(inclusion.Index), AdmittedAt: h.cfg.Now()}
	row.FirstAt, row.Passage = way.first, way.passage
	row.ExpiresAt = endOf(b.Manifest, row.Received())
	// Records that were taken back before they arrived do not come in by arriving.
	taken, err := h.db.WithdrawnBy(ctx, contributor)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		if shard, n, err := h.without(ctx, row.Shard, taken); err != nil {
			return err
		} else if n > 0 {
			whole := make([][]byte, b.Len())
			for i, line := range b.Records() {
				whole[i] = line
			}
			if row.Leaves, err = leavesOf(whole); err != nil {
				return err
			}
			row.Doomed, row.Shard = []string{row.Shard}, shard
		}
	}
	receipt, err := bundle.SealDocument(bundle.TypeReceipt, bundle.Receipt{Bundle: digest, Contributor: contributor, Recipient: h.cfg.Name,
		Records: b.Manifest.Records, MerkleRoot: b.Manifest.MerkleRoot, ReceivedDay: row.AdmittedAt.UTC().Format(time.DateOnly),
		LogOrigin: h.cfg.Name, LogIndex: inclusion.Index, Checkpoint: string(inclusion.Checkpoint)}, h.ring.Signing())
	if err != nil {
		return err
	}
	answer, err := withProofs(receipt, inclusion, grown)
	if err != nil {
		return err
	}
	// Who sweeps sees what the bundle names from now on, before the registry does.
	if _, err := h.blobs.PutBytes(ctx, manifest); err != nil {
		return err
	}
	// The receipt can be fetched from now on; it is true from now on, because the log has the bundle.
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ocidigest(digest), Size: int64(len(manifest))}
	if _, _, err := h.publish(ctx, repo, "", bundle.TypeReceipt, &subject, answer...); err != nil {
		return err
	}
	row.Receipt = receipt
	if err := h.db.Admit(ctx, row); err != nil {
		return err
	}
	if err := errors.Join(h.door.quotas.admitted(ctx, contributor), h.buryNow(ctx)); err != nil {
		return err
	}
	h.stats.Verify.Count.Add(int64(b.Manifest.Records))
	h.Wake()
	return nil
}

// stillHere reads a bundle's manifest and looks whether all that it names is here: it was when the bundle was verified, and a sweep may
// have come between. admitting is held.
func (h *Hub) stillHere(ctx context.Context, repo string, manifest []byte) (m ocispec.Manifest, err error) {
	if err := json.Unmarshal(manifest, &m); err != nil {
		return m, err
	}
	for _, d := range append([]ocispec.Descriptor{m.Config}, m.Layers...) {
		here, err := h.db.RegistryIndex().HasBlob(ctx, repo, d.Digest.String())
		if err == nil && here {
			here, err = h.blobs.Has(d.Digest.String())
		}
		if err != nil {
			return m, err
		}
		if !here {
			return m, &episode.Problem{Code: "intake/layer-gone", Message: "a part of the bundle lay here for too long and was deleted", Hint: "push it again: its layers are sent anew"}
		}
	}
	return m, nil
}

// notKept deletes the layers of a bundle that may not come in as it is, and returns why. Where the error is ours, they stay:
// it comes again.
func (h *Hub) notKept(ctx context.Context, repo string, manifest []byte, why error) error {
	if _, ok := errors.AsType[*episode.Problem](why); !ok {
		return why
	}
	if err := h.dropLayers(ctx, repo, manifest); err != nil {
		return err
	}
	if err := h.bury(ctx); err != nil {
		return err
	}
	return why
}

// dropLayers says that the layers of a bundle that came must go.
func (h *Hub) dropLayers(ctx context.Context, repo string, manifest []byte) error {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return err
	}
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, l.Digest.String())
	}
	return h.db.RefuseArrival(ctx, repo, layers, sqlstore.DocumentRow{})
}

// arrivedAgain answers for a bundle that was admitted before: nothing comes in twice. Where records of it were taken back
// since, the bytes that came with it go again.
func (h *Hub) arrivedAgain(ctx context.Context, manifest []byte, a sqlstore.AdmittedRow) error {
	var m ocispec.Manifest
	if err := json.Unmarshal(manifest, &m); err != nil {
		return err
	}
	if payload := m.Layers[1].Digest.String(); payload != a.Shard {
		return errors.Join(h.db.Doom(ctx, payload), h.bury(ctx))
	}
	return nil
}

// document opens what a contributor uploaded and must have signed.
func (h *Hub) document(ctx context.Context, contributor, digest, payloadType string) (envelope, payload []byte, err error) {
	if envelope, err = h.blobs.Get(ctx, digest); err != nil {
		return nil, nil, err
	}
	trust, err := h.trust(ctx, contributor)
	if err != nil {
		return nil, nil, err
	}
	payload, _, err = bundle.OpenDocument(envelope, payloadType, trust)
	return envelope, payload, err
}

// trust is the one key that signs for a contributor.
func (h *Hub) trust(ctx context.Context, contributor string) (bundle.Trust, error) {
	list, err := h.db.Contributors(ctx)
	if err != nil {
		return bundle.Trust{}, err
	}
	for _, c := range list {
		if c.Name == contributor && !c.RevokedAt.IsZero() {
			return bundle.Trust{}, &episode.Problem{Code: "intake/revoked", Message: "the key of " + contributor + " was revoked", Hint: "ask the hub's operator for a new invite"}
		}
		if c.Name == contributor {
			key, err := decodeKey(c.PublicKey)
			if err != nil {
				return bundle.Trust{}, err
			}
			return bundle.NewTrust(bundle.TrustedKey{Name: contributor, Key: key}), nil
		}
	}
	return bundle.Trust{}, &episode.Problem{Code: "intake/unknown-contributor", Message: fmt.Sprintf("%q is not a contributor here", contributor),
		Hint: "ask the hub's operator for an invite: headrace hub invite NAME"}
}
