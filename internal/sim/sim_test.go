// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"crypto/sha256"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// each calls do with every episode of the world, early and late, and its line.
func each(t testing.TB, w *sim.World, do func(e *episode.Episode, late bool, line []byte)) {
	t.Helper()
	var buf []byte
	for _, c := range w.Contributors() {
		for _, late := range []bool{false, true} {
			stream := w.Episodes
			if late {
				stream = w.Late
			}
			err := stream(c, func(e *episode.Episode) (err error) {
				if buf, err = episode.Append(buf[:0], e); err == nil {
					do(e, late, buf)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSameSeedGivesTheSameBytesAndAnotherOthers(t *testing.T) {
	digest := func(seed int64) (sum [32]byte) {
		h := sha256.New()
		each(t, simtest.World(t, sim.Config{Seed: seed, Gain: 0.2, Decisions: 1000, Developers: 200}), func(_ *episode.Episode, _ bool, line []byte) { h.Write(line) })
		return [32]byte(h.Sum(nil))
	}
	if first, again := digest(1), digest(1); first != again {
		t.Error("the same seed gave other bytes")
	}
	if digest(1) == digest(2) {
		t.Error("another seed gave the same bytes")
	}
}

func TestEpisodesAreWhatWasAskedFor(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 4, Gain: 0.2, Decisions: 15_000})
	decisions, again, late := map[string]bool{}, 0, 0
	developers, episodes := map[string]bool{}, map[string]bool{}
	each(t, w, func(e *episode.Episode, isLate bool, line []byte) {
		back, err := episode.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if isLate {
			late++
			if !episodes[e.ID] || len(e.Decisions)+len(e.Suggestions) != 0 || len(e.Outcomes) != 2 {
				t.Fatalf("late: %s", line)
			}
			return
		}
		if episodes[e.ID] {
			t.Fatalf("id %s is there twice", e.ID)
		}
		episodes[e.ID] = true
		d := back.Decisions[0]
		if decisions[d.DecisionID] {
			again++
		}
		decisions[d.DecisionID] = true
		developers[e.Developer] = true
		show, hide := d.Actions[0].Propensity, d.Actions[1].Propensity
		if math.Abs(show+hide-1) > 1e-12 || show <= 0 || hide <= 0 || *d.Shown != (d.Chosen == "show") {
			t.Fatalf("decision %+v", d)
		}
		if !*d.Shown && (d.Verdict != episode.Ignored || d.By != episode.ByRule || len(e.Outcomes) != 0) {
			t.Fatalf("hidden, but %+v with %d outcomes", d, len(e.Outcomes))
		}
	})
	if len(decisions) != 15_000 || len(developers) < 1380 {
		t.Errorf("%d decisions by %d developers, want 15,000 by about 1,400", len(decisions), len(developers))
	}
	if again < 80 || again > 250 || late < 1800 {
		t.Errorf("%d were sent twice and %d have late outcomes", again, late)
	}
}

func TestEveryPlantedSecretIsListedAndReallyThere(t *testing.T) {
	w := simtest.World(t, sim.Config{Gain: 0.2, Decisions: 20_000})
	var all strings.Builder // the text and the names, each developer once
	developers := map[string]bool{}
	each(t, w, func(e *episode.Episode, late bool, _ []byte) {
		if !developers[e.Developer] {
			developers[e.Developer] = true
			all.WriteString(e.Developer + "\n")
		}
		all.WriteString(e.Instruction + "\n")
		for i := range e.Suggestions {
			all.WriteString(e.Suggestions[i].Path + "\n" + e.Suggestions[i].Before + e.Suggestions[i].After)
		}
	})
	text, seen, listed, there := all.String(), map[string]bool{}, 0, 0
	for _, s := range w.Planted() {
		if len(s) < 8 || seen[s] {
			t.Errorf("%q is too short to look for, or listed twice", s)
		}
		if seen[s] = true; !strings.HasPrefix(s, "/home/") { // only some of which are in paths
			listed++
			if strings.Contains(text, s) {
				there++
			}
		}
	}
	if there < listed*95/100 {
		t.Errorf("%d of %d planted strings are there", there, listed)
	}
	if homes := strings.Count(text, "/home/"); homes < 1500 {
		t.Errorf("%d home folders", homes)
	}
}

// The value that the log shows must be the true one, and so must the value of a policy that shows everything, weighted
// by the propensities: then propensities, verdicts and truth are of one world.
func TestTruthIsThatOfTheEpisodes(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 2, Gain: 0.2, Draws: 1 << 18})
	rows := simtest.Decisions(t, w)
	people := dataset.ByDeveloper(rows)
	logged, showAll := ope.NewRatio(people.N), ope.NewRatio(people.N)
	for i := range rows {
		r, ok := reward.Immediate().Of(&rows[i])
		if !ok {
			continue
		}
		logged.Add(people.Of[i], r, 1)
		showAll.Add(people.Of[i], r/rows[i].PropensityShow, 1)
	}
	old, all := w.True(func(map[string]any) bool { return true }, nil)
	for name, c := range map[string]struct {
		r    *ope.Ratio
		want float64
	}{"logged": {logged, old}, "show all": {showAll, all}} {
		if got, ok := c.r.Interval(); !ok || math.Abs(got.Estimate-c.want) > 3.5*got.SE {
			t.Errorf("%s: %.5f ± %.5f in the episodes, truly %.5f", name, got.Estimate, got.SE, c.want)
		}
	}
}

func TestTruthSeesFeaturesAsTheyLeave(t *testing.T) {
	w := simtest.World(t, sim.Config{Gain: 0.2, Draws: 1 << 10})
	w.True(func(m map[string]any) bool {
		if _, there := m["lines"]; there || m["language"] != "some" {
			t.Errorf("features %v", m)
		}
		return true
	}, func(m map[string]any) map[string]any {
		if _, ok := m["language"]; ok {
			return map[string]any{"language": "some"}
		}
		delete(m, "lines")
		return m
	})
}

func TestWhatCannotBeSimulatedIsAProblem(t *testing.T) {
	for _, c := range []sim.Config{{Gain: -0.1}, {Gain: 1.5}, {Gain: math.NaN()}, {Decisions: -1}, {Developers: 2}} {
		var p *episode.Problem
		if _, err := sim.New(c); !errors.As(err, &p) || p.Hint == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := simtest.World(t, sim.Config{}).Episodes("nobody", nil); !errors.Is(err, &episode.Problem{Code: "sim/contributor"}) {
		t.Error(err)
	}
}
