// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"filippo.io/age"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// Exchange is a place where edge and hub leave things for each other, in place of the hub's own registry.
type Exchange struct {
	// Place is a repository in a registry, or a folder; empty for none.
	Place string
	// Credentials is a file in docker's form with what the registry asks for; empty for none.
	Credentials string
	// Recipient is the key of the hub to which records are encrypted there; empty: they are not.
	Recipient string
}

// visit is one look at an exchange. It stands in the hub's place for as long as it lasts.
type visit struct {
	exchange.Place
	to   *age.X25519Recipient // records are encrypted to; nil: they are not
	told *exchange.Log        // of the hub's log; nil where the hub has left nothing there
	ours bool                 // some bundle there is ours
	done Carried
}

// Carried is what a visit to an exchange did.
type Carried struct {
	Place        string           `json:"place"`
	Bundles      int              `json:"bundles"`      // left there now
	Withdrawals  int              `json:"withdrawals"`  // left there now
	Receipts     int              `json:"receipts"`     // taken back now
	Certificates int              `json:"certificates"` // taken back now
	Refused      []CarriedRefusal `json:"refused"`      // by the hub, by bundle
	Waiting      int              `json:"waiting"`      // bundles of ours that the hub has not answered yet
	Others       int              `json:"others"`       // bundles of others
}

// CarriedRefusal is why the hub did not take a bundle in.
type CarriedRefusal struct {
	Bundle string `json:"bundle"`
	*episode.Problem
}

// at does something while an exchange stands in the hub's place. turning is held.
func (e *Edge) at(ctx context.Context, x Exchange, make bool, do func(context.Context) error) (c Carried, err error) {
	if e.cfg.Hub == nil {
		return c, ErrNotJoined
	}
	if x.Recipient = cmp.Or(x.Recipient, e.cfg.Exchange.Recipient); x.Place == e.cfg.Exchange.Place {
		x.Credentials = cmp.Or(x.Credentials, e.cfg.Exchange.Credentials)
	}
	var to *age.X25519Recipient
	if x.Recipient != "" {
		if to, err = exchange.Recipient(x.Recipient); err != nil {
			return c, err
		}
	}
	p, err := exchange.Open(x.Place, exchange.Access{Credentials: x.Credentials, Make: make, Log: e.log})
	if err != nil {
		return c, err
	}
	defer p.Close()
	e.visiting = &visit{Place: p, to: to, done: Carried{Place: p.String(), Refused: []CarriedRefusal{}}}
	defer func() { e.visiting = nil }()
	ctx, cancel := context.WithTimeout(ctx, visitFor)
	defer cancel()
	err = do(ctx)
	return e.visiting.done, e.explain(err)
}

// exchange is how a turn sends and fetches where an exchange is set: what is packed is left there, if the hub's log has shown there
// that it keeps its promise, and what the hub left is taken back. What is withdrawn is said there whatever else fails: taking back
// is never held up.
func (e *Edge) exchange(ctx context.Context) error {
	sent := e.watch(ctx)
	if sent == nil {
		sent = e.contribute(ctx)
	}
	return errors.Join(sent, e.leaveWithdrawals(ctx), e.takeBack(ctx), e.leaveSeen(ctx))
}

// Leave leaves in an exchange what is packed and what is taken back, or one bundle, for the hub to take in.
func (e *Edge) Leave(ctx context.Context, x Exchange, dir string) (Carried, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	return e.at(ctx, x, true, func(ctx context.Context) error {
		left := e.watch(ctx)
		switch {
		case left != nil: // nothing but withdrawals
		case dir != "":
			left = e.leaveFolder(ctx, dir)
		default:
			left = e.contribute(ctx)
		}
		return errors.Join(left, e.leaveWithdrawals(ctx), e.leaveSeen(ctx))
	})
}

// TakeBack takes back from an exchange what the hub answered.
func (e *Edge) TakeBack(ctx context.Context, x Exchange) (Carried, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	clear(e.others) // a person asks: count them anew
	return e.at(ctx, x, false, func(ctx context.Context) error {
		// A log that shows nothing proves nothing: what needs no proof from it is taken back all the same.
		seen := e.watch(ctx)
		err := errors.Join(seen, e.takeBack(ctx))
		if w := e.leaveSeen(ctx); w != nil {
			e.log.Warn("the hub is not told what was seen of its log; the next visit does", "err", w)
		}
		if n := e.visiting.done.Others; err == nil && n > 0 && !e.visiting.ours {
			return &episode.Problem{Code: "exchange/not-ours", Message: fmt.Sprintf("%s holds bundles of others (%d) and none of %s", e.visiting, n, e.cfg.Contributor),
				Hint: "check that this is the place that was meant; nothing was taken back"}
		}
		return err
	})
}

// leaveBundle leaves one packed bundle, or what is not there of it. Its answer comes with a later visit.
func (e *Edge) leaveBundle(ctx context.Context, dir, id string) error {
	layout, err := oci.NewFromFS(ctx, os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", id, err)
	}
	root, err := layout.Resolve(ctx, id)
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", id, err)
	}
	if whole, err := e.whole(ctx, id); whole || err != nil {
		return err
	}
	if err := e.put(ctx, layout, root); err != nil {
		return fmt.Errorf("leave bundle %s: %w", id, err)
	}
	e.visiting.done.Bundles++
	return nil
}

// put copies a bundle into the exchange, its records encrypted where that is asked for. The tag comes last: what it names is whole.
func (e *Edge) put(ctx context.Context, layout content.ReadOnlyStorage, root ocispec.Descriptor) error {
	id := root.Digest.String()
	tag := exchange.Tag(exchange.Bundles, id)
	if e.visiting.to == nil {
		blobs, err := content.Successors(ctx, layout, root)
		if err != nil {
			return err
		}
		opts := oras.DefaultCopyGraphOptions
		opts.Concurrency = 1
		for _, part := range append(blobs, root) { // each by itself: a manifest may be there, and not all below it
			if err := oras.CopyGraph(ctx, layout, e.visiting, part, opts); err != nil {
				return err
			}
		}
		return e.visiting.Tag(ctx, root, tag)
	}
	layers, err := exchange.Layers(ctx, layout, root, bundle.MaxPayload)
	if err != nil {
		return err
	}
	doc, err := exchange.Seal(id, layers[0], layers[1], e.visiting.to)
	if err != nil {
		return err
	}
	_, err = exchange.Put(ctx, e.visiting, tag, doc)
	return err
}

// whole says whether a bundle of ours lies in the exchange with all that belongs to it.
func (e *Edge) whole(ctx context.Context, id string) (bool, error) {
	desc, err := e.placed(ctx, id)
	if p, ok := errors.AsType[*episode.Problem](err); errors.Is(err, errdef.ErrNotFound) || ok && p.Code == exchange.CodeDamaged {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	parts, err := content.Successors(ctx, e.visiting, desc)
	for _, part := range parts {
		if is, err := e.visiting.Exists(ctx, part); !is || err != nil {
			return false, err
		}
	}
	return err == nil, err
}

// placed finds a bundle of ours in the exchange.
func (e *Edge) placed(ctx context.Context, id string) (ocispec.Descriptor, error) {
	tag := exchange.Tag(exchange.Bundles, id)
	desc, err := e.visiting.Resolve(ctx, tag)
	if err != nil {
		return desc, err
	}
	m, _, err := exchange.Manifest(ctx, e.visiting, desc)
	if err == nil && exchange.Holds(desc, m) != id {
		err = &episode.Problem{Code: "exchange/other-bundle", Message: fmt.Sprintf("the tag %s in %s names another bundle", tag, e.visiting), Hint: "somebody else writes there: give edge and hub a place of their own"}
	}
	return desc, err
}

// leaveFolder leaves a bundle by its folder.
func (e *Edge) leaveFolder(ctx context.Context, dir string) error {
	b, err := e.mayLeave(ctx, dir)
	if err != nil {
		return err
	}
	return e.leaveBundle(ctx, dir, b.Digest)
}

// Push sends the bundle in dir to the hub now, and returns the hub's receipt.
func (e *Edge) Push(ctx context.Context, dir string) (*Receipt, error) {
	e.turning.Lock()
	defer e.turning.Unlock()
	if e.cfg.Hub == nil {
		return nil, ErrNotJoined
	}
	if _, err := e.mayLeave(ctx, dir); err != nil {
		return nil, err
	}
	return Remote{e}.Push(ctx, dir, e.Public())
}

// mayLeave opens a bundle that somebody named by its folder, for whatever is to carry it. One that this edge packed counts as sent from now on,
// as in a turn; of another, no record may be among those on which this edge decides: what was withdrawn or refused does not
// leave in a copy.
func (e *Edge) mayLeave(ctx context.Context, dir string) (*bundle.Bundle, error) {
	b, err := bundle.Verify(dir, e.ownTrust())
	if err != nil {
		return nil, err
	}
	if b.Manifest.Recipient != e.cfg.Recipient {
		return nil, &episode.Problem{Code: "bundle/other-recipient", Message: fmt.Sprintf("the bundle is for %s, this edge has joined %s", b.Manifest.Recipient, e.cfg.Recipient), Hint: "its terms do not let others have it"}
	}
	if err := b.Manifest.Expired(e.cfg.Now()); err != nil {
		return nil, err
	}
	digests := make([]string, 0, b.Len())
	for _, line := range b.Records() {
		if err := bundle.CheckCanaries(line, e.cfg.Canaries); err != nil {
			return nil, err
		}
		digests = append(digests, episode.Digest(line))
	}
	rows, err := e.db.Bundles(ctx, "")
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
		return b, e.db.Sending(ctx, r.ID, e.cfg.Now())
	}
	n, err := e.db.Ours(ctx, digests)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return nil, &episode.Problem{Code: "exchange/not-packed", Message: fmt.Sprintf("%d of the bundle's records are this edge's, and it has not packed them in this bundle: they were withdrawn or refused, or wait", n),
			Hint: "a running edge sends all that may leave, and headrace push --to leaves it without naming a bundle"}
	}
	return b, nil
}

func (e *Edge) ownTrust() bundle.Trust {
	return bundle.NewTrust(bundle.TrustedKey{Name: e.cfg.Contributor, Key: e.Public()})
}

// leaveWithdrawals leaves the withdrawals that the hub has not certified.
func (e *Edge) leaveWithdrawals(ctx context.Context) error {
	list, err := e.openWithdrawals(ctx)
	errs := []error{err}
	for _, w := range list {
		tag, doc := exchange.Tag(exchange.Withdrawals, w.ID), exchange.Document{Type: bundle.TypeWithdrawal, Layers: [][]byte{w.Envelope}}
		lies, err := exchange.Lies(ctx, e.visiting, tag, doc)
		if lies {
			continue
		}
		if err == nil {
			_, err = exchange.Put(ctx, e.visiting, tag, doc)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("leave withdrawal %s: %w", w.ID, err))
			continue
		}
		e.visiting.done.Withdrawals++
	}
	return errors.Join(errs...)
}

// store is one of the hub's repositories, or the exchange that stands in the place of all of them.
type store interface {
	oras.GraphTarget
	registry.TagLister
}
