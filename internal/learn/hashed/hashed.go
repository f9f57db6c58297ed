// SPDX-License-Identifier: Apache-2.0

// Package hashed learns a linear model online, over features that are known by the hash of their name: any number of
// them, in a table of fixed size.
//
// Start from [New] and [Model.Update], which learns from one example and returns what it had predicted before: the mean
// loss of those predictions is an honest one ("progressive validation"). [Append] makes features of named values,
// [Cross] the products of two groups of them.
//
// Each weight has its own rate, smaller the more it was moved (AdaGrad: Duchi, Hazan, Singer, JMLR 2011) and free of the
// feature's unit (Ross, Mineiro, Langford, "Normalized online learning", UAI 2013). An example of weight w moves the
// model as w examples of weight 1 would (Karampatziakis, Langford, "Online importance weight aware updates", UAI 2011), so
// that large weights, as of rare actions, never throw it past the label.
//
// The same examples in the same order give the same model. Nothing here allocates after New, and a model is not safe for
// concurrent updates.
package hashed

import (
	"math"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/portable"
)

// Feature is one number that an example has. Only the low bits of Index count, as many as the model's table has.
type Feature struct {
	Index uint32
	Value float32
}

// Loss is what is made small.
type Loss uint8

const (
	Squared  Loss = iota // (prediction − label)²
	Logistic             // of labels 0 and 1; the prediction is a probability
)

// Options say how to learn; the zero value is right for most.
type Options struct {
	Loss Loss
	Bits int     // of the table: 2^Bits weights of 16 bytes; 18 when zero, at most 24
	Rate float64 // of learning; 0.5 when zero
}

// Model is the weights and what is needed to go on learning.
type Model struct {
	loss  Loss
	rate  float64
	table []slot
	mask  uint32

	examples float64 // their weights, summed
	spread   float64 // Σ weight·Σ (value/scale)²
	pace     float64 // √(examples / spread): one over the size of a usual example
	lo, hi   float64 // the range of labels and 0: with squared loss nothing is learned from how far a score is beyond it
}

// slot is one weight. A quarter of a cache line.
type slot struct {
	weight  float32
	squares float32 // of the gradients seen
	scale   float32 // the largest |value| seen; 0: never seen
	rate    float32 // 1 / (scale·√squares)
}

// New returns an empty model.
func New(o Options) (*Model, error) {
	if o.Bits == 0 {
		o.Bits = 18
	}
	if o.Rate == 0 {
		o.Rate = 0.5
	}
	if o.Bits < 1 || o.Bits > 24 || !(o.Rate > 0) || math.IsInf(o.Rate, 0) || o.Loss > Logistic {
		return nil, &episode.Problem{Code: "learn/bad-options", Message: "no model can be learned with these options",
			Hint: "use 1 to 24 bits, a rate above 0, and squared or logistic loss"}
	}
	return &Model{loss: o.Loss, rate: o.Rate, table: make([]slot, 1<<o.Bits), mask: 1<<o.Bits - 1}, nil
}

// Score returns Σ weight·value.
func (m *Model) Score(x []Feature) float64 {
	score := 0.0
	for _, f := range x {
		score += float64(float64(m.table[f.Index&m.mask].weight) * float64(f.Value))
	}
	return score
}

// Weight returns the weight at an index.
func (m *Model) Weight(index uint32) float32 { return m.table[index&m.mask].weight }

// Predict returns the score, or with logistic loss the probability of label 1.
func (m *Model) Predict(x []Feature) float64 { return m.loss.link(m.Score(x)) }

func (l Loss) link(score float64) float64 {
	if l == Logistic {
		return portable.Sigmoid(score)
	}
	return score
}

// Update learns from one example, and returns what Predict said before. An example without a finite label and a finite
// weight above 0 teaches nothing; nor does a value that is not finite.
func (m *Model) Update(x []Feature, label, weight float64) float64 {
	score := m.Score(x)
	before := m.loss.link(score)
	slope := before - label // of the loss; with squared loss half of it
	if !(weight > 0 && weight <= math.MaxFloat32 && math.Abs(slope) <= math.MaxFloat32) || slope == 0 {
		return before
	}
	if m.loss == Squared {
		m.lo, m.hi = min(m.lo, label), max(m.hi, label)
		score = min(max(score, m.lo), m.hi)
		if slope = 2 * (score - label); slope == 0 {
			return before
		}
	}
	steepness := m.prepare(x, float32(float64(slope*slope)*weight), weight)
	if !(steepness > 0) {
		return before
	}
	move := m.move(score, label, float64(m.rate*weight), steepness) * m.pace
	for _, f := range x {
		s := &m.table[f.Index&m.mask]
		s.weight += float32(float64(move*float64(f.Value)) * float64(s.rate))
	}
	return before
}

// prepare takes the example into account for scales and rates, and returns by how much the score would rise for a move of
// 1: Σ rate·value².
func (m *Model) prepare(x []Feature, square float32, weight float64) float64 {
	var steepness, size float64
	for _, f := range x {
		v := f.Value
		if v == 0 {
			continue
		}
		s := &m.table[f.Index&m.mask]
		if v < 0 {
			v = -v
		}
		if v > s.scale {
			if s.scale > 0 {
				s.weight *= s.scale / v // as if it had been learned in the larger unit
			}
			s.scale = v
		}
		s.squares += float32(square * float32(v*v))
		if s.squares < smallest {
			s.squares = smallest
		}
		s.rate = 1 / float32(s.scale*float32(math.Sqrt(float64(s.squares))))
		steepness += float64(float64(float32(v*v)) * float64(s.rate))
		relative := v / s.scale
		size += float64(relative * relative)
	}
	m.examples += weight
	m.spread += float64(weight * size)
	if m.spread > 0 {
		m.pace = math.Sqrt(m.examples / m.spread)
	}
	return float64(steepness * m.pace)
}

const smallest = 1e-30 // of a sum of squares, so that its root can be divided by

// move is how far to go for an example of this weight (with the rate in it): the score rises by steepness·move, which is
// where following the gradient in ever smaller steps for that long would end.
func (m *Model) move(score, label, weight, steepness float64) float64 {
	far := float64(weight * steepness)
	if m.loss == Squared {
		if far < 1e-6 {
			return float64(2*weight) * (label - score)
		}
		return float64((label-score)*(1-portable.Exp(-2*far))) / steepness
	}
	// The score follows dz/dt = p(wrong), for z the score toward the label; a label between 0 and 1 is both, by its share.
	up, down := 0.0, 0.0
	if label > 0 {
		up = float64(min(label, 1) * toward(score, far))
	}
	if label < 1 {
		down = float64((1 - max(label, 0)) * toward(-score, far))
	}
	return (up - down) / steepness
}

// toward returns z − start where z + eᶻ = start + e^start + far: the end of dz/dt = 1/(1+eᶻ) after far.
func toward(start, far float64) float64 {
	e := portable.Exp(start)
	g := 1 / (1 + e)
	rise := float64(far * g)
	if rise < 1e-3 || start > 30 {
		return rise * (1 - float64(rise*float64(e*g))/2)
	}
	// Newton's method. The left side is convex, so after one step it comes from above, and four more are plenty.
	z := start + min(rise, 1)
	goal := start + e + far
	for range 8 {
		e = portable.Exp(z)
		step := (z + e - goal) / (1 + e)
		z -= step
		if math.Abs(step) < 1e-7 {
			break
		}
	}
	return z - start
}
