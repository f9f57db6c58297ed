// SPDX-License-Identifier: Apache-2.0

// Package codex reads the rollouts that OpenAI Codex keeps under ~/.codex/sessions, one record a line, plain or zstd.
//
// [Source] reads a file in one pass; [rollout] files each record under the prompt before it. The rollout does not hold
// the approval requests nor their answers, so who let a command through is known only where the policy was "never ask"
// (a rule did); a rejection shows in the text of a call's output, an abort as an event of its own.
//
// Event names changed often: fields are read where they are present, and a record of an unknown type is counted and
// passed over. Sessions up to 0.50 put the message itself on the line, with no payload around it.
package codex

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "codex"

// Source reads Codex rollouts; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "OpenAI Codex CLI", Places: []capture.Place{"$CODEX_HOME|~/.codex/sessions", "$CODEX_HOME|~/.codex/archived_sessions"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true}, Note: "who approved comes by OpenTelemetry"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		switch _, payload := keys["payload"]; keys["type"] {
		case "session_meta", "turn_context", "response_item", "event_msg", "world_state", "compacted":
			if payload {
				return true
			}
		}
		_, instructions := keys["instructions"]
		_, git := keys["git"]
		if instructions && git && keys["id"] != "" && keys["timestamp"] != "" { // first line of the oldest rollouts
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	ro := rollout{c: &c, calls: map[string]*call{}}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		if !r.Payload.OK { // up to 0.50: no envelope
			if r.Payload.OK = lax.Decode(line, &r.Payload.V); r.Payload.V.Role != "" && r.Payload.V.Type == "" {
				r.Payload.V.Type = "message"
			}
			r.Type = "response_item"
		}
		kind := string(r.Type)
		if sub := r.Payload.V.Type; sub != "" {
			kind += "/" + string(sub)
		}
		c.Kind(kind)
		ro.add(&r)
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, ro.finish(emit)
}
