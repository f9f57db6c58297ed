// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

// TestReleasesFetchedBeforeThereWereRollOutsAreThereAndDecideNothing: rows of the table before 64 come over as they are, of whichever
// hub; none is approved, pinned or rolled out by that.
func TestReleasesFetchedBeforeThereWereRollOutsAreThereAndDecideNothing(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		before, err := sqlstore.OpenAt(context.Background(), dsn, sqlstore.RoleEdge, 63)
		ok(t, err)
		ok(t, before.Close())
		driver := "sqlite"
		if suffix(dsn) == "" {
			driver = "pgx"
		}
		db, err := sql.Open(driver, dsn)
		ok(t, err)
		var want []sqlstore.PulledRelease
		for i, hub := range []string{"maker", "maker", "other"} {
			r := sqlstore.PulledRelease{Hub: hub, ID: []string{"rel_a", "rel_b", "rel_c"}[i], Kind: "filter", Envelope: []byte{1, byte(i)}, Payload: []byte{2, byte(i)}, Gate: []byte{3, byte(i)}, PulledAt: time.Unix(int64(100-i), 0)}
			_, err := db.Exec(`INSERT INTO releases (id, channel, envelope, model, gate, pulled_at, recipient) VALUES ($1,'stable',$2,$3,$4,$5,$6)`, r.ID, r.Envelope, r.Payload, r.Gate, r.PulledAt.UnixMicro(), r.Hub)
			ok(t, err)
			want = append(want, r)
		}
		ok(t, db.Close())
		for range 2 { // and once more: nothing is done twice
			now := open(t, dsn, sqlstore.RoleEdge)
			got, err := now.PulledReleases(t.Context(), "")
			ok(t, err)
			for i := range got {
				got[i].PulledAt = got[i].PulledAt.Local()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what was fetched is not what there is (-was +is):\n%s", diff)
			}
			rollouts, err := now.Rollouts(t.Context())
			ok(t, err)
			if len(rollouts) != 0 {
				t.Errorf("rolled out are %+v", rollouts)
			}
			ok(t, now.Close())
		}
	})
}
