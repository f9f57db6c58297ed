// SPDX-License-Identifier: Apache-2.0

package dataset

import "github.com/headrace/headrace/episode"

// The ids of the actions of a policy that shows or hides a suggestion.
const (
	ActionShow = "show"
	ActionHide = "hide"
)

// Decisions flattens rows, in order, into one entry per decision, with the features of the suggestion decided on.
// Nothing is left out: what counts as a label is for the reader's reward spec.
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
			flat := Decision{Episode: e.ID, Contributor: r.Contributor, Developer: e.Developer, Verdict: d.Verdict, By: d.By,
				Shown: d.Shown == nil || *d.Shown, Explore: d.Explore, Release: d.Release, Day: day(e, d),
				DecisionID: d.DecisionID, Actions: d.Actions, Chosen: d.Chosen, EditDistance: d.EditDistance}
			if s := suggestionOf(e, d.Suggestion); s != nil {
				flat.Features = s.Features
			}
			for _, a := range d.Actions {
				if a.ID == ActionShow {
					flat.PropensityShow, flat.Logged = a.Propensity, true
				}
			}
			out = append(out, flat)
		}
	}
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
	const secondsPerDay = 24 * 60 * 60
	s := at.Unix()
	if s < 0 {
		s -= secondsPerDay - 1 // round down, also before 1970
	}
	return s / secondsPerDay
}

func suggestionOf(e *episode.Episode, id string) *episode.Suggestion {
	for i := range e.Suggestions {
		if e.Suggestions[i].ID == id {
			return &e.Suggestions[i]
		}
	}
	return nil
}
