// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

func TestADayThatIsAskedForAgainIsReplacedInOneCommitWithThePosition(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		day := day1.Unix() / 86400
		row := func(source string, day int64, team string, n float64) sqlstore.Polled {
			return sqlstore.Polled{Source: source, Day: day, Tool: "cursor", Team: team, Measure: "accepted", N: n, Developers: 12}
		}
		ok(t, db.StorePolled(t.Context(), "a", "p1", day1, []int64{day - 1, day}, []sqlstore.Polled{row("a", day-1, "", 1), row("a", day, "", 2), row("a", day, "x", 3)}))
		ok(t, db.StorePolled(t.Context(), "b", "q1", day1, []int64{day}, []sqlstore.Polled{row("b", day, "", 9)}))
		ok(t, db.StorePolled(t.Context(), "a", "p2", day1.Add(time.Hour), []int64{day}, []sqlstore.Polled{row("a", day, "y", 4)}))
		twice := []sqlstore.Polled{row("a", day, "z", 5), row("a", day, "z", 5)}
		if err := db.StorePolled(t.Context(), "a", "p3", day1, []int64{day}, twice); err == nil {
			t.Error("two rows for one figure are stored")
		}
		ok(t, db.PollFailed(t.Context(), "a", day1.Add(2*time.Hour), "the key is refused"))
		ok(t, db.PollFailed(t.Context(), "c", day1, "no such host"))
		got, err := db.Polled(t.Context(), day-5, day)
		ok(t, err)
		if d := cmp.Diff([]sqlstore.Polled{row("a", day-1, "", 1), row("a", day, "y", 4), row("b", day, "", 9)}, got); d != "" {
			t.Error(d)
		}
		polls, err := db.Polls(t.Context())
		ok(t, err)
		want := []sqlstore.Poll{{Source: "a", Position: "p2", PolledAt: day1.Add(time.Hour), Problem: "the key is refused", ProblemAt: day1.Add(2 * time.Hour)},
			{Source: "b", Position: "q1", PolledAt: day1}, {Source: "c", Problem: "no such host", ProblemAt: day1}}
		if d := cmp.Diff(want, polls); d != "" {
			t.Error(d)
		}
		if p, err := db.Poll(t.Context(), "d"); err != nil || p != (sqlstore.Poll{Source: "d"}) {
			t.Errorf("never asked: %+v, %v", p, err)
		}
	})
}

func TestCapturedDecisionsAreAddedUpByDayToolAndDeveloper(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		midnight := day1.Truncate(24 * time.Hour)
		row := func(id, developer string, at time.Time) sqlstore.EpisodeRow {
			r := episodeRow(id)
			r.Developer, r.StartedAt, r.CodeAccepted, r.CodeRejected = developer, at, 2, 1
			return r
		}
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{row("ep_1", "ada", midnight), row("ep_2", "ada", midnight.Add(24*time.Hour-time.Microsecond)),
			row("ep_3", "bo", midnight.Add(time.Hour)), row("ep_4", "bo", midnight.Add(24*time.Hour)), row("ep_5", "bo", midnight.Add(-time.Microsecond))}, sqlstore.Joins{}, 0))
		day := midnight.Unix() / 86400
		got, err := db.Captured(t.Context(), day, day)
		ok(t, err)
		want := func(who string, n int) sqlstore.Captured {
			return sqlstore.Captured{Day: day, Tool: "demo", Surface: "chat", Developer: who, CodeAccepted: 2 * n, CodeRejected: n,
				Verdicts: sqlstore.Verdicts{Accepted: n, Modified: 2 * n, Rejected: 3 * n, Ignored: 4 * n}}
		}
		if d := cmp.Diff([]sqlstore.Captured{want("ada", 2), want("bo", 1)}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestSendersAreHowManyNotHowOften(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		sent := func(day int64, who string) sqlstore.Total {
			return sqlstore.Total{Day: day, Tool: "mill", Measure: "accepted", N: 1, Sender: who}
		}
		ok(t, db.Assemble(t.Context(), nil, sqlstore.Joins{}, 1, sent(1, "a"), sent(1, "b"), sent(1, "a"), sent(1, "")))
		ok(t, db.Assemble(t.Context(), nil, sqlstore.Joins{}, 2, sent(1, "a"), sent(2, "c")))
		got, err := db.Senders(t.Context(), 1, 2)
		ok(t, err)
		if d := cmp.Diff(map[string]int{"mill": 2}, got); d != "" {
			t.Error(d)
		}
		totals, err := db.Totals(t.Context(), 1, 1)
		ok(t, err)
		if len(totals) != 1 || totals[0].N != 5 {
			t.Errorf("%+v", totals)
		}
	})
}
