// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// enterprise is one contributor: how large it is, in what languages it writes, and how carefully it answers.
type enterprise struct {
	name      string
	people    float64    // share of developers
	pace      float64    // decisions of a developer, beside those of another enterprise
	languages [6]float64 // share of each language
	careless  float64    // share of verdicts that say nothing about the suggestion
	twice     float64    // share of records sent a second time under another id
	role      role
	of        int // a copycat's victim, by index
}

// role is what a contributor is up to.
type role uint8

const (
	honest  role = iota
	flips        // says the opposite of what its developers did
	junk         // sends records that say nothing: features and verdicts drawn apart
	copycat      // sends another's records under its own name, developers and ids
)

// population are the enterprises of a world, the honest ones first. Its truth is about these.
type population []enterprise

// Where one enterprise has little of its own, careless verdicts drown what there is: there it needs the other.
func first() population {
	return population{
		{name: "alder-bank", people: 0.55, pace: 1, languages: [6]float64{0.28, 0.25, 0.25, 0.04, 0.10, 0.08}},
		{name: "birch-telecom", people: 0.40, pace: 1, languages: [6]float64{0.04, 0.04, 0.20, 0.24, 0.26, 0.22}},
		{name: "cedar-retail", people: 0.05, pace: 4.5, languages: [6]float64{0.08, 0.08, 0.26, 0.08, 0.25, 0.25}, careless: 0.9, twice: 0.05},
	}
}

// populate adds to the first three the others that are asked for, each of its own size and taste.
func populate(cfg Config) population {
	all := first()
	rng := rand.New(rand.NewPCG(uint64(cfg.Seed), 0x656e7465))
	add := func(role role) {
		n := len(all)
		e := enterprise{name: trees[n%len(trees)] + "-" + industries[n/len(trees)%len(industries)], people: 0.1 + 0.5*rng.Float64(), pace: 0.7 + 0.6*rng.Float64(), role: role}
		if round := n / (len(trees) * len(industries)); round > 0 {
			e.name += "-" + strconv.Itoa(round+1)
		}
		if role == junk {
			e.careless, e.twice = 1, 0.3
		}
		sum := 0.0
		for l := range e.languages {
			e.languages[l] = rng.ExpFloat64()
			sum += e.languages[l]
		}
		for l := range e.languages {
			e.languages[l] /= sum
		}
		all = append(all, e)
	}
	for range cfg.Contributors - len(all) {
		add(honest)
	}
	victims := len(all)
	for range cfg.Flippers {
		add(flips)
	}
	for range cfg.Junk {
		add(junk)
	}
	for k := range cfg.Copycats {
		add(copycat)
		all[len(all)-1].of = k % victims
	}
	if total := all.sum(func(e *enterprise) float64 { return e.people }); len(all) > len(first()) {
		for c := range all {
			all[c].people /= total
		}
	}
	return all
}

func (p population) sum(of func(*enterprise) float64) (total float64) {
	for c := range p {
		total += of(&p[c])
	}
	return total
}

// honest are those whom truth is about.
func (p population) honest() population {
	n := 0
	for n < len(p) && p[n].role == honest {
		n++
	}
	return p[:n]
}

// shares are the enterprises' shares of all decisions.
func (p population) shares() []float64 {
	total := p.sum(func(e *enterprise) float64 { return e.people * e.pace })
	out := make([]float64, len(p))
	for c := range p {
		out[c] = p[c].people * p[c].pace / total
	}
	return out
}

var (
	languages = [...]string{"python", "typescript", "java", "go", "rust", "sql"}
	// easy is how much likelier a suggestion is taken in a language; trust is how much a high log-probability helps
	// there: in rust and sql a model that is sure of itself is sure of the wrong thing.
	easy  = [...]float64{0.8, 0.7, -1.4, 0.6, -1.5, -1.4}
	trust = [...]float64{1.0, 1.0, 0.8, 0.6, -0.7, -0.5}

	// The levels of each number, each as likely as the next. No more than two significant digits: nothing is lost on
	// the way out.
	prefixChars     = levels(0, 4, 8, 12, 16, 20, 26, 34, 44, 58, 76, 100)
	suggestionChars = levels(6, 10, 15, 20, 28, 36, 48, 64, 90, 130, 180, 260)
	lineCounts      = levels(1, 2, 3, 4, 6, 9)
	meanLogProbs    = levels(-2.2, -1.7, -1.3, -0.98, -0.75, -0.57, -0.43, -0.32, -0.23, -0.16, -0.1, -0.05)
	secondsSince    = levels(1, 2, 4, 7, 12, 20, 35, 60, 110, 200, 400, 900)
)

// levels boxes numbers once, so that setting a feature does not allocate.
func levels(values ...float64) []any {
	boxed := make([]any, len(values))
	for i, v := range values {
		boxed[i] = v
	}
	return boxed
}

const (
	interceptSD  = 0.5  // spread of developers, in logits
	goodText     = 0.6  // share of suggestions whose text is good
	acceptGood   = 0.0  // logit of accepting a good text where the features say nothing
	acceptBad    = -2.2 // and of a bad one
	coin         = 0.4  // a careless verdict accepts with this probability
	prevAccepted = 0.35
	midLine      = 0.25
)

// draw is one suggestion of the population, as indices into the levels above.
type draw struct {
	language, prefix, chars, lines, logprob, since uint8
	prevAccepted, midLine                          bool
}

func (e *enterprise) draw(rng *rand.Rand) draw {
	var d draw
	for u := rng.Float64(); int(d.language) < len(languages)-1 && u >= e.languages[d.language]; d.language++ {
		u -= e.languages[d.language]
	}
	bits := rng.Uint64() // one number serves all the levels: 8 bits each are plenty for 12
	level := func(n uint64) uint8 {
		l := bits & 0xfff * n >> 12
		bits >>= 12
		return uint8(l)
	}
	d.prefix, d.chars, d.lines, d.logprob, d.since = level(12), level(12), level(6), level(12), level(12)
	d.prevAccepted, d.midLine = rng.Float64() < prevAccepted, rng.Float64() < midLine
	return d
}

// signal is what the features say about a suggestion, before the strength.
func (d *draw) signal() float64 {
	z := func(level uint8, n float64) float64 { return (float64(level) - (n-1)/2) / (n / 3.46) } // mean 0, deviation 1
	s := easy[d.language] + 0.9*trust[d.language]*z(d.logprob, 12) + 0.3*z(d.prefix, 12) - 0.4*z(d.chars, 12) - 0.25*z(d.since, 12) - 0.15*z(d.lines, 6)
	if d.prevAccepted {
		s += 0.8 * (1 - prevAccepted)
	} else {
		s -= 0.8 * prevAccepted
	}
	if d.midLine {
		s -= 0.5
	}
	return s + 0.5*midLine
}

// propensity is the probability with which the logging policy shows a suggestion. It judges the text, which does not
// leave, and explores.
func (d *draw) propensity(good bool) float64 {
	switch {
	case good && d.midLine:
		return 0.88
	case good:
		return 0.95
	case d.midLine:
		return 0.30
	}
	return 0.40
}

// accept is the probability of taking a suggestion; sigmoid is the logistic function, or its mean over developers.
func (e *enterprise) accept(signal, intercept float64, good bool, sigmoid func(float64) float64) float64 {
	eta := signal + intercept + acceptBad
	if good {
		eta = signal + intercept + acceptGood
	}
	return (1-e.careless)*sigmoid(eta) + e.careless*coin
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
