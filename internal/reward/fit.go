// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"math"
	"slices"
	"strconv"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/hazard"
)

// Report says what a scorer was fitted from, and what it cannot know.
type Report struct {
	Spec    string `json:"spec"` // name and version
	Digest  string `json:"digest"`
	Day     int64  `json:"day"`     // the last whole day that is known, counted from 1970-01-01
	Rows    int    `json:"rows"`    // with a reward
	Taken   int    `json:"taken"`   // of these
	Mature  int    `json:"mature"`  // of these rows, all is known
	Horizon int    `json:"horizon"` // days until all is known of every decision
	// Old is the share of rows that are at least as old as that. Where it is 0 nothing can be certified: nobody has seen
	// an end yet.
	Old float64 `json:"old"`
	// Told is the share of the taken suggestions, old enough, of which all was told. The others are not known to be like
	// them.
	Told float64 `json:"told"`
	// Backwards, Nonsense and Contradicting are outcomes that are not used: seen before the decision, with a value that is
	// no share, or told together with another value at the same time (of which the last stands).
	Backwards     int          `json:"backwards,omitzero"`
	Nonsense      int          `json:"nonsense,omitzero"`
	Contradicting int          `json:"contradicting,omitzero"`
	Parts         []PartReport `json:"parts"`
}

// PartReport says how much is known of a part of the spec, of the suggestions that were taken.
type PartReport struct {
	Name    string  `json:"name"`
	Known   int     `json:"known"`
	Open    int     `json:"open"`    // too early
	Missing int     `json:"missing"` // nobody told
	Mean    float64 `json:"mean"`    // share, of the known ones
	// Never says that no row has such an outcome at all: the part counts as 0 everywhere.
	Never bool `json:"never,omitzero"`
	// Blind says that no row has been waited for to the end: what the estimates say of the last days is a guess.
	Blind bool `json:"blind,omitzero"`
}

const (
	maxFitted = 20_000 // rows that the models are fitted from, evenly spread over those at hand
	features  = 3
	penalty   = 1.0
)

// Fit learns from the rows at hand what is not known yet. Day is the last day, counted from 1970-01-01, of which everything
// is known. What is hidden, rejected or ignored is known at once; of what was taken, each part either is known, or is
// estimated from those that have been waited for longer. The same rows in the same order give the same scorer.
func Fit(spec Spec, rows []dataset.Decision, day int64) *Scorer {
	s := new(Scorer)
	s.set(spec)
	s.day = day
	s.Report = Report{Spec: spec.Title(), Digest: spec.Digest(), Day: day, Parts: make([]PartReport, len(s.parts))}
	for i := range s.parts {
		s.Report.Horizon = max(s.Report.Horizon, s.parts[i].within)
	}
	s.older = make([]float64, s.Report.Horizon+1)
	var taken []*dataset.Decision
	told := make([]bool, len(s.parts))
	for i := range rows {
		d := &rows[i]
		if !labelled(d) {
			continue
		}
		s.Report.Rows++
		if age := s.age(d); age >= 0 {
			s.older[min(age, s.Report.Horizon)]++
		}
		if d.Shown && Taken(d) {
			taken = append(taken, d)
			s.survey(d, told)
		}
	}
	for t := s.Report.Horizon - 1; t >= 0; t-- {
		s.older[t] += s.older[t+1]
	}
	for t := range s.older {
		s.older[t] /= float64(max(s.Report.Rows, 1))
	}
	s.Report.Old, s.Report.Taken = s.older[s.Report.Horizon], len(taken)
	for i := range s.parts {
		p := &s.parts[i]
		p.never = p.kind != "" && !told[i]
		s.Report.Parts[i].Name, s.Report.Parts[i].Never = p.Name, p.never
	}
	s.learn(taken)
	s.count(taken)
	s.Report.Mature += s.Report.Rows - len(taken)
	return s
}

// Title is the name and version of a spec, as reports say it.
func (s Spec) Title() string { return s.Name + "/" + strconv.Itoa(s.Version) }

// survey notes which parts anything is told of at all, and what is wrong with outcomes.
func (s *Scorer) survey(d *dataset.Decision, told []bool) {
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		on, f := offset(d, o)
		switch f {
		case nonsense:
			s.Report.Nonsense++
			continue
		case backwards:
			s.Report.Backwards++
			continue
		}
		for k := range s.parts {
			if p := &s.parts[k]; p.kind == o.Kind && on <= s.age(d) && (p.after == 0 || alike(minutes(o.Window), p.after)) {
				told[k] = true
			}
		}
		for _, other := range d.Outcomes[:i] {
			if other.Kind == o.Kind && other.Window == o.Window && other.ObservedAt.Equal(o.ObservedAt) && other.Value != o.Value {
				s.Report.Contradicting++
				break
			}
		}
	}
}

// learn fits what is estimated from an even selection of the suggestions that were taken.
func (s *Scorer) learn(taken []*dataset.Decision) {
	n := min(len(taken), maxFitted)
	some := make([]*dataset.Decision, n)
	for i := range some {
		some[i] = taken[i*len(taken)/n]
	}
	var edits, lengths, known, knownLengths float64
	for _, d := range some {
		if share, _, ok := s.retained(d, s.age(d)); ok {
			edits, known = edits+share, known+1
		}
	}
	if known > 0 {
		s.edit = edits / known
	}
	for _, d := range some {
		if share, _, ok := s.retained(d, s.age(d)); d.Chars > 0 && s.Spec.Length > 0 {
			if !ok {
				share = s.edit
			}
			lengths, knownLengths = lengths+s.Spec.lengthFactor(float64(d.Chars)*share), knownLengths+1
		}
	}
	if knownLengths > 0 {
		s.length = lengths / knownLengths
	}
	s.waits = make([]wait, len(s.parts))
	for i := range s.parts {
		if p := &s.parts[i]; p.kind == episode.OutcomeKept && !p.never {
			s.waits[i] = s.fitKept(p, some)
		} else if p.kind != "" && !p.never {
			s.waits[i] = s.fitEvent(p, some)
		}
	}
}

// count fills in what is known of each part, and of how many all is.
func (s *Scorer) count(taken []*dataset.Decision) {
	var old, told float64
	for _, d := range taken {
		age, all := s.age(d), true
		for i := range s.parts {
			r := &s.Report.Parts[i]
			share, _, is := s.parts[i].look(d, age)
			switch is {
			case known:
				r.Known++
				r.Mean += share
			case open:
				r.Open++
			case missing:
				r.Missing++
			}
			all = all && is == known
		}
		if s.Spec.Length > 0 {
			_, _, ok := s.retained(d, age)
			all = all && ok && d.Chars > 0
		}
		s.Report.Mature += bit(all)
		if age >= s.Report.Horizon {
			old, told = old+1, told+float64(bit(all))
		}
	}
	for i := range s.Report.Parts {
		r := &s.Report.Parts[i]
		r.Mean /= float64(max(r.Known, 1))
		r.Blind = !r.Never && s.parts[i].kind != "" && old == 0
	}
	if s.Report.Told = 1; old > 0 {
		s.Report.Told = told / old
		s.told = s.Report.Told
	}
}

// wait is what was learned about a part that is late.
type wait struct {
	arrives *hazard.Model // on which day something is told
	good    *hazard.Model // and then what: periods are those in which it was told
	lost    *hazard.Model // of what was kept at a checkpoint, what is lost by the next
	checks  []int         // the checkpoints before and at the part's own, in minutes
}

// edges are the days at which another period begins: what happens, happens early.
var edges = [...]int{0, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90}

func period(day int) int {
	p := 0
	for p+1 < len(edges) && edges[p+1] <= day {
		p++
	}
	return p
}

// about fills in what an estimate goes by: how long the text is, how much of it stayed, how experienced the developer is.
func (s *Scorer) about(x *[features]float64, d *dataset.Decision, age int) {
	*x = [features]float64{math.Log1p(float64(d.Chars))/3 - 1, 0, float64(d.Experience)/2 - 1}
	if share, _, ok := s.retained(d, age); ok {
		x[1] = 2 * (share - s.edit)
	}
}

// watch tells data how long a decision has waited for something: told on a day, or not yet.
func watch(data *hazard.Data, age, within, day int, told bool) {
	last := min(age, within)
	if told {
		last = day
	}
	for from := 0; from <= last; {
		p, to := period(from), from
		for to < last && period(to+1) == p {
			to++
		}
		data.At(p, float64(to-from+1), float64(bit(told && to == last)))
		from = to + 1
	}
}

// fitEvent learns when a kind of outcome is told, and what it says then: merges come sooner than rejections do.
func (s *Scorer) fitEvent(p *part, taken []*dataset.Decision) wait {
	arrives, good := hazard.New(features, len(edges)), hazard.New(features, len(edges))
	var x [features]float64
	for _, d := range taken {
		age := s.age(d)
		if !followed(d, age) && age >= p.within {
			continue
		}
		share, day, told := p.outcome(d, age)
		s.about(&x, d, age)
		arrives.Subject(x[:])
		watch(arrives, age, p.within, day, told)
		if told {
			good.Subject(x[:])
			good.At(period(day), 1, share)
		}
	}
	return wait{arrives: arrives.Fit(penalty), good: good.Fit(penalty)}
}

// fitKept learns when anything is told of what was kept, and how much is lost from one checkpoint to the next: so a
// suggestion of last week says something about the first week of those of yesterday.
func (s *Scorer) fitKept(p *part, taken []*dataset.Decision) wait {
	w := wait{checks: checkpoints(p, taken)}
	arrives, lost := hazard.New(features, len(edges)), hazard.New(features, len(w.checks))
	var x [features]float64
	for _, d := range taken {
		age := s.age(d)
		s.about(&x, d, age)
		x[1] = 0 // what was kept is what is asked here
		first, told := firstKept(d, w.checks, age)
		if told || age < p.within || followed(d, age) {
			arrives.Subject(x[:])
			watch(arrives, age, p.within, first, told)
		}
		lost.Subject(x[:])
		before := 1.0
		for k, c := range w.checks {
			one := part{kind: episode.OutcomeKept, after: c, within: maxWithin}
			if share, _, ok := one.outcome(d, age); ok {
				lost.At(k, before, before-min(before, share))
				before = min(before, share)
			}
		}
	}
	w.arrives, w.lost = arrives.Fit(penalty), lost.Fit(penalty)
	return w
}

// checkpoints are the windows after which somebody looked what was kept, up to the part's own, shortest first; the part's own
// is there always.
func checkpoints(p *part, taken []*dataset.Decision) []int {
	all := map[int]int{}
	for _, d := range taken {
		for i := range d.Outcomes {
			if o := &d.Outcomes[i]; o.Kind == episode.OutcomeKept {
				if m := minutes(o.Window); m < p.after && alike(m, p.after) {
					all[m]++
				}
			}
		}
	}
	var out []int
	for m, n := range all {
		if n*20 >= len(taken) { // now and then is no checkpoint
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return append(out, p.after)
}

// alike reports whether two windows are looked at by the same: those of minutes say what an editor saw, those of days what a
// repository did.
func alike(a, b int) bool { return a > 0 && b > 0 && (a < minutesPerDay) == (b < minutesPerDay) }

// firstKept is on which day anything was told at a checkpoint.
func firstKept(d *dataset.Decision, checkpoints []int, age int) (day int, ok bool) {
	for i := range d.Outcomes {
		if o := &d.Outcomes[i]; o.Kind == episode.OutcomeKept && slices.Contains(checkpoints, minutes(o.Window)) {
			if on, f := offset(d, o); f == fine && on <= age && (!ok || on < day) {
				day, ok = on, true
			}
		}
	}
	return day, ok
}

// estimate is what to expect of a part that is not known.
func (s *Scorer) estimate(i int, d *dataset.Decision, age int, is state) float64 {
	p := &s.parts[i]
	if p.From == fromEdit {
		return s.edit
	}
	if len(s.waits) == 0 || s.waits[i].arrives == nil {
		return 0 // nothing was fitted
	}
	if is == missing {
		age = -1 // of what nobody tells, no day that passed says anything
	}
	w := &s.waits[i]
	var x [features]float64
	s.about(&x, d, age)
	if w.good != nil {
		still, expect := 1.0, 0.0
		var last, h, q float64
		at := -1
		for day := age + 1; day <= p.within; day++ {
			if k := period(day); k != at {
				at, h, q = k, w.arrives.Hazard(k, x[:]), w.good.Hazard(k, x[:])
			}
			last = still * h
			expect += last * q
			still -= last
		}
		return expect
	}
	x[1] = 0
	share, check := lastKept(d, w.checks, p.after, age)
	told := 1.0
	if check < 0 {
		share = 1
		for day := age + 1; day <= p.within; day++ {
			told *= 1 - w.arrives.Hazard(period(day), x[:])
		}
		told = 1 - told
	}
	return share * told * w.lost.Survival(x[:], check+1, len(w.checks))
}
