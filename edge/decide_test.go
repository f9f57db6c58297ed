// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/dataset"
)

// A decision that was given out is logged, whatever the process was at when it ended.
func TestDecisionsAreLoggedOnce(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	const n = 3000
	ids := map[string]bool{}
	for range n {
		ids[e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{Features: map[string]any{"language": "go"}}).DecisionID] = true
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	l.close(e)
	l.pass(5 * 24 * time.Hour) // longer than raw text rests
	e = l.edge("alder-bank")
	for range 2 {
		l.turn(e)
		if logged, err := l.edgeDB("alder-bank").DecisionCount(t.Context()); err != nil || logged != n || len(ids) != n {
			t.Errorf("%d of %d decisions are logged, %v", logged, len(ids), err)
		}
	}
}

// running runs an edge until stop is called, which waits for its end.
func running(t testing.TB, e *edge.Edge) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// said sends something to an edge's API in a developer's name.
func said(t testing.TB, e *edge.Edge, who, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Name: who, Authenticated: true} }).
		ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// exploring lets an edge's policy leave that share to chance.
func (l *loop) exploring(share float64) {
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy(fmt.Appendf(nil, "%sexplore: %v\n", policyFile, share))
		l.ok(err)
		c.Policy = p
	}
}

func options(n int) (list []edge.Offered) {
	for i := range n {
		list = append(list, edge.Offered{ID: fmt.Sprintf("option-%d", i+1)})
	}
	return list
}

func TestWithoutAReleaseTheToolDoesWhatItWouldByItself(t *testing.T) {
	e := newLoop(t).edge("alder-bank")
	a := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{Kind: "route", Actions: options(3)})
	want := edge.DecideAnswer{DecisionID: a.DecisionID, Actions: []edge.Likely{{"option-1", 1}, {"option-2", 0}, {"option-3", 0}}, Chosen: "option-1", Shown: true}
	if d := cmp.Diff(want, a); d != "" || a.DecisionID == "" {
		t.Error(d)
	}
	status, body := said(t, e, "ada", "/v1/decide", `{"features":{"language":"go"}}`)
	if status != 200 || !strings.Contains(body, `"release":"","actions":[{"id":"show","propensity":1},{"id":"hide","propensity":0}],"chosen":"show","explore":false,"shown":true}`) {
		t.Errorf("%d %s", status, body)
	}
	for _, bad := range []string{`{`, `[]`, `{"kind":"other"}`, `{"kind":"route"}`, `{"actions":[{"id":""},{"id":"b"}]}`, `{"kind":"route","actions":[{"id":"a"},{"id":"a"}]}`,
		`{"kind":"filter","actions":[{"id":"a"},{"id":"b"}]}`, `{"developer":"` + strings.Repeat("x", 1000) + `"}`, `{"features":{"a":1e999}}`, `{"features":"` + strings.Repeat("x", 70_000) + `"}`} {
		if status, body := said(t, e, "ada", "/v1/decide", bad); status != 400 || !strings.Contains(body, "decide/bad-request") {
			t.Errorf("%.60s: %d %.200s", bad, status, body)
		}
	}
}

func TestChanceChoosesOnlyWhereThePolicyLetsItAndTheSameForTheSameQuestion(t *testing.T) {
	l := newLoop(t)
	l.exploring(0.2)
	e := l.edge("alder-bank")
	stop := running(t, e)
	ask := func(e *edge.Edge, suggestion, developer string) edge.DecideAnswer {
		return e.Decide(edge.Principal{Name: developer}, edge.DecideRequest{Suggestion: suggestion, Features: map[string]any{"language": "go"}, Actions: options(4)})
	}
	const n = 4000
	first := map[string]string{}
	count := map[string]int{}
	for i := range n {
		s := fmt.Sprint("s", i)
		a := ask(e, s, "ada")
		first[s] = a.Chosen
		count[a.Chosen]++
		if want := []edge.Likely{{"option-1", 0.85}, {"option-2", 0.05}, {"option-3", 0.05}, {"option-4", 0.05}}; len(a.Actions) != 4 || math.Abs(a.Actions[0].Propensity-0.85) > 1e-12 || a.Actions[3] != want[3] || a.Explore != (a.Chosen != "option-1") {
			t.Fatalf("%+v", a)
		}
	}
	for i, want := range []float64{0.85, 0.05, 0.05, 0.05} { // the propensity is true: five standard deviations
		if got := float64(count[fmt.Sprint("option-", i+1)]) / n; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("option %d was chosen in %.3f, its propensity is %v", i+1, got, want)
		}
	}
	stop()
	l.close(e)
	e = l.edge("alder-bank")
	others := 0
	for i := range 200 {
		s := fmt.Sprint("s", i)
		if got := ask(e, s, "ada").Chosen; got != first[s] {
			t.Fatalf("asked again about %s after a restart: %s, before %s", s, got, first[s])
		}
		if ask(e, s, "grace").Chosen != first[s] {
			others++
		}
	}
	if others == 0 {
		t.Error("chance chooses the same for everybody")
	}
	// Without the tool's id it is what was asked that counts, not the order of features in it.
	body := func(features string) string {
		return `{"kind":"route","features":{` + features + `},"actions":[{"id":"a"},{"id":"b"},{"id":"c"}]}`
	}
	for i := range 100 {
		_, one := said(t, e, "ada", "/v1/decide", body(fmt.Sprintf(`"lines":%d,"language":"go"`, i)))
		_, two := said(t, e, "ada", "/v1/decide", body(fmt.Sprintf(`"language":"go","lines":%d`, i)))
		_, one, _ = strings.Cut(one, ",")
		if _, two, _ = strings.Cut(two, ","); one != two {
			t.Fatalf("%s\n%s", one, two)
		}
	}
	_, err := e.StopReleases(t.Context(), "steward", true)
	l.ok(err)
	for s := range first {
		if a := ask(e, s, "ada"); a.Explore || a.Actions[0].Propensity != 1 {
			t.Fatalf("after all was stopped: %+v", a)
		}
	}
}

// The whole way of a decision: what came of it is told by its id alone, and the log says what was asked.
func TestWhatCameOfADecisionIsLearnedFromWithWhatTheLogSays(t *testing.T) {
	l := newLoop(t)
	l.exploring(0.2)
	e := l.edge("alder-bank")
	defer running(t, e)()
	a := e.Decide(edge.Principal{Name: "ada", Authenticated: true}, edge.DecideRequest{Suggestion: "x", Features: map[string]any{"language": "go", "lines": 3.0, "secret": "words"}, Actions: options(2)})
	status, body := said(t, e, "ada", "/v1/decisions", `{"decision_id":"`+a.DecisionID+`","verdict":"accepted","by":"person","release":"rel_lie","chosen":"lie"}`)
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	l.turn(e)
	ep := l.stored(e, episode.NewID("decision", a.DecisionID))
	if len(ep.Decisions) != 1 || len(ep.Suggestions) != 1 || ep.Developer != "ada" {
		t.Fatalf("%+v", ep)
	}
	d := ep.Decisions[0]
	if d.Verdict != episode.Accepted || d.Release != "" || d.Chosen != a.Chosen || d.Explore != a.Explore || d.Shown == nil || !*d.Shown || len(d.Actions) != 2 || d.Actions[1].Propensity != 0.1 {
		t.Errorf("%+v", d)
	}
	if diff := cmp.Diff(map[string]any{"language": "go", "lines": 3.0}, ep.Suggestions[0].Features); diff != "" {
		t.Error(diff)
	}
	// Others cannot speak for her, and nobody for what was not logged.
	unheard := func(who, id string) {
		t.Helper()
		status, body := said(t, e, who, "/v1/decisions", `{"decision_id":"`+id+`","verdict":"rejected","by":"person"}`)
		if status == 200 {
			l.turn(e)
		} else if !strings.Contains(body, "is not in the log") {
			t.Errorf("%d %s", status, body)
		}
		if ep := l.stored(e, episode.NewID("decision", a.DecisionID)); len(ep.Decisions) != 1 || ep.Decisions[0].Verdict != episode.Accepted || ep.Developer != "ada" {
			t.Errorf("%s about %s: %+v", who, id, ep.Decisions)
		}
	}
	unheard("mallory", a.DecisionID)
	unheard("ada", a.DecisionID[:len(a.DecisionID)-2]+"AA")
	unheard("ada", "d_of-somebody-else")
}

// A tool that tells whole episodes names the decision there: it counts as if it had told of the decision alone, and what is not in
// the log is taken out of it.
func TestAnEpisodeNamesItsDecision(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	defer running(t, e)()
	a := e.Decide(edge.Principal{}, edge.DecideRequest{Developer: "ada", Features: map[string]any{"language": "rust"}})
	good, bad := one("1", "portal"), one("2", "portal")
	good.Developer, bad.Developer = "ada", "ada"
	good.Decisions[0].DecisionID, bad.Decisions[0].DecisionID = a.DecisionID, a.DecisionID[:10]+strings.Repeat("A", 26)
	l.send(e, good, bad)
	l.turn(e)
	if ep := l.stored(e, good.ID); len(ep.Decisions) != 1 || ep.Decisions[0].Chosen != "show" || ep.Suggestions[0].Features["language"] != "rust" {
		t.Errorf("%+v", ep.Decisions)
	}
	if ep := l.stored(e, bad.ID); len(ep.Decisions) != 0 {
		t.Errorf("%+v", ep.Decisions)
	}
	// The same decision in another episode is not told of twice.
	again := one("3", "portal")
	again.Developer, again.Decisions[0].DecisionID = "ada", a.DecisionID
	l.send(e, again)
	l.turn(e)
	if ep := l.stored(e, again.ID); len(ep.Decisions) != 0 {
		t.Errorf("%+v", ep.Decisions)
	}
}

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

// Nobody tells of what was hidden. It is learned from all the same, and so it becomes an episode by itself.
func TestADecisionOfWhichNobodyTellsIsClosed(t *testing.T) {
	l := newLoop(t)
	l.exploring(0.2)
	e := l.edge("alder-bank")
	stop := running(t, e)
	var shown, hidden string
	for i := 0; shown == "" || hidden == ""; i++ {
		a := e.Decide(edge.Principal{Name: "ada", Authenticated: true}, edge.DecideRequest{Suggestion: fmt.Sprint(i), Features: map[string]any{"language": "go"}})
		if a.Shown {
			shown = a.DecisionID
		} else {
			hidden = a.DecisionID
		}
	}
	stop()
	l.turn(e)
	if open, err := l.edgeDB("alder-bank").OpenDecisions(t.Context(), l.clock().Add(time.Second), 1000); err != nil || len(open) < 2 {
		t.Errorf("closed before anybody could tell of it: %d are open, %v", len(open), err)
	}
	l.pass(25 * time.Hour)
	l.turn(e)
	for id, want := range map[string]episode.Decision{hidden: {Verdict: episode.Ignored, By: episode.ByRule, Chosen: "hide"}, shown: {Verdict: episode.TimedOut, By: episode.ByUnknown, Chosen: "show"}} {
		d := l.stored(e, episode.NewID("decision", id)).Decisions[0]
		if d.Verdict != want.Verdict || d.By != want.By || d.Chosen != want.Chosen || len(d.Actions) != 2 || *d.Shown != (want.Chosen == "show") {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
	if open, err := l.edgeDB("alder-bank").OpenDecisions(t.Context(), l.clock(), 10); err != nil || len(open) != 0 {
		t.Errorf("%d are open, %v", len(open), err)
	}
}

// While the database is locked, tools get their answers, and what was decided is in the log once it is free.
func TestALockedDatabaseKeepsNoToolWaiting(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	stop := running(t, e)
	e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{}) // the key of the day is there
	db, err := sql.Open("sqlite", l.path("alder-bank", "edge.db"))
	l.ok(err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	l.ok(err)
	_, err = conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 60000")
	l.ok(err)
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	l.ok(err)
	begin := time.Now()
	const n = 500
	for range n {
		if a := e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{}); a.DecisionID == "" || a.Chosen != "show" {
			t.Fatalf("%+v", a)
		}
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("%d answers took %v", n, took)
	}
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	l.ok(err)
	conn.Close()
	stop()
	l.turn(e)
	if logged, err := l.edgeDB("alder-bank").DecisionCount(t.Context()); err != nil || logged != n+1 {
		t.Errorf("%d of %d are logged, %v", logged, n+1, err)
	}
}
