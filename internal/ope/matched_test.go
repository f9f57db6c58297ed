// SPDX-License-Identifier: Apache-2.0

package ope_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headrace/headrace/internal/ope"
)

func minus(new, old float64) float64 { return new - old }

// Contributors differ ninefold, the share of the new side, too, and developers from each other. The interval is around the truth as
// often as it says, also where each stratum has a few rows only.
func TestMatchedHoldsWhateverPartOfAStratumEachSideHas(t *testing.T) {
	const reps, developers = 600, 60
	for _, days := range []int{1, 200} {
		rng := rand.New(rand.NewPCG(3, uint64(days)))
		missed, off := 0, 0.0
		for range reps {
			var cells []ope.Cell
			for k := range developers {
				for day := range days {
					cells = append(cells, ope.Cell{Cluster: k, Stratum: k%2*days + day})
				}
			}
			m := ope.NewMatched(cells)
			for k := range developers {
				rate, has := 0.1, 0.2
				if k%2 == 1 {
					rate, has = 0.7, 0.7
				}
				rate += 0.1 * (rng.Float64() - 0.5)
				isNew := rng.Float64() < has // drawn, as a roll-out does
				for range 80 {
					p, y := rate, 0.0
					if isNew {
						p += 0.05
					}
					if rng.Float64() < p {
						y = 1
					}
					m.Add(k*days+rng.IntN(days), isNew, y, 1)
				}
			}
			_, _, d, ok := m.Compare(minus)
			if !ok {
				t.Fatal("nothing is said")
			}
			off += (d.Estimate - 0.05) / reps
			if d.Lower > 0.05 || d.Upper < 0.05 {
				missed++
			}
		}
		// 5 % of 600 are 30, three standard errors more are 46.
		if missed > 46 || math.Abs(off) > 0.003 {
			t.Errorf("with %d days the truth is missed %d times of %d, by %.4f on average", days, missed, reps, off)
		}
		t.Logf("with %d days it is missed %d times of %d", days, missed, reps)
	}
}

// With one stratum it is what two ratios say of each other.
func TestMatchedWithOneStratumIsTheDifferenceOfTwoRatios(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var cells []ope.Cell
	for k := range 40 {
		cells = append(cells, ope.Cell{Cluster: k})
	}
	m, a, b := ope.NewMatched(cells), ope.NewRatio(40), ope.NewRatio(40)
	for i := range 2000 {
		k, y, x := i%40, rng.Float64(), 1+rng.Float64()
		m.Add(k, i%3 == 0, y, x)
		if i%3 == 0 {
			a.Add(k, y, x)
		} else {
			b.Add(k, y, x)
		}
	}
	want, _ := ope.Difference(a, b)
	new, old, got, ok := m.Compare(minus)
	if !ok || math.Abs(got.Estimate-want.Estimate) > 1e-12 || math.Abs(got.SE-want.SE) > 1e-12 || got.N != 2000 || math.Abs(new.Estimate-a.Estimate()) > 1e-12 || math.Abs(old.Estimate-b.Estimate()) > 1e-12 {
		t.Errorf("%+v of %v and %v, want %+v", got, new.Estimate, old.Estimate, want)
	}
}

func TestMatchedSaysNothingWhereNoStratumHasBothSides(t *testing.T) {
	m := ope.NewMatched([]ope.Cell{{Cluster: 0}, {Cluster: 1}, {Cluster: 2, Stratum: 1}, {Cluster: 3, Stratum: 1}})
	for i, new := range []bool{true, true, false, false} {
		m.Add(i, new, 1, 2)
	}
	if new, old, _, ok := m.Compare(minus); ok || new.Developers+old.Developers+new.N+old.N != 0 {
		t.Errorf("%+v and %+v", new, old)
	}
	m.Add(2, true, 1, 2) // by one developer alone
	if _, _, d, ok := m.Compare(minus); ok {
		t.Errorf("%+v", d)
	}
}
