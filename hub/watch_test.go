// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
)

// filterOf is a filter that shows everything, or with a negative weight nothing.
func filterOf(weight float64) *learn.Filter {
	return &learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{weight}}
}

func TestAFirstReleaseIsComparedWithThoseAskedAndNotWithEveryOtherTool(t *testing.T) {
	w := &watched{on: release.Rollout{Release: "rel_first", Kind: release.Filter}, began: []int64{0},
		between: release.Comparison{New: filterOf(1)}, monitor: release.NewMonitor(release.Watch{})}
	var list []dataset.Decision
	add := func(who int, id, of string, actions ...string) {
		d := dataset.Decision{Contributor: "acme", Developer: fmt.Sprint(who), Day: 1, DecisionID: id, Release: of, Shown: true, Verdict: episode.Accepted, By: episode.ByPerson}
		for _, a := range actions {
			d.Actions, d.Chosen = append(d.Actions, episode.Action{ID: a, Propensity: 0.5}), a
		}
		list = append(list, d)
	}
	for who := range 100 {
		for range 10 {
			if who < 50 {
				add(who, "d_1", "rel_first")
			} else {
				add(who, "d_2", "")
			}
			add(who, "", "")                            // an agent that asks nobody
			add(who, "d_3", "", "with", "without")      // a trial of instructions
			add(who, "d_4", "", "small-model", "large") // a route
		}
	}
	seen := w.add(w.compared(list), reward.New(reward.Immediate()))
	if l := w.monitor.Look(); l.New != (release.Count{Developers: 50, Decisions: 500}) || l.Old != l.New {
		t.Errorf("compared are %+v with %+v; want 500 decisions of 50 developers on either side", l.New, l.Old)
	}
	for _, a := range reward.Alarms(seen, "rel_first", "") {
		if a.Code == "show-rate" && (a.Release == nil || a.Release.N != 500 || a.Base.N != 500) {
			t.Errorf("an alarm looks at %+v and %+v", a.Release, a.Base)
		}
	}
}

func TestAReleaseOfAGateOfBeforeKeepsNoOtherWaiting(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	offer := func(weight float64, format string) string {
		model, err := filterOf(weight).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		r, err := h.Offer(t.Context(), release.Filter, model, gate.Report{Format: format, Design: gate.Logged, Verdict: gate.Released, Snapshot: fmt.Sprint("sha256:", weight),
			Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
		if err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	offer(1, "headrace-gate/1")
	list, err := h.rollouts(t.Context(), release.Filter)
	if err != nil || len(list) != 0 {
		t.Fatalf("what no edge takes is rolled out: %+v, %v", list, err)
	}
	id := offer(2, "headrace-gate/2")
	if list, err = h.rollouts(t.Context(), release.Filter); err != nil || len(list) != 1 || list[0].Release != id {
		t.Errorf("rolled out is %+v, %v; want %s", list, err, id)
	}
}

// Where a release is held back, or approved late, all that was decided before is of the old alone, and of other days.
func TestAContributorIsComparedFromTheFirstDecisionOfTheNewOn(t *testing.T) {
	w := &watched{on: release.Rollout{Release: "rel_late", Kind: release.Filter}, began: []int64{10, 20}, between: release.Comparison{New: filterOf(-1)}, monitor: release.NewMonitor(release.Watch{})}
	var list []dataset.Decision
	for i := range 60 * 40 {
		who, day := i%60, int64(10+i/60%20)
		d := dataset.Decision{Contributor: "acme", Developer: fmt.Sprint(who), Day: day, DecisionID: "d_1", Shown: true, Verdict: episode.Rejected, By: episode.ByPerson}
		if day < 17 || i%3 == 0 { // before it came, all was taken
			d.Verdict = episode.Accepted
		}
		if who < 30 && day >= 17 {
			d.Release = "rel_late"
		}
		list = append(list, d)
	}
	w.add(w.compared(list), reward.New(reward.Immediate()))
	l := w.monitor.Look()
	if want := 2 * 30 * (30 - 17); l.New.Decisions != want || l.Old.Decisions != want || l.Harmful() {
		t.Errorf("compared are %+v with %+v, %+v; want the %d decisions on either side from day 17 on", l.New, l.Old, l.Difference, want)
	}
}

func TestARollOutIsJudgedByTheHubsReward(t *testing.T) {
	look := func(spec reward.Spec) release.Look {
		dir := t.TempDir()
		h, err := New(t.Context(), Config{Dir: dir, Name: "maker", Reward: spec})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { h.Close() }()
		model, err := filterOf(-1).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		r, err := h.Offer(t.Context(), release.Filter, model, gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Snapshot: "sha256:1",
			Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
		if err != nil {
			t.Fatal(err)
		}
		on, err := h.Rollouts(t.Context(), release.Filter)
		if err != nil || (on[0].Worth != nil) != (spec.Name == "immediate") {
			t.Fatalf("of %s an edge is told %+v, %v", spec.Name, on[0].Worth, err)
		}
		s := &snapshot{manifest: &dataset.Manifest{ID: "sha256:2"}}
		for i := range 80 * 40 { // what is taken is long or short
			shown, chars, now := true, 300.0, h.cfg.Now()
			if i/80%4 == 0 {
				chars = 2
			}
			none := 0.0
			ep := &episode.Episode{ID: fmt.Sprint("ep_", i), Developer: fmt.Sprint("dev_", i%80), Terms: &episode.Terms{Purposes: purposes, Recipients: []string{"maker"}}, Privacy: &episode.Privacy{Level: episode.LevelSignal},
				Suggestions: []episode.Suggestion{{ID: "s1", Features: map[string]any{"suggestion_chars": chars}}},
				Decisions:   []episode.Decision{{Suggestion: "s1", DecisionID: "d_1", Verdict: episode.Accepted, By: episode.ByPerson, At: now, Shown: &shown, EditDistance: &none}}}
			if i%10 == 0 { // one in ten developers rejects all
				ep.Decisions[0].Verdict = episode.Rejected
			}
			if i%80 < 40 {
				ep.Decisions[0].Release = r.ID
			}
			s.rows = append(s.rows, dataset.Row{Contributor: "acme", Episode: ep})
		}
		if err := h.watch(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		seen, ok, err := h.lastLook(t.Context(), on[0])
		if err != nil || !ok {
			t.Fatalf("no look, %v", err)
		}
		if err := h.Close(); err != nil { // and goes on as if it had not
			t.Fatal(err)
		}
		if h, err = New(t.Context(), Config{Dir: dir, Name: "maker", Reward: spec}); err != nil {
			t.Fatal(err)
		}
		if again, ok, err := h.lastLook(t.Context(), on[0]); err != nil || !ok || again.New != seen.New || again.Value != seen.Value {
			t.Errorf("after a restart the last look is %+v, %v, %v; want %+v", again, ok, err, seen)
		}
		shown, err := View{Hub: h}.Releases(t.Context())
		if err != nil || len(shown) != 1 || len(shown[0].Looks) == 0 {
			t.Errorf("after a restart pages show %+v, %v", shown, err)
		}
		return seen.Look
	}
	if l := look(reward.Immediate()); l.New.Decisions != 1600 || math.Abs(l.Value-0.65) > 1e-9 {
		t.Errorf("by what is taken the value is %+v, want 0.65", l)
	}
	if l := look(reward.Retained()); l.New.Decisions != 1600 || l.Value > 0.6 || l.Value < 0.4 {
		t.Errorf("by what is retained the value is %+v, want less for what is short", l)
	}
}

// A roll-out that cannot be watched keeps the others from nothing, nor what else a hub makes.
func TestARollOutThatCannotBeWatchedHoldsUpNothing(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	on := release.Start(release.Filter, "rel_nobody_has", release.Rollout{}, "", h.cfg.Now())
	if err := h.announce(t.Context(), "test", on); err != nil {
		t.Fatal(err)
	}
	s := &snapshot{}
	err = h.watch(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "watch filter") || strings.Contains(err.Error(), "route") {
		t.Errorf("a release that nobody has is watched: %v", err)
	}
	if err := h.turn(t.Context()); err != nil && !strings.Contains(err.Error(), "rel_nobody_has") {
		t.Errorf("the turn: %v", err)
	}
}
