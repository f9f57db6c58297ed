// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// mark is what a step keeps of its event until the episode is whole: it travels in the step as a field that the record
// does not know, and scrub drops it.
type mark struct {
	Sequence         int64   `json:"sequence"`
	InputTokens      int64   `json:"input_tokens,omitzero"`
	OutputTokens     int64   `json:"output_tokens,omitzero"`
	CacheReadTokens  int64   `json:"cache_read_tokens,omitzero"`
	CacheWriteTokens int64   `json:"cache_write_tokens,omitzero"`
	CostUSD          float64 `json:"cost_usd,omitzero"`
	Model            string  `json:"model,omitzero"`
	Auxiliary        bool    `json:"auxiliary,omitzero"` // not the answer itself, but a title, a summary
}

type marked struct {
	Mark *mark `json:"claude_code_event"`
}

func (m *mark) usage(ev *event) {
	m.InputTokens, m.OutputTokens = ev.num("input_tokens").Int(), ev.num("output_tokens").Int()
	m.CacheReadTokens, m.CacheWriteTokens = ev.num("cache_read_tokens").Int(), ev.num("cache_creation_tokens").Int()
	if c := float64(ev.num("cost_usd")); c > 0 && c < 1e6 {
		m.CostUSD = c
	}
	m.Model, m.Auxiliary = ev.str("model"), ev.str("query_source") == "auxiliary"
}

func (m *mark) put(st *episode.Step) {
	b, err := json.Marshal(marked{m})
	if err != nil {
		panic(err) // numbers and valid strings always encode
	}
	st.Unknown = b
}

// read returns the mark of a step; a step from elsewhere has none.
func read(st *episode.Step) mark {
	var m marked
	if json.Unmarshal(st.Unknown, &m, jsontext.AllowDuplicateNames(true)) != nil || m.Mark == nil {
		return mark{Sequence: -1}
	}
	return *m.Mark
}

// Merge adds what from tells to into. Both are parts of the same episode, from [Episodes] or stored since; events that
// into has already change nothing. The result does not depend on the order of merging.
func Merge(into, from *episode.Episode) {
	*into = *combine([]*episode.Episode{into, from})
}

// combine makes one episode of the parts of one. It shares the parts' steps and changes no part.
func combine(parts []*episode.Episode) *episode.Episode {
	e := *parts[0]
	e.Steps, e.Suggestions, e.Decisions, e.Links = nil, nil, nil, nil
	for _, p := range parts {
		if !p.StartedAt.IsZero() && (e.StartedAt.IsZero() || p.StartedAt.Before(e.StartedAt)) {
			e.StartedAt = p.StartedAt
		}
		if p.EndedAt.After(e.EndedAt) {
			e.EndedAt = p.EndedAt
		}
		e.Instruction = either(e.Instruction, p.Instruction)
		e.Repository = either(e.Repository, p.Repository)
		e.Tool.Version = either(e.Tool.Version, p.Tool.Version)
		if p.Links != nil && (e.Links == nil || p.Links.Commit > e.Links.Commit) {
			e.Links = p.Links
		}
		e.Steps = append(e.Steps, p.Steps...)
		e.Suggestions = append(e.Suggestions, p.Suggestions...)
		e.Decisions = append(e.Decisions, p.Decisions...)
	}
	e.Steps = steps(&e)
	e.Suggestions = suggestions(&e)
	slices.SortFunc(e.Decisions, func(a, b episode.Decision) int {
		return cmp.Or(cmp.Compare(a.Suggestion, b.Suggestion), a.At.Compare(b.At), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.By, b.By))
	})
	// The decision event and the result tell of the same decision: the first to come in time is kept.
	e.Decisions = slices.CompactFunc(e.Decisions, func(a, b episode.Decision) bool { return a.Suggestion == b.Suggestion })
	slices.SortStableFunc(e.Decisions, func(a, b episode.Decision) int { return a.At.Compare(b.At) })
	capture.Languages(&e)
	return &e
}

// either takes the one that is there; of two, the greater, so that order does not matter.
func either(a, b string) string { return max(a, b) }

// steps orders the steps by their events, drops those that came twice, and works out usage and model from them.
func steps(e *episode.Episode) []episode.Step {
	type numbered struct {
		mark
		step episode.Step
	}
	all := make([]numbered, len(e.Steps))
	for i := range e.Steps {
		all[i] = numbered{read(&e.Steps[i]), e.Steps[i]}
	}
	order := func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), a.step.At.Compare(b.step.At), slices.Compare(a.step.Unknown, b.step.Unknown),
			cmp.Compare(a.step.Source, b.step.Source), cmp.Compare(a.step.Message, b.step.Message))
	}
	slices.SortFunc(all, order)
	all = slices.CompactFunc(all, func(a, b numbered) bool { return order(a, b) == 0 })
	e.Usage, e.Model, e.Origin = nil, episode.Model{}, nil
	sorted := make([]episode.Step, len(all))
	for i, n := range all {
		sorted[i] = n.step
		if n.Model == "" {
			continue
		}
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		e.Usage.InputTokens += n.InputTokens
		e.Usage.OutputTokens += n.OutputTokens
		e.Usage.CacheReadTokens += n.CacheReadTokens
		e.Usage.CacheWriteTokens += n.CacheWriteTokens
		e.Usage.CostUSD += n.CostUSD
		if !n.Auxiliary {
			capture.SetModel(e, "", n.Model)
		}
	}
	return sorted
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
			o.Path, o.Language = either(o.Path, s.Path), either(o.Language, s.Language)
			o.Before, o.After = either(o.Before, s.Before), either(o.After, s.After)
			o.Truncated = o.Truncated || s.Truncated
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
