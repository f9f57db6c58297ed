// SPDX-License-Identifier: Apache-2.0

// Package aider reads the two files that Aider leaves: the chat history (.aider.chat.history.md, in each repository) and
// the analytics log (JSON Lines, opt-in).
//
// The chat history is Markdown: what a person typed stands after "#### ", what Aider itself says after "> ", and what
// the model answered stands plain, edits in it as SEARCH/REPLACE blocks ([chat] in chat.go). All three are told apart by
// how a line starts and by nothing else: the same words inside an answer mean nothing. Aider applies edits without
// asking, so an applied edit is accepted by unknown; /undo is seen as an outcome: reverted.
//
// The analytics log has no text: it gives the model, the tokens, the cost and the undos ([analytics] in analytics.go).
package aider

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "aider"

// Source reads Aider's chat histories and analytics logs; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Aider", Places: []capture.Place{"{repo}/.aider.chat.history.md"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Outcome: true}}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	return isAnalytics(head) || isChat(head)
}

func isAnalytics(head []byte) bool {
	for _, keys := range capture.Heads(head) {
		_, props := keys["properties"]
		_, time := keys["time"]
		if props && time && keys["event"] != "" && keys["user_id"] != "" {
			return true
		}
	}
	return false
}

func isChat(head []byte) bool {
	has := func(prefix string) bool {
		return bytes.HasPrefix(head, []byte(prefix)) || bytes.Contains(head, []byte("\n"+prefix))
	}
	return has("# aider chat started at ") || has("> Aider v") ||
		has("#### ") && (has("> Applied edit to ") || has("> Tokens: ") || has("> Commit "))
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	if isAnalytics(head) {
		a := analytics{c: &c}
		err := capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
			var ev event
			if !lax.Decode(line, &ev) {
				return false, nil
			}
			a.add(&ev)
			return true, nil
		})
		if err != nil {
			return c, err
		}
		return c, a.finish(emit)
	}
	ch := chat{c: &c}
	if dir, err := filepath.Abs(filepath.Dir(f.Path)); err == nil {
		ch.repository = dir
	}
	if err := capture.Lines(ctx, r, &c, ch.line); err != nil {
		return c, err
	}
	return c, ch.finish(emit)
}
