// SPDX-License-Identifier: Apache-2.0

// Package ope estimates what a policy is worth from decisions that another policy logged, and how sure that is.
//
// Start from [Ratio]: it turns per-decision terms into an estimate with an interval that holds when decisions of one
// developer hang together. [Shift] is the doubly robust term of one decision. Everything works on plain numbers: what a
// decision is, and what may be concluded of it, package gate knows.
package ope

import "math"

// Interval is an estimate, how sure it is, and from how much.
type Interval struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"`
	Lower    float64 `json:"lower"` // two-sided 95 %
	Upper    float64 `json:"upper"`
	Bound    float64 `json:"bound"` // one-sided 95 % lower bound
	N        int     `json:"n"`     // decisions
	// Developers is the number of clusters: the interval is as sure as this many independent people make it.
	Developers int `json:"developers"`
}

// Ratio estimates E[y]/E[x], such as a mean (x = 1), from terms that hang together within a cluster.
type Ratio struct {
	y, x []float64
	n    []int
}

// NewRatio returns a Ratio over that many clusters.
func NewRatio(clusters int) *Ratio {
	return &Ratio{make([]float64, clusters), make([]float64, clusters), make([]int, clusters)}
}

// Add adds the terms of one row.
func (r *Ratio) Add(cluster int, y, x float64) {
	r.y[cluster] += y
	r.x[cluster] += x
	r.n[cluster]++
}

// Interval returns the estimate with the jackknife over clusters: leave each out in turn, and take the spread around
// the whole (CR3), with Student's t at one degree of freedom fewer than there are clusters. It errs on the wide side
// where clusters are few or uneven. Clusters without rows do not count. ok is false where nothing can be said.
func (r *Ratio) Interval() (iv Interval, ok bool) {
	var y, x float64
	for k, n := range r.n {
		if n > 0 {
			y, x, iv.N = y+r.y[k], x+r.x[k], iv.N+n
			iv.Developers++
		}
	}
	if iv.Developers < 2 || x == 0 {
		return iv, false
	}
	iv.Estimate = y / x
	squares, g := 0.0, float64(iv.Developers)
	for k, n := range r.n {
		if n > 0 {
			without := (y - r.y[k]) / (x - r.x[k])
			squares += (without - iv.Estimate) * (without - iv.Estimate)
		}
	}
	iv.SE = math.Sqrt(squares * (g - 1) / g)
	if math.IsNaN(iv.SE) || math.IsInf(iv.SE, 0) {
		return iv, false // one cluster is all there is
	}
	two := student(0.975, g-1) * iv.SE
	iv.Lower, iv.Upper = iv.Estimate-two, iv.Estimate+two
	iv.Bound = iv.Estimate - student(0.95, g-1)*iv.SE
	return iv, true
}

// student is the quantile of Student's t: the Cornish–Fisher expansion around the normal (Abramowitz and Stegun
// 26.7.5), good to four digits from eight degrees of freedom on, and exact below three.
func student(p, df float64) float64 {
	switch {
	case df < 2:
		return math.Tan(math.Pi * (p - 0.5))
	case df < 3:
		return (2*p - 1) * math.Sqrt(2/(4*p*(1-p)))
	}
	z := math.Sqrt2 * math.Erfinv(2*p-1)
	z2 := z * z
	g1 := z * (z2 + 1) / 4
	g2 := z * ((5*z2+16)*z2 + 3) / 96
	g3 := z * (((3*z2+19)*z2+17)*z2 - 15) / 384
	g4 := z * ((((79*z2+776)*z2+1482)*z2-1920)*z2 - 945) / 92160
	return z + (g1+(g2+(g3+g4/df)/df)/df)/df
}

// Shift is what one decision says about the change in value when suggestions are shown with probability to instead of
// from: the doubly robust term. Expected is the model's reward of showing; propensity that of the logging policy. The
// mean of Shift is right where the propensities are, whatever the model says; a good model makes it sharper. To hide
// has reward 0, known without a model.
func Shift(shown bool, reward, expected, propensity, from, to float64) float64 {
	s := (to - from) * expected
	if shown && propensity > 0 {
		s += (to - from) / propensity * (reward - expected)
	}
	return s
}
