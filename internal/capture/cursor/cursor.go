// SPDX-License-Identifier: Apache-2.0

// Package cursor reads what Cursor keeps of its conversations on a developer's machine, in three places and shapes:
//
//   - agent transcripts below ~/.cursor/projects, a message a line, with no times, no ids and hardly any results;
//   - the chats of its command line tool, ~/.cursor/chats/**/store.db, messages as blobs named by their hash;
//   - the chats of the editor in globalStorage/state.vscdb, a "composer" per conversation and a "bubble" per message,
//     the one place that tells what became of a code block or a tool call.
//
// [Source] picks the shape; each hands what it finds to a [chat], which files it under the prompt that it came from.
// The editor's "userDecision: accepted" is written under auto-run as well, so an acceptance is never a person's here;
// a rejection in the editor is. Suggestions of the Tab model are in none of the three: Cursor's hooks have them.
//
// Only the transcripts and the shape of store.db were seen in recordings. What is read of store.db's messages and of
// state.vscdb rests on what others found there (versions 0.50 to 2.x); the tests for these are constructed.
package cursor

import (
	"bytes"
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "cursor"

// Source reads Cursor's conversations; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Cursor", Tested: capture.Real,
		Places: []capture.Place{"~/.cursor/projects", "~/.cursor/chats", "{config}/Cursor/User/globalStorage/state.vscdb", "{config}/Cursor/User/workspaceStorage/*/state.vscdb"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "transcripts on recordings, databases on constructed ones; accepted Tab suggestions come by hook"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if bytes.HasPrefix(head, []byte(capture.SQLiteHead)) {
		return isEditor(head) || isStore(head)
	}
	for _, keys := range capture.Heads(head) {
		_, msg := keys["message"]
		other := false // others have a type, an id or a time beside the message
		for _, name := range [...]string{"type", "id", "uuid", "timestamp", "created_at", "ts"} {
			_, has := keys[name]
			other = other || has
		}
		switch role := keys["role"]; {
		case (role == "user" || role == "assistant") && msg && keys["message"] == "" && !other:
			return true
		case keys["type"] == "turn_ended" && keys["status"] != "" && role == "":
			return true
		}
	}
	return false
}

func isEditor(tables []byte) bool { return bytes.Contains(tables, []byte("cursorDiskKV")) }

// isStore knows the command line tool's two tables; their names are common, so their columns are looked at as well.
func isStore(tables []byte) bool {
	t := strings.ToLower(string(tables))
	return strings.Contains(t, "create table blobs (id text primary key, data blob") && strings.Contains(t, "create table meta (key text primary key, value text")
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	if f.DB != nil {
		var editor int
		row := f.DB.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'cursorDiskKV'")
		if err := row.Scan(&editor); err != nil {
			return c, err
		}
		if editor > 0 {
			return c, (&editorDB{db: f.DB, c: &c}).read(ctx, emit)
		}
		return c, (&store{db: f.DB, c: &c}).read(ctx, filepath.Base(filepath.Dir(f.Path)), emit)
	}
	h := newChat(&c, stem(f.Path), emit)
	h.helper = path.Base(path.Dir(filepath.ToSlash(f.Path))) == "subagents"
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		c.Kind(string(r.Role + r.Type))
		return true, h.record(&r)
	})
	if err != nil {
		return c, err
	}
	return c, h.flush()
}

// stem is the session of a transcript: nothing in the file says it, but its name.
func stem(file string) string {
	if file == "" || file == "-" {
		return ""
	}
	base := path.Base(filepath.ToSlash(file))
	for _, ext := range [...]string{".zst", ".gz", ".jsonl"} {
		base = strings.TrimSuffix(base, ext)
	}
	return base
}
