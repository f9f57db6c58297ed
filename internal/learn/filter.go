// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/boost"
	"github.com/headrace/headrace/internal/learn/linear"
	"github.com/headrace/headrace/internal/learn/portable"
	"github.com/headrace/headrace/internal/reward"
)

const filterFormat = "headrace-filter/1"

const maxModel = 8 << 20 // bytes of a model file

// Filter decides whether to show a suggestion: it does where the share of the reward's range that it expects of it is above
// Threshold, which is where the reward is 0. Of the reward "immediate" that share is the probability that the suggestion is
// taken. It is the model file itself, one JSON object (docs/models.md). A filter from Fit or UnmarshalBinary is complete; it
// is safe for concurrent use and must not be changed.
//
// The share is sigmoid(score); the score is the sum of Weights times terms and, where there are any, of trees.
type Filter struct {
	Format    string  `json:"format"`
	Reward    string  `json:"reward"`
	Threshold float64 `json:"threshold"`
	// Scale is how wide the reward's range is: the reward to expect is Scale times the share above Threshold. 0 stands for 1.
	Scale float64 `json:"scale,omitzero"`
	linear.Terms
	Weights []float64    `json:"weights"`
	Trees   *boost.Model `json:"trees,omitzero"`
}

// Kind says how the filter scores.
func (f *Filter) Kind() Kind {
	if f.Trees != nil {
		return Trees
	}
	return Logistic
}

// Decide returns whether to show a suggestion with these features, and the share of the reward's range to expect: of
// "immediate", the probability that it would be taken. It does not allocate.
func (f *Filter) Decide(features map[string]any) (show bool, p float64) {
	p = portable.Sigmoid(f.score(features))
	return p > f.Threshold, p
}

func (f *Filter) score(features map[string]any) float64 {
	score := f.Terms.Score(f.Weights, features)
	if f.Trees != nil {
		score += f.Trees.Score(features)
	}
	return score
}

// MarshalBinary returns the model file. The same filter gives the same bytes.
func (f *Filter) MarshalBinary() ([]byte, error) {
	b, err := json.Marshal(f, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode filter: %w", err)
	}
	return append(b, '\n'), nil
}

// UnmarshalBinary reads a model file. Unknown fields, names out of order and numbers that make no sense are refused.
func (f *Filter) UnmarshalBinary(b []byte) error {
	var g Filter
	if len(b) > maxModel {
		return badModel(fmt.Errorf("longer than %d bytes", maxModel))
	}
	if err := json.Unmarshal(b, &g, json.RejectUnknownMembers(true)); err != nil {
		return badModel(err)
	}
	if err := g.check(); err != nil {
		return badModel(err)
	}
	*f = g
	return nil
}

func badModel(err error) error {
	return &episode.Problem{Code: "learn/bad-model", Message: "not a filter that this version can run",
		Hint: "fetch the release again; if it stays so, the maker must train it again", Err: err}
}

func (f *Filter) check() error {
	switch {
	case f.Format != filterFormat:
		return fmt.Errorf("format %q is not %s", f.Format, filterFormat)
	case !reward.IsName(f.Reward):
		return fmt.Errorf("reward %.60q is not a name", f.Reward)
	case !(f.Threshold > 0 && f.Threshold < 1):
		return fmt.Errorf("threshold %v is not between 0 and 1", f.Threshold)
	case !(f.Scale >= 0 && f.Scale <= reward.MaxRange):
		return fmt.Errorf("scale %v is not between 0 and %d", f.Scale, reward.MaxRange)
	}
	if f.Trees != nil {
		if err := f.Trees.Check(); err != nil {
			return err
		}
		if f.Trees.Loss != boost.Logistic {
			return fmt.Errorf("trees with %s loss", f.Trees.Loss)
		}
	}
	return f.Terms.Check(len(f.Weights))
}
