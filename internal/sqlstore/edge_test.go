// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

func episodeRow(id string) sqlstore.EpisodeRow {
	return sqlstore.EpisodeRow{ID: id, Developer: "ada", Session: "s1", Repository: "alder/portal", Tool: "demo", Surface: "chat", Language: "go",
		StartedAt: day1.Add(-time.Hour), ReceivedAt: day1, SettleAt: day1, VaultDay: 20394, Revision: 1, Steps: 2, Suggestions: 3, Outcomes: 4,
		Verdicts: sqlstore.Verdicts{Accepted: 1, Modified: 2, Rejected: 3, Ignored: 4, Cancelled: 5, TimedOut: 6},
		State:    sqlstore.EpisodeAssembled, Digest: "d-" + id, Sealed: []byte("sealed " + id)}
}

func outbound(id string, revision int, state string) *sqlstore.OutboundRow {
	return &sqlstore.OutboundRow{Episode: id, Revision: revision, Recipient: "maker", Kind: "episodes", Digest: fmt.Sprintf("sha256:%s-%d", id, revision),
		Level: "signal", Rule: "r", State: state, CreatedAt: day1, Body: []byte(`{"id":"` + id + `"}`)}
}

// rows names rows of outbound at revision 1, as Pack takes them.
func rows(ids ...string) (list []sqlstore.OutboundRow) {
	for _, id := range ids {
		list = append(list, *outbound(id, 1, sqlstore.OutApproved))
	}
	return list
}

// screened puts episodes into the store as far as their answer, in state.
func screened(t *testing.T, db *sqlstore.DB, state string, ids ...string) {
	t.Helper()
	var rows []sqlstore.EpisodeRow
	var answers []sqlstore.Screened
	for _, id := range ids {
		rows = append(rows, episodeRow(id))
		answers = append(answers, sqlstore.Screened{ID: id, Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{outbound(id, 1, state)}})
	}
	ok(t, db.Assemble(t.Context(), rows, sqlstore.Joins{}, 0))
	ok(t, db.Screen(t.Context(), answers))
}

func states(t *testing.T, db *sqlstore.DB, id string) (list []string) {
	t.Helper()
	rows, err := db.OutboundOf(t.Context(), id)
	ok(t, err)
	for _, r := range rows {
		list = append(list, fmt.Sprintf("%d:%s", r.Revision, r.State))
	}
	return list
}

func TestEpisodeComesBackAsItWasStored(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var want []sqlstore.EpisodeRow
		for i := range 1200 { // more than one statement holds
			want = append(want, episodeRow(fmt.Sprintf("ep_%04d", i)))
		}
		ok(t, db.Assemble(t.Context(), want, sqlstore.Joins{}, 1))
		got, err := db.Settled(t.Context(), day1, sqlstore.EpisodeRow{}, 5000)
		ok(t, err)
		if len(got) != len(want) {
			t.Fatalf("%d have settled, want %d", len(got), len(want))
		}
		for i, r := range got { // what it takes to open and screen them
			w := want[i]
			if diff := cmp.Diff(sqlstore.EpisodeRow{ID: w.ID, Developer: w.Developer, SettleAt: w.SettleAt, VaultDay: w.VaultDay, Revision: w.Revision, Later: w.Later, Sealed: w.Sealed}, r); diff != "" {
				t.Fatal(diff)
			}
		}
		if rest, err := db.Settled(t.Context(), day1, got[1000], 5000); err != nil || len(rest) != 199 || rest[0].ID != want[1001].ID {
			t.Errorf("%d come after the 1001st, %v; want 199", len(rest), err)
		}
		if early, err := db.Settled(t.Context(), day1.Add(-time.Second), sqlstore.EpisodeRow{}, 10); err != nil || len(early) > 0 {
			t.Errorf("%d settled before their time, %v", len(early), err)
		}
		var ids []string
		for _, r := range want {
			ids = append(ids, r.ID)
		}
		byID, err := db.EpisodesByID(t.Context(), append(ids, "ep_unknown"))
		ok(t, err)
		if len(byID) != len(want) {
			t.Errorf("%d rows, want %d", len(byID), len(want))
		}
		for _, w := range want {
			if diff := cmp.Diff(w, byID[w.ID]); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestApprovalOfAnEarlierRevisionFalls(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b")
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 1, CreatedAt: day1}, rows("b")))
		next := []sqlstore.EpisodeRow{episodeRow("a"), episodeRow("b")}
		next[0].Revision, next[1].Revision = 2, 2
		ok(t, db.Assemble(t.Context(), next, sqlstore.Joins{}, 0))
		if got := states(t, db, "a"); len(got) != 0 {
			t.Errorf("an approval that has not left survived a change: %v", got)
		}
		if got := states(t, db, "b"); !slices.Equal(got, []string{"1:packed"}) {
			t.Errorf("what has left: %v", got)
		}
		// An answer about revision 1 comes too late.
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "a", Revision: 1, State: sqlstore.EpisodeReady, Out: []*sqlstore.OutboundRow{outbound("a", 1, sqlstore.OutApproved)}}}))
		if got := states(t, db, "a"); len(got) != 0 {
			t.Errorf("an answer to what the episode was counts for what it is: %v", got)
		}
	})
}

func TestPackedRowsLeaveOnce(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b", "c")
		approved, err := db.Approved(t.Context(), "maker", 2)
		ok(t, err)
		if len(approved) != 2 {
			t.Fatalf("%d rows, want 2", len(approved))
		}
		b := sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 2, Bytes: 9, CreatedAt: day1}
		ok(t, db.Pack(t.Context(), b, rows("a", "b")))
		if err := db.Pack(t.Context(), sqlstore.BundleRow{ID: "b2", Recipient: "maker", Kind: "episodes", Records: 1, CreatedAt: day1}, rows("a")); err == nil {
			t.Error("the same revision went into two bundles")
		}
		approved, err = db.Approved(t.Context(), "maker", 10)
		ok(t, err)
		if len(approved) != 1 || approved[0].Episode != "c" || string(approved[0].Body) != `{"id":"c"}` {
			t.Errorf("%v is left to be packed, want c alone", approved)
		}
		b.State = "packed"
		list, err := db.Bundles(t.Context(), "packed")
		ok(t, err)
		if diff := cmp.Diff([]sqlstore.BundleRow{b}, list); diff != "" {
			t.Error(diff)
		}
		ok(t, db.NoteBundle(t.Context(), "b1", "the hub does not answer"))
		ok(t, db.SetReceipt(t.Context(), "b1", []byte("receipt")))
		b.State, b.Receipt = "received", []byte("receipt")
		list, err = db.Bundles(t.Context(), "")
		ok(t, err)
		if diff := cmp.Diff([]sqlstore.BundleRow{b}, list); diff != "" {
			t.Error(diff)
		}
		left, err := db.OutboundOf(t.Context(), "a", "b", "c")
		ok(t, err)
		states := map[string]string{}
		for _, o := range left {
			states[o.Episode] = o.State
		}
		if diff := cmp.Diff(map[string]string{"a": "packed", "b": "packed", "c": "approved"}, states); diff != "" {
			t.Error(diff)
		}
	})
}

// What a person took back while a bundle was made must not be recorded as leaving in it.
func TestPackRefusesWhatIsNoLongerApproved(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b")
		_, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: sqlstore.Scope{Session: "s1"}, By: "eve", At: day1})
		ok(t, err)
		err = db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 1, CreatedAt: day1}, rows("a"))
		if err == nil {
			t.Error("a record that was taken back is packed")
		}
		if list, err := db.Bundles(t.Context(), ""); err != nil || len(list) > 0 {
			t.Errorf("%d bundles, %v; want none", len(list), err)
		}
	})
}

func TestDecisionsAreOfExactlyWhatWasNamed(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutWaiting, "a", "b", "c", "d")
		digest := func(id string) string { return outbound(id, 1, "").Digest }
		decide := func(state string, want int64, digests ...string) {
			t.Helper()
			if n, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: state, Digests: digests, At: day1}); err != nil || n != want {
				t.Errorf("%s %v: %d, %v; want %d", state, digests, n, err, want)
			}
		}
		decide(sqlstore.OutHeld, 1, digest("a"))
		decide(sqlstore.OutRefused, 1, digest("b"))
		decide(sqlstore.OutApproved, 1, digest("a"), digest("b"), "sha256:unknown") // b is refused for good
		page, err := db.Batch(t.Context(), "maker", sqlstore.OutWaiting, sqlstore.Place{}, 10)
		ok(t, err)
		var waiting []string
		for _, r := range page {
			waiting = append(waiting, r.Digest)
		}
		if diff := cmp.Diff([]string{digest("c"), digest("d")}, waiting); diff != "" {
			t.Error(diff)
		}
		decide(sqlstore.OutApproved, 2) // none named: all that wait
		if _, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: sqlstore.OutPacked, At: day1}); err == nil {
			t.Error("a person decided that something is packed")
		}
		counts, err := db.OutboundCounts(t.Context())
		ok(t, err)
		if diff := cmp.Diff([]sqlstore.Count{{Key: "approved", N: 3}, {Key: "refused", N: 1}}, counts); diff != "" {
			t.Error(diff)
		}
		if n, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: sqlstore.OutApproved, Digests: []string{}, At: day1}); err != nil || n != 0 {
			t.Errorf("naming an empty list decided %d, %v", n, err)
		}
	})
}

func TestListsCountAndPage(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutWaiting, "a", "b", "c")
		for _, f := range []struct {
			sqlstore.EpisodeFilter
			rows, total int
		}{
			{sqlstore.EpisodeFilter{Limit: 2}, 2, 3}, {sqlstore.EpisodeFilter{Limit: 2, Offset: 2}, 1, 3}, {sqlstore.EpisodeFilter{Limit: 9, State: "waiting"}, 3, 3},
			{sqlstore.EpisodeFilter{Limit: 9, State: "packed"}, 0, 0}, {sqlstore.EpisodeFilter{Limit: 9, Verdict: "accepted"}, 3, 3},
			{sqlstore.EpisodeFilter{Limit: 9, Verdict: "1=1; --"}, 0, 0}, {sqlstore.EpisodeFilter{Limit: 9, Tool: "demo", Level: "signal"}, 3, 3},
		} {
			rows, total, err := db.ListEpisodes(t.Context(), f.EpisodeFilter)
			if err != nil || len(rows) != f.rows || total != f.total {
				t.Errorf("%+v: %d of %d, %v; want %d of %d", f.EpisodeFilter, len(rows), total, err, f.rows, f.total)
			}
		}
		list, last, err := db.Tallies(t.Context(), "maker")
		ok(t, err)
		if diff := cmp.Diff([]sqlstore.Tally{{State: "waiting", Level: "signal", Records: 3, Bytes: 30, Found: map[string]int{}}}, list); diff != "" {
			t.Error(diff)
		}
		page, err := db.Batch(t.Context(), "maker", sqlstore.OutWaiting, sqlstore.Place{}, 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("%d rows, %v; want 1", len(page), err)
		}
		rest, err := db.Batch(t.Context(), "maker", sqlstore.OutWaiting, sqlstore.Place{Risk: page[0].Risk, Seq: page[0].Seq}, 10)
		if err != nil || len(rest) != 2 || rest[1].Seq > last {
			t.Errorf("%d rows up to %d, %v; want 2", len(rest), last, err)
		}
		if _, err := db.EpisodeCounts(t.Context(), "sealed"); err == nil {
			t.Error("episodes can be counted by any column")
		}
	})
}

func TestReturnsAreKeptOnceNewestFirst(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		for i, id := range []string{"r1", "r2", "r1"} { // r1 is what r2 replaces when it goes back
			rel := sqlstore.PulledRelease{Hub: "h", ID: id, Kind: "filter", Envelope: []byte("e"), Payload: []byte("m"), Gate: []byte("g"), PulledAt: day1.Add(time.Duration(i) * time.Hour)}
			ok(t, db.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "h", Kind: "filter", Sequence: int64(i + 1), Envelope: []byte("r"), PulledAt: rel.PulledAt}, nil, rel))
			ok(t, db.SaveStatement(t.Context(), sqlstore.Document{ID: id, Envelope: []byte("s"), At: day1.Add(time.Duration(i) * time.Hour)}))
		}
		rels, err := db.PulledReleases(t.Context(), "")
		ok(t, err)
		docs, err := db.Statements(t.Context())
		ok(t, err)
		if len(rels) != 2 || rels[0].ID != "r2" || len(docs) != 2 || docs[0].ID != "r2" {
			t.Errorf("releases %+v, statements %+v", rels, docs)
		}
		rows := make([]sqlstore.DecisionRow, 5000)
		for i := range rows {
			rows[i] = sqlstore.DecisionRow{ID: fmt.Sprint("d", i), Release: "r1", Developer: "ada", At: day1, Shown: true, Propensity: 1, Sealed: []byte("x")}
		}
		for range 2 {
			ok(t, db.LogDecisions(t.Context(), rows, 1))
		}
		if n, err := db.DecisionCount(t.Context()); err != nil || n != len(rows) {
			t.Errorf("%d decisions, %v; want %d", n, err, len(rows))
		}
	})
}

// A batch of the size that a turn assembles and screens.
func BenchmarkAssembleAndScreen(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "x.db"), sqlstore.RoleEdge)
	raw := make([]byte, 1600)
	for n := 0; b.Loop(); n++ {
		rows := make([]sqlstore.EpisodeRow, 2000)
		answers := make([]sqlstore.Screened, len(rows))
		for i := range rows {
			rows[i] = episodeRow(fmt.Sprintf("ep_%032x", uint64(n*len(rows)+i)*0x9e3779b97f4a7c15))
			rows[i].Sealed = raw
			out := outbound(rows[i].ID, 1, sqlstore.OutWaiting)
			out.Body = raw[:900]
			answers[i] = sqlstore.Screened{ID: rows[i].ID, Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{out}}
		}
		ok(b, db.Assemble(b.Context(), rows, sqlstore.Joins{}, uint64(n+1)))
		ok(b, db.Screen(b.Context(), answers))
	}
	b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "episodes/s")
}

func TestWhatWasDecidedOfReleasesIsKept(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		rel := sqlstore.PulledRelease{Hub: "h", ID: "r1", Kind: "filter", Envelope: []byte("e"), Payload: []byte("m"), Gate: []byte("g"), PulledAt: day1}
		ok(t, db.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "h", Kind: "filter", Sequence: 9, Envelope: []byte("r"), PulledAt: day1}, nil, rel))
		ok(t, db.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "h", Kind: "filter", Sequence: 10, Envelope: []byte("s"), PulledAt: day1}, nil))
		if r, err := db.LastRollout(t.Context(), "h", "k", "filter"); err != nil || r.Sequence != 10 {
			t.Errorf("%+v, %v: want the highest, by number", r, err)
		}
		if _, err := db.LastRollout(t.Context(), "other", "k", "filter"); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Errorf("of another hub: %v", err)
		}
		ok(t, db.ApproveRelease(t.Context(), "h", "r1", "ada", day1))
		ok(t, db.TakeReleaseBack(t.Context(), sqlstore.Gone{Hub: "h", ID: "r1", Why: "harm", At: day1}))
		for what, err := range map[string]error{"approved again": db.ApproveRelease(t.Context(), "h", "r1", "bob", day1), "back again": db.TakeReleaseBack(t.Context(), sqlstore.Gone{Hub: "h", ID: "r1", Why: "more", At: day1})} {
			if !errors.Is(err, sqlstore.ErrChanged) {
				t.Errorf("%s: %v", what, err)
			}
		}
		ok(t, db.SaveRollout(t.Context(), sqlstore.PulledRollout{Hub: "h", Kind: "filter", Sequence: 11, Envelope: []byte("t"), PulledAt: day1}, nil, rel)) // it comes again
		if r, err := db.PulledRelease(t.Context(), "h", "r1"); err != nil || r.ApprovedBy != "ada" || r.BackAt.IsZero() || r.BackWhy != "harm" {
			t.Errorf("%+v, %v", r, err)
		}
		b1 := sqlstore.Brake{Kind: "filter", Hub: "h", ID: "r1", Who: "ada", At: day1}
		ok(t, db.SetBrake(t.Context(), b1))
		ok(t, db.SetBrake(t.Context(), sqlstore.Brake{Who: "bob", At: day1}))
		if b, err := db.Brakes(t.Context()); err != nil || len(b) != 2 || b[0].Who != "bob" || b[1].ID != "r1" {
			t.Errorf("%+v, %v", b, err)
		}
		failed := sqlstore.Brake{Kind: "filter", Hub: "h", ID: "r1", At: day1, Failed: day1.Add(time.Hour)}
		ok(t, db.FailBrake(t.Context(), failed))
		if err := db.FailBrake(t.Context(), failed); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("failed twice: %v", err)
		}
		if b, err := db.Brakes(t.Context()); err != nil || !b[1].Failed.Equal(failed.Failed) || !b[0].Failed.IsZero() {
			t.Errorf("%+v, %v", b, err)
		}
		ok(t, db.SetBrake(t.Context(), b1))
		if b, err := db.Brakes(t.Context()); err != nil || !b[1].Failed.IsZero() {
			t.Errorf("pinned anew it is %+v, %v", b, err)
		}
		ok(t, db.LiftBrakes(t.Context()))
		if err := db.LiftBrakes(t.Context()); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("lifted twice: %v", err)
		}
	})
}
