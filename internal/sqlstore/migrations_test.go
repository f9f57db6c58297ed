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
		db := edgeAt(t, dsn, 63)
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

// TestWhatWasSeenOfHubsBeforeTheirKeysWereKeptCounts: until something is seen that is numbered by the key.
func TestWhatWasSeenOfHubsBeforeTheirKeysWereKeptCounts(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := edgeAt(t, dsn, 77)
		_, err := db.Exec(`INSERT INTO offers_seen (recipient, sequence) VALUES ('maker', 7)`)
		ok(t, err)
		_, err = db.Exec(`INSERT INTO rollouts (recipient, kind, sequence, envelope, pulled_at) VALUES ('maker', 'filter', 5, $1, 1)`, []byte("r5"))
		ok(t, err)
		ok(t, db.Close())
		now := open(t, dsn, sqlstore.RoleEdge)
		offers := func(key string, want int64, wantOurs bool) {
			t.Helper()
			if n, ours, err := now.OffersSeen(t.Context(), "maker", key); err != nil || n != want || ours != wantOurs {
				t.Errorf("of %s was seen %d, by its key %v, %v; want %d, %v", key, n, ours, err, want, wantOurs)
			}
		}
		rollout := func(key, want string) {
			t.Helper()
			if r, err := now.LastRollout(t.Context(), "maker", key, "filter"); err != nil || string(r.Envelope) != want {
				t.Errorf("the last roll-out of %s is %s, %v; want %s", key, r.Envelope, err, want)
			}
		}
		offers("k1", 7, false)
		rollout("k1", "r5")
		ok(t, now.SawOffers(t.Context(), "maker", "k1", 8))
		ok(t, now.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "maker", Signer: "k1", Kind: "filter", Sequence: 6, Envelope: []byte("r6"), PulledAt: day1}, nil))
		ok(t, now.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "maker", Signer: "k2", Kind: "filter", Sequence: 1, Envelope: []byte("s1"), PulledAt: day1}, nil))
		offers("k1", 8, true)
		offers("k2", 0, false)
		rollout("k1", "r6")
		rollout("k2", "s1")
		if all, err := now.Rollouts(t.Context()); err != nil || len(all) != 3 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// edgeAt makes an edge's database as it was at a version, and opens it as it is.
func edgeAt(t *testing.T, dsn string, version int64) *sql.DB {
	t.Helper()
	before, err := sqlstore.OpenAt(context.Background(), dsn, sqlstore.RoleEdge, version)
	ok(t, err)
	ok(t, before.Close())
	driver := "sqlite"
	if suffix(dsn) == "" {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	ok(t, err)
	return db
}
