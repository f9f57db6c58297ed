// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"strconv"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
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
)

// Fit learns from the rows at hand what is not known yet. Day is the last day, counted from 1970-01-01, of which everything
// is known. What is hidden, rejected or ignored is known at once; of what was taken, each part either is known, or is
// estimated from those that have been waited for longer. The same rows in the same order give the same scorer.
func Fit(spec Spec, rows []dataset.Decision, day int64) *Scorer {
	s := new(Scorer)
	s.set(spec)
	s.day = day
	s.Report = Report{Spec: spec.Title(), Digest: spec.Digest(), Day: day, Parts: make([]PartReport, len(s.parts))}
	s.Report.Horizon = s.horizon
	s.older = make([]float64, s.Report.Horizon+1)
	var taken []*dataset.Decision
	s.tells = map[string]uint16{}
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
			s.survey(d)
		}
	}
	for t := s.Report.Horizon - 1; t >= 0; t-- {
		s.older[t] += s.older[t+1]
	}
	for t := range s.older {
		s.older[t] /= float64(max(s.Report.Rows, 1))
	}
	s.Report.Old, s.Report.Taken = s.older[s.Report.Horizon], len(taken)
	var told uint16
	for _, parts := range s.tells {
		told |= parts
	}
	for i := range s.parts {
		p := &s.parts[i]
		p.never = p.kind != "" && told&(1<<i) == 0
		s.Report.Parts[i].Name, s.Report.Parts[i].Never = p.Name, p.never
	}
	s.learn(taken)
	s.count(taken)
	s.Report.Mature += s.Report.Rows - len(taken)
	return s
}

// Title is the name and version of a spec, as reports say it.
func (s Spec) Title() string { return s.Name + "/" + strconv.Itoa(s.Version) }

// survey notes of which parts a contributor tells anything at all, and what is wrong with outcomes.
func (s *Scorer) survey(d *dataset.Decision) {
	told := s.tells[d.Contributor]
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
				told |= 1 << k
			}
		}
		for _, other := range d.Outcomes[:i] {
			if other.Kind == o.Kind && other.Window == o.Window && other.ObservedAt.Equal(o.ObservedAt) && other.Value != o.Value {
				s.Report.Contradicting++
				break
			}
		}
	}
	s.tells[d.Contributor] = told
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
			s.waits[i] = s.fitKept(p, 1<<i, some)
		} else if p.kind != "" && !p.never {
			s.waits[i] = s.fitEvent(p, 1<<i, some)
		}
	}
}

// count fills in what is known of each part, and of how many all is.
func (s *Scorer) count(taken []*dataset.Decision) {
	var old, told float64
	for _, d := range taken {
		age, tells, all := s.age(d), s.telling(d), true
		for i := range s.parts {
			r := &s.Report.Parts[i]
			share, _, is := s.look(i, d, age, tells)
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
			_, day, ok := s.retained(d, age)
			all = all && ok && day <= s.horizon && d.Chars > 0
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
