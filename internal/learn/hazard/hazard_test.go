// SPDX-License-Identifier: Apache-2.0

package hazard_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/hazard"
)

// truth is the hazard by which waits are drawn: falling with time, and higher where x is.
func truth(period int, x float64) float64 {
	return 1 / (1 + math.Exp(1.2+0.25*float64(period)-0.8*x))
}

const periods = 10

// waits draws n subjects; each is watched for as long as watch says, and no longer.
func waits(n int, watch func(*rand.Rand) int) *hazard.Data {
	rng, d := rand.New(rand.NewPCG(7, 9)), hazard.New(1, periods)
	for range n {
		x, until := rng.NormFloat64(), watch(rng)
		d.Subject([]float64{x})
		for p := range until {
			if rng.Float64() < truth(p, x) {
				d.At(p, 1, 1)
				break
			}
			d.At(p, 1, 0)
		}
	}
	return d
}

func TestYoungSubjectsDoNotBiasWhatIsLearned(t *testing.T) {
	old := waits(40_000, func(*rand.Rand) int { return periods }).Fit(1)
	young := waits(40_000, func(rng *rand.Rand) int { return 1 + rng.IntN(periods) }).Fit(1) // half of the waits are cut off
	for _, x := range []float64{-1, 0, 1.5} {
		want := 1.0
		for p := range periods {
			want *= 1 - truth(p, x)
		}
		for name, m := range map[string]*hazard.Model{"all old": old, "cut off": young} {
			if got := m.Survival([]float64{x}, 0, periods); math.Abs(got-want) > 0.02 {
				t.Errorf("%s, x = %v: %.3f wait to the end, truly %.3f", name, x, got, want)
			}
		}
	}
}

func TestASubjectThatMakesNoSenseTeachesNothing(t *testing.T) {
	few := func(*rand.Rand) int { return periods }
	want, data := waits(500, few).Fit(1), waits(500, few)
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		data.Subject([]float64{x})
		data.At(0, 1, 1)
	}
	if got := data.Fit(1); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, without it %v", got, want)
	}
	data.Subject([]float64{1e300}) // a number, and of no use: it must come to an end
	data.At(0, 1, 1)
	data.Fit(1)
}

func TestSharesCountAsParts(t *testing.T) {
	d := hazard.New(0, 2)
	for range 1000 { // three quarters stay through the first period, a third of these through the second
		d.At(0, 1, 0.25)
		d.At(1, 0.75, 0.5)
	}
	m := d.Fit(1e-6)
	if a, b := m.Hazard(0, nil), m.Hazard(1, nil); math.Abs(a-0.25) > 1e-4 || math.Abs(b-2.0/3) > 1e-4 {
		t.Errorf("hazards %v and %v", a, b)
	}
	if s := m.Survival(nil, 0, 2); math.Abs(s-0.25) > 1e-4 {
		t.Errorf("%v stays", s)
	}
	if s := m.Survival(nil, 1, 2); math.Abs(s-1.0/3) > 1e-4 {
		t.Errorf("of those still there %v stays", s)
	}
}

func TestAPeriodWithoutSubjectsIsLikeTheOthers(t *testing.T) {
	d := hazard.New(0, 5)
	for range 500 {
		d.At(0, 1, 0.2)
		d.At(1, 1, 0.2)
	}
	if got := d.Fit(1).Hazard(4, nil); math.Abs(got-0.2) > 0.01 {
		t.Errorf("hazard %v, want about 0.2", got)
	}
	if got := hazard.New(2, 3).Fit(1).Hazard(1, []float64{1, 1}); got != 0.5 {
		t.Errorf("without data: %v", got)
	}
}

func TestSurvivalFallsAndMultiplies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := hazard.Model{Periods: rapid.SliceOfN(rapid.Float64Range(-20, 20), 1, 8).Draw(t, "periods"), Weights: []float64{rapid.Float64Range(-3, 3).Draw(t, "w")}}
		x, n := []float64{rapid.Float64Range(-5, 5).Draw(t, "x")}, len(m.Periods)
		mid := rapid.IntRange(0, n).Draw(t, "mid")
		whole, parts := m.Survival(x, 0, n), m.Survival(x, 0, mid)*m.Survival(x, mid, n)
		if whole < 0 || whole > m.Survival(x, 0, mid) || math.Abs(whole-parts) > 1e-12 {
			t.Fatalf("%v over all, %v by parts", whole, parts)
		}
	})
}

func TestTheSameDataGivesTheSameFileAndItReadsBack(t *testing.T) {
	file := func() []byte {
		b, err := waits(2000, func(*rand.Rand) int { return periods }).Fit(1).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a := file()
	if !bytes.Equal(a, file()) {
		t.Fatal("two fits of the same data differ")
	}
	var m hazard.Model
	if err := m.UnmarshalBinary(a); err != nil {
		t.Fatal(err)
	}
	if b, err := m.MarshalBinary(); err != nil || !bytes.Equal(a, b) {
		t.Fatalf("%s\n%s %v", a, b, err)
	}
	for _, wrong := range []string{``, `{}`, `{"format":"headrace-hazard/2","periods":[1],"weights":[]}`, `{"format":"headrace-hazard/1","periods":[],"weights":[]}`,
		`{"format":"headrace-hazard/1","periods":[1e99],"weights":[]}`, `{"format":"headrace-hazard/1","periods":[1],"weights":[],"more":1}`} {
		if err := m.UnmarshalBinary([]byte(wrong)); !errors.Is(err, &episode.Problem{Code: "hazard/bad-model"}) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte(`{"format":"headrace-hazard/1","periods":[-1,0.5],"weights":[2]}`), 0.5)
	f.Fuzz(func(t *testing.T, b []byte, x float64) {
		var m, again hazard.Model
		if m.UnmarshalBinary(b) != nil {
			return
		}
		if s := m.Survival([]float64{max(-1e6, min(1e6, x))}, 0, len(m.Periods)); s < 0 || s > 1 {
			t.Fatalf("survival %v", s)
		}
		out, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(out); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkFit(b *testing.B) {
	d := waits(50_000, func(rng *rand.Rand) int { return 1 + rng.IntN(periods) })
	for b.Loop() {
		d.Fit(1)
	}
}
