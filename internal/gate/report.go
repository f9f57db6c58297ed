// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/headrace/headrace/internal/ope"

const reportFormat = "headrace-gate/1"

// Verdict is what a gate says.
type Verdict string

// The verdicts.
const (
	Released Verdict = "released"
	Refused  Verdict = "refused"
)

// Report is the record of a gate: what it looked at, what it found, what it said. The hub signs it.
type Report struct {
	Format string `json:"format"`
	// Design is "logged": the value of a policy estimated from decisions another one made with known probabilities.
	Design   string `json:"design"`
	Method   string `json:"method"`
	Reward   string `json:"reward"`
	Model    string `json:"model,omitzero"`    // digest of the candidate
	Snapshot string `json:"snapshot,omitzero"` // digest of the data it was learned from and judged on

	Verdict Verdict `json:"verdict"`
	// Reasons say why it was refused, and how much is missing; empty on a release.
	Reasons []Reason `json:"reasons,omitempty"`

	Data Data `json:"data"`
	// Gain is V(new) − V(old), reward per decision; nil where there was too little to look at it.
	Gain *ope.Interval `json:"gain,omitempty"`
	Old  *ope.Interval `json:"old,omitempty"`
	New  *ope.Interval `json:"new,omitempty"`
	// RelativeGain is Gain over Old, estimates only.
	RelativeGain float64     `json:"relative_gain,omitzero"`
	Guardrails   []Guardrail `json:"guardrails,omitempty"`
	// Curve is the gain at other thresholds, for a plot; the verdict looks at the candidate's own only.
	Curve []Point `json:"curve,omitempty"`
	// Parts is the gain by contributor and by language, only where at least 10 developers stand behind it.
	Parts []Part `json:"parts,omitempty"`
}

// Reason is one thing that stands against a release. Missing is how much more there must be, in the unit of Need.
type Reason struct {
	Code    string  `json:"code"` // "developers", "propensity", "sample", "weight", "support", "no-candidate", "gain"
	Message string  `json:"message"`
	Have    float64 `json:"have"`
	Need    float64 `json:"need"`
	Missing float64 `json:"missing"`
}

// Data is what there was to judge by.
type Data struct {
	Decisions         int            `json:"decisions"` // held out
	Judged            int            `json:"judged"`    // those with a reward and a propensity
	LeftOut           map[string]int `json:"left_out,omitempty"`
	WithoutPropensity int            `json:"without_propensity"`
	Developers        int            `json:"developers"`
	// EffectiveSample is (Σw)²/Σw² of the decisions the candidate would have shown and that were, w = 1/propensity.
	EffectiveSample float64 `json:"effective_sample"`
	MaxWeight       float64 `json:"max_weight"`
	// Unsupported counts decisions that the candidate would show and that the logging policy never would.
	Unsupported int `json:"unsupported"`
}

// Guardrail is a measure beside the reward, under the old and the new policy.
type Guardrail struct {
	// Name is "show_rate", "accept_rate" (taken of shown) or "accepts_kept" (of what was taken, what the new one would still show).
	Name string        `json:"name"`
	Old  *ope.Interval `json:"old,omitempty"`
	New  *ope.Interval `json:"new,omitempty"`
}

// Point is the candidate at another threshold.
type Point struct {
	Threshold float64      `json:"threshold"`
	ShowRate  float64      `json:"show_rate"`
	Gain      ope.Interval `json:"gain"`
}

// Part is the gain in a part of the data.
type Part struct {
	By   string       `json:"by"` // "contributor" or "language"
	Name string       `json:"name"`
	Gain ope.Interval `json:"gain"`
}
