// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"time"

	"github.com/headrace/headrace/episode"
)

// routed is one of the models that requests can be routed to: how much likelier its suggestions are taken, in logits, by
// language and by how much stands before the cursor. None is best everywhere, and the one most used is best nowhere.
type routed struct {
	name      string
	share     float64    // of the requests, by the logging policy
	language  [6]float64 // as in languages
	perPrefix float64    // more, for each deviation of the number of characters before the cursor
}

func routes() []routed {
	return []routed{
		{"demo-large", 0.55, [...]float64{0.1, 0.1, 0.2, 0.1, 0.1, 0.0}, 0.1},
		{"demo-small", 0.15, [...]float64{0.5, 0.4, -0.4, 0.2, -0.9, -0.6}, -0.5},
		{"demo-systems", 0.15, [...]float64{-0.5, -0.6, 0.0, 0.9, 1.1, -0.4}, 0.2},
		{"demo-data", 0.15, [...]float64{0.3, -0.5, -0.2, -0.6, -0.7, 1.3}, 0.5},
	}
}

const routeStrength = 0.7 // of what the features say about any suggestion

// accept is the probability that a suggestion of the model is taken, in expectation over its text.
func (r *routed) accept(e *enterprise, d *draw, intercept float64, sigmoid func(float64) float64) float64 {
	const levels = 12
	prefix := (float64(d.prefix) - (levels-1)/2.0) / (levels / 3.46)
	signal := routeStrength*d.signal() + r.language[d.language] + r.perPrefix*prefix
	return goodText*e.accept(signal, intercept, true, sigmoid) + (1-goodText)*e.accept(signal, intercept, false, sigmoid)
}

// RouteModels are the models that [World.Routed] chooses among, and with what probability each; the sums are 1.
func (w *World) RouteModels() (names []string, propensities []float64) {
	for _, r := range routes() {
		names, propensities = append(names, r.name), append(propensities, r.share)
	}
	return names, propensities
}

// Routed streams a contributor's episodes where what is chosen is the model to ask: every suggestion is shown, each decision
// has the models as its actions, and the reward of the moment is what counts. There is no text.
func (w *World) Routed(contributor string, emit func(*episode.Episode) error) error {
	c, err := w.index(contributor)
	if err != nil {
		return err
	}
	vocabulary, models := newVocabulary(nil), routes()
	var actions []episode.Action
	for _, r := range models {
		actions = append(actions, episode.Action{ID: r.name, Features: map[string]any{"model": r.name}, Propensity: r.share})
	}
	start := time.Date(2026, 9, 7, 8, 0, 0, 0, time.UTC).AddDate(0, 0, w.cfg.Period*days)
	e := &w.enterprises[c]
	for i := range w.developers[c] {
		d := &w.developers[c][i]
		rng := rand.New(rand.NewPCG(uint64(w.cfg.Seed)^0x726f757465, uint64(c)<<32|uint64(i)<<2|uint64(w.cfg.Period)<<56))
		for n := range d.decisions {
			ev := event{n: n, draw: e.draw(rng), shown: true, propensity: 1, verdict: episode.Ignored, by: episode.ByUnknown}
			ev.at = start.AddDate(0, 0, n*days/d.decisions).Add(time.Duration(rng.Int64N(int64(9 * time.Hour)))).Truncate(time.Millisecond)
			k, u := 0, rng.Float64()
			for ; k < len(models)-1 && u >= models[k].share; k++ {
				u -= models[k].share
			}
			if rng.Float64() < models[k].accept(e, &ev.draw, d.intercept, logistic) {
				ev.verdict, ev.by = episode.Accepted, episode.ByPerson
			}
			ep := w.episode(c, d, &ev)
			ep.ID = episode.NewID("demo", ep.ID+"#routed")
			ep.Model.Name = models[k].name
			ep.Suggestions[0].Propensity = models[k].share
			ep.Suggestions[0].Features = make(map[string]any, 8)
			vocabulary.features(&ev.draw, ep.Suggestions[0].Features)
			dec := &ep.Decisions[0]
			dec.DecisionID, dec.Actions, dec.Chosen = dec.DecisionID+"r", actions, models[k].name
			if err := emit(ep); err != nil {
				return err
			}
		}
	}
	return nil
}

// TrueRoute returns the value per decision, in the reward of the moment, of the logging policy, of the best choice by what the
// features say, and of the policy that chooses by name: as [World.True] does. A name that is no model's counts as the first.
func (w *World) TrueRoute(choose func(features map[string]any) string) (old, best, new float64) {
	const seed = 0x726f757465
	rng, mean, boxes := rand.New(rand.NewPCG(seed, 0)), newAveraged(), newVocabulary(nil)
	people, models := w.enterprises.honest(), routes()
	shares, features := people.shares(), make(map[string]any, 8)
	n := max(w.cfg.Draws, 1)
	worth := make([]float64, len(models))
	for range n {
		// What a policy can know is the mean over those who would have been asked this: the contributor is no feature.
		d := people.anyone(shares, rng).draw(rng)
		weight := 0.0
		clear(worth)
		for c := range people {
			share := shares[c] * people[c].languages[d.language]
			weight += share
			for k := range models {
				worth[k] += share * (models[k].accept(&people[c], &d, 0, mean.sigmoid) - cost)
			}
		}
		boxes.features(&d, features)
		name, chosen, top := choose(features), 0, worth[0]
		for k := range models {
			old += models[k].share * worth[k] / weight
			top = max(top, worth[k])
			if models[k].name == name {
				chosen = k
			}
		}
		best, new = best+top/weight, new+worth[chosen]/weight
	}
	return old / float64(n), best / float64(n), new / float64(n)
}
