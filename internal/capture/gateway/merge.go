// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// marked is what the first step keeps of the requests of its episode: what each cost, so that it counts once. It travels as a field that the
// record does not know, and scrub drops it.
type marked struct {
	Requests map[string]episode.Usage `json:"gateway_requests"`
}

func costsOf(e *episode.Episode) map[string]episode.Usage {
	var m marked
	if len(e.Steps) == 0 || json.Unmarshal(e.Steps[0].Unknown, &m, jsontext.AllowDuplicateNames(true)) != nil {
		return nil
	}
	return m.Requests
}

// costs notes what the request cost.
func (b *builder) costs() {
	keep(b.e, map[string]episode.Usage{b.ans.id: b.ans.usage})
}

// keep notes what each request cost, and sums it up.
func keep(e *episode.Episode, requests map[string]episode.Usage) {
	if len(e.Steps) == 0 {
		return
	}
	raw, err := json.Marshal(marked{requests}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return // an id that cannot be written: its cost stays what it was
	}
	e.Steps[0].Unknown = raw
	sum := episode.Usage{}
	for _, u := range requests {
		sum.InputTokens += u.InputTokens
		sum.OutputTokens += u.OutputTokens
		sum.CacheReadTokens += u.CacheReadTokens
		sum.CacheWriteTokens += u.CacheWriteTokens
	}
	if e.Usage = nil; sum.InputTokens+sum.OutputTokens+sum.CacheReadTokens+sum.CacheWriteTokens > 0 {
		e.Usage = &sum
	}
}

// Merge adds what from tells to into. Both are of this package, and of the same episode. A later request repeats the steps of the earlier; what
// each cost is added up. The result does not depend on the order of merging. What is of two folders is never made one, as different things may
// leave of them: of such two, the one that began first stands as it is.
func Merge(into, from *episode.Episode) {
	if into.Repository != "" && from.Repository != "" && into.Repository != from.Repository {
		if cmp.Or(from.StartedAt.Compare(into.StartedAt), cmp.Compare(from.Repository, into.Repository)) < 0 {
			id, developer := into.ID, into.Developer
			*into = *from.Clone()
			into.ID, into.Developer = id, developer
		}
		return
	}
	requests := costsOf(into)
	if requests == nil {
		requests = map[string]episode.Usage{}
	}
	maps.Copy(requests, costsOf(from))
	first, later := into.Clone(), from.Clone()
	if earlier(from, into) {
		first, later = later, first
	}
	for i := range min(len(first.Steps), len(later.Steps)) { // a later request does not repeat when, nor always why
		have, st := &first.Steps[i], &later.Steps[i]
		if st.Source == have.Source && st.At.IsZero() {
			st.At = have.At
			st.Reasoning = cmp.Or(st.Reasoning, have.Reasoning)
		}
	}
	first.ID, first.Developer, later.ID = into.ID, into.Developer, into.ID
	first.Merge(later)
	slices.SortStableFunc(first.Suggestions, func(a, b episode.Suggestion) int { return cmp.Compare(a.Step, b.Step) })
	keep(first, requests)
	*into = *first
}

// earlier reports whether a came before b: it tells less of the turn, or ended before.
func earlier(a, b *episode.Episode) bool {
	return cmp.Or(cmp.Compare(len(a.Steps), len(b.Steps)), a.EndedAt.Compare(b.EndedAt)) < 0
}
