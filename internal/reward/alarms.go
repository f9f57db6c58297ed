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
	// Release and Base are what is measured, under the release and under what it is compared with, as if both had been asked as often at
	// each contributor on each day; nil where fewer than 10 developers stand behind either or nothing of the kind is recorded, as tools'
	// calls are at level signal.
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
// that an edge was asked for before there was any. Like is compared with like, decisions at one contributor on one day ([ope.Matched]):
// to whom a release came, and when, is nothing that it does. Each developer counts as one piece of evidence. The order is always
// the same.
func Alarms(rows []dataset.Decision, release, base string) []Alarm {
	cells, at := developerDays(rows)
	alarm := func(code, what string, limit float64, change func(now, was float64) float64, of func(*dataset.Decision) (y, x float64)) Alarm {
		m := ope.NewMatched(cells)
		for i := range rows {
			d := &rows[i]
			if d.Release == "" && d.DecisionID == "" || d.Release != release && d.Release != base {
				continue // the first: of a tool that asks nobody, which is not what any release is compared with
			}
			if y, x := of(d); x > 0 {
				m.Add(at[i], d.Release == release, y, x)
			}
		}
		a := Alarm{Code: code, What: what, Limit: limit}
		a.compare(m.Compare(change))
		a.Raised = a.Unknown == "" && (limit > 0 && a.Lower > limit || limit < 0 && a.Upper < limit)
		return a
	}
	more := func(now, was float64) float64 { return now - was }
	all := []Alarm{
		alarm("broken-calls", "share of the tool's own calls that failed", maxBroken, more, func(d *dataset.Decision) (y, x float64) { return float64(d.Errors), float64(d.Calls) }),
		alarm("questions", "bare questions to the developer, of the tool's acts", maxQuestions, more, func(d *dataset.Decision) (y, x float64) {
			return float64(d.Questions), float64(d.Calls) + float64(d.Questions)
		}),
		// The difference of two means of logarithms is a share.
		alarm("short-and-easy", "mean length of what is shown, which counts where it falls and more is taken", minLength, func(now, was float64) float64 { return math.Expm1(now - was) },
			func(d *dataset.Decision) (y, x float64) {
				return math.Log1p(float64(d.Chars)), float64(bit(d.Shown && d.Chars > 0))
			}),
		alarm("undone", "share of what was taken that was undone, or hardly anything is left of", maxUndone, more, undone),
		alarm("show-rate", "share of the suggestions that are shown", minShown, func(now, was float64) float64 { return now/was - 1 },
			func(d *dataset.Decision) (y, x float64) { return float64(bit(d.Shown)), 1 }),
	}
	// Short suggestions alone are no harm: it is one where they are what makes people accept.
	taken := alarm("", "", math.SmallestNonzeroFloat64, more, func(d *dataset.Decision) (y, x float64) {
		return float64(bit(Taken(d))), float64(bit(d.Shown && labelled(d)))
	})
	all[2].Raised = all[2].Raised && taken.Raised
	return all
}

// developerDays are the developers of rows on their days, each day at a contributor a stratum, and in which of them each row is.
func developerDays(rows []dataset.Decision) (cells []ope.Cell, at []int) {
	type stratum struct {
		contributor string
		day         int64
	}
	people, strata, known := dataset.ByDeveloper(rows), map[stratum]int{}, map[ope.Cell]int{}
	at = make([]int, len(rows))
	for i := range rows {
		s := stratum{rows[i].Contributor, rows[i].Day}
		if _, ok := strata[s]; !ok {
			strata[s] = len(strata)
		}
		c := ope.Cell{Cluster: people.Of[i], Stratum: strata[s]}
		k, ok := known[c]
		if !ok {
			k = len(cells)
			known[c], cells = k, append(cells, c)
		}
		at[i] = k
	}
	return cells, at
}

// compare takes over what is measured under the release and under its base, and how it has changed.
func (a *Alarm) compare(now, was, change ope.Interval, ok bool) {
	switch {
	case now.Developers < fewest:
		a.Unknown = fmt.Sprintf("fewer than %d developers had this release and recorded it where and when others had what it is compared with", fewest)
	case was.Developers < fewest:
		a.Unknown = fmt.Sprintf("fewer than %d developers had what it is compared with and recorded it where and when others had this release", fewest)
	case !ok:
		a.Unknown = "too little of it is recorded to tell"
	default:
		a.Release, a.Base = &now, &was
		a.Change, a.Lower, a.Upper = change.Estimate, change.Lower, change.Upper
	}
}

// enoughPeople is the interval of a mean, nil where too few developers stand behind it.
func enoughPeople(r *ope.Ratio) *ope.Interval {
	if iv, ok := r.Interval(); ok && iv.Developers >= fewest {
		return &iv
	}
	return nil
}

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
