// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// explored is a log of a policy that always takes "mid", but for a share that chance spreads over three models. In a tenth of the
// decisions, the hard ones, "large" is better.
func explored(developers, each int, share float64) (rows []dataset.Decision) {
	rng := rand.New(rand.NewPCG(11, 0))
	taken := map[string][2]float64{"mid": {0.5, 0.2}, "large": {0.45, 0.8}, "small": {0.3, 0.1}}
	for k := range developers {
		for i := range each {
			hard, context := rng.Float64() < 0.1, 0
			if hard {
				context = 1
			}
			d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("dev", k), DecisionID: fmt.Sprint(k, "/", i), Day: 20_000 + int64(i%28),
				Features: map[string]any{"hard": hard}, Shown: true, By: episode.ByPerson, Verdict: episode.Rejected, Chosen: "mid"}
			for _, id := range []string{"mid", "large", "small"} {
				p := share / 3
				if id == "mid" {
					p += 1 - share
				}
				d.Actions = append(d.Actions, episode.Action{ID: id, Propensity: p})
			}
			if rng.Float64() < share {
				d.Chosen = d.Actions[rng.IntN(3)].ID
			}
			if rng.Float64() < taken[d.Chosen][context] {
				d.Verdict = episode.Accepted
			}
			rows = append(rows, d)
		}
	}
	return rows
}

// With three actions at 2 % the rarest counts 150-fold: that is the design, and how much it carries the effective sample says.
func TestARouteThatTwoPercentExploredIsJudged(t *testing.T) {
	model := table{"mid": {0.25, -0.05}, "large": {0.2, 0.5}, "small": {0.05, -0.15}}
	has := func(r Report, code string) bool {
		return slices.ContainsFunc(r.Reasons, func(x Reason) bool { return x.Code == code })
	}
	r := Evaluate(explored(300, 100, 0.02), model, Options{})
	if math.Abs(r.Data.MaxWeight-150) > 1e-9 || r.Data.Heaviest > maxHeaviest || r.Gain == nil || has(r, "weight") || has(r, "sample") {
		t.Errorf("heaviest %v of %v, effective %v: %+v", r.Data.Heaviest, r.Data.MaxWeight, r.Data.EffectiveSample, r.Reasons)
	}
	if want := 30_000 / (1 + 0.1*(150-1)); math.Abs(r.Data.EffectiveSample/want-1) > 0.25 {
		t.Errorf("the effective sample is %.0f; docs/decide.md says %.0f", r.Data.EffectiveSample, want)
	}
	few := Evaluate(explored(300, 20, 0.02), model, Options{})
	if few.Gain != nil || !has(few, "sample") || !has(few, "weight") {
		t.Errorf("a fifth of that: %+v", few.Reasons)
	}
}
