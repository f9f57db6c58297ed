// SPDX-License-Identifier: Apache-2.0

package linear_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/headrace/headrace/internal/learn/linear"
)

// drawn are examples whose label is a probability, told by a number, a listed feature and a yes.
func drawn(n int, certain bool) []linear.Example {
	rng := rand.New(rand.NewPCG(4, 4))
	all := make([]linear.Example, n)
	for i := range all {
		x, yes, language := rng.NormFloat64(), rng.IntN(2) == 0, []string{"go", "rust", "zig"}[rng.IntN(3)]
		p := truth(x, yes, language)
		all[i] = linear.Example{Features: map[string]any{"x": x, "yes": yes, "language": language}, Label: p, Weight: 1}
		if !certain {
			all[i].Label = math.Floor(p + rng.Float64())
		}
	}
	return all
}

func truth(x float64, yes bool, language string) float64 {
	eta := 0.5 * math.Copysign(math.Log1p(math.Abs(x)), x)
	if yes {
		eta++
	}
	if language == "zig" {
		eta -= 2
	}
	return 1 / (1 + math.Exp(-eta))
}

func TestAShareAsLabelIsAsGoodAsManyLabels(t *testing.T) {
	examples := drawn(20_000, true)
	terms := linear.NewTerms(examples, nil)
	w, _, _ := terms.Fit(examples, 1e-6)
	for _, e := range examples[:100] {
		if p := 1 / (1 + math.Exp(-terms.Score(w, e.Features))); math.Abs(p-e.Label) > 1e-3 {
			t.Fatalf("%v: %v, want %v", e.Features, p, e.Label)
		}
	}
}

// The start from a part of the rows must not show in where it ends, nor the number of cores.
func TestManyRowsEndWhereAllOfThemSay(t *testing.T) {
	examples := drawn(80_000, false)
	terms := linear.NewTerms(examples, nil)
	w, loss, steps := terms.Fit(examples, 1)
	if steps > 5 {
		t.Errorf("%d steps over all rows", steps)
	}
	slope := make([]float64, len(w)) // of the penalised likelihood: 0 at its top
	for j := 1; j < len(w); j++ {
		slope[j] = -w[j]
	}
	sum := 0.0
	for _, e := range examples {
		p := 1 / (1 + math.Exp(-terms.Score(w, e.Features)))
		slope[0] += e.Label - p
		sum -= e.Label*math.Log(p) + (1-e.Label)*math.Log(1-p)
	}
	if math.Abs(slope[0]) > 1e-3 || math.Abs(sum/80_000-loss) > 1e-9 {
		t.Errorf("slope %v, loss %v and %v", slope[0], sum/80_000, loss)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if one, _, _ := terms.Fit(examples, 1); !slices.Equal(w, one) {
		t.Error("one core gives other weights")
	}
}

func BenchmarkFit(b *testing.B) {
	examples := drawn(200_000, false)
	b.ResetTimer()
	for b.Loop() {
		linear.NewTerms(examples, nil).Fit(examples, 1)
	}
}
