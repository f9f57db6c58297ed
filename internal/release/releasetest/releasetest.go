// SPDX-License-Identifier: Apache-2.0

// Package releasetest makes roll-outs whose truth is known, for tests and measurements.
//
// Start from [New]: developers of uneven diligence and taste, an old policy and a new one that show different suggestions, and
// a new model that believes more of itself than is true. [Trial.Decide] makes one decision after the other.
package releasetest

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/release"
)

// What the policies do: of all suggestions both show a share, and each another that the other hides. A taken suggestion is worth
// 0.75, another that is shown −0.25.
const (
	bothShow, bothRate = 0.55, 0.42 // of which so much is taken
	oneShows, oldRate  = 0.15, 0.35
	hoped              = 0.30 // V(new)/V(old) − 1 that the model promises

	// OldValue is what a decision is worth under the old policy.
	OldValue = bothShow*(bothRate-0.25) + oneShows*(oldRate-0.25)
)

// Trial is a roll-out that can be played.
type Trial struct {
	// Reached says of each developer whether the release has reached it.
	Reached []bool
	names   []string
	taste   []float64 // by how much likelier a developer takes what is shown
	turns   []int32   // developers, each as often as it decides
	newRate float64
	rng     *rand.Rand
}

// New returns a trial over that many developers in which V(new)/V(old) − 1 is gain.
func New(seed uint64, developers int, gain float64) *Trial {
	t := &Trial{rng: rand.New(rand.NewPCG(seed, 7)), newRate: rate(gain), Reached: make([]bool, developers)}
	for d := range developers {
		t.names = append(t.names, "dev_"+strconv.Itoa(d))
		t.taste = append(t.taste, 0.1*t.rng.NormFloat64())
		for range 1 + int(10*math.Exp(t.rng.NormFloat64())) {
			t.turns = append(t.turns, int32(d))
		}
	}
	return t
}

// rate is how often that is taken which only the new policy shows.
func rate(gain float64) float64 { return oldRate + gain*OldValue/oneShows }

// Reach lets the release reach a share of the developers, always the same ones first.
func (t *Trial) Reach(release string, share float64) {
	for d, name := range t.names {
		t.Reached[d] = draw.Fraction([]byte(release), "reach", name) < share
	}
}

// Name is a developer's.
func (t *Trial) Name(developer int) string { return t.names[developer] }

// Decide makes one decision for whoever comes next.
func (t *Trial) Decide() (developer int, s release.Seen) {
	d := int(t.turns[t.rng.IntN(len(t.turns))])
	new := t.Reached[d]
	shown, taken, believed := true, bothRate, 0.0
	switch u := t.rng.Float64(); {
	case u < bothShow:
	case u < bothShow+oneShows:
		s.Differ, s.Gain = true, 0.25-oldRate
		shown, taken, believed = !new, oldRate, oldRate-0.25
	case u < bothShow+2*oneShows:
		promised := rate(hoped)
		s.Differ, s.Gain = true, promised-0.25
		shown, taken, believed = new, t.newRate, promised-0.25
	default:
		shown = false
	}
	if !shown {
		return d, s
	}
	s.Asked, s.Told, s.Reward, s.Expected = true, true, -0.25, believed
	if t.rng.Float64() < taken+t.taste[d] {
		s.Taken, s.Reward = true, 0.75
	}
	return d, s
}
