// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// Named is an episode whose calls bear the ids that the model's responses gave them, where the event of a call has none.
// Another source of the episode knows the call by that id. It is for what is shown and put together with other sources:
// what is stored keeps the ids that the events made up, so that an event which comes again is known.
func Named(e *episode.Episode) *episode.Episode {
	names := namesOf(e)
	if len(names) == 0 {
		return e
	}
	c := e.Clone()
	rename := func(id *string) {
		if n, ok := names[*id]; ok {
			*id = n
		}
	}
	for i := range c.Steps {
		c.Steps[i].ToolCalls = slices.DeleteFunc(c.Steps[i].ToolCalls, func(call episode.ToolCall) bool { return names[call.ID] != "" }) // the response has it
		for k := range results(c.Steps[i]) {
			rename(&c.Steps[i].Observation.Results[k].Call)
		}
	}
	for i := range c.Suggestions {
		rename(&c.Suggestions[i].ID)
	}
	for i := range c.Decisions {
		rename(&c.Decisions[i].Suggestion)
	}
	for i := range c.Outcomes {
		rename(&c.Outcomes[i].Suggestion)
	}
	return c
}

// namesOf finds for each id that was made up the call that it is: that of the same tool with the same arguments; else, where
// a person changed them, the only one of that tool that is left.
func namesOf(e *episode.Episode) map[string]string {
	var asked, made []episode.ToolCall
	known := map[string]bool{}
	for i := range e.Steps {
		for _, c := range e.Steps[i].ToolCalls {
			switch {
			case known[c.ID]:
			case strings.HasPrefix(c.ID, madeUpID):
				made = append(made, c)
			default:
				asked = append(asked, c)
			}
			known[c.ID] = true
		}
	}
	names := map[string]string{}
	take := func(same func(made, asked *episode.ToolCall) bool, only bool) {
		for i := range made {
			fits := func(a episode.ToolCall) bool { return a.Name == made[i].Name && same(&made[i], &a) }
			n := slices.IndexFunc(asked, fits)
			if names[made[i].ID] != "" || n < 0 || only && slices.ContainsFunc(asked[n+1:], fits) {
				continue
			}
			names[made[i].ID] = asked[n].ID
			asked = slices.Delete(asked, n, n+1)
		}
	}
	take(func(m, a *episode.ToolCall) bool { return bytes.Equal(canonical(m.Arguments), canonical(a.Arguments)) }, false)
	take(func(*episode.ToolCall, *episode.ToolCall) bool { return true }, true)
	return names
}

func canonical(v jsontext.Value) []byte {
	c := v.Clone()
	if c.Canonicalize() != nil {
		return v
	}
	return c
}
