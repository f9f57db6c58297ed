// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"fmt"
	"math"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
)

// TestADaysPartsSumToItsRewardAndFewDevelopersAreLeftOut: of what 12 developers did on one day and 9 on another.
func TestADaysPartsSumToItsRewardAndFewDevelopersAreLeftOut(t *testing.T) {
	var rows []dataset.Decision
	for day, people := range map[int64]int{3: 12, 4: 9} {
		for i := range people {
			for k := range 4 {
				d := dataset.Decision{Contributor: "a", Developer: fmt.Sprint(i), Day: day, Shown: k != 3, By: episode.ByPerson, Verdict: episode.Rejected}
				if k == 0 || k == 1 && i%3 == 0 {
					d.Verdict = episode.Accepted
				}
				rows = append(rows, d)
			}
		}
	}
	got := Fit(Immediate(), rows, 10).Daily(rows[:5], rows[5:])
	if len(got.Days) != 1 || got.Days[0].Day != 3 {
		t.Fatalf("days %+v", got.Days)
	}
	d := got.Days[0]
	if want := (16 - 0.25*36) / 48.0; math.Abs(d.Mean.Estimate-want) > 1e-12 || d.Mean.Developers != 12 || d.Mean.N != 48 {
		t.Errorf("mean %+v, want %v", d.Mean, want)
	}
	sum := 0.0
	for _, p := range d.Parts {
		sum += p.Estimate
	}
	if math.Abs(sum-d.Mean.Estimate) > 1e-12 || len(d.Parts) != len(got.Parts) {
		t.Errorf("parts %v sum to %v, the mean is %v", got.Parts, sum, d.Mean.Estimate)
	}
}
