// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"maps"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Merge adds what from tells to into. Both are parts of the same episode, from this package or stored since; events that
// into has already change nothing. The result does not depend on the order of merging.
func Merge(into, from *episode.Episode) {
	*into = *combine([]*episode.Episode{into, from})
}

// combine makes one episode of the parts of one. It shares the parts' steps and changes no part.
func combine(parts []*episode.Episode) *episode.Episode {
	e := *parts[0]
	e.Steps, e.Suggestions, e.Decisions, e.Links, e.Artifacts, e.Outcomes, e.Ratings = nil, nil, nil, nil, nil, nil, nil
	for _, p := range parts {
		if !p.StartedAt.IsZero() && (e.StartedAt.IsZero() || p.StartedAt.Before(e.StartedAt)) {
			e.StartedAt = p.StartedAt
		}
		if p.EndedAt.After(e.EndedAt) {
			e.EndedAt = p.EndedAt
		}
		e.Session = either(e.Session, p.Session)
		e.Instruction = either(e.Instruction, p.Instruction)
		e.Repository = either(e.Repository, p.Repository)
		e.Tool.Version, e.Tool.Surface = either(e.Tool.Version, p.Tool.Version), either(e.Tool.Surface, p.Tool.Surface)
		e.Links = links(e.Links, p.Links)
		e.Steps = append(e.Steps, p.Steps...)
		e.Suggestions = append(e.Suggestions, p.Suggestions...)
		e.Decisions = append(e.Decisions, p.Decisions...)
		e.Artifacts = append(e.Artifacts, p.Artifacts...)
		e.Outcomes = append(e.Outcomes, p.Outcomes...)
		e.Ratings = append(e.Ratings, p.Ratings...)
		if p.Local != nil && p.Local.Unauthenticated && (e.Local == nil || !e.Local.Unauthenticated) {
			l := episode.Local{}
			if e.Local != nil {
				l = *e.Local
			}
			l.Unauthenticated = true
			e.Local = &l
		}
	}
	steps(&e)
	e.Suggestions = suggestions(&e)
	e.Decisions = decisions(e.Decisions)
	notErrors(&e)
	e.Outcomes = outcomes(e.Outcomes)
	slices.SortFunc(e.Artifacts, func(a, b episode.Artifact) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest))
	})
	e.Artifacts = slices.CompactFunc(e.Artifacts, func(a, b episode.Artifact) bool { return a.Kind == b.Kind && a.Name == b.Name && a.Digest == b.Digest })
	capture.Languages(&e)
	return &e
}

// either takes the one that is there; of two, the greater, so that order does not matter.
func either[T ~string](a, b T) T { return max(a, b) }

func links(a, b *episode.Links) *episode.Links {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	l := *a
	l.Commit, l.PullRequest, l.Parent = either(a.Commit, b.Commit), either(a.PullRequest, b.PullRequest), either(a.Parent, b.Parent)
	l.AbandonedBranch = a.AbandonedBranch || b.AbandonedBranch
	return &l
}

// suggestions makes one of those that several events tell of, and finds the step that made each.
func suggestions(e *episode.Episode) []episode.Suggestion {
	at := map[string]int{}
	for i := range e.Steps {
		for _, c := range e.Steps[i].ToolCalls {
			if _, ok := at[c.ID]; !ok {
				at[c.ID] = i
			}
		}
	}
	slices.SortFunc(e.Suggestions, func(a, b episode.Suggestion) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.ShownAt.Compare(b.ShownAt))
	})
	var all []episode.Suggestion
	for _, s := range e.Suggestions {
		if n := len(all) - 1; n >= 0 && all[n].ID == s.ID {
			o := &all[n]
			o.Kind, o.Path, o.Language = either(o.Kind, s.Kind), either(o.Path, s.Path), either(o.Language, s.Language)
			o.Before, o.After = longer(o.Before, s.Before), longer(o.After, s.After)
			o.DwellMS, o.Truncated = max(o.DwellMS, s.DwellMS), o.Truncated || s.Truncated
			o.Features = features(o.Features, s.Features)
			continue
		}
		if s.Step = -1; len(e.Steps) > 0 {
			if i, ok := at[s.ID]; ok {
				s.Step = i
			}
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b episode.Suggestion) int { return a.ShownAt.Compare(b.ShownAt) })
	return all
}

// features is what either has; they are numbers here, and the greater counts.
func features(a, b map[string]any) map[string]any {
	if len(a) == 0 || len(b) == 0 {
		if len(a) == 0 {
			return b
		}
		return a
	}
	out := maps.Clone(a)
	for k, v := range b {
		have, isNumber := out[k].(float64)
		if n, ok := v.(float64); out[k] == nil || isNumber && ok && n > have {
			out[k] = v
		}
	}
	return out
}

// decisions keeps one on each suggestion: where several events tell of it, the first to come in time.
func decisions(list []episode.Decision) []episode.Decision {
	slices.SortFunc(list, func(a, b episode.Decision) int {
		return cmp.Or(cmp.Compare(a.Suggestion, b.Suggestion), a.At.Compare(b.At), cmp.Compare(a.By, b.By), cmp.Compare(a.Verdict, b.Verdict),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Final, b.Final))
	})
	list = slices.CompactFunc(list, func(a, b episode.Decision) bool { return a.Suggestion == b.Suggestion })
	slices.SortStableFunc(list, func(a, b episode.Decision) int { return a.At.Compare(b.At) })
	return list
}

// notErrors takes the mark of an error from results of calls that were not let through: a rejection is no failure.
func notErrors(e *episode.Episode) {
	stopped := map[string]bool{}
	for _, d := range e.Decisions {
		if d.Verdict == episode.Rejected || d.Verdict == episode.Cancelled || d.Verdict == episode.TimedOut {
			stopped[d.Suggestion] = true
		}
	}
	for i := range e.Steps {
		for k, r := range results(e.Steps[i]) {
			if !r.Error || !stopped[r.Call] {
				continue
			}
			o := *e.Steps[i].Observation // the parts share it
			o.Results = slices.Clone(o.Results)
			o.Results[k].Error = false
			e.Steps[i].Observation = &o
		}
	}
}

// outcomes keeps one of each kind for a suggestion and a window. A tool that edits several files for one request tells of
// each edit and does not name it: what became of the request is what became of the worst of them.
func outcomes(list []episode.Outcome) []episode.Outcome {
	bad := func(o episode.Outcome) float64 {
		if o.Kind == episode.OutcomeReverted {
			return -o.Value
		}
		return o.Value
	}
	slices.SortFunc(list, func(a, b episode.Outcome) int {
		return cmp.Or(cmp.Compare(a.Suggestion, b.Suggestion), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Window, b.Window), cmp.Compare(bad(a), bad(b)),
			a.ObservedAt.Compare(b.ObservedAt))
	})
	list = slices.CompactFunc(list, func(a, b episode.Outcome) bool {
		return a.Suggestion == b.Suggestion && a.Kind == b.Kind && a.Window == b.Window
	})
	slices.SortStableFunc(list, func(a, b episode.Outcome) int { return a.ObservedAt.Compare(b.ObservedAt) })
	return list
}
