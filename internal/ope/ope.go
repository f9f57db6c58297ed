// SPDX-License-Identifier: Apache-2.0

// Package ope says what a policy would have been worth from decisions that another policy made, and how sure that is.
//
// Start from [Log]: one row a decision, with its reward, the probability with which it was taken, and the probability
// with which the policy to be judged would have taken it. [Log.Support] says how much of the log speaks about that
// policy, before any reward is looked at. An [Estimator] ([IPS], [SNIPS], [DM], [DR], [SNDR], [SwitchDR]) makes a [Term]
// of each row; [Log.Ratio] adds terms up by developer, and a [Bound] ([Jackknife], [CentralLimit], [Bernstein], [Betting],
// [BettingSequence], [AsymptoticSequence]) is a lower bound of what they estimate.
//
// Everything works on slices of numbers. Nothing here knows what a decision or a release is: package gate does.
package ope

import (
	"fmt"
	"math"
)

// Log is a log of decisions, column by column; all columns have one entry a row.
type Log struct {
	// Reward is that of the action taken.
	Reward []float64
	// Propensity is the probability, above 0 and at most 1, with which the action was taken.
	Propensity []float64
	// Policy is the probability with which the policy to be judged would have taken the same action. It may be the
	// difference of two policies' probabilities: values are linear in the policy, so what is estimated is then the
	// difference of their values. SNIPS and SNDR need a policy.
	Policy []float64
	// Model is the reward that a model expects of the action taken, and Direct the one that it expects of the policy:
	// Σ over actions of the policy's probability times the model's reward. Both may be nil for IPS and SNIPS. The model
	// must not have learned from these rows.
	Model, Direct []float64
}

// Check says what is wrong with a log: columns of different lengths, numbers that are not finite, propensities outside
// (0, 1].
func (l *Log) Check() error {
	n := len(l.Reward)
	if len(l.Propensity) != n || len(l.Policy) != n || len(l.Model) != len(l.Direct) || len(l.Model) != 0 && len(l.Model) != n {
		return fmt.Errorf("columns of %d rewards, %d propensities, %d policy, %d model and %d direct values",
			n, len(l.Propensity), len(l.Policy), len(l.Model), len(l.Direct))
	}
	for i := range n {
		if p := l.Propensity[i]; !(p > 0 && p <= 1) {
			return fmt.Errorf("row %d: propensity %v is not above 0 and at most 1", i, p)
		}
	}
	for _, column := range [][]float64{l.Reward, l.Policy, l.Model, l.Direct} {
		for i, v := range column {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("row %d: %v is not a number to reckon with", i, v)
			}
		}
	}
	return nil
}

// weight is how often a row counts: the policy's probability over the logged one.
func (l *Log) weight(i int) float64 { return l.Policy[i] / l.Propensity[i] }

// Support is how much of a log speaks about the policy. No reward enters it, so that whoever refuses by it has not
// looked at the result first.
type Support struct {
	Rows int
	// Effective is the effective sample size (Σw)²/Σw² (Kish): what the rows with weights w count as.
	Effective float64
	Largest   float64 // weight
}

// Support sums up the weights.
func (l *Log) Support() Support {
	s, sum, squares := Support{Rows: len(l.Policy)}, 0.0, 0.0
	for i := range l.Policy {
		w := math.Abs(l.weight(i))
		sum, squares, s.Largest = sum+w, squares+float64(w*w), max(s.Largest, w)
	}
	if squares > 0 {
		s.Effective = sum * sum / squares
	}
	return s
}

// Balanced returns the propensities of a log that several policies wrote, as if one had: the mean of what each would
// have done, by its share of the rows (Agarwal, Basu, Schnabel and Joachims 2017, "Effective evaluation using logged
// bandit feedback from multiple loggers", section 4). of[k][i] is the probability with which logger k would have taken
// row i's action. A row that its own logger hardly ever writes weighs less where another writes it often.
func Balanced(shares []float64, of [][]float64) []float64 {
	if len(of) == 0 {
		return nil
	}
	out := make([]float64, len(of[0]))
	for k, column := range of {
		for i, p := range column {
			out[i] += float64(shares[k] * p)
		}
	}
	return out
}

// Weighted makes of IPS or DR the estimator for a log that several policies wrote in which the rows of each count by one
// over the variance of its terms (the same paper, section 5). logger[i], from 0 on, wrote row i. What is said of a row
// whatever was done, the direct part of DR, counts the same for all. A logger whose terms do not vary at all would drown the
// others; then all count the same.
func Weighted(e Estimator, logger []int) Estimator {
	return func(l *Log) []Term {
		type moments struct{ n, sum, squares float64 }
		var by []moments
		terms, whatever := e(l), *l
		for i, t := range terms {
			for logger[i] >= len(by) {
				by = append(by, moments{})
			}
			y, m := t.Value(l.Reward[i]), &by[logger[i]]
			m.n, m.sum, m.squares = m.n+1, m.sum+y, m.squares+float64(y*y)
		}
		precision, inverse := 0.0, make([]float64, len(by))
		for k, m := range by {
			if m.n == 0 {
				continue
			}
			mean := m.sum / m.n
			inverse[k] = 1 / (m.squares/m.n - float64(mean*mean))
			if !(inverse[k] > 0) || math.IsInf(inverse[k], 0) {
				return terms
			}
			precision += float64(m.n * inverse[k])
		}
		whatever.Policy = make([]float64, len(l.Policy))
		for i, direct := range e(&whatever) {
			w, t := float64(len(terms))*inverse[logger[i]]/precision, &terms[i]
			t.Fixed = direct.Fixed + float64(w*(t.Fixed-direct.Fixed))
			t.Slope *= w
		}
		return terms
	}
}
