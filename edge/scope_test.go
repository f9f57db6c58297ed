// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/web"
)

// three are episodes of two developers, two repositories and three days.
func three() (list []*episode.Episode) {
	for i, id := range []string{"1", "2", "3"} {
		ep := one(id, []string{"portal", "portal", "shop"}[i])
		ep.Developer = []string{"ada@alder.example", "bob@alder.example", "ada@alder.example"}[i]
		ep.StartedAt = ep.StartedAt.AddDate(0, 0, -i)
		ep.EndedAt = ep.StartedAt.Add(time.Minute)
		list = append(list, ep)
	}
	return list
}

// left says which of the episodes are at the hub, by their place in the list.
func (l *loop) left(list []*episode.Episode) (at string) {
	eps, _ := l.count("alder-bank")
	for i, ep := range list {
		if eps[l.sentID("alder-bank", ep.ID)] > 0 {
			at += string(rune('1' + i))
		}
	}
	return at
}

func TestWithdrawalTakesBackItsScopeAndNothingElse(t *testing.T) {
	list := three()
	for left, scope := range map[string]web.Scope{
		"23": {Records: []string{list[0].ID}},
		"13": {Session: "s-2"},
		"2":  {Developer: "ada@alder.example"},
		"3":  {Repository: "alder/portal"},
		"1":  {From: "2026-10-30", To: "2026-10-31"},
		"12": {Repository: "alder/shop", To: "2026-10-31"},
		"":   {All: true, Confirm: "alder-bank"},
	} {
		l := newLoop(t)
		e := l.edge("alder-bank")
		l.send(e, list...)
		l.turn(e)
		l.turnHub()
		reach, err := e.WouldWithdraw(t.Context(), scope)
		l.ok(err)
		want := 3 - len(left)
		if scope.Developer != "" {
			want = 0 // one person's are not counted
		}
		if reach.Records != want || len(reach.Bundles) != 1 || l.left(list) != "123" {
			t.Errorf("%+v: a dry run says %+v, and %q are left; want %d records and all of them", scope, reach, l.left(list), want)
		}
		_, err = e.Withdraw(t.Context(), "steward", scope)
		l.ok(err)
		e.Turn(t.Context())
		l.turnHub()
		l.turn(e)
		if got := l.left(list); got != left {
			t.Errorf("%+v leaves %q at the hub, want %q", scope, got, left)
		}
		l.certificate("alder-bank")
		if list, err := (edge.View{Edge: e}).Withdrawals(t.Context()); err != nil || list[0].Records != want {
			t.Errorf("%+v: the page counts %d records, want %d; %v", scope, list[0].Records, want, err)
		}
	}
}

func TestScopeThatSaysTooLittleOrTooMuchIsRefused(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, three()...)
	l.turn(e)
	for want, scope := range map[string]web.Scope{
		"not said":         {},
		"is not a day":     {From: "yesterday"},
		"before the first": {From: "2026-11-02", To: "2026-11-01"},
		"a part of it":     {All: true, Session: "s-1", Confirm: "alder-bank"},
		"for good":         {All: true, Confirm: "birch-telecom"},
		"more than one":    {Mine: true},
		"developer is":     {Repository: "portal", Developer: "\x01"},
		"list of records":  {Repository: "portal", Records: []string{" "}},
		"at most 500":      {Records: strings.Fields(strings.Repeat("x ", 501))},
	} {
		_, err := e.Withdraw(t.Context(), "steward", scope)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || !strings.Contains(p.Message, want) || p.Hint == "" {
			t.Errorf("%+v: %v, want %q and what to do", scope, err, want)
		}
	}
	for _, scope := range []web.Scope{{Session: "unknown"}, {Records: []string{"' OR 1=1 --"}}} {
		_, err := e.Withdraw(t.Context(), "steward", scope)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "withdraw/nothing-left" {
			t.Errorf("%+v: %v", scope, err)
		}
	}
	l.turn(e)
	if got := l.left(three()); got != "123" {
		t.Errorf("what was refused took something back: %q are left", got)
	}
}

func TestOwnMachineTakesBackAllOfItsDeveloper(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Own = true }
	e := l.edge("alder-bank")
	l.send(e, three()...)
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "me", web.Scope{Mine: true})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	if got := l.left(three()); got != "" {
		t.Errorf("%q are left", got)
	}
}

// What waits, and what is packed of which nothing was sent, never leaves; what was packed beside it does, once.
func TestWithdrawalStopsWhatHasNotLeft(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	list := three()
	waits := one("4", "payments")
	l.send(e, append(list, waits)...)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	reach, err := e.WouldWithdraw(t.Context(), web.Scope{From: "2026-11-01"})
	l.ok(err)
	if reach.Records != 0 || reach.Packed != 1 || reach.Waiting != 1 {
		t.Errorf("a dry run says %+v", reach)
	}
	if _, err := e.Withdraw(t.Context(), "steward", web.Scope{From: "2026-11-01"}); err == nil || !strings.Contains(err.Error(), "nothing of it had left") {
		t.Errorf("nothing had left, and it says %v", err)
	}
	_, err = e.ApproveAll(t.Context(), "steward")
	l.ok(err)
	l.turn(e)
	if got := l.left(append(list, waits)); got != "23" {
		t.Errorf("%q left, want 2 and 3", got)
	}
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "")
	l.ok(err)
	folders, err := os.ReadDir(l.path("alder-bank", "bundles"))
	l.ok(err)
	if len(rows) != 1 || len(folders) != 1 {
		t.Errorf("%d bundles in %d folders, want the one that was packed again", len(rows), len(folders))
	}
}

// Neither a restart nor another policy nor the history read again brings back what was taken back.
func TestWhatWasTakenBackNeverLeavesAgain(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	list := three()
	l.send(e, list...)
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Repository: "alder/portal"})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	l.close(e)
	l.conf = func(c *edge.Config) {
		policy, err := consent.DecodePolicy([]byte(strings.ReplaceAll(policyFile, "level: none", "level: signal\n    purposes: [evaluate]\n    recipients: [loop-maker]\n    retention_days: 9\n    approval: auto")))
		l.ok(err)
		c.Policy = policy
	}
	e = l.edge("alder-bank")
	late := []*episode.Episode{outcome(list[0], episode.OutcomeKept, "10d"), outcome(list[2], episode.OutcomeKept, "10d")}
	l.send(e, append(slices.Clone(list), late...)...)
	l.turn(e)
	eps, amendments := l.count("alder-bank")
	want := l.sentID("alder-bank", list[2].ID)
	if diff := cmp.Diff([2]map[string]int{{want: 1}, {want: 1}}, [2]map[string]int{eps, amendments}); diff != "" {
		t.Error(diff)
	}
}

// An edge that lost its state, but not its keys, is told by the hub's memory.
func TestHubRemembersWhatAnEdgeForgot(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	list := three()
	l.send(e, list...)
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	l.close(e)
	for _, name := range []string{"edge.db", "edge.db-wal", "edge.db-shm", "inbox", "decisions", "bundles", "receipts"} {
		l.ok(os.RemoveAll(l.path("alder-bank", name)))
	}
	e = l.edge("alder-bank")                                   // enlisted again, too
	r, err := e.ProposePolicy(t.Context(), policyFile, "anew") // which version was in force it has forgotten, and says so
	l.ok(err)
	_, err = e.ApprovePolicy(t.Context(), r.Version)
	l.ok(err)
	l.send(e, append(slices.Clone(list), one("5", "portal"))...)
	l.turn(e)
	l.turnHub()
	eps, _ := l.count("alder-bank")
	if n := eps[l.sentID("alder-bank", list[0].ID)]; n != 0 {
		t.Errorf("what was taken back is at the hub %d times", n)
	}
	if n := eps[l.sentID("alder-bank", one("5", "portal").ID)]; n != 1 {
		t.Errorf("what is new is at the hub %d times", n)
	}
}
