// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"crypto/sha256"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// kept is the share of the taken suggestions that were kept, of the episodes with and without each planted file.
func kept(t *testing.T, w *sim.World, only func(*episode.Episode) bool) (with, without map[string]float64) {
	t.Helper()
	var n, sum [2]map[string]float64
	for i := range n {
		n[i], sum[i] = map[string]float64{}, map[string]float64{}
	}
	for _, c := range w.Contributors() {
		err := w.Settled(c, time.Time{}, func(e *episode.Episode) error {
			if len(e.Outcomes) == 0 || !only(e) {
				return nil
			}
			in := map[string]int{}
			for _, a := range e.Artifacts {
				in[a.Name] = 1
			}
			for _, f := range w.RuleFiles() {
				n[in[f.Name]][f.Name]++
				sum[in[f.Name]][f.Name] += e.Outcomes[0].Value
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range w.RuleFiles() {
		for i := range n {
			sum[i][f.Name] /= n[i][f.Name]
		}
	}
	return sum[1], sum[0]
}

func TestOneFileHelpsOneHurtsAndTheOthersDoNothing(t *testing.T) {
	// A trial: each developer is in an arm of their own for each file.
	arm := func(p sim.Place, f *sim.RuleFile) bool { return sha256.Sum256([]byte(p.Developer + f.Name))[0]%2 == 0 }
	w := simtest.World(t, sim.Config{Seed: 3, Gain: 0.2, Decisions: 30_000, Rules: &sim.Rules{Helps: 0.8, Hurts: 0.8, Idle: 1, InForce: arm}})
	with, without := kept(t, w, func(*episode.Episode) bool { return true })
	for _, f := range w.RuleFiles() {
		if d := with[f.Name] - without[f.Name]; f.Effect == 0 && math.Abs(d) > 0.05 || f.Effect*d < 0 || f.Effect != 0 && math.Abs(d) < 0.08 {
			t.Errorf("%s, planted effect %v: kept %.3f with it, %.3f without", f.Name, f.Effect, with[f.Name], without[f.Name])
		}
	}
}

func TestWhoHasAFileByNatureMisleads(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 3, Gain: 0.2, Decisions: 40_000, Rules: &sim.Rules{Helps: 0.7, Hurts: 0.7}})
	plainWith, plainWithout := kept(t, w, func(*episode.Episode) bool { return true })
	here := map[string]float64{}
	for _, language := range []string{"python", "rust"} {
		with, without := kept(t, w, func(e *episode.Episode) bool { return e.Languages[0] == language })
		for name := range with {
			here[name] += (with[name] - without[name]) / 2
		}
	}
	for _, f := range w.RuleFiles() {
		if plain := plainWith[f.Name] - plainWithout[f.Name]; math.Abs(plain) > math.Abs(here[f.Name])-0.01 {
			t.Errorf("%s: %.3f in all, %.3f within a language: nothing misleads", f.Name, plain, here[f.Name])
		}
	}
}

func TestAPeriodIsTheSamePeopleLater(t *testing.T) {
	people := func(period int) (names map[string]bool, ids map[string]bool, first time.Time) {
		names, ids = map[string]bool{}, map[string]bool{}
		w := simtest.World(t, sim.Config{Gain: 0.2, Decisions: 4000, Developers: 100, Period: period})
		if err := w.Settled("alder-bank", time.Time{}, func(e *episode.Episode) error {
			names[e.Developer], ids[e.ID] = true, true
			if first.IsZero() || e.StartedAt.Before(first) {
				first = e.StartedAt
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return names, ids, first
	}
	names, ids, first := people(0)
	later, others, then := people(1)
	for n := range names {
		if !later[n] {
			t.Fatalf("%s is gone", n)
		}
	}
	for id := range ids {
		if others[id] {
			t.Fatalf("episode %s is in both", id)
		}
	}
	if d := then.Sub(first).Hours() / 24; d < 27 || d > 29 {
		t.Errorf("%v days later", d)
	}
}

func TestWhatIsNotKnownYetIsNotThereYet(t *testing.T) {
	w := simtest.World(t, sim.Config{Gain: 0.2, Decisions: 4000, Developers: 100})
	var last time.Time
	count := func(until time.Time) (episodes, outcomes int) {
		if err := w.Settled("alder-bank", until, func(e *episode.Episode) error {
			for _, o := range e.Outcomes {
				if !until.IsZero() && o.ObservedAt.After(until) {
					t.Fatalf("%+v is known at %v", o, until)
				}
			}
			if e.StartedAt.After(last) {
				last = e.StartedAt
			}
			episodes, outcomes = episodes+1, outcomes+len(e.Outcomes)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return episodes, outcomes
	}
	all, known := count(time.Time{})
	now, soFar := count(last)
	half, early := count(last.AddDate(0, 0, -14))
	if now != all || soFar >= known || half >= all || early >= soFar {
		t.Errorf("%d with %d outcomes; %d with %d on the last day; %d with %d two weeks before", all, known, now, soFar, half, early)
	}
}

func TestFilesThatCannotBePlantedAreAProblem(t *testing.T) {
	for _, r := range []sim.Rules{{Helps: -1}, {Hurts: math.NaN()}, {Idle: 99}} {
		if _, err := sim.New(sim.Config{Rules: &r}); !errors.Is(err, &episode.Problem{Code: "sim/rules"}) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
