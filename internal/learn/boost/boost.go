// SPDX-License-Identifier: Apache-2.0

// Package boost learns sums of small trees by histogram gradient boosting (Friedman 2001; the shape of LightGBM, Ke et al.
// 2017): values are put into at most 255 bins, trees grow leaf by leaf where the loss falls most, and of two siblings only
// the smaller one is counted, the other is what is left of their parent.
//
// Start from [Fit]. A [Model] is a small JSON file ("headrace-trees/1", docs/models.md) that is evaluated in microseconds.
//
// Gradients are counted as whole numbers of a fixed unit, slope and curvature side by side in one word, so that a sum is
// the same in whatever order it is made: the same examples give the same bytes on any number of cores.
package boost

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/portable"
)

// Loss is what is made small.
type Loss string

const (
	Logistic Loss = "logistic" // of labels from 0 to 1; the prediction is a probability
	Squared  Loss = "squared"
)

// Column is one feature of all examples: either Number, NaN where it is missing, or Level, an index into Levels and
// negative where it is missing or not listed.
type Column struct {
	Name   string
	Number []float64
	Level  []int32
	Levels []string // at most 32, sorted
}

// Examples are what is learned from, in columns of equal length.
type Examples struct {
	Columns []Column // sorted by name
	Label   []float64
	Weight  []float64 // 0 or more; nil: 1 for each
	// Held marks examples that are not learned from, but tell when to stop. They should be all those of some developers:
	// on others' decisions of the same people a model looks better than it is. Nil: no early stopping.
	Held []bool
}

// Options say how to learn; the zero value is right for most.
type Options struct {
	Loss     Loss    // logistic when empty
	Trees    int     // at most this many; 100 when zero
	Leaves   int     // of a tree; 31 when zero, at most 64
	Rate     float64 // by which each tree is shrunk; 0.1 when zero
	Ridge    float64 // added to the curvature of each leaf
	MinLeaf  int     // about as many examples in each leaf; 20 when zero
	Bins     int     // for values of a number; 255 when zero, which is the most
	Patience int     // trees without a better loss on Held before stopping; 10 when zero
}

// Report says what a fit saw.
type Report struct {
	Rows     int     `json:"rows"` // learned from
	Held     int     `json:"held"`
	Trees    int     `json:"trees"`
	Leaves   int     `json:"leaves"`
	Loss     float64 `json:"loss"`      // mean on what was learned from
	HeldLoss float64 `json:"held_loss"` // mean on Held, at its best
}

// Limits of a model, and so of what Fit makes.
const (
	maxTrees, maxLeaves = 1000, 64
	maxFeatures         = 256
	maxLevels           = 32
	maxRows             = 1 << 28
)

func (o *Options) fill() error {
	if o.Loss == "" {
		o.Loss = Logistic
	}
	o.Trees, o.Leaves, o.Bins = or(o.Trees, 100), or(o.Leaves, 31), or(o.Bins, 255)
	o.MinLeaf, o.Patience = or(o.MinLeaf, 20), or(o.Patience, 10)
	if o.Rate == 0 {
		o.Rate = 0.1
	}
	switch {
	case o.Loss != Logistic && o.Loss != Squared:
		return fmt.Errorf("loss %q is not known", o.Loss)
	case o.Trees < 1 || o.Trees > maxTrees, o.Leaves < 2 || o.Leaves > maxLeaves, o.Bins < 2 || o.Bins > 255:
		return fmt.Errorf("%d trees, %d leaves and %d bins are not within 1…%d, 2…%d and 2…255", o.Trees, o.Leaves, o.Bins, maxTrees, maxLeaves)
	case !(o.Rate > 0 && o.Rate <= 1), !(o.Ridge >= 0 && o.Ridge < math.MaxFloat32):
		return fmt.Errorf("rate %v and ridge %v are not above 0 and at least 0", o.Rate, o.Ridge)
	}
	return nil
}

func or(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

// Fit learns a model. It stops with ctx's error between two trees.
func Fit(ctx context.Context, e *Examples, o Options) (*Model, Report, error) {
	if err := o.fill(); err != nil {
		return nil, Report{}, bad(err)
	}
	if err := e.check(o.Loss); err != nil {
		return nil, Report{}, bad(err)
	}
	f := newFit(e, o)
	m := &Model{Format: Format, Loss: o.Loss, Features: features(e), Base: f.base(), Trees: []Tree{}}
	report := Report{Rows: len(f.rows), Held: len(f.heldRows), HeldLoss: math.NaN()}
	for i := range f.score {
		f.score[i] = m.Base
	}
	best, kept := math.Inf(1), 0
	for len(m.Trees) < o.Trees {
		if err := ctx.Err(); err != nil {
			return nil, report, err
		}
		f.gradients()
		t, ok := f.tree()
		if !ok {
			break // nothing to gain any more
		}
		m.Trees = append(m.Trees, t)
		f.hold(&t)
		if len(f.heldRows) == 0 {
			kept = len(m.Trees)
			continue
		}
		if loss := f.loss(f.heldRows); loss < best {
			best, kept = loss, len(m.Trees)
		} else if len(m.Trees)-kept >= o.Patience {
			break
		}
	}
	if len(f.heldRows) > 0 {
		report.HeldLoss = min(best, f.baseLoss(m.Base))
		if best >= f.baseLoss(m.Base) {
			kept = 0
		}
	}
	m.Trees = m.Trees[:kept:kept]
	report.Trees, report.Loss = kept, f.loss(f.rows)
	for i := range m.Trees {
		report.Leaves += (len(m.Trees[i].Feature) + 1) / 2
	}
	if err := m.Check(); err != nil {
		return nil, report, fmt.Errorf("a learned model does not hold: %w", err)
	}
	return m, report, nil
}

func bad(err error) error {
	return &episode.Problem{Code: "learn/bad-examples", Message: "no trees can be learned from this",
		Hint: "columns of equal length, sorted by name, finite labels, weights of at least 0", Err: err}
}

func (e *Examples) check(l Loss) error {
	n := len(e.Label)
	if n == 0 || n > maxRows || e.Weight != nil && len(e.Weight) != n || e.Held != nil && len(e.Held) != n || len(e.Columns) > maxFeatures {
		return fmt.Errorf("%d labels, %d weights, %d columns", n, len(e.Weight), len(e.Columns))
	}
	for i := range e.Columns {
		c := &e.Columns[i]
		if len(c.Number)+len(c.Level) != n || len(c.Number) > 0 && len(c.Level) > 0 || len(c.Levels) > maxLevels || len(c.Levels) > 0 != (len(c.Level) > 0) {
			return fmt.Errorf("column %q has %d numbers and %d levels of %d", c.Name, len(c.Number), len(c.Level), len(c.Levels))
		}
		if i > 0 && e.Columns[i-1].Name >= c.Name {
			return fmt.Errorf("column %q is not in order", c.Name)
		}
		for _, l := range c.Level {
			if int(l) >= len(c.Levels) {
				return fmt.Errorf("column %q has a level %d of %d", c.Name, l, len(c.Levels))
			}
		}
	}
	for i, y := range e.Label {
		if math.IsNaN(y) || math.IsInf(y, 0) || l == Logistic && (y < 0 || y > 1) {
			return fmt.Errorf("label %v of example %d", y, i)
		}
	}
	total := 0.0
	for i := range n {
		w := 1.0
		if e.Weight != nil {
			w = e.Weight[i]
		}
		if !(w >= 0 && w <= math.MaxFloat32) {
			return fmt.Errorf("weight %v of example %d", w, i)
		}
		if e.Held == nil || !e.Held[i] {
			total += w
		}
	}
	if total == 0 {
		return fmt.Errorf("no example to learn from has a weight")
	}
	return nil
}

func features(e *Examples) []Feature {
	all := make([]Feature, len(e.Columns))
	for i, c := range e.Columns {
		all[i] = Feature{Name: c.Name, Values: c.Levels}
	}
	return all
}

// fit is what the trees of one model are grown from.
type fit struct {
	Options
	e       *Examples
	columns []binned
	words   [][]uint64 // bins of eight columns each, a word a row
	workers int

	rows, heldRows []uint32 // examples by use, in order
	score          []float64
	slope, curve   []float32 // of the loss at the score, times weight
	grower
}

func newFit(e *Examples, o Options) *fit {
	f := &fit{Options: o, e: e, workers: runtime.GOMAXPROCS(0)}
	n := len(e.Label)
	for i := range n {
		if e.Held != nil && e.Held[i] {
			f.heldRows = append(f.heldRows, uint32(i))
		} else {
			f.rows = append(f.rows, uint32(i))
		}
	}
	f.bin()
	f.score, f.slope, f.curve = make([]float64, n), make([]float32, n), make([]float32, n)
	f.grower.init(f)
	return f
}

func (f *fit) weight(i uint32) float64 {
	if f.e.Weight == nil {
		return 1
	}
	return f.e.Weight[i]
}

// base is the score without trees: that of the mean label.
func (f *fit) base() float64 {
	var sum, total float64
	for _, i := range f.rows {
		w := f.weight(i)
		sum += float64(w * f.e.Label[i])
		total += w
	}
	if total == 0 {
		return 0
	}
	mean := sum / total
	if f.Loss == Squared {
		return mean
	}
	return portable.Logit(min(max(mean, 1e-6), 1-1e-6))
}

// gradients takes slope and curvature of the loss at the present scores.
func (f *fit) gradients() {
	f.parallel(len(f.rows), 1<<14, func(from, to int) {
		for _, i := range f.rows[from:to] {
			w, p, c := f.weight(i), f.score[i], 1.0
			if f.Loss == Logistic {
				p = portable.Sigmoid(p)
				c = max(float64(p*(1-p)), 1e-12)
			}
			f.slope[i], f.curve[i] = float32(w*(p-f.e.Label[i])), float32(w*c)
		}
	})
}

// loss is the weighted mean on some examples.
func (f *fit) loss(rows []uint32) float64 {
	var sum, total float64
	for _, i := range rows {
		w := f.weight(i)
		sum += float64(w * f.Loss.of(f.score[i], f.e.Label[i]))
		total += w
	}
	return sum / max(total, math.SmallestNonzeroFloat64)
}

func (f *fit) baseLoss(base float64) float64 {
	var sum, total float64
	for _, i := range f.heldRows {
		w := f.weight(i)
		sum += float64(w * f.Loss.of(base, f.e.Label[i]))
		total += w
	}
	return sum / max(total, math.SmallestNonzeroFloat64)
}

func (l Loss) of(score, label float64) float64 {
	if l == Squared {
		return float64((score - label) * (score - label))
	}
	return portable.Log1p(portable.Exp(-math.Abs(score))) + max(score, 0) - float64(label*score)
}
