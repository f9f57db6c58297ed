// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/trail"
)

// A release that hides what people take is taken back by the edge itself, with the hub down, after a restart in the midst of it, and for good.
func TestTheEdgeTakesBackWhatDoesHarmHere(t *testing.T) {
	l := newLoop(t)
	l.offer(1)
	l.toAll()
	harmful := l.offer(-1) // hides all
	l.steer("widen")
	l.steer("widen")
	e := l.edge("alder-bank")
	l.turn(e)
	l.down.Store(true)
	stop := running(t, e)
	again := func() {
		stop()
		l.close(e)
		e = l.edge("alder-bank")
		stop = running(t, e)
	}
	round := func() (hidden int) {
		var told strings.Builder
		for d := range 120 {
			for range 3 {
				l.pass(time.Second)
				a := e.Decide(edge.Principal{Name: fmt.Sprint("dev-", d), Authenticated: true}, edge.DecideRequest{Suggestion: fmt.Sprint(l.now.Load())})
				if !a.Shown {
					hidden++
					continue
				}
				verdict := "accepted"
				if d%3 == 0 {
					verdict = "rejected"
				}
				fmt.Fprintf(&told, `{"decision_id":%q,"developer":"dev-%d","verdict":%q,"by":"person"}`+"\n", a.DecisionID, d, verdict)
			}
		}
		if status, body := said(t, e, "", "/v1/decisions", told.String()); status != 200 && status != 202 {
			t.Fatalf("%d %s", status, body)
		}
		_ = e.Turn(t.Context()) // the hub is down
		l.pass(time.Hour)       // people have had the time to answer
		return hidden
	}
	made := round()
	again()
	for range 6 {
		made += round()
	}
	if now := decides(e, reached(harmful, 1)); made == 0 || now == harmful || now == "" {
		list, _ := e.Releases(t.Context())
		t.Fatalf("%d were hidden, and %q decides: %+v", made, now, list)
	}
	again()
	l.down.Store(false)
	_, err := l.hub.Steer(t.Context(), "operator", release.Filter, "widen", true) // the hub has not seen it
	l.ok(err)
	_ = e.Turn(t.Context())
	if now := decides(e, "anybody"); now == harmful {
		t.Error("what the edge has taken back decides again because the hub goes on")
	}
	_ = e.Turn(t.Context()) // nothing is told twice
	list, err := hub.View{Hub: l.hub}.Releases(t.Context())
	l.ok(err)
	for _, r := range list {
		if want := map[bool]int{true: 1}[r.ID == harmful]; r.Returned != want {
			t.Errorf("the hub knows of %d who took %s back, want %d", r.Returned, r.ID, want)
		}
	}
	stop()
	rows, err := l.edgeDB("alder-bank").Trail(t.Context(), trail.Filter{What: "release back", Limit: 10})
	l.ok(err)
	if len(rows) != 1 || rows[0].Who != "edge" || !strings.Contains(rows[0].Subject, harmful) {
		t.Errorf("the trail: %+v", rows)
	}
}
