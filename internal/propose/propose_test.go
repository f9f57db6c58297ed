// SPDX-License-Identifier: Apache-2.0

package propose

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// lasts is 1 for a suggestion that was taken and kept, 0 for one that was not taken, or not kept.
func lasts(d *dataset.Decision) (float64, bool) {
	if d.By == episode.ByRule || d.Verdict == episode.TimedOut {
		return 0, false
	}
	for _, o := range d.Outcomes {
		if o.Kind == episode.OutcomeKept {
			return o.Value, true
		}
	}
	return 0, true
}

func rows(t testing.TB, w *sim.World) (all []dataset.Row) {
	for _, c := range w.Contributors() {
		err := w.Settled(c, time.Time{}, func(e *episode.Episode) error {
			e.Instruction, e.Steps = "", nil
			all = append(all, dataset.Row{Contributor: c, Episode: e})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestWhatHelpsAndWhatHurtsIsFoundAgainstWhatMisleads: by nature the good file is where code lasts less, and the bad one where it
// lasts more.
func TestWhatHelpsAndWhatHurtsIsFoundAgainstWhatMisleads(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 5, Gain: 0.2, Decisions: 60_000, Rules: &sim.Rules{Helps: 1, Hurts: 1, Idle: 1}})
	all := rows(t, w)
	for i := range all {
		all[i].Contributor = "one"
	}
	files := w.RuleFiles()
	found := map[string]bool{} // by artifact: without
	got := Rank(all, lasts)
	for _, p := range got {
		if _, twice := found[p.Artifact]; twice || p.Kind != "rules" || p.Difference.Developers < minDevelopers || p.DecisionsWith == 0 || p.DecisionsWithout == 0 {
			t.Errorf("%+v", p)
		}
		found[p.Artifact] = p.Without
	}
	if without, ok := found[files[0].Artifact().Digest]; !ok || without {
		t.Errorf("the file that helps: found %v, without %v", ok, without)
	}
	if without, ok := found[files[1].Artifact().Digest]; !ok || !without {
		t.Errorf("the file that hurts: found %v, without %v", ok, without)
	}
	if again := Rank(all, lasts); !cmp.Equal(again, got) {
		t.Error(cmp.Diff(got, again))
	}
}

// episodes are n developers' with a few decisions each, some with a file and some without.
func episodes(n int, artifacts ...episode.Artifact) (all []dataset.Row) {
	for dev := range n {
		for i := range 8 {
			e := &episode.Episode{ID: fmt.Sprint(dev, "/", i), Developer: fmt.Sprint(dev), Languages: []string{"go"},
				Suggestions: []episode.Suggestion{{ID: "s"}}, Decisions: []episode.Decision{{Suggestion: "s", Verdict: episode.Rejected, By: episode.ByPerson}}}
			if i%2 == 0 {
				e.Artifacts = artifacts
				if dev%4 > 0 || i > 0 {
					e.Outcomes = []episode.Outcome{{Suggestion: "s", Kind: episode.OutcomeKept, Value: 1}}
				}
			}
			all = append(all, dataset.Row{Contributor: "one", Episode: e})
		}
	}
	return all
}

func TestNothingIsSaidOfFewerThanTenDevelopers(t *testing.T) {
	rule := episode.Artifact{Digest: "ar_0123456789", Kind: episode.ArtifactRules}
	if got := Rank(episodes(9, rule), lasts); len(got) != 0 {
		t.Errorf("of nine: %+v", got)
	}
	got := Rank(episodes(10, rule), lasts)
	if len(got) != 1 || got[0].Difference.Developers != 10 || got[0].DecisionsWith != 40 || got[0].DecisionsWithout != 40 || got[0].Without {
		t.Errorf("of ten: %+v", got)
	}
}

func TestFilesThatCannotBeToldApartAreNamed(t *testing.T) {
	one, two := episode.Artifact{Digest: "ar_1", Kind: episode.ArtifactRules}, episode.Artifact{Digest: "ar_2", Kind: episode.ArtifactSpec}
	got := Rank(episodes(20, one, two, one), lasts)
	if len(got) != 2 || len(got[0].Alike) != 1 || len(got[1].Alike) != 1 || got[0].Alike[0] != got[1].Artifact {
		t.Errorf("%+v", got)
	}
}

func TestWhatHasNoRewardAndFilesOfTheTaskDoNotCount(t *testing.T) {
	rule, file := episode.Artifact{Digest: "ar_1", Kind: episode.ArtifactRules}, episode.Artifact{Digest: "ar_2", Kind: episode.ArtifactFile}
	if got := Rank(episodes(20, file), lasts); len(got) != 0 {
		t.Errorf("a file of the task: %+v", got)
	}
	if got := Rank(episodes(20, rule), func(*dataset.Decision) (float64, bool) { return math.NaN(), true }); len(got) != 0 {
		t.Errorf("rewards that are no numbers: %+v", got)
	}
	if got := Rank(episodes(20, rule), func(*dataset.Decision) (float64, bool) { return 1, false }); len(got) != 0 {
		t.Errorf("no rewards: %+v", got)
	}
	if got := Rank(nil, lasts); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}
