// SPDX-License-Identifier: Apache-2.0

package linear

import (
	"math"
	"sync"

	"github.com/headrace/headrace/internal/learn/portable"
)

const (
	maxSteps = 30
	enough   = 1e-8 // a step that changes no weight by more than this is the last
	shards   = 8    // fixed, so that sums come out the same on any number of cores
	first    = 25_000
)

// Row is one row's terms that are not 0: index by index, ascending.
type Row struct {
	Index []int32
	Value []float64
}

// Add adds a term behind the others. One that is 0 is left out.
func (r *Row) Add(i int, v float64) {
	if v != 0 {
		r.Index, r.Value = append(r.Index, int32(i)), append(r.Value, v)
	}
}

func (r *Row) dot(w []float64) float64 {
	sum := 0.0
	for k, j := range r.Index {
		sum += float64(w[j] * r.Value[k])
	}
	return sum
}

// Problem is a logistic regression: to make Σ weight·(log-likelihood of label at Σ w·term) large, less Penalty/2·Σw² over
// all weights but the first Free ones.
type Problem struct {
	Rows, Terms, Free int
	Penalty           float64
	// Row adds the terms of a row to an empty r. It is called from several goroutines, each with an r of its own.
	Row func(i int, r *Row) (label, weight float64)
}

// Newton returns the weights, the mean loss without the penalty, and the number of steps over all rows.
//
// The likelihood is concave, so a step that is halved until it helps always arrives. Where there are many rows it starts
// from what a part of them says: a few steps less over all of them, to the same place.
func (p Problem) Newton() (w []float64, loss float64, steps int) {
	w = make([]float64, p.Terms)
	if stride := p.Rows / first; stride > 1 {
		part := p
		part.Rows, part.Row = p.Rows/stride, func(i int, r *Row) (float64, float64) { return p.Row(i*stride, r) }
		part.Penalty = p.Penalty / float64(stride) // as heavy beside fewer rows
		part.climb(w, 1e-3)
	}
	loss, steps = p.climb(w, enough)
	return w, loss, steps
}

// climb improves w until no weight moves by more than so much.
func (p Problem) climb(w []float64, enough float64) (loss float64, steps int) {
	now := p.sums(w)
	for steps = 1; steps <= maxSteps; steps++ {
		step := solve(now.hessian, now.slope, p.Terms)
		next, widest := make([]float64, p.Terms), 0.0
		for size := 1.0; ; size /= 2 {
			widest = 0
			for j := range w {
				next[j] = w[j] + float64(size*step[j])
				widest = max(widest, math.Abs(float64(size*step[j])))
			}
			after := p.sums(next)
			if after.loss <= now.loss || !(widest >= enough) {
				now = after
				break
			}
		}
		copy(w, next)
		if !(widest >= enough) {
			break
		}
	}
	ridge := 0.0
	for _, v := range w[p.Free:] {
		ridge += float64(p.Penalty / 2 * v * v)
	}
	return (now.loss - ridge) / now.weight, steps
}

// sums are the loss and its derivatives; the Hessian is the lower triangle, row by row.
type sums struct {
	loss, weight   float64
	slope, hessian []float64
}

// sharded calls do for a fixed number of parts of 0 … n−1 at once.
func sharded(n int, do func(shard, from, to int)) {
	var wg sync.WaitGroup
	for s := range shards {
		wg.Go(func() { do(s, s*n/shards, (s+1)*n/shards) })
	}
	wg.Wait()
}

// sums adds up the rows in shards.
func (p Problem) sums(w []float64) sums {
	d := p.Terms
	var parts [shards]sums
	sharded(p.Rows, func(s, from, to int) {
		part := sums{slope: make([]float64, d), hessian: make([]float64, d*d)}
		row := Row{make([]int32, 0, d), make([]float64, 0, d)}
		for i := from; i < to; i++ {
			row.Index, row.Value = row.Index[:0], row.Value[:0]
			y, weight := p.Row(i, &row)
			eta := row.dot(w)
			e := portable.Exp(-math.Abs(eta))
			q := 1 / (1 + e)
			if eta < 0 {
				q = float64(e * q)
			}
			part.weight += weight
			part.loss += float64(weight * (portable.Log1p(e) + max(eta, 0) - float64(y*eta)))
			residual, curve := float64(weight*(y-q)), float64(weight*float64(q*(1-q)))
			for k, j := range row.Index {
				part.slope[j] += float64(residual * row.Value[k])
				v, h := float64(curve*row.Value[k]), part.hessian[int(j)*d:int(j)*d+int(j)+1]
				values := row.Value[:k+1]
				for m, l := range row.Index[:len(values)] {
					h[l] += float64(v * values[m])
				}
			}
		}
		parts[s] = part
	})
	all := parts[0]
	for _, p := range parts[1:] {
		all.loss, all.weight = all.loss+p.loss, all.weight+p.weight
		for j := range all.slope {
			all.slope[j] += p.slope[j]
		}
		for j := range all.hessian {
			all.hessian[j] += p.hessian[j]
		}
	}
	for j := p.Free; j < d; j++ {
		all.loss += float64(p.Penalty / 2 * w[j] * w[j])
		all.slope[j] -= float64(p.Penalty * w[j])
		all.hessian[j*d+j] += p.Penalty
	}
	return all
}

// solve returns h⁻¹·b by Cholesky's decomposition of the lower triangle h, which it overwrites.
func solve(h, b []float64, d int) []float64 {
	x := make([]float64, d)
	for i := range d {
		for j := range i + 1 {
			sum := h[i*d+j]
			for k := range j {
				sum -= float64(h[i*d+k] * h[j*d+k])
			}
			if i == j {
				h[i*d+i] = math.Sqrt(max(sum, 1e-12)) // what is free has no ridge: never quite singular
			} else {
				h[i*d+j] = sum / h[j*d+j]
			}
		}
		sum := b[i]
		for k := range i {
			sum -= float64(h[i*d+k] * x[k])
		}
		x[i] = sum / h[i*d+i]
	}
	for i := d - 1; i >= 0; i-- {
		for k := i + 1; k < d; k++ {
			x[i] -= float64(h[k*d+i] * x[k])
		}
		x[i] /= h[i*d+i]
	}
	return x
}
