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
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
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
	if s.All && (s.Confirm == "" || s.Confirm != e.contributor()) {
		return nil, &episode.Problem{Code: "withdraw/unconfirmed", Message: "everything that ever left would be taken back, for good",
			Hint: fmt.Sprintf("to confirm it, give the contributor's name: %s", e.contributor())}
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
			Hint: "what left to others is taken back; join that hub again and withdraw once more"}
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
	in, recipients := map[string]int{}, e.recipients()
	for _, x := range sent {
		if !slices.Contains(recipients, x.Recipient) {
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
	first := map[string]time.Time{} // by hub
	for _, b := range bundles {     // oldest first
		if n := in[b.ID]; n > 0 {
			r.Bundles = append(r.Bundles, web.ReachBundle{ID: b.ID, Hub: e.oneOf(b.Recipient), Records: n})
			if first[b.Recipient].IsZero() {
				first[b.Recipient] = b.CreatedAt
			}
		}
	}
	if r.Records == 0 {
		return r, nil
	}
	releases, err := e.db.PulledReleases(ctx, "")
	for _, rel := range releases {
		if began := first[rel.Hub]; !began.IsZero() && !rel.PulledAt.Before(began) {
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

// withdrawals makes the signed withdrawals of what has left of a scope, for each hub its own, none where nothing has, and counts what
// left to hubs that this edge is not joined to.
func (e *Edge) withdrawals(ctx context.Context, who string, scope sqlstore.Scope, words string) (a sqlstore.Asked, elsewhere map[string]int, err error) {
	a = sqlstore.Asked{Scope: scope, By: who, At: e.cfg.Now()}
	sent, err := e.db.SentOf(ctx, scope)
	if err != nil {
		return a, nil, err
	}
	a.Sent, elsewhere = len(sent), map[string]int{}
	left := map[string][]string{} // episodes, by whom they left to
	for _, s := range sent {
		left[s.Recipient] = append(left[s.Recipient], s.Episode)
	}
	told := map[string][]string{} // counts, by whom they were told
	if scope.All {
		rows, err := e.db.Counts(ctx, "")
		if err != nil {
			return a, nil, err
		}
		for _, c := range countsBack(rows) {
			if a.Counts++; c.ID != "" { // without one they were never sent
				told[c.Recipient] = append(told[c.Recipient], c.ID)
			}
		}
	}
	for _, h := range e.hubs {
		if !h.link.Left {
			err = errors.Join(err, h.askBack(&a, left[h.link.Name], told[h.link.Name], words))
			delete(left, h.link.Name)
			delete(told, h.link.Name)
		}
	}
	for name, ids := range left {
		elsewhere[name] += len(ids)
	}
	for name, ids := range told {
		elsewhere[name] += len(ids)
	}
	return a, elsewhere, err
}

// askBack adds the signed withdrawals of episodes that have left to this hub, and of counts that it was told.
func (h *hub) askBack(a *sqlstore.Asked, episodes, counts []string, words string) error {
	lower, err := h.Lowerer(h.link.Name)
	if err != nil {
		return err
	}
	ids := make([]string, len(episodes))
	for i, id := range episodes {
		ids[i] = lower.EpisodeID(id)
	}
	ids = append(ids, counts...)
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), maxWithdrawal) {
		w := sqlstore.WithdrawalRow{Scope: words, Recipient: h.link.Name, Records: len(part), RequestedBy: a.By, RequestedAt: a.At}
		what := bundle.Withdrawal{Contributor: h.link.Contributor, Recipient: h.link.Name, IDs: part}
		w.Envelope, err = bundle.SealDocument(bundle.TypeWithdrawal, what, h.ring.Signing())
		if errors.Is(err, keyring.ErrUnsigned) { // what can be done without the key is not put off
			a.Unsigned, w.Unsigned = err, true
			w.Envelope, err = json.Marshal(what)
		}
		if err != nil {
			return err
		}
		if w.ID = episode.Digest(w.Envelope); h.onePerson(a.Scope) {
			w.Records = 0 // shown as not counted
		}
		a.Rows = append(a.Rows, w)
	}
	return nil
}

// HeldAt counts the records that a hub has and has not certified that it erased.
func (e *Edge) HeldAt(ctx context.Context, hub string) (int, error) { return e.db.HeldAt(ctx, hub) }

// openWithdrawals are the withdrawals that the hub has not certified yet.
// What could not be signed when it was asked is signed now; where it still cannot be, it is left out, with the error.
func (h *hub) openWithdrawals(ctx context.Context) (open []sqlstore.WithdrawalRow, err error) {
	list, err := h.db.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	var unsigned error
	for _, w := range list {
		if w.State == "certified" || w.Recipient != h.link.Name {
			continue
		}
		if w.Unsigned {
			if unsigned != nil {
				continue // the key was asked a moment ago
			}
			if w, unsigned = h.signWithdrawal(ctx, w); unsigned != nil {
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
func (h *hub) fetchCertificates(ctx context.Context) error {
	list, err := h.openWithdrawals(ctx)
	errs := []error{err}
	for _, w := range list {
		cert, err := h.link.Withdraw(ctx, w.ID, w.Envelope)
		if errors.Is(err, errdef.ErrNotFound) {
			continue // the hub has it and will certify it with its next turn
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", w.ID, err))
			continue
		}
		if err := h.checkOnward(ctx, cert); err != nil {
			errs = append(errs, fmt.Errorf("withdrawal %s: %w", w.ID, err))
			continue
		}
		if err := h.db.CertifyWithdrawal(ctx, w.ID, cert); err != nil {
			return errors.Join(append(errs, err)...)
		}
		h.done.Certificates++
	}
	return errors.Join(errs...)
}

// fetchExpired fetches the hub's certificates of what it erased by itself, because its terms had run out. Each is stored
// beside the withdrawals, once.
func (h *hub) fetchExpired(ctx context.Context) error {
	list, err := h.db.Withdrawals(ctx)
	if err != nil {
		return err
	}
	known := make([]string, len(list))
	for i, w := range list {
		known[i] = w.ID
	}
	fresh, err := h.link.Expiries(ctx, known)
	errs := []error{err}
	for _, x := range fresh {
		errs = append(errs, h.db.SaveExpiry(ctx, sqlstore.WithdrawalRow{ID: x.ID, Scope: "what had expired", Recipient: h.link.Name, Records: x.Records, RequestedBy: "its terms",
			RequestedAt: h.cfg.Now(), Envelope: x.Envelope, Certificate: x.Certificate}))
	}
	return errors.Join(errs...)
}
