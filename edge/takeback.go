// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// takeBack takes back the hub's answers: to bundles of ours, to withdrawals, and what it erased by itself.
func (h *hub) takeBack(ctx context.Context) error {
	tags, err := exchange.Named(ctx, h.link.Visit, exchange.Bundles)
	if err != nil {
		return err
	}
	rows, err := h.db.Bundles(ctx, "")
	if err != nil {
		return err
	}
	known := map[string]sqlstore.BundleRow{}
	for _, r := range rows {
		if r.Recipient == h.link.Name {
			known[exchange.Tag(exchange.Bundles, r.ID)] = r
		}
	}
	var errs []error
	for _, tag := range tags {
		row, ours := known[tag]
		h.done.ours = h.done.ours || ours
		if ours && row.State != "packed" || h.others[h.done.Place+"\x00"+tag] {
			continue
		}
		if err := h.takeAnswer(ctx, tag, row); err != nil {
			errs = append(errs, fmt.Errorf("answer to %s: %w", tag, err))
			if ours {
				errs = append(errs, h.db.NoteBundle(ctx, row.ID, err.Error()))
			}
		}
	}
	return errors.Join(errors.Join(errs...), h.fetchCertificates(ctx), h.fetchExpired(ctx))
}

// takeAnswer takes back what the hub said of one bundle, if it is ours. Its row is empty where this edge did not pack it.
func (h *hub) takeAnswer(ctx context.Context, tag string, row sqlstore.BundleRow) error {
	c := &h.done
	f, err := h.link.Find(ctx, tag, h.ownTrust())
	if errors.Is(err, link.ErrOthers) && row.ID == "" {
		h.others[c.Place+"\x00"+tag] = true
		c.Others++
		return nil
	}
	c.ours = c.ours || f.Bundle != ""
	if errors.Is(err, link.ErrOthers) || err == nil && row.ID != "" && row.ID != f.Bundle {
		return &episode.Problem{Code: "exchange/other-bundle", Message: fmt.Sprintf("the tag %s in %s names another bundle than ours", tag, c.Place), Hint: "somebody else writes there: give edge and hub a place of their own"}
	}
	if err != nil {
		return err
	}
	note := ""
	switch {
	case f.Receipt != nil:
		if _, err := os.Stat(h.link.ReceiptFile(f.Bundle)); err == nil && row.ID == "" {
			return nil // an earlier visit
		}
		c.Receipts++
		return h.received(ctx, f.Bundle, f.Receipt)
	case f.Incident != nil:
		c.Refused = append(c.Refused, CarriedRefusal{f.Bundle, &episode.Problem{Code: "intake/incident", Message: "the hub's scan found what must not arrive", Hint: "the bundle's page says where"}})
		if row.ID == "" {
			return nil
		}
		return h.refuse(ctx, row, f.Incident)
	case f.Refusal != nil:
		p := &episode.Problem{Code: f.Refusal.Code, Message: "the hub has not taken it in: " + f.Refusal.Message, Hint: f.Refusal.Hint}
		c.Refused = append(c.Refused, CarriedRefusal{f.Bundle, p})
		note = p.Error()
		if p.Code == bundle.CodeExpired && row.State == "packed" {
			h.log.Warn("terms expired before the hub received a bundle; it is packed anew without them", "bundle", f.Bundle)
			return h.db.Unpack(ctx, f.Bundle)
		}
	default:
		c.Waiting++
		note = "left in " + c.Place + "; the hub has not answered yet"
	}
	if row.ID == "" || row.Note == note {
		return nil
	}
	return h.db.NoteBundle(ctx, row.ID, note)
}
