// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"bytes"
	"reflect"
	"slices"
)

// Merge adds what later knows of the same episode: a history that has grown, an outcome that came in. It is idempotent,
// and what is known already is never lost. Where both know a thing, later wins, except for the start and for text that
// later no longer has.
func (e *Episode) Merge(later *Episode) {
	if !later.StartedAt.IsZero() && (e.StartedAt.IsZero() || later.StartedAt.Before(e.StartedAt)) {
		e.StartedAt = later.StartedAt
	}
	if later.EndedAt.After(e.EndedAt) {
		e.EndedAt = later.EndedAt
	}
	fill(&e.Tool.Name, later.Tool.Name)
	fill(&e.Tool.Version, later.Tool.Version)
	fill(&e.Tool.Surface, later.Tool.Surface)
	fill(&e.Model.Provider, later.Model.Provider)
	fill(&e.Model.Name, later.Model.Name)
	fill(&e.Developer, later.Developer)
	fill(&e.Session, later.Session)
	fill(&e.Repository, later.Repository)
	fill(&e.Instruction, later.Instruction)
	if len(later.Languages) > 0 {
		e.Languages = append(slices.Clone(e.Languages), later.Languages...)
		slices.Sort(e.Languages)
		e.Languages = slices.Compact(e.Languages)
	}
	if len(later.Steps) >= len(e.Steps) {
		e.Steps = later.Steps
	}
	e.Artifacts = union(e.Artifacts, later.Artifacts, func(a Artifact) string { return string(a.Kind) + "\x00" + a.Digest + "\x00" + a.Name }, overlay)
	e.Suggestions = union(e.Suggestions, later.Suggestions, func(s Suggestion) string { return s.ID }, overlay)
	e.Decisions = MergeDecisions(e.Decisions, later.Decisions, overlay)
	e.Outcomes = union(e.Outcomes, later.Outcomes, func(o Outcome) string { return o.Suggestion + "\x00" + string(o.Kind) + "\x00" + o.Window }, replace)
	e.Ratings = union(e.Ratings, later.Ratings, func(r Rating) string { return r.By + "\x00" + r.Target + "\x00" + r.Scale }, replace)
	overlayPtr(&e.Usage, later.Usage)
	overlayPtr(&e.Links, later.Links)
	overlayPtr(&e.Origin, later.Origin)
	unproven := e.Local != nil && e.Local.Unauthenticated || later.Local != nil && later.Local.Unauthenticated
	overlayPtr(&e.Local, later.Local)
	if unproven {
		e.Local.Unauthenticated = true
	}
	if later.Unknown != nil {
		e.Unknown = later.Unknown
	}
}

// GainsOnly reports whether merging later would change nothing of e but its outcomes and ratings.
func (e *Episode) GainsOnly(later *Episode) bool {
	have, rest := *e, *later
	have.Outcomes, have.Ratings, rest.Outcomes, rest.Ratings = nil, nil, nil, nil
	if len(rest.Steps)+len(rest.Artifacts)+len(rest.Suggestions)+len(rest.Decisions) == 0 {
		merged := have // Merge leaves the lists of e alone where later has none
		merged.Merge(&rest)
		return reflect.DeepEqual(have, merged)
	}
	merged := have.Clone()
	merged.Merge(&rest)
	before, err := Append(nil, &have)
	after, errAfter := Append(nil, merged)
	return err == nil && errAfter == nil && bytes.Equal(before, after)
}

func fill[T ~string](dst *T, v T) {
	if v != "" {
		*dst = v
	}
}

// union joins what has the same key and appends what is new, in order. It leaves later alone.
func union[T any](have, later []T, key func(T) string, join func(have, later T) T) []T {
	if len(have) == 0 {
		return slices.Clone(later)
	}
	at := make(map[string]int, len(have))
	for i, v := range have {
		at[key(v)] = i
	}
	for _, v := range later {
		if i, ok := at[key(v)]; ok {
			have[i] = join(have[i], v)
		} else {
			at[key(v)] = len(have)
			have = append(have, v)
		}
	}
	return have
}

// MergeDecisions joins what later tells of the same decisions and appends the others, in order. Several decisions may be about one
// suggestion, each with an id of its own; what is told without an id is told of the first of them, and
// nothing of the policy that decided. It leaves later alone.
func MergeDecisions(have, later []Decision, join func(have, later Decision) Decision) []Decision {
	type key struct{ suggestion, id string }
	at, first := make(map[key]int, len(have)), make(map[string]int, len(have))
	note := func(i int) {
		d := &have[i]
		at[key{d.Suggestion, d.DecisionID}] = i
		if _, ok := first[d.Suggestion]; !ok {
			first[d.Suggestion] = i
		}
	}
	if len(have) == 0 {
		return slices.Clone(later)
	}
	have = slices.Clone(have)
	for i := range have {
		note(i)
	}
	for _, d := range later {
		i, ok := at[key{d.Suggestion, d.DecisionID}]
		switch {
		case ok:
		case d.DecisionID == "":
			i, ok = first[d.Suggestion]
		default: // it was told of without its id
			i, ok = at[key{d.Suggestion, ""}]
			delete(at, key{d.Suggestion, ""})
		}
		if ok {
			had := have[i]
			if have[i] = join(had, d); had.DecisionID == "" {
				have[i].policy(d)
			} else if d.DecisionID == "" {
				have[i].policy(had)
			}
		} else {
			i, have = len(have), append(have, d)
		}
		note(i)
	}
	return have
}

// policy takes over all that from says of the policy that decided, if it names the decision.
func (d *Decision) policy(from Decision) {
	if from.DecisionID != "" {
		d.DecisionID, d.Release, d.Actions, d.Chosen, d.Explore, d.Shown, d.Features = from.DecisionID, from.Release, from.Actions, from.Chosen, from.Explore, from.Shown, from.Features
	}
}

// replace is for facts whose zero value says something, such as an outcome of 0.
func replace[T any](_, later T) T { return later }

// overlay takes each field from later, but for those that later does not have.
func overlay[T any](have, later T) T {
	h, l := reflect.ValueOf(&have).Elem(), reflect.ValueOf(later)
	for i := range h.NumField() {
		if f := l.Field(i); !f.IsZero() {
			h.Field(i).Set(f)
		}
	}
	return have
}

func overlayPtr[T any](have **T, later *T) {
	switch {
	case later == nil:
	case *have == nil:
		c := *later
		*have = &c
	default:
		c := overlay(**have, *later)
		*have = &c
	}
}
