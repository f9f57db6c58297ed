// SPDX-License-Identifier: Apache-2.0

package release

import "math"

// Watch says what a [Monitor] looks for.
type Watch struct {
	// Value is what a decision is worth under what is replaced, as the gate report estimates it: the bounds are sharpest for a
	// loss of a fifth of it. Where it is not above 0, that of a tenth of a reward is taken.
	Value float64
}

// What a monitor holds to. All bounds together are wrong in at most 5 of 100 roll-outs, however often they are looked at.
const (
	alphaReward    = 0.03
	alphaGuardrail = 0.01
	minWatched     = 20   // developers on either side before a bound counts
	minSeen        = 200  // decisions on either side
	tolerated      = 0.1  // of the old value: a release that surely loses no more than this goes on
	mayLoseTaken   = 0.25 // of what is taken: a filter hides some of it by design
	mayAddReverted = 0.5  // of what is reverted
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
	n, gain, reward    float64
	asked, told        float64
	rest               [metrics]float64 // what the model did not expect of the reward; what the guardrails compare
}

// place names a cell.
type place struct {
	stratum, developer string
	new                bool
}

// Monitor compares a release with what it replaces while it is rolled out to developers drawn at random. It may be looked
// at after every decision: its bounds hold at all times at once.
//
// The difference V(new) − V(old) is estimated from both sides of each stratum, doubly robust: what the model expects the
// difference to be over all decisions, and what it was mistaken by on either side. Only decisions on which the two differ
// carry noise. Strata are weighed by how much they can tell, n·m/(n+m) of n decisions on one side and m on the other. The
// variance is of developers, each left out in turn (CR3). Where people were asked and have not said what came of it, those who
// have stand for them, on their side of their stratum. Cumulative estimates of this kind have, in the scale of information
// 1/variance, the increments of a random walk, so that the one-sided normal mixture bound of Robbins (1970) holds
// for all looks together, in the limit of many developers (Waudby-Smith et al., "Time-uniform central limit theory and
// asymptotic confidence sequences", 2024); below 20 developers on a side nothing is said.
//
// The zero Monitor is not ready: use [NewMonitor]. It is not safe for concurrent use.
type Monitor struct {
	watch      Watch
	cells      []cell
	at         map[place]int
	developers map[string]int
	strata     map[string]int
}

// NewMonitor returns one that has seen nothing.
func NewMonitor(w Watch) *Monitor {
	if !(w.Value > 0) {
		w.Value = 0.1
	}
	return &Monitor{watch: w, at: map[place]int{}, developers: map[string]int{}, strata: map[string]int{}}
}

// Cell is where decisions for a developer are added that the new release made, or the old. Developers are drawn within a
// stratum, such as a contributor at a stage, and are compared within it only.
func (m *Monitor) Cell(stratum, developer string, new bool) int {
	p := place{stratum, developer, new}
	k, ok := m.at[p]
	if !ok {
		k = len(m.cells)
		m.at[p] = k
		m.cells = append(m.cells, cell{developer: number(m.developers, developer), stratum: number(m.strata, stratum), new: new})
	}
	return k
}

// number is the number of a name, in the order in which names come.
func number(of map[string]int, name string) int {
	k, ok := of[name]
	if !ok {
		k = len(of)
		of[name] = k
	}
	return k
}

// Add adds a decision to a cell, with its reward where that is known.
func (m *Monitor) Add(k int, s Seen) {
	c := &m.cells[k]
	c.n++
	if s.Differ {
		c.gain += s.Gain
	}
	if s.Asked {
		c.asked++
	}
	if !s.Asked || s.Told {
		m.Tell(k, s)
	}
}

// Tell adds the reward of a decision that was added before without.
func (m *Monitor) Tell(k int, s Seen) {
	c := &m.cells[k]
	if s.Asked {
		c.told++
	}
	c.reward += s.Reward
	if s.Differ {
		c.rest[rewards] += s.Reward - s.Expected
	}
	m.guard(c, taken, s.Taken, s.Differ)
	m.guard(c, reverted, s.Reverted, s.Differ)
}

// guard counts for a guardrail, which compares new − old, so that more is better, with the margin of what the old has.
func (m *Monitor) guard(c *cell, g metric, counts, differ bool) {
	if !counts {
		return
	}
	_, sign, margin := g.guardrail()
	if differ {
		c.rest[g] += sign
	}
	if !c.new {
		c.rest[g] -= margin
	}
}

// guardrail is a metric's name, whether more of it is better (1) or worse (-1), and how much worse than under the old it may
// be, as a share of that.
func (g metric) guardrail() (name string, sign, margin float64) {
	switch g {
	case taken:
		return "taken", 1, mayLoseTaken
	case reverted:
		return "reverted", -1, mayAddReverted
	}
	return "", 0, 0
}

// Bounds are an estimate and bounds that hold at all looks together.
type Bounds struct {
	Estimate float64 `json:"estimate"`
	// Lower and Upper are each one-sided.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
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
}

// Harmful says that the release must go back.
func (l Look) Harmful() bool { return l.Crossed != "" || l.Difference != nil && l.Difference.Upper < 0 }

// Harmless says that the release surely loses little, if anything.
func (l Look) Harmless() bool {
	return !l.Harmful() && l.Difference != nil && l.Difference.Lower > -tolerated*math.Abs(l.Value)
}

// side sums the cells of one side of a stratum.
type side struct {
	n, gain, reward float64
	asked, told     float64
	rest            [metrics]float64
	developers      int
	heard           int // developers of whom anything is known
}

// silent says that people were asked and too few of them told what came of it: then the model's own promise would be all there is.
func (s *side) silent() bool { return s.asked > 0 && s.heard < 2 }

// each is for how many decisions one stands of which it is known what came of them. What was hidden has no surprise, and nothing that the
// guardrails count, so that it may be counted as often.
func (s *side) each() float64 {
	if s.told == 0 {
		return 1
	}
	return s.asked / s.told
}

// Look says what can be said now.
func (m *Monitor) Look() Look {
	sides := make([][2]side, len(m.strata))
	for i := range m.cells {
		c := &m.cells[i]
		s := &sides[c.stratum][of(c.new)]
		s.n, s.gain, s.reward, s.developers = s.n+c.n, s.gain+c.gain, s.reward+c.reward, s.developers+1
		s.asked, s.told = s.asked+c.asked, s.told+c.told
		if c.told > 0 {
			s.heard++
		}
		for g := range s.rest {
			s.rest[g] += c.rest[g]
		}
	}
	var l Look
	total := 0.0
	weights := make([]float64, len(sides))
	for s := range sides {
		// One developer alone on a side says nothing of others, and must not keep the other strata from being heard; nor may those of
		// whom nothing is heard speak for the release.
		if old, new := &sides[s][0], &sides[s][1]; min(old.developers, new.developers) >= 2 && !old.silent() && !new.silent() {
			weights[s] = old.n * new.n / (old.n + new.n)
			total += weights[s]
			l.Old.Decisions += int(old.n)
			l.New.Decisions += int(new.n)
		}
	}
	l.Old.Developers, l.New.Developers = m.people(weights, false), m.people(weights, true)
	if min(l.Old.Developers, l.New.Developers) < minWatched || min(l.Old.Decisions, l.New.Decisions) < minSeen {
		return l
	}
	for s := range sides {
		if weights[s] /= total; weights[s] > 0 {
			l.Value += weights[s] * sides[s][0].each() * sides[s][0].reward / sides[s][0].n
		}
	}
	detect := 0.2 * m.watch.Value
	if b, ok := m.bounds(rewards, sides, weights, alphaReward, detect); ok {
		l.Difference = &b
	}
	for _, g := range []metric{taken, reverted} {
		if b, ok := m.bounds(g, sides, weights, alphaGuardrail, detect); ok && b.Upper < 0 && l.Crossed == "" {
			l.Crossed, _, _ = g.guardrail()
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

// bounds estimates a metric's difference.
func (m *Monitor) bounds(g metric, sides [][2]side, weights []float64, alpha, detect float64) (b Bounds, ok bool) {
	gain := func(s *side) float64 {
		if g == rewards {
			return s.gain
		}
		return 0
	}
	for s, w := range weights {
		if w > 0 {
			old, new := &sides[s][0], &sides[s][1]
			b.Estimate += w * ((gain(old)+gain(new))/(old.n+new.n) + new.each()*new.rest[g]/new.n - old.each()*old.rest[g]/old.n)
		}
	}
	influence := make([]float64, len(m.developers))
	for i := range m.cells {
		c := &m.cells[i]
		w := weights[c.stratum]
		if w == 0 {
			continue
		}
		both, own := &sides[c.stratum], &sides[c.stratum][of(c.new)]
		if c.n == own.n {
			return b, false // one developer is all of a side
		}
		// How much the estimate would move without the developer.
		rest := own.each() * (c.rest[g] - own.rest[g]/own.n*c.n) / (own.n - c.n)
		if !c.new {
			rest = -rest
		}
		n := both[0].n + both[1].n
		expected := 0.0
		if g == rewards {
			expected = (c.gain - (both[0].gain+both[1].gain)/n*c.n) / (n - c.n)
		}
		influence[c.developer] += w * (rest + expected)
	}
	variance := 0.0
	for _, f := range influence {
		variance += f * f
	}
	if !(variance > 0) {
		return b, false
	}
	half := mixture(variance, alpha, detect)
	b.Lower, b.Upper = b.Estimate-half, b.Estimate+half
	return b, true
}

// mixture is how far an estimate of this variance is from the truth at most, to one side, at all looks together but for an error
// of alpha: the normal mixture of Robbins, "Statistical methods related to the law of the iterated logarithm" (1970), in
// information time I = 1/variance. It is tuned to be tightest where a difference of detect is about to show.
func mixture(variance, alpha, detect float64) float64 {
	information := 1 / variance
	// Where detect·√I is the bound itself, about 3; the best mixing variance there is I/(2·log(1/α)) or so.
	rho := 9 / (detect * detect) / (2*math.Log(1/alpha) + 1)
	z := math.Sqrt(2 * math.Log(1/(2*alpha)))
	spread := math.Log((information + rho) / rho)
	for range 4 { // half of the mixture lies on the other side: Φ(z) of it counts
		z = math.Sqrt(2*math.Log(1/(2*alpha*normal(z))) + spread)
	}
	return z * math.Sqrt(information+rho) / information
}

// normal is the distribution function of the standard normal.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// Saw is what a decision tells of which the new release and the old would choose one action each, by index, and one was chosen that
// had a reward; -1 where it is not known. Values are what the new model expects of each action.
func Saw(values []float64, new, old, chosen int, reward float64) Seen {
	at := func(i int) (float64, bool) {
		if i < 0 || i >= len(values) || math.IsNaN(values[i]) {
			return 0, false
		}
		return values[i], true
	}
	s := Seen{Differ: new != old || new < 0, Reward: reward}
	is, known := at(new)
	was, both := at(old)
	if expected, ok := at(chosen); known && both && ok {
		s.Gain, s.Expected = is-was, expected
	}
	return s
}
