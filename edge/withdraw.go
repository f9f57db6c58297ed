// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Withdraw takes back all that left of a session and keeps back all that has not left yet. It is journaled before it is
// sent, so it is never forgotten; the next turn sends it and fetches the hub's certificate.
func (e *Edge) Withdraw(ctx context.Context, who, session string) (string, error) {
	session = e.plain(session)
	for {
		w, err := e.withdrawal(ctx, who, session)
		if err != nil {
			return "", err
		}
		err = e.db.AskWithdrawal(ctx, w)
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // more of it left while the withdrawal was made
		}
		if err != nil {
			return "", err
		}
		if err := e.db.Audit(ctx, w.RequestedAt, who, "withdraw", session); err != nil {
			return "", err
		}
		if w.ID == "" {
			return "", &episode.Problem{Code: "withdraw/nothing-left", Message: fmt.Sprintf("nothing of session %q had left", session),
				Hint: "what waited to leave is kept back from now on; there is nothing more to do"}
		}
		e.Wake()
		return w.ID, nil
	}
}

// withdrawal makes the signed withdrawal of what has left of a session; without an id where nothing has.
func (e *Edge) withdrawal(ctx context.Context, who, session string) (sqlstore.WithdrawalRow, error) {
	w := sqlstore.WithdrawalRow{Session: session, Recipient: e.cfg.Recipient, RequestedBy: who, RequestedAt: e.cfg.Now()}
	sent, err := e.db.SentOf(ctx, session)
	if err != nil {
		return w, err
	}
	w.Sent = len(sent)
	lower, err := consent.NewLowerer(e.cfg.Recipient, e.ring.Derive)
	if err != nil {
		return w, err
	}
	var ids []string
	for _, s := range sent {
		if s.Recipient == e.cfg.Recipient {
			ids = append(ids, lower.EpisodeID(s.Episode))
		}
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return w, nil
	}
	w.Records = len(ids)
	w.Envelope, err = bundle.SealDocument(bundle.TypeWithdrawal, bundle.Withdrawal{Contributor: e.cfg.Contributor, Recipient: e.cfg.Recipient, IDs: ids}, e.ring.Signing())
	w.ID = episode.Digest(w.Envelope)
	return w, err
}

// fetchCertificates sends withdrawals that the hub has not certified yet and fetches its certificates.
func (e *Edge) fetchCertificates(ctx context.Context) error {
	list, err := e.db.Withdrawals(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range list {
		if w.State == "certified" {
			continue
		}
		cert, err := e.sendWithdrawal(ctx, w)
		if errors.Is(err, errdef.ErrNotFound) {
			continue // the hub has it and will certify it with its next turn
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", w.ID, err))
			continue
		}
		if err := e.db.CertifyWithdrawal(ctx, w.ID, cert); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func (e *Edge) sendWithdrawal(ctx context.Context, w sqlstore.WithdrawalRow) ([]byte, error) {
	repo, err := e.repository(e.cfg.Contributor + repoWithdrawals)
	if err != nil {
		return nil, err
	}
	desc, err := e.pushDocument(ctx, repo, bundle.TypeWithdrawal, w.Envelope)
	if err != nil {
		return nil, err
	}
	layers, err := e.answerTo(ctx, repo, desc, bundle.TypeCertificate)
	if err != nil {
		return nil, err
	}
	var c bundle.Certificate
	if err := e.openFromHub(layers[0], bundle.TypeCertificate, &c); err != nil {
		return nil, err
	}
	if c.Withdrawal != w.ID {
		return nil, &episode.Problem{Code: "withdraw/wrong-certificate", Message: "the hub certified another withdrawal", Hint: "ask the hub's operator"}
	}
	if len(layers) != 3 {
		return nil, &episode.Problem{Code: "withdraw/no-proof", Message: "the hub's certificate comes without the proofs that its log holds it and the withdrawal", Hint: "ask the hub's operator"}
	}
	if _, _, err := e.inLog(ctx, proof.KindCertificate, episode.Digest(layers[0]), layers[1], nil); err != nil {
		return nil, err
	}
	asked, _, err := e.inLog(ctx, proof.KindWithdrawal, w.ID, layers[2], nil)
	if err == nil && (asked.Index != c.LogIndex || c.LogOrigin != e.cfg.Recipient) {
		err = proof.NotProven("the proof is of entry %d in the log of %s, the certificate names %d in that of %s", asked.Index, e.cfg.Recipient, c.LogIndex, c.LogOrigin)
	}
	return layers[0], err
}

// pushDocument pushes a signed document as an artifact of one layer.
func (e *Edge) pushDocument(ctx context.Context, repo *remote.Repository, payloadType string, envelope []byte) (ocispec.Descriptor, error) {
	layer, err := oras.PushBytes(ctx, repo, payloadType, envelope)
	if err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
		return layer, e.explain(err)
	}
	desc, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, payloadType, oras.PackManifestOptions{
		Layers: []ocispec.Descriptor{layer},
		// A fixed creation time: the same withdrawal sent twice is the same artifact.
		ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: "1970-01-01T00:00:00Z"},
	})
	if err != nil {
		return desc, fmt.Errorf("push: %w", e.explain(err))
	}
	return desc, nil
}
