// SPDX-License-Identifier: Apache-2.0

package propose

import (
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/reward"
)

// Survival is the reward by which instructions are ranked and tried: what became of the code, and nothing of the moment. It is from
// −0.5 to 1.
func Survival() reward.Spec {
	s := reward.Balanced()
	s.Name, s.Version, s.Cost, s.Length = "survival", 1, 0, 0
	s.Parts = []reward.Part{
		{Name: "unchanged", From: "edit", After: "10m", Within: "1d", Weight: 0.25},
		{Name: "kept", From: string(episode.OutcomeKept), After: "7d", Within: "15d", Weight: 0.25},
		{Name: "merged", From: string(episode.OutcomeMerged), Within: "20d", Weight: 0.25},
		{Name: "lasting", From: string(episode.OutcomeKept), After: "30d", Within: "40d", Weight: 0.25},
		{Name: "reverted", From: string(episode.OutcomeReverted), Within: "30d", Weight: -0.5},
	}
	return s
}

// Lasting scores what was taken by what became of it: for [Rank].
func Lasting(s *reward.Scorer) Score {
	return func(d *dataset.Decision) (float64, bool) {
		if !d.Shown || !reward.Taken(d) {
			return 0, false
		}
		v, ok := s.Of(d)
		return v.Sum, ok
	}
}
