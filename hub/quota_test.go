// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sqlstore"
)

func TestABytesDayIsTheDayOnWhichItArrived(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 11, 2, 23, 59, 59, 0, time.UTC)
	q := newQuotas(Quotas{Bytes: 1000}, db, func() time.Time { return now })
	take := func(repo string, n int) {
		t.Helper()
		if err := q.Take(t.Context(), repo, n); err != nil {
			t.Fatal(err)
		}
	}
	take("alder-bank/bundles", 900)
	now = now.Add(2 * time.Second)
	take("birch-telecom/bundles", 10)
	take("alder-bank/bundles", 800) // of the next day's thousand
	for range 2 {
		if err := q.Save(t.Context(), "alder-bank/bundles"); err != nil {
			t.Fatal(err)
		}
	}
	for day, want := range map[string]int64{"2026-11-02": 900, "2026-11-03": 800} {
		if u, err := db.Usage(t.Context(), "alder-bank", day); err != nil || u.Bytes != want {
			t.Errorf("on %s %d bytes were sent, want %d; %v", day, u.Bytes, want, err)
		}
	}
}
