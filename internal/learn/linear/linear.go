// SPDX-License-Identifier: Apache-2.0

// Package linear learns a score that is a sum of terms made of named features, by ridge logistic regression.
//
// Start from [NewTerms], which fits what terms there are to examples, and [Terms.Fit], which finds their weights by Newton's
// method. [Terms.Score] is what runs beside the tool: it does not allocate. [Newton] is the method itself, for rows of
// any making; package rank uses it on differences.
//
// The same examples in the same order give the same weights, bit for bit, on any number of cores.
package linear

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/learn/portable"
)

// Bounds of a model file: far above what is useful, and small enough that a decision stays cheap.
const (
	maxNumbers, maxKnots = 24, 8
	maxBools             = 24
	maxEnums, maxValues  = 8, 32
	maxCrosses           = 4
)

// Terms say how features become terms. They are part of a model file.
//
// The terms, in the order of their weights: 1; for each number its standardised value z, then max(0, z − knot) for each
// knot, then, where it has gaps, 1 if it is missing; for each yes-or-no feature 1 if it is true; for each value of each
// listed feature 1 if it has that value; for each cross and each value of its listed feature z of its number, if it has
// that value. What is missing, unknown, not finite or of another type is 0. A number x is
// z = (sign(x)·ln(1+|x|) − mean) / scale. A score adds weight times term in this order, leaving out what is 0.
type Terms struct {
	Numbers []Number `json:"numbers"`
	Bools   []string `json:"bools"`
	Enums   []Enum   `json:"enums"`
	Crosses []Cross  `json:"crosses"`

	count   int       // how many there are
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

// Count is how many terms there are.
func (t *Terms) Count() int { return t.count }

// Score returns Σ weight·term for these features. Terms must come from NewTerms, or have passed Check.
func (t *Terms) Score(weights []float64, features map[string]any) float64 {
	var numbers [maxNumbers]float64
	var enums [maxEnums]int8
	e := encoded{numbers: numbers[:len(t.Numbers)], enums: enums[:len(t.Enums)]}
	e.bools = t.read(features, e.numbers, e.enums)
	return t.sum(weights, &e)
}

// encoded is one example's features, read: numbers standardised, NaN where missing; a bit for each yes-or-no feature; the
// places of listed values, −1 where there is none.
type encoded struct {
	numbers []float64
	bools   uint32
	enums   []int8
}

func (t *Terms) read(features map[string]any, numbers []float64, enums []int8) (bools uint32) {
	for i := range t.Numbers {
		n := &t.Numbers[i]
		numbers[i] = math.NaN()
		if v, ok := features[n.Name].(float64); ok && v-v == 0 {
			numbers[i] = (squash(v) - n.Mean) / n.Scale
		}
	}
	for i, name := range t.Bools {
		if yes, _ := features[name].(bool); yes {
			bools |= 1 << i
		}
	}
	for i := range t.Enums {
		enums[i] = -1
		if v, ok := features[t.Enums[i].Name].(string); ok {
			enums[i] = int8(slices.Index(t.Enums[i].Values, v))
		}
	}
	return bools
}

// squash draws in long tails, evenly on both sides of zero.
func squash(v float64) float64 { return math.Copysign(portable.Log1p(math.Abs(v)), v) }

// expand calls add with each term that is not 0, in order.
func (t *Terms) expand(e *encoded, add func(i int, v float64)) {
	add(0, 1)
	at := 1
	for i := range t.Numbers {
		n := &t.Numbers[i]
		if z := e.numbers[i]; z == z {
			add(at, z)
			for k, knot := range n.Knots {
				if z > knot {
					add(at+1+k, z-knot)
				}
			}
		} else if n.Gaps {
			add(at+1+len(n.Knots), 1)
		}
		at += n.terms()
	}
	for i := range t.Bools {
		if e.bools>>i&1 == 1 {
			add(at+i, 1)
		}
	}
	at += len(t.Bools)
	for i := range t.Enums {
		if k := e.enums[i]; k >= 0 {
			add(at+int(k), 1)
		}
		at += len(t.Enums[i].Values)
	}
	for _, c := range t.crossed {
		if k, z := e.enums[c.enum], e.numbers[c.number]; k >= 0 && z == z {
			add(at+int(k), z)
		}
		at += len(t.Enums[c.enum].Values)
	}
}

// sum is Σ weight·term, in the order of expand.
func (t *Terms) sum(w []float64, e *encoded) float64 {
	sum := 0.0
	t.expand(e, func(i int, v float64) { sum += float64(w[i] * v) })
	return sum
}

func (n *Number) terms() int {
	t := 1 + len(n.Knots)
	if n.Gaps {
		t++
	}
	return t
}

func (t *Terms) number(name string) int {
	return slices.IndexFunc(t.Numbers, func(n Number) bool { return n.Name == name })
}

func (t *Terms) enum(name string) int {
	return slices.IndexFunc(t.Enums, func(e Enum) bool { return e.Name == name })
}

// index resolves the crosses, whose names must exist, and counts the terms.
func (t *Terms) index() {
	t.count, t.crossed = 1+len(t.Bools), nil
	for i := range t.Numbers {
		t.count += t.Numbers[i].terms()
	}
	for i := range t.Enums {
		t.count += len(t.Enums[i].Values)
	}
	for _, c := range t.Crosses {
		r := crossed{t.enum(c.Enum), t.number(c.Number)}
		t.crossed = append(t.crossed, r)
		t.count += len(t.Enums[r.enum].Values)
	}
}

// Check refuses terms of a model file that make no sense, or that these many weights do not fit, and makes the others
// ready for Score.
func (t *Terms) Check(weights int) error {
	switch {
	case len(t.Numbers) > maxNumbers || len(t.Bools) > maxBools || len(t.Enums) > maxEnums || len(t.Crosses) > maxCrosses:
		return fmt.Errorf("too many features")
	case !ascending(t.Numbers, func(n Number) string { return n.Name }), !ascending(t.Enums, func(e Enum) string { return e.Name }),
		!ascending(t.Bools, func(s string) string { return s }):
		return fmt.Errorf("names are not sorted, or there twice")
	}
	for _, n := range t.Numbers {
		if !(n.Scale > 0) || len(n.Knots) > maxKnots || !ascending(n.Knots, func(k float64) float64 { return k }) {
			return fmt.Errorf("number %q has no good scale or knots", n.Name)
		}
	}
	for _, e := range t.Enums {
		if len(e.Values) == 0 || len(e.Values) > maxValues || !ascending(e.Values, func(s string) string { return s }) {
			return fmt.Errorf("feature %q has no good list of values", e.Name)
		}
	}
	for _, c := range t.Crosses {
		if t.enum(c.Enum) < 0 || t.number(c.Number) < 0 {
			return fmt.Errorf("cross of %q and %q, which are not both there", c.Enum, c.Number)
		}
	}
	if t.index(); weights != t.count {
		return fmt.Errorf("%d weights for %d terms", weights, t.count)
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
