// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"math"
	"sync"
)

const (
	maxSteps = 30
	enough   = 1e-8 // a step that changes no weight by more than this is the last
	shards   = 8    // fixed, so that sums come out the same on any number of cores
)

// newton maximises the weighted likelihood less penalty/2·Σw² (the intercept is free), and returns the weights, the mean
// loss and the number of steps. The likelihood is concave, so a step that is halved until it helps always arrives.
func newton(f *Filter, rows []sample, penalty, intercept float64) (w []float64, loss float64, steps int) {
	d := f.terms
	x := make([]float64, len(rows)*d)
	var total float64
	for i := range rows {
		f.encode(rows[i].features, x[i*d:(i+1)*d])
		total += rows[i].weight
	}
	w = make([]float64, d)
	w[0] = intercept
	now := gradient(x, rows, w, penalty)
	for steps = 1; steps <= maxSteps; steps++ {
		step := solve(now.hessian, now.slope, d)
		next, widest := make([]float64, d), 0.0
		for size := 1.0; ; size /= 2 {
			widest = 0
			for j := range w {
				next[j] = w[j] + size*step[j]
				widest = max(widest, math.Abs(size*step[j]))
			}
			after := gradient(x, rows, next, penalty)
			if after.loss <= now.loss || widest < enough {
				now = after
				break
			}
		}
		w = next
		if widest < enough {
			break
		}
	}
	ridge := 0.0
	for _, v := range w[1:] {
		ridge += penalty / 2 * v * v
	}
	return w, (now.loss - ridge) / total, steps
}

// sums are the loss and its derivatives; the Hessian is the lower triangle, row by row.
type sums struct {
	loss           float64
	slope, hessian []float64
}

// gradient sums over the rows in a fixed number of shards.
func gradient(x []float64, rows []sample, w []float64, penalty float64) sums {
	d := len(w)
	var parts [shards]sums
	var wg sync.WaitGroup
	for s := range shards {
		wg.Go(func() {
			part := sums{slope: make([]float64, d), hessian: make([]float64, d*d)}
			index := make([]int, 0, d) // the terms of a row that are not zero: about a third
			for i := s * len(rows) / shards; i < (s+1)*len(rows)/shards; i++ {
				row, y := x[i*d:(i+1)*d], 0.0
				if rows[i].taken {
					y = 1
				}
				eta := 0.0
				index = index[:0]
				for j, v := range row {
					if v != 0 {
						eta += w[j] * v
						index = append(index, j)
					}
				}
				p := 1 / (1 + math.Exp(-eta))
				part.loss += rows[i].weight * (math.Log1p(math.Exp(-math.Abs(eta))) + max(eta, 0) - y*eta)
				residual, curve := rows[i].weight*(y-p), rows[i].weight*p*(1-p)
				for k, j := range index {
					part.slope[j] += residual * row[j]
					v, h := curve*row[j], part.hessian[j*d:j*d+d]
					for _, l := range index[:k+1] {
						h[l] += v * row[l]
					}
				}
			}
			parts[s] = part
		})
	}
	wg.Wait()
	all := parts[0]
	for _, p := range parts[1:] {
		all.loss += p.loss
		for j := range all.slope {
			all.slope[j] += p.slope[j]
		}
		for j := range all.hessian {
			all.hessian[j] += p.hessian[j]
		}
	}
	for j := 1; j < d; j++ {
		all.loss += penalty / 2 * w[j] * w[j]
		all.slope[j] -= penalty * w[j]
		all.hessian[j*d+j] += penalty
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
				sum -= h[i*d+k] * h[j*d+k]
			}
			if i == j {
				h[i*d+i] = math.Sqrt(max(sum, 1e-12)) // the intercept alone has no ridge: never quite singular
			} else {
				h[i*d+j] = sum / h[j*d+j]
			}
		}
		sum := b[i]
		for k := range i {
			sum -= h[i*d+k] * x[k]
		}
		x[i] = sum / h[i*d+i]
	}
	for i := d - 1; i >= 0; i-- {
		for k := i + 1; k < d; k++ {
			x[i] -= h[k*d+i] * x[k]
		}
		x[i] /= h[i*d+i]
	}
	return x
}
