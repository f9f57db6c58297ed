// SPDX-License-Identifier: Apache-2.0

package ope

import "math"

// Difference estimates how much larger one ratio is than another over the same clusters, by [Jackknife]: the two hang
// together where the same developers stand behind both. ok is false where nothing can be said.
func Difference(a, b *Ratio) (iv Interval, ok bool) {
	ay, ax, rows, clusters := a.sums()
	by, bx, _, _ := b.sums()
	iv.N, iv.Developers = rows, clusters
	if clusters < 2 || ax == 0 || bx == 0 {
		return iv, false
	}
	iv.Estimate = ay/ax - by/bx
	squares, g := 0.0, float64(clusters)
	for k := range a.n {
		if a.n[k] > 0 || b.n[k] > 0 {
			off := (ay-a.y[k])/(ax-a.x[k]) - (by-b.y[k])/(bx-b.x[k]) - iv.Estimate
			squares += float64(off * off)
		}
	}
	return iv.with(math.Sqrt(squares*(g-1)/g), g-1)
}

// With completes an interval of so many developers by its standard error; ok is false where that is no number.
func (iv Interval) With(se float64) (out Interval, ok bool) {
	return iv.with(se, float64(iv.Developers-1))
}

func (iv Interval) with(se, df float64) (Interval, bool) {
	if math.IsNaN(se) || math.IsInf(se, 0) || df < 1 {
		return iv, false
	}
	iv.SE = se
	two := float64(student(0.975, df) * se)
	iv.Lower, iv.Upper, iv.Bound = iv.Estimate-two, iv.Estimate+two, iv.Estimate-float64(student(0.95, df)*se)
	return iv, true
}

// At returns one-sided bounds that each miss with probability alpha.
func (iv Interval) At(alpha float64) (lower, upper float64) {
	off := float64(student(1-alpha, float64(iv.Developers-1)) * iv.SE)
	return iv.Estimate - off, iv.Estimate + off
}

// Needed is how many times as many developers it takes for an effect of this size to be told from 0 in four trials out of
// five: ((z₀.₉₅ + z₀.₈)·SE/effect)², from the normal approximation of a one-sided test.
func (iv Interval) Needed(effect float64) float64 {
	r := (normal(0.95) + normal(0.8)) * iv.SE / effect
	return r * r
}

// Detectable is the smallest effect that would be told from 0 in four trials out of five with as many developers.
func (iv Interval) Detectable() float64 { return (normal(0.95) + normal(0.8)) * iv.SE }
