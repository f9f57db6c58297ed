// SPDX-License-Identifier: Apache-2.0

package bandit

import "math"

// Best is the position of the largest value, the first of equal ones; values that are not numbers do not count. It is −1
// where there is none.
func Best(values []float64) int {
	best := -1
	for i, v := range values {
		if !math.IsNaN(v) && (best < 0 || v > values[best]) {
			best = i
		}
	}
	return best
}

// SquareCB turns values into probabilities, in place: an action that is worth d less than the best of K gets 1/(K + γ·d),
// the best the rest (Foster and Rakhlin 2020). An action whose value is not a number gets none; where none has one, all
// are alike.
func SquareCB(values []float64, gamma float64) {
	best, k := Best(values), 0
	for _, v := range values {
		if !math.IsNaN(v) {
			k++
		}
	}
	if best < 0 {
		alike(values)
		return
	}
	top, rest := values[best], 1.0
	for i, v := range values {
		switch {
		case i == best:
		case math.IsNaN(v):
			values[i] = 0
		default:
			values[i] = 1 / (float64(k) + float64(gamma*(top-v)))
			rest -= values[i]
		}
	}
	values[best] = rest
}

// Epsilon turns values into probabilities, in place: epsilon is shared by all that have a value, the best gets the rest as
// well. Where none has one, all are alike.
func Epsilon(values []float64, epsilon float64) {
	best := Best(values)
	if best < 0 {
		alike(values)
		return
	}
	k := 0
	for i, v := range values {
		if math.IsNaN(v) {
			values[i] = 0
			continue
		}
		values[i] = 1
		k++
	}
	rest := 1.0
	for i, v := range values {
		if i != best && v == 1 {
			values[i] = epsilon / float64(k)
			rest -= values[i]
		}
	}
	values[best] = rest
}

// Mix gives all actions a floor: a share of the probability is spread evenly, the rest stays as it is. In place.
func Mix(p []float64, share float64) {
	for i := range p {
		p[i] = float64((1-share)*p[i]) + share/float64(len(p))
	}
}

func alike(p []float64) {
	for i := range p {
		p[i] = 1 / float64(len(p))
	}
}

// Draw is the action that a number in [0, 1) falls on, where each has its probability; the last that has any, where
// rounding leaves a gap.
func Draw(p []float64, u float64) int {
	last := 0
	for i, q := range p {
		if q <= 0 {
			continue
		}
		if u < q {
			return i
		}
		u -= q
		last = i
	}
	return last
}

// Progress is the reward that a learner would have had, told one decision before it learns from each: the mean of what was
// seen, weighted by how much likelier the learner was to do the same.
type Progress struct {
	N   int
	sum float64
}

// Add counts a decision: with which probability the learner would have done what was done with that propensity.
func (p *Progress) Add(would, propensity, reward float64) {
	p.N++
	p.sum += float64(reward * would / propensity)
}

// Mean is the reward a decision.
func (p *Progress) Mean() float64 {
	if p.N == 0 {
		return 0
	}
	return p.sum / float64(p.N)
}
