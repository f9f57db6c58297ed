// SPDX-License-Identifier: Apache-2.0

package dataset

import "github.com/headrace/headrace/episode"

// Decision is one suggestion of a snapshot, what was decided and what became of it, flat: the shape that learn, gate and
// value read. Its strings, maps and slices are the episode's own: nobody may change them.
type Decision struct {
	Episode     string
	DecisionID  string // of a decision of Headrace's own policy
	Contributor string
	Developer   string // pseudonym; unique within a contributor only
	Tool        string
	Day         int64 // days since 1970-01-01 of the decision, as coarse as it left
	// Features are number (float64), bool or enum (string), as coarse as they left.
	Features map[string]any
	Verdict  episode.Verdict
	By       episode.By
	// EditDistance is how far what was in place afterwards is from what was suggested, 0 to 1; nil where unknown.
	EditDistance *float64
	// EditedDay is the day on which EditDistance was seen, as Day counts, where that was after the decision; 0 is with it.
	EditedDay int64
	// Outcomes are what became of the suggestion, as far as the snapshot knows.
	Outcomes []episode.Outcome
	// Actions are what the logging policy could have done, each with its propensity; Chosen is the id of the one that it
	// did. A decision of a show/hide policy has the actions [ActionShow] and [ActionHide]. Both are empty where the source
	// did not say.
	Actions []episode.Action
	Chosen  string
	Release string // the release whose policy decided, if any
	// PropensityShow is the probability in [0, 1] with which the logging policy would have shown the suggestion;
	// Logged is false where the source did not say.
	PropensityShow float64
	// Chars is how many characters were suggested: of the text where it left, else as the features say; 0 where unknown.
	Chars int32
	// Calls, Errors and Questions count what the tool did in the episode: calls of its own tools, those of them that failed,
	// and messages that ended in a question and did nothing else. They stand with the first decision of an episode, and
	// only where steps leave; at signal they do not.
	Calls, Errors, Questions uint16
	// Experience is how many decisions of this developer on earlier days there are among the rows, in steps: 0 none, 1 fewer
	// than 10, 2 fewer than 100, 3 fewer than 1,000, 4 more.
	Experience uint8
	// Slot is where the suggestion stood among others, 0 the most prominent, 255 at most.
	Slot    uint8
	Shown   bool
	Logged  bool
	Explore bool
}

// Choice is what a decision was a choice among.
type Choice uint8

const (
	NoChoice      Choice = iota // it does not say
	ShowOrHide                  // a filter's
	WithOrWithout               // of an instruction that is tried
	AmongOptions                // a route's
)

// What a trial of an instruction chooses between, as package instruct writes it.
const (
	ActionWith    = "with"
	ActionWithout = "without"
)

// Choice says what was chosen among: decisions of one kind are no evidence about another.
func (d *Decision) Choice() Choice {
	c := NoChoice
	if d.Logged {
		return ShowOrHide
	}
	for i := range d.Actions {
		switch d.Actions[i].ID {
		case ActionShow, ActionHide:
			return ShowOrHide
		case ActionWith, ActionWithout:
			c = max(c, WithOrWithout)
		default:
			c = AmongOptions
		}
	}
	return c
}

// Decided reports whether a policy of Headrace's, or one whose probabilities were logged, made the decision.
func (d *Decision) Decided() bool { return d.DecisionID != "" || d.Choice() != NoChoice }
