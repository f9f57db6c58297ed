// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/dataset"
)

// A tool may ask which model to take and then whether to show what came of it, or ask again: each decision is learned from with what
// it was made on, in whatever way the tool tells of them.
func TestEachDecisionAboutASuggestionKeepsWhatItWasMadeOn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	defer running(t, e)()
	ask := func(who string, features map[string]any, actions ...edge.Offered) string {
		return e.Decide(edge.Principal{Name: who, Authenticated: true}, edge.DecideRequest{Suggestion: "s1", Features: features, Actions: actions}).DecisionID
	}
	wants := map[string]map[string]any{} // by decision
	asks := func(who string) (ids []string) {
		offered := options(2)
		offered[0].Features = map[string]any{"latency_ms": 800.0}
		for _, f := range []map[string]any{{"language": "go", "lines": 3.0}, {"language": "rust"}, nil} {
			id := ask(who, f, offered...)
			wants[id], ids, offered = f, append(ids, id), nil
		}
		return ids
	}
	whole := one("1", "portal") // told as one episode
	whole.Developer = "ada"
	d := whole.Decisions[0]
	whole.Decisions = nil
	for _, id := range asks("ada") {
		d.DecisionID = id
		whole.Decisions = append(whole.Decisions, d)
	}
	l.send(e, whole)
	apart := one("2", "portal") // told one by one, the first of them before the episode itself
	apart.Developer, apart.Decisions[0].DecisionID = "ada", ""
	ids := asks("ada")
	tell := func(id string) {
		t.Helper()
		body := fmt.Sprintf(`{"decision_id":%q,"episode":%q,"suggestion":"s1","verdict":"accepted","by":"person"}`, id, apart.ID)
		if status, body := said(t, e, "ada", "/v1/decisions", body); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	tell(ids[0])
	l.turn(e)
	l.send(e, apart)
	l.turn(e)
	tell(ids[1])
	tell(ids[2])
	l.turn(e)
	lower, err := e.Lowerer("hub")
	l.ok(err)
	var rows []dataset.Row
	name := map[string]string{} // of a decision as it leaves
	for _, id := range []string{whole.ID, apart.ID} {
		ep := l.stored(e, id)
		out, err := lower.Lower(ep, consent.Decision{Level: episode.LevelSignal, Terms: &episode.Terms{}})
		l.ok(err)
		b, err := episode.AppendCanonical(nil, out)
		l.ok(err)
		out, err = episode.Decode(b)
		l.ok(err)
		if len(out.Decisions) != 3 {
			t.Fatalf("%d decisions: %s", len(out.Decisions), b)
		}
		for i := range out.Decisions {
			name[out.Decisions[i].DecisionID] = ep.Decisions[i].DecisionID
		}
		rows = append(rows, dataset.Row{Contributor: "alder-bank", Episode: out})
	}
	for _, d := range dataset.Decisions(rows) {
		want := wants[name[d.DecisionID]]
		if diff := cmp.Diff(want, d.Features, cmpopts.EquateEmpty()); diff != "" || name[d.DecisionID] == "" {
			t.Errorf("decision of %s: %s", d.Episode, diff)
		}
		if route := want["lines"] != nil; (d.Choice() == dataset.AmongOptions) != route || route && d.Actions[0].Features["latency_ms"] != 800.0 {
			t.Errorf("made among %v, want those of a route: %v", d.Actions, route)
		}
	}
}

// A log that is too far behind gives no ids, so that nobody learns from what it does not hold; tools get their answers all the same.
func TestDecisionsBeyondTheLogGetAnAnswerWithoutAnId(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	const most = 300
	e.MostUnrecorded(most)
	turns := e.HoldTurns()
	stop := running(t, e)
	ids := map[string]bool{}
	ask := func() bool {
		t.Helper()
		a := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{Features: map[string]any{"language": "go"}})
		if a.Chosen != "show" || !a.Shown || len(a.Actions) != 2 || a.Actions[0].Propensity != 1 {
			t.Fatalf("%+v", a)
		}
		if a.DecisionID != "" {
			ids[a.DecisionID] = true
		}
		return a.DecisionID != ""
	}
	for end := time.Now().Add(30 * time.Second); ask(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d wait for their rows, and ids are still given", len(ids))
		}
	}
	for range 50 {
		if ask() {
			t.Fatal("an id beyond what may wait")
		}
	}
	if len(ids) < most {
		t.Errorf("%d got an id, %d may wait", len(ids), most)
	}
	turns()
	l.turn(e) // makes rows of them
	if !ask() {
		t.Error("no id once rows are made")
	}
	stop()
	l.turn(e)
	if logged, err := l.edgeDB("alder-bank").DecisionCount(t.Context()); err != nil || logged != len(ids) {
		t.Errorf("%d ids were given, %d are logged, %v", len(ids), logged, err)
	}
	if got := e.Stats().SetAside.Load(); got != 51 {
		t.Errorf("%d are said to be without an id", got)
	}
}
