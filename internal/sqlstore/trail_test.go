// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

func entry(who, what, subject string) trail.Entry {
	return trail.Entry{At: time.Unix(1e9, 123456000), Who: who, Role: "steward", What: what, Subject: subject}
}

// TestRowsOfManyAtOnceFollowEachOther: whoever appends at the same time, the trail has each row once and verifies.
func TestRowsOfManyAtOnceFollowEachOther(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		for _, role := range []sqlstore.Role{sqlstore.RoleEdge, sqlstore.RoleHub} {
			at := dsn // on PostgreSQL both in the same database
			if role == sqlstore.RoleHub {
				at += suffix(dsn)
			}
			db := open(t, at, role)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for k := range 5 {
						if err := db.Note(ctx, entry(fmt.Sprint(i), "look", fmt.Sprint(k)), entry(fmt.Sprint(i), "look again", fmt.Sprint(k))); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			h, err := db.TrailHead(ctx)
			ok(t, err)
			got, err := trail.Verify(db.TrailAfter(ctx, 0), h)
			if err != nil || got.Seq != 80 || got != h {
				t.Errorf("%+v, want %+v with 80 rows; %v", got, h, err)
			}
		}
	})
}

// suffix keeps the two roles apart on SQLite, where each has a file.
func suffix(dsn string) string {
	if strings.Contains(dsn, "://") {
		return ""
	}
	return ".hub"
}

// TestWhatIsNotDoneIsNotNoted: the row stands or falls with what it tells of.
func TestWhatIsNotDoneIsNotNoted(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		db := open(t, dsn, sqlstore.RoleEdge)
		err := db.Noting(entry("ada", "send", "b1")).Sending(ctx, "no such bundle", time.Unix(1, 0))
		if !errors.Is(err, sqlstore.ErrChanged) {
			t.Fatal(err)
		}
		ok(t, db.Noting(entry("ada", "note", "b1")).NoteBundle(ctx, "b1", "x"))
		ok(t, db.NoteBundle(ctx, "b1", "x")) // by the store that notes nothing
		list, err := db.Trail(ctx, trail.Filter{Limit: 10})
		ok(t, err)
		if len(list) != 1 || list[0].What != "note" || list[0].Who != "ada" || list[0].Role != "steward" || list[0].Subject != "b1" {
			t.Errorf("%+v", list)
		}
		select {
		case <-db.Noted():
		default:
			t.Error("nobody was told")
		}
	})
}

func TestTheTrailIsSearchedByPersonActionAndDay(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		db := open(t, dsn, sqlstore.RoleEdge)
		day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
		for i, who := range []string{"ada", "bob", "ada", "eve"} {
			ok(t, db.Note(ctx, trail.Entry{At: day(i + 1), Who: who, What: []string{"approve", "refuse"}[i%2], Subject: fmt.Sprint(i)}))
		}
		for want, f := range map[string]trail.Filter{
			"3 2 1 0": {}, "2 0": {Who: "ada"}, "3 1": {What: "refuse"}, "1": {What: "refuse", Who: "bob"}, "2 1": {From: day(2), Before: day(4)}, "1 0": {Below: 3},
		} {
			f.Limit = 10
			list, err := db.Trail(ctx, f)
			ok(t, err)
			var got []string
			for _, r := range list {
				got = append(got, r.Subject)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%+v gave %v, want %s", f, got, want)
			}
		}
		who, what, err := db.TrailWords(ctx)
		ok(t, err)
		if !slices.Equal(who, []string{"ada", "bob", "eve"}) || !slices.Equal(what, []string{"approve", "refuse"}) {
			t.Error(who, what)
		}
		for _, h := range []trail.Head{{Seq: 3, Hash: "c"}, {Seq: 4, Hash: "d"}} {
			ok(t, db.SetTrailSent(ctx, "udp://x:1", h))
		}
		if h, err := db.TrailSent(ctx, "udp://x:1"); err != nil || h != (trail.Head{Seq: 4, Hash: "d"}) {
			t.Error(h, err)
		}
		if h, err := db.TrailSent(ctx, "tcp://y:1"); err != nil || h != (trail.Head{}) {
			t.Error(h, err)
		}
	})
}

// TestWhatWasInTheDatabaseShowsWhenItIsChanged goes behind the store's back.
func TestWhatWasInTheDatabaseShowsWhenItIsChanged(t *testing.T) {
	for sqlText, want := range map[string]string{
		`UPDATE edge_trail SET who='eve' WHERE seq=3`:                                          "row 3 was changed",
		`DELETE FROM edge_trail WHERE seq=3`:                                                   "row 3 is missing",
		`DELETE FROM edge_trail WHERE seq>=4`:                                                  "rows 4 to 5 were cut off",
		`UPDATE edge_trail SET hash=(SELECT hash FROM edge_trail WHERE seq=1) WHERE seq=2`:     "row 2 was changed",
		`UPDATE edge_trail SET at=at+1 WHERE seq=1`:                                            "row 1 was changed",
		`UPDATE edge_trail SET seq=seq+100 WHERE seq=5`:                                        "rows 5 to 104 are missing",
		`UPDATE edge_trail_head SET hash=(SELECT hash FROM edge_trail WHERE seq=4) WHERE id=1`: "rows up to 5 were written anew",
	} {
		ctx := context.Background()
		dsn := t.TempDir() + "/x.db"
		db := open(t, dsn, sqlstore.RoleEdge)
		for i := range 5 {
			ok(t, db.Note(ctx, entry("ada", "look", fmt.Sprint(i))))
		}
		behind, err := sql.Open("sqlite", dsn)
		ok(t, err)
		_, err = behind.Exec(sqlText)
		ok(t, errors.Join(err, behind.Close()))
		h, err := db.TrailHead(ctx)
		ok(t, err)
		if _, err := trail.Verify(db.TrailAfter(ctx, 0), h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", sqlText, err, want)
		}
	}
}

// TestWhatWasNotedBeforeThereWasATrailIsInIt: rows of an edge's first table become the first of its trail.
func TestWhatWasNotedBeforeThereWasATrailIsInIt(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		ok(t, open(t, dsn, sqlstore.RoleEdge).Close())
		driver := "sqlite"
		if suffix(dsn) == "" {
			driver = "pgx"
		}
		db, err := sql.Open(driver, dsn)
		ok(t, err)
		for _, q := range []string{`DROP TABLE edge_trail`, `DROP TABLE edge_trail_head`, `DROP TABLE edge_trail_sent`, `DELETE FROM goose_edge WHERE version_id IN (21, 22, 45)`,
			`CREATE TABLE audit (id TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL)`,
			`INSERT INTO audit VALUES ('b', 2000000, 'bob', 'refuse', 'y'), ('a', 1000000, 'ada', 'approve', 'x')`} {
			_, err := db.Exec(q)
			ok(t, err)
		}
		ok(t, db.Close())
		again := open(t, dsn, sqlstore.RoleEdge)
		list, err := again.Trail(ctx, trail.Filter{Limit: 10})
		ok(t, err)
		h, err := trail.Verify(again.TrailAfter(ctx, 0))
		if err != nil || h.Seq != 2 || len(list) != 2 || list[0].Who != "bob" || list[1].Who != "ada" || !list[1].At.Equal(time.Unix(1, 0)) {
			t.Errorf("%+v, %+v, %v", list, h, err)
		}
	})
}
