// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"math"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// What the log of routed requests shows, weighed by the propensities, must be the truth of each policy.
func TestTruthOfRoutesIsThatOfTheirEpisodes(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 3, Gain: 0.2, Decisions: 25_000, Draws: 1 << 16})
	names, shares := w.RouteModels()
	byLanguage := func(features map[string]any) string {
		switch features["language"] {
		case "go", "rust":
			return "demo-systems"
		case "sql":
			return "demo-data"
		}
		return "demo-large"
	}
	var rows []dataset.Row
	for _, c := range w.Contributors() {
		if err := w.Routed(c, func(e *episode.Episode) error {
			rows = append(rows, dataset.Row{Contributor: c, Episode: e})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	decisions := dataset.Decisions(rows)
	people := dataset.ByDeveloper(decisions)
	logged, routed := ope.NewRatio(people.N), ope.NewRatio(people.N)
	for i := range decisions {
		d := &decisions[i]
		r, ok := reward.Immediate().Of(d)
		if !ok || len(d.Actions) != len(names) {
			t.Fatalf("%+v", d)
		}
		y := 0.0
		for k, a := range d.Actions {
			if a.Propensity != shares[k] || a.ID != names[k] {
				t.Fatalf("%+v", a)
			}
			if a.ID == d.Chosen && a.ID == byLanguage(d.Features) {
				y = r / a.Propensity
			}
		}
		logged.Add(people.Of[i], r, 1)
		routed.Add(people.Of[i], y, 1)
	}
	old, best, new := w.TrueRoute(byLanguage)
	for name, c := range map[string]struct {
		r    *ope.Ratio
		want float64
	}{"logged": {logged, old}, "routed": {routed, new}} {
		if got, ok := c.r.Interval(); !ok || math.Abs(got.Estimate-c.want) > 3.5*got.SE {
			t.Errorf("%s: %.4f ± %.4f in the episodes, truly %.4f", name, got.Estimate, got.SE, c.want)
		}
	}
	if !(best > new && new > old+0.02) {
		t.Errorf("logged %.4f, by language %.4f, best %.4f: there is nothing to learn", old, new, best)
	}
}
