// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/release"
)

// TestARouteIsLearnedReleasedShownAndApproved is the whole way of a route: a tool asks which of two models to take, chance takes the
// other one now and then, the hub learns from what came of it where that one is better, and an edge takes it once a person has seen
// what it would choose.
func TestARouteIsLearnedReleasedShownAndApproved(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of decisions")
	}
	const contributor, developers, each = "alder-bank", 560, 24
	l := newLoop(t)
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(policyFile + "  - {kind: route, hub: loop-maker, channel: canary}\nexplore: 0.2\n"))
		l.ok(err)
		c.Policy = p
	}
	e := l.edge(contributor)
	stop, rng := running(t, e), rand.New(rand.NewPCG(5, 0))
	ask := func(developer, suggestion string, rust bool) edge.DecideAnswer {
		language := "go"
		if rust {
			language = "rust"
		}
		for {
			a := e.Decide(edge.Principal{Name: developer, Authenticated: true},
				edge.DecideRequest{Suggestion: suggestion, Features: map[string]any{"language": language}, Actions: options(2)})
			if a.DecisionID != "" {
				return a
			}
			time.Sleep(time.Millisecond) // the log is behind
		}
	}
	var episodes []*episode.Episode
	for k := range developers {
		for i := range each {
			rust := rng.Float64() < 0.15
			ep := one(fmt.Sprint(k, "/", i), "portal")
			ep.Developer, ep.StartedAt, ep.EndedAt = fmt.Sprint("dev-", k), l.clock(), l.clock()
			a := ask(ep.Developer, ep.ID, rust)
			taken := 0.7
			switch {
			case rust && a.Chosen == "option-2":
				taken = 0.9
			case rust, a.Chosen == "option-2":
				taken = 0.3
			}
			d := episode.Decision{Suggestion: "s1", Verdict: episode.Rejected, By: episode.ByPerson, At: l.clock(), DecisionID: a.DecisionID}
			if rng.Float64() < taken {
				d.Verdict = episode.Accepted
			}
			ep.Decisions = []episode.Decision{d} // the log says what was asked, and what could have been done
			episodes = append(episodes, ep)
		}
	}
	stop()
	l.send(e, episodes...)
	l.turn(e)
	l.pass(25 * time.Hour)
	l.turn(e)
	l.turnHub()
	l.turn(e)
	list, err := edge.View{Edge: e}.Releases(t.Context())
	l.ok(err)
	if len(list) != 1 || list[0].Kind != string(release.Route) || !list[0].Asks {
		gates, err := l.hub.Rollouts(t.Context(), release.Route)
		t.Fatalf("here is %+v; rolled out %+v, %v", list, gates, err)
	}
	id := list[0].ID
	_, err = l.hub.Steer(t.Context(), "operator", release.Route, "widen", true)
	l.ok(err)
	l.turn(e)
	quick := edge.DecideRequest{Suggestion: "quick", Developer: "ada", Features: map[string]any{"language": "rust"}, Actions: options(2)}
	if a := e.Decide(edge.Principal{}, quick); a.Release != "" {
		t.Errorf("%s decides before a person has approved it", a.Release)
	}
	rel, err := edge.View{Edge: e}.Release(t.Context(), id)
	l.ok(err)
	w := rel.Would
	if w == nil || w.Developers != developers || len(w.Choices) != 2 || w.Choices[1].Action != "option-2" {
		t.Fatalf("the page shows %+v", w)
	}
	if x := w.Choices[1]; math.Abs(x.Before-0.1) > 0.02 || math.Abs(x.Now-0.15) > 0.03 {
		t.Errorf("option-2 was taken in %.3f, and would be in %.3f; chance took it in 0.1, and it is better in 0.15", x.Before, x.Now)
	}
	l.ok(e.ApproveRelease(t.Context(), "steward", id))
	if a := e.Decide(edge.Principal{}, quick); a.Release != id || a.Actions[1].Propensity != 0.9 {
		t.Errorf("once approved: %+v", a)
	}
	if rel, err = (edge.View{Edge: e}).Release(t.Context(), id); err != nil || rel.Asks || rel.Would != nil {
		t.Errorf("what is approved asks nobody: %+v, %v", rel, err)
	}
}
