// SPDX-License-Identifier: Apache-2.0

package bandit

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/hashed"
)

const (
	minUsed = 200 // fewer decisions than that teach nothing
	passes  = 4   // over the decisions
	largest = 0.2 // the share for which one developer's decisions may count at most
	// likeliness bounds one over a propensity, by which a decision counts: else a few that were next to never made would rule all
	// others. What is cut off makes what is seldom done look more like what else is known of it (Ionides, "Truncated importance
	// sampling", 2008). The gate cuts nothing.
	likeliness = 100
)

// Report says what a fit saw.
type Report struct {
	Reward     string         `json:"reward"`
	Rows       int            `json:"rows"` // given
	Used       int            `json:"used"`
	Developers int            `json:"developers"` // behind the used ones
	Actions    map[string]int `json:"actions"`    // how often each was taken
	// LeftOut counts, by reason, what was not learned from.
	LeftOut map[string]int `json:"left_out,omitempty"`
	// Capped are the developers whose decisions count for less, so that none counts for more than a fifth.
	Capped int `json:"capped,omitempty"`
	// Cut are the decisions that were so unlikely that they count a hundredfold and no more; CutShare is what that took, of the weight
	// of all.
	Cut      int     `json:"cut,omitempty"`
	CutShare float64 `json:"cut_share,omitzero"`
	// Mean is the reward of what was done. Progressive is that of always taking what the route thought best before it learned
	// from the decision, over the decisions where that was done, weighted by one over the propensity.
	Mean        float64 `json:"mean"`
	Progressive float64 `json:"progressive"`
}

// row is a decision to learn from.
type row struct {
	context    []Feature
	actions    [][]Feature
	chosen     int
	propensity float64
	reward     float64
	of         person
}

type person struct{ contributor, developer string }

// Fit learns a route from decisions among actions whose propensities were logged. Of gives a decision's reward, under the
// named spec. A decision without actions, without a propensity in (0, 1] of what was chosen, with one that was not among
// its actions, or that is there again with another reward, is left out and counted.
func Fit(rows []dataset.Decision, reward string, of func(*dataset.Decision) (float64, bool)) (*Route, Report, error) {
	report := Report{Reward: reward, Rows: len(rows), Actions: map[string]int{}, LeftOut: map[string]int{}}
	torn := contradicted(rows, of)
	known, from := map[string]bool{}, map[person]int{}
	var used []row
	for i := range rows {
		d := &rows[i]
		r, why := read(d, of, torn)
		if why != "" {
			report.LeftOut[why]++
			continue
		}
		for j := range d.Actions {
			known[d.Actions[j].ID] = true
		}
		report.Actions[d.Chosen]++
		from[r.of]++
		used = append(used, r)
	}
	report.Used, report.Developers = len(used), len(from)
	if len(used) < minUsed || len(report.Actions) < 2 || len(known) > maxActions {
		return nil, report, &episode.Problem{Code: "learn/too-little",
			Message: fmt.Sprintf("%d decisions, in which %d of %d actions were taken, are not enough to learn from", len(used), len(report.Actions), len(known)),
			Hint:    fmt.Sprintf("at least %d are needed, each with what else could have been done and how likely it was, and at most %d actions", minUsed, maxActions)}
	}
	maps.DeleteFunc(known, func(id string, _ bool) bool { return report.Actions[id] == 0 }) // of what was never taken nothing is known
	l, err := New(Options{Bits: maxBits, Estimator: MTR, MaxWeight: likeliness})
	if err != nil {
		return nil, report, err
	}
	report.learn(l, used, from)
	out := &Route{Format: RouteFormat, Reward: reward, Bits: maxBits, Actions: slices.Sorted(maps.Keys(known)), Slots: []uint32{}, Weights: []float32{}}
	for at := range uint32(1 << maxBits) {
		if w := l.model.Weight(at); w != 0 {
			out.Slots, out.Weights = append(out.Slots, at), append(out.Weights, w)
		}
	}
	out.index()
	return out, report, out.check()
}

// learn passes over the rows, and says how it went.
func (report *Report) learn(l *Learner, used []row, from map[person]int) {
	most := CapOf(slices.Collect(maps.Values(from)))
	for _, n := range from {
		if float64(n) > most {
			report.Capped++
		}
	}
	var values []float64
	var sum, agreed, weights, all, off float64
	for pass := range passes {
		for i := range used {
			r := &used[i]
			weight := min(1, most/float64(from[r.of]))
			if pass == 0 {
				sum += r.reward
				all += 1 / r.propensity
				if over := 1/r.propensity - likeliness; over > 0 {
					report.Cut++
					off += over
				}
				values = l.Values(values[:0], r.context, r.actions)
				if Best(values) == r.chosen {
					w := min(1/r.propensity, likeliness)
					agreed += float64(w * r.reward)
					weights += w
				}
			}
			l.learn(r.context, r.actions, r.chosen, r.propensity, r.reward, weight)
		}
	}
	report.Mean, report.CutShare = sum/float64(len(used)), off/all
	if weights > 0 {
		report.Progressive = agreed / weights
	}
}

// CapOf is how many decisions a developer may count for, so that none has more than a fifth of all that count; without bound
// where there are too few developers for that. Each is how many each has; it is sorted.
func CapOf(each []int) float64 {
	slices.SortFunc(each, func(a, b int) int { return b - a })
	rest := 0.0
	for _, n := range each {
		rest += float64(n)
	}
	for k, n := range each {
		left := 1 - float64(float64(k)*largest) // of the whole, with k at the cap
		if left < 1e-9 {
			break
		}
		if most := largest * rest / left; float64(n) <= most {
			return most
		}
		rest -= float64(n)
	}
	return math.Inf(1)
}

// read makes a row of a decision, or says why not.
func read(d *dataset.Decision, of func(*dataset.Decision) (float64, bool), torn map[string]bool) (r row, why string) {
	reward, ok := of(d)
	switch {
	case !ok || math.IsNaN(reward) || math.IsInf(reward, 0):
		return r, "without a reward"
	case len(d.Actions) < 2:
		return r, "without a choice"
	case d.Choice() != dataset.AmongOptions:
		return r, "a choice of another kind"
	case d.DecisionID != "" && torn[d.DecisionID]:
		return r, "contradicting itself"
	}
	r = row{chosen: -1, reward: reward, of: person{d.Contributor, d.Developer}, context: hashed.Append(nil, groupContext, d.Features)}
	sum := 0.0
	for i := range d.Actions {
		a := &d.Actions[i]
		if a.ID == "" || len(a.ID) > maxName {
			return r, "an action without a good id"
		}
		if a.ID == d.Chosen {
			r.chosen, r.propensity = i, a.Propensity
		}
		sum += a.Propensity
		r.actions = append(r.actions, appendAction(nil, a))
	}
	switch {
	case r.chosen < 0:
		return r, "chosen is not among the actions"
	case !(r.propensity > 0 && r.propensity <= 1):
		return r, "propensity of what was chosen is not in (0, 1]"
	case !(math.Abs(sum-1) < 0.01): // they leave in steps
		return r, "propensities do not sum to 1"
	}
	return r, ""
}

// contradicted are the ids of decisions that are there more than once, with rewards that differ.
func contradicted(rows []dataset.Decision, of func(*dataset.Decision) (float64, bool)) map[string]bool {
	first, torn := map[string]float64{}, map[string]bool{}
	for i := range rows {
		id := rows[i].DecisionID
		if id == "" {
			continue
		}
		v, ok := of(&rows[i])
		if !ok {
			continue
		}
		if before, again := first[id]; again && before != v {
			torn[id] = true
		}
		first[id] = v
	}
	return torn
}
