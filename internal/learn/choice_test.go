// SPDX-License-Identifier: Apache-2.0

package learn_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// A trial of instructions decides nothing about showing: a contributor that holds one teaches the filter as before. What a policy
// decided without saying how likely it was, or among other actions, does not.
func TestWhatWasShownForSureTeachesAlsoInATrial(t *testing.T) {
	rows := decisions(1000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		d.Features = map[string]any{"x": rng.NormFloat64()}
		return 0.5
	})
	for i := range rows {
		d := &rows[i]
		d.Logged, d.DecisionID, d.Actions = false, "", nil
		switch {
		case i < 300: // drawn to have a file, or not to have it
			d.Release, d.Chosen = "ins_1", dataset.ActionWith
			d.Actions = []episode.Action{{ID: dataset.ActionWith, Propensity: 0.5}, {ID: dataset.ActionWithout, Propensity: 0.5}}
		case i < 310:
			d.DecisionID = "d_1"
		case i < 320:
			d.Chosen, d.Actions = "option-1", []episode.Action{{ID: "option-1", Propensity: 0.5}, {ID: "option-2", Propensity: 0.5}}
		}
	}
	_, report := fit(t, rows)
	if report.Used != 980 || report.Undecided != 980 || report.LeftOut["a choice of another kind"] != 10 || report.LeftOut["a policy decided that does not say how likely it was"] != 10 {
		t.Errorf("%+v", report)
	}
}
