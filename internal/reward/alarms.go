// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"fmt"
	"math"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
)

// Alarm is one way in which a release may gain reward and be of no use, and how it stands with that. Rewarded by what people
// do, tools have learned to call their own tools wrongly where what follows would be judged, to ask needlessly and put the
// judgement off (both: Cursor, "Improving Composer through real-time RL", 2026), to suggest what is short and easy
// (GitHub, "The road to better completions", 2025), to undo what was written (Zed, "How we developed Zeta2", 2026), and to
// show next to nothing.
type Alarm struct {
	// Code is "broken-calls", "questions", "short-and-easy", "undone" or "show-rate".
	Code string `json:"code"`
	// What says in a sentence what is measured.
	What string `json:"what"`
	// Release and Base are what is measured, under the release and under what it is compared with; nil where fewer than 10
	// developers stand behind it or nothing of the kind is recorded, as tools' calls are at level signal.
	Release *ope.Interval `json:"release,omitempty"`
	Base    *ope.Interval `json:"base,omitempty"`
	// Change is how much higher the release's is, of "show-rate" and "short-and-easy" as a share of the base; Lower and Upper
	// are its two-sided 95 % interval.
	Change float64 `json:"change"`
	Lower  float64 `json:"lower"`
	Upper  float64 `json:"upper"`
	// Limit is what the change may be; beyond it, with all of its interval, the alarm is raised.
	Limit  float64 `json:"limit"`
	Raised bool    `json:"raised"`
	// Unknown says why nothing can be said; empty where something can.
	Unknown string `json:"unknown,omitzero"`
}

const (
	fewest = 10  // developers behind any figure
	gone   = 0.9 // of a text changed, or no longer there: it is undone

	maxBroken    = 0.02  // of the calls
	maxQuestions = 0.05  // an episode
	maxUndone    = 0.03  // of what was taken
	minLength    = -0.15 // of the length
	minShown     = -0.5  // of the share shown
)

// Alarms compares the decisions of one release with those of another, or of the logging policy, by name; with no name, with those
// that an edge was asked for before there was any. It counts each developer as one piece of evidence. The order is always the
// same.
func Alarms(rows []dataset.Decision, release, base string) []Alarm {
	people := dataset.ByDeveloper(rows)
	measure := func(of func(*dataset.Decision) (y, x float64)) (now, was *ope.Interval) {
		var sums [2]*ope.Ratio
		for i := range sums {
			sums[i] = ope.NewRatio(people.N)
		}
		for i := range rows {
			d := &rows[i]
			if d.Release == "" && d.DecisionID == "" {
				continue // a tool that asks nobody: it is not what any release is compared with
			}
			side := 0
			switch d.Release {
			case release:
			case base:
				side = 1
			default:
				continue
			}
			if y, x := of(d); x > 0 {
				sums[side].Add(people.Of[i], y, x)
			}
		}
		return enoughPeople(sums[0]), enoughPeople(sums[1])
	}
	alarm := func(code, what string, limit float64, relative bool, of func(*dataset.Decision) (y, x float64)) Alarm {
		a := Alarm{Code: code, What: what, Limit: limit}
		a.Release, a.Base = measure(of)
		a.compare(relative)
		a.Raised = a.Unknown == "" && (limit > 0 && a.Lower > limit || limit < 0 && a.Upper < limit)
		return a
	}
	all := []Alarm{
		alarm("broken-calls", "share of the tool's own calls that failed", maxBroken, false, func(d *dataset.Decision) (y, x float64) { return float64(d.Errors), float64(d.Calls) }),
		alarm("questions", "bare questions to the developer, of the tool's acts", maxQuestions, false, func(d *dataset.Decision) (y, x float64) {
			return float64(d.Questions), float64(d.Calls) + float64(d.Questions)
		}),
		alarm("short-and-easy", "mean length of what is shown, which counts where it falls and more is taken", minLength, true, func(d *dataset.Decision) (y, x float64) {
			return math.Log1p(float64(d.Chars)), float64(bit(d.Shown && d.Chars > 0))
		}),
		alarm("undone", "share of what was taken that was undone, or hardly anything is left of", maxUndone, false, func(d *dataset.Decision) (y, x float64) {
			return undone(d)
		}),
		alarm("show-rate", "share of the suggestions that are shown", minShown, true, func(d *dataset.Decision) (y, x float64) { return float64(bit(d.Shown)), 1 }),
	}
	// Short suggestions alone are no harm: it is one where they are what makes people accept.
	taken := alarm("", "", math.SmallestNonzeroFloat64, false, func(d *dataset.Decision) (y, x float64) {
		return float64(bit(Taken(d))), float64(bit(d.Shown && labelled(d)))
	})
	all[2].Raised = all[2].Raised && taken.Raised
	return all
}

// enoughPeople is the interval of a mean, nil where too few developers stand behind it.
func enoughPeople(r *ope.Ratio) *ope.Interval {
	if iv, ok := r.Interval(); ok && iv.Developers >= fewest {
		return &iv
	}
	return nil
}

// compare fills in the change. The same developers may stand on both sides, and then vary together: to treat the two as
// independent makes the interval wider than it need be, not narrower.
func (a *Alarm) compare(relative bool) {
	switch {
	case a.Release == nil:
		a.Unknown = fmt.Sprintf("fewer than %d developers had this release and recorded it", fewest)
		return
	case a.Base == nil:
		a.Unknown = fmt.Sprintf("fewer than %d developers had what it is compared with and recorded it", fewest)
		return
	}
	now, was := a.Release, a.Base
	se := math.Hypot(now.SE, was.SE)
	a.Change = now.Estimate - was.Estimate
	switch {
	case a.Code == "short-and-easy": // means of logarithms: their difference is a share
		a.Change, a.Lower, a.Upper = math.Expm1(a.Change), math.Expm1(a.Change-float64(two*se)), math.Expm1(a.Change+float64(two*se))
		return
	case relative && was.Estimate <= 0:
		a.Unknown = "there was nothing of it before"
		a.Change = 0
		return
	case relative: // the delta method
		ratio := now.Estimate / was.Estimate
		se = math.Hypot(now.SE, float64(ratio*was.SE)) / was.Estimate
		a.Change = ratio - 1
	}
	a.Lower, a.Upper = a.Change-float64(two*se), a.Change+float64(two*se)
}

const two = 1.959963984540054 // the normal's 97.5 % point

// undone reports, of a suggestion that was taken and of which something is known, whether it came to nothing.
func undone(d *dataset.Decision) (yes, counts float64) {
	if !d.Shown || !Taken(d) {
		return 0, 0
	}
	known, is := d.EditDistance != nil, d.EditDistance != nil && *d.EditDistance >= gone
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		if _, f := offset(d, o); f != fine {
			continue
		}
		switch o.Kind {
		case episode.OutcomeReverted:
			known, is = true, is || o.Value >= gone
		case episode.OutcomeKept:
			known, is = true, is || o.Value <= 1-gone
		case episode.OutcomeCommitted, episode.OutcomeMerged:
			known = true
		}
	}
	return float64(bit(is)), float64(bit(known))
}
