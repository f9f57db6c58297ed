// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func seeded(seed byte) noise { return noise{rand.NewChaCha8([32]byte{seed})} }

// misfit is how far draws are from the distribution that weight gives up to a factor, by chi-square, as a standard normal
// deviate: above 4.75 once in a million.
func misfit(draws []int64, weight func(x float64) float64) float64 {
	const reach = 2000
	total := 0.0
	for x := -reach; x <= reach; x++ {
		total += weight(float64(x))
	}
	seen := map[int64]int{}
	for _, d := range draws {
		seen[d]++
	}
	chi, cells, rest, restSeen := 0.0, 0, 1.0, len(draws)
	for x := int64(-reach); x <= reach; x++ {
		p := weight(float64(x)) / total
		want := p * float64(len(draws))
		if want < 10 {
			continue
		}
		chi += (float64(seen[x]) - want) * (float64(seen[x]) - want) / want
		cells, rest, restSeen = cells+1, rest-p, restSeen-seen[x]
	}
	if want := rest * float64(len(draws)); want > 10 {
		chi += (float64(restSeen) - want) * (float64(restSeen) - want) / want
	}
	// Wilson and Hilferty 1931: the cube root of chi-square over its degrees is near normal.
	k := float64(cells)
	return (math.Cbrt(chi/k) - (1 - 2/(9*k))) / math.Sqrt(2/(9*k))
}

func TestNoiseHasTheDistributionItPromises(t *testing.T) {
	const n = 20_000
	for _, scale := range []*big.Rat{big.NewRat(1, 3), big.NewRat(1, 1), big.NewRat(7, 2), big.NewRat(40, 1)} {
		z, f := seeded(1), 0.0
		f, _ = scale.Float64()
		draws := make([]int64, n)
		for i := range draws {
			d, err := z.laplace(scale)
			if err != nil {
				t.Fatal(err)
			}
			draws[i] = d
		}
		if m := misfit(draws, func(x float64) float64 { return math.Exp(-math.Abs(x) / f) }); m > 4.75 {
			t.Errorf("Laplace of scale %v: misfit %.1f", scale, m)
		}
	}
	for _, variance := range []*big.Rat{big.NewRat(1, 2), big.NewRat(9, 1), big.NewRat(1001, 10)} {
		z, f := seeded(2), 0.0
		f, _ = variance.Float64()
		draws := make([]int64, n)
		for i := range draws {
			d, err := z.gaussian(variance)
			if err != nil {
				t.Fatal(err)
			}
			draws[i] = d
		}
		if m := misfit(draws, func(x float64) float64 { return math.Exp(-x * x / (2 * f)) }); m > 4.75 {
			t.Errorf("Gaussian of variance %v: misfit %.1f", variance, m)
		}
	}
}

// A test of the test: draws of another scale must not pass for these.
func TestAWrongScaleIsSeen(t *testing.T) {
	z := seeded(3)
	draws := make([]int64, 20_000)
	for i := range draws {
		var err error
		if draws[i], err = z.laplace(big.NewRat(4, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if m := misfit(draws, func(x float64) float64 { return math.Exp(-math.Abs(x) / 4.4) }); m < 4.75 {
		t.Errorf("a scale ten per cent off has a misfit of %.1f only", m)
	}
}
