// SPDX-License-Identifier: Apache-2.0

// Package copilototel reads the telemetry that GitHub Copilot keeps on the developer's machine: VS Code's database of spans
// (agent-traces.db, where the setting github.copilot.chat.otel.dbSpanExporter is on) and the JSON Lines that VS Code and the
// command line write to a file instead of sending them.
//
// Both are the same spans and log events as on the wire, so package otlp maps them: [Source] only makes OTLP of what it
// finds, of rows in database.go, of lines in lines.go and record.go. Its episodes therefore have the tool name, the ids and
// the marks of live telemetry ("copilot"), and join what was sent, or the editor's own history, by session and call, and by
// request. otlp.Tells knows them as telemetry.
//
// An episode is a trace: one prompt and what the agent did for it. What a person did with the edits is told per request, in
// log events that name no trace: an episode of its own, until the editor's history joins the two. The spans that the editor
// makes on its own account (a title, words to show while it works) are counted and come to nothing.
package copilototel

import (
	"bytes"
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/otlp"
)

// Name is the reader's name; its episodes bear Tool.
const (
	Name = "copilot-otel"
	Tool = "copilot"
)

// service is what VS Code calls itself in its telemetry; the database does not repeat it.
const service = "copilot-chat"

// Source reads Copilot's local telemetry; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "GitHub Copilot, local telemetry", Tested: capture.Real,
		Places: []capture.Place{"{config}/Code/User/globalStorage/github.copilot-chat/agent-traces.db",
			"{config}/Code - Insiders/User/globalStorage/github.copilot-chat/agent-traces.db",
			"{config}/VSCodium/User/globalStorage/github.copilot-chat/agent-traces.db", "$COPILOT_HOME|~/.copilot/otel"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Note:   "the file of JSON Lines on constructed input"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if tables, ok := bytes.CutPrefix(head, []byte(capture.SQLiteHead)); ok {
		for _, part := range [...]string{"span_attributes", "trace_id", "parent_span_id", "chat_session_id", "operation_name"} {
			if !bytes.Contains(tables, []byte(part)) {
				return false
			}
		}
		return true
	}
	for n := 0; len(head) > 0 && n < maxHead; n++ {
		var line []byte
		if line, head, _ = bytes.Cut(head, []byte("\n")); ours(line) {
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	s := otlp.NewStream(Tool, func(e *episode.Episode) error {
		if e.Instruction != "" {
			c.Prompts++
		}
		return emit(e)
	})
	var err error
	if f.DB != nil {
		err = (&database{db: f.DB, c: &c, s: s}).read(ctx)
	} else {
		err = lines(ctx, f.R, &c, s)
	}
	add(&c, s.Counts())
	return c, err
}

// add counts what the telemetry told, beside what was counted of the file.
func add(c *capture.Counts, told capture.Counts) {
	c.Unparsable += told.Unparsable
	c.ToolUses += told.ToolUses
	c.ToolResults += told.ToolResults
	c.Errors += told.Errors
	c.Rejections += told.Rejections
	c.RejectionsWithReason += told.RejectionsWithReason
	for kind, n := range told.Kinds {
		for range n {
			c.Kind(kind)
		}
	}
}

// isCopilots reports whether a name is one that only Copilot gives to an event or an attribute.
func isCopilots(name string) bool {
	return strings.HasPrefix(name, "copilot_chat.") || strings.HasPrefix(name, "github.copilot.")
}
