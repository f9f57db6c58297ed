// SPDX-License-Identifier: Apache-2.0

package bandit_test

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
	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/reward"
)

// routes draws a log of two models: the large one is better with many lines, the small one otherwise.
func routes(n int) []dataset.Decision {
	rng := rand.New(rand.NewPCG(1, 0))
	rows := make([]dataset.Decision, n)
	for i := range rows {
		d := &rows[i]
		long := rng.IntN(2) == 0
		lines := float64(1 + rng.IntN(10))
		if long {
			lines += 200
		}
		*d = dataset.Decision{Contributor: "c", Developer: fmt.Sprint("d", i%31), DecisionID: fmt.Sprint("d_", i), Shown: true, Chosen: "small",
			Features: map[string]any{"lines": lines, "language": []string{"go", "rust"}[rng.IntN(2)], "tests": rng.IntN(2) == 0},
			Actions:  []episode.Action{{ID: "small", Features: map[string]any{"price": 1.0}, Propensity: 0.7}, {ID: "large", Features: map[string]any{"price": 5.0}, Propensity: 0.3}},
			Verdict:  episode.Rejected, By: episode.ByPerson}
		accept := 0.6
		if rng.Float64() < 0.3 {
			d.Chosen = "large"
		}
		if (d.Chosen == "large") != long {
			accept = 0.2
		}
		if rng.Float64() < accept {
			d.Verdict = episode.Accepted
		}
	}
	return rows
}

func fitted(t testing.TB, rows []dataset.Decision) (*bandit.Route, bandit.Report) {
	t.Helper()
	r, report, err := bandit.Fit(rows, "immediate", reward.Immediate().Of)
	if err != nil {
		t.Fatal(err)
	}
	return r, report
}

var asks = []struct {
	context map[string]any
	want    string
}{
	{map[string]any{"lines": 3.0, "language": "go"}, "small"},
	{map[string]any{"lines": 230.0, "language": "rust", "tests": true}, "large"},
}

func TestRouteLearnsWhichModelIsWorthMoreInWhichContext(t *testing.T) {
	r, report := fitted(t, routes(8000))
	actions := []episode.Action{{ID: "large", Features: map[string]any{"price": 5.0}}, {ID: "never"}, {ID: "small", Features: map[string]any{"price": 1.0}}}
	for _, ask := range asks {
		v := r.Values(nil, ask.context, actions)
		if got := actions[bandit.Best(v)].ID; got != ask.want || !math.IsNaN(v[1]) {
			t.Errorf("%v: %s of %v, want %s; what was never taken is worth nothing known", ask.context, got, v, ask.want)
		}
		if best := v[bandit.Best(v)]; math.Abs(best-0.35) > 0.1 { // 0.6·0.75 − 0.4·0.25
			t.Errorf("%v: worth %.3f, want 0.35", ask.context, best)
		}
	}
	if report.Used != 8000 || report.Developers != 31 || report.Progressive < report.Mean+0.1 {
		t.Errorf("%+v", report)
	}
}

func TestRouteIsTheSameBytesAndReadsBackTheSame(t *testing.T) {
	rows := routes(3000)
	r, _ := fitted(t, rows)
	again, _ := fitted(t, rows)
	a, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := again.MarshalBinary(); !bytes.Equal(a, b) {
		t.Error("the same rows gave other bytes")
	}
	var back bandit.Route
	if err := back.UnmarshalBinary(a); err != nil {
		t.Fatal(err)
	}
	actions := rows[0].Actions
	for _, ask := range asks {
		if d := cmp.Diff(r.Values(nil, ask.context, actions), back.Values(nil, ask.context, actions)); d != "" {
			t.Error(d)
		}
	}
	var v []float64
	v = back.Values(v[:0], asks[1].context, actions)
	if n := testing.AllocsPerRun(100, func() { v = back.Values(v[:0], asks[1].context, actions) }); n != 0 {
		t.Errorf("a decision makes %v allocations", n)
	}
}

func TestWhatIsNoGoodIsLeftOutAndSaidToBe(t *testing.T) {
	rows := routes(1000)
	spoil := func(i int, f func(d *dataset.Decision)) {
		d := &rows[i]
		d.Actions = append([]episode.Action(nil), d.Actions...)
		f(d)
	}
	spoil(0, func(d *dataset.Decision) { d.Actions = nil })
	spoil(1, func(d *dataset.Decision) { d.Chosen = "other" })
	spoil(2, func(d *dataset.Decision) { d.Chosen, d.Actions[0].Propensity, d.Actions[1].Propensity = "small", 0, 1 })
	spoil(3, func(d *dataset.Decision) { d.Actions[0].Propensity = math.NaN(); d.Chosen = "small" })
	spoil(4, func(d *dataset.Decision) { d.Actions[0].Propensity, d.Actions[1].Propensity = 0.7, 0.7 })
	spoil(5, func(d *dataset.Decision) { d.By = episode.ByRule })
	spoil(6, func(d *dataset.Decision) { d.Actions[1].ID = strings.Repeat("x", 200) })
	rows = append(rows, rows[7])
	rows[7].Verdict, rows[1000].Verdict = episode.Accepted, episode.Rejected
	_, report := fitted(t, rows)
	want := map[string]int{"without a choice": 1, "chosen is not among the actions": 1, "propensity of what was chosen is not in (0, 1]": 2,
		"propensities do not sum to 1": 1, "without a reward": 1, "an action without a good id": 1, "contradicting itself": 2}
	if d := cmp.Diff(want, report.LeftOut); d != "" {
		t.Error(d)
	}
	_, _, err := bandit.Fit(rows[:100], "immediate", reward.Immediate().Of)
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "learn/too-little" {
		t.Errorf("a hundred rows: %v", err)
	}
}

// One developer has nine tenths of the rows, and turns everything round.
func TestOneDeveloperDoesNotRuleTheRest(t *testing.T) {
	rows := routes(2000)
	loud := routes(18_000)
	for i := range loud {
		d := &loud[i]
		d.Developer, d.DecisionID = "loud", fmt.Sprint("l_", i)
		if d.Verdict = episode.Accepted; (d.Chosen == "large") == (d.Features["lines"].(float64) > 100) {
			d.Verdict = episode.Rejected
		}
	}
	r, report := fitted(t, append(loud, rows...))
	if report.Capped != 1 {
		t.Errorf("%d developers count for less", report.Capped)
	}
	plain, _ := fitted(t, append(loud[:500:500], rows...)) // a fifth of all
	v, w := r.Values(nil, asks[0].context, rows[0].Actions), plain.Values(nil, asks[0].context, rows[0].Actions)
	if math.Abs((v[0]-v[1])-(w[0]-w[1])) > 0.15 {
		t.Errorf("18,000 rows of one developer move the difference to %.2f, 500 to %.2f", v[0]-v[1], w[0]-w[1])
	}
}

func FuzzRoute(f *testing.F) {
	r, _ := fitted(f, routes(300))
	b, err := r.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":"headrace-route/1","reward":"immediate","actions":["a","b"],"bits":3,"slots":[0,5],"weights":[0.5,-1]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r bandit.Route
		if r.UnmarshalBinary(b) != nil {
			return
		}
		actions := []episode.Action{{ID: "a", Features: map[string]any{"x": 1.5}}, {ID: r.Actions[0]}}
		if v := r.Values(nil, map[string]any{"lines": 3.0, "language": "go"}, actions); len(v) != 2 || math.IsNaN(v[1]) || math.IsInf(v[1], 0) {
			t.Errorf("values %v", v)
		}
		once, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again bandit.Route
		if err := again.UnmarshalBinary(once); err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if twice, _ := again.MarshalBinary(); !bytes.Equal(once, twice) {
			t.Errorf("%s\n%s", once, twice)
		}
	})
}

// What was next to never done counts a hundredfold and no more, and the report says so.
func TestHowMuchWeightWasCutIsSaid(t *testing.T) {
	rows := routes(1000)
	for i := range rows[:10] {
		rows[i].Chosen, rows[i].Actions = "large", []episode.Action{{ID: "small", Propensity: 0.9975}, {ID: "large", Propensity: 0.0025}} // 400-fold
	}
	var all float64
	for i := range rows {
		for _, a := range rows[i].Actions {
			if a.ID == rows[i].Chosen {
				all += 1 / a.Propensity
			}
		}
	}
	_, rep := fitted(t, rows)
	if want := 10 * 300 / all; rep.Cut != 10 || math.Abs(rep.CutShare-want) > 1e-12 {
		t.Errorf("%d cut, %v of the weight of all, want 10 and %v", rep.Cut, rep.CutShare, want)
	}
	if _, rep := fitted(t, routes(1000)); rep.Cut != 0 || rep.CutShare != 0 {
		t.Errorf("%+v", rep)
	}
}
