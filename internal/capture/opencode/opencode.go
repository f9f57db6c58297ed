// SPDX-License-Identifier: Apache-2.0

// Package opencode reads what OpenCode keeps of its sessions: first a tree of JSON files below
// ~/.local/share/opencode/storage (one each for a session, a message and a part of a message), since 1.2 the rows of an
// SQLite database beside it.
//
// [Source] recognises every file of the tree and gives the episodes when it reads a session's file: it opens the
// messages and parts through the storage folder, and reading one of those alone gives nothing. Of both stores the same
// [session] makes the episodes, one message and its parts at a time.
//
// Permission requests and replies are not stored. What is: a call that was carried out (accepted, by whom is unknown), and
// the error of one that was not. "opencode run" refuses by itself in the words of a person's refusal, so only a refusal
// with feedback is a person's for certain. A plugin that forwards permission.replied tells the rest.
package opencode

import (
	"bytes"
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "opencode"

// Source reads OpenCode's sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "OpenCode", Places: []capture.Place{"~/.local/share/opencode/storage", "~/.local/share/opencode/opencode*.db"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Outcome: true}, Note: "permission replies are not stored"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if bytes.HasPrefix(head, []byte(capture.SQLiteHead)) {
		return isDatabase(string(head))
	}
	return kindOf(lax.Keys(head)) != ""
}

// isDatabase knows the two tables by their columns.
func isDatabase(tables string) bool {
	tables = strings.NewReplacer("`", "", `"`, "").Replace(strings.ToLower(tables))
	var message, part bool
	for line := range strings.Lines(tables) {
		message = message || strings.HasPrefix(line, "create table message (") && strings.Contains(line, "session_id") && strings.Contains(line, " data ")
		part = part || strings.HasPrefix(line, "create table part (") && strings.Contains(line, "message_id") && strings.Contains(line, " data ")
	}
	return message && part
}

// kindOf says what a file of the tree is by its names: session, message, part, or empty for none of these.
func kindOf(keys map[string]string) string {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := keys[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has("id", "projectID", "time") && (has("directory") || has("title", "version")):
		return "session"
	case has("id", "sessionID", "role") && (keys["role"] == "user" || keys["role"] == "assistant"):
		return "message"
	case has("id", "type") && !has("role") && !has("parentId") && !has("uuid"):
		switch keys["type"] {
		case "text", "reasoning", "tool", "file", "patch", "snapshot", "step-start", "step-finish", "compaction", "agent", "subtask", "retry":
			if has("messageID") {
				return "part"
			}
			if keys["type"] == "text" && has("text", "time") && !has("timestamp") && !has("sessionId") { // the oldest have no more
				return "part"
			}
		}
	}
	return ""
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	if f.DB != nil {
		return c, (&database{db: f.DB, c: &c}).read(ctx, emit)
	}
	var doc document
	ok, err := capture.Document(f.R, &c, &doc)
	if err != nil || !ok {
		return c, err
	}
	switch {
	case doc.ProjectID != "" || doc.Directory != "":
		c.Kind("session")
	case doc.Role != "":
		c.Kind("message/" + string(doc.Role))
		return c, nil
	default:
		c.Kind("part/" + string(doc.Type))
		return c, nil
	}
	root, err := f.Root(2)
	if err != nil || root == nil {
		return c, err
	}
	defer root.Close()
	s := newSession(&c, &doc, emit)
	t := tree{root: root, files: maxFiles, bytes: maxBytes}
	if err := t.read(ctx, s); err != nil {
		return c, err
	}
	return c, s.flush()
}
