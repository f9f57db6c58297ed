// SPDX-License-Identifier: Apache-2.0

// Package hazard learns how long things take, from subjects of whom many are still waiting.
//
// Start from [New]: for each subject, [Data.Subject] names its features and [Data.At] says, period by period, how much of
// it was still waiting and to how much of that it happened. A subject whose end is not known yet simply stops: what it
// waited through counts, and nothing is made up about the rest. [Data.Fit] fits a discrete-time hazard model, which is a
// logistic regression on (subject, period) (P. Allison, Discrete-time methods for the analysis of event histories, 1982),
// and [Model.Survival] is the chance that it has not happened by the end of a period.
//
// It knows numbers only. What the periods are, and what happens in them, package reward says.
package hazard

import (
	"math"
	"slices"

	"github.com/headrace/headrace/internal/learn/portable"
)

// Data is what was seen of the subjects.
type Data struct {
	features, periods int
	x                 []float64 // of each subject, one after the other
	cells             []cell
	exposed, events   float64
	senseless         bool // the current subject
}

// cell is one period of one subject.
type cell struct {
	subject, period int32
	exposed, events float64
}

// New returns empty data of subjects with that many features each, watched over that many periods.
func New(features, periods int) *Data { return &Data{features: features, periods: periods} }

// Subject begins a subject. Its features are copied; they should lie around zero, within a few units. Of one with a feature
// that is no number nothing is learned.
func (d *Data) Subject(x []float64) {
	d.x = append(d.x, x[:d.features]...)
	d.senseless = slices.ContainsFunc(x[:d.features], func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// At says of the current subject that this much of it, 0 to 1 or any weight, waited at the start of a period, and that it
// happened to this much of that within the period. What makes no sense is left out.
func (d *Data) At(period int, exposed, events float64) {
	if d.senseless || !(exposed > 0) || !(events >= 0) || math.IsInf(exposed, 0) || period < 0 || period >= d.periods || d.features > 0 && len(d.x) == 0 {
		return
	}
	subject := 0
	if d.features > 0 {
		subject = len(d.x)/d.features - 1
	}
	d.cells = append(d.cells, cell{int32(subject), int32(period), exposed, min(events, exposed)})
	d.exposed += exposed
	d.events += min(events, exposed)
}

const (
	maxSteps = 50
	enough   = 1e-9
)

// Fit maximises the likelihood less penalty/2 times the squares of all but the common level: periods in which little was
// seen stay near the others. Without any cell the hazard is a half everywhere, which says nothing.
func (d *Data) Fit(penalty float64) *Model {
	n := 1 + d.periods + d.features
	w := make([]float64, n)
	w[0] = portable.Logit((d.events + 0.5) / (d.exposed + 1))
	now := d.sums(w, penalty)
	for range maxSteps {
		step := solve(now.curve, now.slope)
		next, widest := make([]float64, n), 0.0
		for size := 1.0; ; size /= 2 {
			widest = 0
			for j := range w {
				move := float64(size * step[j])
				next[j], widest = w[j]+move, max(widest, math.Abs(move))
			}
			after := d.sums(next, penalty)
			if after.loss <= now.loss || !(widest >= enough) { // a step that is no number ends it
				now = after
				break
			}
		}
		if w = next; !(widest >= enough) {
			break
		}
	}
	m := &Model{Format: format, Periods: make([]float64, d.periods), Weights: w[1+d.periods:]}
	for p := range m.Periods {
		m.Periods[p] = w[0] + w[1+p]
	}
	return m
}

// sums are the penalised loss, minus its slope, and its curvature: all rows of the symmetric matrix.
type sums struct {
	loss  float64
	slope []float64
	curve [][]float64
}

// sums adds up over the cells, in their order, each product rounded before it is added: the same bits on every machine.
func (d *Data) sums(w []float64, penalty float64) sums {
	n, first := len(w), 1+d.periods
	s := sums{slope: make([]float64, n), curve: make([][]float64, n)}
	for j := range s.curve {
		s.curve[j] = make([]float64, n)
	}
	for _, c := range d.cells {
		x := d.x[int(c.subject)*d.features : (int(c.subject)+1)*d.features]
		period := 1 + int(c.period)
		eta := w[0] + w[period]
		for j, v := range x {
			eta += float64(w[first+j] * v)
		}
		p := portable.Sigmoid(eta)
		s.loss += float64(c.exposed*softplus(eta)) - float64(c.events*eta)
		residual, curve := c.events-float64(c.exposed*p), float64(float64(c.exposed*p)*(1-p))
		s.slope[0] += residual
		s.slope[period] += residual
		s.curve[0][0] += curve
		s.curve[period][0] += curve
		s.curve[period][period] += curve
		for j, v := range x {
			s.slope[first+j] += float64(residual * v)
			by := float64(curve * v)
			s.curve[first+j][0] += by
			s.curve[first+j][period] += by
			for k, u := range x[:j+1] {
				s.curve[first+j][first+k] += float64(by * u)
			}
		}
	}
	s.curve[0][0] += 1e-9 // without any cell
	for j := 1; j < n; j++ {
		s.loss += float64(penalty / 2 * float64(w[j]*w[j]))
		s.slope[j] -= float64(penalty * w[j])
		s.curve[j][j] += penalty + 1e-9
	}
	for j := range n {
		for k := range j {
			s.curve[k][j] = s.curve[j][k]
		}
	}
	return s
}

// softplus is ln(1 + e^x), and no infinity anywhere.
func softplus(x float64) float64 { return max(x, 0) + portable.Log1p(portable.Exp(-math.Abs(x))) }

// solve returns x with a·x = b, for a symmetric and positive a, which it overwrites: Gauss, the diagonal as it comes.
func solve(a [][]float64, b []float64) []float64 {
	x := append([]float64(nil), b...)
	for i := range a {
		for r := i + 1; r < len(a); r++ {
			f := a[r][i] / a[i][i]
			if f == 0 {
				continue
			}
			for k := i; k < len(a); k++ {
				a[r][k] -= float64(f * a[i][k])
			}
			x[r] -= float64(f * x[i])
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := i + 1; k < len(a); k++ {
			x[i] -= float64(a[i][k] * x[k])
		}
		x[i] /= a[i][i]
	}
	return x
}
