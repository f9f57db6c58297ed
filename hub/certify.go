// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// certify signs what became of each withdrawal, once a turn has made everything anew without the withdrawn records, and answers
// whatever carried it.
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
	return errors.Join(append(errs, h.deliver(ctx, ""))...)
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
	retired, err := h.retire(ctx, o.Contributor, fates, now.Format(time.DateOnly))
	if err != nil {
		return err
	}
	exported, err := h.beyondReach(ctx, fates)
	if err != nil {
		return err
	}
	passed, onward, err := h.onwardFates(ctx, o)
	if errors.Is(err, errWaits) {
		return nil
	}
	if err != nil {
		return err
	}
	envelope, err := h.signedWithdrawal(o)
	if err != nil {
		return err
	}
	id := episode.Digest(envelope)
	asked, err := h.logOnce(ctx, proof.KindWithdrawal, id)
	if err != nil {
		return err
	}
	cert, err := bundle.SealDocument(bundle.TypeCertificate, bundle.Certificate{Withdrawal: id, Reason: o.Reason, Contributor: o.Contributor, Recipient: h.cfg.Name,
		Records: o.Records, Day: now.Format(time.DateOnly), Fates: slices.Concat(fates, retired, exported, passed), LogOrigin: h.cfg.Name, LogIndex: asked.Index, Onward: onward}, h.ring.Signing())
	if err != nil {
		return err
	}
	done, err := h.logOnce(ctx, proof.KindCertificate, episode.Digest(cert))
	if err != nil {
		return err
	}
	var told []sqlstore.Carrier
	if o.Reason != "" { // nobody sent it: it goes where the contributor looks
		manifest, size, err := h.publish(ctx, withdrawalsOf(o.Contributor), tagExpired+strings.TrimPrefix(id, "sha256:")[:32], bundle.TypeWithdrawal, nil, envelope)
		if err != nil {
			return err
		}
		told = append(told, sqlstore.Carrier{Withdrawal: o.ID, Manifest: manifest, Size: size})
	}
	return h.db.Certify(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocCertificate, ID: o.ID, Contributor: o.Contributor, Envelope: cert, LogIndex: int64(done.Index), MadeAt: now}, told...)
}

// signedWithdrawal is the envelope of a withdrawal. The hub's own is signed here: erasing it has waited for no key. The same document
// signed twice is the same envelope.
func (h *Hub) signedWithdrawal(o sqlstore.OpenWithdrawal) ([]byte, error) {
	if o.Reason == "" {
		return o.Envelope, nil
	}
	w, err := h.withdrawal(o.Contributor, o.Envelope)
	if err != nil {
		return nil, err
	}
	return bundle.SealDocument(bundle.TypeWithdrawal, w, h.ring.Signing())
}

// deliver puts its certificate beside each artifact in which a withdrawal came, or any where none is named, and that has none
// yet. The artifact itself need not be here: where its push was cut off, it finds its answer when it comes again.
func (h *Hub) deliver(ctx context.Context, withdrawal string) error {
	list, err := h.db.Unanswered(ctx, withdrawal, bundle.TypeCertificate)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range list {
		if err := h.deliverTo(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("certificate of %s: %w", c.Withdrawal, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) deliverTo(ctx context.Context, c sqlstore.Carrier) error {
	doc, err := h.db.Document(ctx, sqlstore.DocCertificate, c.Withdrawal)
	if err != nil {
		return err
	}
	var cert bundle.Certificate
	if err := h.open(doc.Envelope, bundle.TypeCertificate, &cert); err != nil {
		return err
	}
	asked, err := h.logOnce(ctx, proof.KindWithdrawal, cert.Withdrawal)
	if err != nil {
		return err
	}
	done, err := h.logOnce(ctx, proof.KindCertificate, episode.Digest(doc.Envelope))
	if err != nil {
		return err
	}
	layers, err := withProofs(doc.Envelope, done, asked)
	if err != nil {
		return err
	}
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ocidigest(c.Manifest), Size: c.Size}
	_, _, err = h.publish(ctx, withdrawalsOf(c.Contributor), "", bundle.TypeCertificate, &subject, layers...)
	return err
}

// withdrawalsOf is the repository of a contributor's withdrawals.
func withdrawalsOf(contributor string) string { return contributor + "/withdrawals" }
