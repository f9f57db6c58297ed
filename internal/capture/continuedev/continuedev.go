// SPDX-License-Identifier: Apache-2.0

// Package continuedev reads what Continue keeps under ~/.continue: the development data (dev_data/VERSION/EVENT.jsonl,
// one event a line) and the sessions (sessions/ID.json, one object a file).
//
// Each event that suggests something is an episode of its own, but for tokensGenerated, which is counted only. An event
// of schema 0.2.0 has its name on the line; those of 0.1.0 and of the flat files before it have it only as the file's
// name, so they are told apart by their fields. An autocompletion that was not taken is ignored by unknown, never
// rejected: the person may have typed on without seeing it.
package continuedev

import (
	"context"
	"fmt"
	"io"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "continue"

// Source reads Continue's development data and sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Continue", Places: []capture.Place{"~/.continue/dev_data", "~/.continue/sessions"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Outcome: true}}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if keys := lax.Keys(head); isSession(keys) { // one object, over many lines or one
		return true
	}
	for _, keys := range capture.Heads(head) {
		if name := keys["eventName"]; name != "" && keys["schema"] != "" || kindOf(keys) != "" {
			return true
		}
	}
	return false
}

func isSession(keys map[string]string) bool {
	_, history := keys["history"]
	_, workspace := keys["workspaceDirectory"]
	_, title := keys["title"]
	return history && (workspace || title) && keys["sessionId"] != ""
}

// kindOf tells an event without a name by the fields that only it has; empty where none fits.
func kindOf(keys map[string]string) string {
	for _, k := range [...]struct {
		event  string
		fields []string
	}{
		{"autocomplete", []string{"prefix", "suffix", "completion", "filepath"}},
		{"nextEditOutcome", []string{"userEdits", "completion", "fileUri"}},
		{"editOutcome", []string{"previousCode", "newCode", "accepted"}},
		{"tokensGenerated", []string{"model", "provider", "promptTokens", "generatedTokens"}},
		{"toolUsage", []string{"toolCallId", "functionName", "accepted"}},
		{"chatFeedback", []string{"feedback", "prompt", "completion"}},
		{"chatInteraction", []string{"prompt", "completion", "sessionId"}},
	} {
		all := true
		for _, f := range k.fields {
			_, has := keys[f]
			all = all && has
		}
		if all {
			return k.event
		}
	}
	return ""
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	if isSession(lax.Keys(head)) {
		raw, err := io.ReadAll(io.LimitReader(r, episode.MaxLine+1))
		if err != nil {
			return c, err
		}
		if len(raw) > episode.MaxLine {
			return c, fmt.Errorf("a session longer than %d bytes", episode.MaxLine)
		}
		return c, readSession(raw, &c, emit)
	}
	ids := map[string]int{} // how often an id was given: events without one of their own are told apart by their order
	err = capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
		var ev event
		if !lax.Decode(line, &ev) {
			return false, nil
		}
		if ev.EventName == "" {
			ev.EventName = lax.String(kindOf(lax.Keys(line)))
		}
		c.Kind(string(ev.EventName))
		e := ev.episode(&c)
		if e == nil {
			return true, nil
		}
		ids[e.ID]++
		if n := ids[e.ID]; n > 1 {
			e.ID = episode.NewID(Name, fmt.Sprint(e.ID, "#", n))
		}
		return true, emit(e)
	})
	return c, err
}
