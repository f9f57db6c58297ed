// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/headrace/headrace/episode"
)

// fate is what becomes of a suggestion that was taken, where Config.Delays is set: when it is committed, what review says of
// it and when, how much of it stays, when it is undone. Code that does not last is told late: reviewers take longer to refuse
// than to merge. The times are those of 7,122 pull requests by five agents (AIDev, arXiv 2507.15003): merged after 1.5 hours
// at the median and 96 at the ninth decile, refused after 21 and 234.
type fate struct {
	distance                         float64 // of what was in place a moment later from what was suggested
	committed, merged, tested, green bool
	commitIn, decideIn               time.Duration
	kept                             [3]float64 // 1, 7 and 30 days after it was merged
	undoneIn                         time.Duration
}

// spread is a log-normal time by its median and its ninth decile, in hours.
func spread(rng *rand.Rand, median, tenth float64) time.Duration {
	const z = 1.2815515655446004 // of the ninth decile
	hours := median * math.Exp(rng.NormFloat64()*math.Log(tenth/median)/z)
	return time.Duration(min(hours, 60*24) * float64(time.Hour)).Truncate(time.Second)
}

// draw fills in the fate of an event whose verdict and lasting are drawn.
func (f *fate) draw(ev *event, lasts float64, rng *rand.Rand) {
	u, change := rng.Float64(), rng.Float64()
	if ev.verdict == episode.Modified {
		f.distance = math.Round(100*(0.1+0.6*change)) / 100
	}
	f.committed = u < 0.5+0.48*lasts
	f.merged = f.committed && ev.merged
	f.commitIn = spread(rng, 2, 30)
	if f.merged {
		f.decideIn = spread(rng, 1.5, 96)
	} else {
		f.decideIn = spread(rng, 21, 234)
	}
	f.tested = rng.Float64() < 0.6
	f.green = rng.Float64() < 0.55+0.4*lasts
	left := 1.0
	for i, hazard := range [...]float64{0.10, 0.15, 0.20} {
		if rng.Float64() < hazard*(2.2-1.6*lasts) {
			left *= rng.Float64()
		}
		f.kept[i] = math.Round(100*left) / 100
	}
	f.undoneIn = spread(rng, 20, 120)
}

// outcomes are all that becomes known, in the order of time but for reverts.
func (f *fate) outcomes(ev *event, to []episode.Outcome) []episode.Outcome {
	add := func(kind episode.OutcomeKind, value float64, in time.Duration, window string) {
		to = append(to, episode.Outcome{Suggestion: "s1", Kind: kind, Value: value, ObservedAt: ev.at.Add(in), Window: window})
	}
	const day = 24 * time.Hour
	add(episode.OutcomeKept, 1-f.distance, 10*time.Minute, "10m")
	if !f.committed {
		add(episode.OutcomeCommitted, 0, 7*day, "")
		return to
	}
	add(episode.OutcomeCommitted, 1-f.distance, f.commitIn, "")
	if f.tested {
		add(episode.OutcomeTests, float64(index(f.green)), f.commitIn+20*time.Minute, "")
	}
	landed := f.commitIn + f.decideIn
	add(episode.OutcomeMerged, float64(index(f.merged)), landed, "")
	if !f.merged {
		return to
	}
	for i, window := range [...]struct {
		name string
		days time.Duration
	}{{"1d", 1}, {"7d", 7}, {"30d", 30}} {
		add(episode.OutcomeKept, f.kept[i], landed+window.days*day, window.name)
	}
	if ev.reverted {
		add(episode.OutcomeReverted, 1, landed+f.undoneIn, "")
	}
	return to
}
