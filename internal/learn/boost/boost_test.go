// SPDX-License-Identifier: Apache-2.0

package boost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/boost"
)

// made draws examples with d numbers, about which a mixture of steps, products and lines tells.
func made(n, d int, seed uint64) *boost.Examples {
	rng := rand.New(rand.NewPCG(seed, seed))
	e := &boost.Examples{Label: make([]float64, n)}
	for j := range d {
		e.Columns = append(e.Columns, boost.Column{Name: fmt.Sprintf("c%02d", j), Number: make([]float64, n)})
	}
	x := make([]float64, d)
	for i := range n {
		for j := range x {
			x[j] = rng.NormFloat64()
			e.Columns[j].Number[i] = x[j]
		}
		if rng.Float64() < truth(x) {
			e.Label[i] = 1
		}
	}
	return e
}

func truth(x []float64) float64 {
	eta := x[0] - x[1]*x[2]
	if x[3] > 0.5 {
		eta += 1.5
	}
	return 1 / (1 + math.Exp(-eta))
}

func fit(t testing.TB, e *boost.Examples, o boost.Options) (*boost.Model, boost.Report) {
	t.Helper()
	m, r, err := boost.Fit(t.Context(), e, o)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func file(t testing.TB, m *boost.Model) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTreesLearnStepsAndProducts(t *testing.T) {
	e := made(25_000, 5, 1)
	m, r := fit(t, e, boost.Options{MinLeaf: 50})
	fresh, off := made(2000, 5, 2), 0.0
	for i := range fresh.Label {
		x := make([]float64, 5)
		for j := range x {
			x[j] = fresh.Columns[j].Number[i]
		}
		features := map[string]any{"c00": x[0], "c01": x[1], "c02": x[2], "c03": x[3], "c04": x[4]}
		if m.Score(features) != m.Row(fresh, i) {
			t.Fatal("by name and by column the score differs")
		}
		off += math.Abs(m.Predict(features)-truth(x)) / 2000
	}
	if off > 0.06 {
		t.Errorf("probabilities are off by %.3f on average", off)
	}
	if r.Trees != 100 || r.Rows != 25_000 || r.Loss > 0.53 {
		t.Errorf("%+v", r)
	}
}

func TestSquaredLossLearnsMeans(t *testing.T) {
	e := made(10_000, 4, 3)
	for i := range e.Label {
		e.Label[i] = 10 + 3*e.Columns[0].Number[i]*e.Columns[0].Number[i]
	}
	m, _ := fit(t, e, boost.Options{Loss: boost.Squared})
	for _, x := range []float64{-1.5, 0, 1} {
		if got := m.Predict(map[string]any{"c00": x, "c01": 0.0, "c02": 0.0, "c03": 0.0}); math.Abs(got-10-3*x*x) > 1 {
			t.Errorf("at %v: %v, want %v", x, got, 10+3*x*x)
		}
	}
}

// listed draws a number that is missing where that tells, and a listed feature whose order by name says nothing.
func listed(n int, seed uint64) *boost.Examples {
	rng := rand.New(rand.NewPCG(seed, seed))
	e := &boost.Examples{Columns: []boost.Column{{Name: "language", Levels: []string{"c", "go", "java", "rust", "zig"}}, {Name: "logprob"}}}
	for range n {
		level, x, p := int32(rng.IntN(6))-1, rng.Float64(), 0.5
		switch level { // −1 is a value that nobody listed
		case 0, 2, -1:
			p = 0.1
		}
		if rng.IntN(3) == 0 {
			x, p = math.NaN(), p+0.4
		}
		y := 0.0
		if rng.Float64() < p {
			y = 1
		}
		e.Columns[0].Level, e.Columns[1].Number, e.Label = append(e.Columns[0].Level, level), append(e.Columns[1].Number, x), append(e.Label, y)
	}
	return e
}

func TestMissingAndListedValuesHaveTheirSide(t *testing.T) {
	m, _ := fit(t, listed(20_000, 4), boost.Options{Trees: 50, Leaves: 8})
	for _, c := range []struct {
		features map[string]any
		want     float64
	}{
		{map[string]any{"language": "go", "logprob": 0.5}, 0.5}, {map[string]any{"language": "java", "logprob": 0.5}, 0.1},
		{map[string]any{"language": "zig"}, 0.9}, {map[string]any{"language": "c"}, 0.5}, {map[string]any{"language": "perl"}, 0.5},
		{map[string]any{"logprob": 0.2}, 0.1}, {map[string]any{"language": 3.0, "logprob": math.Inf(1)}, 0.5}, {nil, 0.5},
	} {
		if got := m.Predict(c.features); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%v: %.3f, want %.1f", c.features, got, c.want)
		}
	}
}

func TestWeightsCountAsSoManyExamples(t *testing.T) {
	a, b := made(3000, 4, 5), made(3000, 4, 5)
	a.Weight = make([]float64, 3000)
	for i := range a.Weight {
		a.Weight[i] = float64(i % 3)
	}
	var twice boost.Examples
	for _, c := range b.Columns {
		twice.Columns = append(twice.Columns, boost.Column{Name: c.Name})
	}
	for i := range b.Label {
		for range i % 3 {
			for j := range b.Columns {
				twice.Columns[j].Number = append(twice.Columns[j].Number, b.Columns[j].Number[i])
			}
			twice.Label = append(twice.Label, b.Label[i])
		}
	}
	m, _ := fit(t, a, boost.Options{Trees: 20, Leaves: 8, MinLeaf: 60})
	n, _ := fit(t, &twice, boost.Options{Trees: 20, Leaves: 8, MinLeaf: 60})
	off := 0.0
	for i := range 1000 {
		off += math.Abs(m.Row(b, i)-n.Row(b, i)) / 1000
	}
	if off > 0.12 { // bins differ a little
		t.Errorf("weighted and repeated differ by %.3f on average", off)
	}
}

func TestLearningStopsWhereOthersDecisionsGetNoBetter(t *testing.T) {
	e := made(4000, 6, 6)
	e.Held = make([]bool, 4000)
	for i := range e.Held {
		e.Held[i] = i%4 == 0
	}
	m, r := fit(t, e, boost.Options{Trees: 500, MinLeaf: 5})
	if r.Trees >= 200 || r.Trees < 5 || r.Held != 1000 || r.Rows != 3000 || len(m.Trees) != r.Trees {
		t.Errorf("%+v", r)
	}
	loss := 0.0
	for i := range e.Held {
		if e.Held[i] {
			p := 1 / (1 + math.Exp(-m.Row(e, i)))
			loss -= (e.Label[i]*math.Log(p) + (1-e.Label[i])*math.Log(1-p)) / 1000
		}
	}
	if math.Abs(loss-r.HeldLoss) > 1e-9 {
		t.Errorf("the model has a held-out loss of %v, the report says %v", loss, r.HeldLoss)
	}
}

func TestSameExamplesGiveTheSameBytesOnAnyNumberOfCores(t *testing.T) {
	e := made(34_000, 17, 7)
	o := boost.Options{Trees: 5}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, _ := fit(t, e, o)
	runtime.GOMAXPROCS(5)
	five, _ := fit(t, e, o)
	if !bytes.Equal(file(t, one), file(t, five)) {
		t.Error("one core and five give different models")
	}
}

func TestModelReadsBackAndWhatIsNoneIsRefused(t *testing.T) {
	e := listed(2000, 8)
	m, _ := fit(t, e, boost.Options{Trees: 10, Leaves: 4})
	b := file(t, m)
	var back boost.Model
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	for i := range e.Label {
		if m.Row(e, i) != back.Row(e, i) {
			t.Fatal("read back it says something else")
		}
	}
	for old, new := range map[string]string{`"right":[`: `"right":[1`, `"format"`: `"Format"`, `trees/1`: `trees/2`, `"base":`: `"base":1e999,"x":`,
		`"cut":[`: `"cut":[0,`, `"missing":[`: `"missing":[7`, `"language"`: `"zz"`, `"feature":[`: `"feature":[9`} {
		wrong := strings.Replace(string(b), old, new, 1)
		if err := back.UnmarshalBinary([]byte(wrong)); wrong == string(b) || !errors.Is(err, &episode.Problem{Code: "learn/bad-model"}) {
			t.Errorf("with %s for %s: %v", new, old, err)
		}
	}
}

func TestBadExamplesAndOptionsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*boost.Examples, *boost.Options){
		"no labels":    func(e *boost.Examples, _ *boost.Options) { e.Label = nil },
		"label":        func(e *boost.Examples, _ *boost.Options) { e.Label[3] = math.NaN() },
		"probability":  func(e *boost.Examples, _ *boost.Options) { e.Label[3] = 2 },
		"weight":       func(e *boost.Examples, _ *boost.Options) { e.Weight = make([]float64, 100); e.Weight[1] = -1 },
		"weights":      func(e *boost.Examples, _ *boost.Options) { e.Weight = make([]float64, 100) },
		"short column": func(e *boost.Examples, _ *boost.Options) { e.Columns[1].Number = e.Columns[1].Number[:9] },
		"order":        func(e *boost.Examples, _ *boost.Options) { e.Columns[0].Name = "z" },
		"trees":        func(_ *boost.Examples, o *boost.Options) { o.Trees = 1e6 },
		"loss":         func(_ *boost.Examples, o *boost.Options) { o.Loss = "hinge" },
		"rate":         func(_ *boost.Examples, o *boost.Options) { o.Rate = math.NaN() },
		"level": func(e *boost.Examples, _ *boost.Options) {
			e.Columns[3] = boost.Column{Name: "c03", Level: make([]int32, 100), Levels: []string{"x"}}
			e.Columns[3].Level[5] = 1
		},
		"held only": func(e *boost.Examples, _ *boost.Options) {
			e.Held = make([]bool, 100)
			for i := range e.Held {
				e.Held[i] = true
			}
		},
	} {
		e, o := made(100, 4, 9), boost.Options{}
		change(e, &o)
		if _, _, err := boost.Fit(t.Context(), e, o); !errors.Is(err, &episode.Problem{Code: "learn/bad-examples"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := boost.Fit(ctx, made(100, 4, 9), boost.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNothingToLearnIsTheMean(t *testing.T) {
	e := made(500, 4, 10)
	for i := range e.Label {
		e.Label[i] = 1
		e.Columns[2].Number[i] = math.NaN()
		e.Columns[1].Number[i] = 3
	}
	m, _ := fit(t, e, boost.Options{})
	if p := m.Predict(nil); p < 0.999 {
		t.Errorf("all labels are 1, and it predicts %v", p)
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	m, _ := fit(t, listed(2000, 11), boost.Options{Trees: 10})
	features := map[string]any{"language": "go", "logprob": -0.3}
	if n := testing.AllocsPerRun(100, func() { m.Predict(features) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzModel(f *testing.F) {
	m, _ := fit(f, listed(1000, 12), boost.Options{Trees: 3, Leaves: 4})
	f.Add(file(f, m), 1.0, "go")
	f.Add([]byte(`{"format":"headrace-trees/1","loss":"squared","features":[],"base":1,"trees":[{"feature":[-1],"cut":[2],"right":[0],"missing":[0]}]}`), 0.0, "")
	f.Fuzz(func(t *testing.T, b []byte, x float64, s string) {
		var g, again boost.Model
		if g.UnmarshalBinary(b) != nil {
			return
		}
		features := map[string]any{"language": s, "logprob": x}
		p := g.Predict(features)
		if g.Loss == boost.Logistic && !(p >= 0 && p <= 1) && !math.IsNaN(g.Score(features)) {
			t.Fatalf("probability %v", p)
		}
		out := file(t, &g)
		if err := again.UnmarshalBinary(out); err != nil {
			t.Fatal(err)
		}
		if q := again.Predict(features); q != p && !(q != q && p != p) {
			t.Fatalf("%v, read back %v", p, q)
		}
		if !bytes.Equal(out, file(t, &again)) {
			t.Fatal("read back it is written differently")
		}
	})
}

func BenchmarkFit(b *testing.B) {
	e := made(200_000, 30, 1)
	b.ResetTimer()
	for b.Loop() {
		fit(b, e, boost.Options{Trees: 20})
	}
}

func BenchmarkPredict(b *testing.B) {
	m, _ := fit(b, made(20_000, 10, 1), boost.Options{})
	features := map[string]any{"c00": 0.1, "c01": 0.2, "c02": 0.3, "c03": 0.4, "c04": 0.5, "c05": 0.6}
	b.ReportAllocs()
	for b.Loop() {
		m.Predict(features)
	}
}
