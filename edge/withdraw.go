// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

const codeNothingLeft = "withdraw/nothing-left"

// maxWithdrawal is how many ids travel in one document, which must be of a size that every reader takes.
const maxWithdrawal = 100_000

// Withdraw takes back all that left of a scope and keeps back all that has not left yet. It is journaled before it is
// sent, so it is never forgotten; the next turn sends it and fetches the hub's certificate.
func (e *Edge) Withdraw(ctx context.Context, who string, s web.Scope) ([]string, error) {
	scope, words, err := e.scope(s)
	if err != nil {
		return nil, err
	}
	if s.All && s.Confirm != e.cfg.Contributor {
		return nil, &episode.Problem{Code: "withdraw/unconfirmed", Message: "everything that ever left would be taken back, for good",
			Hint: fmt.Sprintf("to confirm it, give the contributor's name: %s", e.cfg.Contributor)}
	}
	for {
		a, elsewhere, err := e.withdrawals(ctx, who, scope, words)
		if err != nil {
			return nil, err
		}
		stopped, err := e.db.Noting(e.entry(ctx, who, "withdraw", words)).AskWithdrawal(ctx, a)
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // more of it left while the withdrawal was made
		}
		if err != nil {
			return nil, err
		}
		if err := e.forget(stopped); err != nil {
			return nil, err
		}
		e.Wake() // what was beside it in a stopped bundle is packed again
		if a.Unsigned != nil {
			return nil, &episode.Problem{Code: "withdraw/unsigned", Message: "what waits is kept back, and what left is not asked back yet: the signing key is away", Err: a.Unsigned,
				Hint: "nothing is forgotten: it is signed and sent once the key is back; headrace withdraw --status shows it"}
		}
		return e.asked(a, elsewhere)
	}
}

// asked are the ids of what was asked, or the Problem that says that there is nothing, or not everything, to ask here.
func (e *Edge) asked(a sqlstore.Asked, elsewhere map[string]int) ([]string, error) {
	var ids []string
	for _, w := range a.Rows {
		ids = append(ids, w.ID)
	}
	if len(elsewhere) > 0 {
		return ids, &episode.Problem{Code: "withdraw/elsewhere", Message: fmt.Sprintf("some of it left to %s, which this edge is not joined to now", strings.Join(slices.Sorted(maps.Keys(elsewhere)), ", ")),
			Hint: "what left to " + e.cfg.Recipient + " is taken back; join the other hub and withdraw once more"}
	}
	if len(ids) == 0 {
		return nil, &episode.Problem{Code: codeNothingLeft, Message: "nothing of it had left",
			Hint: "what waited to leave is kept back from now on; there is nothing more to do"}
	}
	return ids, nil
}

// WouldWithdraw says what a withdrawal of this scope would reach, and changes nothing.
func (e *Edge) WouldWithdraw(ctx context.Context, s web.Scope) (*web.Reach, error) {
	scope, words, err := e.scope(s)
	if err != nil {
		return nil, err
	}
	r := &web.Reach{Scope: words, Elsewhere: map[string]int{}, Bundles: []web.ReachBundle{}}
	if e.onePerson(scope) {
		defer countless(r)
	}
	if r.Waiting, r.Packed, err = e.db.UnsentOf(ctx, scope); err != nil {
		return nil, err
	}
	sent, err := e.db.SentOf(ctx, scope)
	if err != nil {
		return nil, err
	}
	in := map[string]int{}
	for _, x := range sent {
		if x.Recipient != e.cfg.Recipient {
			r.Elsewhere[x.Recipient]++
			continue
		}
		r.Records++
		in[x.Bundle]++
	}
	bundles, err := e.db.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	var first time.Time
	for _, b := range bundles { // oldest first
		if n := in[b.ID]; n > 0 {
			r.Bundles = append(r.Bundles, web.ReachBundle{ID: b.ID, Records: n})
			if first.IsZero() {
				first = b.CreatedAt
			}
		}
	}
	if r.Records == 0 {
		return r, nil
	}
	releases, err := e.db.PulledReleases(ctx)
	for _, rel := range releases {
		if !rel.PulledAt.Before(first) {
			r.Releases = append(r.Releases, rel.ID)
		}
	}
	return r, err
}

// onePerson says that a scope is of one developer among others, of whom no page shows a figure.
func (e *Edge) onePerson(s sqlstore.Scope) bool { return s.Developer != "" && !e.cfg.Own }

// countless takes the numbers out of what is one person's.
func countless(r *web.Reach) {
	r.Person, r.Records, r.Waiting, r.Packed = true, 0, 0, 0
	for i := range r.Bundles {
		r.Bundles[i].Records = 0
	}
	for who := range r.Elsewhere {
		r.Elsewhere[who] = 0
	}
}

// withdrawals makes the signed withdrawals of what has left of a scope, none where nothing has, and counts what left to
// hubs that this edge is not joined to.
func (e *Edge) withdrawals(ctx context.Context, who string, scope sqlstore.Scope, words string) (a sqlstore.Asked, elsewhere map[string]int, err error) {
	a = sqlstore.Asked{Scope: scope, By: who, At: e.cfg.Now()}
	sent, err := e.db.SentOf(ctx, scope)
	if err != nil {
		return a, nil, err
	}
	a.Sent, elsewhere = len(sent), map[string]int{}
	lower, err := consent.NewLowerer(e.cfg.Recipient, e.ring.Derive)
	if err != nil {
		return a, nil, err
	}
	var ids []string
	for _, s := range sent {
		if s.Recipient != e.cfg.Recipient {
			elsewhere[s.Recipient]++
			continue
		}
		ids = append(ids, lower.EpisodeID(s.Episode))
	}
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), maxWithdrawal) {
		w := sqlstore.WithdrawalRow{Scope: words, Recipient: e.cfg.Recipient, Records: len(part), RequestedBy: who, RequestedAt: a.At}
		what := bundle.Withdrawal{Contributor: e.cfg.Contributor, Recipient: e.cfg.Recipient, IDs: part}
		w.Envelope, err = bundle.SealDocument(bundle.TypeWithdrawal, what, e.ring.Signing())
		if errors.Is(err, keyring.ErrUnsigned) { // what can be done without the key is not put off
			a.Unsigned, w.Unsigned = err, true
			w.Envelope, err = json.Marshal(what)
		}
		if err != nil {
			return a, nil, err
		}
		if w.ID = episode.Digest(w.Envelope); e.onePerson(scope) {
			w.Records = 0 // shown as not counted
		}
		a.Rows = append(a.Rows, w)
	}
	return a, elsewhere, nil
}

// openWithdrawals are the withdrawals that the hub has not certified yet; those of another hub wait until it is joined again.
// What could not be signed when it was asked is signed now; where it still cannot be, it is left out, with the error.
func (e *Edge) openWithdrawals(ctx context.Context) (open []sqlstore.WithdrawalRow, err error) {
	list, err := e.db.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	var unsigned error
	for _, w := range list {
		if w.State == "certified" || w.Recipient != e.cfg.Recipient {
			continue
		}
		if w.Unsigned {
			if unsigned != nil {
				continue // the key was asked a moment ago
			}
			if w, unsigned = e.signWithdrawal(ctx, w); unsigned != nil {
				continue
			}
		}
		open = append(open, w)
	}
	return open, unsigned
}

func (e *Edge) signWithdrawal(ctx context.Context, w sqlstore.WithdrawalRow) (sqlstore.WithdrawalRow, error) {
	var what bundle.Withdrawal
	if err := json.Unmarshal(w.Envelope, &what); err != nil {
		return w, fmt.Errorf("withdrawal %s: %w", w.ID, err)
	}
	envelope, err := bundle.SealDocument(bundle.TypeWithdrawal, what, e.ring.Signing())
	if err != nil {
		return w, err
	}
	was := w.ID
	w.ID, w.Envelope, w.Unsigned = episode.Digest(envelope), envelope, false
	return w, e.db.SignWithdrawal(ctx, was, w)
}

// fetchCertificates sends withdrawals that the hub has not certified yet and fetches its certificates.
func (e *Edge) fetchCertificates(ctx context.Context) error {
	list, err := e.openWithdrawals(ctx)
	errs := []error{err}
	for _, w := range list {
		cert, err := e.sendWithdrawal(ctx, w)
		if errors.Is(err, errdef.ErrNotFound) {
			continue // the hub has it and will certify it with its next turn
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", w.ID, err))
			continue
		}
		if err := e.db.CertifyWithdrawal(ctx, w.ID, cert); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if e.visiting != nil {
			e.visiting.done.Certificates++
		}
	}
	return errors.Join(errs...)
}

func (e *Edge) sendWithdrawal(ctx context.Context, w sqlstore.WithdrawalRow) ([]byte, error) {
	repo, err := e.repository(e.cfg.Contributor + repoWithdrawals)
	if err != nil {
		return nil, err
	}
	var desc ocispec.Descriptor
	if e.visiting != nil {
		desc, err = e.visiting.Resolve(ctx, exchange.Tag(exchange.Withdrawals, w.ID)) // it was left before, or is not there
	} else {
		desc, err = e.pushDocument(ctx, repo, bundle.TypeWithdrawal, w.Envelope)
	}
	if err != nil {
		return nil, err
	}
	var cert []byte
	_, err = e.answerTo(ctx, repo, desc, bundle.TypeCertificate, func(layers [][]byte) (err error) {
		cert, err = e.certificate(ctx, layers, w.ID, "")
		return err
	})
	return cert, err
}

// pushDocument pushes a signed document as an artifact of one layer.
func (e *Edge) pushDocument(ctx context.Context, repo store, payloadType string, envelope []byte) (ocispec.Descriptor, error) {
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
