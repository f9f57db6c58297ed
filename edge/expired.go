// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// tagExpired starts the tags under which the hub puts what it erased because its terms had run out; the rest of a tag is
// the start of the digest.
const tagExpired = "expired-"

// fetchExpired fetches the hub's certificates of what it erased by itself, because its terms had run out. Each is stored
// beside the withdrawals, once.
func (e *Edge) fetchExpired(ctx context.Context) error {
	list, err := e.db.Withdrawals(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, w := range list {
		known[tagOf(w.ID)] = true
	}
	repo, err := e.repository(e.cfg.Contributor + repoWithdrawals)
	if err != nil {
		return err
	}
	var fresh []string
	err = repo.Tags(ctx, "", func(tags []string) error {
		for _, t := range tags {
			if strings.HasPrefix(t, tagExpired) && !known[t] {
				fresh = append(fresh, t)
			}
		}
		return nil
	})
	if errors.Is(err, errdef.ErrNotFound) {
		return nil // nothing was withdrawn yet, so there is no such repository
	}
	if err != nil {
		return e.explain(err)
	}
	var errs []error
	for _, t := range fresh {
		if err := e.fetchExpiry(ctx, repo, t); err != nil && !errors.Is(err, errdef.ErrNotFound) { // the certificate comes a moment later
			errs = append(errs, fmt.Errorf("certificate %s: %w", t, err))
		}
	}
	return errors.Join(errs...)
}

func tagOf(withdrawal string) string {
	hex := strings.TrimPrefix(withdrawal, "sha256:")
	return tagExpired + hex[:min(32, len(hex))]
}

func (e *Edge) fetchExpiry(ctx context.Context, repo store, tag string) error {
	desc, err := repo.Resolve(ctx, tag)
	if err != nil {
		return e.explain(err)
	}
	layers, err := e.layers(ctx, repo, desc)
	if err != nil {
		return err
	}
	var w bundle.Withdrawal
	if err := e.openFromHub(layers[0], bundle.TypeWithdrawal, &w); err != nil {
		return err
	}
	if e.visiting != nil && w.Contributor != e.cfg.Contributor {
		return nil // others use this place, too
	}
	id := episode.Digest(layers[0])
	if w.Contributor != e.cfg.Contributor || w.Recipient != e.cfg.Recipient || w.Reason != bundle.ReasonExpired || tagOf(id) != tag {
		return &episode.Problem{Code: "withdraw/wrong-certificate", Message: "what the hub says has expired is not this edge's", Hint: "ask the hub's operator"}
	}
	var cert []byte
	_, err = e.answerTo(ctx, repo, desc, bundle.TypeCertificate, func(layers [][]byte) (err error) {
		cert, err = e.certificate(ctx, layers, id, bundle.ReasonExpired)
		return err
	})
	if err != nil {
		return err
	}
	return e.db.SaveExpiry(ctx, sqlstore.WithdrawalRow{ID: id, Scope: "what had expired", Recipient: w.Recipient, Records: len(w.IDs), RequestedBy: "its terms",
		RequestedAt: e.cfg.Now(), Envelope: layers[0], Certificate: cert})
}
