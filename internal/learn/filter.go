// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/reward"
)

const filterFormat = "headrace-filter/1"

// Bounds of a model file: far above what is useful, and small enough that a decision stays cheap.
const (
	maxNumbers, maxKnots = 24, 8
	maxBools             = 24
	maxEnums, maxValues  = 8, 32
	maxCrosses           = 4
	maxTerms             = 1 + maxNumbers*(2+maxKnots) + maxBools + maxEnums*maxValues + maxCrosses*maxValues
	maxModel             = 1 << 20 // bytes
)

// Filter decides whether to show a suggestion: it does where the probability that it is taken is above Threshold. It is
// the model file itself, one JSON object. A filter from Fit or UnmarshalBinary is complete; it is safe for concurrent
// use and must not be changed.
//
// The terms, in the order of Weights: 1; for each number its standardised value z, then max(0, z − knot) for each knot,
// then, where it has gaps, 1 if it is missing; for each yes-or-no feature 1 if it is true; for each value of each listed
// feature 1 if it has that value; for each cross and each value of its listed feature z of its number, if it has that
// value. What is missing, unknown or of another type is 0. A number x is z = (sign(x)·ln(1+|x|) − mean) / scale.
type Filter struct {
	Format    string    `json:"format"`
	Reward    string    `json:"reward"`
	Threshold float64   `json:"threshold"`
	Numbers   []Number  `json:"numbers"`
	Bools     []string  `json:"bools"`
	Enums     []Enum    `json:"enums"`
	Crosses   []Cross   `json:"crosses"`
	Weights   []float64 `json:"weights"`

	terms   int       // how many weights there are
	crossed []crossed // Crosses, resolved
}

// Number is how a number is read.
type Number struct {
	Name  string    `json:"name"`
	Mean  float64   `json:"mean"`
	Scale float64   `json:"scale"`
	Knots []float64 `json:"knots"`
	Gaps  bool      `json:"gaps"` // it was missing in some of what was learned from
}

// Enum is how a listed feature is read.
type Enum struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Cross lets the effect of a number differ with a listed feature.
type Cross struct {
	Enum   string `json:"enum"`
	Number string `json:"number"`
}

type crossed struct{ enum, number int }

// Decide returns whether to show a suggestion with these features, and the probability that it would be taken.
func (f *Filter) Decide(features map[string]any) (show bool, p float64) {
	var buf [maxTerms]float64
	eta := 0.0
	for i, x := range f.encode(features, buf[:f.terms]) {
		eta += f.Weights[i] * x
	}
	p = 1 / (1 + math.Exp(-eta))
	return p > f.Threshold, p
}

// encode fills x, which is zero, with the terms.
func (f *Filter) encode(features map[string]any, x []float64) []float64 {
	var z [maxNumbers]float64
	var chosen [maxEnums]int
	x[0] = 1
	at := 1
	for i := range f.Numbers {
		n := &f.Numbers[i]
		v, ok := features[n.Name].(float64)
		if ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			z[i] = (squash(v) - n.Mean) / n.Scale
			x[at] = z[i]
			for k, knot := range n.Knots {
				x[at+1+k] = max(0, z[i]-knot)
			}
		} else if n.Gaps {
			x[at+1+len(n.Knots)] = 1
		}
		at += n.terms()
	}
	for _, name := range f.Bools {
		if yes, _ := features[name].(bool); yes {
			x[at] = 1
		}
		at++
	}
	for i := range f.Enums {
		e := &f.Enums[i]
		chosen[i] = -1
		if v, ok := features[e.Name].(string); ok {
			chosen[i] = slices.Index(e.Values, v)
		}
		if chosen[i] >= 0 {
			x[at+chosen[i]] = 1
		}
		at += len(e.Values)
	}
	for _, c := range f.crossed {
		if k := chosen[c.enum]; k >= 0 {
			x[at+k] = z[c.number]
		}
		at += len(f.Enums[c.enum].Values)
	}
	return x
}

func (n *Number) terms() int {
	t := 1 + len(n.Knots)
	if n.Gaps {
		t++
	}
	return t
}

// squash draws in long tails, evenly on both sides of zero.
func squash(v float64) float64 { return math.Copysign(math.Log1p(math.Abs(v)), v) }

func (f *Filter) number(name string) int {
	return slices.IndexFunc(f.Numbers, func(n Number) bool { return n.Name == name })
}

func (f *Filter) enum(name string) int {
	return slices.IndexFunc(f.Enums, func(e Enum) bool { return e.Name == name })
}

// index resolves the crosses, whose names must exist, and counts the terms.
func (f *Filter) index() {
	f.terms, f.crossed = 1+len(f.Bools), nil
	for i := range f.Numbers {
		f.terms += f.Numbers[i].terms()
	}
	for i := range f.Enums {
		f.terms += len(f.Enums[i].Values)
	}
	for _, c := range f.Crosses {
		r := crossed{f.enum(c.Enum), f.number(c.Number)}
		f.crossed = append(f.crossed, r)
		f.terms += len(f.Enums[r.enum].Values)
	}
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
	g.index()
	if len(g.Weights) != g.terms {
		return badModel(fmt.Errorf("%d weights for %d terms", len(g.Weights), g.terms))
	}
	*f = g
	return nil
}

func badModel(err error) error {
	return &episode.Problem{Code: "learn/bad-model", Message: "not a filter that this version can run",
		Hint: "fetch the release again; if it stays so, the maker must train it again", Err: err}
}

func (f *Filter) check() error {
	spec := reward.Immediate()
	switch {
	case f.Format != filterFormat:
		return fmt.Errorf("format %q is not %s", f.Format, filterFormat)
	case f.Reward != spec.Name:
		return fmt.Errorf("reward %q is not one this version knows", f.Reward)
	case !(f.Threshold > 0 && f.Threshold < 1):
		return fmt.Errorf("threshold %v is not between 0 and 1", f.Threshold)
	case len(f.Numbers) > maxNumbers || len(f.Bools) > maxBools || len(f.Enums) > maxEnums || len(f.Crosses) > maxCrosses:
		return fmt.Errorf("too many features")
	case !ascending(f.Numbers, func(n Number) string { return n.Name }), !ascending(f.Enums, func(e Enum) string { return e.Name }),
		!ascending(f.Bools, func(s string) string { return s }):
		return fmt.Errorf("names are not sorted, or there twice")
	}
	for _, n := range f.Numbers {
		if !(n.Scale > 0) || len(n.Knots) > maxKnots || !ascending(n.Knots, func(k float64) float64 { return k }) {
			return fmt.Errorf("number %q has no good scale or knots", n.Name)
		}
	}
	for _, e := range f.Enums {
		if len(e.Values) == 0 || len(e.Values) > maxValues || !ascending(e.Values, func(s string) string { return s }) {
			return fmt.Errorf("feature %q has no good list of values", e.Name)
		}
	}
	for _, c := range f.Crosses {
		if f.enum(c.Enum) < 0 || f.number(c.Number) < 0 {
			return fmt.Errorf("cross of %q and %q, which are not both there", c.Enum, c.Number)
		}
	}
	return nil
}

func ascending[T any, K cmp.Ordered](s []T, key func(T) K) bool {
	for i := 1; i < len(s); i++ {
		if key(s[i-1]) >= key(s[i]) {
			return false
		}
	}
	return true
}
