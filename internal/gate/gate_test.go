// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

var splitKey = []byte("a key that only the hub has")

// turn learns from a world and puts the filter through the gate.
func turn(t testing.TB, cfg sim.Config) (Report, *learn.Filter, *sim.World) {
	t.Helper()
	w := simtest.World(t, cfg)
	heldOut, train := dataset.Split(simtest.Decisions(t, w), HeldOut(splitKey))
	f, _, err := learn.Fit(t.Context(), train, learn.Options{Kind: learn.Logistic})
	if err != nil {
		t.Fatal(err)
	}
	return Evaluate(heldOut, f, Options{}), f, w
}

// tally is what came of many turns.
type tally struct{ turns, covered, released, above int }

// turns runs one turn a seed, two at a time.
func turns(t *testing.T, seeds int, cfg sim.Config) tally {
	t.Helper()
	if os.Getenv("HEADRACE_LONG") != "" { // the sizes that are claimed
		seeds, cfg.Decisions, cfg.Draws = 100, 0, 0
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	sum, next := tally{turns: seeds}, make(chan int64)
	for range 2 {
		wg.Go(func() {
			for seed := range next {
				cfg := cfg
				cfg.Seed = seed
				r, f, w := turn(t, cfg)
				old, new := w.True(func(m map[string]any) bool { show, _ := f.Decide(m); return show }, nil)
				mu.Lock()
				if r.Gain == nil {
					t.Errorf("seed %d: no gain estimated: %+v", seed, r.Reasons)
				} else {
					sum.covered += count(r.Gain.Lower <= new-old && new-old <= r.Gain.Upper)
					sum.above += count(r.Gain.Lower > 0)
					sum.released += count(r.Verdict == Released)
				}
				mu.Unlock()
			}
		})
	}
	for seed := range seeds {
		next <- int64(1000 + seed)
	}
	close(next)
	wg.Wait()
	t.Logf("%+v", sum)
	return sum
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestIntervalCoversTheTrueGain(t *testing.T) {
	got := turns(t, 16, sim.Config{Gain: 0.2, Decisions: 16_000, Draws: 1 << 15})
	if got.covered < got.turns*9/10 {
		t.Errorf("the interval covers the true gain in %d of %d turns, want 9 of 10", got.covered, got.turns)
	}
}

func TestDefaultGainIsReleased(t *testing.T) {
	got := turns(t, 4, sim.Config{Gain: 0.2, Draws: 1 << 12})
	if got.released < got.turns*95/100 || got.above < got.turns*95/100 {
		t.Errorf("of %d turns %d were released and %d had a lower end above 0, want 95 %%", got.turns, got.released, got.above)
	}
}

func TestNothingToGainIsRarelyReleased(t *testing.T) {
	got := turns(t, 16, sim.Config{Gain: 0, Decisions: 16_000, Draws: 1 << 12})
	if got.released > got.turns/10 {
		t.Errorf("of %d turns with nothing to gain %d were released, want 5 %%, at most 10 %% by chance", got.turns, got.released)
	}
}

// A learner falls a little short of the best policy on the features, and cannot pass it but by the error of the sample.
func TestLearnedFilterReachesThePlantedGain(t *testing.T) {
	for _, gain := range []float64{0, 0.1, 0.2, 0.4} {
		_, f, w := turn(t, sim.Config{Gain: gain, Draws: 1 << 18})
		old, new := w.True(func(m map[string]any) bool { show, _ := f.Decide(m); return show }, nil)
		if got := new/old - 1; got < gain-0.02 || got > gain+0.005 {
			t.Errorf("gain %.2f: the learned filter is truly worth %+.4f", gain, got)
		} else {
			t.Logf("gain %.2f: the learned filter is truly worth %+.4f", gain, got)
		}
	}
}

func TestTooLittleIsRefusedBeforeTheGainIsLookedAt(t *testing.T) {
	w := simtest.World(t, sim.Config{Gain: 0.2, Decisions: 16_000})
	heldOut, train := dataset.Split(simtest.Decisions(t, w), HeldOut(splitKey))
	f, _, err := learn.Fit(t.Context(), train, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	change := func(do func(i int, d *dataset.Decision)) []dataset.Decision {
		rows := append([]dataset.Decision(nil), heldOut...)
		for i := range rows {
			do(i, &rows[i])
		}
		return rows
	}
	people := dataset.ByDeveloper(heldOut)
	var few []dataset.Decision
	for i := range heldOut {
		if people.Of[i] < 60 {
			few = append(few, heldOut[i])
		}
	}
	for _, c := range []struct {
		name   string
		rows   []dataset.Decision
		filter learn.Model
		code   string
		have   float64
	}{
		{"nothing", nil, nil, "no-candidate", 0},
		{"60 developers", few, f, "developers", 60},
		{"no propensities", change(func(_ int, d *dataset.Decision) { d.Logged, d.Actions = false, nil }), f, "propensity", 0},
		{"few decisions", heldOut[:500], f, "sample", math.NaN()},
		{"one hardly ever shown", change(func(i int, d *dataset.Decision) {
			if show, _ := f.Decide(d.Features); show && d.Shown && i < 100 {
				d.PropensityShow = 0.002
			}
		}), f, "weight", math.NaN()},
		{"some never shown", change(func(i int, d *dataset.Decision) {
			if show, _ := f.Decide(d.Features); show && !d.Shown {
				d.PropensityShow = 0
			}
		}), f, "support", math.NaN()},
	} {
		r := Evaluate(c.rows, c.filter, Options{})
		if r.Verdict != Refused || r.Gain != nil || r.Curve != nil || r.Parts != nil {
			t.Errorf("%s: %s, gain %v: want refused and nothing looked at", c.name, r.Verdict, r.Gain)
		}
		found := false
		for _, reason := range r.Reasons {
			if reason.Code == c.code {
				found = true
				if reason.Missing <= 0 || reason.Message == "" || !math.IsNaN(c.have) && reason.Have != c.have {
					t.Errorf("%s: reason %+v does not say how much is missing", c.name, reason)
				}
			}
		}
		if !found {
			t.Errorf("%s: reasons %+v, want %s", c.name, r.Reasons, c.code)
		}
	}
}

func TestReportHasTheSameBytesTwice(t *testing.T) {
	var files [2][]byte
	for i := range files {
		r, _, _ := turn(t, sim.Config{Seed: 3, Gain: 0.4, Decisions: 16_000})
		if r.Verdict != Released || len(r.Curve) < 5 || len(r.Parts) < 5 || len(r.Guardrails) < 10 {
			t.Fatalf("%s with %d points and %d parts", r.Verdict, len(r.Curve), len(r.Parts))
		}
		var err error
		if files[i], err = json.Marshal(&r, json.Deterministic(true)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error(cmp.Diff(string(files[0]), string(files[1])))
	}
}

func TestNoFigureForFewerThanTenDevelopers(t *testing.T) {
	w := simtest.World(t, sim.Config{Gain: 0.4, Decisions: 16_000})
	heldOut, train := dataset.Split(simtest.Decisions(t, w), HeldOut(splitKey))
	f, _, err := learn.Fit(t.Context(), train, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	people := dataset.ByDeveloper(heldOut)
	for i := range heldOut {
		switch k := people.Of[i]; {
		case k < 9:
			heldOut[i].Contributor = "nine"
		case k < 19:
			heldOut[i].Contributor = "ten"
		}
	}
	named := map[string]int{}
	for _, p := range Evaluate(heldOut, f, Options{}).Parts {
		named[p.Name] = p.Gain.Developers
	}
	if _, there := named["nine"]; there || named["ten"] != 10 {
		t.Errorf("parts %v: want ten, with 10 developers, and not nine", named)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	w := simtest.World(b, sim.Config{Gain: 0.2, Decisions: 100_000})
	heldOut, train := dataset.Split(simtest.Decisions(b, w), HeldOut(splitKey))
	f, _, err := learn.Fit(b.Context(), train, learn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Evaluate(heldOut, f, Options{})
	}
}
