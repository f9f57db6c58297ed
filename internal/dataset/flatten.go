// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
)

// ActionShow and ActionHide are the ids of the actions of a policy that shows a suggestion or does not.
const (
	ActionShow = "show"
	ActionHide = "hide"
)

// Decisions flattens rows, in order, into one entry per decision, with the features that it was made on and the
// outcomes of its suggestion. Nothing is left out: what counts as a label is for the reader's reward spec.
func Decisions(rows []Row) []Decision {
	n := 0
	for _, r := range rows {
		n += len(r.Episode.Decisions)
	}
	out := make([]Decision, 0, n)
	for _, r := range rows {
		e := r.Episode
		for i := range e.Decisions {
			d := &e.Decisions[i]
			flat := Decision{Episode: e.ID, DecisionID: d.DecisionID, Contributor: r.Contributor, Developer: e.Developer, Tool: e.Tool.Name, Day: day(e, d),
				Verdict: d.Verdict, By: d.By, EditDistance: d.EditDistance, Outcomes: outcomesOf(e, d.Suggestion),
				Actions: d.Actions, Chosen: d.Chosen, Release: d.Release, Explore: d.Explore, Shown: d.Shown == nil || *d.Shown}
			if d.EditDistance != nil && !d.FinalAt.IsZero() {
				flat.EditedDay = UnixDay(d.FinalAt.Unix())
			}
			if s := suggestionOf(e, d.Suggestion); s != nil {
				if flat.Features = d.Features; flat.Features == nil {
					flat.Features = s.Features
				}
				flat.Chars, flat.Slot = chars(s, flat.Features), uint8(min(max(s.Slot, 0), math.MaxUint8))
			}
			for _, a := range d.Actions {
				if a.ID == ActionShow {
					flat.PropensityShow, flat.Logged = a.Propensity, true
				}
			}
			if i == 0 {
				flat.Calls, flat.Errors, flat.Questions = acts(e.Steps)
			}
			out = append(out, flat)
		}
	}
	experience(out)
	return out
}

// day is the day of the decision, or of the episode where the decision's own time did not leave.
func day(e *episode.Episode, d *episode.Decision) int64 {
	at := d.At
	if at.IsZero() {
		at = e.StartedAt
	}
	if at.IsZero() {
		return 0
	}
	return UnixDay(at.Unix())
}

// UnixDay is the day, counted from 1970-01-01, of a time in seconds.
func UnixDay(seconds int64) int64 {
	const secondsPerDay = 24 * 60 * 60
	if seconds < 0 {
		seconds -= secondsPerDay - 1 // round down, also before 1970
	}
	return seconds / secondsPerDay
}

func suggestionOf(e *episode.Episode, id string) *episode.Suggestion {
	for i := range e.Suggestions {
		if e.Suggestions[i].ID == id {
			return &e.Suggestions[i]
		}
	}
	return nil
}

// outcomesOf are the outcomes of a suggestion, and those that name none: the episode's own where they all are.
func outcomesOf(e *episode.Episode, id string) []episode.Outcome {
	others := func(o episode.Outcome) bool { return o.Suggestion != id && o.Suggestion != "" }
	if !slices.ContainsFunc(e.Outcomes, others) {
		return slices.Clip(e.Outcomes)
	}
	var own []episode.Outcome
	for _, o := range e.Outcomes {
		if !others(o) {
			own = append(own, o)
		}
	}
	return own
}

func chars(s *episode.Suggestion, features map[string]any) int32 {
	n := float64(utf8.RuneCountInString(s.After))
	for _, name := range [...]string{"suggestion_chars", "completion_chars"} {
		if v, ok := features[name].(float64); ok && n == 0 {
			n = v
		}
	}
	if !(n > 0) {
		return 0
	}
	return int32(min(n, math.MaxInt32))
}

// acts counts the calls of an agent's steps, those that failed, and its bare questions.
func acts(steps []episode.Step) (calls, errors, questions uint16) {
	count := func(n *uint16) { *n = min(*n, math.MaxUint16-1) + 1 }
	for i := range steps {
		s := &steps[i]
		for range s.ToolCalls {
			count(&calls)
		}
		if s.Observation != nil {
			for _, r := range s.Observation.Results {
				if r.Error {
					count(&errors)
				}
			}
		}
		if s.Source == episode.SourceAgent && len(s.ToolCalls) == 0 && strings.HasSuffix(strings.TrimRight(s.Message, " \n"), "?") {
			count(&questions)
		}
	}
	return calls, errors, questions
}

// experience fills in how many decisions of the same developer came on earlier days.
func experience(rows []Decision) {
	people := ByDeveloper(rows)
	order := make([]int32, len(rows)) // by developer, then by day
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(people.Of[a], people.Of[b]), cmp.Compare(rows[a].Day, rows[b].Day))
	})
	before, sameDay := 0, 0
	for k, i := range order {
		switch {
		case k == 0 || people.Of[order[k-1]] != people.Of[i]:
			before, sameDay = 0, 0
		case rows[order[k-1]].Day != rows[i].Day:
			before, sameDay = before+sameDay, 0
		}
		sameDay++
		for n := before; n > 0 && rows[i].Experience < 4; n /= 10 {
			rows[i].Experience++
		}
	}
}
