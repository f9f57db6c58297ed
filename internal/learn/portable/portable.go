// SPDX-License-Identifier: Apache-2.0

// Package portable has the few functions that models are evaluated with, so written that every machine and every
// language gives the same bits: no fused multiply-add, no tables, nothing from a C library.
//
// Start from [Sigmoid]. Only additions, multiplications and divisions of IEEE 754 doubles are used, each rounded before
// the next: that is what the conversions to float64 are for, which look idle and are not (Go may otherwise fuse x*y + z
// on some processors). spec/models/evaluate.ts has the same operations in the same order.
//
// The results are within two units in the last place of the true ones. That is enough for a model, and not a reason to
// use this package for anything else.
package portable

import "math"

// ln2 in two parts: the first has so few bits that its product with a whole number below 2¹¹ is exact.
const (
	ln2High = 0x1.62e42feep-1
	ln2Low  = 0x1.a39ef35793c76p-33
	perLn2  = 0x1.71547652b82fep0 // 1/ln 2
	limit   = 700                 // e to the power of more than that is a model's mistake, and treated as this
)

// Exp returns e to the power of x, which is drawn to [−700, 700] first. Exp(NaN) is NaN.
//
// x = k·ln 2 + r with |r| ≤ ln 2 / 2, and the series of eʳ to the 13th power: what follows is below 2⁻⁵⁷.
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > limit:
		x = limit
	case x < -limit:
		x = -limit
	}
	k := math.Floor(float64(x*perLn2) + 0.5)
	r := float64(x-float64(k*ln2High)) - float64(k*ln2Low)
	// The even and the odd powers apart: two chains that a processor works on at once.
	s := float64(r * r)
	even := 1.0 / 479001600
	even = float64(even*s) + 1.0/3628800
	even = float64(even*s) + 1.0/40320
	even = float64(even*s) + 1.0/720
	even = float64(even*s) + 1.0/24
	even = float64(even*s) + 1.0/2
	odd := 1.0 / 6227020800
	odd = float64(odd*s) + 1.0/39916800
	odd = float64(odd*s) + 1.0/362880
	odd = float64(odd*s) + 1.0/5040
	odd = float64(odd*s) + 1.0/120
	odd = float64(odd*s) + 1.0/6
	rest := float64(even*s) + float64(float64(odd*s)*r)
	return float64(1+float64(r+rest)) * math.Float64frombits(uint64(int64(k)+1023)<<52)
}

// Sigmoid returns 1 / (1 + e⁻ˣ).
func Sigmoid(x float64) float64 { return 1 / (1 + Exp(-x)) }

// Logit returns ln(p / (1 − p)), for p between 0 and 1.
func Logit(p float64) float64 {
	if p < 0.5 {
		return -Log1p((1 - p - p) / p)
	}
	return Log1p((p - (1 - p)) / (1 - p))
}

// Log1p returns the natural logarithm of 1 + x for x ≥ 0, and NaN for anything else.
//
// 1 + x = 2ᵏ·m with m in [√½, √2); ln m = 2·artanh(s) with s = (m − 1) / (m + 1), whose series is cut after s²³.
func Log1p(x float64) float64 {
	switch {
	case !(x >= 0):
		return math.NaN()
	case x > math.MaxFloat64:
		return x
	case x < 0x1p-53:
		return x
	}
	u := 1 + x
	lost := x - float64(u-1) // what rounding took from u
	if x > 1 {
		lost = 1 - float64(u-x)
	}
	bits := math.Float64bits(u)
	k := int64(bits>>52) - 1023
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	if m > math.Sqrt2 {
		m /= 2
		k++
	}
	f := m - 1
	s := f / (m + 1)
	z := float64(s * s)
	p := 1.0 / 23
	p = float64(p*z) + 1.0/21
	p = float64(p*z) + 1.0/19
	p = float64(p*z) + 1.0/17
	p = float64(p*z) + 1.0/15
	p = float64(p*z) + 1.0/13
	p = float64(p*z) + 1.0/11
	p = float64(p*z) + 1.0/9
	p = float64(p*z) + 1.0/7
	p = float64(p*z) + 1.0/5
	p = float64(p*z) + 1.0/3
	p = float64(p * z)
	// 2s = f − s·f, so ln m = f − s·(f − 2·(z/3 + …)): f is exact, and the rest is small beside it.
	e := float64(k)
	small := float64(s*float64(f-float64(2*p))) - float64(float64(e*ln2Low)+lost/u)
	return float64(e*ln2High) + float64(f-small)
}
