// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/learn/linear"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// team is a small world whose truth is an integral: suggestions with one feature x, even in [0, 1], and developers with a
// taste z, normal, of whom some decide thirty times as often as others. A suggestion is taken with probability
// σ(slope·x + offset + spread·z). The logged policy shows with a probability that depends on what does not leave; the candidate
// shows where its model, a little wrong, expects showing to pay.
type team struct {
	developers int
	old        float64 // the logged policy shows with old − 0.2 or old + 0.2, half of the time each
	model      *learn.Filter
}

const (
	teamSlope, teamOffset, teamSpread = 2.5, -2.0, 0.6
	teamBias                          = 0.2 // of a model that is a little wrong, in logits
)

// newTeam returns one whose logged policy shows that often, and a candidate whose model is wrong by bias.
func newTeam(developers int, old, bias float64) (*team, error) {
	f := &learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.25,
		Terms: linear.Terms{Numbers: []linear.Number{{Name: "x", Scale: 1}}}, Weights: []float64{teamOffset + bias, teamSlope * math.E / 2}}
	b, err := f.MarshalBinary()
	if err != nil {
		return nil, err
	}
	t := &team{developers: developers, old: old, model: new(learn.Filter)}
	return t, t.model.UnmarshalBinary(b)
}

// worth is what showing a suggestion is truly worth, over developers.
func worth(x float64) float64 {
	sum, weight := 0.0, 0.0
	for z := -6.0; z <= 6; z += 1.0 / 16 {
		w := math.Exp(-z * z / 2)
		sum, weight = sum+w/(1+math.Exp(-(teamSlope*x+teamOffset+teamSpread*z))), weight+w
	}
	return sum/weight - 0.25
}

// truth is what both policies are truly worth a decision.
func (t *team) truth() (old, new float64) {
	const steps = 4000
	for i := range steps {
		x := (float64(i) + 0.5) / steps
		v := worth(x) / steps
		old += t.old * v
		if show, _ := t.model.Decide(map[string]any{"x": x}); show {
			new += v
		}
	}
	return old, new
}

// worthNothing returns a team whose candidate is worth exactly what the logged policy is: it hides as much of use as
// the other shows in vain.
func worthNothing(developers int) (*team, error) {
	low, high := -3.0, teamBias
	for range 30 {
		t, err := newTeam(developers, 0.6, (low+high)/2)
		if err != nil {
			return nil, err
		}
		if old, new := t.truth(); new < old {
			low = (low + high) / 2
		} else {
			high = (low + high) / 2
		}
	}
	t, err := newTeam(developers, 0.6, high)
	if err != nil {
		return nil, err
	}
	old, new := t.truth()
	t.old *= new / old // what is left of a difference
	return t, nil
}

// decisions draws a log.
func (t *team) decisions(seed int64) (rows []dataset.Decision) {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x7465616d))
	for k := range t.developers {
		z := rng.NormFloat64()
		n := 2 + int(math.Exp(3+1.0*rng.NormFloat64()))
		for range min(n, 300) {
			x, p := rng.Float64(), t.old+0.2*(2*float64(rng.IntN(2))-1)
			d := dataset.Decision{Contributor: "team", Developer: fmt.Sprint(k), Day: 20_000 + int64(rng.IntN(28)), Features: map[string]any{"x": x},
				Logged: true, PropensityShow: p, Shown: rng.Float64() < p, Verdict: episode.Ignored, By: episode.ByUnknown}
			if rng.Float64() < 1/(1+math.Exp(-(teamSlope*x+teamOffset+teamSpread*z))) {
				d.Verdict, d.By = episode.Accepted, episode.ByPerson
			}
			rows = append(rows, d)
		}
	}
	return rows
}

// logs are the same decisions as package ope takes them: the candidate's value, and its difference from the logged policy's.
func (t *team) logs(rows []dataset.Decision) (value, difference *ope.Log) {
	value, difference = &ope.Log{}, &ope.Log{}
	spec := reward.Immediate()
	for i := range rows {
		d := &rows[i]
		show, p := t.model.Decide(d.Features)
		expected, shown := spec.Expected(p), d.PropensityShow
		policy, propensity, q := 0.0, 1-shown, 0.0
		if show == d.Shown {
			policy = 1
		}
		if d.Shown {
			propensity, q = shown, expected
		}
		direct := 0.0
		if show {
			direct = expected
		}
		r, _ := spec.Of(d)
		for _, l := range []*ope.Log{value, difference} {
			l.Reward, l.Propensity, l.Model = append(l.Reward, r), append(l.Propensity, propensity), append(l.Model, q)
		}
		value.Policy, value.Direct = append(value.Policy, policy), append(value.Direct, direct)
		difference.Policy, difference.Direct = append(difference.Policy, policy-propensity), append(difference.Direct, direct-shown*expected)
	}
	return value, difference
}
