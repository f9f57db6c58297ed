// SPDX-License-Identifier: Apache-2.0

// Package reward makes one number of a decision and what became of it, by a versioned rule.
//
// Start from [Reward.Of]. Who learns from the number, and what is concluded from it, packages learn and gate know.
package reward

import (
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// Reward is a versioned rule that makes one number of a decision: Taken where a person accepted or modified a shown
// suggestion, Passed where a person rejected it or it was ignored, 0 where it was hidden. Anything else (cancelled,
// timed out, decided by a rule, hook, model or nobody knows whom) has no reward: it says nothing about the person.
type Reward struct {
	Name          string
	Taken, Passed float64
}

// Immediate is the reward of the moment: +0.75, −0.25 or 0.
func Immediate() Reward { return Reward{Name: "immediate", Taken: 0.75, Passed: -0.25} }

// Of returns the decision's reward; ok is false where it has none.
func (r Reward) Of(d *dataset.Decision) (reward float64, ok bool) {
	switch {
	case !d.Shown:
		return 0, true
	case Taken(d):
		return r.Taken, true
	case d.Verdict == episode.Rejected && d.By == episode.ByPerson, d.Verdict == episode.Ignored:
		return r.Passed, true
	}
	return 0, false
}

// Expected is the reward to expect of showing a suggestion that is taken with probability p.
func (r Reward) Expected(p float64) float64 { return p*r.Taken + (1-p)*r.Passed }

// Threshold is the probability above which showing is expected to pay.
func (r Reward) Threshold() float64 { return -r.Passed / (r.Taken - r.Passed) }

// Taken reports whether a person took the suggestion, as it was or modified.
func Taken(d *dataset.Decision) bool {
	return d.By == episode.ByPerson && (d.Verdict == episode.Accepted || d.Verdict == episode.Modified)
}
