// SPDX-License-Identifier: Apache-2.0

package value

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// measure values the contributors of a world.
func measure(t testing.TB, cfg sim.Config) map[string]Worth {
	t.Helper()
	heldOut, train := dataset.Split(simtest.Decisions(t, simtest.World(t, cfg)), gate.HeldOut([]byte("a key")))
	full, _, err := learn.Fit(t.Context(), train, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	worths, err := Measure(t.Context(), train, heldOut, full, learn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Worth{}
	for _, w := range worths {
		by[w.Contributor] = w
	}
	return by
}

// One measurement is uncertain; the mean over seeds has to rank them as planted, and the careless one earns nothing.
func TestLeavingOutAGoodContributorHurtsAndACarelessOneDoesNot(t *testing.T) {
	var alder, birch, cedar float64
	const seeds = 3
	credited := 0
	for seed := range int64(seeds) {
		by := measure(t, sim.Config{Seed: seed, Gain: 0.2, Decisions: 60_000})
		alder += by["alder-bank"].Value.Estimate / seeds
		birch += by["birch-telecom"].Value.Estimate / seeds
		cedar += by["cedar-retail"].Value.Estimate / seeds
		if by["cedar-retail"].Credit > 0 {
			credited++
		}
		for name, w := range by {
			if w.Credit < 0 || w.Credit > max(0, w.Value.Estimate) || w.Value.SE <= 0 || w.Value.Developers < 100 {
				t.Errorf("%s: %+v", name, w)
			}
		}
	}
	t.Logf("mean over %d seeds: alder %.5f, birch %.5f, cedar %.5f", seeds, alder, birch, cedar)
	if !(alder > 0.001 && birch > 0.001 && cedar < 0.001) {
		t.Errorf("alder %.5f and birch %.5f should be worth something, cedar %.5f nothing", alder, birch, cedar)
	}
	if credited > 1 {
		t.Errorf("cedar was credited in %d of %d seeds", credited, seeds)
	}
}

func inputs() Inputs {
	worth := func(name string, estimate, bound float64) Worth {
		return Worth{Contributor: name, Value: &ope.Interval{Estimate: estimate, Bound: bound, N: 1000, Developers: 200}, Credit: max(0, bound)}
	}
	return Inputs{Period: "2026-09", Card: DefaultRateCard(),
		Gate: Gate{Digest: "sha256:g", Verdict: "released", Released: true, Certified: 0.12},
		Records: map[string]Records{"alder": {In: 100, Used: 90, SetAside: map[string]int{"duplicate": 10}}, "birch": {In: 50, Used: 50},
			"cedar": {In: 10, Used: 10}, "empty": {In: 5, SetAside: map[string]int{"terms": 5}}},
		Worths: []Worth{worth("alder", 0.004, 0.003), worth("birch", 0.002, 0.001), worth("cedar", -0.002, -0.003), {Contributor: "empty", Why: "no data"}}}
}

func discounts(in Inputs) map[string]float64 {
	out := map[string]float64{}
	for _, s := range State(in) {
		out[s.Contributor] = s.Discount
	}
	return out
}

func TestDiscountFollowsFromTheRateCard(t *testing.T) {
	// A certified gain of 12 % at a budget share of one half is 6 points, shared 3 to 1; the floor is 1.
	in := inputs()
	if diff := cmp.Diff(map[string]float64{"alder": 5.5, "birch": 2.5, "cedar": 1, "empty": 0}, discounts(in)); diff != "" {
		t.Error(diff)
	}
	in.Gate.Certified = 0.5 // 25 points: the cap holds
	if diff := cmp.Diff(map[string]float64{"alder": 10, "birch": 7.25, "cedar": 1, "empty": 0}, discounts(in)); diff != "" {
		t.Error(diff)
	}
	in.Gate.Released, in.Gate.Verdict = false, "refused"
	if diff := cmp.Diff(map[string]float64{"alder": 1, "birch": 1, "cedar": 1, "empty": 0}, discounts(in)); diff != "" {
		t.Error("refused: floor only", diff)
	}
}

func TestStatementIsRecomputedAndAChangedOneRefused(t *testing.T) {
	in := inputs()
	for _, s := range State(in) {
		if err := Recompute(s, in); err != nil {
			t.Error(err)
		}
		s.Records.Used++
		if err := Recompute(s, in); !errors.Is(err, &episode.Problem{Code: "value/mismatch"}) {
			t.Errorf("%s with another record: %v", s.Contributor, err)
		}
	}
	s := State(in)[0]
	in.Worths[1].Credit *= 2
	if Recompute(s, in) == nil {
		t.Error("a share was kept although another contributor's changed")
	}
}

func TestRateCardWithATypoIsRefusedWithItsLine(t *testing.T) {
	card, err := os.ReadFile("ratecard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{"budget_share": "budget_shore", "cap: 10.0": "cap: .nan", "flat_floor: 1.0": "flat_floor: 20", "version: \"2026-1\"": ""} {
		_, err := DecodeRateCard([]byte(strings.Replace(string(card), "\n"+old, "\n"+new, 1)))
		if !errors.Is(err, &episode.Problem{Code: "value/bad-rate-card"}) {
			t.Errorf("with %q for %q: %v", new, old, err)
		}
		if new == "budget_shore" && !strings.Contains(err.Error(), "[11:") {
			t.Errorf("no line in: %v", err)
		}
	}
}

func FuzzDecodeRateCard(f *testing.F) {
	f.Add(defaultRateCard)
	f.Add([]byte("version: x\ncap: 1e3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeRateCard(b); err == nil && !(c.FlatFloor >= 0 && c.FlatFloor <= c.Cap && c.Cap <= 100 && c.Digest != "") {
			t.Fatalf("%+v", c)
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	heldOut, train := dataset.Split(simtest.Decisions(b, simtest.World(b, sim.Config{Gain: 0.2, Decisions: 100_000})), gate.HeldOut([]byte("a key")))
	full, _, err := learn.Fit(b.Context(), train, learn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Measure(b.Context(), train, heldOut, full, learn.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
