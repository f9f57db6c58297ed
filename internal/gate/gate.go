// SPDX-License-Identifier: Apache-2.0

// Package gate decides whether a candidate may become a release.
//
// Start from [Evaluate]: from decisions that the logging policy made with known probabilities, by developers whom the
// candidate has not learned from ([HeldOut]), it estimates what the candidate would gain, with an interval that treats a
// developer's decisions as one piece of evidence. It releases only where the one-sided 95 % lower bound of the gain is
// above zero and no guardrail is broken, and by more the more often it has looked ([Look]). Where there is too little to say it refuses before it looks at the gain, and says
// how much is missing. [Trial] does the same for developers drawn at random, [Compare] for tasks done under both; there
// is no other evidence. A [Report] is the record of all that, and [Decode] reads one.
//
// Nothing here signs, stores or sends: the hub does.
package gate

import (
	"fmt"
	"math"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// Options say what is judged, and how.
type Options struct {
	// Model and Snapshot are digests that are copied into the report.
	Model, Snapshot string
	// AsOf is the day of judging, counted from 1970-01-01: decisions of later days are left out. 0 is not known.
	AsOf int64
	// Reward says what a decision is worth; nil is reward.Immediate. Where it waits for what becomes of a decision, those
	// that are too young are left out, and the others stand for them.
	Reward *reward.Scorer
	// Explore is the share of decisions in which the candidate would take any action, each as likely as the next.
	Explore float64
	// Withheld is what contributors counted at home, of what they contributed and of what they did not.
	Withheld []Withheld
	// Look says which look this is at which claim; the zero Look that it is the only one that there will be.
	Look Look
}

// What there must be before the gate looks at the gain.
const (
	minDevelopers  = 100
	minSample      = 1000 // effective
	minSampleShare = 0.01
	maxHeaviest    = 0.01 // share of the weight of all decisions, one's
	maxSpoilt      = 0.05 // share of the decisions with any one thing wrong
	maxShare       = 0.05 // of the weight of all decisions, one developer's
	maxDrift       = 0.25 // population stability index
	minShown       = 10   // developers behind any number in the report
)

const method = "doubly robust, hidden reward 0; jackknife over developers (CR3), Student t"

// Evaluate judges a candidate on held-out decisions. A nil candidate stands for data from which none could be learned: it
// is refused, with all else that is missing.
func Evaluate(heldOut []dataset.Decision, candidate learn.Model, o Options) Report {
	r := o.report(Logged, method)
	s := judge(heldOut, candidate, o, &r)
	if s.tooLittle(&r, candidate); len(r.Reasons) > 0 {
		return r
	}
	s.conclude(&r)
	if r.Gain == nil {
		return r
	}
	if least := ope.Betting(s.ratio(gain, nil), 0.05); !math.IsInf(least, 0) {
		r.Finite = &least
	}
	r.WorstDecile = s.worstDecile()
	r.Choices = s.choices()
	r.Curve = s.curve()
	s.selection(o, &r)
	return r
}

// conclude looks at the gain, of all and of parts, at the guardrails, and decides.
func (s *sample) conclude(r *Report) {
	r.Gain, r.Old, r.New = s.difference(newValue, oldValue, nil), shown(s.ratio(oldValue, nil).Interval()), shown(s.ratio(newValue, nil).Interval())
	if r.Gain == nil || r.Old == nil || r.New == nil { // a ratio with no spread to speak of
		r.Gain, r.Old, r.New = nil, nil, nil
		r.refuse("gain", "the gain cannot be told from these decisions", 0, 0)
		return
	}
	r.weigh()
	r.Components = s.components()
	parts := s.split()
	r.Guardrails = s.guardrails(parts, r.Old.Estimate)
	r.Parts = s.gains(parts)
	r.decide()
}

// report begins a report: refused, until something is found that speaks for a release.
func (o *Options) report(d Design, method string) Report {
	spec := reward.Immediate()
	if o.Reward != nil {
		spec = o.Reward.Spec
	}
	r := Report{Format: reportFormat, Design: d, Method: method, Reward: spec.Name, Spec: spec.Digest(), Model: o.Model, Snapshot: o.Snapshot, AsOf: o.AsOf, Verdict: Refused}
	if o.Look.Number > 0 {
		r.Look = &Look{Kind: o.Look.Kind, Base: o.Look.Base, Number: o.Look.Number}
	}
	return r
}

// weigh fills in what follows from the gain and the old value.
func (r *Report) weigh() {
	if r.Old.Estimate > 0 {
		r.RelativeGain = r.Gain.Estimate / r.Old.Estimate
	}
	if r.Look != nil {
		r.Look.spend(*r.Gain)
	}
	r.Power = &Power{Detectable: r.Gain.Detectable()}
	if r.Gain.Estimate > 0 {
		n := float64(r.Gain.Developers)
		r.Power.Developers = int(math.Ceil(max(0, min(1e9, float64(n*r.Gain.Needed(r.Gain.Estimate))-n))))
	}
}

// decide gives the verdict: the gain's bound, and no broken guardrail.
func (r *Report) decide() {
	if bound := r.Certified(); !(bound > 0) {
		r.refuse("gain", fmt.Sprintf("the one-sided lower bound of the gain, sure by %s, is %.4f and must be above 0", r.sure(), bound), bound, 0)
	}
	for _, g := range r.Guardrails {
		switch {
		case g.State == Broken:
			r.refuse("guardrail", fmt.Sprintf("%s changes by %+.3f, of %+.3f allowed", g.label(), g.Difference.Estimate, g.Allowed), g.Difference.Estimate, g.Allowed)
		case g.State == Unsure && g.Required:
			r.refuse("guardrail", fmt.Sprintf("%s may change by more than the %+.3f allowed", g.label(), g.Allowed), g.Difference.Lower, g.Allowed)
		}
	}
	if len(r.Reasons) == 0 {
		r.Verdict = Released
	}
}

// refuse adds a reason.
func (r *Report) refuse(code, message string, have, need float64) {
	r.Reasons = append(r.Reasons, Reason{Code: code, Message: message, Have: have, Need: need, Missing: math.Abs(need - have)})
}

// need and most refuse by what there is too little or too much of.
func (r *Report) need(code string, have, need float64, format string) {
	if have < need {
		r.refuse(code, fmt.Sprintf(format, have, need), have, need)
	}
}

func (r *Report) most(code string, have, most float64, format string) {
	if have > most {
		r.refuse(code, fmt.Sprintf(format, have, most), have, most)
	}
}

func (r *Report) note(code string, count int, format string) {
	if count > 0 {
		r.Notes = append(r.Notes, Note{Code: code, Count: count, Message: fmt.Sprintf(format, count)})
	}
}

func (g *Guardrail) label() string {
	if g.By == "" {
		return g.Name
	}
	return g.Name + " of " + g.By + " " + g.Part
}
