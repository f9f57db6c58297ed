// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// Withdraw sends a signed withdrawal, or finds where it was left, and returns the hub's certificate, which is kept with its proofs.
// [errdef.ErrNotFound] says that there is none yet: the hub certifies with a turn of its own.
func (l *Link) Withdraw(ctx context.Context, id string, envelope []byte) ([]byte, error) {
	repo, err := l.Repository(l.Contributor + Withdrawals)
	if err != nil {
		return nil, err
	}
	var desc ocispec.Descriptor
	if l.Visit != nil {
		desc, err = l.Visit.Resolve(ctx, exchange.Tag(exchange.Withdrawals, id)) // it was left before, or is not there
	} else {
		desc, err = l.PushDocument(ctx, repo, bundle.TypeWithdrawal, envelope)
	}
	if err != nil {
		return nil, err
	}
	return l.certified(ctx, repo, desc, id, "")
}

func (l *Link) certified(ctx context.Context, repo Store, desc ocispec.Descriptor, id, reason string) (cert []byte, err error) {
	_, err = l.answerTo(ctx, repo, desc, bundle.TypeCertificate, func(layers [][]byte) (err error) {
		cert, err = l.certificate(ctx, layers, id, reason)
		return err
	})
	return cert, err
}

// tagExpired is what the tags begin with of what a hub withdrew by itself, because its terms had run out.
const tagExpired = "expired-"

func tagOf(withdrawal string) string {
	hex := strings.TrimPrefix(withdrawal, "sha256:")
	return tagExpired + hex[:min(32, len(hex))]
}

// Expiry is what a hub erased by itself, because its terms had run out.
type Expiry struct {
	ID          string
	Records     int
	Envelope    []byte // signed by the hub
	Certificate []byte // signed
}

// Expiries fetches the hub's certificates of what it erased by itself, but for those of the withdrawals that are known. One that
// cannot be taken in holds up no other.
func (l *Link) Expiries(ctx context.Context, known []string) (list []Expiry, err error) {
	have := map[string]bool{}
	for _, id := range known {
		have[tagOf(id)] = true
	}
	repo, err := l.Repository(l.Contributor + Withdrawals)
	if err != nil {
		return nil, err
	}
	fresh, err := l.fresh(ctx, repo, func(t string) bool { return strings.HasPrefix(t, tagExpired) && !have[t] })
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, t := range fresh {
		x, err := l.expiry(ctx, repo, t)
		if err != nil && !errors.Is(err, errdef.ErrNotFound) { // the certificate comes a moment later
			errs = append(errs, fmt.Errorf("certificate %s: %w", t, err))
		}
		if err == nil && x != nil {
			list = append(list, *x)
		}
	}
	return list, errors.Join(errs...)
}

// expiry is nil where it is somebody else's.
func (l *Link) expiry(ctx context.Context, repo Store, tag string) (*Expiry, error) {
	desc, err := repo.Resolve(ctx, tag)
	if err != nil {
		return nil, l.Explain(err)
	}
	layers, err := l.layers(ctx, repo, desc)
	if err != nil {
		return nil, err
	}
	var w bundle.Withdrawal
	err = l.Open(layers[0], bundle.TypeWithdrawal, &w)
	if p, ok := errors.AsType[*episode.Problem](err); l.Visit != nil && (ok && p.Code == bundle.CodeUnknownSigner || err == nil && w.Contributor != l.Contributor) {
		return nil, nil // others use this place, too: another hub, or another contributor
	}
	if err != nil {
		return nil, err
	}
	id := episode.Digest(layers[0])
	if w.Contributor != l.Contributor || w.Recipient != l.Name || w.Reason != bundle.ReasonExpired || tagOf(id) != tag {
		return nil, &episode.Problem{Code: "withdraw/wrong-certificate", Message: "what the hub says has expired is not this edge's", Hint: "ask the hub's operator"}
	}
	cert, err := l.certified(ctx, repo, desc, id, bundle.ReasonExpired)
	return &Expiry{ID: id, Records: len(w.IDs), Envelope: layers[0], Certificate: cert}, err
}
