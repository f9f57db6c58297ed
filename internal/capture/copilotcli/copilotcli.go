// SPDX-License-Identifier: Apache-2.0

// Package copilotcli reads the event streams that GitHub Copilot writes, one JSON event a line: the CLI under
// ~/.copilot/session-state, and the agent in VS Code in its transcripts.
//
// [Source] reads a file in one pass and hands each event to a session, which files it under the person's message before it.
// Copilot is one of the few tools that says what was decided, and why: a permission is asked for and answered, with one of
// a dozen results and the words of a refusal (decide.go has the table). Where no permission was asked for, a call went
// through by a rule or a mode: accepted by unknown.
//
// The format is the vendor's own; the fields are those of the SDK's generated types and of recordings of 0.0.420 to 1.0.77.
// An event of a type we do not know is counted by its type and otherwise passed over.
package copilotcli

import (
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "copilot-cli"

// Source reads Copilot's event streams; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "GitHub Copilot CLI and agent", Tested: capture.Real,
		Places: []capture.Place{"~/.copilot/session-state", "{config}/Code/User/workspaceStorage/*/GitHub.copilot-chat/transcripts",
			"{config}/Code - Insiders/User/workspaceStorage/*/GitHub.copilot-chat/transcripts"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Note:   "permissions, plans and rewinds on constructed input"}
}

// Detect implements capture.Source: events have a type with a dot, data, an id and a parent.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		_, data := keys["data"]
		_, parent := keys["parentId"]
		family, _, dotted := strings.Cut(keys["type"], ".")
		if !data || !parent || keys["id"] == "" || !dotted {
			continue
		}
		switch family {
		case "session", "user", "assistant", "tool", "permission", "hook", "system", "subagent", "exit_plan_mode", "skill":
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	s := session{c: &c, calls: map[string]*call{}, asked: map[string]string{}, at: map[string]int{}}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		c.Kind(string(r.Type))
		s.add(&r)
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, s.finish(emit)
}
