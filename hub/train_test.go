// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// How often the gate has looked at a claim follows from the reports of that claim: those of another kind, those against another
// base, those that did not look at the gain, and one of a turn that was interrupted count for nothing.
func TestLooksAreCountedByWhatTheyClaim(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	next := func(kind release.Kind, snapshot string) gate.Look {
		t.Helper()
		l, err := h.nextLook(t.Context(), kind, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	n := 0
	looked := func(l gate.Look, gained bool) string {
		t.Helper()
		n++
		bound, snapshot := -0.01, fmt.Sprint("sha256:", n)
		if gained {
			l.Bound = &bound
		}
		envelope, err := bundle.SealDocument(bundle.TypeGateReport, gate.Report{Snapshot: snapshot, Look: &l}, h.ring.Signing())
		if err != nil {
			t.Fatal(err)
		}
		if err := h.db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocGate, ID: fmt.Sprint(n), Parent: snapshot, Envelope: envelope, LogIndex: -1}); err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	want := func(what string, l gate.Look, base string, number int) {
		t.Helper()
		if l.Base != base || l.Number != number {
			t.Errorf("%s: look %d against %q, want %d against %q", what, l.Number, l.Base, number, base)
		}
	}
	want("the first", next(release.Filter, "sha256:new"), "", 1)
	looked(next(release.Filter, "sha256:new"), false)
	want("after one that had too little", next(release.Filter, "sha256:new"), "", 1)
	looked(next(release.Filter, "sha256:new"), true)
	last := looked(next(release.Filter, "sha256:new"), true)
	looked(gate.Look{Kind: "route", Number: 70}, true)
	looked(gate.Look{Kind: "filter", Base: "rel_other", Number: 50}, true)
	want("after two", next(release.Filter, "sha256:new"), "", 3)
	want("the turn of the last again", next(release.Filter, last), "", 2)
	want("of routes", next(release.Route, "sha256:new"), "", 71)
}
