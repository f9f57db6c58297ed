// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/release/releasetest"
)

// watched plays a roll-out at one share, looking after each step, until it must go back or the looks are over. It returns how many
// decisions the new release had made by then.
func watched(seed uint64, gain, share float64, looks, step int) (last release.Look, back bool, served int) {
	const developers = 2000
	t := releasetest.New(seed, developers, gain)
	t.Reach("rel_"+strconv.FormatUint(seed, 10), share)
	m := release.NewMonitor(release.Watch{Value: releasetest.OldValue})
	cells := make([]int, developers)
	for d := range cells {
		cells[d] = m.Cell("", "", t.Name(d), t.Reached[d])
	}
	for range looks {
		for range step {
			d, s := t.Decide()
			if t.Reached[d] {
				served++
			}
			m.Add(cells[d], s)
		}
		if last = m.Look(); last.Harmful() {
			return last, true, served
		}
	}
	return last, false, served
}

func TestHarmlessReleasesRarelyGoBackHoweverOftenOneLooks(t *testing.T) {
	back := 0
	const seeds = 60
	for seed := range uint64(seeds) {
		if _, is, _ := watched(seed, 0, 0.25, 50, 400); is { // exactly as good: the hardest case
			back++
		}
	}
	if t.Logf("%d of %d went back", back, seeds); back > seeds*9/100 {
		t.Errorf("%d of %d releases as good as what they replace went back, want 5 %%, at most 9 %% by chance", back, seeds)
	}
}

func TestHarmIsFoundSoon(t *testing.T) {
	missed, most := 0, 0
	for seed := range uint64(40) {
		_, back, served := watched(seed, -0.2, 0.05, 200, 2000)
		if !back {
			missed++
		}
		most = max(most, served)
	}
	t.Logf("at most %d decisions were made by a release that loses a fifth", most)
	if missed > 0 || most > 15_000 {
		t.Errorf("%d of 40 were not found, and as many as %d decisions were made by one", missed, most)
	}
}

func TestGoodReleaseIsKnownToBeHarmless(t *testing.T) {
	known := 0
	for seed := range uint64(20) {
		if l, back, _ := watched(100+seed, 0.2, 0.25, 30, 2000); !back && l.Harmless() {
			known++
		}
	}
	if known < 19 {
		t.Errorf("%d of 20 releases that gain a fifth are known to do no harm", known)
	}
}

func TestGuardrailGoesBackThoughTheRewardDoesNot(t *testing.T) {
	m := release.NewMonitor(release.Watch{Value: 0.1})
	trial := releasetest.New(1, 400, 0)
	trial.Reach("rel_g", 0.5)
	for range 40_000 { // the new one hides all that is taken, and what it hides is made up for by what it is said to earn
		d, s := trial.Decide()
		s = release.Seen{Differ: true, Taken: !trial.Reached[d] && s.Taken, Reward: 0.1, Expected: 0.1}
		m.Add(m.Cell("", "", trial.Name(d), trial.Reached[d]), s)
	}
	if l := m.Look(); l.Crossed != "taken" || !l.Harmful() {
		t.Errorf("%+v: want the guardrail of what is taken", l)
	}
}

func TestNothingIsSaidOfFewDevelopers(t *testing.T) {
	m := release.NewMonitor(release.Watch{})
	for i := range 20_000 {
		new := i%40 < 19
		m.Add(m.Cell("", "", "dev_"+strconv.Itoa(i%40), new), release.Seen{Differ: true, Reward: -0.75})
	}
	if l := m.Look(); l.Difference != nil || l.Harmful() || l.Harmless() || l.New.Developers != 19 {
		t.Errorf("19 developers have it: %+v", l)
	}
	if l := release.NewMonitor(release.Watch{}).Look(); !cmp.Equal(l, release.Look{}) {
		t.Errorf("nothing seen: %+v", l)
	}
}

// A contributor whose developers earn little and who has the release widely must not make it look bad.
func TestContributorsAreComparedWithinThemselves(t *testing.T) {
	m := release.NewMonitor(release.Watch{Value: 0.1})
	trial := releasetest.New(5, 1000, 0)
	for range 200_000 {
		d, s := trial.Decide()
		stratum, share, shift := "rich", 0.1, 0.3
		if d%2 == 0 {
			stratum, share, shift = "poor", 0.6, -0.3
		}
		new := float64(d/2%100)/100 < share
		s = release.Seen{Differ: true, Reward: s.Reward + shift, Expected: 0.1, Taken: s.Taken}
		m.Add(m.Cell(stratum, "", trial.Name(d), new), s)
	}
	if l := m.Look(); l.Difference == nil || math.Abs(l.Difference.Estimate) > 0.02 || l.Harmful() {
		t.Errorf("no difference within contributors, and the look is %+v of %+v", l, l.Difference)
	}
}

// Of what is hidden all is known, and of what is shown only what people say: that must not pass for a difference.
func TestSilenceIsNoDifference(t *testing.T) {
	for _, gain := range []float64{0, -0.2} {
		m := release.NewMonitor(release.Watch{Value: releasetest.OldValue})
		trial := releasetest.New(3, 2000, gain)
		trial.Reach("rel_s", 0.5)
		for i := range 400_000 {
			d, s := trial.Decide()
			s.Told = s.Told && i%5 < 3
			m.Add(m.Cell("", "", trial.Name(d), trial.Reached[d]), s)
		}
		l := m.Look()
		if want := gain * releasetest.OldValue; l.Difference == nil || math.Abs(l.Difference.Estimate-want) > 0.006 || math.Abs(l.Value-releasetest.OldValue) > 0.02 {
			t.Errorf("the difference is %+v, of a value of %.3f; in truth it is %.4f of %.4f", l.Difference, l.Value, want, releasetest.OldValue)
		}
	}
}

func BenchmarkMonitor(b *testing.B) {
	trial := releasetest.New(1, 2000, 0)
	trial.Reach("rel_b", 0.05)
	m := release.NewMonitor(release.Watch{Value: releasetest.OldValue})
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d, s := trial.Decide()
			m.Add(m.Cell("", "", trial.Name(d), trial.Reached[d]), s)
		}
	})
	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			m.Look()
		}
	})
}

func TestOneDeveloperAloneKeepsNobodyElseFromBeingHeard(t *testing.T) {
	m := release.NewMonitor(release.Watch{Value: 0.1})
	for i := range 40_000 {
		d := i % 400
		s := release.Seen{Differ: true, Reward: 0.75 * float64(i%2), Taken: i%2 == 1}
		if d%10 == 0 {
			s.Reward, s.Taken = -0.25, false
		}
		m.Add(m.Cell("large", "", fmt.Sprint("l", d), d%10 == 0), s)
	}
	for i := range 300 { // one of thirty is reached
		m.Add(m.Cell("small", "", fmt.Sprint("s", i%30), i%30 == 0), release.Seen{Differ: true, Reward: 0.1 * float64(i%3)})
	}
	if l := m.Look(); !l.Harmful() {
		t.Errorf("a release that loses nearly all goes on: %+v", l)
	}
}

func TestADeveloperCountsOnceHoweverManyStagesGoBy(t *testing.T) {
	m := release.NewMonitor(release.Watch{Value: 0.1})
	for i := range 40_000 {
		d, stage := i%50, i/10_000
		m.Add(m.Cell("", fmt.Sprint(stage), fmt.Sprint(d), d < 5), release.Seen{Differ: true, Reward: float64(i%7) / 7})
	}
	if l := m.Look(); l.New.Developers != 5 || l.Difference != nil {
		t.Errorf("of five developers it says %+v", l)
	}
}

func TestWhoeverIsSilentDoesNotSpeakForARelease(t *testing.T) {
	of := func(silent int) release.Look {
		m := release.NewMonitor(release.Watch{Value: 0.1})
		add := func(contributor string, told bool) {
			for i := range 2000 {
				d := i % 80
				s := release.Seen{Differ: true, Gain: 0.1, Expected: 0.1, Asked: true, Told: told, Taken: told}
				if told && d%2 == 0 {
					s.Reward = 0.1 + 0.01*float64(i%7)
				} else if told {
					s.Reward = 0.5 + 0.01*float64(i%7)
				}
				m.Add(m.Cell(contributor, "", fmt.Sprint(d), d%2 == 0), s)
			}
		}
		add("tells", true)
		for k := range silent {
			add(fmt.Sprint("silent ", k), false)
		}
		return m.Look()
	}
	if alone, beside := of(0), of(4); !alone.Harmful() || !beside.Harmful() {
		t.Errorf("one who tells of harm: %+v; beside four who tell nothing: %+v", alone.Difference, beside.Difference)
	}
}
