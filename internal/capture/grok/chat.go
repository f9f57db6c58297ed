// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of chat_history.jsonl.
type record struct {
	Type      lax.String  `json:"type"`
	Content   contents    `json:"content"`
	Index     *lax.Number `json:"prompt_index"`
	Synthetic lax.String  `json:"synthetic_reason"`
	Interrupt lax.String  `json:"prior_turn_interrupt"`
	Summary   contents    `json:"summary"`
	Model     lax.String  `json:"model_id"`
	Calls     lax.List[struct {
		ID        lax.String `json:"id"`
		Name      lax.String `json:"name"`
		Arguments lax.String `json:"arguments"` // JSON in a string
	}] `json:"tool_calls"`
	CallID lax.String `json:"tool_call_id"`
	Kind   lax.Object[struct {
		ID     lax.String     `json:"id"`
		Tool   lax.String     `json:"tool_type"`
		Action jsontext.Value `json:"action"`
	}] `json:"kind"`
}

// record takes one line of chat_history.jsonl. It has no times.
func (s *session) record(line []byte) bool {
	var r record
	if !lax.Decode(line, &r) {
		return false
	}
	kind := string(r.Type)
	if kind == "" {
		kind = "other"
	}
	s.c.Kind(kind)
	var never time.Time
	switch r.Type {
	case "user":
		if r.Synthetic != "" || !typed(r.Content.text) {
			break // the tool wrote it
		}
		if t := s.current(); t != nil && r.Interrupt != "" {
			s.stopped(t, string(r.Interrupt), "", never)
		}
		n := int64(len(s.active))
		if r.Index != nil {
			n = r.Index.Int()
		}
		s.begin(n, r.Content.text, never)
	case "reasoning":
		s.agent(never)
		s.thought.WriteString(r.Summary.text)
	case "assistant":
		s.agent(never).model = string(r.Model)
		s.message.WriteString(r.Content.text)
		for _, c := range r.Calls.V {
			cl := s.call(string(c.ID), never)
			cl.name, cl.input = string(c.Name), jsontext.Value(c.Arguments)
		}
	case "tool_result":
		if cl := s.calls[string(r.CallID)]; cl != nil {
			cl.status, cl.result = "completed", r.Content.text
		}
	case "backend_tool_call": // made by the maker's servers
		cl := s.call(string(r.Kind.V.ID), never)
		cl.name, cl.input = string(r.Kind.V.Tool), r.Kind.V.Action
	}
	return true
}
