// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// refuse takes a verified incident in: the records that it names stay here for good as they are, the others of the bundle are
// held until a person has looked, and the bundle is never sent again.
func (h *hub) refuse(ctx context.Context, b sqlstore.BundleRow, envelope []byte) error {
	inc, err := h.link.OpenIncident(envelope, b.ID)
	if err != nil {
		return err
	}
	packed, err := bundle.Verify(h.bundleDir(b.ID), h.ownTrust())
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, f := range inc.Findings {
		if f.Record >= 0 && f.Record < packed.Len() {
			named[episode.Digest(packed.Record(f.Record))] = true
		}
	}
	h.log.Error("the hub refused a bundle for what it found in it; its records are held here", "hub", b.Recipient, "bundle", b.ID, "incident", inc.ID, "records", len(named), "rotate_by", inc.RotateBy)
	stopped, err := h.db.Noting(h.entry(ctx, "incident "+inc.ID, "refuse", b.ID)).RefuseBundle(ctx, b.ID, "incident "+inc.ID, envelope, slices.Sorted(maps.Keys(named)), h.cfg.Now())
	if err != nil {
		return err
	}
	return h.forget(stopped)
}

// Incidents says in one line each which bundles hubs have refused for what it found in them; none is the empty string.
func (e *Edge) Incidents(ctx context.Context) (string, error) {
	rows, err := e.db.Bundles(ctx, "refused")
	if err != nil {
		return "", err
	}
	var lines []string
	for _, b := range rows {
		h, err := e.hubOf(b.Recipient)
		if err != nil {
			continue
		}
		inc, err := h.link.OpenIncident(b.Receipt, b.ID)
		if err != nil {
			return "", err
		}
		lines = append(lines, inc.ID+" of "+inc.Day+": "+b.Recipient+" refused "+b.ID[:min(len(b.ID), 19)]+" for "+kindsOf(inc)+"; make what was in it worthless by "+inc.RotateBy)
	}
	return strings.Join(lines, "\n"), nil
}

// kindsOf lists what an incident found, with counts.
func kindsOf(inc bundle.Incident) string {
	n := map[string]int{}
	for _, f := range inc.Findings {
		n[f.Kind]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d × %s", n[k], k))
	}
	if inc.More > 0 {
		parts = append(parts, fmt.Sprintf("%d more", inc.More))
	}
	return strings.Join(parts, ", ")
}
