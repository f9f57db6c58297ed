// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

// counted is what the tallies ought to say, from the rows themselves.
func counted(t *testing.T, db *sqlstore.DB) (list []sqlstore.Tally) {
	t.Helper()
	for _, state := range []string{sqlstore.OutApproved, sqlstore.OutHeld, sqlstore.OutRefused, sqlstore.OutWaiting} {
		rows, err := db.Batch(t.Context(), "maker", state, sqlstore.Place{}, 1000)
		ok(t, err)
		tally := sqlstore.Tally{State: state, Level: "signal", Found: map[string]int{}}
		for _, r := range rows {
			tally.Records++
			tally.Bytes += int64(len(r.Body))
			if r.Risk > 0 {
				tally.Flagged++
			}
			for kind, n := range r.Found {
				tally.Found[kind] += n
			}
		}
		if tally.Records > 0 {
			list = append(list, tally)
		}
	}
	return list
}

// Whatever is decided, in whatever order, and whatever changes meanwhile: the tallies are those of the rows.
func TestTalliesAreThoseOfTheRows(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		n, bundles := 0, 0
		r := rand.New(rand.NewPCG(5, 30))
		for range 30 {
			ids := make([]string, 1+r.IntN(5))
			var rows []sqlstore.EpisodeRow
			var answers []sqlstore.Screened
			for i := range ids {
				n++
				ids[i] = fmt.Sprint("e", n)
				rows = append(rows, episodeRow(ids[i]))
				out := outbound(ids[i], 1, []string{sqlstore.OutWaiting, sqlstore.OutApproved}[r.IntN(2)])
				out.Risk, out.Found = r.IntN(3), map[string]int{"email": 1 + r.IntN(2)}
				answers = append(answers, sqlstore.Screened{ID: ids[i], Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{out}})
			}
			ok(t, db.Assemble(t.Context(), rows, sqlstore.Joins{}, 0))
			ok(t, db.Screen(t.Context(), answers))
			for range r.IntN(5) {
				id := ids[r.IntN(len(ids))]
				switch r.IntN(5) {
				case 0:
					state := []string{sqlstore.OutApproved, sqlstore.OutRefused, sqlstore.OutHeld, sqlstore.OutWaiting}[r.IntN(4)]
					_, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: state, Note: "why", Digests: []string{outbound(id, 1, "").Digest}, At: day1})
					ok(t, err)
				case 1:
					_, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: sqlstore.OutApproved, Plain: r.IntN(2) == 0, At: day1})
					ok(t, err)
				case 2:
					next := episodeRow(id)
					next.Revision, next.Digest = 2, "other"
					ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{next}, sqlstore.Joins{}, 0))
				case 3:
					_, err := db.AskWithdrawal(t.Context(), sqlstore.Asked{Scope: sqlstore.Scope{Records: []string{id}}, By: "eve", At: day1})
					ok(t, err)
				case 4:
					approved, err := db.Approved(t.Context(), "maker", 3)
					ok(t, err)
					if len(approved) > 0 {
						bundles++
						ok(t, db.Pack(t.Context(), sqlstore.BundleRow{ID: fmt.Sprint("b", bundles), Recipient: "maker", Kind: "episodes", Records: len(approved), CreatedAt: day1}, approved))
						if r.IntN(2) == 0 {
							ok(t, db.Unpack(t.Context(), fmt.Sprint("b", bundles)))
						}
					}
				}
			}
			got, _, err := db.Tallies(t.Context(), "maker")
			ok(t, err)
			if diff := cmp.Diff(counted(t, db), got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// All that wait are those that were there when the person looked; without a reason to look only where that is said.
func TestAllThatWaitAreThoseThatWereSeen(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutWaiting, "a", "b")
		_, seen, err := db.Tallies(t.Context(), "maker")
		ok(t, err)
		screened(t, db, sqlstore.OutWaiting, "c")
		all := sqlstore.Ruling{Who: "eve", Recipient: "maker", State: sqlstore.OutApproved, Last: seen, At: day1}
		for _, want := range []int64{2, 0} { // a second click does nothing
			if n, err := db.Decide(t.Context(), all); err != nil || n != want {
				t.Errorf("%d are decided, %v; want %d", n, err, want)
			}
		}
		if got := states(t, db, "c"); !slices.Equal(got, []string{"1:waiting"}) {
			t.Errorf("what came since is %v", got)
		}
		risky := outbound("d", 1, sqlstore.OutWaiting)
		risky.Risk, risky.Why = 30, "new repository"
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow("d")}, sqlstore.Joins{}, 0))
		ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: "d", Revision: 1, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{risky}}}))
		page, err := db.Batch(t.Context(), "maker", sqlstore.OutWaiting, sqlstore.Place{}, 10)
		ok(t, err)
		if len(page) != 2 || page[0].Episode != "d" || page[0].Why != "new repository" {
			t.Errorf("the first of %d to look at is %+v", len(page), page[0])
		}
		all.Last, all.Plain = page[0].Seq, true
		if n, err := db.Decide(t.Context(), all); err != nil || n != 1 {
			t.Errorf("%d are decided, %v; want c alone", n, err)
		}
		if got := states(t, db, "d"); !slices.Equal(got, []string{"1:waiting"}) {
			t.Errorf("what there is a reason to look at is %v", got)
		}
	})
}

// What a person holds or refuses leaves by no rule, however it changes, until a person lets it.
func TestWhatIsHeldStaysHeldUntilItIsReleased(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		screened(t, db, sqlstore.OutWaiting, "a", "b")
		next := func(id string, revision int) *sqlstore.OutboundRow {
			row := episodeRow(id)
			row.Revision, row.Digest = revision, fmt.Sprint(revision)
			ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{row}, sqlstore.Joins{}, 0))
			ok(t, db.Screen(t.Context(), []sqlstore.Screened{{ID: id, Revision: revision, State: sqlstore.EpisodeReady, Level: "signal", Out: []*sqlstore.OutboundRow{outbound(id, revision, sqlstore.OutApproved)}}}))
			list, err := db.OutboundOf(t.Context(), id)
			ok(t, err)
			return &list[0]
		}
		say := func(state string, of string, revision int) {
			t.Helper()
			n, err := db.Decide(t.Context(), sqlstore.Ruling{Who: "eve", Recipient: "maker", State: state, Note: "ask legal", Digests: []string{outbound(of, revision, "").Digest}, At: day1})
			if err != nil || n != 1 {
				t.Fatalf("%s %s: %d, %v", state, of, n, err)
			}
		}
		say(sqlstore.OutHeld, "a", 1)
		if o := next("a", 2); o.State != sqlstore.OutHeld || o.Note != "ask legal" {
			t.Errorf("a held record that changed is %s, %q", o.State, o.Note)
		}
		say(sqlstore.OutWaiting, "a", 2)
		if o := next("a", 3); o.State != sqlstore.OutApproved {
			t.Errorf("a released record that changed is %s", o.State)
		}
		say(sqlstore.OutRefused, "b", 1)
		if o := next("b", 2); o.State != sqlstore.OutHeld {
			t.Errorf("a refused record that changed is %s", o.State)
		}
	})
}
