// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/published"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// withDocuments is a hub with n looks at a hundred releases and n gate reports, the last of each about what is being rolled out.
func withDocuments(t testing.TB, n int) (*Hub, release.Rollout) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	h, err := New(t.Context(), Config{Dir: dir, Name: "maker"})
	ok(err)
	t.Cleanup(func() { h.Close() })
	on := release.Start(release.Filter, "rel_99", release.Rollout{}, "", h.cfg.Now())
	bound := -0.01
	report := gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Refused, Snapshot: "sha256:1", Gain: &ope.Interval{Estimate: 0.02, Developers: 100}, Look: &gate.Look{Kind: "filter", Number: 7, Bound: &bound}}
	judged, err := bundle.SealDocument(bundle.TypeGateReport, report, h.ring.Signing())
	ok(err)
	look, err := json.Marshal(published.Looked{At: h.cfg.Now(), Stage: 1})
	ok(err)
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub.db"))
	ok(err)
	defer db.Close()
	tx, err := db.Begin()
	ok(err)
	add := func(kind string, i int, parent, note string, envelope []byte) {
		_, err := tx.Exec(`INSERT INTO documents (kind, id, parent, contributor, envelope, log_index, seq, note, made_at) VALUES ($1,$2,$3,'',$4,-1,$5,$6,0)`, kind, fmt.Sprint(kind, i), parent, envelope, i, note)
		ok(err)
	}
	for i := range n {
		add(sqlstore.DocLook, 2*i+1, fmt.Sprint("rel_", i%100), stepOf(on), look)
		add(sqlstore.DocGate, 2*i+2, fmt.Sprint("sha256:", i), "", judged)
	}
	ok(tx.Commit())
	return h, on
}

func BenchmarkLastLook(b *testing.B) {
	h, on := withDocuments(b, 10_000)
	for b.Loop() {
		if _, ok, err := h.lastLook(b.Context(), on); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkNextLook(b *testing.B) {
	h, _ := withDocuments(b, 10_000)
	for b.Loop() {
		if l, err := h.nextLook(b.Context(), release.Filter, "sha256:new"); err != nil || l.Number != 8 {
			b.Fatal(l, err)
		}
	}
}

// Of a release the last look counts, and of a claim the last report, however many documents there are.
func TestTheLastOfManyDocumentsIsFound(t *testing.T) {
	h, on := withDocuments(t, 300)
	look, ok, err := h.lastLook(t.Context(), on)
	if err != nil || !ok || look.Stage != 1 {
		t.Errorf("the last look is %+v, %v, %v", look, ok, err)
	}
	if all, _, err := h.looks(t.Context(), on.Release, 0); err != nil || len(all) != 3 {
		t.Errorf("%d looks, %v; want 3", len(all), err)
	}
	for _, c := range []struct {
		kind     release.Kind
		snapshot string
		want     int
	}{{release.Filter, "sha256:new", 8}, {release.Filter, "sha256:299", 7}, {release.Route, "sha256:new", 1}} {
		if l, err := h.nextLook(t.Context(), c.kind, c.snapshot); err != nil || l.Number != c.want {
			t.Errorf("the next look of kind %s at %s is %+v, %v; want number %d", c.kind, c.snapshot, l, err, c.want)
		}
	}
	n := 0
	for doc, err := range h.db.NewestDocuments(t.Context(), sqlstore.DocGate) {
		if n++; err != nil || doc.Seq != int64(2*(300-n)+2) {
			t.Fatalf("document %d from the end is %d, %v", n, doc.Seq, err)
		}
	}
	if n != 300 {
		t.Errorf("%d documents of 300", n)
	}
}
