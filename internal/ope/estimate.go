// SPDX-License-Identifier: Apache-2.0

package ope

import "math"

// Term is what one row adds to an estimate, before its reward is looked at: Fixed + Slope·reward to what is summed up, and
// Size to what that is divided by.
type Term struct{ Fixed, Slope, Size float64 }

// Value is the term's part of the sum under a reward.
func (t Term) Value(reward float64) float64 { return t.Fixed + float64(t.Slope*reward) }

// Range is between what the term may be where rewards are between low and high.
func (t Term) Range(low, high float64) (from, to float64) {
	a, b := t.Value(low), t.Value(high)
	return min(a, b), max(a, b)
}

// Estimator makes a term of each row of a log that [Log.Check] has nothing against.
type Estimator func(*Log) []Term

// IPS weights each reward by policy over propensity (Horvitz and Thompson 1952). It is unbiased where propensities are
// right, and noisy where weights are large.
func IPS(l *Log) []Term {
	return each(l, func(i int, w float64) Term { return Term{0, w, 1} })
}

// SNIPS divides by the sum of weights instead of the number of rows (Swaminathan and Joachims 2015, "The self-normalized
// estimator for counterfactual learning", equation 9): a little bias for much less noise.
func SNIPS(l *Log) []Term {
	return each(l, func(i int, w float64) Term { return Term{0, w, w} })
}

// DM, the direct method, believes the model and does not look at rewards at all (Dudík, Langford and Li 2011, "Doubly
// robust policy evaluation and learning", equation 1).
func DM(l *Log) []Term {
	return each(l, func(i int, w float64) Term { return Term{l.Direct[i], 0, 1} })
}

// DR, doubly robust, is the direct method with the model's error on the action taken weighted in (the same paper,
// equation 2): right where the propensities or the model are, and the sharper the better the model is.
func DR(l *Log) []Term {
	return each(l, func(i int, w float64) Term { return Term{l.Direct[i] - float64(w*l.Model[i]), w, 1} })
}

// SNDR is DR with weights divided by their mean (Thomas and Brunskill 2016, "Data-efficient off-policy policy evaluation
// for reinforcement learning", the weighted doubly robust estimator, for decisions that stand alone).
func SNDR(l *Log) []Term {
	mean := 0.0
	for i := range l.Reward {
		mean += l.weight(i)
	}
	mean /= float64(len(l.Reward))
	return each(l, func(i int, w float64) Term {
		w /= mean
		return Term{l.Direct[i] - float64(w*l.Model[i]), w, 1}
	})
}

// SwitchDR is DR where the size of the weight is at most limit, and the direct method elsewhere (Wang, Agarwal and Dudík 2017,
// "Optimal and adaptive off-policy evaluation in contextual bandits", section 4).
func SwitchDR(limit float64) Estimator {
	return func(l *Log) []Term {
		return each(l, func(i int, w float64) Term {
			if math.Abs(w) > limit { // Policy may be a difference
				return Term{l.Direct[i], 0, 1}
			}
			return Term{l.Direct[i] - float64(w*l.Model[i]), w, 1}
		})
	}
}

func each(l *Log, term func(i int, weight float64) Term) []Term {
	terms := make([]Term, len(l.Reward))
	for i := range terms {
		terms[i] = term(i, l.weight(i))
	}
	return terms
}

// Value is the estimate: the sum of the terms over the sum of their sizes.
func (l *Log) Value(e Estimator) float64 {
	var sum, size float64
	for i, t := range e(l) {
		sum, size = sum+t.Value(l.Reward[i]), size+t.Size
	}
	return sum / size
}

// Ratio adds up the terms by cluster, numbered from 0: what an interval is made of. Rewards are between low and high.
func (l *Log) Ratio(e Estimator, of []int, clusters int, low, high float64) *Ratio {
	r := NewRatio(clusters)
	for i, t := range e(l) {
		from, to := t.Range(low, high)
		r.AddWithin(of[i], t.Value(l.Reward[i]), t.Size, from, to)
	}
	return r
}

// Shift is what one decision says about the change in value when suggestions are shown with probability to instead of
// from: the doubly robust term. Expected is the model's reward of showing; propensity that of the logging policy. The
// mean of Shift is right where the propensities are, whatever the model says; a good model makes it sharper. To hide
// has reward 0, known without a model.
func Shift(shown bool, reward, expected, propensity, from, to float64) float64 {
	s := float64((to - from) * expected)
	if shown && propensity > 0 {
		s += float64((to - from) / propensity * (reward - expected))
	}
	return s
}
