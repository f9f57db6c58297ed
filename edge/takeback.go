// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/sqlstore"
)

// takeBack takes back the hub's answers: to bundles of ours, to withdrawals, and what it erased by itself.
func (e *Edge) takeBack(ctx context.Context) error {
	tags, err := exchange.Named(ctx, e.visiting, exchange.Bundles)
	if err != nil {
		return err
	}
	rows, err := e.db.Bundles(ctx, "")
	if err != nil {
		return err
	}
	known := map[string]sqlstore.BundleRow{}
	for _, r := range rows {
		known[exchange.Tag(exchange.Bundles, r.ID)] = r
	}
	var errs []error
	for _, tag := range tags {
		row, ours := known[tag]
		e.visiting.ours = e.visiting.ours || ours
		if ours && row.State != "packed" || e.others[e.visiting.String()+"\x00"+tag] {
			continue
		}
		if err := e.takeAnswer(ctx, tag, row); err != nil {
			errs = append(errs, fmt.Errorf("answer to %s: %w", tag, err))
			if ours {
				errs = append(errs, e.db.NoteBundle(ctx, row.ID, err.Error()))
			}
		}
	}
	return errors.Join(errors.Join(errs...), e.fetchCertificates(ctx), e.fetchExpired(ctx))
}

// takeAnswer takes back what the hub said of one bundle, if it is ours. Its row is empty where this edge did not pack it.
func (e *Edge) takeAnswer(ctx context.Context, tag string, row sqlstore.BundleRow) error {
	c := &e.visiting.done
	desc, err := e.visiting.Resolve(ctx, tag)
	if err != nil {
		return err
	}
	m, _, err := exchange.Manifest(ctx, e.visiting, desc)
	if err != nil {
		return err
	}
	envelope, err := exchange.Blob(ctx, e.visiting, m.Layers[0], maxReturn)
	if err != nil {
		return err
	}
	own, err := bundle.OpenManifest(envelope, e.ownTrust())
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == bundle.CodeUnknownSigner && row.ID == "" {
		e.others[e.visiting.String()+"\x00"+tag] = true
		c.Others++
		return nil
	}
	if err != nil {
		return err
	}
	e.visiting.ours = true
	id := exchange.Holds(desc, m)
	if row.ID != "" && row.ID != id {
		return &episode.Problem{Code: "exchange/other-bundle", Message: fmt.Sprintf("the tag %s in %s names another bundle than ours", tag, e.visiting), Hint: "somebody else writes there: give edge and hub a place of their own"}
	}
	var r *Receipt
	_, err = e.answerTo(ctx, e.visiting, desc, bundle.TypeReceipt, func(layers [][]byte) (err error) {
		r, err = e.checkReceipt(ctx, id, own, layers)
		return err
	})
	if err == nil {
		if _, err := os.Stat(e.receiptFile(id)); err == nil && row.ID == "" {
			return nil // an earlier visit
		}
		c.Receipts++
		return errors.Join(e.keepReceipt(id, r), e.db.SetReceipt(ctx, id, r.Receipt))
	}
	if !errors.Is(err, errdef.ErrNotFound) {
		return err
	}
	layers, err := e.answerTo(ctx, e.visiting, desc, bundle.TypeIncident, nil)
	if err == nil {
		c.Refused = append(c.Refused, CarriedRefusal{id, &episode.Problem{Code: "intake/incident", Message: "the hub's scan found what must not arrive", Hint: "the bundle's page says where"}})
		if row.ID != "" {
			return e.refuse(ctx, row, layers[0])
		}
		_, err = e.openIncident(layers[0], id)
		return err
	}
	if !errors.Is(err, errdef.ErrNotFound) {
		return err
	}
	return e.takeRefusal(ctx, desc, id, row)
}

// takeRefusal notes why the hub has not taken a bundle in yet, or that it has said nothing.
func (e *Edge) takeRefusal(ctx context.Context, desc ocispec.Descriptor, id string, row sqlstore.BundleRow) error {
	c := &e.visiting.done
	layers, err := e.answerTo(ctx, e.visiting, desc, bundle.TypeRefusal, nil)
	note := "left in " + e.visiting.String() + "; the hub has not answered yet"
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		c.Waiting++
	case err != nil:
		return err
	default:
		var r bundle.Refusal
		if err := e.openFromHub(layers[0], bundle.TypeRefusal, &r); err != nil {
			return err
		}
		if r.Artifact != desc.Digest.String() || r.Recipient != e.cfg.Recipient {
			return &episode.Problem{Code: "receipt/mismatch", Message: fmt.Sprintf("the hub's refusal is of %.80s", r.Artifact), Hint: "ask the hub's operator: it does not speak of what was sent"}
		}
		p := &episode.Problem{Code: r.Code, Message: "the hub has not taken it in: " + r.Message, Hint: r.Hint}
		c.Refused = append(c.Refused, CarriedRefusal{id, p})
		note = p.Error()
		if r.Code == bundle.CodeExpired && row.State == "packed" {
			e.log.Warn("terms expired before the hub received a bundle; it is packed anew without them", "bundle", id)
			return e.db.Unpack(ctx, id)
		}
	}
	if row.ID == "" || row.Note == note {
		return nil
	}
	return e.db.NoteBundle(ctx, row.ID, note)
}

// watchExchange is watch where the hub itself cannot be asked: what it left of its log must go on from what was seen. Where it
// has left nothing, or nothing newer, nothing is to be seen.
func (e *Edge) watchExchange(ctx context.Context, l *hubLog) error {
	desc, err := e.visiting.Resolve(ctx, exchange.TagLog)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	layers, err := exchange.Layers(ctx, e.visiting, desc, exchange.MaxLog)
	if err != nil {
		return err
	}
	told, err := exchange.DecodeLog(layers[0])
	if err != nil {
		return err
	}
	e.visiting.told = &told
	last, err := l.seen.Last()
	if err != nil {
		return err
	}
	if now, err := l.known.Open(told.Checkpoint); err != nil {
		return err
	} else if now.Size < last.Size {
		return nil
	}
	_, err = l.seen.Advance(told.Checkpoint, e.holds(ctx, l))
	return err
}

// leaveSeen tells the hub which checkpoint of its log this edge has seen last, so that it can show that the log goes on from there.
func (e *Edge) leaveSeen(ctx context.Context) error {
	last, err := e.lastSeen()
	if err != nil || last == "" {
		return err
	}
	desc, err := e.visiting.Resolve(ctx, exchange.TagSeen)
	if err == nil {
		m, _, err := exchange.Manifest(ctx, e.visiting, desc)
		if err == nil && m.Layers[0].Digest == content.NewDescriptorFromBytes("", []byte(last)).Digest {
			return nil
		}
	} else if !errors.Is(err, errdef.ErrNotFound) {
		return err
	}
	_, err = exchange.Put(ctx, e.visiting, exchange.TagSeen, exchange.Document{Type: exchange.TypeSeen, Layers: [][]byte{[]byte(last)}})
	return err
}
