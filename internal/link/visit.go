// SPDX-License-Identifier: Apache-2.0

package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"filippo.io/age"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// Exchange is a place where we and the hub leave things for each other, in place of the hub's own registry.
type Exchange struct {
	// Place is a repository in a registry, or a folder; empty for none.
	Place string
	// Credentials is a file in docker's form with what the registry asks for; empty for none.
	Credentials string
	// Recipient is the key of the hub to which records are encrypted there; empty: they are not.
	Recipient string
}

// Visit is one look at an exchange. It stands in the hub's place for as long as it lasts.
type Visit struct {
	exchange.Place
	to   *age.X25519Recipient // records are encrypted to; nil: they are not
	told *exchange.Log        // of the hub's log; nil where the hub has left nothing there
}

// At does something while an exchange stands in the hub's place. It is made where there is none, if that is asked for.
func (l *Link) At(ctx context.Context, x Exchange, make bool, do func(context.Context) error) (err error) {
	if !l.Joined() {
		return ErrNotJoined
	}
	if x.Recipient = cmp.Or(x.Recipient, l.Exchange.Recipient); x.Place == l.Exchange.Place {
		x.Credentials = cmp.Or(x.Credentials, l.Exchange.Credentials)
	}
	var to *age.X25519Recipient
	if x.Recipient != "" {
		if to, err = exchange.Recipient(x.Recipient); err != nil {
			return err
		}
	}
	p, err := exchange.Open(x.Place, exchange.Access{Credentials: x.Credentials, Make: make, Log: l.log})
	if err != nil {
		return err
	}
	defer p.Close()
	l.Visit = &Visit{Place: p, to: to}
	defer func() { l.Visit = nil }()
	ctx, cancel := context.WithTimeout(ctx, VisitFor)
	defer cancel()
	return l.Explain(do(ctx))
}

// LeaveBundle leaves a bundle in the exchange, or what is not there of it, and reports whether it was not there. Its answer comes
// with a later visit.
func (l *Link) LeaveBundle(ctx context.Context, from content.ReadOnlyStorage, root ocispec.Descriptor) (bool, error) {
	id := root.Digest.String()
	if whole, err := l.whole(ctx, id); whole || err != nil {
		return false, err
	}
	if err := l.put(ctx, from, root); err != nil {
		return false, fmt.Errorf("leave bundle %s: %w", id, err)
	}
	return true, nil
}

// put copies a bundle into the exchange, its records encrypted where that is asked for. The tag comes last: what it names is whole.
func (l *Link) put(ctx context.Context, from content.ReadOnlyStorage, root ocispec.Descriptor) error {
	id := root.Digest.String()
	tag := exchange.Tag(exchange.Bundles, id)
	if l.Visit.to == nil {
		blobs, err := content.Successors(ctx, from, root)
		if err != nil {
			return err
		}
		opts := oras.DefaultCopyGraphOptions
		opts.Concurrency = 1
		for _, part := range append(blobs, root) { // each by itself: a manifest may be there, and not all below it
			if err := oras.CopyGraph(ctx, from, l.Visit, part, opts); err != nil {
				return err
			}
		}
		return l.Visit.Tag(ctx, root, tag)
	}
	layers, err := exchange.Layers(ctx, from, root, bundle.MaxPayload)
	if err != nil {
		return err
	}
	doc, err := exchange.Seal(id, layers[0], layers[1], l.Visit.to)
	if err != nil {
		return err
	}
	_, err = exchange.Put(ctx, l.Visit, tag, doc)
	return err
}

// whole says whether a bundle of ours lies in the exchange with all that belongs to it.
func (l *Link) whole(ctx context.Context, id string) (bool, error) {
	desc, err := l.placed(ctx, id)
	if p, ok := errors.AsType[*episode.Problem](err); errors.Is(err, errdef.ErrNotFound) || ok && p.Code == exchange.CodeDamaged {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	parts, err := content.Successors(ctx, l.Visit, desc)
	for _, part := range parts {
		if is, err := l.Visit.Exists(ctx, part); !is || err != nil {
			return false, err
		}
	}
	return err == nil, err
}

// placed finds a bundle of ours in the exchange.
func (l *Link) placed(ctx context.Context, id string) (ocispec.Descriptor, error) {
	tag := exchange.Tag(exchange.Bundles, id)
	desc, err := l.Visit.Resolve(ctx, tag)
	if err != nil {
		return desc, err
	}
	m, _, err := exchange.Manifest(ctx, l.Visit, desc)
	if err == nil && exchange.Holds(desc, m) != id {
		err = l.otherBundle(tag)
	}
	return desc, err
}

func (l *Link) otherBundle(tag string) error {
	return &episode.Problem{Code: "exchange/other-bundle", Message: fmt.Sprintf("the tag %s in %s names another bundle than ours", tag, l.Visit), Hint: "somebody else writes there: give edge and hub a place of their own"}
}

// LeaveWithdrawal leaves a signed withdrawal in the exchange, and reports whether it was not there.
func (l *Link) LeaveWithdrawal(ctx context.Context, id string, envelope []byte) (bool, error) {
	return l.leave(ctx, exchange.Tag(exchange.Withdrawals, id), bundle.TypeWithdrawal, envelope)
}

// leave leaves a signed document under a tag of the exchange, and reports whether it was not there.
func (l *Link) leave(ctx context.Context, tag, kind string, envelope []byte) (bool, error) {
	doc := exchange.Document{Type: kind, Layers: [][]byte{envelope}}
	lies, err := exchange.Lies(ctx, l.Visit, tag, doc)
	if err != nil || lies {
		return false, err
	}
	_, err = exchange.Put(ctx, l.Visit, tag, doc)
	return err == nil, err
}

// Found is what an exchange holds under the tag of a bundle, and the hub's answer to it, verified: one of receipt, incident and
// refusal, or none yet.
type Found struct {
	Bundle   string
	Receipt  *Receipt
	Incident []byte // signed
	Refusal  *bundle.Refusal
}

// ErrOthers says that a bundle is not ours.
var ErrOthers = errors.New("the bundle is somebody else's")

// Find opens the bundle under a tag of the exchange, which one of own must have signed, and the hub's answer to it.
func (l *Link) Find(ctx context.Context, tag string, own bundle.Trust) (f Found, err error) {
	desc, err := l.Visit.Resolve(ctx, tag)
	if err != nil {
		return f, err
	}
	m, _, err := exchange.Manifest(ctx, l.Visit, desc)
	if err != nil {
		return f, err
	}
	envelope, err := exchange.Blob(ctx, l.Visit, m.Layers[0], maxReturn)
	if err != nil {
		return f, err
	}
	signed, err := bundle.OpenManifest(envelope, own)
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == bundle.CodeUnknownSigner {
		return f, ErrOthers
	}
	if err != nil {
		return f, err
	}
	if signed.Recipient != l.Name {
		return f, ErrOthers // ours, for another hub that reads there, too
	}
	f.Bundle = exchange.Holds(desc, m)
	_, err = l.answerTo(ctx, l.Visit, desc, bundle.TypeReceipt, func(layers [][]byte) (err error) {
		f.Receipt, err = l.checkReceipt(ctx, f.Bundle, signed, layers)
		return err
	})
	if !errors.Is(err, errdef.ErrNotFound) {
		return f, err
	}
	layers, err := l.answerTo(ctx, l.Visit, desc, bundle.TypeIncident, nil)
	if err == nil {
		f.Incident = layers[0]
		_, err = l.OpenIncident(layers[0], f.Bundle)
	}
	if !errors.Is(err, errdef.ErrNotFound) {
		return f, err
	}
	f.Refusal, err = l.lastRefusal(ctx, desc)
	return f, err
}

// lastRefusal is the last of those with which the hub has answered something in the exchange; nil for none.
func (l *Link) lastRefusal(ctx context.Context, desc ocispec.Descriptor) (last *bundle.Refusal, err error) {
	lookOn := errors.New("there may be a later one")
	_, err = l.answerTo(ctx, l.Visit, desc, bundle.TypeRefusal, func(layers [][]byte) error {
		r := new(bundle.Refusal)
		if err := l.Open(layers[0], bundle.TypeRefusal, r); err != nil {
			return err
		}
		if r.Artifact != desc.Digest.String() || r.Recipient != l.Name {
			return &episode.Problem{Code: "receipt/mismatch", Message: fmt.Sprintf("the hub's refusal is of %.80s", r.Artifact), Hint: "ask the hub's operator: it does not speak of what was sent"}
		}
		if last == nil || r.After(*last) {
			last = r
		}
		return lookOn
	})
	if last != nil || errors.Is(err, errdef.ErrNotFound) {
		return last, nil
	}
	return nil, err
}

// watchExchange is Watch where the hub itself cannot be asked: what it left of its log must go on from what was seen. Where it
// has left nothing, or nothing newer, nothing is to be seen.
func (l *Link) watchExchange(ctx context.Context, h *hubLog) error {
	desc, err := l.Visit.Resolve(ctx, exchange.TagLog)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	layers, err := exchange.Layers(ctx, l.Visit, desc, exchange.MaxLog)
	if err != nil {
		return err
	}
	told, err := exchange.DecodeLog(layers[0])
	if err != nil {
		return err
	}
	last, err := h.seen.Last()
	if err != nil {
		return err
	}
	now, err := h.known.Open(told.Checkpoint)
	if err != nil {
		return err
	}
	l.Visit.told = &told
	if now.Size < last.Size {
		return nil
	}
	_, err = h.seen.Advance(told.Checkpoint, l.holds(ctx, h))
	return err
}

// LeaveSeen tells the hub which checkpoint of its log was seen last, so that it can show that the log goes on from there.
func (l *Link) LeaveSeen(ctx context.Context) error {
	last, err := l.LastSeen()
	if err != nil || last == "" {
		return err
	}
	desc, err := l.Visit.Resolve(ctx, exchange.TagSeen)
	if err == nil {
		m, _, err := exchange.Manifest(ctx, l.Visit, desc)
		if err == nil && m.Layers[0].Digest == content.NewDescriptorFromBytes("", []byte(last)).Digest {
			return nil
		}
	} else if !errors.Is(err, errdef.ErrNotFound) {
		return err
	}
	_, err = exchange.Put(ctx, l.Visit, exchange.TagSeen, exchange.Document{Type: exchange.TypeSeen, Layers: [][]byte{[]byte(last)}})
	return err
}
