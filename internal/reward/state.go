// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"math"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/portable"
)

// state is how much is known of one part of one decision.
type state uint8

const (
	known   state = iota // what it is, and since when
	open                 // it is too early to know
	missing              // it should be known by now, and nobody told: the repository is not followed, say
)

// part is a Part made ready.
type part struct {
	Part
	kind          episode.OutcomeKind // empty for taken and edit
	after, within int                 // minutes; days
	never         bool                // no row at hand has its kind of outcome at all: it counts as 0
	by            teller
}

// teller is who would tell a kind of outcome: where one is silent, what another told says nothing.
type teller uint8

const (
	editor teller = iota // what was kept within minutes
	git                  // what the history of the repository shows
	forge                // reviews, tests and builds, which many contributors do not have
)

func tellerOf(kind episode.OutcomeKind, window int) teller {
	switch kind {
	case episode.OutcomeTests, episode.OutcomeBuild, episode.OutcomeReviewed:
		return forge
	case episode.OutcomeKept:
		if window < minutesPerDay {
			return editor
		}
	}
	return git
}

func (p *part) ready(of Part) {
	*p = part{Part: of, after: minutes(of.After), within: minutes(of.Within) / minutesPerDay}
	if of.From != fromTaken && of.From != fromEdit {
		p.kind = episode.OutcomeKind(of.From)
		p.by = tellerOf(p.kind, p.after)
	}
}

// fault is why an outcome is not used.
type fault uint8

const (
	fine      fault = iota
	nonsense        // a value that is not a share
	backwards       // observed before the decision
)

// offset is on which day after the decision an outcome was observed. One without a time counts as seen at once.
func offset(d *dataset.Decision, o *episode.Outcome) (day int, f fault) {
	if !(o.Value >= 0 && o.Value <= 1) {
		return 0, nonsense
	}
	if o.ObservedAt.IsZero() {
		return 0, fine
	}
	n := dataset.UnixDay(o.ObservedAt.Unix()) - d.Day
	if n < 0 {
		return 0, backwards
	}
	return int(min(n, math.MaxInt32)), fine
}

// look returns what is known of a part of a decision that was taken, when its age in whole days is that, and on which day
// after the decision it was settled. Tells says that the contributor has what would tell it.
func (p *part) look(d *dataset.Decision, age int, tells bool) (share float64, day int, s state) {
	switch {
	case p.From == fromTaken || p.never:
		return float64(bit(!p.never)), 0, known
	case p.From == fromEdit:
		if share, day, ok := retained(d, p.after, age); ok {
			return share, day, known
		}
	default:
		share, _, day, ok := p.outcome(d, age)
		switch {
		case ok && p.final(share):
			return share, day, known
		case ok && age >= p.within:
			return share, p.within, known
		}
	}
	switch {
	case age < p.within:
		return 0, 0, open
	case p.kind != "" && tells && p.followed(d, age):
		return 0, p.within, known
	}
	return 0, 0, missing
}

// final reports whether a share that was told in time stays as it is. An editor looks once. Git tells again as more lines
// come in, so that all of them is the end of it; of anything else only the end of its time is.
func (p *part) final(share float64) bool {
	switch p.kind {
	case episode.OutcomeKept:
		return p.by == editor
	case episode.OutcomeCommitted, episode.OutcomeMerged, episode.OutcomeReverted, episode.OutcomeFixed:
		return share == 1
	}
	return false
}

// outcome is the newest outcome of the part's kind that was seen by now and in time, the day of the first, and the day since when it
// stands. Some kinds are told once more as they change: what was said last, within the time, stands.
func (p *part) outcome(d *dataset.Decision, age int) (share float64, first, day int, ok bool) {
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		if o.Kind != p.kind || p.after > 0 && minutes(o.Window) != p.after {
			continue
		}
		on, f := offset(d, o)
		if f != fine || on > min(age, p.within) {
			continue
		}
		if !ok || on < first {
			first = on
		}
		switch {
		case !ok || on >= day && o.Value != share:
			share, day, ok = o.Value, on, true
		case o.Value == share: // told once more
			day = min(day, on)
		}
	}
	return share, first, day, ok
}

// followed reports whether anything was told of the suggestion by the one who would tell of this part, had it happened.
// Tests, builds and reviews come with commits: there it is git that has to have seen the suggestion.
func (p *part) followed(d *dataset.Decision, age int) bool {
	by := p.by
	if by == forge {
		by = git
	}
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		if on, f := offset(d, o); f == fine && on <= age && tellerOf(o.Kind, minutes(o.Window)) == by {
			return true
		}
	}
	return false
}

// retained is the share of the text that stayed as suggested: by the distance from what was in place afterwards, by what was kept
// after so many minutes, or all where all of it was committed: git tells a distance only of what was changed. What was known
// first stands, so that a decision is never known earlier while it is young than it is once it is old.
func retained(d *dataset.Decision, after, age int) (share float64, day int, ok bool) {
	is := func(value float64, on int) {
		if on <= age && (!ok || on < day) {
			share, day, ok = value, on, true
		}
	}
	if e := d.EditDistance; e != nil && *e >= 0 && *e <= 1 {
		is(1-*e, int(min(max(0, d.EditedDay-d.Day), math.MaxInt32)))
	}
	kept := part{kind: episode.OutcomeKept, after: after, within: maxWithin}
	if value, _, on, told := kept.outcome(d, age); told {
		is(value, on)
	}
	committed := part{kind: episode.OutcomeCommitted, within: maxWithin}
	if value, _, on, told := committed.outcome(d, age); told && value == 1 {
		is(value, on)
	}
	return share, day, ok
}

// lastKept is the newest share that was kept, by now, after a window shorter than before, and the index of the checkpoint
// that it is of; -1 where there is none.
func lastKept(d *dataset.Decision, checkpoints []int, before, age int) (share float64, at int) {
	at = -1
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		if o.Kind != episode.OutcomeKept {
			continue
		}
		if on, f := offset(d, o); f != fine || on > age {
			continue
		}
		for k, c := range checkpoints {
			if c == minutes(o.Window) && c < before && k > at {
				share, at = o.Value, k
			}
		}
	}
	return share, at
}

// lengthFactor is how much a retained text counts.
func (s *Spec) lengthFactor(retained float64) float64 {
	return min(1, portable.Log1p(max(0, retained))/portable.Log1p(s.Length))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
