// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// toldLog gathers the checkpoints of our log that whoever reads a place has, or will get from it, and leaves there the proofs
// that the log goes on from each of them: an edge that takes answers from a place cannot ask the hub for any.
type toldLog struct {
	h         *Hub
	told      [][]byte
	something bool // was said in this visit
}

// maxTold bounds what lies there; the oldest go first.
const maxTold = 4096

// of takes up the checkpoints that an answer's proofs lead to.
func (t *toldLog) of(layers [][]byte) {
	for _, l := range layers[1:] {
		var p proof.Inclusion
		if json.Unmarshal(l, &p) == nil && len(p.Checkpoint) > 0 {
			t.told, t.something = append(t.told, p.Checkpoint), true
		}
	}
}

// leave writes the document anew where something was said in this visit, or the edge has seen something that it does not
// speak of.
func (t *toldLog) leave(ctx context.Context, p exchange.Place) error {
	h := t.h
	before, err := t.document(ctx, p, exchange.TagLog)
	if err != nil {
		return err
	}
	var known exchange.Log
	if before != nil {
		if known, err = exchange.DecodeLog(before); err != nil {
			h.log.Warn("what we left of our log in an exchange is written anew", "place", p.String(), "err", err)
			known = exchange.Log{}
		}
	}
	for _, g := range known.From {
		t.told = append(t.told, g.Checkpoint)
	}
	if known.Checkpoint != nil {
		t.told = append(t.told, known.Checkpoint)
	}
	seen, err := t.document(ctx, p, exchange.TagSeen)
	if err != nil {
		return err
	}
	if seen != nil && !slices.ContainsFunc(t.told, func(c []byte) bool { return string(c) == string(seen) }) {
		t.told, t.something = append(t.told, seen), true
	}
	if !t.something && before != nil {
		return nil
	}
	doc, err := t.prove(ctx)
	if err != nil {
		return err
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	_, err = exchange.Put(ctx, p, exchange.TagLog, exchange.Document{Type: exchange.TypeLog, Layers: [][]byte{b}})
	return err
}

// prove proves that the log goes on from each checkpoint to its newest. What our log never signed, or does not continue, is
// passed over: whoever has seen it finds no proof, and sends nothing more.
func (t *toldLog) prove(ctx context.Context) (doc exchange.Log, err error) {
	if doc.Checkpoint, err = t.h.tlog.Checkpoint(); err != nil {
		return doc, err
	}
	known, err := proof.Of(t.h.cfg.Name, t.h.Public())
	if err != nil {
		return doc, err
	}
	sizes := map[uint64]bool{}
	type sized struct {
		exchange.Grown
		size uint64
	}
	var list []sized
	for _, c := range t.told {
		cp, err := known.Open(c)
		if err != nil || sizes[cp.Size] {
			continue
		}
		sizes[cp.Size] = true
		grown, err := t.h.tlog.Consistency(ctx, c, doc.Checkpoint)
		if proof.Broken(err) {
			t.h.log.Error("an exchange holds a checkpoint that our key signed and our log does not continue: was this hub restored from a backup?", "err", err)
			continue
		}
		if err != nil {
			return doc, err
		}
		list = append(list, sized{exchange.Grown{Checkpoint: c, Hashes: grown.Hashes}, cp.Size})
	}
	slices.SortFunc(list, func(a, b sized) int { return cmp.Compare(b.size, a.size) })
	doc.From = []exchange.Grown{}
	for _, g := range list[:min(len(list), maxTold)] {
		doc.From = append(doc.From, g.Grown)
	}
	return doc, nil
}

// document reads the one layer of what a tag names; nil where there is none that can be read.
func (t *toldLog) document(ctx context.Context, p exchange.Place, tag string) ([]byte, error) {
	desc, err := p.Resolve(ctx, tag)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	layers, err := exchange.Layers(ctx, p, desc, exchange.MaxLog)
	if _, spoilt := errors.AsType[*episode.Problem](err); spoilt || errors.Is(err, errdef.ErrNotFound) {
		t.h.log.Warn("a document about our log in an exchange cannot be read and is passed over", "place", p.String(), "tag", tag, "err", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return layers[0], nil
}
