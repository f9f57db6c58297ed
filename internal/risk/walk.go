// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"iter"
	"maps"
	"slices"

	"github.com/headrace/headrace/episode"
)

// texts are those of a record, in the order in which it has them.
func texts(e *episode.Episode) iter.Seq[string] {
	return func(yield func(string) bool) {
		more := true
		say := func(list ...string) {
			for _, s := range list {
				more = more && (s == "" || yield(s))
			}
		}
		say(e.Instruction)
		for i := range e.Artifacts {
			say(e.Artifacts[i].Name, e.Artifacts[i].Text)
		}
		for i := range e.Steps {
			s := &e.Steps[i]
			say(s.Message, s.Reasoning)
			for _, c := range s.ToolCalls {
				say(string(c.Arguments))
			}
			if s.Observation != nil {
				for _, r := range s.Observation.Results {
					say(r.Content)
				}
			}
		}
		for i := range e.Suggestions {
			say(e.Suggestions[i].Path, e.Suggestions[i].Before, e.Suggestions[i].After)
		}
		for i := range e.Decisions {
			say(e.Decisions[i].Reason, e.Decisions[i].Final)
		}
		for i := range e.Ratings {
			say(e.Ratings[i].Comment)
		}
	}
}

// Fields names what a record has beside what all have: parts of it, and the features of its suggestions.
func Fields(e *episode.Episode) []string {
	var list []string
	has := func(yes bool, name string) {
		if yes {
			list = append(list, name)
		}
	}
	has(e.Instruction != "", "instruction")
	has(len(e.Artifacts) > 0, "artifacts")
	has(len(e.Steps) > 0, "steps")
	has(len(e.Outcomes) > 0, "outcomes")
	has(len(e.Ratings) > 0, "ratings")
	has(e.Usage != nil, "usage")
	has(e.Links != nil, "links")
	features := map[string]bool{}
	for i := range e.Suggestions {
		for name := range e.Suggestions[i].Features {
			features["feature "+name] = true
		}
	}
	return append(list, slices.Sorted(maps.Keys(features))...)
}
