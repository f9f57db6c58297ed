// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/reward"
)

// tried is a trial of something that adds effect to the share that is taken; "hard" suggestions are taken a third as often. Before is
// what a developer took of all until the trial began.
func tried(seed uint64, developers int, effect float64) (rows []dataset.Decision, arm func(*dataset.Decision) (bool, bool), before func(contributor, developer string) float64) {
	rng, took := rand.New(rand.NewPCG(seed, 2)), map[string]float64{}
	before = func(_, developer string) float64 { return took[developer] }
	key := fmt.Append(nil, "trial ", seed)
	arm = func(d *dataset.Decision) (bool, bool) { return draw.Fraction(key, d.Developer) < 0.5, true }
	for k := range developers {
		taste, hardness := 0.1*rng.NormFloat64(), rng.Float64()
		took[fmt.Sprint("dev", k)] = 0.6 + taste - 0.4*hardness
		for i := range 5 + rng.IntN(40) {
			d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("dev", k), DecisionID: fmt.Sprint(k, "/", i), Day: 20_000, Shown: true, Verdict: episode.Rejected,
				By: episode.ByPerson, Features: map[string]any{"hard": rng.Float64() < hardness, "language": "go"}}
			p := 0.6 + taste
			if d.Features["hard"].(bool) {
				p = 0.2 + taste
			}
			if treated, _ := arm(&d); treated {
				p += effect
			}
			if rng.Float64() < p {
				d.Verdict = episode.Accepted
			}
			rows = append(rows, d)
		}
	}
	return rows, arm, before
}

func TestATrialFindsWhatHelpsAndNothingElse(t *testing.T) {
	released, none, covered := 0, 0, 0
	const n = 12
	for seed := range uint64(n) {
		rows, arm, before := tried(seed, 300, 0.08)
		r := Trial(rows, arm, before, Options{})
		if r.Gain == nil {
			t.Fatalf("%+v", r.Reasons)
		}
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		released += count(r.Verdict == Released)
		covered += count(r.Gain.Lower <= 0.08 && 0.08 <= r.Gain.Upper)
		if plain := Trial(rows, arm, nil, Options{}); !(r.Gain.SE < 0.9*plain.Gain.SE) {
			t.Errorf("seed %d: adjusted ± %v, plain ± %v", seed, r.Gain.SE, plain.Gain.SE)
		}
		rows, arm, before = tried(seed, 300, 0)
		none += count(Trial(rows, arm, before, Options{}).Verdict == Released)
	}
	if released < 9 || none > 3 || covered < 9 {
		t.Errorf("of %d trials: %d released where it helps, %d where it does not; %d intervals hold the truth", n, released, none, covered)
	}
}

// TestWhereATrialStandsIsToldOfNoFew keeps what is shown before the verdict the same as what is judged, and silent about few.
func TestWhereATrialStandsIsToldOfNoFew(t *testing.T) {
	rows, arm, _ := tried(3, 300, 0.08)
	r, st := Trial(rows, arm, nil, Options{}), Stands(rows, arm, reward.New(reward.Immediate()))
	if diff := cmp.Diff([]any{r.Gain.Estimate, r.Old, r.New}, []any{st.Difference.Estimate, st.Without.Reward, st.With.Reward}); diff != "" {
		t.Errorf("judged and shown differ (-judged +shown):\n%s", diff)
	}
	if n := st.Without.Developers + st.With.Developers; n != 300 || st.Without.Decisions+st.With.Decisions != len(rows) {
		t.Errorf("%+v of %d developers and %d decisions", st, 300, len(rows))
	}
	rows, arm, _ = tried(3, 15, 0.08)
	if st := Stands(rows, arm, reward.New(reward.Immediate())); st.Difference != nil || st.Without.Reward != nil && st.With.Reward != nil {
		t.Errorf("of 15 developers it says %+v", st)
	}
}

func TestWhoIsInBothArmsIsInNone(t *testing.T) {
	rows, arm, _ := tried(1, 400, 0.06)
	crossed := func(share float64) func(*dataset.Decision) (bool, bool) {
		i := 0
		return func(d *dataset.Decision) (bool, bool) {
			i++
			treated, in := arm(d)
			return treated != (draw.Fraction(nil, d.Developer) < share && i%2 == 0), in
		}
	}
	if r := Trial(rows, crossed(0.02), nil, Options{}); r.Gain == nil || !noted(&r, "crossed", -1) {
		t.Errorf("a few: %+v %+v", r.Reasons, r.Notes)
	}
	if r := Trial(rows, crossed(0.3), nil, Options{}); r.Gain != nil || !refusedFor(&r, "crossed") {
		t.Errorf("many: %+v", r.Reasons)
	}
	if r := Trial(rows, func(*dataset.Decision) (bool, bool) { return true, true }, nil, Options{}); r.Gain != nil || !refusedFor(&r, "developers") {
		t.Errorf("one arm: %+v", r.Reasons)
	}
}

func TestPairsAreComparedByCluster(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var pairs []Pair
	for i := range 400 {
		old := rng.Float64()
		pairs = append(pairs, Pair{Task: fmt.Sprint(i), Cluster: fmt.Sprint(i % 50), Old: old, New: old + 0.1 + 0.2*(rng.Float64()-0.5)})
	}
	r := Compare(pairs, Options{Model: "sha256:m"})
	if r.Verdict != Released || math.Abs(r.Gain.Estimate-0.1) > 0.02 || r.Gain.Developers != 50 || r.Check() != nil {
		t.Errorf("%s %+v %v", r.Verdict, r.Gain, r.Check())
	}
	for i := range pairs {
		pairs[i].Cluster = fmt.Sprint(i % 12)
	}
	if r := Compare(pairs, Options{}); r.Gain != nil || !refusedFor(&r, "clusters") {
		t.Errorf("12 repositories: %+v", r.Reasons)
	}
	for i := range pairs {
		pairs[i].Cluster = fmt.Sprint(i % 50)
		if i%10 == 0 {
			pairs[i].New = math.NaN()
		}
	}
	if r := Compare(pairs, Options{}); r.Gain != nil || !refusedFor(&r, "number") || !noted(&r, "number", 40) {
		t.Errorf("a tenth is no number: %+v", r.Reasons)
	}
}

func TestAReportIsReadBackAndOneThatContradictsItselfIsNot(t *testing.T) {
	r := Evaluate(routed(1, 200, 30), expects(0), Options{Model: "sha256:m", AsOf: 20_100})
	if b, err := os.ReadFile("../../spec/examples/gate-report.json"); err != nil {
		t.Error(err)
	} else if _, err := Decode(b); err != nil {
		t.Errorf("the example of the standard: %v", err)
	}
	file := func(r Report) []byte {
		b, err := json.Marshal(&r, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	got, err := Decode(file(r))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&r, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string]func(*Report){
		"another design":                     func(r *Report) { r.Design = "before and after" },
		"released with a reason":             func(r *Report) { r.Reasons = []Reason{{Code: "weight"}} },
		"refused without one":                func(r *Report) { r.Verdict = Refused },
		"released below 0":                   func(r *Report) { iv := *r.Gain; iv.Bound, iv.Lower = -0.01, -0.02; r.Gain = &iv },
		"released without a gain":            func(r *Report) { r.Gain = nil },
		"a figure of nine":                   func(r *Report) { iv := *r.Old; iv.Developers = 9; r.Old = &iv },
		"released past a broken guardrail":   func(r *Report) { r.Guardrails = []Guardrail{{Name: "x", State: Broken}} },
		"the format of an earlier version":   func(r *Report) { r.Format = "headrace-gate/1" },
		"a verdict that nobody has heard of": func(r *Report) { r.Verdict = "maybe" },
	} {
		bad := r
		change(&bad)
		if _, err := Decode(file(bad)); !errors.Is(err, &episode.Problem{Code: "gate/bad-report"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	if b, err := os.ReadFile("../../spec/examples/gate-report.json"); err == nil {
		f.Add(b)
	}
	f.Add([]byte(`{"format":"headrace-gate/2","design":"logged","verdict":"refused","reasons":[{"code":"gain"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := json.Marshal(got, json.Deterministic(true)); err != nil || string(twice) != string(again) {
			t.Fatalf("%s, then %s: %v", again, twice, err)
		}
	})
}
