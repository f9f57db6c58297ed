// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
)

// Daily is what decisions were worth, day by day.
type Daily struct {
	Spec string `json:"spec"` // title of the spec
	// Parts are the names of the spec's parts, and last "shown", what showing costs.
	Parts []string `json:"parts"`
	Days  []Day    `json:"days"` // in order; a day of fewer than 10 developers is not among them
}

// Day is one day, as coarse as it left.
type Day struct {
	Day  int64        `json:"day"` // since 1970-01-01
	Mean ope.Interval `json:"mean"`
	// Parts are means, in the order of Daily.Parts; one that has no interval is left as its zero value.
	Parts []ope.Interval `json:"parts"`
	// Estimated is the share of decisions of which something is not known yet, and estimated.
	Estimated float64 `json:"estimated"`
}

// Daily returns the mean reward of each day and its parts, reward per decision, each developer's decisions as one piece of
// evidence. What is hidden is worth 0 and counts.
func (s *Scorer) Daily(rows ...[]dataset.Decision) Daily {
	out := Daily{Spec: s.Spec.Title()}
	for _, p := range s.Spec.Parts {
		out.Parts = append(out.Parts, p.Name)
	}
	out.Parts = append(out.Parts, "shown")
	days := map[int64][]*dataset.Decision{}
	for _, part := range rows {
		for i := range part {
			days[part[i].Day] = append(days[part[i].Day], &part[i])
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if d, ok := s.dayOf(day, days[day], len(out.Parts)); ok {
			out.Days = append(out.Days, d)
		}
	}
	return out
}

func (s *Scorer) dayOf(day int64, rows []*dataset.Decision, parts int) (Day, bool) {
	type person struct{ contributor, developer string }
	people := map[person]int{}
	of := make([]int, len(rows))
	for i, d := range rows {
		p := person{d.Contributor, d.Developer}
		k, ok := people[p]
		if !ok {
			k = len(people)
			people[p] = k
		}
		of[i] = k
	}
	if len(people) < fewest {
		return Day{}, false
	}
	sum, each := ope.NewRatio(len(people)), make([]*ope.Ratio, parts)
	for i := range each {
		each[i] = ope.NewRatio(len(people))
	}
	counted, open := 0, 0
	for i, d := range rows {
		v, ok := s.Of(d)
		if !ok {
			continue
		}
		counted, open = counted+1, open+bit(!v.Mature)
		sum.Add(of[i], v.Sum, 1)
		for p := range parts - 1 {
			each[p].Add(of[i], v.Parts[p], 1)
		}
		cost := 0.0
		if d.Shown {
			cost = -s.Spec.Cost
		}
		each[parts-1].Add(of[i], cost, 1)
	}
	out := Day{Day: day, Parts: make([]ope.Interval, parts)}
	mean := enoughPeople(sum)
	if mean == nil {
		return out, false
	}
	out.Mean, out.Estimated = *mean, float64(open)/float64(counted)
	for p := range each {
		if iv := enoughPeople(each[p]); iv != nil {
			out.Parts[p] = *iv
		}
	}
	return out, true
}
