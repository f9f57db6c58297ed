// SPDX-License-Identifier: Apache-2.0

package propose_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/propose"
	"github.com/headrace/headrace/internal/reward"
)

// arm is how the developers of one side of a trial fare.
type arm struct {
	taken float64 // share of suggestions
	lasts float64 // share of what was taken: merged, and still there after 30 days; else it is reverted
}

// tried is a trial of which all is known: half of 400 developers have the instructions.
func tried(seed uint64, without, with arm) (rows []dataset.Decision, asOf int64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	begin := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for k := range 400 {
		side, chosen := without, dataset.ActionWithout
		if k%2 == 0 {
			side, chosen = with, dataset.ActionWith
		}
		for i := range 25 {
			at := begin.AddDate(0, 0, i)
			d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("dev", k), DecisionID: fmt.Sprint(k, "/", i), Day: dataset.UnixDay(at.Unix()), Shown: true, By: episode.ByPerson,
				Verdict: episode.Rejected, Release: "rel_tried", Chosen: chosen, Actions: []episode.Action{{ID: dataset.ActionWith, Propensity: 0.5}, {ID: dataset.ActionWithout, Propensity: 0.5}}}
			add := func(kind episode.OutcomeKind, value float64, days int, window string) {
				d.Outcomes = append(d.Outcomes, episode.Outcome{Suggestion: "s1", Kind: kind, Value: value, ObservedAt: at.AddDate(0, 0, days), Window: window})
			}
			if rng.Float64() < side.taken {
				d.Verdict = episode.Accepted
				add(episode.OutcomeCommitted, 1, 0, "")
				if rng.Float64() < side.lasts {
					add(episode.OutcomeMerged, 1, 1, "")
					add(episode.OutcomeKept, 1, 8, "7d")
					add(episode.OutcomeKept, 1, 31, "30d")
				} else {
					add(episode.OutcomeMerged, 1, 1, "")
					add(episode.OutcomeKept, 0, 8, "7d")
					add(episode.OutcomeKept, 0, 31, "30d")
					add(episode.OutcomeReverted, 1, 3, "")
				}
			}
			rows = append(rows, d)
		}
	}
	return rows, dataset.UnixDay(begin.AddDate(0, 0, 25+60).Unix())
}

func judge(rows []dataset.Decision, asOf int64, spec reward.Spec) gate.Report {
	return gate.Trial(rows, func(d *dataset.Decision) (bool, bool) {
		return d.Chosen == dataset.ActionWith, d.Release == "rel_tried"
	}, nil,
		gate.Options{Reward: reward.Fit(spec, rows, asOf), AsOf: asOf})
}

// TestWhatIsTakenMoreAndLastsLessIsNeverKept: each of these gains by acceptance, for sure.
func TestWhatIsTakenMoreAndLastsLessIsNeverKept(t *testing.T) {
	without := arm{taken: 0.4, lasts: 0.8}
	for name, with := range map[string]arm{
		"less of all that is suggested lasts":              {taken: 0.6, lasts: 0.3},
		"as much of it lasts, and more is undone":          {taken: 0.64, lasts: 0.5},
		"more of it lasts, and less of what one has taken": {taken: 0.8, lasts: 0.6},
	} {
		for seed := range uint64(5) {
			rows, asOf := tried(seed, without, with)
			if r := judge(rows, asOf, reward.Immediate()); !(r.Gain.Bound > 0) {
				t.Fatalf("%s: by what is taken alone it gains %+v: the test tells nothing", name, r.Gain)
			}
			if r := judge(rows, asOf, propose.Survival()); r.Verdict != gate.Refused || r.Gain == nil {
				t.Errorf("%s: it is %s, gain %+v", name, r.Verdict, r.Gain)
			}
		}
	}
	rows, asOf := tried(1, without, arm{taken: 0.42, lasts: 0.9})
	if r := judge(rows, asOf, propose.Survival()); r.Verdict != gate.Released {
		t.Errorf("what lasts longer is %s: %+v", r.Verdict, r.Reasons)
	}
}
