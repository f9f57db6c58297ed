// SPDX-License-Identifier: Apache-2.0

package release

import (
	"math"

	"github.com/headrace/headrace/internal/gate"
)

// Watch says what a [Monitor] looks for.
type Watch struct {
	// Value is what a decision is worth under what is replaced, as the gate report estimates it: the bounds are sharpest for a
	// loss of a fifth of it. Where it is not above 0, that of a tenth of a reward is taken.
	Value float64
}

// What a monitor holds to. All bounds together are wrong in at most 5 of 100 roll-outs, however often they are looked at. The
// guardrails allow what the gate allows: what it let through for hiding much does not go back for it.
const (
	alphaReward    = 0.03
	alphaGuardrail = 0.01
	minWatched     = 20                 // developers on either side before a bound counts
	minEffective   = 10                 // of those, as many as count alike: by their weights in the smaller side
	minSeen        = 200                // decisions on either side
	minTaken       = 20                 // of those of the old, and as many that the new would take if it were alike: fewer have no normal mean
	tolerated      = 0.1                // of the old value: a release that surely loses no more than this goes on
	mayLoseTaken   = gate.AllowAccepts  // of what is taken: a filter hides some of it by design
	mayAddReverted = 0.5                // of what is reverted, and
	mayAddOfTaken  = gate.AllowReverted // of what is taken
)

// metric is one thing that is compared.
type metric int

const (
	rewards metric = iota
	taken
	reverted
	metrics
)

// Seen is what one decision tells about a roll-out, once its reward is known.
type Seen struct {
	// Differ says that new and old choose differently here. Where they do not, they are worth the same, whatever came of it.
	Differ bool
	// Gain is by how much the model expects the new choice to be worth more than the old.
	Gain float64
	// Asked says that it takes a person to say what came of what was chosen, and Told that one has; a suggestion that is hidden asks
	// nobody, and its reward is known.
	Asked, Told bool
	// Reward is what came of what was chosen, Expected what the model expected of it.
	Reward, Expected float64
	// Taken and Reverted are what the guardrails count.
	Taken, Reverted bool
}

// cell is what one developer did on one side of one stratum.
type cell struct {
	developer, stratum int
	new                bool
	sums
}

// sums are what is counted of decisions: of a cell, or of a side of a stratum.
type sums struct {
	n, gain, reward    float64
	asked, told, taken float64
	rest               [metrics]float64 // what the model did not expect of the reward; what the guardrails compare
}

// plus are the sums of both; times −1 without the others.
func (s sums) plus(o *sums, times float64) sums {
	s.n += float64(times * o.n)
	s.gain += float64(times * o.gain)
	s.reward += float64(times * o.reward)
	s.asked += float64(times * o.asked)
	s.told += float64(times * o.told)
	s.taken += float64(times * o.taken)
	for g := range s.rest {
		s.rest[g] += float64(times * o.rest[g])
	}
	return s
}

// each is for how many decisions one stands of which it is known what came of them. What was hidden has no surprise, and nothing that the
// guardrails count, so that it may be counted as often.
func (s *sums) each() float64 {
	if s.told == 0 {
		return 1
	}
	return s.asked / s.told
}

// mean is how much there is of a metric per decision.
func (s *sums) mean(g metric) float64 { return float64(s.each()*s.rest[g]) / s.n }

// place names a cell.
type place struct {
	stratum
	developer string
	new       bool
}

// person is a developer: names are of one contributor only.
type person struct{ contributor, developer string }

// stratum is where developers are compared: at a contributor, while the release reached the same share of them.
type stratum struct{ contributor, stage string }

// Monitor compares a release with what it replaces while it is rolled out to developers drawn at random. It may be looked
// at after every decision: its bounds hold at all times at once.
//
// The difference V(new) − V(old) is estimated from both sides of each stratum, doubly robust: what the model expects the
// difference to be over all decisions, and what it was mistaken by on either side. Only decisions on which the two differ
// carry noise. Contributors are weighed by their decisions, whether few of their developers have the release or many: who is helped and who
// is not must not hang on whom chance has reached. The stages of each are weighed by how much they can tell, n·m/(n+m) of n decisions on one
// side and m on the other. The variance is of developers, each left out in turn (the jackknife). Where people were asked and have not said
// what came of it, those who have stand for them, on their side of their stratum. Cumulative estimates of this kind have, in the scale of information
// 1/variance, the increments of a random walk, so that the one-sided normal mixture bound of Robbins (1970) holds
// for all looks together, in the limit of many developers (Waudby-Smith et al., "Time-uniform central limit theory and
// asymptotic confidence sequences", 2024); below 20 developers on a side nothing is said.
//
// The zero Monitor is not ready: use [NewMonitor]. It is not safe for concurrent use.
type Monitor struct {
	watch        Watch
	cells        []cell
	at           map[place]int
	developers   map[person]int
	strata       map[stratum]int
	of           []int // contributors of strata
	contributors map[string]int
}

// NewMonitor returns one that has seen nothing.
func NewMonitor(w Watch) *Monitor {
	if !(w.Value > 0) {
		w.Value = 0.1
	}
	return &Monitor{watch: w, at: map[place]int{}, developers: map[person]int{}, strata: map[stratum]int{}, contributors: map[string]int{}}
}

// Cell is where decisions for a developer of a contributor are added that the new release made, or the old, at a stage. Developers are
// drawn within these, and compared within them only. Developers of one name at two contributors are two.
func (m *Monitor) Cell(contributor, stage, developer string, new bool) int {
	p := place{stratum{contributor, stage}, developer, new}
	k, ok := m.at[p]
	if !ok {
		k = len(m.cells)
		m.at[p] = k
		of := number(m.strata, p.stratum)
		if of == len(m.of) {
			m.of = append(m.of, number(m.contributors, contributor))
		}
		m.cells = append(m.cells, cell{developer: number(m.developers, person{contributor, developer}), stratum: of, new: new})
	}
	return k
}

// number is the number of a name, in the order in which names come.
func number[K comparable](of map[K]int, name K) int {
	k, ok := of[name]
	if !ok {
		k = len(of)
		of[name] = k
	}
	return k
}

// Add adds a decision to a cell. One of which a person was asked and has not told counts as asked.
func (m *Monitor) Add(k int, s Seen) {
	c := &m.cells[k]
	c.n++
	if s.Differ {
		c.gain += s.Gain
	}
	if s.Asked {
		c.asked++
	}
	if s.Asked && !s.Told {
		return
	}
	if s.Asked {
		c.told++
	}
	c.reward += s.Reward
	if s.Differ {
		c.rest[rewards] += s.Reward - s.Expected
	}
	if s.Taken {
		c.taken++
	}
	for _, g := range guardrails() {
		more, margin := g.of(s)
		if s.Differ {
			c.rest[g] += more
		}
		if !c.new {
			c.rest[g] -= margin
		}
	}
}

// guardrails are the metrics of which new − old must not be less than a margin.
func guardrails() [2]metric { return [...]metric{taken, reverted} }

// of is what a decision adds to a guardrail, more being better, and what it lets the new be worse by where the old made it.
func (g metric) of(s Seen) (more, margin float64) {
	if s.Taken && g == taken {
		return 1, mayLoseTaken
	}
	if s.Taken && g == reverted {
		margin = mayAddOfTaken
	}
	if s.Reverted && g == reverted {
		return -1, margin + mayAddReverted
	}
	return 0, margin
}

// name is what a guardrail is called.
func (g metric) name() string {
	if g == taken {
		return "taken"
	}
	return "reverted"
}

// Count is how much stands on one side.
type Count struct {
	Developers int `json:"developers"`
	Decisions  int `json:"decisions"`
}

// Look is what a monitor has found.
type Look struct {
	New Count `json:"new"`
	Old Count `json:"old"`
	// Difference is V(new) − V(old), reward per decision; nil where there is too little to say.
	Difference *Bounds `json:"difference,omitempty"`
	// Value is what a decision was worth under the old.
	Value float64 `json:"value,omitzero"`
	// Crossed names the guardrail that the new release surely breaks; empty for none.
	Crossed string `json:"crossed,omitzero"`
	// Open is the share of the new release's decisions of which something is not known yet, and estimated as if the old had made them:
	// what they seem to be worth says nothing for the new.
	Open float64 `json:"open,omitzero"`
}

// mostOpen is the largest share of decisions that may be open where a release is called harmless.
const mostOpen = 0.1

// Harmful says that the release must go back.
func (l Look) Harmful() bool { return l.Crossed != "" || l.Difference != nil && l.Difference.Upper < 0 }

// Harmless says that the release surely loses little, if anything.
func (l Look) Harmless() bool {
	return !l.Harmful() && l.Open <= mostOpen && l.Difference != nil && l.Difference.Lower > -tolerated*math.Abs(l.Value)
}

// side is one side of a stratum.
type side struct {
	sums
	developers int
	heard      int // developers of whom anything is known
}

// silent says that people were asked and too few of them told what came of it: then the model's own promise would be all there is.
func (s *side) silent() bool { return s.asked > 0 && s.heard < 2 }

// difference is that of two sides of a stratum.
func difference(g metric, old, new *sums) float64 {
	d := new.mean(g) - old.mean(g)
	if g == rewards {
		d += (old.gain + new.gain) / (old.n + new.n)
	}
	return d
}

// Look says what can be said now.
func (m *Monitor) Look() Look {
	sides := make([][2]side, len(m.strata))
	for i := range m.cells {
		c := &m.cells[i]
		s := &sides[c.stratum][of(c.new)]
		s.sums, s.developers = s.plus(&c.sums, 1), s.developers+1
		if c.told > 0 {
			s.heard++
		}
	}
	var l Look
	known, alike := 0.0, 0.0
	weights, of := make([]float64, len(sides)), make([]struct{ n, tells float64 }, len(m.contributors))
	for s := range sides {
		// One developer alone on a side says nothing of others, and must not keep the other strata from being heard; nor may those of
		// whom nothing is heard speak for the release.
		old, new := &sides[s][0], &sides[s][1]
		of[m.of[s]].n += old.n + new.n
		if min(old.developers, new.developers) >= 2 && !old.silent() && !new.silent() {
			weights[s] = float64(old.n*new.n) / (old.n + new.n)
			of[m.of[s]].tells += weights[s]
			known += old.taken
			alike += float64(old.taken*old.each()) * new.n / old.n
			l.Old.Decisions += int(old.n)
			l.New.Decisions += int(new.n)
		}
	}
	l.Old.Developers, l.New.Developers = m.people(weights, false), m.people(weights, true)
	if min(l.Old.Developers, l.New.Developers) < minWatched || min(l.Old.Decisions, l.New.Decisions) < minSeen || min(known, alike) < minTaken {
		return l
	}
	total, alone := 0.0, 0.0
	for _, c := range of {
		if c.tells > 0 {
			total += c.n
		}
	}
	for s := range sides {
		if c := &of[m.of[s]]; weights[s] > 0 {
			weights[s] *= c.n / (c.tells * total)
			old := &sides[s][0]
			l.Value += float64(weights[s] * float64(old.each()*old.reward) / old.n)
			alone += float64(weights[s]*weights[s]) / float64(min(old.developers, sides[s][1].developers))
		}
	}
	if alone*minEffective > 1 {
		return l // where one contributor decides nearly all, two of its developers would speak for everybody
	}
	detect := 0.2 * m.watch.Value
	if b, ok := m.bounds(rewards, sides, weights, alphaReward, detect); ok {
		l.Difference = &b
	}
	for _, g := range guardrails() {
		if b, ok := m.bounds(g, sides, weights, alphaGuardrail, detect); ok && b.Upper < 0 && l.Crossed == "" {
			l.Crossed = g.name()
		}
	}
	return l
}

func of(new bool) int {
	if new {
		return 1
	}
	return 0
}

// people is how many developers stand on a side, each once however many strata they are in.
func (m *Monitor) people(weights []float64, new bool) (n int) {
	seen := make([]bool, len(m.developers))
	for i := range m.cells {
		if c := &m.cells[i]; c.new == new && weights[c.stratum] > 0 && !seen[c.developer] {
			seen[c.developer] = true
			n++
		}
	}
	return n
}
