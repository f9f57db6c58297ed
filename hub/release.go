// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// release signs what the gate let through, enters it into the log, and puts it where contributors find it by its id. Whom it reaches a
// roll-out says.
func (h *Hub) release(ctx context.Context, s *snapshot, kind release.Kind, digest string, model []byte, g *judgement) error {
	if g.report.Verdict != gate.Released {
		return nil
	}
	defer h.stats.Release.add(1, time.Now())
	made, err := h.db.DocumentsBelow(ctx, sqlstore.DocRelease, g.digest, 1)
	if err != nil || len(made) > 0 {
		return err // it was made by a turn that was interrupted after this step
	}
	_, err = h.offer(ctx, release.Release{Kind: kind, Payload: digest, Gate: g.digest, Snapshot: s.manifest.ID, Reward: g.report.Reward}, model, g.envelope)
	return err
}

// offer completes a release, signs and logs it, and puts it where contributors find it by its id.
func (h *Hub) offer(ctx context.Context, r release.Release, payload, judged []byte) (*release.Release, error) {
	last, _, err := h.lastRollout(ctx, r.Kind)
	if err != nil {
		return nil, err
	}
	r.Code, r.Replaces = h.cfg.Version, last.Settled()
	r = release.New(r)
	envelope, err := bundle.SealDocument(bundle.TypeRelease, r, h.ring.Signing())
	if err != nil {
		return nil, err
	}
	inclusion, err := h.logOnce(ctx, proof.KindRelease, r.ID)
	if err != nil {
		return nil, err
	}
	proofs, err := withProofs(envelope, inclusion)
	if err != nil {
		return nil, err
	}
	if _, _, err := h.publish(ctx, releases, r.ID, bundle.TypeRelease, nil, envelope, payload, judged, proofs[1]); err != nil {
		return nil, err
	}
	return &r, h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocRelease, ID: r.ID, Parent: r.Gate, Envelope: envelope, LogIndex: int64(inclusion.Index), MadeAt: h.cfg.Now()})
}

// Offer releases what was made elsewhere and has got through the gate by this report, and begins its roll-out unless another one is
// under way: then it waits for that to end.
func (h *Hub) Offer(ctx context.Context, kind release.Kind, payload []byte, report gate.Report) (*release.Release, error) {
	h.turning.Lock()
	defer h.turning.Unlock()
	if report.Verdict != gate.Released {
		return nil, &episode.Problem{Code: "release/not-through-the-gate", Message: "the gate has refused it", Hint: "the report says what is missing"}
	}
	judged, err := bundle.SealDocument(bundle.TypeGateReport, report, h.ring.Signing())
	if err != nil {
		return nil, err
	}
	digest, err := h.blobs.PutBytes(ctx, payload)
	if err != nil {
		return nil, err
	}
	r := release.Release{Kind: kind, Payload: digest, Gate: episode.Digest(judged), Snapshot: report.Snapshot, Reward: report.Reward}
	if err := h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocGate, ID: r.Gate, Parent: report.Snapshot, Envelope: judged, LogIndex: -1, MadeAt: h.cfg.Now()}); err != nil {
		return nil, err
	}
	rel, err := h.offer(ctx, r, payload, judged)
	if err != nil {
		return nil, err
	}
	return rel, h.roll(ctx)
}

// retire takes releases that were learned from erased snapshots back, ends the contributor's trials that were judged by them, and says
// so.
func (h *Hub) retire(ctx context.Context, contributor string, erased []bundle.Fate, day string) ([]bundle.Fate, error) {
	trials, err := h.retireTrials(ctx, contributor, erased, day)
	if err != nil {
		return nil, err
	}
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return nil, err
	}
	var fates []bundle.Fate
	for _, doc := range docs {
		g, err := h.db.Document(ctx, sqlstore.DocGate, doc.Parent)
		if err != nil {
			return nil, err
		}
		if !restsOn(erased, g.Parent) {
			continue
		}
		if doc.Note == "" {
			doc.Note = "retired on " + day
			if err := h.db.NoteDocument(ctx, sqlstore.DocRelease, doc.ID, doc.Note); err != nil {
				return nil, err
			}
		}
		fates = append(fates, bundle.Fate{Artifact: doc.ID, Kind: "release", Fate: doc.Note})
	}
	if len(fates) == 0 {
		return trials, nil
	}
	return append(fates, trials...), h.takeRetiredBack(ctx)
}

// restsOn reports whether a snapshot is one of those that were erased from.
func restsOn(erased []bundle.Fate, snapshot string) bool {
	return slices.ContainsFunc(erased, func(f bundle.Fate) bool { return f.Kind == "snapshot" && f.Artifact == snapshot })
}
