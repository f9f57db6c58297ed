// SPDX-License-Identifier: Apache-2.0

package published

import (
	"fmt"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/web"
)

// Rewards says what a reward spec pays for; there are no days in it yet.
func Rewards(s reward.Spec) *web.Rewards {
	low, high := s.Range()
	return &web.Rewards{Spec: s.Title(), Says: fmt.Sprintf("A suggestion that is shown is worth between %s and %s, by what becomes of it; one that is hidden, 0.", sum(low), sum(high))}
}

func sum(v float64) string {
	if v < 0 {
		return fmt.Sprintf("−%.2f", -v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Daily fills in the days and the alarms.
func Daily(w *web.Rewards, d *reward.Daily, alarms []reward.Alarm) {
	w.Spec = d.Spec
	w.Components = make([]web.RewardLine, len(d.Parts))
	for i, name := range d.Parts {
		w.Components[i].Name = name
	}
	for _, day := range d.Days {
		at := dayOf(day.Day)
		w.Days = append(w.Days, web.RewardDay{Day: at, Mean: estimate(day.Mean)})
		for i := range min(len(day.Parts), len(w.Components)) {
			w.Components[i].Days = append(w.Components[i].Days, web.RewardDay{Day: at, Mean: estimate(day.Parts[i])})
		}
	}
	for _, a := range alarms {
		w.Alarms = append(w.Alarms, alarm(a))
	}
}

func alarm(a reward.Alarm) web.RewardAlarm {
	out := web.RewardAlarm{Name: words(a.Code), What: "It looks at the " + a.What + ", under the newest release and before.", Limit: a.Limit, Raised: a.Raised, Known: a.Unknown == ""}
	if a.Unknown != "" {
		out.What += " Not known: " + a.Unknown + "."
	}
	if a.Release != nil && a.Base != nil {
		out.Seen = web.Estimate{Value: a.Change, Lower: a.Lower, Upper: a.Upper, Developers: min(a.Release.Developers, a.Base.Developers), Decisions: a.Release.N + a.Base.N}
	}
	if math.IsNaN(out.Seen.Lower + out.Seen.Upper) {
		out.Known = false
	}
	return out
}

// Marks are the moments at which releases came to more developers, or went, oldest first.
func Marks(releases []web.Release) (marks []web.RewardMark) {
	for i := len(releases) - 1; i >= 0; i-- {
		r := &releases[i]
		for _, s := range r.Steps {
			what := fmt.Sprintf("%.0f %% of developers", 100*s.Share)
			if s.Share == 0 {
				what = "taken back"
			}
			marks = append(marks, web.RewardMark{At: s.At, Release: r.ID, What: what})
		}
	}
	slices.SortStableFunc(marks, func(a, b web.RewardMark) int { return a.At.Compare(b.At) })
	return marks
}
