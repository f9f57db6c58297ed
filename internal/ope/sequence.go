// SPDX-License-Identifier: Apache-2.0

package ope

import "math"

// AsymptoticSequence is the bound for whoever looks after each cluster, sharpest when as many were seen as there are now:
// it holds at all times at once, so whoever stops because of it is misled with probability alpha at most, once there are
// a few dozen clusters (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and
// asymptotic confidence sequences", theorem 2.2 in its one-sided form; for off-policy values Waudby-Smith, Wu, Ramdas,
// Karampatziakis and Mineiro 2022, arXiv 2210.10768, section 2.4).
func AsymptoticSequence(r *Ratio, alpha float64) float64 {
	estimate, sd, clusters := r.residuals()
	if clusters < 2 {
		return math.Inf(-1)
	}
	return estimate - float64(sd*radius(float64(clusters), float64(clusters), alpha))
}

// radius is the one-sided half-width after t values of variance 1: √(2(tρ²+1)/(t²ρ²) · ln(1 + √(tρ²+1)/(2α))), with the
// ρ that makes it about smallest at t = tuned (equation 9 there, at 2α for one side).
func radius(t, tuned, alpha float64) float64 {
	log := max(-2*math.Log(2*alpha), 0.1) // any ρ holds: one side at α near 1/2 wants none
	rho2 := (log + math.Log(log+1)) / tuned
	v := float64(t*rho2) + 1
	return math.Sqrt(2 * v / (t * t * rho2) * math.Log(1+math.Sqrt(v)/(2*alpha)))
}
