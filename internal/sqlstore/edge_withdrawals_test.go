// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

func TestWithdrawalTakesBackWhatHasNotLeft(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b")
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 1, CreatedAt: day1}, rows("a")))
		ok(t, db.Sending(t.Context(), "b1", day1))
		scope := sqlstore.Scope{Session: "s1"}
		sent, err := db.SentOf(t.Context(), scope)
		ok(t, err)
		if diff := cmp.Diff([]sqlstore.Sent{{Episode: "a", Revision: 1, Recipient: "maker", Bundle: "b1"}}, sent); diff != "" {
			t.Error(diff)
		}
		w := sqlstore.WithdrawalRow{ID: "w1", Scope: "session s1", Recipient: "maker", Records: 1, RequestedBy: "eve", RequestedAt: day1, Envelope: []byte("envelope")}
		if _, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: scope, By: "eve", At: day1}); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("a record that left while the withdrawal was made is in none: %v", err)
		}
		for range 2 {
			_, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: scope, Sent: 1, By: "eve", At: day1, Rows: []sqlstore.WithdrawalRow{w}})
			ok(t, err)
		}
		if got := append(states(t, db, "a"), states(t, db, "b")...); !slices.Equal(got, []string{"1:packed", "1:refused"}) {
			t.Errorf("outbound is %v", got)
		}
		ok(t, db.CertifyWithdrawal(t.Context(), "w1", []byte("certificate")))
		list, err := db.Withdrawals(t.Context())
		ok(t, err)
		w.State, w.Certificate = "certified", []byte("certificate")
		if diff := cmp.Diff([]sqlstore.WithdrawalRow{w}, list); diff != "" {
			t.Error(diff)
		}
	})
}

// Of a bundle of which nothing has left, what is taken back stays and the rest is packed again.
func TestWithdrawalStopsABundleThatWasNotSent(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b", "c")
		for bundle, of := range map[string][]sqlstore.OutboundRow{"b1": rows("a", "b"), "b2": rows("c")} {
			ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: bundle, Recipient: "maker", Kind: "episodes", Records: len(of), CreatedAt: day1}, of))
		}
		scope := sqlstore.Scope{Records: []string{"a"}}
		if waiting, packed, err := db.UnsentOf(t.Context(), scope); err != nil || waiting != 0 || packed != 1 {
			t.Errorf("%d wait, %d are packed, %v; want 0 and 1", waiting, packed, err)
		}
		stopped, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: scope, By: "eve", At: day1})
		ok(t, err)
		if diff := cmp.Diff([]string{"b1"}, stopped); diff != "" {
			t.Error(diff)
		}
		got := append(append(states(t, db, "a"), states(t, db, "b")...), states(t, db, "c")...)
		if diff := cmp.Diff([]string{"1:refused", "1:approved", "1:packed"}, got); diff != "" {
			t.Error(diff)
		}
		if err := db.Sending(t.Context(), "b1", day1); !errors.Is(err, sqlstore.ErrChanged) {
			t.Errorf("a stopped bundle is sent: %v", err)
		}
	})
}

// A scope takes what all that it says holds for, and nothing where it says nothing.
func TestScopeTakesWhatItSays(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var list []sqlstore.EpisodeRow
		for i, id := range []string{"a", "b", "c", "d"} {
			r := episodeRow(id)
			r.Session, r.Developer, r.Repository = "s-"+id, []string{"ada", "bob"}[i%2], []string{"x", "y"}[i/2]
			r.StartedAt = day1.AddDate(0, 0, i)
			list = append(list, r)
		}
		ok(t, db.Assemble(t.Context(), list, sqlstore.Joins{}, 0))
		for want, s := range map[string]sqlstore.Scope{
			"":     {},
			"a":    {Session: "s-a"},
			"bd":   {Developer: "bob"},
			"cd":   {Repository: "y"},
			"d":    {Repository: "y", Developer: "bob"},
			"bc":   {From: day1.AddDate(0, 0, 1), Before: day1.AddDate(0, 0, 3)},
			"ad":   {Records: []string{"a", "d", "unknown"}},
			"abcd": {All: true},
		} {
			db := open(t, dsn, sqlstore.RoleEdge)
			for _, r := range list {
				ok(t, db.SetEpisodeState(t.Context(), r.ID, sqlstore.EpisodeReady, ""))
			}
			_, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: s, By: "eve", At: day1})
			ok(t, err)
			got := ""
			byID, err := db.EpisodesByID(t.Context(), []string{"a", "b", "c", "d"})
			ok(t, err)
			for _, id := range []string{"a", "b", "c", "d"} {
				if byID[id].State == sqlstore.EpisodeWithdrawn {
					got += id
				}
			}
			if got != want {
				t.Errorf("%+v takes back %q, want %q", s, got, want)
			}
		}
	})
}

// A bundle that the hub refuses after a part of it was taken back offers that part to nobody again.
func TestRefusedBundleDoesNotOfferWhatWasTakenBack(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b")
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 2, CreatedAt: day1}, rows("a", "b")))
		ok(t, db.Sending(t.Context(), "b1", day1))
		_, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: sqlstore.Scope{Records: []string{"a"}}, Sent: 1, By: "eve", At: day1})
		ok(t, err)
		_, err = db.RefuseBundle(t.Context(), "b1", "incident", []byte("i"), nil, day1)
		ok(t, err)
		if diff := cmp.Diff([]string{"1:refused", "1:held"}, append(states(t, db, "a"), states(t, db, "b")...)); diff != "" {
			t.Error(diff)
		}
	})
}

// What was vetoed or held since its bundle was tried is not approved by undoing the bundle, and is never packed again.
func TestAnUndoneBundleApprovesNothingThatWasTakenBackOrHeldSince(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutApproved, "a", "b", "c", "d")
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 4, CreatedAt: day1}, rows("a", "b", "c", "d")))
		ok(t, db.Sending(t.Context(), "b1", day1))
		ok(t, db.SetEpisodeState(t.Context(), "a", sqlstore.EpisodeVetoed, "no"))
		ok(t, db.SetEpisodeState(t.Context(), "b", sqlstore.EpisodeWithdrawn, "taken back"))
		_, err := db.AddFlag(t.Context(), sqlstore.Flag{Episode: "c", Why: "names a customer", At: day1})
		ok(t, err)
		ok(t, db.Unpack(t.Context(), "b1"))
		got := slices.Concat(states(t, db, "a"), states(t, db, "b"), states(t, db, "c"), states(t, db, "d"))
		if diff := cmp.Diff([]string{"1:refused", "1:refused", "1:held", "1:approved"}, got); diff != "" {
			t.Error(diff)
		}
		ready, err := db.Approved(t.Context(), "maker", 10)
		ok(t, err)
		if len(ready) != 1 || ready[0].Episode != "d" {
			t.Errorf("may be packed: %+v", ready)
		}
	})
}

// A flag, or a hold of before, takes nobody's place: what asks its developer leaves by no steward's word alone.
func TestWhatAsksItsDeveloperIsNoStewardsToLetGo(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutAsked, "a")
		_, err := db.AddFlag(t.Context(), sqlstore.Flag{Episode: "a", Why: "names a customer", At: day1})
		ok(t, err)
		for _, to := range []string{sqlstore.OutApproved, sqlstore.OutWaiting} {
			n, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: to, At: day1, Digests: []string{rows("a")[0].Digest}})
			ok(t, err)
			if n != 0 || states(t, db, "a")[0] != "1:asked" {
				t.Errorf("%s moved %d: %v", to, n, states(t, db, "a"))
			}
		}
		ok(t, db.AnswerAsked(t.Context(), "a", []string{rows("a")[0].Digest}, day1))
		if got := states(t, db, "a"); got[0] != "1:held" {
			t.Errorf("after the yes: %v", got)
		}
	})
}

// What one hub refused for what it found in it goes to no other: a bundle of which nothing was sent is undone, and what waits is kept back.
func TestAnIncidentKeepsBackWhatIsForOtherHubs(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		to := func(id, recipient string) *sqlstore.OutboundRow {
			o := outbound(id, 1, sqlstore.OutApproved)
			o.Recipient, o.Digest = recipient, o.Digest+recipient
			return o
		}
		var answers []sqlstore.Screened
		for _, id := range []string{"found", "beside", "apart"} {
			ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow(id)}, sqlstore.Joins{}, 1))
			answers = append(answers, sqlstore.Screened{ID: id, Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{to(id, "maker"), to(id, "other")}})
		}
		ok(t, db.Screen(t.Context(), answers))
		of := func(recipient string, ids ...string) (list []sqlstore.OutboundRow) {
			for _, id := range ids {
				list = append(list, *to(id, recipient))
			}
			return list
		}
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b1", Recipient: "maker", Kind: "episodes", Records: 2, CreatedAt: day1}, of("maker", "found", "beside")))
		ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: "b2", Recipient: "other", Kind: "episodes", Records: 2, CreatedAt: day1}, of("other", "found", "apart")))
		ok(t, db.Sending(t.Context(), "b1", day1))
		stopped, err := db.RefuseBundle(t.Context(), "b1", "incident", []byte("i"), []string{of("maker", "found")[0].Digest}, day1)
		ok(t, err)
		if diff := cmp.Diff([]string{"b2"}, stopped); diff != "" {
			t.Errorf("stopped: %s", diff)
		}
		out, err := db.OutboundOf(t.Context(), "found", "beside", "apart")
		ok(t, err)
		got := map[string]string{}
		for _, o := range out {
			got[o.Episode+" to "+o.Recipient] = o.State
		}
		want := map[string]string{"found to maker": "refused", "found to other": "refused", "beside to maker": "held", "beside to other": "held", "apart to maker": "approved", "apart to other": "approved"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
