// SPDX-License-Identifier: Apache-2.0

package bandit

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/hashed"
)

// RouteFormat is what a route's file says that it is.
const RouteFormat = "headrace-route/1"

// Bounds of a route's file: far above what is useful, and small enough that a decision stays cheap.
const (
	maxRoute   = 1 << 20 // bytes
	maxBits    = 15
	maxActions = 64
	maxName    = 128 // bytes of an action's id or of a reward's name
	maxWeight  = 1e6
)

// The groups in which names are hashed.
const (
	groupContext = 1 + iota
	groupAction
	groupID
)

// Route says what each of several actions is worth in a context. It is the model file itself, one JSON object. A route
// from Fit or UnmarshalBinary is complete; it is safe for concurrent use and must not be changed.
//
// The value of an action is the sum, over its terms, of the number times the weight at the term's index. The terms are:
// the constant; each feature of the context (hashed in group 1); each of the action (group 2), and its id (group 3,
// number 1); and each of the context times each of the action's, as package hashed hashes, crosses and squashes them.
// Of an index the lowest Bits bits count; a slot that is not listed has weight 0.
type Route struct {
	Format  string    `json:"format"`
	Reward  string    `json:"reward"`
	Actions []string  `json:"actions"` // the ids it has learned of, sorted
	Bits    int       `json:"bits"`
	Slots   []uint32  `json:"slots"`   // ascending
	Weights []float32 `json:"weights"` // of each slot

	table []float32
}

// Values appends to into what each action is expected to be worth, in the unit of the reward; NaN for one that it has
// not learned of. It does not allocate where into has room, for up to some dozens of features.
func (r *Route) Values(into []float64, context map[string]any, actions []episode.Action) []float64 {
	var room [48]Feature
	var own [24]Feature
	s := hashed.Append(room[:0], groupContext, context)
	shared := r.weigh(hashed.Constant())
	for _, f := range s {
		shared += r.weigh(f)
	}
	for i := range actions {
		a := &actions[i]
		if _, ok := slices.BinarySearch(r.Actions, a.ID); !ok {
			into = append(into, math.NaN())
			continue
		}
		value := shared
		for _, f := range appendAction(own[:0], a) {
			value += r.weigh(f)
			for _, g := range s {
				value += r.weigh(hashed.Product(g, f))
			}
		}
		into = append(into, value)
	}
	return into
}

func (r *Route) weigh(f Feature) float64 {
	return float64(float64(r.table[f.Index&uint32(len(r.table)-1)]) * float64(f.Value))
}

// appendAction appends an action's features.
func appendAction(to []Feature, a *episode.Action) []Feature {
	return append(hashed.Append(to, groupAction, a.Features), Feature{Index: hashed.Hash(groupID, a.ID), Value: 1})
}

// MarshalBinary returns the model file. The same route gives the same bytes.
func (r *Route) MarshalBinary() ([]byte, error) {
	b, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode route: %w", err)
	}
	return append(b, '\n'), nil
}

// UnmarshalBinary reads a model file. Unknown fields, names or slots out of order and numbers that make no sense are
// refused.
func (r *Route) UnmarshalBinary(b []byte) error {
	var g Route
	if len(b) > maxRoute {
		return badRoute(fmt.Errorf("longer than %d bytes", maxRoute))
	}
	if err := json.Unmarshal(b, &g, json.RejectUnknownMembers(true)); err != nil {
		return badRoute(err)
	}
	if err := g.check(); err != nil {
		return badRoute(err)
	}
	g.index()
	*r = g
	return nil
}

func (r *Route) index() {
	r.table = make([]float32, 1<<r.Bits)
	for i, at := range r.Slots {
		r.table[at] = r.Weights[i]
	}
}

func (r *Route) check() error {
	switch {
	case r.Format != RouteFormat:
		return fmt.Errorf("format %q is not %s", r.Format, RouteFormat)
	case r.Reward == "" || len(r.Reward) > maxName:
		return fmt.Errorf("the reward has no good name")
	case r.Bits < 1 || r.Bits > maxBits:
		return fmt.Errorf("%d bits are not 1 to %d", r.Bits, maxBits)
	case len(r.Actions) == 0 || len(r.Actions) > maxActions:
		return fmt.Errorf("%d actions are not 1 to %d", len(r.Actions), maxActions)
	case len(r.Slots) != len(r.Weights):
		return fmt.Errorf("%d weights for %d slots", len(r.Weights), len(r.Slots))
	}
	for i, id := range r.Actions {
		if id == "" || len(id) > maxName || i > 0 && id <= r.Actions[i-1] {
			return fmt.Errorf("actions are not sorted, there twice, or without a good id")
		}
	}
	for i, at := range r.Slots {
		if at >= 1<<r.Bits || i > 0 && at <= r.Slots[i-1] {
			return fmt.Errorf("slot %d is out of order, or beyond %d bits", at, r.Bits)
		}
		if w := math.Abs(float64(r.Weights[i])); !(w <= maxWeight) {
			return fmt.Errorf("weight %v makes no sense", r.Weights[i])
		}
	}
	return nil
}

func badRoute(err error) error {
	return &episode.Problem{Code: "learn/bad-model", Message: "not a route that this version can run",
		Hint: "fetch the release again; if it stays so, the maker must train it again", Err: err}
}
