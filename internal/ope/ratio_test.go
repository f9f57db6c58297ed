// SPDX-License-Identifier: Apache-2.0

package ope_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/ope"
)

// bounds are all of them, by name.
func bounds() map[string]ope.Bound {
	return map[string]ope.Bound{"jackknife": ope.Jackknife, "central limit": ope.CentralLimit, "Bernstein": ope.Bernstein,
		"betting": ope.Betting, "betting sequence": ope.BettingSequence, "asymptotic sequence": ope.AsymptoticSequence}
}

// team makes rewards of −0.25 or 0.75 by developers who differ. Those who take less decide more, so that whoever weighs
// developers by anything but their decisions is wrong.
func team(rng *rand.Rand, developers int) *ope.Ratio {
	r := ope.NewRatio(developers)
	for k := range developers {
		z := rng.NormFloat64()
		for range size(z) + rng.IntN(5) {
			y := -0.25
			if rng.Float64() < takes(z) {
				y = 0.75
			}
			r.AddWithin(k, y, 1, -0.25, 0.75)
		}
	}
	return r
}

func takes(z float64) float64 { return 1 / (1 + math.Exp(0.5-0.7*z)) }

// size is the least number of decisions; there are two more on average.
func size(z float64) int {
	if z < 0 {
		return 12
	}
	return 3
}

// truth is the mean of such rewards.
func truth() float64 {
	sum, weight := 0.0, 0.0
	for z := -8.0 + 1.0/128; z < 8; z += 1.0 / 64 {
		w := math.Exp(-z*z/2) * float64(size(z)+2)
		sum, weight = sum+w*takes(z), weight+w
	}
	return sum/weight - 0.25
}

func TestBoundsAreAboveTheTruthAsRarelyAsTheySay(t *testing.T) {
	const reps, alpha = 600, 0.05
	for name, b := range bounds() {
		rng := rand.New(rand.NewPCG(11, 13))
		above, below, width := 0, 0, 0.0
		for range reps {
			r := team(rng, 60)
			lower, upper := b(r, alpha), r.Above(b, alpha)
			if lower > truth() {
				above++
			}
			if upper < truth() {
				below++
			}
			width += upper - lower
		}
		// 5 % of 600 are 30, three standard errors more are 46.
		if above > 46 || below > 46 {
			t.Errorf("%s: %d lower bounds of %d are above the truth and %d upper ones below it", name, above, reps, below)
		}
		t.Logf("%-20s wrong %3d + %3d of %d, %.4f between", name, above, below, reps, width/reps)
	}
}

// Whoever stops at the first time that a bound is above the truth finds one in 5 % at most.
func TestSequencesHoldAtAllTimesAtOnce(t *testing.T) {
	const reps, developers = 120, 150
	for name, b := range map[string]ope.Bound{"betting sequence": ope.BettingSequence, "asymptotic sequence": ope.AsymptoticSequence} {
		rng := rand.New(rand.NewPCG(17, 19))
		fooled := 0
		for range reps {
			r := ope.NewRatio(developers)
			for k := range developers {
				r.AddWithin(k, rng.Float64(), 1, 0, 1)
				if k >= 30 && k%10 == 0 && b(r, 0.05) > 0.5 {
					fooled++
					break
				}
			}
		}
		if fooled > 6+8 {
			t.Errorf("%s: whoever looks again and again is fooled %d times of %d", name, fooled, reps)
		}
		t.Logf("%s: fooled %d of %d", name, fooled, reps)
	}
}

func TestBoundsFallAsTheyAreMadeSurer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := team(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), rapid.IntRange(10, 80).Draw(t, "developers"))
		a := rapid.Float64Range(0.001, 0.2).Draw(t, "alpha")
		b := rapid.Float64Range(a, 0.2).Draw(t, "larger alpha")
		for name, bound := range bounds() {
			sure, less := bound(r, a), bound(r, b)
			if name == "betting" || name == "betting sequence" {
				less += 0.05 // how much is bet depends on α, and a smaller bet may happen to win more
			}
			if sure > less+1e-9 {
				t.Fatalf("%s: %v at %v, %v at %v", name, sure, a, less, b)
			}
		}
		for name, bound := range bounds() {
			lower, upper := r.Between(bound, a)
			if estimate := r.Estimate(); !(lower <= estimate+1e-9 && estimate <= upper+1e-9) {
				t.Fatalf("%s: %v is not between %v and %v", name, estimate, lower, upper)
			}
		}
	})
}

func TestBoundsFollowScaleAndShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 60).Draw(t, "rows")
		c, d := rapid.Float64Range(0.1, 20).Draw(t, "scale"), rapid.Float64Range(-3, 3).Draw(t, "shift")
		a, b := ope.NewRatio(n), ope.NewRatio(n)
		for i := range n {
			k, y := rapid.IntRange(0, n-1).Draw(t, "cluster"), rapid.Float64Range(-0.25, 0.75).Draw(t, "y")
			if i < 2 {
				k = i // two clusters at least
			}
			a.AddWithin(k, y, 1, -0.25, 0.75)
			b.AddWithin(k, c*y+d, 1, d-0.25*c, d+0.75*c)
		}
		for name, bound := range bounds() {
			x, y := bound(a, 0.05), bound(b, 0.05)
			if math.IsInf(x, -1) && math.IsInf(y, -1) {
				continue
			}
			if math.Abs(c*x+d-y) > 1e-6*(c+math.Abs(d)) {
				t.Fatalf("%s: %v scaled by %v and shifted by %v is not %v", name, x, c, d, y)
			}
		}
	})
}

// Where nothing is known of how bad it can get, a bound for any number of clusters says nothing.
func TestFiniteBoundsNeedARange(t *testing.T) {
	r := ope.NewRatio(50)
	for k := range 50 {
		r.Add(k, 0.5, 1)
	}
	for _, b := range []ope.Bound{ope.Bernstein, ope.Betting, ope.BettingSequence} {
		if got := b(r, 0.05); !math.IsInf(got, -1) {
			t.Errorf("%v without a range", got)
		}
	}
}

func TestMeanOfIndependentRowsHasTheTextbookInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-10, 10), 30, 200).Draw(t, "values")
		r, sum := ope.NewRatio(len(v)+5), 0.0 // five clusters stay empty
		for i, y := range v {
			r.Add(i, y, 1)
			sum += y
		}
		n, squares := float64(len(v)), 0.0
		for _, y := range v {
			squares += (y - sum/n) * (y - sum/n)
		}
		got, ok := r.Interval()
		want := math.Sqrt(squares / (n - 1) / n)
		if !ok || math.Abs(got.SE-want) > 1e-9 || math.Abs(got.Estimate-sum/n) > 1e-9 || got.Developers != len(v) {
			t.Fatalf("%+v, want %v ± %v", got, sum/n, want)
		}
		if lower := ope.CentralLimit(r, 0.025); math.Abs(sum/n-lower-1.959964*want) > 1e-5*want+1e-9 {
			t.Fatalf("central limit: %v, want 1.96 · %v below %v", lower, want, sum/n)
		}
	})
}

func TestIntervalWidensWhereDecisionsOfADeveloperHangTogether(t *testing.T) {
	one, each := ope.NewRatio(30), ope.NewRatio(300)
	for i := range 300 {
		y := float64(i / 10 % 2)
		one.Add(i/10, y, 1)
		each.Add(i, y, 1)
	}
	a, _ := one.Interval()
	b, _ := each.Interval()
	if a.Estimate != b.Estimate || a.SE < 3*b.SE {
		t.Errorf("together %+v, apart %+v: want √10 times the error", a, b)
	}
	// t(29): 2.0452 two-sided, 1.6991 one-sided.
	if two, one := (a.Upper-a.Estimate)/a.SE, (a.Estimate-a.Bound)/a.SE; math.Abs(two-2.0452) > 1e-4 || math.Abs(one-1.6991) > 1e-4 {
		t.Errorf("quantiles %v and %v", two, one)
	}
}

func TestNothingIsSaidFromOneDeveloper(t *testing.T) {
	r := ope.NewRatio(3)
	r.AddWithin(1, 0.5, 1, 0, 1)
	r.AddWithin(1, 0.7, 1, 0, 1)
	if iv, ok := r.Interval(); ok {
		t.Errorf("%+v", iv)
	}
	for name, b := range bounds() {
		if got := b(r, 0.05); got > 0 {
			t.Errorf("%s: at least %v, from one developer", name, got)
		}
	}
}

func BenchmarkBetting(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	r := ope.NewRatio(100_000)
	for k := range 100_000 {
		r.AddWithin(k, rng.Float64(), 1, 0, 1)
	}
	for b.Loop() {
		ope.Betting(r, 0.05)
	}
}
