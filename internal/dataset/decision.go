// SPDX-License-Identifier: Apache-2.0

package dataset

import "github.com/headrace/headrace/episode"

// Decision is one suggestion of a snapshot and what was decided, flat: the shape that learn, release and value read.
type Decision struct {
	Episode     string
	Contributor string
	Developer   string // pseudonym; unique within a contributor only
	Day         int64  // days since 1970-01-01 of the decision, as coarse as it left
	// Features are number (float64), bool or enum (string), as coarse as they left.
	Features map[string]any
	Verdict  episode.Verdict
	By       episode.By
	Shown    bool
	// PropensityShow is the probability in [0, 1] with which the logging policy would have shown the suggestion;
	// Logged is false where the source did not say.
	PropensityShow float64
	Logged         bool
	Explore        bool
	Release        string // the release whose policy decided, if any
	DecisionID     string
	// Actions are what the policy could have done, each with its features and the probability with which it would have;
	// Chosen is the id of the one it took. Both are empty where the source did not say.
	Actions []episode.Action
	Chosen  string
	// EditDistance between what was suggested and what was in place after the decision, as a share of the longer, in
	// [0, 1]; nil where unknown.
	EditDistance *float64
}
