// SPDX-License-Identifier: Apache-2.0

package release

import "math"

// Bounds are an estimate and bounds that hold at all looks together.
type Bounds struct {
	Estimate float64 `json:"estimate"`
	// Lower and Upper are each one-sided.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// bounds estimates a metric's difference.
func (m *Monitor) bounds(g metric, sides [][2]side, weights []float64, alpha, detect float64) (b Bounds, ok bool) {
	differences := make([]float64, len(sides))
	for s, w := range weights {
		if w > 0 {
			differences[s] = difference(g, &sides[s][0].sums, &sides[s][1].sums)
			b.Estimate += float64(w * differences[s])
		}
	}
	influence := make([]float64, len(m.developers))
	for i := range m.cells {
		c := &m.cells[i]
		w := weights[c.stratum]
		if w == 0 {
			continue
		}
		// How much the estimate would move without the developer.
		both := [...]sums{sides[c.stratum][0].sums, sides[c.stratum][1].sums}
		own := &both[of(c.new)]
		if *own = own.plus(&c.sums, -1); !(own.n > 0) {
			return b, false // one developer is all of a side
		}
		influence[c.developer] += float64(w * (difference(g, &both[0], &both[1]) - differences[c.stratum]))
	}
	variance := 0.0
	for _, f := range influence {
		variance += float64(f * f)
	}
	if !(variance > 0) {
		return b, false
	}
	half := mixture(variance, alpha, detect)
	b.Lower, b.Upper = b.Estimate-half, b.Estimate+half
	return b, true
}

// mixture is how far an estimate of this variance is from the truth at most, to one side, at all looks together but for an error
// of alpha: the normal mixture of Robbins, "Statistical methods related to the law of the iterated logarithm" (1970), in
// information time I = 1/variance. It is tuned to be tightest where a difference of detect is about to show.
func mixture(variance, alpha, detect float64) float64 {
	information := 1 / variance
	// Where detect·√I is the bound itself, about 3; the best mixing variance there is I/(2·log(1/α)) or so.
	rho := 9 / (detect * detect) / (float64(2*math.Log(1/alpha)) + 1)
	z := math.Sqrt(2 * math.Log(1/(2*alpha)))
	spread := math.Log((information + rho) / rho)
	for range 4 { // half of the mixture lies on the other side: Φ(z) of it counts
		z = math.Sqrt(float64(2*math.Log(1/(2*alpha*normal(z)))) + spread)
	}
	return z * math.Sqrt(information+rho) / information
}

// normal is the distribution function of the standard normal.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
