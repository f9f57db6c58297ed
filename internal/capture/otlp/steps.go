// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// steps orders the steps by their events, makes one of those that tell of the same, and works out from them what depends
// on several events: usage, model, instruction, ratings.
func steps(e *episode.Episode) {
	all := make([]numbered, 0, len(e.Steps))
	same := map[string]int{}
	for i := range e.Steps {
		n := numbered{read(&e.Steps[i]), e.Steps[i]}
		if at, ok := same[n.Same]; ok && n.Same != "" {
			all[at] = union(all[at], n)
			continue
		}
		same[n.Same] = len(all)
		all = append(all, n)
	}
	slices.SortFunc(all, order)
	all = answered(all)
	slices.SortFunc(all, order)
	all = slices.CompactFunc(all, func(a, b numbered) bool { return order(a, b) == 0 })
	e.Usage, e.Model, e.Origin = nil, episode.Model{}, nil
	e.Steps = make([]episode.Step, len(all))
	paid := map[string]bool{}
	rated := map[[3]string]rating{}
	asked := false
	for i, n := range all {
		e.Steps[i] = n.step
		if n.step.Source == episode.SourceUser && n.step.Message != "" && !asked {
			e.Instruction, asked = n.step.Message, true
		}
		if r := n.Rating; r != nil { // the last one counts
			rated[[3]string{r.By, r.Target, r.Scale}] = *r
		}
		if n.costs() && (n.Cost == "" || !paid[n.Cost]) {
			paid[n.Cost] = true
			if e.Usage == nil {
				e.Usage = &episode.Usage{}
			}
			e.Usage.InputTokens += n.InputTokens
			e.Usage.OutputTokens += n.OutputTokens
			e.Usage.CacheReadTokens += n.CacheReadTokens
			e.Usage.CacheWriteTokens += n.CacheWriteTokens
			e.Usage.CostUSD += n.CostUSD
		}
		if n.Model != "" && !n.Auxiliary {
			capture.SetModel(e, n.Provider, n.Model)
		}
	}
	e.Ratings = ratings(e.Ratings, rated)
}

// answered makes one step of a request to a model and the calls that it asked for: what ran a call tells of it too.
func answered(all []numbered) []numbered {
	asked := map[string]int{}
	for i, n := range all {
		for _, c := range n.step.ToolCalls {
			if _, ok := asked[c.ID]; !ok && strings.HasPrefix(n.Same, "request:") {
				asked[c.ID] = i
			}
		}
	}
	rest := make([]bool, len(all)) // it is of a request
	for i, n := range all {
		call, ok := strings.CutPrefix(n.Same, "call:")
		if r, wanted := asked[call]; ok && wanted {
			all[r], rest[i] = union(all[r], n), true
		}
	}
	var kept []numbered
	for i, n := range all {
		if !rest[i] {
			kept = append(kept, n)
		}
	}
	return kept
}

// ratings adds to those in marks what came without one.
func ratings(list []episode.Rating, rated map[[3]string]rating) []episode.Rating {
	slices.SortFunc(list, func(a, b episode.Rating) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Comment, b.Comment))
	})
	for _, r := range list {
		if k := [3]string{r.By, r.Target, r.Scale}; rated[k] == (rating{}) {
			rated[k] = rating{r.By, r.Target, r.Scale, r.Value, r.Comment}
		}
	}
	var out []episode.Rating
	for _, k := range slices.SortedFunc(maps.Keys(rated), func(a, b [3]string) int { return slices.Compare(a[:], b[:]) }) {
		r := rated[k]
		out = append(out, episode.Rating{By: r.By, Target: r.Target, Scale: r.Scale, Value: r.Value, Comment: r.Comment})
	}
	return out
}
