// SPDX-License-Identifier: Apache-2.0

// Package sim is synthetic enterprises whose truth is known, so that everything after them can be checked: three of them,
// or as many as are asked for, some of whom cheat.
//
// Start from [World]: [World.Episodes] streams what the tools of one contributor would have recorded under the logging
// policy, with text, planted secrets and personal data; [World.Late] streams what became known days later; and
// [World.True] says what any show/hide policy is really worth on the population that the episodes were drawn from.
//
// What is planted. Whether a developer takes a suggestion depends on the developer (a random intercept), on features
// that leave, times one strength, and on the quality of the text, which does not leave. The logging policy reads the
// text and explores; a learner sees the features only. So at low strength nothing can be gained over the logging
// policy, and at high strength much can. [New] solves for the strength at which the best policy that sees the features
// and not the contributor is worth exactly 1+Gain times the logging policy. A learner from finite data falls a little
// short of that: what it really reached is what [World.True] returns.
//
// The same Config gives the same episodes, byte for byte. Nothing here learns, estimates or stores.
package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/headrace/headrace/episode"
)

// Config says what to simulate. The zero value of a field means its default, but for Gain and Seed, where 0 is a value.
type Config struct {
	Seed int64
	// Gain is the planted true relative gain V(new)/V(old) − 1 of the best policy on the features, 0 to 1.
	Gain       float64
	Decisions  int // over all contributors; 40,000
	Developers int // over all contributors; 1,400
	// Draws is the size of the sample that True works on; 1 << 20.
	Draws int
	// Contributors is how many honest ones there are; 3, the least.
	Contributors int
	// Flippers, Junk and Copycats are contributors besides, who say the opposite of what was done, send what says nothing, and
	// send another's records as their own. Truth is about the honest ones.
	Flippers, Junk, Copycats int
	// Period counts spans of four weeks: the same developers, other decisions, later.
	Period int
	// Delays makes everything that becomes of a taken suggestion known as late as it is in life: commits, merges, tests, what
	// is kept after 1, 7 and 30 days, reverts.
	Delays bool
	// Seasons lets people work on weekdays mostly, accept more towards the end of a week, and ever more over the months. Truth
	// is then that of the middle of the first period.
	Seasons bool
	// Rules plants instruction files; nil plants none.
	Rules *Rules
}

// World is the enterprises with their developers. It is safe for concurrent use.
type World struct {
	cfg         Config
	enterprises population
	strength    float64
	rules       *rules        // nil where none are planted
	developers  [][]developer // by contributor
}

// developer is one person at one contributor.
type developer struct {
	user, email string
	key         uint64  // for draws that are the developer's own
	intercept   float64 // how much likelier than others to accept, in logits
	decisions   int
}

// New draws the developers and solves for the strength that plants cfg.Gain.
func New(cfg Config) (*World, error) {
	if cfg.Decisions == 0 {
		cfg.Decisions = 40_000
	}
	if cfg.Developers == 0 {
		cfg.Developers = 1_400
	}
	if cfg.Draws == 0 {
		cfg.Draws = 1 << 20
	}
	if cfg.Contributors == 0 {
		cfg.Contributors = len(first())
	}
	contributors := cfg.Contributors + cfg.Flippers + cfg.Junk + cfg.Copycats
	switch {
	case cfg.Contributors < len(first()) || min(cfg.Flippers, cfg.Junk, cfg.Copycats) < 0 || contributors > maxContributors:
		return nil, &episode.Problem{Code: "sim/contributors", Message: fmt.Sprintf("cannot simulate %d contributors", contributors),
			Hint: fmt.Sprintf("ask for %d to %d, of whom at least %d are honest", len(first()), maxContributors, len(first()))}
	case cfg.Decisions < 0 || cfg.Developers < contributors || cfg.Draws < 0 || cfg.Period < 0:
		return nil, &episode.Problem{Code: "sim/config", Message: fmt.Sprintf("cannot simulate %d decisions by %d developers", cfg.Decisions, cfg.Developers),
			Hint: "ask for at least one decision, and one developer for each contributor"}
	case !(cfg.Gain >= 0 && cfg.Gain <= maxGain):
		return nil, &episode.Problem{Code: "sim/gain", Message: fmt.Sprintf("a gain of %v cannot be planted", cfg.Gain),
			Hint: fmt.Sprintf("choose a relative gain from 0 to %v, such as 0.20", maxGain)}
	}
	rules, err := newRules(cfg.Rules)
	if err != nil {
		return nil, err
	}
	w := &World{cfg: cfg, enterprises: populate(cfg), rules: rules}
	w.strength = w.enterprises.honest().calibrate(cfg.Gain)
	w.recruit()
	return w, nil
}

const maxContributors = 10_000

// Contributors are the names of the enterprises: alder-bank is good and mostly writes python, typescript and
// java; birch-telecom is as good, smaller, and mostly writes go, rust and sql; cedar-retail has few developers, who make
// many decisions, nearly at random, and sends some records twice. Then come other honest ones, flippers, junk, copycats.
func (w *World) Contributors() []string {
	names := make([]string, len(w.enterprises))
	for i := range w.enterprises {
		names[i] = w.enterprises[i].name
	}
	return names
}

// recruit draws the developers and shares the decisions out among them, unevenly, to the last one.
func (w *World) recruit() {
	rng := rand.New(rand.NewPCG(uint64(w.cfg.Seed), 1))
	w.developers = make([][]developer, len(w.enterprises))
	var total float64
	var weights []float64
	hired, share := 0, 0.0
	for c := range w.enterprises {
		share += w.enterprises[c].people
		upTo := int(share*float64(w.cfg.Developers) + 0.5)
		for ; hired < upTo; hired++ {
			user := fmt.Sprintf("%s.%s%d", firstNames[rng.IntN(len(firstNames))], lastNames[rng.IntN(len(lastNames))], hired)
			w.developers[c] = append(w.developers[c], developer{user: user, email: user + "@" + w.enterprises[c].name + ".example", key: uint64(hired),
				intercept: rng.NormFloat64() * interceptSD})
			weight := w.enterprises[c].pace * (0.5 + rng.Float64())
			weights, total = append(weights, weight), total+weight
		}
	}
	i, given, sum := 0, 0, 0.0
	for c := range w.developers {
		for d := range w.developers[c] {
			sum += weights[i]
			upTo := int(sum/total*float64(w.cfg.Decisions) + 0.5)
			w.developers[c][d].decisions = upTo - given
			given, i = upTo, i+1
		}
	}
	for c := range w.developers {
		if from := w.source(c); from != c { // copies are as many as what is copied
			n := min(len(w.developers[c]), len(w.developers[from]))
			w.developers[c] = w.developers[c][:n]
			for d := range n {
				w.developers[c][d].decisions = w.developers[from][d].decisions
			}
		}
	}
}

// Honest reports whether a contributor of that name sends what its developers really did.
func (w *World) Honest(contributor string) bool {
	c, err := w.index(contributor)
	return err == nil && w.enterprises[c].role == honest
}

func (w *World) index(contributor string) (int, error) {
	for c := range w.enterprises {
		if w.enterprises[c].name == contributor {
			return c, nil
		}
	}
	return 0, &episode.Problem{Code: "sim/contributor", Message: fmt.Sprintf("no contributor is called %q", contributor),
		Hint: "the simulated contributors are " + strings.Join(w.Contributors(), ", ")}
}
