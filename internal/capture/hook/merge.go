// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// mark is what a step keeps of its event: it travels in the step as a field that the record does not know, and scrub
// drops it. Event and Key together name what the step tells; for a call that is the call, whatever the event.
type mark struct {
	Event string `json:"event"`
	Key   string `json:"key"`
	Stage int    `json:"stage,omitzero"`
	Call  string `json:"call,omitzero"` // the suggestion that the step makes
	Turn  string `json:"turn,omitzero"`
	Model string `json:"model,omitzero"`
	Reply string `json:"reply,omitzero"` // to the request that Key names
}

type marked struct {
	Mark *mark `json:"hook_event"`
}

func (m *mark) put(st *episode.Step) {
	b, err := json.Marshal(marked{m}, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err) // strings always encode
	}
	st.Unknown = b
}

// read returns the mark of a step; a step from elsewhere has none.
func read(st *episode.Step) mark {
	var m marked
	if json.Unmarshal(st.Unknown, &m, jsontext.AllowDuplicateNames(true)) != nil || m.Mark == nil {
		return mark{}
	}
	return *m.Mark
}

// what names the thing that a step tells of: the same thing told twice counts once.
func (m *mark) what() string {
	if m.Call != "" && !strings.HasPrefix(m.Call, "answer-") {
		return "call\x00" + m.Call
	}
	return m.Event + "\x00" + m.Key
}

// Merge adds what from tells to into. Both are parts of the same episode, from [Parts] or stored since; events that into
// has already change nothing. The result does not depend on the order of merging.
func Merge(into, from *episode.Episode) {
	*into = *combine([]*episode.Episode{into, from})
}

// combine makes one episode of the parts of one. It changes no part.
func combine(parts []*episode.Episode) *episode.Episode {
	e := *parts[0]
	e.Artifacts, e.Steps, e.Suggestions, e.Decisions, e.Outcomes, e.Ratings = nil, nil, nil, nil, nil, nil
	for _, p := range parts {
		if !p.StartedAt.IsZero() && (e.StartedAt.IsZero() || p.StartedAt.Before(e.StartedAt)) {
			e.StartedAt = p.StartedAt
		}
		if p.EndedAt.After(e.EndedAt) {
			e.EndedAt = p.EndedAt
		}
		e.Instruction = max(e.Instruction, p.Instruction)
		e.Repository = max(e.Repository, p.Repository)
		e.Session = max(e.Session, p.Session)
		e.Tool.Name, e.Tool.Version = max(e.Tool.Name, p.Tool.Name), max(e.Tool.Version, p.Tool.Version)
		if p.Local != nil {
			l := *p.Local
			l.Unauthenticated = l.Unauthenticated || e.Local != nil && e.Local.Unauthenticated
			e.Local = &l
		}
		e.Artifacts = append(e.Artifacts, p.Artifacts...)
		e.Steps = append(e.Steps, p.Steps...)
		e.Suggestions = append(e.Suggestions, p.Suggestions...)
		e.Decisions = append(e.Decisions, p.Decisions...)
		e.Outcomes = append(e.Outcomes, p.Outcomes...)
		e.Ratings = append(e.Ratings, p.Ratings...)
	}
	e.Steps = steps(&e)
	answers(&e)
	e.Suggestions = suggestions(&e)
	e.Decisions = once(e.Decisions, func(a, b episode.Decision) int {
		return cmp.Compare(a.Suggestion, b.Suggestion)
	}, func(a, b episode.Decision) int { // the first to come in time is kept
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.By, b.By), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Final, b.Final))
	})
	slices.SortStableFunc(e.Decisions, func(a, b episode.Decision) int { return a.At.Compare(b.At) })
	e.Artifacts = once(e.Artifacts, func(a, b episode.Artifact) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest))
	}, func(a, b episode.Artifact) int { return cmp.Compare(b.Text, a.Text) })
	e.Outcomes = once(e.Outcomes, func(a, b episode.Outcome) int {
		return cmp.Or(cmp.Compare(a.Suggestion, b.Suggestion), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Window, b.Window))
	}, func(a, b episode.Outcome) int {
		return cmp.Or(b.ObservedAt.Compare(a.ObservedAt), cmp.Compare(a.Value, b.Value))
	})
	e.Ratings = once(e.Ratings, func(a, b episode.Rating) int {
		return cmp.Or(cmp.Compare(a.By, b.By), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Scale, b.Scale))
	}, func(a, b episode.Rating) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Comment, b.Comment))
	})
	capture.Languages(&e)
	return &e
}

// once sorts by same, and of those that are the same keeps the first by order.
func once[T any](all []T, same, order func(a, b T) int) []T {
	slices.SortFunc(all, func(a, b T) int { return cmp.Or(same(a, b), order(a, b)) })
	return slices.CompactFunc(all, func(a, b T) bool { return same(a, b) == 0 })
}

// steps makes one of those that tell of the same thing, orders them, and works out instruction and model from them. Of
// one call, the event that tells most is kept, at the time at which the first came.
func steps(e *episode.Episode) []episode.Step {
	type numbered struct {
		mark
		what string
		step episode.Step
	}
	all := make([]numbered, len(e.Steps))
	for i := range e.Steps {
		m := read(&e.Steps[i])
		if all[i] = (numbered{m, m.what(), e.Steps[i]}); m == (mark{}) { // from elsewhere: the same only where all of it is
			all[i].what += e.Steps[i].At.Format(time.RFC3339Nano) + string(encoded(&e.Steps[i]))
		}
	}
	more := func(a, b numbered) int { // which tells more: then which is the lesser, so that it is always the same
		return cmp.Or(cmp.Compare(b.Stage, a.Stage), bytes.Compare(encoded(&a.step), encoded(&b.step)))
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Or(cmp.Compare(a.what, b.what), more(a, b)) })
	kept := all[:0]
	for _, n := range all {
		if last := len(kept) - 1; last >= 0 && kept[last].what == n.what {
			if n.step.At.Before(kept[last].step.At) {
				kept[last].step.At = n.step.At
			}
			continue
		}
		kept = append(kept, n)
	}
	slices.SortStableFunc(kept, func(a, b numbered) int {
		return cmp.Or(a.step.At.Compare(b.step.At), cmp.Compare(rank(&a.step), rank(&b.step)))
	})
	e.Model, e.Origin = episode.Model{}, nil
	sorted := make([]episode.Step, len(kept))
	asked := false
	for i, n := range kept {
		if sorted[i] = n.step; n.step.Source == episode.SourceUser && !asked {
			e.Instruction, asked = n.step.Message, true
		}
		capture.SetModel(e, "", n.Model)
	}
	return sorted
}

// encoded is a step without its time, which differs where the same event came twice.
func encoded(st *episode.Step) []byte {
	c := *st
	c.At = time.Time{}
	b, err := json.Marshal(&c, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	if err != nil {
		return st.Unknown
	}
	return b
}

// rank puts what is at the same moment in the order in which a turn goes.
func rank(st *episode.Step) int {
	switch {
	case st.Source == episode.SourceSystem:
		return 0
	case st.Source == episode.SourceUser:
		return 1
	case st.Reasoning != "":
		return 2
	case len(st.ToolCalls) > 0:
		return 3
	}
	return 4
}

// suggestions makes one of those that several events tell of, and finds the step that made each.
func suggestions(e *episode.Episode) []episode.Suggestion {
	at := map[string]int{}
	for i := range e.Steps {
		if c := read(&e.Steps[i]).Call; c != "" {
			at[c] = i
		}
	}
	slices.SortFunc(e.Suggestions, func(a, b episode.Suggestion) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.ShownAt.Compare(b.ShownAt))
	})
	var all []episode.Suggestion
	for _, s := range e.Suggestions {
		if n := len(all) - 1; n >= 0 && all[n].ID == s.ID {
			o := &all[n]
			o.Kind, o.Path, o.Language = max(o.Kind, s.Kind), max(o.Path, s.Path), max(o.Language, s.Language)
			o.Before, o.After = max(o.Before, s.Before), max(o.After, s.After)
			o.Truncated = o.Truncated || s.Truncated
			continue
		}
		if i, ok := at[s.ID]; ok {
			s.Step = i
		} else {
			s.Step = -1
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b episode.Suggestion) int { return a.ShownAt.Compare(b.ShownAt) })
	return all
}

// Keys are the names by which other sources of the tool know what e tells of, "tool\x00session\x00kind:id": the prompt,
// and each call. Ids that were made up here are not among them.
func Keys(e *episode.Episode) []string {
	var keys []string
	add := func(kind, id string) {
		if id != "" && !strings.HasPrefix(id, made) && !strings.HasPrefix(id, "answer-") {
			keys = append(keys, e.Tool.Name+"\x00"+e.Session+"\x00"+kind+":"+id)
		}
	}
	for i := range e.Steps {
		add("prompt", read(&e.Steps[i]).Turn)
		for _, c := range e.Steps[i].ToolCalls {
			add("call", c.ID)
		}
	}
	for i := range e.Suggestions {
		add("call", e.Suggestions[i].ID)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
