// SPDX-License-Identifier: Apache-2.0

// Package learn turns decisions into control models: what a release holds, and what moves a tool's lever.
//
// Every control model chooses among actions, and says so by [Model]: what each is worth in a context, in the unit of
// the reward that it was learned for. A filter's actions are to show a suggestion or to hide it. [Decode] reads any
// model file; [Greedy] chooses by what it says. Start from [Fit]: it learns a [Filter] by a ridge logistic regression.
//
// The same rows in the same order give the same model file, byte for byte. Nothing here decides what is released
// (package release does) or who is paid for it (package value).
package learn

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/reward"
)

// Options say how to learn; the zero value is right for most.
type Options struct {
	// Penalty is the ridge on each standardised weight; 1 when zero.
	Penalty float64
	// Crosses are pairs of a listed feature and a number whose effect may differ from value to value. Nil means
	// language × mean_logprob: how far a model's own certainty can be trusted depends on the language.
	Crosses []Cross
}

// Report says what a fit saw.
type Report struct {
	Reward     string         `json:"reward"`
	Rows       int            `json:"rows"`       // given
	Used       int            `json:"used"`       // shown, with a reward
	Developers int            `json:"developers"` // behind the used ones
	Hidden     int            `json:"hidden"`     // not used: what was hidden has reward 0 whatever the features
	LeftOut    map[string]int `json:"left_out,omitempty"`
	Rate       float64        `json:"rate"`     // share of the used ones that paid
	LogLoss    float64        `json:"log_loss"` // on the used ones, beside that of the rate alone
	BaseLoss   float64        `json:"base_loss"`
	Steps      int            `json:"steps"` // of Newton's method
}

const (
	minUsed   = 50  // fewer shown decisions than that teach nothing
	maxWeight = 100 // of one decision
)

// Fit learns a filter from the decisions that were shown and have a reward.
//
// Each is weighted by one over the probability with which it was shown. Without that, the filter would learn the
// chance of being taken among what the logging policy chose to show, and that policy may know more than the features
// say (it saw the text). A decision that was shown for sure, or by a policy that did not say, has weight 1. What was
// hidden needs no model: its reward is 0.
func Fit(rows []dataset.Decision, o Options) (*Filter, Report, error) {
	spec := reward.Immediate()
	report := Report{Reward: spec.Name, Rows: len(rows), LeftOut: map[string]int{}}
	people, met := dataset.ByDeveloper(rows), map[int]bool{}
	var used []sample
	var paid, total float64
	for i := range rows {
		d := &rows[i]
		_, ok := spec.Of(d)
		switch {
		case !ok:
			report.LeftOut[string(d.Verdict)+" by "+string(d.By)]++
			continue
		case !d.Shown:
			report.Hidden++
			continue
		}
		s := sample{features: d.Features, weight: 1, taken: reward.Taken(d)}
		if d.Logged && d.PropensityShow > 0 {
			s.weight = min(1/d.PropensityShow, maxWeight)
		}
		if total += s.weight; s.taken {
			paid += s.weight
		}
		used = append(used, s)
		met[people.Of[i]] = true
	}
	report.Used, report.Developers = len(used), len(met)
	if len(used) < minUsed || paid == 0 || paid == total {
		return nil, report, &episode.Problem{Code: "learn/too-little",
			Message: fmt.Sprintf("%d shown decisions with a reward are too few, or all alike, to learn from", len(used)),
			Hint:    fmt.Sprintf("at least %d are needed, some taken and some not", minUsed)}
	}
	report.Rate = paid / total
	report.BaseLoss = -report.Rate*math.Log(report.Rate) - (1-report.Rate)*math.Log(1-report.Rate)
	if o.Penalty <= 0 {
		o.Penalty = 1
	}
	if o.Crosses == nil {
		o.Crosses = []Cross{{Enum: "language", Number: "mean_logprob"}}
	}
	f := &Filter{Format: filterFormat, Reward: spec.Name, Threshold: spec.Threshold()}
	f.vocabulary(used, o.Crosses)
	f.index()
	f.Weights, report.LogLoss, report.Steps = newton(f, used, o.Penalty, math.Log(report.Rate/(1-report.Rate)))
	return f, report, nil
}

// sample is one decision to learn from.
type sample struct {
	features map[string]any
	weight   float64
	taken    bool
}

// vocabulary fits what the filter may look at: every feature of the samples, by name, with the scale of each number and
// the values of each listed one. A value that fewer than minSeen samples have is not told apart from an unknown one.
func (f *Filter) vocabulary(used []sample, crosses []Cross) {
	numbers, bools, enums := map[string][]float64{}, map[string]bool{}, map[string]map[string]int{}
	for _, s := range used {
		for name, v := range s.features {
			switch v := v.(type) {
			case float64:
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					numbers[name] = append(numbers[name], squash(v))
				}
			case bool:
				bools[name] = true
			case string:
				if enums[name] == nil {
					enums[name] = map[string]int{}
				}
				enums[name][v]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if n, ok := scale(name, numbers[name], len(used)); ok && len(f.Numbers) < maxNumbers {
			f.Numbers = append(f.Numbers, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bools)) {
		if len(f.Bools) < maxBools {
			f.Bools = append(f.Bools, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(enums)) {
		if e := (Enum{Name: name, Values: common(enums[name])}); len(e.Values) > 0 && len(f.Enums) < maxEnums {
			f.Enums = append(f.Enums, e)
		}
	}
	for _, c := range crosses {
		if f.enum(c.Enum) >= 0 && f.number(c.Number) >= 0 && len(f.Crosses) < maxCrosses {
			f.Crosses = append(f.Crosses, c)
		}
	}
}

const minSeen = 20

// scale standardises a number and puts a knot at each quartile, where its effect may bend.
func scale(name string, v []float64, all int) (Number, bool) {
	slices.Sort(v)
	var sum, squares float64
	for _, x := range v {
		sum += x
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	n := Number{Name: name, Mean: mean, Scale: math.Sqrt(squares / float64(len(v))), Gaps: len(v) < all}
	if n.Scale < 1e-9 || len(v) < minSeen {
		return n, false // always the same, or hardly ever there
	}
	for _, q := range []int{1, 2, 3} {
		knot := (v[len(v)*q/4] - mean) / n.Scale
		if k := len(n.Knots); knot < (v[len(v)-1]-mean)/n.Scale && knot > (v[0]-mean)/n.Scale && (k == 0 || knot > n.Knots[k-1]) {
			n.Knots = append(n.Knots, knot)
		}
	}
	return n, true
}

// common returns the values seen often, sorted; the most frequent where there are too many.
func common(seen map[string]int) []string {
	values := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b))
	})
	n := 0
	for n < len(values) && n < maxValues && seen[values[n]] >= minSeen {
		n++
	}
	slices.Sort(values[:n])
	return values[:n:n]
}
