// SPDX-License-Identifier: Apache-2.0

// Package kiro reads what Kiro keeps: specs and steering files in the repository, and the sessions of its editor and its
// command line.
//
// [Source] recognises each by its shape. A spec or steering file gives an episode that carries it as an artifact and suggests
// nothing; of a plan the counts tell how many tasks are done. There have been three forms of session, and all are read:
// data.sqlite3 (package qcli), the log of the second engine (~/.kiro/sessions/cli), and the messages of the third, which the
// editor shares since 1.0 (~/.kiro/sessions/HASH/sess_ID). Only the last tells what was answered when a tool had to be
// allowed; in the others a call that was carried out is accepted by unknown, and a refusal is kept in words.
package kiro

import (
	"bytes"
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/amazonq"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// Name is the tool's name in episodes.
const Name = qcli.Kiro

// Source reads Kiro's specs, steering files and sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Kiro", Tested: capture.Constructed,
		Places: []capture.Place{"{repo}/.kiro/specs", "{repo}/.kiro/steering", "$KIRO_HOME|~/.kiro/sessions/cli", "~/.kiro/sessions/*/*/messages.jsonl",
			"{config}/kiro-cli/data.sqlite3", "~/.local/share/kiro-cli/data.sqlite3"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "specs and steering files are kept as artifacts; who allowed a tool is told since the editor's 1.0 only"}
}

// kind is what a file is.
type kind string

const (
	database kind = "database"
	logs     kind = "log"      // of the second engine
	messages kind = "messages" // of the third
	exported kind = "export"   // a log that /chat save wrote
	sidecar  kind = "session"  // what a session's log is kept beside
	prompts  kind = "prompt log"
	activity kind = "activity"
)

// kindOf says what a file is by its beginning; the path decides only where two tools write the same.
func kindOf(head []byte, file string) kind {
	if bytes.HasPrefix(head, []byte(capture.SQLiteHead)) {
		if qcli.Owner(string(head), file) == Name {
			return database
		}
		return ""
	}
	keys := lax.Keys(head)
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := keys[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case keys["format"] == "kiro-session-export-v1":
		return exported
	case has("session_id", "session_state", "cwd"), has("id", "workspacePaths", "lastModifiedAt"):
		return sidecar
	case amazonq.OfKiro(file) && amazonq.IsPromptLog(head):
		return prompts
	case amazonq.OfKiro(file) && amazonq.IsActivity(head):
		return activity
	}
	for _, keys := range capture.Heads(head) {
		switch _, data := keys["data"]; {
		case keys["version"] == "v1" && data && isEntry(keys["kind"]):
			return logs
		case keys["id"] != "" && keys["timestamp"] != "":
			if _, ok := keys["payload"]; ok && isMessage(head) {
				return messages
			}
		}
	}
	return ""
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, file string) bool {
	return kindOf(head, file) != "" || documentOf(string(head), file) != ""
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	if f.DB != nil {
		return qcli.Database(ctx, f.DB, Name, emit)
	}
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	f.R = r
	switch kindOf(head, f.Path) {
	case prompts:
		return amazonq.PromptLog(r, Name, emit)
	case activity:
		return amazonq.CountActivity(ctx, r)
	case sidecar:
		ok, err := capture.Document(r, &c, &struct{}{})
		if ok {
			c.Kind("session")
		}
		return c, err
	case exported:
		return readExport(f, emit)
	case messages:
		return readMessages(ctx, f, emit)
	}
	if documentOf(string(head), f.Path) != "" {
		return readDocument(ctx, f, emit)
	}
	return readLog(ctx, f, emit)
}

// stem is a file's name without what it ends in: a session's log is named after it.
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
