// SPDX-License-Identifier: Apache-2.0

// Package reward makes one number of a decision and what became of it, by a versioned rule.
//
// Start from [Spec]: what showing a suggestion costs, and what is gained or lost by what becomes of it, each part with the
// time in which it has to become known. [Immediate], [Retained] and [Balanced] are there; [Decode] reads others. The range
// is known in advance and bounded, so that every interval of package ope applies.
//
// What becomes of a suggestion takes days. [Fit] learns from the rows at hand how long it takes and how it ends, and its
// [Scorer] says of each decision what it is worth: every part beside the sum, which of them are estimates because it is too
// early to know, and, for those where all is known, how much each has to count so that they stand for all ([Value]). What
// has not happened yet is never taken for what does not happen.
//
// [Alarms] looks for the ways in which a tool gains reward and is of no use. Who learns from the number, and what is
// concluded from it, packages learn and gate know.
package reward

import (
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// MaxParts is how many parts a spec can have.
const MaxParts = 12

// Spec is a versioned rule that makes one number of a decision. To hide a suggestion is worth 0. To show one costs Cost,
// whatever comes of it; where a person took it, as it was or modified, each part adds its weight times a share from 0 to 1.
// A suggestion that was cancelled or timed out, or that a rule, hook, model or nobody knows who decided on, has no reward:
// it says nothing about the person.
type Spec struct {
	Format  string `json:"format" yaml:"format"` // headrace-reward/1
	Name    string `json:"name" yaml:"name"`
	Version int    `json:"version" yaml:"version"`
	// Cost is taken from each suggestion that is shown.
	Cost float64 `json:"cost" yaml:"cost"`
	// Length is how many retained characters count in full: what a part adds is multiplied by
	// min(1, ln(1+retained)/ln(1+Length)), so that many short, easy suggestions do not outweigh one of use. What a part
	// takes away is not. 0: length does not count.
	Length float64 `json:"length,omitzero" yaml:"length,omitempty"`
	Parts  []Part  `json:"parts" yaml:"parts"`
}

// Part is one thing that adds to the reward, or takes from it, where a person took the suggestion.
type Part struct {
	Name string `json:"name" yaml:"name"`
	// From is where the share comes from: "taken" is 1 always; "edit" is how much of the text stayed as suggested; else a
	// kind of outcome: kept, committed, reviewed, merged, reverted, tests, build or fixed.
	From string `json:"from" yaml:"from"`
	// After names, for kept and edit, the window of the outcome that is meant, such as 30d.
	After string `json:"after,omitzero" yaml:"after,omitempty"`
	// Within is how long after the decision it has to be known, such as 45d, in whole days; what has not happened by then
	// counts as 0.
	Within string  `json:"within,omitzero" yaml:"within,omitempty"`
	Weight float64 `json:"weight" yaml:"weight"`
}

// Immediate is the reward of the moment: 0.75 for a suggestion that was taken, −0.25 for one that was not, 0 for one that
// was hidden. It is the reward that Cursor published for its Tab model ("Improving Cursor Tab with RL", 2025).
func Immediate() Spec {
	return Spec{Format: format, Name: "immediate", Version: 1, Cost: 0.25, Parts: []Part{{Name: "taken", From: fromTaken, Weight: 1}}}
}

// Retained is the reward of accepted and retained characters, which GitHub's completion models moved to from acceptance
// ("The road to better completions", 2025).
func Retained() Spec {
	return Spec{Format: format, Name: "retained-characters", Version: 1, Cost: 0.25, Length: 200, Parts: []Part{{Name: "taken", From: fromTaken, Weight: 1}}}
}

// Balanced weighs the moment, the next minutes, the commit, a month, tests and reverts. A long suggestion that is taken and
// stays as it was comes to 0.75, as in [Immediate].
func Balanced() Spec {
	return Spec{Format: format, Name: "balanced", Version: 1, Cost: 0.25, Length: 200, Parts: []Part{
		{Name: "taken", From: fromTaken, Weight: 0.25},
		{Name: "unchanged", From: fromEdit, After: "10m", Within: "1d", Weight: 0.25},
		{Name: "committed", From: string(episode.OutcomeCommitted), Within: "7d", Weight: 0.2},
		{Name: "lasting", From: string(episode.OutcomeKept), After: "30d", Within: "40d", Weight: 0.2},
		{Name: "tests", From: string(episode.OutcomeTests), Within: "7d", Weight: 0.1},
		{Name: "reverted", From: string(episode.OutcomeReverted), Within: "7d", Weight: -0.5},
	}}
}

// Range returns between what the reward of a shown suggestion lies, known before any of it is seen.
func (s Spec) Range() (low, high float64) {
	low, high = -s.Cost, -s.Cost
	for _, p := range s.Parts {
		low, high = low+min(0, p.Weight), high+max(0, p.Weight)
	}
	return low, high
}

// Share puts the reward of a shown suggestion on a scale from 0 to 1 over the range; Expected is its inverse.
func (s Spec) Share(reward float64) float64 {
	low, high := s.Range()
	return min(1, max(0, (reward-low)/(high-low)))
}

// Expected is the reward of a share of the range. Of [Immediate], the share is the probability that the suggestion is taken.
func (s Spec) Expected(share float64) float64 {
	low, high := s.Range()
	return float64(share*high) + float64((1-share)*low)
}

// Threshold is the share of the range above which showing pays.
func (s Spec) Threshold() float64 {
	low, high := s.Range()
	return -low / (high - low)
}

// Waits reports whether any part of the reward becomes known only after the decision.
func (s Spec) Waits() bool {
	return slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Within != "" })
}

// AtOnce returns what a suggestion is worth that was taken, and one that was passed over; ok is false where that is not known at once.
func (s Spec) AtOnce() (taken, passed float64, ok bool) {
	taken, passed = -s.Cost, -s.Cost
	for _, p := range s.Parts {
		taken += p.Weight
	}
	return taken, passed, !s.Waits() && s.Length == 0
}

// Of returns the decision's reward where all of it is known, taken as old enough that nothing more will be: what has not
// happened has not. ok is false where it has none, or not all is known. It serves specs without late parts; else use a
// [Scorer].
func (s Spec) Of(d *dataset.Decision) (reward float64, ok bool) {
	v, ok := New(s).Of(d)
	return v.Sum, ok && v.Mature
}

// Taken reports whether a person took the suggestion, as it was or modified.
func Taken(d *dataset.Decision) bool { return d.Verdict.Taken(d.By) }

// labelled reports whether the decision says anything about the person, or was hidden.
func labelled(d *dataset.Decision) bool {
	return !d.Shown || d.Verdict.Answers(d.By)
}
