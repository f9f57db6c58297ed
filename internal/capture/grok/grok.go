// SPDX-License-Identifier: Apache-2.0

// Package grok reads the sessions that xAI Grok Build keeps below ~/.grok/sessions, one folder each.
//
// The folder tells of a session several times over. [Source] reads the one that is authoritative, updates.jsonl: what
// was shown to the person, as notifications of the Agent Client Protocol, never rewritten. From the files beside it come
// the answers to permission requests (events.jsonl), where and with which model it ran (summary.json), ratings
// (feedback.jsonl) and the list of things to do (plan.json). Where there are no updates, chat_history.jsonl is read
// instead: what the model was given, cut down over time and without times. Any other file of the folder gives nothing by
// itself.
//
// Permission requests have no ids: [answers] are joined to calls by the tool's name and the order, within a prompt. Who
// answered they do not say either, but how long it took: headless, a request is settled at once.
package grok

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "grok"

// Source reads Grok Build sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	const sessions = "$GROK_HOME|~/.grok/sessions/*/*"
	return capture.About{Title: "xAI Grok Build", Tested: capture.Real,
		Places: []capture.Place{sessions + "/updates.jsonl", sessions + "/chat_history.jsonl",
			sessions + "/subagents/*/updates.jsonl", sessions + "/subagents/*/chat_history.jsonl"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Note:   "only chat_history.jsonl and summary.json are tested on real recordings"}
}

// The files of a session's folder, told apart by their content.
type file int

const (
	foreign   file = iota
	updates        // updates.jsonl
	chat           // chat_history.jsonl
	companion      // read with the one of the two that is there
)

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool { return which(head) != foreign }

func which(head []byte) file {
	keys := lax.Keys(head)
	_, info := keys["info"]
	_, format := keys["chat_format_version"]
	_, messages := keys["num_chat_messages"]
	if info && (format || messages) { // summary.json
		return companion
	}
	for _, keys := range capture.Heads(head) {
		has := func(name string) bool { _, ok := keys[name]; return ok }
		switch {
		case has("params") && has("timestamp") && !has("jsonrpc") && update(keys["method"]):
			return updates
		case keys["type"] == "user" && has("content") && (has("prompt_index") || has("synthetic_reason")),
			keys["type"] == "assistant" && has("content") && has("model_id"),
			keys["type"] == "tool_result" && has("content") && has("tool_call_id"),
			keys["type"] == "reasoning" && has("summary") && has("encrypted_content"):
			return chat
		case has("ts") && lifecycle(keys["type"]):
			return companion
		case has("prompt_index") && has("file_snapshots"):
			return companion
		case (has("rating_type") || has("ratingType")) && (has("session_id") || has("sessionId")):
			return companion
		}
	}
	return foreign
}

func update(method string) bool {
	switch method {
	case "session/update", "_x.ai/session/update", "x.ai/session/update":
		return true
	}
	return false
}

// lifecycle reports whether a type is one that the events of Grok begin or go on with.
func lifecycle(kind string) bool {
	switch kind {
	case "turn_started", "loop_started", "phase_changed", "first_token", "permission_requested", "permission_resolved", "tool_started", "tool_completed", "turn_ended":
		return true
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	dir, err := f.Root(0)
	if err != nil {
		dir = nil // the session is read by itself
	}
	if dir != nil {
		defer dir.Close()
	}
	s := newSession(&c)
	add := s.update
	switch which(head) {
	case chat:
		if add = s.record; exists(dir, "updates.jsonl") {
			add = aside // that file tells it
		}
	case companion:
		if _, summary := lax.Keys(head)["info"]; summary {
			_, err := capture.Document(r, &c, &struct{}{})
			return c, err
		}
		add = aside
	}
	s.summary = summaryOf(dir)
	if err := capture.Lines(ctx, r, &c, func(line []byte) (bool, error) { return add(line), nil }); err != nil {
		return c, err
	}
	s.answers, err = answersOf(ctx, dir)
	if err != nil {
		return c, err
	}
	s.name(f.Path)
	s.settle()
	if err := s.rate(ctx, dir); err != nil {
		return c, err
	}
	s.todo(dir)
	return c, s.finish(emit)
}

// aside takes a line of a file that gives nothing by itself.
func aside(line []byte) bool { return lax.Decode(line, &struct{}{}) }
