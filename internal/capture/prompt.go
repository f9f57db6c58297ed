// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// promptMark is a step's prompt as the tool's own hooks and telemetry name it: a field that the record does not know, and
// that scrub drops.
type promptMark struct {
	ID string `json:"prompt_id"`
}

// MarkPrompt keeps the tool's own id of a prompt with the step that has it. A prompt that led to no call has nothing else
// by which a history's word on it and a hook's could be known as the same.
func MarkPrompt(st *episode.Step, id string) {
	if id == "" {
		return
	}
	b, err := json.Marshal(promptMark{id}, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err) // a string always encodes
	}
	st.Unknown = b
}

// MarkedPrompts are the ids that [MarkPrompt] kept.
func MarkedPrompts(e *episode.Episode) (ids []string) {
	for i := range e.Steps {
		if len(e.Steps[i].Unknown) == 0 {
			continue
		}
		var m promptMark
		if json.Unmarshal(e.Steps[i].Unknown, &m, jsontext.AllowDuplicateNames(true)) == nil && m.ID != "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
