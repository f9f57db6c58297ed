// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/release"
)

// contributor is one whose tool shows everything, and to whom a filter comes that hides a share, of which people would have taken some.
type contributor struct {
	developers, aDay    int
	hidden, inVain, use float64 // share hidden; taken of that, and of the rest
}

// apart are three as the simulated enterprises are: the filter helps two of them, and hides what the third takes. Of all it is good: it
// is worth +0.02 a decision, and a fifth or so of what is taken is hidden.
func apart(scale float64) []contributor {
	of := func(n float64) int { return int(scale * n) }
	return []contributor{{of(770), 7, 0.344, 0.152, 0.524}, {of(560), 7, 0.479, 0.149, 0.467}, {of(70), 30, 0.532, 0.372, 0.40}}
}

// goesBack plays a roll-out of three stages, four days each, looked at as each contributor's records come in.
func goesBack(seed uint64, world []contributor) (why string) {
	rng := rand.New(rand.NewPCG(seed, 3))
	m := release.NewMonitor(release.Watch{Value: 0.11})
	id := "rel_" + strconv.FormatUint(seed, 10)
	taste := map[string]float64{}
	for stage, share := range []float64{0.01, 0.05, 0.25} {
		for range 4 {
			for c := range world {
				w := &world[(c+2)%len(world)] // the one who is not helped comes first
				for d := range w.developers {
					name := fmt.Sprint(w.aDay, w.hidden, " ", d)
					if _, ok := taste[name]; !ok {
						taste[name] = 0.1 * rng.NormFloat64()
					}
					new := draw.Fraction([]byte(id), "reach", name) < share
					k := m.Cell(fmt.Sprint(w.hidden), strconv.Itoa(stage), name, new)
					for range 1 + int(float64(w.aDay)*math.Exp(0.7*rng.NormFloat64()-0.25)) {
						s, p := release.Seen{Asked: true, Told: true, Reward: -0.25}, w.use
						if rng.Float64() < w.hidden {
							p = w.inVain
							s.Differ, s.Gain, s.Expected = true, 0.06, -0.06
							if new {
								s.Asked, s.Told, s.Reward, s.Expected, p = false, false, 0, 0, -1
							}
						}
						if rng.Float64() < p+taste[name] {
							s.Reward, s.Taken = 0.75, true
						}
						m.Add(k, s)
					}
				}
				if l := m.Look(); l.Harmful() {
					return l.Harm()
				}
			}
		}
	}
	return ""
}

func TestAGoodReleaseDoesNotGoBackForThoseWhomChanceHasReached(t *testing.T) {
	for _, size := range []struct{ scale, seeds float64 }{{0.1, 60}, {0.3, 30}, {1, 6}} {
		back := map[string]int{}
		for seed := range uint64(size.seeds) {
			if why := goesBack(seed, apart(size.scale)); why != "" {
				back[why]++
			}
		}
		if len(back) > 0 { // on average it surely helps: one in twenty is for what does nothing
			t.Errorf("at %g of the size a release that helps went back: %v", size.scale, back)
		}
	}
}

// What the gate let through hides up to half of what is taken; what hides more goes back.
func TestTheGuardrailAllowsWhatTheGateAllows(t *testing.T) {
	for lost, want := range map[float64]string{0.4: "", 0.7: "taken"} {
		m := release.NewMonitor(release.Watch{Value: 0.1})
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range 100_000 {
			s := release.Seen{Asked: true, Told: true, Taken: rng.Float64() < 0.4, Reward: 0.1, Expected: 0.1}
			new := i%2 == 0
			if s.Differ = s.Taken && rng.Float64() < lost; s.Differ && new { // hidden, and said to be worth as much
				s.Asked, s.Told, s.Taken = false, false, false
			}
			m.Add(m.Cell("", "", strconv.Itoa(i%200), new), s)
		}
		if l := m.Look(); l.Crossed != want {
			t.Errorf("%g of what is taken is lost: crossed %q, want %q", lost, l.Crossed, want)
		}
	}
}

// Where one contributor decides nearly all, and two of its developers have the new release, nothing is said of it, for or against; once
// more have it, it is.
func TestTwoDevelopersDoNotSpeakForEverybody(t *testing.T) {
	look := func(reached int) release.Look {
		m := release.NewMonitor(release.Watch{Value: 0.1})
		rng := rand.New(rand.NewPCG(1, 2))
		put := func(contributor string, developers, reached, decisions int) {
			for d := range developers {
				for range decisions {
					s := release.Seen{Asked: true, Told: true, Reward: -0.25, Differ: true}
					if rng.Float64() < 0.4 {
						s.Reward, s.Taken = 0.75, true
					}
					m.Add(m.Cell(contributor, "", contributor+strconv.Itoa(d), d < reached), s)
				}
			}
		}
		put("large", 250, reached, 200)
		put("small", 60, 30, 40)
		return m.Look()
	}
	if l := look(2); l.Difference != nil || l.Crossed != "" || l.New.Developers != 32 {
		t.Errorf("of two developers there is %+v, %q, of %d", l.Difference, l.Crossed, l.New.Developers)
	}
	if l := look(25); l.Difference == nil {
		t.Errorf("of twenty-five developers nothing is said: %+v", l)
	}
}

// What nobody knows yet of a release's decisions is estimated by what others made: it lets no release on.
func TestARewardThatWaitsCallsNoReleaseHarmless(t *testing.T) {
	l := release.Look{Difference: &release.Bounds{Estimate: 0.01, Lower: 0.005, Upper: 0.02}, Value: 0.1}
	if !l.Harmless() {
		t.Error("what surely gains is not harmless")
	}
	if l.Open = 0.5; l.Harmless() {
		t.Error("half of what it is worth is not known, and it is called harmless")
	}
}
