// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

func TestTotalsAreWhatWasAddedAndWhatCountsGrewBy(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		row := func(day int64, series string, n float64) sqlstore.Total {
			return sqlstore.Total{Day: day, Tool: "mill", Measure: "accepted", Language: "go", Series: series, N: n}
		}
		done := uint64(0)
		add := func(totals ...sqlstore.Total) {
			t.Helper()
			done++
			ok(t, db.Assemble(t.Context(), nil, sqlstore.Joins{}, done, totals...))
		}
		add(row(1, "", 2), row(1, "", 3), row(1, "s", 4), row(1, "s", 7), row(1, "s", 5))
		add(row(1, "", 1), row(1, "s", 6))                   // 6 in all; the count stays at 7
		add(row(2, "s", 10), row(2, "begun again", 2))       // grew by 3, and 2
		add(row(4, "s", 10), row(4, "", 1), row(5, "s", 10)) // nothing on day 5
		got, err := db.Totals(t.Context(), 1, 9)
		ok(t, err)
		if d := cmp.Diff([]sqlstore.Total{row(1, "", 13), row(2, "", 5), row(4, "", 1)}, got); d != "" {
			t.Error(d)
		}
		if got, err = db.Totals(t.Context(), 2, 2); err != nil || len(got) != 1 || got[0].N != 5 {
			t.Errorf("of one day: %+v, %v; it does not see the day before", got, err)
		}
	})
}

func TestTotalsAreStoredWithThePayloadTheyAreFrom(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		bad := episodeRow("ep_1")
		bad.Sealed = nil // not a row that the store takes
		err := db.Assemble(t.Context(), []sqlstore.EpisodeRow{bad}, sqlstore.Joins{}, 7, sqlstore.Total{Day: 1, Tool: "mill", Measure: "accepted", N: 1})
		if err == nil {
			t.Fatal("the row was taken")
		}
		totals, err := db.Totals(t.Context(), 0, 9)
		ok(t, err)
		done, err := db.SpoolDone(t.Context(), "inbox")
		ok(t, err)
		if len(totals) != 0 || done != 0 {
			t.Errorf("%d totals are stored, %d payloads done with", len(totals), done)
		}
	})
}
