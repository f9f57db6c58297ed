// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// yes is a developer's yes to a record as they are shown it now.
func (l *loop) yes(e *edge.Edge, who, id string) web.OwnSaid {
	l.t.Helper()
	v, err := e.OwnRecord(l.t.Context(), who, id)
	l.ok(err)
	said := web.OwnSaid{Choice: web.OwnYes}
	for _, leaves := range v.Leaves {
		said.Seen = append(said.Seen, leaves.Digest)
	}
	return said
}

// TestAYesIsToWhatWasShown: a record that has changed since its developer looked asks again, on the pages' way and on the API's.
func TestAYesIsToWhatWasShown(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.prefer(e, adas, web.Preferences{Ask: true})
	ep := of(adas, "a")
	l.send(e, ep)
	l.turn(e)
	seen := l.yes(e, adas, ep.ID)
	more := of(adas, "a")
	more.Decisions[0].Verdict = episode.Rejected
	l.send(e, more)
	l.turn(e)
	if now := l.yes(e, adas, ep.ID); len(now.Seen) != 1 || now.Seen[0] == seen.Seen[0] {
		t.Fatalf("it has not changed: %v", now.Seen)
	}
	if err := e.OwnAct(t.Context(), adas, ep.ID, seen); problemCode(err) != "mine/changed" {
		t.Errorf("a yes to what was: %v", err)
	}
	for _, old := range [][]string{nil, seen.Seen} {
		if _, err := e.Mine(t.Context(), adas, edge.OwnRequest{Do: "yes", ID: ep.ID, Seen: old}); problemCode(err) != "mine/changed" {
			t.Errorf("the API takes %v: %v", old, err)
		}
	}
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Fatalf("%d left without a yes to them", n)
	}
	_, err := e.Mine(t.Context(), adas, edge.OwnRequest{Do: "yes", ID: ep.ID, Seen: l.yes(e, adas, ep.ID).Seen})
	l.ok(err)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Errorf("%d left after a yes to it", n)
	}
}

// TestWhatAnotherHasHeldIsNotApprovedFromAnOlderPage: nor what its developer has flagged, nor what was held for another reason
// since; who looks again decides.
func TestWhatAnotherHasHeldIsNotApprovedFromAnOlderPage(t *testing.T) {
	for name, do := range map[string]func(*loop, *edge.Edge, web.BatchRecord){
		"held": func(l *loop, e *edge.Edge, r web.BatchRecord) {
			l.ok(edge.View{Edge: e}.Rule(l.t.Context(), "bob", web.Ruling{Batch: maker, Choice: web.Hold, Note: "ask legal", Records: []string{r.Digest}, Seen: l.batchOf(e).Seen}))
		},
		"flagged": func(l *loop, e *edge.Edge, r web.BatchRecord) {
			l.ok(e.OwnAct(l.t.Context(), adas, r.ID, web.OwnSaid{Choice: web.OwnFlag, Why: "names a customer"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			e := l.edge("alder-bank")
			ep := of(adas, "a")
			ep.Repository = "alder/payments"
			l.send(e, ep)
			l.turn(e)
			page := l.batchOf(e)
			do(l, e, page.Records[0])
			v := edge.View{Edge: e}
			stale := web.Ruling{Batch: maker, Choice: web.Approve, Records: []string{page.Records[0].Digest}, Seen: page.Seen}
			if err := v.Rule(t.Context(), "ada", stale); problemCode(err) != "preview/changed" {
				t.Errorf("by its digest: %v", err)
			}
			// A page of what is held, made before the developer said why not.
			held := l.batchOf(e)
			l.ok(e.OwnAct(t.Context(), adas, ep.ID, web.OwnSaid{Choice: web.OwnFlag, Why: "and a price"}))
			stale.Seen = held.Seen
			if err := v.Rule(t.Context(), "ada", stale); problemCode(err) != "preview/changed" {
				t.Errorf("for another reason: %v", err)
			}
			l.turn(e)
			if n := len(l.atHub("alder-bank")); n != 0 {
				t.Fatalf("%d left", n)
			}
			stale.Seen = l.batchOf(e).Seen
			l.ok(v.Rule(t.Context(), "ada", stale))
			l.turn(e)
			if n := len(l.atHub("alder-bank")); n != 1 {
				t.Errorf("%d left after somebody has looked again", n)
			}
		})
	}
}

// TestAPreferenceLetsNothingGoThatWasKept: what an earlier, stricter policy kept here is not screened again under a looser one
// because its developer says something, be it that less may leave.
func TestAPreferenceLetsNothingGoThatWasKept(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	kept := of(adas, "a")
	kept.Repository = "alder/ledger" // stays, by version 1
	l.send(e, kept)
	l.turn(e)
	r, err := e.ProposePolicy(t.Context(), policyWith(`repository.contains("ledger")`, `repository.contains("vault")`), "")
	l.ok(err)
	_, err = e.ApprovePolicy(t.Context(), r.Version)
	l.ok(err)
	l.prefer(e, adas, web.Preferences{Repositories: []web.RepositoryLimit{{Pattern: "alder/portal", Level: "none"}}})
	l.turn(e)
	if got := l.ownStates(e, adas); got[kept.ID] != "stays" || len(l.atHub("alder-bank")) != 0 {
		t.Errorf("it is %v, %d at the hub", got, len(l.atHub("alder-bank")))
	}
	later := of(adas, "b")
	later.Repository = "alder/ledger"
	l.send(e, later)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Errorf("%d left of what was recorded since", n)
	}
	if v := l.inForce(e); v.State != sqlstore.PolicyInForce || v.Version != r.Version {
		t.Errorf("%+v", v)
	}
}

// TestARuleFromRecordsIsProposedAsItWasSeen: the button under what a rule would change makes the next version of the policy, which
// tightens at once or waits; where the policy has changed since, nothing is proposed.
func TestARuleFromRecordsIsProposedAsItWasSeen(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := of(adas, "a")
	ep.Repository = "alder/payments"
	l.send(e, ep)
	l.turn(e)
	v := edge.View{Edge: e}
	d := web.RuleDraft{Batch: maker, Name: "payments-stay", Level: "none", Records: []string{l.batchOf(e).Records[0].Digest}, When: []string{`repository == "alder/payments"`}}
	seen, err := v.RuleFrom(t.Context(), "steward", d)
	l.ok(err)
	_, err = e.ProposePolicy(t.Context(), policyWith("365", "300"), "meanwhile")
	l.ok(err)
	l.turn(e)
	d.Records = []string{l.batchOf(e).Records[0].Digest} // its terms are shorter now
	if _, err := v.ProposeRule(t.Context(), "steward", d, seen.Policy); problemCode(err) != "preview/changed" {
		t.Errorf("another policy than was seen: %v", err)
	}
	seen, err = v.RuleFrom(t.Context(), "steward", d)
	l.ok(err)
	version, err := v.ProposeRule(t.Context(), "steward", d, seen.Policy)
	l.ok(err)
	if now := l.inForce(e); now.Version != version || now.Digest != seen.Policy || now.Why != "rule payments-stay, made of 1 records of the preview" {
		t.Errorf("%+v", now)
	}
	l.turn(e)
	if got := l.ownStates(e, adas); got[ep.ID] != "stays" {
		t.Errorf("it is %v", got)
	}
}
