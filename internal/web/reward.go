// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/headrace/headrace/internal/access"
)

// RewardSource is a source that knows what decisions were worth, day by day.
type RewardSource interface {
	Rewards(ctx context.Context) (*Rewards, error)
}

// Rewards is the reward over time.
type Rewards struct {
	Spec string // the reward spec
	Says string // what the spec pays for, in one sentence
	From string // id of the snapshot that it is computed from, or empty
	Days []RewardDay
	// Components are the parts of the reward over the same days.
	Components []RewardLine
	// Releases are what came in force on the way, oldest first.
	Releases []RewardMark
	// Alarms are known ways in which a reward is earned without helping.
	Alarms []RewardAlarm
}

// RewardDay is one day. A day of fewer than ten developers is left open.
type RewardDay struct {
	Day  time.Time
	Mean Estimate // reward per decision
}

// RewardLine is one component.
type RewardLine struct {
	Name string
	Days []RewardDay
}

// RewardMark is a release that came in force, or went.
type RewardMark struct {
	At      time.Time
	Release string
	What    string // "1 % of developers", "rolled back"
}

// RewardAlarm is one way of earning reward without helping, and how much of it is seen.
type RewardAlarm struct {
	Name   string
	What   string // what it looks at, in one sentence
	Seen   Estimate
	Limit  float64
	Raised bool
	Known  bool // false: too little to say
}

type rewardData struct {
	*Rewards
	Sum    *chart
	Parts  []namedChart
	Latest *RewardDay // the latest that may be shown
	First  *RewardDay
	Raised int
}

type namedChart struct {
	Name string
	*chart
}

func (s *Site) rewardPages(m *access.Mux, src RewardSource) {
	m.Handle("GET /reward", s.page("reward", func(r *http.Request) (view, error) {
		w, err := src.Rewards(r.Context())
		if err != nil {
			return view{}, err
		}
		return view{Title: "Reward over time", Data: rewardDataOf(w)}, nil
	}))
}

func rewardDataOf(w *Rewards) rewardData {
	d := rewardData{Rewards: w}
	var marks []mark
	for i, m := range w.Releases {
		marks = append(marks, mark{xOf(m.At), fmt.Sprint(i + 1)})
	}
	draw := func(id, title string, days []RewardDay, height int) *chart {
		c := chartOf{ID: id, Title: title, Height: height, Say: unsigned, At: xDay, Ticks: 4, Marks: marks}
		for _, day := range days {
			c.Points = append(c.Points, charted{xOf(day.Day), day.Mean})
		}
		return newChart(c)
	}
	d.Sum = draw("sum", "Mean reward per decision, day by day", w.Days, 200)
	for i, l := range w.Components {
		if c := draw(fmt.Sprint("part", i), l.Name+", day by day", l.Days, 90); c != nil {
			d.Parts = append(d.Parts, namedChart{l.Name, c})
		}
	}
	for i := range w.Days {
		if day := &w.Days[i]; day.Mean.Shown() {
			if d.First == nil {
				d.First = day
			}
			d.Latest = day
		}
	}
	for _, a := range w.Alarms {
		if a.Raised {
			d.Raised++
		}
	}
	return d
}
