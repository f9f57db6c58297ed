// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// admitWithdrawal takes a contributor's signed withdrawal: from this commit on, none of its ids enters a snapshot. What
// holds them already is erased and made anew by the next turn, which then certifies it.
func (h *Hub) admitWithdrawal(ctx context.Context, contributor, envelopeDigest string) error {
	envelope, err := h.blobs.Get(ctx, envelopeDigest)
	if err != nil {
		return err
	}
	trust, err := h.trust(ctx, contributor)
	if err != nil {
		return err
	}
	w, err := h.openWithdrawal(trust, contributor, envelope)
	if err != nil {
		return err
	}
	if w.Reason != "" {
		return &episode.Problem{Code: "withdraw/not-ours", Message: "a contributor's withdrawal has no reason: it needs none", Hint: "send it with headrace withdraw"}
	}
	if _, err := h.logOnce(ctx, proof.KindWithdrawal, envelopeDigest); err != nil {
		return err
	}
	// While no bundle is being admitted: one that comes later sees these ids, one that came before is erased from.
	h.admitting.Lock()
	defer h.admitting.Unlock()
	db := h.db
	if _, err := db.Withdrawal(ctx, envelopeDigest); errors.Is(err, sqlstore.ErrNotFound) { // it comes until it is certified
		db = db.Noting(h.entry(ctx, contributor, "withdraw", envelopeDigest))
	} else if err != nil {
		return err
	}
	if err := db.AskCertificate(ctx, sqlstore.OpenWithdrawal{ID: envelopeDigest, Contributor: contributor, Envelope: envelope, AskedAt: h.cfg.Now()}, w.IDs); err != nil {
		return err
	}
	h.Wake()
	return nil
}

func (h *Hub) openWithdrawal(trust bundle.Trust, contributor string, envelope []byte) (w bundle.Withdrawal, err error) {
	payload, _, err := bundle.OpenDocument(envelope, bundle.TypeWithdrawal, trust)
	if err != nil {
		return w, err
	}
	if err := bundle.DecodeDocument(payload, &w); err != nil {
		return w, err
	}
	if w.Contributor != contributor || w.Recipient != h.cfg.Name || len(w.IDs) == 0 {
		return w, &episode.Problem{Code: "withdraw/not-ours", Message: fmt.Sprintf("the withdrawal is %s's from %s", w.Contributor, w.Recipient), Hint: "send it to the hub that has the records"}
	}
	return w, nil
}

// erase carries out the withdrawals that are not certified yet: each shard that holds a withdrawn record is written anew
// without it, and each snapshot made of one loses that contributor's files. What a commit says must go is deleted at once,
// or by the next call after a crash.
func (h *Hub) erase(ctx context.Context) error {
	if err := h.bury(ctx); err != nil {
		return err
	}
	open, err := h.db.OpenWithdrawals(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range open {
		if o.Erased {
			continue
		}
		if err := h.eraseAsked(ctx, o); err != nil { // one that cannot be holds up no other
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", o.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) eraseAsked(ctx context.Context, o sqlstore.OpenWithdrawal) (err error) {
	trust := bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}) // of what expires
	if o.Reason == "" {
		if trust, err = h.trustEver(ctx, o.Contributor); err != nil {
			return err
		}
	}
	w, err := h.openWithdrawal(trust, o.Contributor, o.Envelope)
	if err != nil {
		return err
	}
	return h.eraseOne(ctx, o, w.IDs)
}

func (h *Hub) eraseOne(ctx context.Context, o sqlstore.OpenWithdrawal, list []string) error {
	ids := map[string]bool{}
	for _, id := range list {
		ids[id] = true
	}
	admitted, err := h.db.Admitted(ctx)
	if err != nil {
		return err
	}
	for _, a := range admitted {
		if a.Contributor == o.Contributor {
			if err := h.eraseFrom(ctx, a, ids, o.ID); err != nil {
				return err
			}
		}
	}
	if o, err = h.db.Withdrawal(ctx, o.ID); err != nil { // with the fates of the bundles
		return err
	}
	if err := h.eraseSnapshots(ctx, o); err != nil {
		return err
	}
	if err := h.bury(ctx); err != nil {
		return err
	}
	return h.db.SetErased(ctx, o.ID)
}

// bury deletes the blobs that must go, while no bundle is being admitted: one of them may be what it holds.
func (h *Hub) bury(ctx context.Context) error {
	h.admitting.Lock()
	defer h.admitting.Unlock()
	return h.buryNow(ctx)
}

// buryNow is bury for those who hold admitting.
func (h *Hub) buryNow(ctx context.Context) error {
	list, err := h.db.Doomed(ctx)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := h.blobs.Delete(d); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
		if err := h.db.Gone(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// eraseFrom takes records out of a shard.
func (h *Hub) eraseFrom(ctx context.Context, a sqlstore.AdmittedRow, ids map[string]bool, withdrawal string) error {
	shard, n, err := h.without(ctx, a.Shard, ids)
	if err != nil || n == 0 {
		return err
	}
	fate, err := h.fate([]string{a.Shard})
	if err != nil {
		return err
	}
	return h.db.Erase(ctx, sqlstore.Erasure{Withdrawal: withdrawal, Records: n, Shard: shard, Doomed: []string{a.Shard},
		Fate: bundle.Fate{Artifact: a.Bundle, Kind: "bundle", Fate: fate}})
}

// fate is what becomes of blobs that go: with the key of each, copies of its file are erased, too. What a hub took in before it sealed
// its blobs has no key.
func (h *Hub) fate(doomed []string) (string, error) {
	for _, d := range doomed {
		if sealed, err := h.blobs.Sealed(d); err != nil || !sealed {
			return fateErased, err
		}
	}
	return fateErased + "; key destroyed", nil
}

const fateErased = "erased"

// without writes a shard anew without the records of these ids and returns its digest and how many they were; where there
// are none it writes nothing.
func (h *Hub) without(ctx context.Context, shard string, ids map[string]bool) (string, int, error) {
	lines, err := h.lines(ctx, shard)
	if err != nil {
		return "", 0, err
	}
	kept := slices.DeleteFunc(slices.Clone(lines), func(line []byte) bool {
		var e struct {
			ID     string `json:"id"`
			Amends string `json:"amends"`
		}
		return json.Unmarshal(line, &e) == nil && (ids[e.ID] || ids[e.Amends])
	})
	if len(kept) == len(lines) {
		return "", 0, nil
	}
	var raw []byte
	for _, l := range kept {
		raw = append(append(raw, l...), '\n')
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return "", 0, err
	}
	digest, err := h.blobs.PutBytes(ctx, enc.EncodeAll(raw, nil))
	return digest, len(lines) - len(kept), err
}

// eraseSnapshots takes the contributor's files from every snapshot that may hold the records. A snapshot of which an
// earlier withdrawal took them is named again where it was made of a bundle that held the records: so that releases and
// exports of it are, too.
func (h *Hub) eraseSnapshots(ctx context.Context, o sqlstore.OpenWithdrawal) error {
	docs, err := h.db.Documents(ctx, sqlstore.DocSnapshot)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		s, err := openStored(doc)
		if err != nil {
			return err
		}
		var doomed []string
		for _, f := range s.manifest.Files {
			if has, err := h.blobs.Has(f.Digest); err != nil {
				return err
			} else if f.Contributor == o.Contributor && has {
				doomed = append(doomed, f.Digest)
			}
		}
		if slices.ContainsFunc(o.Fates, func(f bundle.Fate) bool { return f.Artifact == doc.ID }) {
			continue // an earlier try
		}
		made := slices.ContainsFunc(s.manifest.Inputs, func(i dataset.Input) bool {
			return slices.ContainsFunc(o.Fates, func(f bundle.Fate) bool { return f.Artifact == i.Bundle })
		})
		if len(doomed) == 0 && (s.note == "" || !made) {
			continue // it never held any
		}
		fate, err := h.fate(doomed)
		if err != nil {
			return err
		}
		if err := h.db.Erase(ctx, sqlstore.Erasure{Withdrawal: o.ID, Doomed: doomed, Fate: bundle.Fate{Artifact: doc.ID, Kind: "snapshot", Fate: fate}}); err != nil {
			return err
		}
	}
	return nil
}

// certify signs what became of each withdrawal, once a turn has made everything anew without the withdrawn records.
func (h *Hub) certify(ctx context.Context) error {
	open, err := h.db.OpenWithdrawals(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range open {
		if !o.Erased {
			continue // came in during this turn: the next one
		}
		if err := h.certifyOne(ctx, o); err != nil { // one that cannot be is nobody else's trouble
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", o.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) certifyOne(ctx context.Context, o sqlstore.OpenWithdrawal) error {
	latest, err := h.latestSnapshot(ctx)
	if err != nil {
		return err
	}
	now := h.cfg.Now().UTC()
	fates := slices.Clone(o.Fates)
	for i, f := range fates {
		if f.Kind == "snapshot" && latest != nil && latest.note == "" {
			fates[i].Fate += "; rebuilt as " + latest.manifest.ID
		}
	}
	retired, err := h.retire(ctx, fates, now.Format(time.DateOnly))
	if err != nil {
		return err
	}
	exported, err := h.beyondReach(ctx, fates)
	if err != nil {
		return err
	}
	asked, err := h.logOnce(ctx, proof.KindWithdrawal, o.ID)
	if err != nil {
		return err
	}
	cert, err := bundle.SealDocument(bundle.TypeCertificate, bundle.Certificate{Withdrawal: o.ID, Reason: o.Reason, Contributor: o.Contributor, Recipient: h.cfg.Name,
		Records: o.Records, Day: now.Format(time.DateOnly), Fates: slices.Concat(fates, retired, exported), LogOrigin: h.cfg.Name, LogIndex: asked.Index}, h.ring.Signing())
	if err != nil {
		return err
	}
	done, err := h.logOnce(ctx, proof.KindCertificate, episode.Digest(cert))
	if err != nil {
		return err
	}
	layers, err := withProofs(cert, done, asked)
	if err != nil {
		return err
	}
	// The certificate refers to the artifact that carried the withdrawal.
	repo := o.Contributor + "/withdrawals"
	if o.Reason != "" { // nobody sent it: it goes where the contributor looks
		if _, err := h.publish(ctx, repo, tagExpired+strings.TrimPrefix(o.ID, "sha256:")[:32], bundle.TypeWithdrawal, nil, o.Envelope); err != nil {
			return err
		}
	}
	subject, err := h.carrier(ctx, repo, o.ID)
	if err != nil {
		return err
	}
	if _, err := h.publish(ctx, repo, "", bundle.TypeCertificate, subject, layers...); err != nil {
		return err
	}
	return h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocCertificate, ID: o.ID, Contributor: o.Contributor, Envelope: cert, LogIndex: int64(done.Index), MadeAt: now})
}

// carrier finds the manifest whose layer is the withdrawal's envelope.
func (h *Hub) carrier(ctx context.Context, repo, envelope string) (*ocispec.Descriptor, error) {
	list, err := h.db.RegistryIndex().OfType(ctx, repo, bundle.TypeWithdrawal)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		raw, err := h.blobs.Get(ctx, m.Digest)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(raw, []byte(envelope)) {
			return &ocispec.Descriptor{MediaType: m.MediaType, Digest: ocidigest(m.Digest), Size: m.Size}, nil
		}
	}
	return nil, errors.New("the artifact that carried the withdrawal is not in the registry yet")
}
