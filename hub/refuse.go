// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"time"

	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// leaveRefusal says in a place why something there was not taken in, unless that is what was said there last.
func (h *Hub) leaveRefusal(ctx context.Context, place exchange.Place, l *left) (n int, err error) {
	p, who := l.refusal, l.contributor
	if who != "" && !l.verified { // whoever can write there may not learn who contributes here
		p, who = &episode.Problem{Code: "exchange/not-known", Message: "it is not signed by a key that contributes to this hub", Hint: "ask the hub's operator: for an invite, or for a new one if the key has changed"}, ""
	}
	last, err := h.lastRefusal(ctx, place, l)
	if err != nil {
		return 0, err
	}
	r := bundle.Refusal{Artifact: l.desc.Digest.String(), Contributor: who, Recipient: h.cfg.Name, Code: p.Code, Message: p.Message, Hint: p.Hint, RefusedAt: last.RefusedAt}
	if r == last {
		return 0, nil
	}
	r.RefusedAt = h.cfg.Now().UTC().Format(time.RFC3339)
	doc, err := bundle.SealDocument(bundle.TypeRefusal, r, h.ring.Signing())
	if err != nil {
		return 0, err
	}
	return leaveAnswer(ctx, place, exchange.Document{Type: bundle.TypeRefusal, Subject: &l.desc, Layers: [][]byte{doc}})
}

// lastRefusal is what this hub said last of something in a place; none where it has said nothing.
func (h *Hub) lastRefusal(ctx context.Context, place exchange.Place, l *left) (last bundle.Refusal, err error) {
	found, err := exchange.Answers(ctx, place, l.desc, bundle.TypeRefusal)
	if err != nil && !errors.Is(err, errdef.ErrNotFound) {
		return last, err
	}
	for _, f := range found {
		layers, err := exchange.Layers(ctx, place, f, maxEnvelope)
		if ctx.Err() != nil {
			return last, err
		}
		var r bundle.Refusal
		if err != nil || h.open(layers[0], bundle.TypeRefusal, &r) != nil || r.Artifact != l.desc.Digest.String() {
			continue // of others, or spoilt
		}
		if last.Artifact == "" || r.After(last) {
			last = r
		}
	}
	return last, nil
}
