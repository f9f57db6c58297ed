// SPDX-License-Identifier: Apache-2.0

package propose

import (
	"math"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/ope"
)

// Arms are what a trial has come to: what became of the code of those who were drawn to have it, and of the others.
type Arms struct {
	With, Without ope.Interval
	// Crossed counts decisions of developers who were in both arms, which are left out.
	Crossed int
	// Low is the least and High the greatest propensity of the arm that a decision was in.
	Low, High float64
}

// Collect adds up the decisions that were marked as being in the trial of a release. ok is false while an arm has too few to say
// anything. Of a developer all decisions are one piece of evidence.
func Collect(decisions []dataset.Decision, release string, score Score) (a Arms, ok bool) {
	people := dataset.ByDeveloper(decisions)
	arms := make([]uint8, people.N) // 1: without, 2: with
	in := func(d *dataset.Decision) uint8 {
		switch {
		case d.Release != release:
		case d.Chosen == instruct.With:
			return 2
		case d.Chosen == instruct.Without:
			return 1
		}
		return 0
	}
	for i := range decisions {
		arms[people.Of[i]] |= in(&decisions[i])
	}
	sums := [3]*ope.Ratio{1: ope.NewRatio(people.N), 2: ope.NewRatio(people.N)}
	a.Low = 1
	for i := range decisions {
		d := &decisions[i]
		arm := in(d)
		if arm == 0 {
			continue
		}
		if arms[people.Of[i]] == 3 {
			a.Crossed++
			continue
		}
		for _, act := range d.Actions {
			if act.ID == d.Chosen {
				a.Low, a.High = min(a.Low, act.Propensity), max(a.High, act.Propensity)
			}
		}
		if reward, ok := score(d); ok && !math.IsNaN(reward) && !math.IsInf(reward, 0) {
			sums[arm].Add(people.Of[i], reward, 1)
		}
	}
	var without, with bool
	a.Without, without = sums[1].Interval()
	a.With, with = sums[2].Interval()
	return a, without && with
}

// Difference is the reward of a decision with less that without. Its spread is that of both arms, and Student's t has the degrees of
// freedom of the smaller one: on the wide side.
func (a *Arms) Difference() ope.Interval {
	smaller := a.With
	if a.Without.Developers < a.With.Developers {
		smaller = a.Without
	}
	iv := ope.Interval{Estimate: a.With.Estimate - a.Without.Estimate, SE: math.Hypot(a.With.SE, a.Without.SE),
		N: a.With.N + a.Without.N, Developers: a.With.Developers + a.Without.Developers}
	two, one := 0.0, 0.0 // quantiles of Student's t
	if smaller.SE > 0 {
		two, one = (smaller.Upper-smaller.Estimate)/smaller.SE, (smaller.Estimate-smaller.Bound)/smaller.SE
	}
	iv.Lower, iv.Upper, iv.Bound = iv.Estimate-float64(two*iv.SE), iv.Estimate+float64(two*iv.SE), iv.Estimate-float64(one*iv.SE)
	return iv
}
