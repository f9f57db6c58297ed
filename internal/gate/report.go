// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/headrace/headrace/internal/ope"

const reportFormat = "headrace-gate/2"

// Verdict is what a gate says.
type Verdict string

// The verdicts.
const (
	Released Verdict = "released"
	Refused  Verdict = "refused"
)

// Design is where a report's numbers come from.
type Design string

// The designs. Numbers of any other origin are no evidence.
const (
	// Logged: the value of a policy estimated from decisions that another one made with known probabilities.
	Logged Design = "logged"
	// Randomised: developers drawn at random had the candidate, the others did not.
	Randomised Design = "randomised"
	// Paired: the same held-out tasks done under both.
	Paired Design = "paired"
)

// Report is the record of a gate: what it looked at, what it found, what it said. The hub signs it; [Decode] checks it.
type Report struct {
	Format   string `json:"format"`
	Design   Design `json:"design"`
	Method   string `json:"method"`
	Reward   string `json:"reward"`
	Spec     string `json:"reward_spec"`       // digest of the spec of that name
	Model    string `json:"model,omitzero"`    // digest of the candidate
	Snapshot string `json:"snapshot,omitzero"` // digest of the data it was learned from and judged on
	AsOf     int64  `json:"as_of,omitzero"`    // day of judging, counted from 1970-01-01

	Verdict Verdict `json:"verdict"`
	// Reasons say why it was refused, and how much is missing; empty on a release.
	Reasons []Reason `json:"reasons,omitempty"`
	// Notes say what was left out or counts for less, and why.
	Notes []Note `json:"notes,omitempty"`

	Data Data `json:"data"`
	// Gain is V(new) − V(old), reward per decision; nil where there was too little to look at it. It, Old and New are by
	// the jackknife over developers.
	Gain *ope.Interval `json:"gain,omitempty"`
	Old  *ope.Interval `json:"old,omitempty"`
	New  *ope.Interval `json:"new,omitempty"`
	// Look says how often the gate has looked, and by which bound it has decided; nil where it looks once, at 95 %.
	Look *Look `json:"look,omitempty"`
	// RelativeGain is Gain over Old, estimates only.
	RelativeGain float64 `json:"relative_gain,omitzero"`
	// Finite is a lower bound of the gain by betting on developers. Unlike Gain's it holds for any number of them, which is
	// why it is lower; the verdict does not look at it.
	Finite *float64 `json:"finite,omitempty"`
	// Power is what it would take to tell more.
	Power *Power `json:"power,omitempty"`
	// Components are the cost of showing and the parts of the reward, each with its own change; the verdict looks at their sum.
	Components []Component `json:"components,omitempty"`
	Guardrails []Guardrail `json:"guardrails,omitempty"`
	// WorstDecile is what the candidate changes, on average, for the tenth of developers it serves worst.
	WorstDecile *Decile `json:"worst_decile,omitempty"`
	// Choices is how often each action is taken under both.
	Choices []Choice `json:"choices,omitempty"`
	// Curve is the gain of a show/hide candidate that wants more or less of a suggestion than it does, for a plot.
	Curve []Point `json:"curve,omitempty"`
	// Parts is the gain by contributor, language and experience, only where at least 10 developers stand behind it.
	Parts []Part `json:"parts,omitempty"`
	// Selection is what contributors counted at home beside what they contributed; one of whom nothing is known is not in it. It is for
	// whoever judges alone and no part of the document, which all contributors read.
	Selection []Selection `json:"-"`
}

// Reason is one thing that stands against a release. Missing is how much more (or less) there must be, in the unit of Need.
type Reason struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Have    float64 `json:"have"`
	Need    float64 `json:"need"`
	Missing float64 `json:"missing"`
}

// Note is one thing that was left out or counts for less.
type Note struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Count   int    `json:"count"` // decisions
}

// Data is what there was to judge by.
type Data struct {
	Decisions         int            `json:"decisions"` // held out
	Judged            int            `json:"judged"`    // those with a reward that nothing is wrong with
	LeftOut           map[string]int `json:"left_out,omitempty"`
	WithoutPropensity int            `json:"without_propensity"`
	Developers        int            `json:"developers"`
	// EffectiveSample is (Σw)²/Σw² of the decisions that the candidate might have made as they were made, w = its
	// probability over the logged one; or what that is on average over what the logging policy might have done, if less: where the
	// rare was not done by chance, the log only seems to say much. What was hidden is worth 0 whatever its weight, and does not count.
	EffectiveSample float64 `json:"effective_sample"`
	// MaxWeight is the largest w, and Heaviest the largest share of the weight of all that one decision has, with what it
	// stands for of those that are too young.
	MaxWeight float64 `json:"max_weight"`
	Heaviest  float64 `json:"heaviest_share"`
	// Unsupported counts decisions in which the candidate would do what the logging policy never would.
	Unsupported int `json:"unsupported"`
	// Largest is the largest share of the decisions that one developer made.
	Largest float64 `json:"largest_share"`
	// Drift is the population stability index of what the candidate expects, older half of the decisions beside newer.
	Drift float64 `json:"drift"`
}

// Power is what it would take to tell a gain from nothing, in four trials out of five.
type Power struct {
	Detectable float64 `json:"detectable"` // smallest gain that this many developers would show
	// Developers is how many more held-out developers a gain as large as the estimate needs; 0 where there are enough, or
	// where the estimate is no gain.
	Developers int `json:"developers"`
}

// Component is one part of the reward.
type Component struct {
	Name string        `json:"name"`
	Old  *ope.Interval `json:"old,omitempty"`
	New  *ope.Interval `json:"new,omitempty"`
	Gain *ope.Interval `json:"gain,omitempty"`
}

// State is what a guardrail says.
type State string

// The states of a guardrail.
const (
	Held   State = "held"   // surely no worse than allowed
	Unsure State = "unsure" // too little to say
	Broken State = "broken" // surely worse, and by more than allowed: the candidate is refused
)

// Guardrail is a measure that must not get worse by more than Allowed, under the old and the new policy, in all of the data
// or a part of it. Together, guardrails are mistaken in at most 5 of 100 reports.
type Guardrail struct {
	Name       string        `json:"name"`          // "show_rate", "accept_rate", "accepts_kept", "kept_rate", "reverted_rate", "value"
	By         string        `json:"by,omitzero"`   // "contributor", "language", "experience"; empty for all of the data
	Part       string        `json:"part,omitzero"` // which
	Old        *ope.Interval `json:"old,omitempty"`
	New        *ope.Interval `json:"new,omitempty"`
	Difference *ope.Interval `json:"difference,omitempty"` // new − old
	Allowed    float64       `json:"allowed"`              // how far below 0 (reverted_rate: above) the difference may be
	State      State         `json:"state"`
	// Required says that it must be held for a release; another must only not be broken.
	Required bool `json:"required,omitzero"`
}

// Decile is the tenth of developers that a candidate serves worst: the mean of their true gains, as far as developers
// differ by more than chance (random effects, taken as normal). It says nothing of any person.
type Decile struct {
	Gain   ope.Interval `json:"gain"`   // from all developers
	Spread float64      `json:"spread"` // standard deviation of developers' true gains
	// Developers is how many are in the decile, at least 10.
	Developers int `json:"developers"`
}

// Choice is an action's share of the decisions.
type Choice struct {
	Action string  `json:"action"`
	Old    float64 `json:"old"`
	New    float64 `json:"new"`
}

// Point is a show/hide candidate that shows what it expects to earn more than this share of the reward's range: of the
// reward immediate, what it expects to be taken with at least this probability.
type Point struct {
	Threshold float64      `json:"threshold"`
	ShowRate  float64      `json:"show_rate"`
	Gain      ope.Interval `json:"gain"`
}

// Part is the gain in a part of the data.
type Part struct {
	By   string       `json:"by"` // "contributor", "language" or "experience"
	Name string       `json:"name"`
	Gain ope.Interval `json:"gain"`
}

// Selection is what a contributor counted at home, with noise, beside what it contributed: where the shares differ, what
// was contributed is not like the rest.
type Selection struct {
	Contributor string    `json:"contributor"`
	Decisions   int       `json:"decisions"` // its decisions judged by, of the time that it counted
	Strata      []Stratum `json:"strata"`
}

// Stratum is the share that was taken of what was shown.
type Stratum struct {
	Language    string       `json:"language,omitzero"` // empty for all of them
	Contributed ope.Interval `json:"contributed"`       // of the decisions judged by, each developer's weighed as they are counted
	Counted     float64      `json:"counted"`           // of all the contributor's decisions, as it says: with noise that may leave 0..1
	Noise       float64      `json:"noise"`             // standard deviation of Counted
	Difference  ope.Interval `json:"difference"`        // Contributed − Counted, with the spread of developers and the noise
}
