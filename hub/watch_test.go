// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
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
