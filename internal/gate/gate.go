// SPDX-License-Identifier: Apache-2.0

// Package gate decides whether a candidate may become a release.
//
// Start from [Evaluate]: from decisions that the logging policy made with known probabilities, by developers whom the
// candidate has not learned from ([HeldOut]), it estimates what the candidate would gain, with an interval that treats a
// developer's decisions as one piece of evidence. It releases only where the one-sided 95 % lower bound of the gain is
// above zero. Where there is too little to say it refuses before it looks at the gain, and says how much is missing. A
// [Report] is the record of all that.
//
// Nothing here signs, stores or sends: the hub does.
package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// Options name what is judged; both digests are copied into the report.
type Options struct{ Model, Snapshot string }

// What there must be before the gate looks at the gain.
const (
	minDevelopers   = 100
	minSample       = 1000 // effective
	minSampleShare  = 0.05
	maxWeight       = 100
	minPropensities = 0.95 // share of the held-out decisions that say with what probability they were shown
	minShown        = 10   // developers behind any number in the report
)

const method = "doubly robust, hidden reward 0; jackknife over developers (CR3), Student t"

// Evaluate judges a filter on held-out decisions. A nil filter stands for data from which none could be learned: it is
// refused, with all else that is missing.
func Evaluate(heldOut []dataset.Decision, f *learn.Filter, o Options) Report {
	r := Report{Format: reportFormat, Design: "logged", Method: method, Reward: reward.Immediate().Name, Model: o.Model, Snapshot: o.Snapshot}
	rows := judge(heldOut, f, &r.Data)
	r.Reasons = tooLittle(&r.Data, f)
	if len(r.Reasons) > 0 {
		r.Verdict = Refused
		return r
	}
	all := func(*judged) bool { return true }
	r.Gain = rows.gain(f.Threshold, all)
	r.Old = rows.value(all, func(j *judged) (from, to float64) { return 0, j.propensity })
	r.New = rows.value(all, func(j *judged) (from, to float64) { return 0, j.shows(f.Threshold) })
	if r.Gain == nil || r.Old == nil || r.New == nil { // a ratio with no spread to speak of: one cluster holds all the rows
		r.Verdict, r.Reasons = Refused, []Reason{{Code: "gain", Message: "the gain cannot be told from these decisions"}}
		r.Gain, r.Old, r.New = nil, nil, nil
		return r
	}
	if r.Old.Estimate > 0 {
		r.RelativeGain = r.Gain.Estimate / r.Old.Estimate
	}
	r.Guardrails = rows.guardrails(f.Threshold)
	r.Curve = rows.curve()
	r.Parts = rows.parts(f.Threshold)
	r.Verdict = Released
	if !(r.Gain.Bound > 0) {
		r.Verdict = Refused
		r.Reasons = []Reason{{Code: "gain", Have: r.Gain.Bound, Need: 0, Missing: -r.Gain.Bound,
			Message: fmt.Sprintf("the one-sided 95 %% lower bound of the gain is %.4f and must be above 0", r.Gain.Bound)}}
	}
	return r
}

// judged is one decision that can be judged by.
type judged struct {
	d          *dataset.Decision
	cluster    int
	reward     float64
	accept     float64 // the filter's probability that it is taken
	expected   float64 // and the reward of showing it by that
	propensity float64
}

// shows is the probability, 0 or 1, with which the filter at a threshold shows the suggestion.
func (j *judged) shows(threshold float64) float64 {
	if j.accept > threshold {
		return 1
	}
	return 0
}

type judgedRows struct {
	rows     []judged
	clusters int
}

// judge keeps the decisions that can be judged by, and counts the others.
func judge(heldOut []dataset.Decision, f *learn.Filter, data *Data) judgedRows {
	spec, clusters := reward.Immediate(), dataset.ByDeveloper(heldOut)
	data.Decisions, data.LeftOut = len(heldOut), map[string]int{}
	out := judgedRows{make([]judged, 0, len(heldOut)), clusters.N}
	seen := make([]bool, clusters.N)
	var sum, squares float64
	for i := range heldOut {
		d := &heldOut[i]
		j := judged{d: d, cluster: clusters.Of[i], propensity: d.PropensityShow}
		var rewarded, show bool
		if j.reward, rewarded = spec.Of(d); !rewarded {
			data.LeftOut[string(d.Verdict)+" by "+string(d.By)]++
			continue
		}
		if !d.Logged || d.Shown && d.PropensityShow == 0 {
			data.WithoutPropensity++
			continue
		}
		if f != nil {
			show, j.accept = f.Decide(d.Features)
			j.expected = spec.Expected(j.accept)
		}
		switch {
		case show && d.PropensityShow == 0:
			data.Unsupported++
		case show && d.Shown:
			w := 1 / d.PropensityShow
			sum, squares, data.MaxWeight = sum+w, squares+w*w, max(data.MaxWeight, w)
		}
		if !seen[j.cluster] {
			seen[j.cluster] = true
			data.Developers++
		}
		out.rows = append(out.rows, j)
	}
	if data.Judged = len(out.rows); squares > 0 {
		data.EffectiveSample = sum * sum / squares
	}
	return out
}

// tooLittle returns what the data lacks before the gain may be looked at.
func tooLittle(data *Data, f *learn.Filter) (reasons []Reason) {
	need := func(code string, have, need float64, format string) {
		if have < need {
			reasons = append(reasons, Reason{Code: code, Have: have, Need: need, Missing: need - have, Message: fmt.Sprintf(format, have, need)})
		}
	}
	if f == nil {
		reasons = append(reasons, Reason{Code: "no-candidate", Message: "there was too little to learn a filter from", Need: 1, Missing: 1})
	}
	need("developers", float64(data.Developers), minDevelopers, "%.0f held-out developers with decisions to judge by, of %.0f needed")
	rewarded := data.Judged + data.WithoutPropensity
	need("propensity", float64(data.Judged), math.Ceil(minPropensities*float64(max(rewarded, 1))),
		"%.0f decisions say with what probability they were shown, of %.0f needed")
	need("sample", data.EffectiveSample, max(minSample, minSampleShare*float64(data.Judged)),
		"the decisions count as %.0f independent ones under the candidate, of %.0f needed")
	if data.MaxWeight > maxWeight {
		reasons = append(reasons, Reason{Code: "weight", Have: data.MaxWeight, Need: maxWeight, Missing: data.MaxWeight - maxWeight,
			Message: fmt.Sprintf("one decision would count %.0f-fold, of %d allowed", data.MaxWeight, maxWeight)})
	}
	if data.Unsupported > 0 {
		n := float64(data.Unsupported)
		reasons = append(reasons, Reason{Code: "support", Have: n, Need: 0, Missing: n,
			Message: fmt.Sprintf("the candidate would show %.0f suggestions that were never shown", n)})
	}
	return reasons
}

// value is the mean doubly robust term of going from one probability of showing to another.
func (r *judgedRows) value(in func(*judged) bool, change func(*judged) (from, to float64)) *ope.Interval {
	return r.ratio(func(j *judged) (y, x float64) {
		if !in(j) {
			return 0, 0
		}
		from, to := change(j)
		return ope.Shift(j.d.Shown, j.reward, j.expected, j.propensity, from, to), 1
	})
}

// gain is V(new) − V(old) at a threshold.
func (r *judgedRows) gain(threshold float64, in func(*judged) bool) *ope.Interval {
	return r.value(in, func(j *judged) (from, to float64) { return j.propensity, j.shows(threshold) })
}

// ratio estimates a mean of y over x; rows with both zero do not count. It is nil where fewer than 10 developers stand
// behind it, or nothing can be said.
func (r *judgedRows) ratio(terms func(*judged) (y, x float64)) *ope.Interval {
	sums := ope.NewRatio(r.clusters)
	for i := range r.rows {
		if y, x := terms(&r.rows[i]); x != 0 || y != 0 {
			sums.Add(r.rows[i].cluster, y, x)
		}
	}
	if iv, ok := sums.Interval(); ok && iv.Developers >= minShown {
		return &iv
	}
	return nil
}

func (r *judgedRows) guardrails(threshold float64) []Guardrail {
	yes := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	weight := func(j *judged) float64 { // of a shown decision, under the new policy
		if !j.d.Shown {
			return 0
		}
		return j.shows(threshold) / j.propensity
	}
	took := func(j *judged) float64 { return yes(j.reward > 0) }
	return []Guardrail{
		{"show_rate", r.ratio(func(j *judged) (y, x float64) { return yes(j.d.Shown), 1 }),
			r.ratio(func(j *judged) (y, x float64) { return j.shows(threshold), 1 })},
		{"accept_rate", r.ratio(func(j *judged) (y, x float64) { return took(j), yes(j.d.Shown) }),
			r.ratio(func(j *judged) (y, x float64) { return weight(j) * took(j), weight(j) })},
		{"accepts_kept", nil, r.ratio(func(j *judged) (y, x float64) { return j.shows(threshold) * took(j), took(j) })},
	}
}

// curve is the gain at thresholds from 0 (show all) to 0.6.
func (r *judgedRows) curve() (points []Point) {
	for _, threshold := range []float64{0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50, 0.60} {
		shown := 0.0
		for i := range r.rows {
			shown += r.rows[i].shows(threshold)
		}
		if gain := r.gain(threshold, func(*judged) bool { return true }); gain != nil {
			points = append(points, Point{threshold, shown / float64(len(r.rows)), *gain})
		}
	}
	return points
}

// parts is the gain by contributor and by language.
func (r *judgedRows) parts(threshold float64) (parts []Part) {
	for _, by := range []struct {
		name string
		of   func(*judged) string
	}{
		{"contributor", func(j *judged) string { return j.d.Contributor }},
		{"language", func(j *judged) string { s, _ := j.d.Features["language"].(string); return s }},
	} {
		seen := map[string]bool{}
		for i := range r.rows {
			name := by.of(&r.rows[i])
			if name == "" || seen[name] {
				continue
			}
			seen[name] = true
			if gain := r.gain(threshold, func(j *judged) bool { return by.of(j) == name }); gain != nil {
				parts = append(parts, Part{by.name, name, *gain})
			}
		}
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Or(cmp.Compare(a.By, b.By), cmp.Compare(a.Name, b.Name)) })
	return parts
}
