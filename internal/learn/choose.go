// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/learn/boost"
	"github.com/headrace/headrace/internal/learn/linear"
)

// Compared is how the kinds did on decisions of developers whom they had not learned from.
type Compared struct {
	Decisions  int     `json:"decisions"`
	Developers int     `json:"developers"`
	Logistic   float64 `json:"logistic"` // mean log-loss
	Trees      float64 `json:"trees"`
	// SE is the standard error, over developers, of the difference.
	SE float64 `json:"se"`
}

const (
	folds           = 4
	minCompared     = 1000 // with fewer decisions trees are not thought of
	minPeople       = 12
	compared        = 8_000 // decisions are enough to tell; or
	comparedShare   = 20    // one in so many, where that is more
	mostCompared    = 40_000
	treeLeaves      = 15 // of a filter: small, and about four questions deep
	mostTrees       = 100
	stopShare       = 0.15 // of the developers say when to stop adding trees
	smallestLeaf    = 40
	smallestLeafPer = 2000 // … or one in so many decisions
)

// choose compares the kinds by cross-validation over developers. Trees must be better by more than the difference is
// unsure: where both are as good the smaller, faster and steadier one is taken.
func choose(ctx context.Context, d *decisions, o Options) (Kind, *Compared, error) {
	if len(d.examples) < minCompared || len(d.people) < minPeople {
		return Logistic, nil, nil
	}
	sample := d.some(min(max(compared, len(d.examples)/comparedShare), mostCompared))
	c := &Compared{Decisions: len(sample.examples)}
	// By developer: the difference in loss and the weight that it is of.
	gap, weight := make([]float64, len(d.people)), make([]float64, len(d.people))
	var total, logistic, trees float64
	for fold := range folds {
		in := func(who int32) bool { return int(sample.people[who].fold*folds) == fold }
		var line, tree Filter
		others := sample.only(func(who int32) bool { return !in(who) })
		if len(others.examples) == 0 {
			return Logistic, nil, nil // too few people to compare
		}
		if _, _, err := line.fit(ctx, Logistic, others, o); err != nil {
			return "", nil, err
		}
		if _, _, err := tree.fit(ctx, Trees, others, o); err != nil {
			return "", nil, err
		}
		for i, e := range sample.examples {
			if who := sample.who[i]; in(who) {
				a, b := loss(line.score(e.Features), e.Label), loss(tree.score(e.Features), e.Label)
				logistic, trees, total = logistic+float64(e.Weight*a), trees+float64(e.Weight*b), total+e.Weight
				gap[who] += float64(e.Weight * (a - b))
				weight[who] += e.Weight
			}
		}
	}
	c.Logistic, c.Trees = logistic/total, trees/total
	mean, squares := c.Logistic-c.Trees, 0.0
	for k, w := range weight {
		if w > 0 {
			c.Developers++
			off := gap[k] - float64(mean*w)
			squares += float64(off * off)
		}
	}
	n := float64(c.Developers)
	c.SE = math.Sqrt(squares*n/(n-1)) / total
	if mean > c.SE {
		return Trees, c, nil
	}
	return Logistic, c, nil
}

// some are the decisions of as many developers, by lot, as have about n together. Of a developer who has more than a fifth of
// that, an even selection is taken: nobody is to be all that is compared on.
func (d *decisions) some(n int) *decisions {
	if len(d.examples) <= n {
		return d
	}
	count, order := d.count(), make([]int32, len(d.people))
	most := n / 5
	for k := range order {
		order[k] = int32(k)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(d.people[a].sample, d.people[b].sample), cmp.Compare(a, b))
	})
	taken := make([]int, len(d.people)) // how many of each
	for _, who := range order {
		if n <= 0 {
			break
		}
		taken[who] = min(count[who], most)
		n -= taken[who]
	}
	seen := make([]int, len(d.people))
	return d.only(func(who int32) bool {
		at := seen[who]
		seen[who]++
		return (at+1)*taken[who]/count[who] > at*taken[who]/count[who]
	})
}

// only are the decisions of some developers.
func (d *decisions) only(in func(who int32) bool) *decisions {
	part := &decisions{people: d.people}
	for i, who := range d.who {
		if in(who) {
			part.examples, part.who = append(part.examples, d.examples[i]), append(part.who, who)
		}
	}
	return part
}

// fit learns the filter's score, and returns its mean loss and the steps or trees that it took.
func (f *Filter) fit(ctx context.Context, kind Kind, d *decisions, o Options) (loss float64, steps int, err error) {
	terms := linear.NewTerms(d.examples, o.Crosses)
	if kind == Logistic {
		f.Terms = *terms
		f.Weights, loss, steps = terms.Fit(d.examples, o.Penalty)
		return loss, steps, ctx.Err()
	}
	m, r, err := boost.Fit(ctx, d.table(terms), boost.Options{Trees: mostTrees, Leaves: treeLeaves, Ridge: o.Penalty,
		MinLeaf: max(smallestLeaf, len(d.examples)/smallestLeafPer)})
	if err != nil {
		return 0, 0, err
	}
	f.Terms, f.Weights, f.Trees = linear.Terms{}, []float64{0}, m
	return r.Loss, r.Trees, f.Terms.Check(1)
}

// table puts the features that there are terms of into columns.
func (d *decisions) table(t *linear.Terms) *boost.Examples {
	n := len(d.examples)
	e := &boost.Examples{Label: make([]float64, n), Weight: make([]float64, n), Held: make([]bool, n)}
	columns := map[string]boost.Column{}
	for _, x := range t.Enums {
		columns[x.Name] = boost.Column{Name: x.Name, Level: make([]int32, n), Levels: x.Values}
	}
	for _, name := range t.Bools {
		columns[name] = boost.Column{Name: name, Number: make([]float64, n)}
	}
	for _, x := range t.Numbers {
		columns[x.Name] = boost.Column{Name: x.Name, Number: make([]float64, n)}
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		e.Columns = append(e.Columns, columns[name])
	}
	for i := range d.examples {
		x := &d.examples[i]
		e.Label[i], e.Weight[i], e.Held[i] = x.Label, x.Weight, d.people[d.who[i]].stop < stopShare
		for j := range e.Columns {
			c := &e.Columns[j]
			if c.Level != nil {
				v, ok := x.Features[c.Name].(string)
				at, known := slices.BinarySearch(c.Levels, v)
				if c.Level[i] = int32(at); !ok || !known {
					c.Level[i] = -1
				}
				continue
			}
			switch v := x.Features[c.Name].(type) {
			case float64:
				c.Number[i] = v
			case bool:
				if v {
					c.Number[i] = 1
				}
			default:
				c.Number[i] = math.NaN()
			}
		}
	}
	if !slices.Contains(e.Held, true) || !slices.Contains(e.Held, false) {
		e.Held = nil // nobody to ask
	}
	return e
}
