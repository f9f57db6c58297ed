// SPDX-License-Identifier: Apache-2.0

package ope

import (
	"math"
	"math/rand/v2"
)

// Bernstein is the empirical Bernstein bound (Maurer and Pontil 2009, "Empirical Bernstein bounds and sample-variance
// penalization", theorem 4), on what each cluster says of y − m·x: m is below the truth as long as the mean of that is
// further above 0 than √(2·V·ln(2/α)/n) + 7·R·ln(2/α)/(3(n−1)), V its variance and R its range. It holds for any number
// of clusters; the range of the largest one counts.
func Bernstein(r *Ratio, alpha float64) float64 {
	y, x, _, clusters := r.sums()
	least, ranged := r.least()
	if clusters < 2 || x <= 0 || !ranged {
		return math.Inf(-1)
	}
	n, log := float64(clusters), math.Log(2/alpha)
	passes := func(m float64) bool {
		var sum, squares float64
		from, to := math.Inf(1), math.Inf(-1)
		for k := range r.n {
			if r.n[k] > 0 {
				mx := float64(m * r.x[k])
				v := r.y[k] - mx
				sum, squares = sum+v, squares+float64(v*v)
				from, to = min(from, r.low[k]-mx), max(to, r.high[k]-mx)
			}
		}
		mean := sum / n
		variance := max(0, (squares-float64(mean*sum))/(n-1))
		return mean > math.Sqrt(2*variance*log/n)+7*(to-from)*log/(3*(n-1))
	}
	// What passes is an interval, because a deviation is convex and a mean linear in m; where its left end is inside, the
	// clusters are too uneven to say anything.
	return largest(least, y/x, passes)
}

// least is the smallest that the ratio of a cluster can be, and whether anything is known of that.
func (r *Ratio) least() (float64, bool) {
	least := math.Inf(1)
	for k, n := range r.n {
		switch {
		case n == 0:
		case r.x[k] < 0 || math.IsInf(r.low[k], 0) || math.IsInf(r.high[k], 0):
			return 0, false
		case r.x[k] > 0:
			least = min(least, r.low[k]/r.x[k])
		}
	}
	return least, !math.IsInf(least, 0)
}

// largest halves the way between low, taken as passing, and high to the last m that passes.
func largest(low, high float64, passes func(m float64) bool) float64 {
	if !(low < high) {
		return low
	}
	if !passes(low) {
		// Nothing is sure this far down; a little further up it may be.
		return low
	}
	for range 50 {
		m := low + float64((high-low)/2)
		if passes(m) {
			low = m
		} else {
			high = m
		}
	}
	return low
}

// stake is the largest share of what can be lost that a bet puts up (Waudby-Smith and Ramdas take 1/2 or 3/4).
const stake = 0.75

// Betting is the bound by betting (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by
// betting", theorem 3 and equation 26): whoever bets at fair odds against "the truth is at most m" multiplies what they
// have by 1/α with probability α at most, however far the truth is below; the bound is the largest m against which that
// was done. Here a bet is on a cluster: it wins λ·(y − m·x), and λ may be as large as what the cluster that can lose most
// allows. The bound holds for any number of clusters, and is tight where they are of much the same size.
//
// The clusters are bet on in an order drawn with a fixed seed, so that whatever they were sorted by plays no part.
func Betting(r *Ratio, alpha float64) float64 {
	return betting(r, alpha, rand.New(rand.NewPCG(2010, 9686)).Perm(len(r.n)), func(t, n, variance float64) float64 {
		return math.Sqrt(2 * math.Log(1/alpha) / (n * variance))
	})
}

// BettingSequence is the same bound for whoever looks after each cluster (equation 24 there): clusters count in their
// order, and the bound holds at all times at once.
func BettingSequence(r *Ratio, alpha float64) float64 {
	order := make([]int, len(r.n))
	for k := range order {
		order[k] = k
	}
	return betting(r, alpha, order, func(t, n, variance float64) float64 {
		return math.Sqrt(2 * math.Log(1/alpha) / (variance * t * math.Log(1+t)))
	})
}

// betting bets cluster by cluster; bet says how much from the time, from 1 on, how many clusters there are, and the
// variance so far.
func betting(r *Ratio, alpha float64, order []int, bet func(t, n, variance float64) float64) float64 {
	_, _, _, clusters := r.sums()
	least, ranged := r.least()
	if clusters == 0 || !ranged {
		return math.Inf(-1)
	}
	// What was seen before a bet says how much to bet. Before anything was seen, rows are taken as independent and as
	// spread as they can be; it only makes the first bets smaller or larger.
	bets, kept := make([]float64, 0, clusters), make([]int, 0, clusters)
	prior := 0.0
	for k, n := range r.n {
		if n > 0 {
			width := r.high[k] - r.low[k]
			prior += float64(width*width) / (4 * float64(n) * float64(clusters))
		}
	}
	squares, y, x := max(prior, 1e-12), 0.0, 0.0
	for _, k := range order {
		if r.n[k] == 0 {
			continue
		}
		t := float64(len(kept) + 1)
		kept = append(kept, k)
		bets = append(bets, bet(t, float64(clusters), squares/t))
		y, x = y+r.y[k], x+r.x[k]
		mean := 0.0
		if x > 0 {
			mean = y / x
		}
		off := r.y[k] - float64(mean*r.x[k])
		squares += float64(off * off)
	}
	goal := math.Log(1 / alpha)
	wins := func(m float64) bool {
		// What any cluster can lose limits all bets. A limit of each one's own would bet less on large clusters, and be wrong
		// where those are worse than small ones.
		most := math.Inf(1)
		for _, k := range kept {
			if worst := float64(m*r.x[k]) - r.low[k]; worst > 0 {
				most = min(most, stake/worst)
			}
		}
		capital, log := 1.0, 0.0
		for i, k := range kept {
			capital *= 1 + float64(min(bets[i], most)*(r.y[k]-float64(m*r.x[k])))
			if capital > 1e100 || capital < 1e-100 {
				log, capital = log+math.Log(capital), 1
			}
			if capital > 1 && log+math.Log(capital) >= goal {
				return true
			}
		}
		return false
	}
	// What is won falls as m grows, bet by bet; so does the most of what was ever had. That may, by chance, be more than
	// enough even against the estimate itself.
	return largest(least, y/x, func(m float64) bool { return m <= least || wins(m) })
}
