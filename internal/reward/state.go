// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"math"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
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
}

func (p *part) ready(of Part) {
	*p = part{Part: of, after: minutes(of.After), within: minutes(of.Within) / minutesPerDay}
	if of.From != fromTaken && of.From != fromEdit {
		p.kind = episode.OutcomeKind(of.From)
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
// after the decision it was settled.
func (p *part) look(d *dataset.Decision, age int) (share float64, day int, s state) {
	switch {
	case p.From == fromTaken || p.never:
		return float64(bit(!p.never)), 0, known
	case p.From == fromEdit:
		if share, day, ok := retained(d, p.after, age); ok {
			return share, day, known
		}
	default:
		if share, day, ok := p.outcome(d, age); ok {
			return share, day, known
		}
	}
	switch {
	case age < p.within:
		return 0, 0, open
	case p.kind != "" && followed(d, age):
		return 0, p.within, known
	}
	return 0, 0, missing
}

// outcome is the newest outcome of the part's kind that was seen by now and in time. Some kinds are told once more as they
// change: what was said last, within the time, stands.
func (p *part) outcome(d *dataset.Decision, age int) (share float64, day int, ok bool) {
	for i := range d.Outcomes {
		o := &d.Outcomes[i]
		if o.Kind != p.kind || p.after > 0 && minutes(o.Window) != p.after {
			continue
		}
		if on, f := offset(d, o); f == fine && on <= min(age, p.within) && (!ok || on >= day) {
			share, day, ok = o.Value, on, true
		}
	}
	return share, day, ok
}

// followed reports whether anything was told of what became of the suggestion.
func followed(d *dataset.Decision, age int) bool {
	for i := range d.Outcomes {
		if on, f := offset(d, &d.Outcomes[i]); f == fine && on <= age {
			return true
		}
	}
	return false
}

// retained is the share of the text that stayed as suggested: by the distance from what was in place afterwards, or else
// what was kept after so many minutes.
func retained(d *dataset.Decision, after, age int) (share float64, day int, ok bool) {
	if e := d.EditDistance; e != nil && *e >= 0 && *e <= 1 {
		return 1 - *e, 0, true
	}
	p := part{kind: episode.OutcomeKept, after: after, within: maxWithin}
	return p.outcome(d, age)
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
	return min(1, math.Log1p(max(0, retained))/math.Log1p(s.Length))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
