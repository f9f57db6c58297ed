// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/sqlstore"
)

// A push that was cut, or was refused, leaves layers that no manifest names. Nothing has looked at them, so they do not stay.
const (
	unnamedFor = 24 * time.Hour
	sweepEvery = 6 * time.Hour
)

// sweep deletes what contributors uploaded and never made a bundle or a withdrawal of, and counts that are too old. A push that takes longer than a day
// sends it again.
func (h *Hub) sweep(ctx context.Context) error {
	now := h.cfg.Now()
	if since := now.Sub(h.swept); since >= 0 && since < sweepEvery {
		return nil
	}
	h.swept = now
	byRepo, err := h.db.UploadedBlobs(ctx)
	if err != nil {
		return err
	}
	for repo, digests := range byRepo {
		if _, place, _ := splitRepo(repo); !contributed(place) {
			continue // what the hub itself writes
		}
		if err := h.sweepRepo(ctx, repo, digests, now); err != nil {
			return err
		}
	}
	return errors.Join(h.dropCounts(ctx), h.bury(ctx))
}

// sweepRepo decides while no bundle is being admitted: what no manifest names yet may be about to be.
func (h *Hub) sweepRepo(ctx context.Context, repo string, digests []string, now time.Time) error {
	h.admitting.Lock()
	defer h.admitting.Unlock()
	named, err := h.namedIn(ctx, repo)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrDigest) {
		// What cannot be read may name anything: nothing is deleted. A key folder that was not put back looks like this.
		h.log.Error("uploads are not swept: a manifest cannot be read", "repository", repo, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	var gone []string
	for _, d := range digests {
		at, err := h.blobs.At(d)
		if !named[d] && err == nil && now.Sub(at) > unnamedFor {
			gone = append(gone, d)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	h.log.Info("uploads that nothing names are deleted", "repository", repo, "blobs", len(gone))
	return h.db.RefuseArrival(ctx, repo, gone, sqlstore.DocumentRow{})
}

// namedIn returns the blobs that the manifests of a repository name, with those of admitted bundles: theirs come into the registry a
// moment later, or, where a push was cut off there, with the next.
func (h *Hub) namedIn(ctx context.Context, repo string) (map[string]bool, error) {
	list, err := h.db.RegistryIndex().All(ctx, repo)
	if err != nil {
		return nil, err
	}
	manifests := map[string]bool{}
	for _, m := range list {
		manifests[m.Digest] = true
	}
	if contributor, place, _ := splitRepo(repo); place == "bundles" {
		admitted, err := h.db.AdmittedOf(ctx, contributor)
		if err != nil {
			return nil, err
		}
		for _, a := range admitted {
			manifests[a.Bundle] = true
		}
	}
	named := map[string]bool{}
	for digest := range manifests {
		raw, err := h.blobs.Get(ctx, digest)
		if err != nil {
			return nil, err
		}
		var doc ocispec.Manifest
		if err := json.Unmarshal(raw, &doc); err != nil {
			return nil, err
		}
		named[doc.Config.Digest.String()] = true
		for _, l := range doc.Layers {
			named[l.Digest.String()] = true
		}
	}
	return named, nil
}
