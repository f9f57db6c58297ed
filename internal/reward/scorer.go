// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"math"

	"github.com/headrace/headrace/internal/dataset"
)

// Value is what a decision is worth under a spec, as far as it is known on a day.
type Value struct {
	Sum float64
	// Parts is what each part of the spec adds, in its order. Their sum less the cost of showing is Sum.
	Parts [MaxParts]float64
	// Estimated has bit i set where part i is an estimate: it is too early to know, or nobody told; bit MaxParts, where
	// how much of the text was retained is one.
	Estimated uint16
	// Mature says that nothing is an estimate. Only such rows certify anything.
	Mature bool
	// Weight is one over the chance that a decision which ended like this one is mature by now; 0 where it is not mature. A
	// mean of mature rows that does not weigh them by it leans towards what is known early, which is rejections.
	// The mean of rows by weight is Σ Weight·Sum / Σ Weight.
	Weight float64
}

// Scorer says what decisions are worth under a spec on a day. It is safe for concurrent use.
type Scorer struct {
	Spec   Spec
	Report Report

	parts []part
	day   int64 // the last whole day that is known
	// horizon is until how many days after a decision the spec waits. What is told later still is used as an estimate, and says
	// nothing of when such decisions are known.
	horizon int
	waits   []wait
	edit    float64 // mean share retained
	length  float64 // mean length factor
	// older[t] is the share of decisions that are at least t days old; told is the share of those taken, and old enough,
	// of which all was told.
	older []float64
	told  float64
	// tells has, by contributor, bit i set where it has outcomes of part i at all; nil: everybody has all. Always has those
	// of parts for which that does not matter.
	tells  map[string]uint16
	always uint16
}

// New returns a scorer that estimates nothing and takes all for old: what has not happened will not. It is for specs without
// late parts.
func New(spec Spec) *Scorer {
	s := new(Scorer)
	s.set(spec)
	s.day, s.horizon = math.MaxInt32, math.MaxInt32
	return s
}

func (s *Scorer) set(spec Spec) {
	s.Spec, s.edit, s.length, s.told = spec, 1, 1, 1
	s.parts = make([]part, len(spec.Parts))
	for i := range spec.Parts {
		p := &s.parts[i]
		if p.ready(spec.Parts[i]); p.by != forge {
			s.always |= 1 << i
		}
		s.horizon = max(s.horizon, p.within)
	}
}

// Of returns what a decision is worth; ok is false where it has no reward ([Spec] says which). It does not allocate.
func (s *Scorer) Of(d *dataset.Decision) (v Value, ok bool) {
	if !labelled(d) {
		return v, false
	}
	v.Mature, v.Weight = true, 1
	if !d.Shown {
		return v, true
	}
	v.Sum = -s.Spec.Cost
	if !Taken(d) {
		return v, true
	}
	age, settled := s.age(d), 0
	factor := 1.0
	if s.Spec.Length > 0 {
		share, day, known := s.retained(d, age)
		switch {
		case d.Chars == 0:
			factor, known = s.length, false
		case known:
			factor = s.Spec.lengthFactor(float64(d.Chars) * share)
			known = day <= s.horizon
		default:
			factor = s.Spec.lengthFactor(float64(d.Chars) * s.edit)
		}
		if settled = day; !known {
			v.Estimated |= 1 << MaxParts
		}
	}
	tells := s.telling(d)
	for i := range s.parts {
		p := &s.parts[i]
		share, day, is := s.look(i, d, age, tells)
		if is == known {
			settled = max(settled, day)
		} else {
			share = s.estimate(i, d, age, is)
			v.Estimated |= 1 << i
		}
		if v.Parts[i] = p.Weight * share; p.Weight > 0 {
			v.Parts[i] *= factor
		}
		v.Sum += v.Parts[i]
	}
	if v.Mature = v.Estimated == 0; v.Mature {
		v.Weight = s.weight(settled)
	} else {
		v.Weight = 0
	}
	return v, true
}

// look is what is known of part i of a decision in time for the spec.
func (s *Scorer) look(i int, d *dataset.Decision, age int, tells uint16) (share float64, day int, is state) {
	if share, day, is = s.parts[i].look(d, age, tells&(1<<i) != 0); is == known && day > s.horizon {
		is = missing
	}
	return share, day, is
}

// telling has bit i set where the one who tells of part i does so for the decision's contributor. A forge has tests,
// builds and reviews or does not; of git and the editor the decision itself shows whether they look.
func (s *Scorer) telling(d *dataset.Decision) uint16 {
	if s.tells == nil {
		return math.MaxUint16
	}
	return s.always | s.tells[d.Contributor]
}

// age is how many whole days after its own the decision has been watched.
func (s *Scorer) age(d *dataset.Decision) int {
	return int(min(max(s.day-d.Day, -1), math.MaxInt32))
}

// retained is the share of the text that stayed, as the spec's part edit sees it, or else as it was within the hour.
func (s *Scorer) retained(d *dataset.Decision, age int) (share float64, day int, ok bool) {
	for i := range s.parts {
		if p := &s.parts[i]; p.From == fromEdit {
			return retained(d, p.after, age)
		}
	}
	for _, window := range [...]int{60, 30, 15, 10, 5, 1} {
		if share, day, ok = retained(d, window, age); ok {
			break
		}
	}
	return share, day, ok
}

// weight is one over the chance that a decision that settles so many days after it was made is mature by now.
func (s *Scorer) weight(settled int) float64 {
	g := 1.0
	switch {
	case s.older == nil: // nothing was fitted: all is old
	case settled < len(s.older):
		g = s.older[settled]
	default:
		g = 0
	}
	if g *= s.told; g <= 0 {
		return 0
	}
	return 1 / g
}
