// SPDX-License-Identifier: Apache-2.0

package portable_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headrace/headrace/internal/learn/portable"
)

// ulps is how many doubles lie between got and want.
func ulps(got, want float64) float64 {
	return math.Abs(got-want) / (math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want))
}

func TestFunctionsAreWithinTwoUnitsInTheLastPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300_000 {
		x := rng.NormFloat64() * math.Exp(rng.Float64()*12-8)
		if math.Abs(x) < 700 {
			if u := ulps(portable.Exp(x), math.Exp(x)); u > 2 {
				t.Fatalf("exp(%v) is off by %v units", x, u)
			}
			if u := ulps(portable.Sigmoid(x), 1/(1+math.Exp(-x))); u > 4 {
				t.Fatalf("sigmoid(%v) is off by %v units", x, u)
			}
		}
		if p := rng.Float64(); p > 0 && p < 0.45 || p > 0.55 {
			if u := ulps(portable.Logit(p), math.Log(p/(1-p))); u > 8 {
				t.Fatalf("logit(%v) is off by %v units", p, u)
			}
		}
		if y := math.Abs(x) * math.Exp(rng.Float64()*40-20); true {
			if u := ulps(portable.Log1p(y), math.Log1p(y)); u > 2 {
				t.Fatalf("log1p(%v) is off by %v units", y, u)
			}
		}
	}
}

func TestFunctionsAtTheirEnds(t *testing.T) {
	for _, c := range []struct{ got, want float64 }{
		{portable.Exp(0), 1},
		{portable.Exp(math.Inf(1)), portable.Exp(700)}, {portable.Exp(math.Inf(-1)), portable.Exp(-700)},
		{portable.Sigmoid(0), 0.5}, {portable.Sigmoid(1e9), 1},
		{portable.Log1p(0), 0}, {portable.Log1p(1), math.Ln2}, {portable.Log1p(1e-300), 1e-300},
		{portable.Log1p(math.Inf(1)), math.Inf(1)}, {portable.Log1p(math.MaxFloat64), math.Log(math.MaxFloat64)},
	} {
		if c.got != c.want {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	for _, x := range []float64{portable.Exp(math.NaN()), portable.Sigmoid(math.NaN()), portable.Log1p(math.NaN()), portable.Log1p(-1)} {
		if !math.IsNaN(x) {
			t.Errorf("%v is not NaN", x)
		}
	}
}

// The bits of some results: another processor that gives others breaks the promise of every model file.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	h := uint64(14695981039346656037)
	rng := rand.New(rand.NewPCG(7, 7))
	for range 10_000 {
		x := float64(40*rng.Float64()) - 20
		for _, v := range []float64{portable.Exp(x), portable.Sigmoid(x), portable.Log1p(math.Abs(x))} {
			h = (h ^ math.Float64bits(v)) * 1099511628211
		}
	}
	if want := uint64(0xeb4562b7c147e900); h != want {
		t.Errorf("%#x, want %#x", h, want)
	}
}

func BenchmarkSigmoid(b *testing.B) {
	x, sum := 0.3, 0.0
	for b.Loop() {
		sum += portable.Sigmoid(x)
		x = -x
	}
	_ = sum
}
