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

// What has not left falls when its developer says something else, an answer under way with it; said twice it is done once.
func TestPreferencesHaveWhatHasNotLeftScreenedAgain(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "packed", "beside", "approved")
		other := episodeRow("beside")
		other.Developer, other.Revision = "grace", 2
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{other}, sqlstore.Joins{}, 0))
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "beside", Revision: 2, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{outbound("beside", 2, sqlstore.OutApproved)}}}))
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow("under-way")}, sqlstore.Joins{}, 0))
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 2, CreatedAt: day1}, []sqlstore.OutboundRow{*outbound("packed", 1, ""), *outbound("beside", 2, "")}))
		stopped, err := db.SetPreferences(t.Context(), "ada", "says", day1)
		if err != nil || !slices.Equal(stopped, []string{"b1"}) {
			t.Errorf("%v stopped, %v; want b1", stopped, err)
		}
		if _, err := db.SetPreferences(t.Context(), "ada", "says", day1); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("said twice: %v", err)
		}
		for id, want := range map[string][]string{"packed": nil, "approved": nil, "beside": {"2:approved"}} {
			if got := states(t, db, id); !slices.Equal(got, want) {
				t.Errorf("%s is %v, want %v", id, got, want)
			}
		}
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "under-way", Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{outbound("under-way", 1, sqlstore.OutApproved)}}}))
		if got := states(t, db, "under-way"); got != nil {
			t.Errorf("an answer of before counts: %v", got)
		}
		again, err := db.Settled(t.Context(), day1, sqlstore.EpisodeRow{}, 10)
		if err != nil || len(again) != 3 || again[0].Revision != 2 {
			t.Errorf("%d are screened again, %v", len(again), err)
		}
		said, err := db.PreferencesOf(t.Context(), "ada", "grace")
		if diff := cmp.Diff(map[string]string{"ada": "says"}, said); err != nil || diff != "" {
			t.Error(diff, err)
		}
	})
}

func TestADevelopersWordMovesTheirRecordAlone(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutAsked, "steward", "rule", "no")
		byRule := outbound("by-rule", 1, sqlstore.OutAsked)
		byRule.DecidedBy = sqlstore.ByRule("r")
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow("by-rule")}, sqlstore.Joins{}, 0))
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "by-rule", Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{byRule}}}))
		for _, id := range []string{"steward", "by-rule"} {
			for _, want := range []error{nil, sqlstore.ErrChanged} {
				if err := db.AnswerAsked(t.Context(), id, []string{outbound("other", 1, "").Digest}, day1); !errors.Is(err, sqlstore.ErrChanged) {
					t.Errorf("yes to something else: %v", err)
				}
				if err := db.AnswerAsked(t.Context(), id, []string{outbound(id, 1, "").Digest}, day1); !errors.Is(err, want) {
					t.Errorf("yes to %s: %v", id, err)
				}
			}
		}
		if _, left, err := db.Veto(t.Context(), "no", "ada", day1); err != nil || left {
			t.Errorf("veto: %v, %v", left, err)
		}
		_, err := db.AddFlag(t.Context(), sqlstore.Flag{Episode: "steward", Why: "wrong", At: day1})
		ok(t, err)
		for id, want := range map[string]string{"steward": "1:held", "by-rule": "1:approved", "no": "1:refused", "rule": "1:asked"} {
			if got := states(t, db, id); !slices.Equal(got, []string{want}) {
				t.Errorf("%s is %v, want %s", id, got, want)
			}
		}
		flags, err := db.OpenFlags(t.Context(), 10)
		if diff := cmp.Diff([]sqlstore.Flag{{Episode: "steward", Why: "wrong", At: day1}}, flags); err != nil || diff != "" {
			t.Error(diff, err)
		}
		ok(t, db.SeeFlag(t.Context(), "steward", "eve", day1))
		if f, err := db.FlagOf(t.Context(), "steward"); err != nil || f.SeenBy != "eve" {
			t.Errorf("%+v, %v", f, err)
		}
		if _, err := db.FlagOf(t.Context(), "no"); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Error(err)
		}
		page, err := db.OwnEpisodes(t.Context(), "ada", time.Time{}, "", 3)
		ok(t, err)
		rest, err := db.OwnEpisodes(t.Context(), "ada", page[2].StartedAt, page[2].ID, 3)
		if err != nil || len(page) != 3 || len(rest) != 1 || page[0].ID != "steward" || rest[0].ID != "by-rule" {
			t.Errorf("%d and %d of 4 own records, %v", len(page), len(rest), err)
		}
		ok(t, db.EraseEpisode(t.Context(), "no"))
		if rows, err := db.EpisodesByID(t.Context(), []string{"no"}); err != nil || rows["no"].Sealed != nil {
			t.Errorf("raw text is still there, %v", err)
		}
	})
}

func TestARefusedDrawStopsItsRule(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		put := func(id string, drawn bool) {
			out := outbound(id, 1, sqlstore.OutApproved)
			if out.DecidedBy = sqlstore.ByRule("r"); drawn {
				out.State, out.DecidedBy, out.Audited = sqlstore.OutWaiting, "", true
			}
			out.Names = []sqlstore.Name{{What: "kind", Name: "email"}}
			ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow(id)}, sqlstore.Joins{}, 0))
			ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: id, Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{out}}}))
		}
		put("drawn", true)
		put("before", false)
		_, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: sqlstore.OutRefused, At: day1}) // all that wait
		ok(t, err)
		put("after", false)
		for id, want := range map[string]string{"drawn": "1:refused", "before": "1:waiting", "after": "1:waiting"} {
			if got := states(t, db, id); !slices.Equal(got, []string{want}) {
				t.Errorf("%s is %v, want %s", id, got, want)
			}
		}
		list, err := db.StoppedRules(t.Context(), "maker")
		if err != nil || len(list) != 1 || list[0].Rule != "r" {
			t.Errorf("%+v, %v", list, err)
		}
		for _, want := range []error{nil, sqlstore.ErrChanged} {
			if err := db.StartRule(t.Context(), "maker", "r"); !errors.Is(err, want) {
				t.Error(err)
			}
		}
		put("later", false)
		if got := states(t, db, "later"); !slices.Equal(got, []string{"1:approved"}) {
			t.Errorf("later is %v", got)
		}
		known, err := db.Known(t.Context(), []sqlstore.Name{{What: "kind", Name: "email"}, {What: "kind", Name: "jwt"}})
		if diff := cmp.Diff(map[sqlstore.Name]int{{What: "kind", Name: "email"}: 4}, known); err != nil || diff != "" {
			t.Error(diff, err)
		}
	})
}
