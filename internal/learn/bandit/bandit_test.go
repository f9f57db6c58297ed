// SPDX-License-Identifier: Apache-2.0

package bandit_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/hashed"
)

func learner(t testing.TB, o bandit.Options) *bandit.Learner {
	t.Helper()
	l, err := bandit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// world has three actions; which is best depends on a category and on a number of the context.
type world struct {
	rng     *rand.Rand
	context []bandit.Feature
	actions [][]bandit.Feature
	worth   [3]float64
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0)), context: make([]bandit.Feature, 2)}
	for i := range 3 {
		w.actions = append(w.actions, []bandit.Feature{{Index: hashed.Hash(9, strconv.Itoa(i)), Value: 1}})
	}
	return w
}

func (w *world) next() {
	kind, x := w.rng.IntN(2), w.rng.Float64()
	w.context[0] = bandit.Feature{Index: hashed.Hash(1, strconv.Itoa(kind)), Value: 1}
	w.context[1] = bandit.Feature{Index: hashed.Hash(2, "x"), Value: float32(x)}
	w.worth = [3]float64{0.5, 0.2 + 0.6*float64(kind), 0.9 * x}
}

func (w *world) best() float64 { return max(w.worth[0], w.worth[1], w.worth[2]) }

func (w *world) reward(chosen int) float64 {
	if w.rng.Float64() < w.worth[chosen] {
		return 1
	}
	return 0
}

// Each explorer comes near the best while it plays; what it draws is what it says.
func TestExplorersEarnNearlyTheBestWhileTheyPlay(t *testing.T) {
	for name, o := range map[string]bandit.Options{"squarecb": {}, "epsilon": {Explorer: bandit.ByEpsilon, Estimator: bandit.MTR}} {
		l, w := learner(t, o), newWorld(1)
		var p []float64
		var earned, best, uniform float64
		const n = 20_000
		for range n {
			w.next()
			p = l.Distribution(p[:0], w.context, w.actions)
			chosen := bandit.Draw(p, w.rng.Float64())
			r := w.reward(chosen)
			earned, best, uniform = earned+w.worth[chosen], best+w.best(), uniform+(w.worth[0]+w.worth[1]+w.worth[2])/3
			if !l.Learn(w.context, w.actions, chosen, p[chosen], r) {
				t.Fatal("not learned")
			}
		}
		if share := (earned - uniform) / (best - uniform); share < 0.65 {
			t.Errorf("%s: %.2f of what there is to gain", name, share)
		}
	}
}

// Another policy seldom takes the best: all three estimators find it all the same.
func TestEachEstimatorFindsTheBestInAnotherPolicysLog(t *testing.T) {
	for name, e := range map[string]bandit.Estimator{"mtr": bandit.MTR, "ips": bandit.IPS, "dr": bandit.DR} {
		l, w := learner(t, bandit.Options{Estimator: e}), newWorld(2)
		logged := []float64{0.8, 0.1, 0.1}
		for range 40_000 {
			w.next()
			chosen := bandit.Draw(logged, w.rng.Float64())
			l.Learn(w.context, w.actions, chosen, logged[chosen], w.reward(chosen))
		}
		var got, best, fixed float64
		var v []float64
		for range 2000 {
			w.next()
			v = l.Values(v[:0], w.context, w.actions)
			got, best, fixed = got+w.worth[bandit.Best(v)], best+w.best(), fixed+w.worth[0]
		}
		if share := (got - fixed) / (best - fixed); share < 0.85 {
			t.Errorf("%s: %.2f of what there is to gain", name, share)
		}
	}
}

func TestWhatCannotBeLearnedFromChangesNothing(t *testing.T) {
	l, w := learner(t, bandit.Options{Estimator: bandit.DR}), newWorld(3)
	w.next()
	before := l.Values(nil, w.context, w.actions)
	for _, c := range []struct {
		chosen             int
		propensity, reward float64
	}{{-1, 0.5, 1}, {3, 0.5, 1}, {0, 0, 1}, {0, -1, 1}, {0, 1.1, 1}, {0, math.NaN(), 1}, {0, 0.5, math.NaN()}, {0, 0.5, math.Inf(1)}} {
		if l.Learn(w.context, w.actions, c.chosen, c.propensity, c.reward) {
			t.Errorf("%+v was learned from", c)
		}
	}
	for i, v := range l.Values(nil, w.context, w.actions) {
		if v != before[i] {
			t.Errorf("action %d is worth %v now, before %v", i, v, before[i])
		}
	}
}

func TestDistributionsSumToOneAndGiveWhatIsUnknownNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1, 1), rapid.Just(math.NaN())), 1, 8).Draw(t, "values")
		best := bandit.Best(values)
		explore := map[string]func(p []float64){
			"squarecb": func(p []float64) { bandit.SquareCB(p, rapid.Float64Range(0, 1e6).Draw(t, "gamma")) },
			"epsilon":  func(p []float64) { bandit.Epsilon(p, rapid.Float64Range(0, 1).Draw(t, "epsilon")) },
		}
		for name, f := range explore {
			p := append([]float64(nil), values...)
			f(p)
			sum := 0.0
			for i, q := range p {
				if q < 0 || q > 1 || best >= 0 && math.IsNaN(values[i]) && q != 0 {
					t.Fatalf("%s of %v: %v", name, values, p)
				}
				sum += q
			}
			if math.Abs(sum-1) > 1e-12 || best >= 0 && bandit.Best(p) != best && p[best] < p[bandit.Best(p)]-1e-12 {
				t.Fatalf("%s of %v: %v, sum %v", name, values, p, sum)
			}
			if got := bandit.Draw(p, rapid.Float64Range(0, 0.9999999).Draw(t, "u")); p[got] == 0 {
				t.Fatalf("drew %d of %v", got, p)
			}
		}
	})
}

// Checks the numbers of SquareCB by hand: of four actions γ = 10 behind by 0, 0.1, 0.6 and 1.
func TestSquareCBGivesWhatTheRuleSays(t *testing.T) {
	p := []float64{1, 0.9, 0.4, 0}
	bandit.SquareCB(p, 10)
	want := []float64{1 - 1.0/5 - 1.0/10 - 1.0/14, 1.0 / 5, 1.0 / 10, 1.0 / 14}
	for i := range p {
		if math.Abs(p[i]-want[i]) > 1e-12 {
			t.Errorf("%v, want %v", p, want)
		}
	}
}

func TestLearningAndDecidingDoNotAllocate(t *testing.T) {
	l, w := learner(t, bandit.Options{Estimator: bandit.DR}), newWorld(4)
	w.next()
	p := l.Distribution(nil, w.context, w.actions)
	l.Learn(w.context, w.actions, 1, p[1], 1)
	if n := testing.AllocsPerRun(100, func() {
		p = l.Distribution(p[:0], w.context, w.actions)
		l.Learn(w.context, w.actions, 1, p[1], 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecideAndLearn(b *testing.B) {
	l, w := learner(b, bandit.Options{}), newWorld(5)
	w.next()
	var p []float64
	b.ReportAllocs()
	for b.Loop() {
		p = l.Distribution(p[:0], w.context, w.actions)
		l.Learn(w.context, w.actions, 0, p[0], 1)
	}
}
