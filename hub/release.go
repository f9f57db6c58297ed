// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// The channels, as tags in the repository of releases.
const (
	channelEarly  = "early"
	channelStable = "stable"
)

// release signs what the gate let through, enters it into the log, and gives it to the early channel.
func (h *Hub) release(ctx context.Context, s *snapshot, c *candidate, g *judgement) error {
	if g.report.Verdict != gate.Released {
		return nil
	}
	defer h.stats.Release.add(1, time.Now())
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return err
	}
	replaces := ""
	if len(docs) > 0 {
		replaces = docs[0].ID
	}
	rel := release.New(c.digest, g.digest, s.manifest.ID, replaces)
	if rel.ID == replaces {
		return nil // a turn that was interrupted after this step
	}
	envelope, err := bundle.SealDocument(bundle.TypeRelease, rel, h.ring.Signing())
	if err != nil {
		return err
	}
	inclusion, err := h.logOnce(ctx, proof.KindRelease, rel.ID)
	if err != nil {
		return err
	}
	proofs, err := withProofs(envelope, inclusion)
	if err != nil {
		return err
	}
	if _, _, err := h.publish(ctx, releases, rel.ID, bundle.TypeRelease, nil, envelope, c.model, g.envelope, proofs[1]); err != nil {
		return err
	}
	if err := h.offer(ctx, rel.ID, channelEarly); err != nil {
		return err
	}
	return h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocRelease, ID: rel.ID, Parent: g.digest, Envelope: envelope, LogIndex: int64(inclusion.Index), MadeAt: h.cfg.Now()})
}

// promote gives the newest release whose lead time is over to the stable channel.
func (h *Hub) promote(ctx context.Context) error {
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if doc.Note != "" || doc.MadeAt.Add(h.cfg.Lead).After(h.cfg.Now()) {
			continue
		}
		return h.offer(ctx, doc.ID, channelStable)
	}
	return nil
}

// offer points a channel at a release.
func (h *Hub) offer(ctx context.Context, id, channel string) error {
	index := h.db.RegistryIndex()
	m, err := index.Manifest(ctx, releases, id)
	if err != nil {
		return fmt.Errorf("release %s: %w", id, err)
	}
	return index.PutManifest(ctx, m, channel)
}

// retire takes releases that were learned from erased snapshots out of their channels, and says so.
func (h *Hub) retire(ctx context.Context, erased []bundle.Fate, day string) ([]bundle.Fate, error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return nil, err
	}
	index := h.db.RegistryIndex()
	var fates []bundle.Fate
	for _, doc := range docs {
		g, err := h.db.Document(ctx, sqlstore.DocGate, doc.Parent)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(erased, func(f bundle.Fate) bool { return f.Kind == "snapshot" && f.Artifact == g.Parent }) {
			continue
		}
		own, err := index.Manifest(ctx, releases, doc.ID)
		if err != nil {
			return nil, err
		}
		for _, channel := range []string{channelEarly, channelStable} {
			now, err := index.Manifest(ctx, releases, channel)
			if errors.Is(err, registry.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if now.Digest == own.Digest {
				if err := index.RemoveTag(ctx, releases, channel); err != nil {
					return nil, err
				}
			}
		}
		if doc.Note == "" {
			doc.Note = "retired on " + day
			if err := h.db.NoteDocument(ctx, sqlstore.DocRelease, doc.ID, doc.Note); err != nil {
				return nil, err
			}
		}
		fates = append(fates, bundle.Fate{Artifact: doc.ID, Kind: "release", Fate: doc.Note})
	}
	return fates, nil
}
