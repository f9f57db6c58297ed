// SPDX-License-Identifier: Apache-2.0

package reward_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/reward"
)

// tool is how a release behaves.
type tool struct {
	shown, accepted, broken, asks, undone float64
	chars                                 int32
}

func ordinary() tool { return tool{0.7, 0.35, 0.08, 0.05, 0.06, 60} }

// decides is a decision as such a release makes it.
func (t tool) decides(rng *rand.Rand, d dataset.Decision) dataset.Decision {
	d.Shown, d.Verdict, d.Calls, d.Chars = rng.Float64() < t.shown, episode.Ignored, 4, t.chars/2+rng.Int32N(t.chars)
	for range d.Calls {
		d.Errors += uint16(index(rng.Float64() < t.broken))
	}
	d.Questions = uint16(index(rng.Float64() < t.asks))
	if d.Shown && rng.Float64() < t.accepted {
		d.Verdict, d.By = episode.Accepted, episode.ByPerson
		d.Outcomes = []episode.Outcome{{Kind: episode.OutcomeReverted, Value: float64(index(rng.Float64() < t.undone))}}
	}
	return d
}

// behaved are 6,000 decisions of 60 developers under each of two releases.
func behaved(was, now tool) (rows []dataset.Decision) {
	rng := rand.New(rand.NewPCG(4, 2))
	for i := range 12_000 {
		d, by := dataset.Decision{Contributor: "c", Developer: fmt.Sprint(i % 61), Release: "baseline"}, was
		if i%2 == 1 {
			d.Release, by = "rel_new", now
		}
		rows = append(rows, by.decides(rng, d))
	}
	return rows
}

func TestEachKnownHackRaisesItsAlarmAndNoOther(t *testing.T) {
	for code, hack := range map[string]func(*tool){
		"":               func(*tool) {},
		"broken-calls":   func(t *tool) { t.broken = 0.16 },
		"questions":      func(t *tool) { t.asks = 0.6 },
		"short-and-easy": func(t *tool) { t.chars, t.accepted = 30, 0.5 },
		"undone":         func(t *tool) { t.undone = 0.2 },
		"show-rate":      func(t *tool) { t.shown = 0.2 },
	} {
		now := ordinary()
		hack(&now)
		alarms := reward.Alarms(behaved(ordinary(), now), "rel_new", "baseline")
		if len(alarms) != 5 {
			t.Fatalf("%d alarms", len(alarms))
		}
		for _, a := range alarms {
			if a.Raised != (a.Code == code) || a.Unknown != "" || a.What == "" || a.Lower > a.Change || a.Upper < a.Change {
				t.Errorf("with %q: %+v", code, a)
			}
		}
	}
}

// Whom a release reaches, when, and how many of them, is nothing that it does.
func TestAlarmsCompareLikeWithLike(t *testing.T) {
	tools := [2]tool{{0.9, 0.3, 0.02, 0.01, 0.02, 120}, {0.3, 0.6, 0.3, 0.3, 0.3, 20}}
	for what, of := range map[string]func(k int) dataset.Decision{
		"contributors": func(k int) dataset.Decision { return dataset.Decision{Contributor: []string{"alder", "birch"}[k]} },
		"days":         func(k int) dataset.Decision { return dataset.Decision{Contributor: "alder", Day: int64(k)} },
	} {
		for _, part := range [][2]float64{{0.1, 0.8}, {0.8, 0.1}} { // that the release has of what is decided
			for code, undone := range map[string]float64{"": 0, "undone": 0.3} {
				rng := rand.New(rand.NewPCG(1, 7))
				var rows []dataset.Decision
				for i := range 12_000 {
					d, by := of(i%2), tools[i%2]
					if d.Developer, d.Release = fmt.Sprint(i%61), "baseline"; rng.Float64() < part[i%2] {
						d.Release, by.undone = "rel_new", by.undone+undone
					}
					rows = append(rows, by.decides(rng, d))
				}
				for _, a := range reward.Alarms(rows, "rel_new", "baseline") {
					if a.Raised != (a.Code == code) || a.Unknown != "" {
						t.Errorf("of %s that differ the release has %v of what is decided, and with %q it does: %+v", what, part, code, a)
					}
				}
			}
		}
	}
}

func TestShortSuggestionsThatAreNotTakenMoreOftenAreNoHack(t *testing.T) {
	now := ordinary()
	now.chars = 30
	for _, a := range reward.Alarms(behaved(ordinary(), now), "rel_new", "baseline") {
		if a.Raised {
			t.Errorf("%+v", a)
		}
	}
}

func TestNoAlarmSpeaksOfFewDevelopersOrOfWhatIsNotRecorded(t *testing.T) {
	var few []dataset.Decision
	for _, d := range behaved(ordinary(), tool{0.1, 1, 1, 1, 1, 2}) {
		if d.Calls, d.Errors, d.Questions = 0, 0, 0; d.Developer < "1" || d.Release == "baseline" {
			few = append(few, d)
		}
	}
	for _, a := range reward.Alarms(few, "rel_new", "baseline") {
		if a.Raised || a.Unknown == "" || a.Release != nil || a.Code == "broken-calls" && a.Base != nil {
			t.Errorf("%+v", a)
		}
	}
}
