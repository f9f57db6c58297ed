// SPDX-License-Identifier: Apache-2.0

package learn_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

func fit(t testing.TB, rows []dataset.Decision) (*learn.Filter, learn.Report) {
	t.Helper()
	f, report, err := learn.Fit(t.Context(), rows, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f, report
}

func TestOnlyWhatAPersonDidWithAShownSuggestionHasAReward(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		verdict episode.Verdict
		by      episode.By
		shown   bool
		want    float64
	}{
		{episode.Accepted, episode.ByPerson, true, 0.75},
		{episode.Modified, episode.ByPerson, true, 0.75},
		{episode.Rejected, episode.ByPerson, true, -0.25},
		{episode.Ignored, episode.ByUnknown, true, -0.25},
		{episode.Ignored, episode.ByRule, false, 0},
		{episode.Accepted, episode.ByRule, true, none},
		{episode.Accepted, episode.ByUnknown, true, none},
		{episode.Rejected, episode.ByHook, true, none},
		{episode.Rejected, episode.ByModel, true, none},
		{episode.Cancelled, episode.ByPerson, true, none},
		{episode.TimedOut, episode.ByUnknown, true, none},
	} {
		got, ok := reward.Immediate().Of(&dataset.Decision{Verdict: c.verdict, By: c.by, Shown: c.shown})
		if ok == math.IsNaN(c.want) || ok && got != c.want {
			t.Errorf("%s by %s, shown %v: %v, %v; want %v", c.verdict, c.by, c.shown, got, ok, c.want)
		}
	}
	if got := reward.Immediate().Threshold(); got != 0.25 {
		t.Errorf("threshold %v, want 0.25", got)
	}
}

// decisions draws n decisions whose acceptance has the given probability.
func decisions(n int, accept func(rng *rand.Rand, d *dataset.Decision) float64) []dataset.Decision {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]dataset.Decision, n)
	for i := range rows {
		d := &rows[i]
		*d = dataset.Decision{Contributor: "c", Developer: fmt.Sprint("d", i%97), Shown: true, Verdict: episode.Ignored, By: episode.ByUnknown}
		if rng.Float64() < accept(rng, d) {
			d.Verdict, d.By = episode.Accepted, episode.ByPerson
		}
	}
	return rows
}

func TestFilterLearnsAcceptanceFromEachKindOfFeature(t *testing.T) {
	truth := func(x float64, mid bool, language string) float64 {
		eta := 1.2*x - 1
		if mid {
			eta -= 1.5
		}
		if language == "rust" {
			eta -= 2 * x // what a number means may depend on the language
		}
		return 1 / (1 + math.Exp(-eta))
	}
	f, report := fit(t, decisions(60_000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		x, mid, language := -2*rng.Float64(), rng.IntN(2) == 0, []string{"go", "rust"}[rng.IntN(2)]
		d.Features = map[string]any{"mean_logprob": x, "mid_line": mid, "language": language}
		return truth(x, mid, language)
	}))
	for _, x := range []float64{-1.8, -1, -0.3} {
		for _, mid := range []bool{false, true} {
			for _, language := range []string{"go", "rust"} {
				_, p := f.Decide(map[string]any{"mean_logprob": x, "mid_line": mid, "language": language})
				if want := truth(x, mid, language); math.Abs(p-want) > 0.03 {
					t.Errorf("%v %v %s: %.3f, want %.3f", x, mid, language, p, want)
				}
			}
		}
	}
	if report.LogLoss >= report.BaseLoss || report.Used != 60_000 || report.Developers != 97 {
		t.Errorf("report %+v", report)
	}
	// What it has never seen changes nothing.
	known, unknown := map[string]any{"language": "go"}, map[string]any{"language": "go", "new": 3.0, "mid_line": "yes", "mean_logprob": math.NaN()}
	if _, p := f.Decide(known); true {
		if _, q := f.Decide(unknown); p != q {
			t.Errorf("unknown features move the probability from %v to %v", p, q)
		}
	}
}

// The logging policy sees a text that is not among the features, and mostly shows the good ones.
func TestFilterLearnsForAllSuggestionsNotOnlyForThoseThatWereShown(t *testing.T) {
	rows := decisions(60_000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		good := rng.IntN(2) == 0
		accept := 0.1
		d.PropensityShow, d.Logged = 0.3, true
		if good {
			accept, d.PropensityShow = 0.5, 0.9
		}
		d.Shown = rng.Float64() < d.PropensityShow
		d.Features = map[string]any{"mid_line": rng.IntN(2) == 0}
		return accept
	})
	f, _ := fit(t, rows)
	if _, p := f.Decide(map[string]any{"mid_line": true}); math.Abs(p-0.3) > 0.015 {
		t.Errorf("probability %.3f, want 0.30 over all; over the shown ones it would be 0.40", p)
	}
}

func TestSameRowsGiveTheSameModelAndItReadsBack(t *testing.T) {
	rows := simtest.Decisions(t, simtest.World(t, sim.Config{Seed: 5, Gain: 0.2, Decisions: 8000}))
	f, _ := fit(t, rows)
	g, _ := fit(t, rows)
	a, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Fatal("two fits of the same rows differ")
	}
	if len(a) > 8<<10 {
		t.Errorf("the model has %d bytes: it should be a few KB", len(a))
	}
	var back learn.Filter
	if err := back.UnmarshalBinary(a); err != nil {
		t.Fatal(err)
	}
	for i := range rows[:1000] {
		_, p := f.Decide(rows[i].Features)
		if _, q := back.Decide(rows[i].Features); p != q {
			t.Fatalf("read back it says %v, not %v", q, p)
		}
	}
	for old, new := range map[string]string{`"threshold":0.25`: `"threshold":25`, `"reward"`: `"Reward"`, `headrace-filter/1`: `headrace-filter/2`,
		`"weights":[`: `"weights":[0,`, `"name":"lines"`: `"name":"zlines"`, `"number":"mean_logprob"`: `"number":"nothing"`} {
		bad := strings.Replace(string(a), old, new, 1)
		if err := back.UnmarshalBinary([]byte(bad)); bad == string(a) || !errors.Is(err, &episode.Problem{Code: "learn/bad-model"}) {
			t.Errorf("with %s for %s: %v", new, old, err)
		}
	}
}

func TestTooLittleToLearnFromIsAProblemThatSaysSo(t *testing.T) {
	always := func(*rand.Rand, *dataset.Decision) float64 { return 1 }
	for name, rows := range map[string][]dataset.Decision{"none": nil, "all alike": decisions(1000, always),
		"few": decisions(20, func(*rand.Rand, *dataset.Decision) float64 { return 0.5 })} {
		if _, report, err := learn.Fit(t.Context(), rows, learn.Options{}); !errors.Is(err, &episode.Problem{Code: "learn/too-little"}) || report.Rows != len(rows) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	rows := simtest.Decisions(t, simtest.World(t, sim.Config{Gain: 0.2, Decisions: 4000}))
	f, _ := fit(t, rows)
	if n := testing.AllocsPerRun(100, func() { f.Decide(rows[0].Features) }); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
}

func FuzzFilter(f *testing.F) {
	model, _ := fit(f, simtest.Decisions(f, simtest.World(f, sim.Config{Gain: 0.2, Decisions: 2000})))
	b, err := model.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, 1.0, "go")
	f.Add([]byte(`{"format":"headrace-filter/1","reward":"immediate","threshold":0.25,"numbers":[],"bools":[],"enums":[],"crosses":[],"weights":[0]}`), 0.0, "")
	f.Fuzz(func(t *testing.T, b []byte, x float64, s string) {
		var g, again learn.Filter
		if g.UnmarshalBinary(b) != nil {
			return
		}
		features := map[string]any{"language": s, "mean_logprob": x, "lines": x, "mid_line": x > 0}
		_, p := g.Decide(features)
		if p < 0 || p > 1 {
			t.Fatalf("probability %v", p)
		}
		out, err := g.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(out); err != nil {
			t.Fatal(err)
		}
		if twice, err := again.MarshalBinary(); err != nil || !bytes.Equal(out, twice) {
			t.Fatal(cmp.Diff(string(out), string(twice)), err)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	rows := simtest.Decisions(b, simtest.World(b, sim.Config{Gain: 0.2, Decisions: 4000}))
	f, _ := fit(b, rows)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		f.Decide(rows[i%len(rows)].Features)
		i++
	}
}

func BenchmarkFit(b *testing.B) {
	rows := simtest.Decisions(b, simtest.World(b, sim.Config{Gain: 0.2, Decisions: 100_000}))
	for b.Loop() {
		fit(b, rows)
	}
}

// What counts is whether exactly one of two numbers is high: no weighted sum of the two can say.
func TestTreesAreTakenWhereTheyPredictBetterForOthers(t *testing.T) {
	rows := decisions(12_000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		a, b := rng.Float64(), rng.Float64()
		d.Features = map[string]any{"lines": a, "prefix_chars": b, "language": []string{"go", "rust"}[rng.IntN(2)]}
		if (a > 0.5) != (b > 0.5) {
			return 0.7
		}
		return 0.2
	})
	f, report := fit(t, rows)
	c := report.Compared
	if report.Kind != learn.Trees || f.Kind() != learn.Trees || c == nil || c.Logistic-c.Trees < 10*c.SE || c.Developers < 50 {
		t.Fatalf("%+v, %+v", report, c)
	}
	for _, x := range []struct{ a, b, want float64 }{{0.2, 0.8, 0.7}, {0.8, 0.2, 0.7}, {0.8, 0.8, 0.2}, {0.2, 0.2, 0.2}} {
		if _, p := f.Decide(map[string]any{"lines": x.a, "prefix_chars": x.b, "language": "go"}); math.Abs(p-x.want) > 0.12 {
			t.Errorf("%v and %v: %.3f, want %.1f", x.a, x.b, p, x.want)
		}
	}
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	model, err := learn.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	features := map[string]any{"lines": 0.3, "language": "rust"}
	_, p := f.Decide(features)
	if v := model.Values(nil, features, []episode.Action{{ID: "show"}}); v[0] != p-f.Threshold {
		t.Errorf("read back it says %v, not %v", v[0], p-f.Threshold)
	}
	again, _ := fit(t, rows)
	if twice, err := again.MarshalBinary(); err != nil || !bytes.Equal(b, twice) {
		t.Error("two fits of the same rows differ", err)
	}
}

func TestTheSmallerKindIsTakenWhereBothPredictAsWell(t *testing.T) {
	_, report := fit(t, decisions(9_000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		x := rng.NormFloat64()
		d.Features = map[string]any{"mean_logprob": x, "lines": rng.Float64()}
		return 1 / (1 + math.Exp(-x))
	}))
	if c := report.Compared; report.Kind != learn.Logistic || c == nil || c.Trees < c.Logistic {
		t.Errorf("%+v, %+v", report, report.Compared)
	}
}

func TestOneDeveloperWithNearlyAllRowsNeitherRulesNorStopsTheLearning(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var rows []dataset.Decision
		add := func(who string, n int, flip bool) {
			for range n {
				x := rng.NormFloat64()
				d := dataset.Decision{Contributor: "c", Developer: who, Shown: true, By: episode.ByPerson, Verdict: episode.Rejected, Features: map[string]any{"x": x}}
				if (rng.Float64() < 1/(1+math.Exp(-2*x))) != flip {
					d.Verdict = episode.Accepted
				}
				rows = append(rows, d)
			}
		}
		add(fmt.Sprint("heavy", seed), 18_000, true) // likes what nobody else does
		for k := range 20 {
			add(fmt.Sprint("dev", seed, "-", k), 100, false)
		}
		f, report := fit(t, rows)
		_, low := f.Decide(map[string]any{"x": -2.0})
		_, high := f.Decide(map[string]any{"x": 2.0})
		if low > 0.35 || high < 0.65 || report.Capped != 1 {
			t.Errorf("seed %d: what 20 of 21 take at 0.02 and 0.98 is at %.2f and %.2f; %d capped", seed, low, high, report.Capped)
		}
	}
}

func TestADecisionWithAnImpossiblePropensityTeachesNothing(t *testing.T) {
	rows := decisions(1000, func(rng *rand.Rand, d *dataset.Decision) float64 {
		d.Features = map[string]any{"x": rng.NormFloat64()}
		d.Logged, d.PropensityShow = true, 0.5
		return 0.5
	})
	for i, p := range []float64{0, -1, math.NaN(), 7, math.Inf(1)} {
		rows[i].PropensityShow = p
	}
	if _, report := fit(t, rows); report.Used != 995 || report.LeftOut["propensity of showing is not in (0, 1]"] != 5 {
		t.Errorf("%+v", report)
	}
}
