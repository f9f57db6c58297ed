// SPDX-License-Identifier: Apache-2.0

// Package claudecode reads the transcripts that Claude Code keeps under ~/.claude/projects, one JSON record a line.
//
// [Source] reads the file in one pass: it counts what is there and hands each
// record to a session, which files it under the prompt that it came from. Records form a tree by parentUuid: two
// prompts that follow the same turn are a rewind, and the earlier one is an abandoned branch.
//
// A transcript may be larger than memory. Episodes are given out once the file is read; but where they grow beyond maxHeld,
// all but the newest are given out before that, what is learned of them later follows as a part with the same id (to be
// merged, as any episode that is read again), and a single prompt whose work is longer than that is continued in an
// episode of its own.
//
// The format is the vendor's own and undocumented; the fields are those seen in versions 1.0.0 to 2.1.x. Where a
// record is of a type we do not know, it is counted by its type and otherwise passed over.
package claudecode

import (
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "claude-code"

// What Claude Code writes where a person stepped in; it has no field for either.
const (
	rejected    = "The user doesn't want to proceed with this tool use"
	userSaid    = "the user said:"
	interrupted = "[Request interrupted by user"
)

// Source reads Claude Code transcripts; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Claude Code", Places: []capture.Place{"$CLAUDE_CONFIG_DIR|~/.claude/projects"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Note:   "who accepted comes by OpenTelemetry"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		_, session := keys["sessionId"]
		_, parent := keys["parentUuid"]
		_, msg := keys["message"]
		switch keys["type"] {
		case "user", "assistant":
			if msg && (session || parent) {
				return true
			}
		case "system", "progress", "attachment":
			if session && parent {
				return true
			}
		case "file-history-snapshot":
			if _, ok := keys["snapshot"]; ok {
				return true
			}
		case "summary":
			if _, ok := keys["leafUuid"]; ok {
				return true
			}
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	s := newSession()
	var d lax.Reader
	r := record{looked: func(path string) bool { return s.files.known[path] != nil }}
	torn := 0
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		if !r.read(&d, line) {
			return false, nil
		}
		s.files.stirred += c.Unparsable - torn // what a torn line told of is not known
		torn = c.Unparsable
		count(&c, &r)
		s.add(&r, len(line))
		if s.held > maxHeld {
			return true, s.flush(len(s.turns)-1, emit)
		}
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, s.flush(len(s.turns), emit)
}

// count adds the record to the counts, whatever it means: the contract says for each what it is.
func count(c *capture.Counts, r *record) {
	c.Kind(string(r.Type))
	m := &r.Message.Content
	if strings.HasPrefix(string(m.Text), interrupted) {
		c.Interrupts++
	}
	if typed(r) && !bool(r.IsSidechain) { // in a side chain the agent prompts a helper of its own
		c.Prompts++
	}
	if r.ToolUseResult.StructuredPatch {
		c.Patches++
	}
	for i := range m.Blocks {
		switch b := &m.Blocks[i]; b.Type {
		case "tool_use":
			c.ToolUses++
		case "text":
			if r.Type == "user" && strings.HasPrefix(string(b.Text), interrupted) {
				c.Interrupts++
			}
		case "tool_result":
			c.ToolResults++
			if !b.IsError {
				continue
			}
			c.Errors++
			if text := b.Content.text(); strings.HasPrefix(text, rejected) {
				c.Rejections++
				if strings.Contains(text, userSaid) {
					c.RejectionsWithReason++
				}
			}
		}
	}
}

// typed reports whether the record is a prompt: not a tool's result, a local command or its output, a caveat that
// the tool adds, or a notice from a background task. The summary after a compaction counts, as it stands where a
// prompt stands, but begins no episode.
func typed(r *record) bool {
	if r.Type != "user" || bool(r.IsMeta) || r.Origin != "" && r.Origin != "human" {
		return false
	}
	m := &r.Message.Content
	for i := range m.Blocks {
		if m.Blocks[i].Type == "tool_result" {
			return false
		}
	}
	text := m.text()
	for _, not := range [...]string{interrupted, "<command-", "<local-command-", "<bash-", "Caveat: The messages below were generated"} {
		if strings.HasPrefix(text, not) {
			return false
		}
	}
	return text != ""
}
