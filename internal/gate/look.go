// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math"

	"github.com/headrace/headrace/internal/ope"
)

// Look says which look this is at one claim: that a candidate of a kind is better than what everybody has. Whoever looks
// often enough finds a candidate that seems so; a new candidate judged by the same data is a new look, too. So that the
// gate is mistaken in at most 5 of 100 claims however often it looks at them, look k spends 5 % · 6/(π²k²): the sum over all
// k is 5 %. A report that refuses before it looks at the gain spends nothing.
type Look struct {
	Kind string `json:"kind"`          // what the candidate chooses
	Base string `json:"base,omitzero"` // the release that everybody has; empty for none
	// Number counts the looks at this claim, this one included, from 1.
	Number int `json:"number"`
	// Alpha is what this look spends.
	Alpha float64 `json:"alpha,omitzero"`
	// Bound is the one-sided lower bound of the gain at 1 − Alpha, which the verdict looks at; nil where there is no gain to
	// look at.
	Bound *float64 `json:"bound,omitempty"`
}

const (
	alphaAll = 0.05      // of all looks at a claim
	maxLooks = 1_000_000 // more than an hourly one for a century: the quantile still has its digits
)

// spends is what a look of this number spends of alphaAll.
func spends(number int) float64 {
	k := float64(min(max(number, 1), maxLooks))
	return alphaAll * 6 / (math.Pi * math.Pi * float64(k*k))
}

// Next is the number that a look after this one has, at the same claim.
func (l *Look) Next() int {
	if l.Bound == nil {
		return l.Number
	}
	return l.Number + 1
}

// spend completes a look by the gain.
func (l *Look) spend(gain ope.Interval) {
	l.Alpha = spends(l.Number)
	bound, _ := gain.At(l.Alpha)
	l.Bound = &bound
}

// check says what is wrong with a look beside its gain.
func (l *Look) check(gain *ope.Interval) error {
	switch {
	case l.Number < 1:
		return fmt.Errorf("look %d", l.Number)
	case (l.Bound == nil) != (gain == nil):
		return fmt.Errorf("look %d does not say what it spent on the gain", l.Number)
	case l.Bound == nil:
		return nil
	case math.Abs(l.Alpha-spends(l.Number)) > 1e-6*l.Alpha || !(*l.Bound <= gain.Bound):
		return fmt.Errorf("look %d spends %v on the bound %v", l.Number, l.Alpha, *l.Bound)
	}
	return nil
}

// Certified is the lower bound of the gain that the verdict looks at: at 95 %, or at what the look may spend. There must be
// a gain.
func (r *Report) Certified() float64 {
	if r.Look != nil && r.Look.Bound != nil {
		return *r.Look.Bound
	}
	return r.Gain.Bound
}

// sure is how sure the bound is that the verdict looks at, in words.
func (r *Report) sure() string {
	if r.Look == nil || r.Look.Bound == nil {
		return "95 %"
	}
	return fmt.Sprintf("%.5g %% (look %d)", 100*(1-r.Look.Alpha), r.Look.Number)
}
