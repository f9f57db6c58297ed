// SPDX-License-Identifier: Apache-2.0

package ope_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/ope"
)

// estimators are all of them, by name.
func estimators() map[string]ope.Estimator {
	return map[string]ope.Estimator{"IPS": ope.IPS, "SNIPS": ope.SNIPS, "DM": ope.DM, "DR": ope.DR, "SNDR": ope.SNDR, "SwitchDR": ope.SwitchDR(3)}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// Three rows worked out by hand: weights 2, 0 and 1; the model errs by 0.5, 0 and −0.25.
func TestEstimatesAreThoseOfTheFormulas(t *testing.T) {
	l := &ope.Log{
		Reward:     []float64{0.75, -0.25, 0},
		Propensity: []float64{0.5, 0.25, 1},
		Policy:     []float64{1, 0, 1},
		Model:      []float64{0.25, -0.25, 0.25},
		Direct:     []float64{0.25, 0, 0.25},
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"IPS":      1.5 / 3,
		"SNIPS":    1.5 / 3, // the weights happen to add up to the rows
		"DM":       0.5 / 3,
		"DR":       (0.5 + 2*0.5 - 0.25) / 3,
		"SNDR":     (0.5 + 2*0.5 - 0.25) / 3,
		"SwitchDR": (0.5 + 2*0.5 - 0.25) / 3,
	}
	for name, e := range estimators() {
		if got := l.Value(e); !near(got, want[name]) {
			t.Errorf("%s: %v, want %v", name, got, want[name])
		}
	}
	if got, want := l.Value(ope.SwitchDR(1.5)), (0.5-0.25)/3; !near(got, want) {
		t.Errorf("SwitchDR that does not trust the first row: %v, want %v", got, want)
	}
	less := *l
	less.Policy = []float64{-1, 0, 0} // a policy that gives up what the first row did
	if got := less.Value(ope.SwitchDR(1.5)); !near(got, 0.5/3) {
		t.Errorf("SwitchDR that does not trust a row of weight -2: %v, want its direct part", got)
	}
	if s := l.Support(); s.Rows != 3 || s.Largest != 2 || !near(s.Effective, 9.0/5) {
		t.Errorf("support %+v: want 3 rows that count as 9/5, the largest weight 2", s)
	}
}

// world has one context and three actions, so that every expectation is a sum.
type world struct{ logged, policy, reward, model [3]float64 }

func drawWorld(t *rapid.T) world {
	simplex := func(name string, least float64) (p [3]float64) {
		sum := 0.0
		for a := range p {
			p[a] = least + rapid.Float64Range(0, 1).Draw(t, name)
			sum += p[a]
		}
		for a := range p {
			p[a] /= sum
		}
		return p
	}
	w := world{logged: simplex("logged", 0.05), policy: simplex("policy", 1e-6)}
	for a := range w.reward {
		w.reward[a] = rapid.Float64Range(-0.75, 0.75).Draw(t, "reward")
		w.model[a] = rapid.Float64Range(-0.75, 0.75).Draw(t, "model")
	}
	return w
}

// one is the log in which each action was taken once.
func (w world) one() *ope.Log {
	l, direct := &ope.Log{}, 0.0
	for a := range w.model {
		direct += w.policy[a] * w.model[a]
	}
	for a := range w.reward {
		l.Reward, l.Propensity, l.Policy = append(l.Reward, w.reward[a]), append(l.Propensity, w.logged[a]), append(l.Policy, w.policy[a])
		l.Model, l.Direct = append(l.Model, w.model[a]), append(l.Direct, direct)
	}
	return l
}

func TestIPSAndDRAreRightOnAverageWhateverTheModelSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		l, truth := w.one(), 0.0
		for a := range w.reward {
			truth += w.policy[a] * w.reward[a]
		}
		for name, e := range map[string]ope.Estimator{"IPS": ope.IPS, "DR": ope.DR, "SwitchDR": ope.SwitchDR(math.Inf(1))} {
			expected := 0.0
			for a, term := range e(l) {
				expected += w.logged[a] * term.Value(l.Reward[a])
			}
			if !near(expected, truth) {
				t.Fatalf("%s expects %v, truly %v", name, expected, truth)
			}
		}
		right := w
		right.model = w.reward
		if got := right.one().Value(ope.DM); !near(got, truth) {
			t.Fatalf("DM with the true model: %v, truly %v", got, truth)
		}
	})
}

func TestAllEstimatesAgreeWhereThePolicyIsTheLoggedOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "rows")
		l, sum := &ope.Log{}, 0.0
		for range n {
			r, p := rapid.Float64Range(-0.75, 0.75).Draw(t, "reward"), rapid.Float64Range(0.01, 1).Draw(t, "propensity")
			l.Reward, l.Propensity, l.Policy = append(l.Reward, r), append(l.Propensity, p), append(l.Policy, p)
			l.Model, l.Direct = append(l.Model, r), append(l.Direct, r)
			sum += r
		}
		for name, e := range estimators() {
			if got := l.Value(e); !near(got, sum/float64(n)) {
				t.Fatalf("%s: %v, want the mean %v", name, got, sum/float64(n))
			}
		}
		if s := l.Support(); !near(s.Effective, float64(n)) {
			t.Fatalf("%d rows count as %v", n, s.Effective)
		}
	})
}

func TestScaledRewardsGiveScaledEstimatesWithinScaledRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c := drawWorld(t), rapid.Float64Range(0.1, 10).Draw(t, "scale")
		a, b := w.one(), w.one()
		for i := range b.Reward {
			b.Reward[i], b.Model[i], b.Direct[i] = c*b.Reward[i], c*b.Model[i], c*b.Direct[i]
		}
		for name, e := range estimators() {
			if x, y := a.Value(e), b.Value(e); !near(c*x, y) {
				t.Fatalf("%s: %v times %v is not %v", name, c, x, y)
			}
			for i, term := range e(a) {
				from, to := term.Range(-0.75, 0.75)
				if y := term.Value(a.Reward[i]); y < from-1e-12 || y > to+1e-12 {
					t.Fatalf("%s: %v is not between %v and %v", name, y, from, to)
				}
			}
		}
	})
}

func TestRowsThatCannotBeReckonedWithAreNamed(t *testing.T) {
	good := func() *ope.Log {
		return &ope.Log{Reward: []float64{1, 0}, Propensity: []float64{0.5, 1}, Policy: []float64{1, 0}, Model: []float64{0, 0}, Direct: []float64{0, 0}}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*ope.Log){
		"propensity 0":       func(l *ope.Log) { l.Propensity[1] = 0 },
		"propensity above 1": func(l *ope.Log) { l.Propensity[1] = 1.01 },
		"propensity NaN":     func(l *ope.Log) { l.Propensity[0] = math.NaN() },
		"reward NaN":         func(l *ope.Log) { l.Reward[0] = math.NaN() },
		"model infinite":     func(l *ope.Log) { l.Model[0] = math.Inf(1) },
		"too short":          func(l *ope.Log) { l.Policy = l.Policy[:1] },
		"half a model":       func(l *ope.Log) { l.Direct = nil },
	} {
		l := good()
		if spoil(l); l.Check() == nil {
			t.Errorf("%s: nothing wrong", name)
		}
	}
}

// Two loggers, one of which hardly ever takes what the policy wants: balanced propensities keep its rare rows from
// counting a hundredfold, and weighting by precision keeps it from drowning the other.
func TestSeveralLoggersTellMoreTogether(t *testing.T) {
	const reps, n = 400, 200
	var naive, balanced, weighted moments
	rng := rand.New(rand.NewPCG(7, 7))
	probability := [2]float64{0.02, 0.6} // with which each logger takes the policy's action
	for range reps {
		l, mixed, logger := &ope.Log{}, []float64(nil), []int(nil)
		of := [2][]float64{}
		for i := range n {
			k := i % 2
			took := rng.Float64() < probability[k]
			reward, policy, p := 0.0, 0.0, 1-probability[k]
			if took {
				reward, policy, p = 0.5+0.2*rng.NormFloat64(), 1, probability[k]
			}
			for j := range of {
				q := probability[j]
				if !took {
					q = 1 - q
				}
				of[j] = append(of[j], q)
			}
			l.Reward, l.Propensity, l.Policy = append(l.Reward, reward), append(l.Propensity, p), append(l.Policy, policy)
			logger = append(logger, k)
		}
		mixed = ope.Balanced([]float64{0.5, 0.5}, of[:])
		naive.add(l.Value(ope.IPS))
		weighted.add(l.Value(ope.Weighted(ope.IPS, logger)))
		l.Propensity = mixed
		balanced.add(l.Value(ope.IPS))
	}
	if m := balanced.mean(); math.Abs(m-0.5) > 4*balanced.sd()/math.Sqrt(reps) {
		t.Errorf("balanced says %v of 0.5", m)
	}
	if !(balanced.sd() < 0.5*naive.sd() && weighted.sd() < 0.8*naive.sd()) {
		t.Errorf("spread: naive %v, balanced %v, weighted %v", naive.sd(), balanced.sd(), weighted.sd())
	}
}

type moments struct{ n, sum, squares float64 }

func (m *moments) add(v float64) { m.n, m.sum, m.squares = m.n+1, m.sum+v, m.squares+v*v }
func (m *moments) mean() float64 { return m.sum / m.n }
func (m *moments) sd() float64   { return math.Sqrt(m.squares/m.n - m.mean()*m.mean()) }
