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

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
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
	for _, bad := range []string{`{`, `[]`, `{"kind":"other"}`, `{"kind":"route"}`, `{"actions":[{"id":""},{"id":"b"}]}`, `{"actions":[{"id":"show"},{"id":"x"}]}`, `{"actions":[{"id":"hide"},{"id":"x"}]}`, `{"kind":"route","actions":[{"id":"a"},{"id":"a"}]}`,
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
