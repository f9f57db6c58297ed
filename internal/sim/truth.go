// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"
	"math/rand/v2"
	"sync"
)

const (
	maxGain     = 1.0
	maxStrength = 8.0
	// rewards of the spec "immediate": a shown suggestion pays worth·P(taken) − cost.
	worth, cost = 1.0, 0.25
)

// averaged is the logistic function averaged over developers' intercepts, tabulated: a developer's decision is drawn
// with an intercept, but a policy's value is over all of them.
type averaged struct{ at []float64 }

const (
	tableFrom, tableTo = -24.0, 24.0
	tableSteps         = 64 // per unit
)

func newAveraged() *averaged {
	a := &averaged{at: make([]float64, int((tableTo-tableFrom)*tableSteps)+2)}
	for i := range a.at {
		x := tableFrom + float64(i)/tableSteps
		var sum, weight float64
		for k := -40; k <= 40; k++ { // ±5 deviations; the trapezoid rule is exact to rounding for a normal
			z := float64(k) / 8
			w := math.Exp(-z * z / 2)
			sum, weight = sum+w*logistic(x+interceptSD*z), weight+w
		}
		a.at[i] = sum / weight
	}
	return a
}

func (a *averaged) sigmoid(x float64) float64 {
	t := (min(max(x, tableFrom), tableTo) - tableFrom) * tableSteps
	i := int(t)
	f := t - float64(i)
	return a.at[i]*(1-f) + a.at[i+1]*f
}

// worths returns what the logging policy earns on a suggestion, and what showing it earns, in expectation over text
// and developer.
func (e *enterprise) worths(d *draw, signal float64, sigmoid func(float64) float64) (old, show float64) {
	good := goodText * (worth*e.accept(signal, 0, true, sigmoid) - cost)
	bad := (1 - goodText) * (worth*e.accept(signal, 0, false, sigmoid) - cost)
	return d.propensity(true)*good + d.propensity(false)*bad, good + bad
}

// calibrate solves for the strength at which the best policy on the features is worth 1+gain times the logging policy,
// by bisection on one fixed sample of suggestions.
func (p population) calibrate(gain float64) float64 {
	const sample, halvings, seed = 1 << 15, 18, 20260907
	rng, mean := rand.New(rand.NewPCG(seed, 0)), newAveraged()
	shares := p.shares()
	draws, signals := make([]draw, sample), make([]float64, sample)
	for i := range draws {
		draws[i] = p.anyone(shares, rng).draw(rng)
		signals[i] = draws[i].signal()
	}
	relative := func(strength float64) float64 {
		var old, best float64
		for i := range draws {
			// The best policy does not know the contributor: it goes by the mean over those who would have been asked this.
			var logged, shown, weight float64
			for c := range p {
				e := &p[c]
				w := shares[c] * e.languages[draws[i].language]
				o, s := e.worths(&draws[i], strength*signals[i], mean.sigmoid)
				logged, shown, weight = logged+w*o, shown+w*s, weight+w
			}
			old, best = old+logged/weight, best+max(0, shown/weight)
		}
		return best/old - 1
	}
	low, high := 0.0, maxStrength
	for range halvings {
		if mid := (low + high) / 2; relative(mid) < gain {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// anyone draws the enterprise of a random decision.
func (p population) anyone(shares []float64, rng *rand.Rand) *enterprise {
	u := rng.Float64()
	for c := range p {
		if u -= shares[c]; u < 0 {
			return &p[c]
		}
	}
	return &p[len(p)-1]
}

// True returns the value per decision of the logging policy and of the policy that shows a suggestion where show says
// so: the mean over Config.Draws suggestions of the population of the exact expectation over text, developer and verdict.
//
// Show sees features as they leave: coarsen is applied to each feature by itself, once per level (it must treat
// features one by one; nil leaves them as they are). Show is called from several goroutines, with a map that it must
// neither change nor keep.
func (w *World) True(show func(features map[string]any) bool, coarsen func(map[string]any) map[string]any) (old, new float64) {
	const shards = 16 // fixed, so that the sum does not depend on the machine
	var olds, news [shards]float64
	boxes, mean := newVocabulary(coarsen), newAveraged()
	people := w.enterprises.honest()
	shares := people.shares()
	var wg sync.WaitGroup
	for k := range shards {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(0x7472757468, uint64(k)))
			features := make(map[string]any, 8)
			for range w.cfg.Draws / shards {
				e := people.anyone(shares, rng)
				d := e.draw(rng)
				o, s := e.worths(&d, w.strength*d.signal(), mean.sigmoid)
				olds[k] += o
				boxes.features(&d, features)
				if show(features) {
					news[k] += s
				}
			}
		})
	}
	wg.Wait()
	for k := range shards {
		old, new = old+olds[k], new+news[k]
	}
	n := float64(w.cfg.Draws / shards * shards)
	return old / n, new / n
}
