// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sqlstore"
)

// ofBefore is a part of the log as it was written before records had a format's number: a list of rows as JSON.
const ofBefore = `[{"ID":"d_1","Release":"rel_1","Developer":"ada","At":"2026-11-02T09:00:00.000001Z","Shown":true,"Propensity":0.75,"Explore":true,"Sealed":"eyJraW5kIjoiZmlsdGVyIn0=","Episode":"","Told":""},` +
	`{"ID":"d_2","Release":"","Developer":"","At":"2026-11-02T09:00:01Z","Shown":false,"Propensity":1,"Explore":false,"Sealed":"e30=","Episode":"","Told":""}]`

// What was decided before an update and had no row yet is kept.
func TestDecisionsOfAnEarlierFormatBecomeRows(t *testing.T) {
	e, err := New(t.Context(), Config{Dir: t.TempDir(), Hubs: []Hub{{Name: "maker", Contributor: "alder"}}, Now: func() time.Time { return time.Unix(1_793_700_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, part := range []string{ofBefore, "[{", ofBefore} {
		sealed, err := e.sealFor(t.Context(), spoolDecisions, []byte(part))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.decided.Append(sealed); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.recordDecisions(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := sqlstore.DecisionRow{ID: "d_1", Release: "rel_1", Developer: "ada", At: time.Date(2026, 11, 2, 9, 0, 0, 1000, time.UTC), Shown: true, Propensity: 0.75, Explore: true}
	got, err := e.db.Decision(t.Context(), "d_1")
	if err != nil {
		t.Fatal(err)
	}
	if q, err := e.question(t.Context(), got); err != nil || q.Kind != "filter" {
		t.Errorf("what was asked is %+v, %v", q, err)
	}
	if got.Sealed = nil; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("the row is %+v, want %+v", got, want)
	}
	if n, err := e.db.DecisionCount(t.Context()); err != nil || n != 2 || e.stats.SetAside.Load() != 1 {
		t.Errorf("%d rows, %d set aside, %v; want 2 and the part that is none", n, e.stats.SetAside.Load(), err)
	}
}

// A part of the log is records, or damaged, whatever it holds; and a list as JSON has as many as it says.
func FuzzPartsOfTheDecisionLog(f *testing.F) {
	f.Add([]byte(ofBefore))
	f.Add([]byte("[]"))
	f.Add([]byte(`[{"ID":1}]`))
	f.Add([]byte{loggedFormat, 1, 'd'})
	f.Fuzz(func(t *testing.T, part []byte) {
		records, err := recordsOf(part)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Fatal(err)
			}
			return
		}
		n := 0
		for r := range loggedIn(records) {
			_, n = r.row(), n+1
		}
		var rows []any
		if len(part) > 0 && part[0] == '[' && (json.Unmarshal(part, &rows) != nil || n != len(rows)) {
			t.Fatalf("of %q there are %d records", part, n)
		}
	})
}
