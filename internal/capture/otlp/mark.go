// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// mark is what a step keeps of its event until the episode is whole: it travels in the step as a field that the record
// does not know, and scrub drops it.
type mark struct {
	Event    string   `json:"event,omitzero"` // tells the step from any other event's
	Sequence int64    `json:"sequence"`
	Same     string   `json:"same,omitzero"`  // several events tell of this one thing: one step is made of them
	Keys     []string `json:"keys,omitempty"` // kind:id, as Keys has them

	Cost             string  `json:"cost,omitzero"` // what it is the cost of, where several events tell it: it counts once
	InputTokens      int64   `json:"input_tokens,omitzero"`
	OutputTokens     int64   `json:"output_tokens,omitzero"`
	CacheReadTokens  int64   `json:"cache_read_tokens,omitzero"`
	CacheWriteTokens int64   `json:"cache_write_tokens,omitzero"`
	CostUSD          float64 `json:"cost_usd,omitzero"`
	Provider         string  `json:"provider,omitzero"`
	Model            string  `json:"model,omitzero"`
	Auxiliary        bool    `json:"auxiliary,omitzero"` // not the answer itself, but a title, a summary

	Rating *rating `json:"rating,omitzero"`
}

// rating is a judgement, which a later one by the same of the same may replace: that is why it waits in a mark.
type rating struct {
	By, Target, Scale string
	Value             float64
	Comment           string
}

type marked struct {
	Mark *mark `json:"otlp_event"`
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

// usd takes a price in dollars, where it is one.
func (m *mark) usd(c float64) {
	if c > 0 && c < 1e6 {
		m.CostUSD = c
	}
}

func (m *mark) cost() []float64 {
	return []float64{float64(m.CacheReadTokens), float64(m.CacheWriteTokens), float64(m.OutputTokens), float64(m.InputTokens), m.CostUSD}
}

// costs reports whether the mark tells a cost.
func (m *mark) costs() bool {
	return m.InputTokens != 0 || m.OutputTokens != 0 || m.CacheReadTokens != 0 || m.CacheWriteTokens != 0 || m.CostUSD != 0
}

// numbered is a step with its mark.
type numbered struct {
	mark
	step episode.Step
}

// order puts steps in the order of their events. Two steps that are equal in it are the same.
func order(a, b numbered) int {
	return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), a.step.At.Compare(b.step.At), slices.Compare(a.step.Unknown, b.step.Unknown),
		cmp.Compare(a.step.Source, b.step.Source), cmp.Compare(a.step.Message, b.step.Message))
}

// union is the step that two steps make which tell of the same thing. It is the same in any order, and again the same.
func union(a, b numbered) numbered {
	if order(a, b) == 0 {
		return a
	}
	c := &a.mark // the one that knows more of the cost: what came from a cache is counted apart only by some
	if slices.Compare(c.cost(), b.cost()) < 0 {
		c = &b.mark
	}
	u := numbered{mark: mark{Event: max(a.Event, b.Event), Sequence: max(a.Sequence, b.Sequence), Same: a.Same, Keys: slices.Concat(a.Keys, b.Keys), Cost: max(a.Cost, b.Cost),
		InputTokens: c.InputTokens, OutputTokens: c.OutputTokens, CacheReadTokens: c.CacheReadTokens, CacheWriteTokens: c.CacheWriteTokens, CostUSD: c.CostUSD,
		Provider: max(a.Provider, b.Provider), Model: max(a.Model, b.Model), Auxiliary: a.Auxiliary || b.Auxiliary, Rating: a.Rating}}
	if u.Rating == nil {
		u.Rating = b.Rating
	}
	slices.Sort(u.Keys)
	u.Keys = slices.Compact(u.Keys)
	s, t := a.step, b.step
	u.step = episode.Step{At: s.At, Source: max(s.Source, t.Source), Message: longer(s.Message, t.Message), Reasoning: longer(s.Reasoning, t.Reasoning),
		Truncated: s.Truncated || t.Truncated}
	if s.At.IsZero() || !t.At.IsZero() && t.At.Before(s.At) {
		u.step.At = t.At
	}
	u.step.ToolCalls = both(s.ToolCalls, t.ToolCalls, func(c episode.ToolCall) string { return c.ID }, func(a, b episode.ToolCall) episode.ToolCall {
		a.Name, a.Arguments = longer(a.Name, b.Name), jsontext.Value(longer(string(a.Arguments), string(b.Arguments)))
		return a
	})
	results := both(results(s), results(t), func(r episode.Result) string { return r.Call }, func(a, b episode.Result) episode.Result {
		a.Content, a.Error = longer(a.Content, b.Content), a.Error || b.Error
		return a
	})
	if len(results) > 0 {
		u.step.Observation = &episode.Observation{Results: results}
	}
	u.mark.put(&u.step)
	return u
}

func results(s episode.Step) []episode.Result {
	if s.Observation == nil {
		return nil
	}
	return s.Observation.Results
}

// longer is the one that says more; of two alike, the greater, so that order does not matter.
func longer(a, b string) string {
	if c := cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)); c < 0 {
		return b
	}
	return a
}

// both is what two lists hold, sorted by key, with what has the same key joined.
func both[T any](a, b []T, key func(T) string, join func(a, b T) T) []T {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	var out []T
	for _, v := range all {
		if n := len(out) - 1; n >= 0 && key(out[n]) == key(v) {
			out[n] = join(out[n], v)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// Keys returns the ids by which other sources may know an episode from here, each as tool, session and kind:id with a
// zero byte between. The kinds are prompt, call (of a tool), turn, message, request and response. Ids of the last three
// are unique without a session and have an empty one, because not every source that has them names the session.
func Keys(e *episode.Episode) []string {
	var keys []string
	for i := range e.Steps {
		for _, k := range read(&e.Steps[i]).Keys {
			session := e.Session
			switch kind, _, _ := strings.Cut(k, ":"); kind {
			case "message", "request", "response":
				session = ""
			default:
				if session == "" {
					continue
				}
			}
			keys = append(keys, e.Tool.Name+"\x00"+session+"\x00"+k)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
