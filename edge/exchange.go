// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
)

// Carried is what a visit to an exchange did.
type Carried struct {
	Place        string           `json:"place"`
	Bundles      int              `json:"bundles"`      // left there now
	Withdrawals  int              `json:"withdrawals"`  // left there now
	Returns      int              `json:"returns"`      // releases taken back here, said there now
	Counts       int              `json:"counts"`       // left there now
	Receipts     int              `json:"receipts"`     // taken back now
	Certificates int              `json:"certificates"` // taken back now
	Refused      []CarriedRefusal `json:"refused"`      // by the hub, by bundle
	Waiting      int              `json:"waiting"`      // bundles of ours that the hub has not answered yet
	Others       int              `json:"others"`       // bundles of others
	ours         bool             // some bundle there is ours
}

// CarriedRefusal is why the hub did not take a bundle in.
type CarriedRefusal struct {
	Bundle string `json:"bundle"`
	*episode.Problem
}

// at does something while an exchange stands in the hub's place.
func (h *hub) at(ctx context.Context, x Exchange, make bool, do func(context.Context) error) (Carried, error) {
	h.done = Carried{Refused: []CarriedRefusal{}}
	err := h.link.At(ctx, x, make, func(ctx context.Context) error {
		h.done.Place = h.link.Visit.String()
		return do(ctx)
	})
	return h.done, err
}

// exchange is how a turn sends and fetches where an exchange is set: what is packed is left there, if the hub's log has shown there
// that it keeps its promise, and what the hub left is taken back. What is withdrawn is said there whatever else fails: taking back
// is never held up.
func (h *hub) exchange(ctx context.Context) error {
	sent := h.link.Watch(ctx)
	withdrawn := h.leaveWithdrawals(ctx) // before what they may be about
	if sent == nil && !h.stuck {
		sent = errors.Join(h.contribute(ctx), h.tellCounts(ctx))
	}
	return errors.Join(sent, withdrawn, h.leaveReturns(ctx), h.takeBack(ctx), h.link.LeaveSeen(ctx))
}

// Leave leaves in an exchange what is packed for a hub and what is taken back from it, or one bundle, for the hub to take in. Where the
// edge has joined one hub only, its name may be empty.
func (e *Edge) Leave(ctx context.Context, hub string, x Exchange, dir string) (Carried, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	h, err := e.theHub(hub)
	if err != nil {
		return Carried{}, err
	}
	return h.at(ctx, x, true, func(ctx context.Context) error {
		left := h.link.Watch(ctx)
		withdrawn := h.leaveWithdrawals(ctx)
		switch {
		case left != nil: // nothing but withdrawals
		case dir != "":
			left = h.leaveFolder(ctx, dir)
		default:
			left = errors.Join(h.contribute(ctx), h.tellCounts(ctx))
		}
		return errors.Join(left, withdrawn, h.leaveReturns(ctx), h.link.LeaveSeen(ctx))
	})
}

// TakeBack takes back from an exchange what a hub answered. Where the edge has joined one hub only, its name may be empty.
func (e *Edge) TakeBack(ctx context.Context, hub string, x Exchange) (Carried, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	h, err := e.theHub(hub)
	if err != nil {
		return Carried{}, err
	}
	clear(h.others) // a person asks: count them anew
	return h.at(ctx, x, false, func(ctx context.Context) error {
		// A log that shows nothing proves nothing: what needs no proof from it is taken back all the same.
		seen := h.link.Watch(ctx)
		err := errors.Join(seen, h.takeBack(ctx))
		if w := h.link.LeaveSeen(ctx); w != nil {
			h.log.Warn("the hub is not told what was seen of its log; the next visit does", "err", w)
		}
		if n := h.done.Others; err == nil && n > 0 && !h.done.ours {
			return &episode.Problem{Code: "exchange/not-ours", Message: fmt.Sprintf("%s holds bundles of others (%d) and none of %s", h.link.Visit, n, h.link.Contributor),
				Hint: "check that this is the place that was meant; nothing was taken back"}
		}
		return err
	})
}

// leaveFolder leaves a bundle by its folder.
func (h *hub) leaveFolder(ctx context.Context, dir string) error {
	b, err := h.mayLeave(ctx, dir)
	if err != nil {
		return err
	}
	layout, root, err := openLayout(ctx, dir, b.Digest)
	if err != nil {
		return err
	}
	fresh, err := h.link.LeaveBundle(ctx, layout, root)
	if fresh {
		h.done.Bundles++
	}
	return err
}

// Push sends the bundle in dir to the hub that it was made for, now, and returns the hub's receipt.
func (e *Edge) Push(ctx context.Context, dir string) (*link.Receipt, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	m, _, _, err := bundle.ReadManifest(dir, e.ownTrust())
	if err != nil {
		return nil, err
	}
	h, err := e.theHub(m.Recipient)
	if err != nil {
		return nil, err
	}
	if _, err := h.mayLeave(ctx, dir); err != nil {
		return nil, err
	}
	return PushTo(ctx, h.link, dir, e.Public())
}

// PushTo sends the bundle in dir, which the key named own must have signed, to a hub and returns its receipt. It asks no edge whether
// the bundle may still leave: [Edge.Push] does. Nothing is sent to a hub whose log does not show that it keeps its promise.
func PushTo(ctx context.Context, l *link.Link, dir string, own ed25519.PublicKey) (*link.Receipt, error) {
	b, err := bundle.Verify(dir, bundle.NewTrust(bundle.TrustedKey{Name: l.Contributor, Key: own}))
	if err != nil {
		return nil, err
	}
	if err := b.Manifest.Expired(time.Now()); err != nil {
		return nil, err
	}
	if err := l.Watch(ctx); err != nil {
		return nil, err
	}
	layout, root, err := openLayout(ctx, dir, b.Digest)
	if err != nil {
		return nil, err
	}
	return l.Push(ctx, layout, root, b.Manifest)
}

// mayLeave opens a bundle that somebody named by its folder, for whatever is to carry it. One that this edge packed counts as sent from now on,
// as in a turn; of another, no record may be among those on which this edge decides: what was withdrawn or refused does not
// leave in a copy.
func (h *hub) mayLeave(ctx context.Context, dir string) (*bundle.Bundle, error) {
	if err := h.PolicyHeld(); err != nil {
		return nil, err
	}
	b, err := bundle.Verify(dir, h.ownTrust())
	if err != nil {
		return nil, err
	}
	if b.Manifest.Recipient != h.link.Name {
		return nil, &episode.Problem{Code: "bundle/other-recipient", Message: fmt.Sprintf("the bundle is for %s, not for %s", b.Manifest.Recipient, h.link.Name), Hint: "its terms do not let others have it"}
	}
	if err := b.Manifest.Expired(h.cfg.Now()); err != nil {
		return nil, err
	}
	digests := make([]string, 0, b.Len())
	for _, line := range b.Records() {
		if err := bundle.CheckCanaries(line, h.cfg.Canaries); err != nil {
			return nil, err
		}
		digests = append(digests, episode.Digest(line))
	}
	rows, err := h.db.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.ID != b.Digest {
			continue
		}
		if r.State == "refused" {
			return nil, &episode.Problem{Code: "exchange/refused", Message: "the hub has refused this bundle", Hint: "it is not sent again: headrace edge link opens the page that says why"}
		}
		return b, h.db.Sending(ctx, r.ID, h.cfg.Now())
	}
	n, err := h.db.Ours(ctx, digests)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return nil, &episode.Problem{Code: "exchange/not-packed", Message: fmt.Sprintf("%d of the bundle's records are this edge's, and it has not packed them in this bundle: they were withdrawn or refused, or wait", n),
			Hint: "a running edge sends all that may leave, and headrace push --to leaves it without naming a bundle"}
	}
	return b, nil
}

// ownTrust is what this edge has signed itself, under whatever name.
func (e *Edge) ownTrust() bundle.Trust { return bundle.NewTrust(bundle.TrustedKey{Key: e.Public()}) }

// ownTrust is what this edge has signed itself, under the name by which the hub knows it.
func (h *hub) ownTrust() bundle.Trust {
	return bundle.NewTrust(bundle.TrustedKey{Name: h.link.Contributor, Key: h.Public()})
}

// leaveWithdrawals leaves the withdrawals that the hub has not certified.
func (h *hub) leaveWithdrawals(ctx context.Context) error {
	list, err := h.openWithdrawals(ctx)
	errs := []error{err}
	for _, w := range list {
		fresh, err := h.link.LeaveWithdrawal(ctx, w.ID, w.Envelope)
		if err != nil {
			errs = append(errs, fmt.Errorf("leave withdrawal %s: %w", w.ID, err))
		}
		if fresh {
			h.done.Withdrawals++
		}
	}
	return errors.Join(errs...)
}

// leaveReturns says which of the hub's releases were taken back here. No answer comes to that, and a folder may be lost on its way: it is
// left in each place where it does not lie, until a wire has told the hub.
func (h *hub) leaveReturns(ctx context.Context) error {
	list, err := h.db.Untold(ctx, h.link.Name)
	errs := []error{err}
	for _, g := range list {
		fresh, err := h.link.LeaveBack(ctx, g.ID, g.Own)
		if fresh {
			h.done.Returns++
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
