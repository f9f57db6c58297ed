// SPDX-License-Identifier: Apache-2.0

package ope

import "math"

// Interval is an estimate, how sure it is, and from how much.
type Interval struct {
	Estimate float64 `json:"estimate"`
	SE       float64 `json:"se"`
	Lower    float64 `json:"lower"` // two-sided 95 %
	Upper    float64 `json:"upper"`
	Bound    float64 `json:"bound"` // one-sided 95 % lower bound
	N        int     `json:"n"`     // decisions
	// Developers is the number of clusters: the interval is as sure as this many independent people make it.
	Developers int `json:"developers"`
}

// Ratio estimates E[y]/E[x], such as a mean (x = 1), from terms that hang together within a cluster: all that follows
// treats a developer's decisions as one piece of evidence, of whatever size. With a cluster for each row, rows are
// taken as independent.
type Ratio struct {
	y, x, low, high []float64
	n               []int
}

// NewRatio returns a Ratio over that many clusters.
func NewRatio(clusters int) *Ratio {
	f := func() []float64 { return make([]float64, clusters) }
	return &Ratio{f(), f(), f(), f(), make([]int, clusters)}
}

// Add adds the terms of one row. Bounds that need to know how large y can be say nothing then.
func (r *Ratio) Add(cluster int, y, x float64) {
	r.AddWithin(cluster, y, x, math.Inf(-1), math.Inf(1))
}

// AddWithin adds the terms of one row of which was known, before its reward was, that y is between low and high.
func (r *Ratio) AddWithin(cluster int, y, x, low, high float64) {
	r.y[cluster] += y
	r.x[cluster] += x
	r.low[cluster] += low
	r.high[cluster] += high
	r.n[cluster]++
}

// sums are the totals, without clusters that have no rows.
func (r *Ratio) sums() (y, x float64, rows, clusters int) {
	for k, n := range r.n {
		if n > 0 {
			y, x, rows, clusters = y+r.y[k], x+r.x[k], rows+n, clusters+1
		}
	}
	return y, x, rows, clusters
}

// Estimate is the sum of y over the sum of x.
func (r *Ratio) Estimate() float64 {
	y, x, _, _ := r.sums()
	return y / x
}

// negative is the ratio of −y: its lower bounds are upper ones.
func (r *Ratio) negative() *Ratio {
	neg := &Ratio{y: make([]float64, len(r.y)), x: r.x, low: make([]float64, len(r.y)), high: make([]float64, len(r.y)), n: r.n}
	for k := range r.y {
		neg.y[k], neg.low[k], neg.high[k] = -r.y[k], -r.high[k], -r.low[k]
	}
	return neg
}

// Bound is a one-sided lower bound of a ratio: by chance it is above the truth with probability alpha at most, or about.
// It is −∞ where nothing can be said.
type Bound func(r *Ratio, alpha float64) float64

// Above is an upper bound by the same method.
func (r *Ratio) Above(b Bound, alpha float64) float64 { return -b(r.negative(), alpha) }

// Between is a two-sided interval that misses with probability alpha at most, or about.
func (r *Ratio) Between(b Bound, alpha float64) (lower, upper float64) {
	return b(r, alpha/2), r.Above(b, alpha/2)
}

// Interval is the estimate with [Jackknife] bounds. ok is false where nothing can be said.
func (r *Ratio) Interval() (iv Interval, ok bool) {
	var se, df float64
	iv.Estimate, se, df, ok = r.jackknife()
	_, _, iv.N, iv.Developers = r.sums()
	if !ok {
		return iv, false
	}
	return iv.with(se, df)
}

// Jackknife leaves out each cluster in turn and takes the spread around the whole (CR3 of Bell and McCaffrey 2002, "Bias
// reduction in standard errors for linear regression with multi-stage samples"; for a ratio, Efron and Stein 1981), with
// Student's t at one degree of freedom fewer than there are clusters. It errs on the wide side where clusters are few or
// uneven; that it holds rests on there being many.
func Jackknife(r *Ratio, alpha float64) float64 {
	estimate, se, df, ok := r.jackknife()
	if !ok {
		return math.Inf(-1)
	}
	return estimate - float64(student(1-alpha, df)*se)
}

func (r *Ratio) jackknife() (estimate, se, df float64, ok bool) {
	y, x, _, clusters := r.sums()
	if clusters < 2 || x == 0 {
		return 0, 0, 0, false
	}
	estimate = y / x
	squares, g := 0.0, float64(clusters)
	for k, n := range r.n {
		if n > 0 {
			off := (y-r.y[k])/(x-r.x[k]) - estimate
			squares += float64(off * off)
		}
	}
	se = math.Sqrt(squares * (g - 1) / g)
	if math.IsNaN(se) || math.IsInf(se, 0) {
		return estimate, 0, 0, false // one cluster is all there is
	}
	return estimate, se, g - 1, true
}

// CentralLimit is the textbook's bound: the normal quantile, and the spread of the clusters' residuals y − estimate·x.
// It is what other intervals are held against.
func CentralLimit(r *Ratio, alpha float64) float64 {
	estimate, sd, clusters := r.residuals()
	if clusters < 2 {
		return math.Inf(-1)
	}
	return estimate - float64(normal(1-alpha)*sd)/math.Sqrt(float64(clusters))
}

// residuals returns the estimate, and the spread of what each cluster says beside it, in units of the estimate.
func (r *Ratio) residuals() (estimate, sd float64, clusters int) {
	y, x, _, clusters := r.sums()
	if clusters < 2 || x == 0 {
		return 0, 0, 0
	}
	estimate = y / x
	squares, g := 0.0, float64(clusters)
	for k, n := range r.n {
		if n > 0 {
			off := r.y[k] - float64(estimate*r.x[k])
			squares += float64(off * off)
		}
	}
	return estimate, math.Sqrt(squares/(g-1)) / (x / g), clusters
}

// normal is the quantile of the standard normal.
func normal(p float64) float64 { return float64(math.Sqrt2 * math.Erfinv(float64(2*p)-1)) }

// student is the quantile of Student's t: the Cornish–Fisher expansion around the normal (Abramowitz and Stegun
// 26.7.5), good to four digits from eight degrees of freedom on, and exact below three.
func student(p, df float64) float64 {
	switch {
	case df < 2:
		return math.Tan(math.Pi * (p - 0.5))
	case df < 3:
		return (float64(2*p) - 1) * math.Sqrt(2/(4*p*(1-p)))
	}
	z := normal(p)
	z2 := float64(z * z)
	// Each product is rounded by itself: where some processors fuse it with the sum, bounds would differ in the last digit.
	times := func(a, b, c float64) float64 { return float64(a*b) + c }
	g1 := float64(z * (z2 + 1) / 4)
	g2 := float64(z * times(times(5, z2, 16), z2, 3) / 96)
	g3 := float64(z * times(times(times(3, z2, 19), z2, 17), z2, -15) / 384)
	g4 := float64(z * times(times(times(times(79, z2, 776), z2, 1482), z2, -1920), z2, -945) / 92160)
	return z + (g1+(g2+(g3+g4/df)/df)/df)/df
}
