// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
)

func TestAFirstReleaseIsComparedWithThoseAskedAndNotWithEveryOtherTool(t *testing.T) {
	w := &watched{on: release.Rollout{Release: "rel_first", Kind: release.Filter}, began: []int64{0},
		new:     &learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{1}},
		monitor: release.NewMonitor(release.Watch{}), actions: []episode.Action{{ID: dataset.ActionShow}, {ID: dataset.ActionHide}}}
	add := func(who int, id, of string, actions ...string) {
		d := dataset.Decision{Contributor: "acme", Developer: fmt.Sprint(who), Day: 1, DecisionID: id, Release: of, Shown: true, Verdict: episode.Accepted, By: episode.ByPerson}
		for _, a := range actions {
			d.Actions, d.Chosen = append(d.Actions, episode.Action{ID: a, Propensity: 0.5}), a
		}
		w.add(&d)
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
	if l := w.monitor.Look(); l.New != (release.Count{Developers: 50, Decisions: 500}) || l.Old != l.New {
		t.Errorf("compared are %+v with %+v; want 500 decisions of 50 developers on either side", l.New, l.Old)
	}
}

func TestAReleaseOfAGateOfBeforeKeepsNoOtherWaiting(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	offer := func(weight float64, format string) string {
		model, err := (&learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{weight}}).MarshalBinary()
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
