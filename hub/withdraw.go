// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// admitWithdrawal takes a contributor's signed withdrawal: from this commit on, none of its ids enters a snapshot. What
// holds them already is erased and made anew by the next turn, which then certifies it. The log comes after the commit: while the
// key is away, it is not answered, and done all the same.
func (h *Hub) admitWithdrawal(ctx context.Context, contributor, envelopeDigest, manifest string, size int64) error {
	envelope, payload, err := h.document(ctx, contributor, envelopeDigest, bundle.TypeWithdrawal)
	if err != nil {
		return err
	}
	w, err := h.withdrawal(contributor, payload)
	if err != nil {
		return err
	}
	if w.Reason != "" {
		return &episode.Problem{Code: "withdraw/not-ours", Message: "a contributor's withdrawal has no reason: it needs none", Hint: "send it with headrace withdraw"}
	}
	asked := sqlstore.OpenWithdrawal{ID: envelopeDigest, Contributor: contributor, Envelope: envelope, AskedAt: h.cfg.Now()}
	if err := h.takeBack(ctx, asked, w.IDs, manifest, size); err != nil {
		return err
	}
	h.Wake()
	if _, err := h.logOnce(ctx, proof.KindWithdrawal, envelopeDigest); err != nil {
		return err
	}
	return h.deliver(ctx, envelopeDigest) // one that is certified may come in another artifact
}

// takeBack commits while no bundle is being admitted: one that comes later sees these ids, one that came before is erased from.
func (h *Hub) takeBack(ctx context.Context, w sqlstore.OpenWithdrawal, ids []string, manifest string, size int64) error {
	h.admitting.Lock()
	defer h.admitting.Unlock()
	db := h.db
	if _, err := db.Withdrawal(ctx, w.ID); errors.Is(err, sqlstore.ErrNotFound) { // it comes until it is certified
		db = db.Noting(h.entry(ctx, w.Contributor, "withdraw", w.ID))
	} else if err != nil {
		return err
	}
	return db.AskCertificate(ctx, w, ids, manifest, size)
}

// withdrawal reads one from a contributor to this hub.
func (h *Hub) withdrawal(contributor string, payload []byte) (w bundle.Withdrawal, err error) {
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

func (h *Hub) eraseAsked(ctx context.Context, o sqlstore.OpenWithdrawal) error {
	ids, err := h.idsOf(ctx, o)
	if err != nil {
		return err
	}
	return h.eraseOne(ctx, o, ids)
}

// idsOf opens a withdrawal.
func (h *Hub) idsOf(ctx context.Context, o sqlstore.OpenWithdrawal) ([]string, error) {
	payload := o.Envelope // of what expires it is our own, and not signed yet
	if o.Reason == "" {
		trust, err := h.trustEver(ctx, o.Contributor)
		if err != nil {
			return nil, err
		}
		if payload, _, err = bundle.OpenDocument(o.Envelope, bundle.TypeWithdrawal, trust); err != nil {
			return nil, err
		}
	}
	w, err := h.withdrawal(o.Contributor, payload)
	return w.IDs, err
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
	var errs []error // what cannot be read holds up nothing else of it, and no certificate says that it is done
	for _, a := range admitted {
		if a.Contributor == o.Contributor {
			if err := h.eraseFrom(ctx, a, ids, o.ID); err != nil {
				errs = append(errs, fmt.Errorf("bundle %s: %w", a.Bundle, err))
			}
		}
	}
	if o, err = h.db.Withdrawal(ctx, o.ID); err != nil { // with the fates of the bundles
		return err
	}
	if err := errors.Join(append(errs, h.eraseSnapshots(ctx, o), h.eraseCounts(ctx, o.Contributor, o.ID, ids), h.bury(ctx))...); err != nil {
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
	leaves := ""
	if a.Leaves == "" { // it is whole yet
		lines, err := h.lines(ctx, a.Shard)
		if err != nil {
			return err
		}
		if leaves, err = leavesOf(lines); err != nil {
			return err
		}
	}
	return h.db.Erase(ctx, sqlstore.Erasure{Withdrawal: withdrawal, Records: n, Shard: shard, Leaves: leaves, Doomed: []string{a.Shard},
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
