// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
)

// fetchOnward fetches what the hub says that it has passed on of what we gave it. What its terms did not allow is an alarm, with each
// turn until it is explained.
func (h *hub) fetchOnward(ctx context.Context) error {
	rows, err := h.db.Onward(ctx, "")
	if err != nil {
		return err
	}
	var known []string
	for _, r := range rows {
		if r.Hub == h.link.Name {
			known = append(known, r.Passed)
		}
	}
	fresh, err := h.link.Onwards(ctx, known)
	errs := []error{err}
	for _, o := range fresh {
		if err := h.takeOnward(ctx, o); err != nil {
			errs = append(errs, fmt.Errorf("passed on to %s: %w", o.Recipient, err))
		}
	}
	return errors.Join(errs...)
}

func (h *hub) takeOnward(ctx context.Context, o link.Onward) error {
	m, err := h.given(ctx, o)
	if err != nil {
		return err
	}
	allowed := 0 // records
	for _, t := range m.Terms {
		if slices.Contains(t.Terms.Recipients, o.Recipient) {
			allowed += t.Records
		}
	}
	if m.Recipient != h.link.Name || o.Records > allowed {
		h.log.Error("a hub has passed on what its terms do not let it", "hub", h.link.Name, "to", o.Recipient, "bundle", o.Source)
		return &episode.Problem{Code: "passage/not-allowed", Message: fmt.Sprintf("%s has passed %d records of bundle %.19s on to %s, and its terms let it have %d", h.link.Name, o.Records, o.Source, o.Recipient, allowed),
			Hint: "it signed that it did: ask its operator, and take the records back (headrace withdraw)"}
	}
	h.telling.Lock() // the first word of a key counts, of however many hubs that speak at once
	defer h.telling.Unlock()
	if err := h.sameKey(ctx, o.Recipient, o.RecipientKey); err != nil {
		return err
	}
	doc, err := json.Marshal(o)
	if err != nil {
		return err
	}
	file := filepath.Join(h.cfg.Dir, "passages", strings.TrimPrefix(o.Bundle, "sha256:")+".json")
	if err := statedir.Write(file, append(doc, '\n')); err != nil { // for auditors
		return err
	}
	return h.db.SaveOnward(ctx, sqlstore.OnwardRow{Passed: o.Bundle, Bundle: o.Source, Hub: h.link.Name, Recipient: o.Recipient, RecipientKey: o.RecipientKey, Records: o.Records,
		LogIndex: int64(o.Index), Document: doc, ToldAt: h.cfg.Now()})
}

// given is what we signed of a bundle that was passed on: as it lies here, or, where this edge did not pack it or its database is of
// before, as the hub has it from us.
func (h *hub) given(ctx context.Context, o link.Onward) (m bundle.Manifest, err error) {
	if _, err = h.db.Bundle(ctx, o.Source); errors.Is(err, sqlstore.ErrNotFound) {
		return bundle.OpenManifest(o.Manifest, h.ownTrust())
	}
	if err == nil {
		m, _, _, err = bundle.ReadManifest(h.bundleDir(o.Source), h.ownTrust())
	}
	return m, err
}

// sameKey makes sure that whoever is called so has the key by which we know them: from joining, or from what a hub said first.
func (e *Edge) sameKey(ctx context.Context, name string, key []byte) error {
	other := &episode.Problem{Code: "passage/other-key", Message: fmt.Sprintf("two keys are said to be %s's", name), Hint: "ask the hubs' operators which is right: one of them may have somebody else in its place"}
	if h, err := e.hubOf(name); err == nil && h.link.Public != nil { // we know it ourselves
		if !bytes.Equal(h.link.Public, key) {
			return other
		}
		return nil
	}
	rows, err := e.db.Onward(ctx, "")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(r sqlstore.OnwardRow) bool { return r.Recipient == name && !bytes.Equal(r.RecipientKey, key) }) {
		return other
	}
	return nil
}

// checkOnward makes sure of a certificate that those who certify in it behind the hub are who they were.
func (h *hub) checkOnward(ctx context.Context, certificate []byte) error {
	var c bundle.Certificate
	if err := h.link.Open(certificate, bundle.TypeCertificate, &c); err != nil {
		return err
	}
	for _, o := range c.Onward {
		if err := h.sameKey(ctx, o.Recipient, o.Key); err != nil {
			return err
		}
	}
	return nil
}
