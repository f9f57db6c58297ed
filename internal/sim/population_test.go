// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// sent is what a contributor's records come to.
type sent struct {
	decisions, shown, taken, goodTaken, good int
	features                                 map[string]int // by language and length, how many
}

func sends(t *testing.T, w *sim.World, contributor string) sent {
	t.Helper()
	s := sent{features: map[string]int{}}
	if err := w.Settled(contributor, time.Time{}, func(e *episode.Episode) error {
		d, f := &e.Decisions[0], e.Suggestions[0].Features
		s.decisions++
		s.features[f["language"].(string)]++
		if !*d.Shown {
			return nil
		}
		s.shown++
		is := d.Verdict == episode.Accepted || d.Verdict == episode.Modified
		sure := f["mean_logprob"].(float64) > -0.4 && (f["language"] == "python" || f["language"] == "typescript" || f["language"] == "go")
		if is {
			s.taken++
		}
		if sure {
			s.good++
		}
		if is && sure {
			s.goodTaken++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestThereAreAsManyContributorsAsAskedForAndSomeCheat(t *testing.T) {
	cfg := sim.Config{Seed: 6, Gain: 0.2, Decisions: 24_000, Contributors: 8, Flippers: 1, Junk: 1, Copycats: 1}
	w := simtest.World(t, cfg)
	names := w.Contributors()
	if len(names) != 11 {
		t.Fatalf("%d contributors", len(names))
	}
	seen, cheats := map[string]bool{}, 0
	for _, n := range names {
		if seen[n] {
			t.Errorf("%s is there twice", n)
		}
		if seen[n] = true; !w.Honest(n) {
			cheats++
		}
	}
	if cheats != 3 || w.Honest("nobody") {
		t.Errorf("%d cheat", cheats)
	}
	// Who says the opposite takes least what is best, and who sends junk takes all alike.
	lift := func(name string) float64 {
		s := sends(t, w, name)
		return float64(s.goodTaken)/float64(s.good) - float64(s.taken)/float64(s.shown)
	}
	if good, flipped, none := lift(names[3]), lift(names[8]), lift(names[9]); good < 0.1 || flipped > -0.1 || none > 0.06 || none < -0.06 {
		t.Errorf("what is best is taken more often by %.3f; %.3f by the flipper, %.3f in junk", good, flipped, none)
	}
	// A copycat's records say the same as its victim's, under other names.
	victim, ids := map[time.Time]episode.Verdict{}, map[string]bool{}
	if err := w.Settled(names[0], time.Time{}, func(e *episode.Episode) error {
		victim[e.StartedAt], ids[e.ID], ids[e.Developer] = e.Decisions[0].Verdict, true, true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	same, all := 0, 0
	if err := w.Settled(names[10], time.Time{}, func(e *episode.Episode) error {
		if ids[e.ID] || ids[e.Developer] {
			t.Fatalf("%s of %s is the victim's own", e.ID, e.Developer)
		}
		if all++; victim[e.StartedAt] == e.Decisions[0].Verdict {
			same++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if all < 300 || same < all*999/1000 {
		t.Errorf("%d of %d copies are the victim's", same, all)
	}
	// Truth is about the honest ones alone.
	cfg.Flippers, cfg.Junk, cfg.Copycats = 0, 0, 0
	yes := func(map[string]any) bool { return true }
	_, with := w.True(yes, nil)
	if _, without := simtest.World(t, cfg).True(yes, nil); with-without > 1e-12 || without-with > 1e-12 {
		t.Errorf("to show everything is worth %v with cheats, %v without", with, without)
	}
}

func TestWithSeasonsPeopleRestAtWeekendsAndAcceptMoreAsTimeGoesOn(t *testing.T) {
	var weekday [7]int
	rate := func(period int) float64 {
		shown, taken := 0, 0
		w := simtest.World(t, sim.Config{Seed: 4, Gain: 0.2, Decisions: 20_000, Seasons: true, Period: period})
		if err := w.Settled("birch-telecom", time.Time{}, func(e *episode.Episode) error {
			weekday[e.StartedAt.Weekday()]++
			if d := &e.Decisions[0]; *d.Shown {
				shown++
				if d.Verdict == episode.Accepted || d.Verdict == episode.Modified {
					taken++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return float64(taken) / float64(shown)
	}
	if first, third := rate(0), rate(2); third < first+0.05 {
		t.Errorf("%.3f are taken in the first period, %.3f in the third", first, third)
	}
	if weekday[time.Saturday]*4 > weekday[time.Wednesday] || weekday[time.Sunday]*4 > weekday[time.Monday] {
		t.Errorf("by weekday, from Sunday: %v", weekday)
	}
}
