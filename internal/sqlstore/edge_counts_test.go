// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

// counts has what may be counted of these episodes for the maker, as they are screened: of revision n, by a rule.
func counts(t *testing.T, db *sqlstore.DB, revision int, rule string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		row := episodeRow(id)
		row.Revision = revision
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{row}, sqlstore.Joins{}, 0))
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: id, Revision: revision, State: sqlstore.EpisodeKept, Recounted: true, Counted: []sqlstore.CountedRow{
			{Recipient: "maker", Episode: id, Developer: row.Developer, Rule: rule, StartedAt: day1, CountedAt: day1, Body: []byte(id)}}}}))
	}
}

func mayBeCounted(t *testing.T, db *sqlstore.DB) (ids []string) {
	t.Helper()
	n, err := db.CountedOf(t.Context(), "maker", day1, day1.Add(time.Hour), func(_ string, body []byte) error { ids = append(ids, string(body)); return nil })
	if ok(t, err); n != len(ids) {
		t.Errorf("%d are said to be %d", len(ids), n)
	}
	slices.Sort(ids)
	return ids
}

func TestWhatMayBeCountedFollowsWhatIsSaidSince(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		counts(t, db, 1, "a", "stays", "vetoed", "screened-again", "erased")
		counts(t, db, 1, "b", "another-rule")
		if got := mayBeCounted(t, db); len(got) != 5 {
			t.Fatalf("%q may be counted", got)
		}
		_, _, err := db.Veto(t.Context(), "vetoed", "ada", day1)
		ok(t, err)
		ok(t, db.EraseEpisode(t.Context(), "erased"))
		again := episodeRow("screened-again")
		again.Revision = 2
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{again}, sqlstore.Joins{}, 0))
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "screened-again", Revision: 2, State: sqlstore.EpisodeKept, Recounted: true}}))
		ok(t, db.AddPolicy(t.Context(), sqlstore.PolicyRow{Version: 1, State: sqlstore.PolicyProposed, ProposedAt: day1, Envelope: []byte("signed")}))
		_, err = db.EnforcePolicy(t.Context(), sqlstore.PolicyRow{Version: 1, Envelope: []byte("signed")}, []string{"a"}, "steward", day1)
		ok(t, err)
		if got := mayBeCounted(t, db); !slices.Equal(got, []string{"stays"}) {
			t.Errorf("%q may be counted", got)
		}
		_, err = db.SetPreferences(t.Context(), episodeRow("stays").Developer, "says no", day1.Add(-time.Minute)) // by a clock that was set back
		ok(t, err)
		if got := mayBeCounted(t, db); got != nil {
			t.Errorf("%q may be counted, and their developer has said something since", got)
		}
	})
}

func TestCountsAreMadeOnceAndTakenBackAltogether(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		counts(t, db, 1, "a", "one", "two")
		if at, err := db.OldestCounted(t.Context(), ""); err != nil || !at.Equal(day1) {
			t.Fatal(at, err)
		}
		told := sqlstore.CountsRow{Recipient: "maker", Period: "2026-10", ID: "sha256:1", Envelope: []byte("signed"), State: sqlstore.CountsMade, MadeAt: day1}
		end := day1.Add(time.Hour)
		_, _, err := db.Veto(t.Context(), "two", "ada", day1)
		ok(t, err)
		if err := db.SaveCounts(t.Context(), told, day1, end, 2); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("counts of two are stored, one of which was vetoed meanwhile: %v", err)
		}
		if list, err := db.Counts(t.Context(), ""); err != nil || len(list) > 0 || !slices.Equal(mayBeCounted(t, db), []string{"one"}) {
			t.Errorf("what was refused left its traces: %+v, %v", list, err)
		}
		ok(t, db.SaveCounts(t.Context(), told, day1, end, 1))
		if _, err := db.OldestCounted(t.Context(), "maker"); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Errorf("what was counted is kept: %v", err)
		}
		other := told
		other.ID = "sha256:2"
		ok(t, db.SaveCounts(t.Context(), other, day1, end, 0))
		sent := told
		sent.State, sent.SentAt = sqlstore.CountsSent, day1.Add(time.Minute)
		ok(t, db.MoveCounts(t.Context(), sent))
		if err := db.MoveCounts(t.Context(), sent); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("sent twice: %v", err)
		}
		list, err := db.Counts(t.Context(), "maker")
		if diff := cmp.Diff([]sqlstore.CountsRow{sent}, list); err != nil || diff != "" {
			t.Error(err, diff)
		}
		counts(t, db, 1, "a", "three")
		all := sqlstore.Asked{Scope: sqlstore.Scope{All: true}, By: "steward", At: day1}
		if _, err := db.AskWithdrawal(t.Context(), all); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("a withdrawal of everything that does not name them: %v", err)
		}
		all.Counts = 1
		_, err = db.AskWithdrawal(t.Context(), all)
		ok(t, err)
		list, err = db.Counts(t.Context(), "")
		if _, none := db.OldestCounted(t.Context(), ""); err != nil || len(list) != 1 || list[0].State != sqlstore.CountsBack || !errors.Is(none, sqlstore.ErrNotFound) {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
