// SPDX-License-Identifier: Apache-2.0

package hashed_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/hashed"
)

func model(t testing.TB, o hashed.Options) *hashed.Model {
	t.Helper()
	m, err := hashed.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// linear draws examples of y = 3 + 2·a − b/1000, with b in the thousands.
func linear(rng *rand.Rand, x []hashed.Feature) (features []hashed.Feature, y float64) {
	a, b := rng.Float32(), 1000*rng.Float32()
	return append(x[:0], hashed.Constant(), hashed.Feature{Index: 1, Value: a}, hashed.Feature{Index: 2, Value: b}),
		3 + 2*float64(a) - float64(b)/1000
}

func TestSquaredLossFindsALineWhateverItsUnits(t *testing.T) {
	m, rng := model(t, hashed.Options{Bits: 10}), rand.New(rand.NewPCG(1, 1))
	var x []hashed.Feature
	for range 30_000 {
		var y float64
		x, y = linear(rng, x)
		m.Update(x, y, 1)
	}
	for range 100 {
		var y float64
		if x, y = linear(rng, x); math.Abs(m.Predict(x)-y) > 0.02 {
			t.Fatalf("%v: %v, want %v", x, m.Predict(x), y)
		}
	}
}

func TestLogisticLossFindsProbabilitiesAndCrosses(t *testing.T) {
	m, rng := model(t, hashed.Options{Loss: hashed.Logistic, Bits: 12}), rand.New(rand.NewPCG(2, 2))
	truth := func(a, b int) float64 { return []float64{0.1, 0.8, 0.7, 0.3}[2*a+b] } // needs the product
	names := []string{"no", "yes"}
	example := func(x []hashed.Feature, a, b int) []hashed.Feature {
		one := hashed.Append(nil, 1, map[string]any{"a": names[a]})
		two := hashed.Append(nil, 2, map[string]any{"b": names[b]})
		x = append(append(append(x[:0], hashed.Constant()), one...), two...)
		return hashed.Cross(x, one, two)
	}
	loss, n := 0.0, 60_000
	for range n {
		a, b, y := rng.IntN(2), rng.IntN(2), 0.0
		if rng.Float64() < truth(a, b) {
			y = 1
		}
		p := m.Update(example(nil, a, b), y, 1)
		loss -= y*math.Log(p) + (1-y)*math.Log(1-p)
	}
	for a := range 2 {
		for b := range 2 {
			if p := m.Predict(example(nil, a, b)); math.Abs(p-truth(a, b)) > 0.03 {
				t.Errorf("%d %d: %.3f, want %.3f", a, b, p, truth(a, b))
			}
		}
	}
	if loss /= float64(n); loss > 0.515 { // the best there is: 0.5119
		t.Errorf("progressive loss %.4f", loss)
	}
}

func TestALargeWeightIsAsManyExamplesAndNeverThrowsPastTheLabel(t *testing.T) {
	for _, loss := range []hashed.Loss{hashed.Squared, hashed.Logistic} {
		x := []hashed.Feature{hashed.Constant(), {Index: 7, Value: 2}}
		m := model(t, hashed.Options{Loss: loss, Bits: 8})
		m.Update(x, 1, 1e6)
		if p := m.Predict(x); p > 1+1e-6 || p < 0.99 {
			t.Errorf("loss %d: after a weight of a million %v", loss, p)
		}
	}
}

func TestWhatIsNotANumberTeachesNothing(t *testing.T) {
	m := model(t, hashed.Options{Bits: 8})
	x := []hashed.Feature{{Index: 1, Value: 1}}
	m.Update(x, 2, 1)
	want := m.Predict(x)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m.Update(x, v, 1)
		m.Update(x, 1, v)
	}
	m.Update(x, 5, 0)
	m.Update(x, 5, -3)
	m.Update([]hashed.Feature{{Index: 1, Value: float32(math.NaN())}}, 1, 1)
	m.Update([]hashed.Feature{{Index: 1, Value: float32(math.Inf(1))}}, 1, 1)
	if got := m.Predict(x); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := hashed.Append(nil, 0, map[string]any{"a": math.NaN(), "b": math.Inf(1), "c": false, "d": []any{1.0}, "e": 0.0}); len(got) != 0 {
		t.Errorf("features of nothing: %v", got)
	}
}

func TestSameExamplesGiveTheSameModel(t *testing.T) {
	var p [2]float64
	for i := range p {
		m, rng := model(t, hashed.Options{Loss: hashed.Logistic, Bits: 10}), rand.New(rand.NewPCG(3, 3))
		var x []hashed.Feature
		for range 2000 {
			x = hashed.Append(x[:0], 0, map[string]any{"lines": rng.Float64() * 40, "mid_line": rng.IntN(2) == 0, "language": []string{"go", "c", "rust"}[rng.IntN(3)]})
			m.Update(append(x, hashed.Constant()), float64(rng.IntN(2)), 1+rng.Float64())
		}
		p[i] = m.Score(append(x, hashed.Constant()))
	}
	if p[0] != p[1] {
		t.Errorf("%v and %v", p[0], p[1])
	}
}

func TestLearningAndPredictingDoNotAllocate(t *testing.T) {
	m := model(t, hashed.Options{Loss: hashed.Logistic})
	features := map[string]any{"lines": 3.0, "mid_line": true, "language": "go"}
	x := make([]hashed.Feature, 0, 16)
	if n := testing.AllocsPerRun(100, func() {
		x = append(hashed.Append(x[:0], 0, features), hashed.Constant())
		m.Update(x, 1, 2)
	}); n != 0 {
		t.Errorf("%v allocations an example", n)
	}
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	for _, o := range []hashed.Options{{Bits: -1}, {Bits: 25}, {Rate: -1}, {Rate: math.NaN()}, {Loss: 2}} {
		if _, err := hashed.New(o); !errors.Is(err, &episode.Problem{Code: "learn/bad-options"}) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	m, rng := model(b, hashed.Options{Loss: hashed.Logistic}), rand.New(rand.NewPCG(1, 1))
	examples := make([][]hashed.Feature, 4096)
	for i := range examples {
		for range 16 {
			examples[i] = append(examples[i], hashed.Feature{Index: rng.Uint32(), Value: rng.Float32()})
		}
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		m.Update(examples[i&4095], float64(i&1), 1)
		i++
	}
}
