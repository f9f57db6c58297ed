// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
)

// A decision tells of a roll-out if whoever made it is whom the draw says, and once the new one has begun to decide.
func TestOnlyWhatTheDrawDecidedIsCompared(t *testing.T) {
	filter := &learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{1}}
	on := release.Start(release.Filter, "rel_held", release.Rollout{}, "", time.Unix(1e9, 0))
	on, err := on.Widen(3, "", "", time.Unix(1e9, 0)) // a quarter, on channel canary
	if err != nil {
		t.Fatal(err)
	}
	c := &control{Release: &release.Release{ID: "rel_held", Kind: release.Filter}, model: filter}
	w := &watched{new: c, between: release.Comparison{New: c}, worth: release.Worth{Taken: 0.4, Passed: -0.1}, monitor: release.NewMonitor(release.Watch{}), began: map[int]bool{}}
	steps := []stage{{on, time.Unix(1e9, 0)}}
	take := func(hour int, by func(reached bool) string, verdict string) {
		for d := range 200 {
			name := fmt.Sprint("dev-", d)
			for range 10 {
				row := sqlstore.DecisionRow{Release: by(on.Reaches(release.Canary, name)), Developer: name, At: time.Unix(1e9+3600*int64(hour), 0), Shown: true, Told: verdict}
				w.take(&row, &asked{Kind: string(release.Filter), Actions: []episode.Action{{ID: actionShow}, {ID: actionHide}}, Chosen: actionShow}, steps, release.Canary)
			}
		}
	}
	nobody := func(bool) string { return "" }
	drawn := func(reached bool) string {
		if reached {
			return "rel_held"
		}
		return ""
	}
	take(1, nobody, toldTaken) // held back: all is as before
	if l := w.monitor.Look(); l.New.Decisions+l.Old.Decisions != 0 || w.began[0] {
		t.Errorf("compared are %+v, before there is anything to compare", l)
	}
	for hour := range 10 {
		take(2+hour, drawn, []string{toldTaken, toldPassed}[hour%2])
	}
	before := w.monitor.Look()
	take(20, func(bool) string { return "rel_held" }, toldPassed) // pinned: it decides for everybody
	l := w.monitor.Look()
	if l.New.Developers != before.New.Developers || l.Old != before.Old || l.New.Developers < 30 || l.New.Developers+l.Old.Developers != 200 {
		t.Errorf("compared are %+v with %+v, and before it was pinned %+v with %+v", l.New, l.Old, before.New, before.Old)
	}
	if l.Value < 0.14 || l.Value > 0.16 {
		t.Errorf("a decision is worth %v; by what the roll-out says 0.15", l.Value)
	}
}
