// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/sqlstore"
)

// A release that the hub takes back is taken back here, too, whatever the way out is stuck at; and nothing leaves meanwhile.
func TestWhatIsTakenBackWaitsForNothingThatFails(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	id := l.offer(1)
	l.toAll()
	l.turn(e)
	if got := decides(e, "ada"); got != id {
		t.Fatalf("%q decides", got)
	}
	l.send(e, one("1", "portal"))
	l.change("alder-bank", `ALTER TABLE joins RENAME TO elsewhere`)
	l.steer("back")
	if err := e.Turn(t.Context()); err == nil {
		t.Fatalf("nothing failed")
	}
	if got := decides(e, "ada"); got != "" {
		t.Errorf("%q decides, which went back", got)
	}
	l.change("alder-bank", `ALTER TABLE elsewhere RENAME TO joins`)
	l.turn(e)
	if got := len(l.atHub("alder-bank")); got != 1 {
		t.Errorf("%d records are at the hub once it is mended", got)
	}
}

// A policy that drops the rule for releases stops them as it comes in force, not with the next turn.
func TestAReleaseWhoseRuleIsGoneDecidesNothingMore(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.offer(1)
	l.toAll()
	l.turn(e)
	if decides(e, "ada") == "" {
		t.Fatal("nothing decides")
	}
	row, err := e.ProposePolicy(t.Context(), strings.ReplaceAll(policyFile, "releases:\n"+rule, ""), "no releases")
	l.ok(err)
	if row.State != sqlstore.PolicyInForce {
		t.Fatalf("it is %s", row.State)
	}
	if got := decides(e, "ada"); got != "" {
		t.Errorf("%q decides, for which there is no rule", got)
	}
}

// The key of a day is there before the day is: at midnight, too, a decision is durable while the database is busy.
func TestADecisionAfterMidnightWaitsForNoDatabase(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	defer running(t, e)()
	l.turn(e)
	db, err := sql.Open("sqlite", l.path("alder-bank", "edge.db"))
	l.ok(err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	l.ok(err)
	defer conn.Close()
	for _, q := range []string{"PRAGMA busy_timeout = 60000", "BEGIN IMMEDIATE"} {
		_, err = conn.ExecContext(t.Context(), q)
		l.ok(err)
	}
	l.pass(24 * time.Hour)
	a := e.Decide(edge.Principal{Name: "ada", Authenticated: true}, edge.DecideRequest{})
	status, body := 503, ""
	for begin := time.Now(); status == 503 && time.Since(begin) < 30*time.Second; { // a busy disk is no failure
		status, body = said(t, e, "ada", "/v1/decisions", `{"decision_id":"`+a.DecisionID+`","verdict":"accepted","by":"person"}`)
	}
	if status != 200 {
		t.Errorf("%d %s", status, body)
	}
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	l.ok(err)
}

// A tool may log what a policy of its own decided. What it says of a release is believed only of what the log has.
func TestNobodySpeaksForAReleaseWithAnIdOfTheirOwn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	id := l.offer(1)
	var list []*episode.Episode
	for i, c := range []struct{ id, release string }{{"d_elsewhere", id}, {"", id}, {"d_own", "baseline"}} {
		ep := one(fmt.Sprint(i), "portal")
		ep.Decisions[0].DecisionID, ep.Decisions[0].Release = c.id, c.release
		list = append(list, ep)
	}
	bare := one("3", "portal")
	d := &bare.Decisions[0]
	d.DecisionID, d.Release, d.Actions, d.Chosen = "d_made-up", id, nil, ""
	unnamed := one("4", "portal")
	unnamed.Decisions[0].DecisionID, unnamed.Decisions[0].Release = "d_unnamed", ""
	l.send(e, append(list, bare, unnamed)...)
	l.turn(e)
	if d := l.stored(e, unnamed.ID).Decisions[0]; d.DecisionID != "" || len(d.Actions) != 2 {
		t.Errorf("of a policy without a name there is %+v: it would count as ours", d)
	}
	for i, ep := range append(list, bare) {
		d := l.stored(e, ep.ID).Decisions[0]
		if i == 2 {
			if d.DecisionID != "d_own" || d.Release != "baseline" || len(d.Actions) != 2 || d.Chosen != "show" {
				t.Errorf("of a policy of the tool's own there is %+v", d)
			}
		} else if d.DecisionID != "" || d.Release != "" || len(d.Actions) > 0 || d.Chosen != "" || d.Verdict != episode.Accepted {
			t.Errorf("%d: a release that decided nothing is told of: %+v", i, d)
		}
	}
}

// However many decisions wait, a turn closes all of them; and none stays for ever.
func TestAllDecisionsAreClosedAndForgottenInTime(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	db := l.edgeDB("alder-bank")
	const n = 5001
	rows := make([]sqlstore.DecisionRow, n)
	for i := range rows { // what cannot be read any more closes fastest
		rows[i] = sqlstore.DecisionRow{ID: fmt.Sprint("d_", i), Developer: "ada", At: l.clock(), Shown: true, Propensity: 1, Sealed: []byte("gone")}
	}
	l.ok(db.LogDecisions(t.Context(), rows, 0))
	l.turn(e)
	l.pass(25 * time.Hour)
	l.turn(e)
	if open, err := db.OpenDecisions(t.Context(), l.clock(), n); err != nil || len(open) != 0 {
		t.Errorf("%d of %d are open, %v", len(open), n, err)
	}
	l.pass(30 * 24 * time.Hour)
	l.turn(e)
	if left, err := db.DecisionCount(t.Context()); err != nil || left != n {
		t.Errorf("after a month %d of %d are left, %v: what comes of them may still be told", left, n, err)
	}
	l.pass(4 * 24 * time.Hour)
	l.turn(e)
	if left, err := db.DecisionCount(t.Context()); err != nil || left != 0 {
		t.Errorf("a month after their raw text went %d are left, %v", left, err)
	}
}

// Whoever stands before the hub cannot hide what became of a trial behind an older offer.
func TestAnEdgeTakesNoOlderOffers(t *testing.T) {
	l := newLoop(t)
	l.under(rule, rule+"  - {kind: instructions, hub: loop-maker, approver: person}\n")
	e := l.edge("alder-bank")
	offer := func(text string) {
		p, err := instruct.New(text, "It helped.", instruct.Change{Artifact: "ar_" + strings.Repeat("0", 24)}).Marshal()
		l.ok(err)
		_, err = l.hub.OfferInstructions(t.Context(), "alder-bank", p)
		l.ok(err)
	}
	db, err := sqlstore.Open(t.Context(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer db.Close()
	offer("First")
	index := db.RegistryIndex()
	old, err := index.Manifest(t.Context(), "alder-bank/instructions", "latest")
	l.ok(err)
	offer("Second")
	l.turn(e)
	l.ok(index.PutManifest(t.Context(), old, "latest"))
	l.close(e)
	e = l.edge("alder-bank") // it remembers
	if err := e.Turn(t.Context()); err == nil || !strings.Contains(fmt.Sprint(problemCode(err)), "instructions/old") {
		t.Errorf("older offers: %v", err)
	}
	if all, err := e.Instructions(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d offers, %v", len(all), err)
	}
}

// An edge that rested for long after it acknowledged what came of a decision reads that first, and only then closes what nobody spoke of.
func TestWhatWasToldBeforeALongRestIsNotLost(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	stop, ep := running(t, e), one("told", "portal")
	a := e.Decide(edge.Principal{Authenticated: true}, edge.DecideRequest{Developer: ep.Developer, Features: map[string]any{"language": "go"}})
	if stop(); a.DecisionID == "" {
		t.Fatal("it is not in the log")
	}
	d := &ep.Decisions[0]
	d.DecisionID, d.Release, d.Actions, d.Chosen = a.DecisionID, "", nil, ""
	l.send(e, ep)
	l.pass(26 * time.Hour)
	l.turn(e)
	if got := l.stored(e, ep.ID).Decisions; len(got) != 1 || got[0].DecisionID != a.DecisionID || got[0].Verdict != episode.Accepted {
		t.Errorf("of what was told there is %+v", got)
	}
}
