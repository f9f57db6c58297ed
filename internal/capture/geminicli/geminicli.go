// SPDX-License-Identifier: Apache-2.0

// Package geminicli reads what Google's Gemini CLI leaves behind: the chats under ~/.gemini/tmp, one record a line (up to
// 0.39 one JSON document), and the telemetry file that its settings may name (telemetry.outfile).
//
// A chat is a log of patches. A message is written again, whole, whenever it grows; "$set" changes what is known of the
// session; "$rewindTo" takes back a message and all after it. [chat] keeps what was taken back: prompts that a rewind
// left behind become episodes of an abandoned branch. The chat tells that a call was stopped, and mostly by whom, but not
// who let a call through: accepted by unknown.
//
// The telemetry file does tell, in four words, and it alone sizes what a person changed in a proposal. It is
// pretty-printed JSON objects one after the other, logs among spans and metrics; [objects] cuts them apart. It has no ids
// of calls, so its episodes cannot be joined to the chat's call by call. It also names the user's e-mail address and
// whole prompts: only what an episode needs is taken from it.
package geminicli

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "gemini-cli"

// Source reads Gemini CLI chats and telemetry files; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Google Gemini CLI", Tested: capture.Real,
		Places: []capture.Place{"~/.gemini/tmp/*/chats", "~/.gemini/telemetry.log", "{repo}/.gemini/telemetry.log"},
		Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "who accepted is in the telemetry file only, which is tested on constructed input"}
}

// logged is what marks a telemetry file: an event of the tool's own, as an attribute of a log record.
var logged = regexp.MustCompile(`"event\.name":\s*"gemini_cli\.`)

// Detect implements capture.Source. A document over many lines in a file that is named as JSON Lines is a copy under a wrong
// name: the report counts it for what it is called, lines that are no JSON objects, and --tool reads it all the same.
func (Source) Detect(head []byte, path string) bool {
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if telemetry(head) || document(lax.Keys(head)) && (filepath.Ext(path) != ".jsonl" || len(bytes.TrimSpace(first)) > 1) {
		return true
	}
	for _, keys := range capture.Heads(head) {
		_, set := keys["$set"]
		_, content := keys["content"]
		_, project := keys["projectHash"]
		switch {
		case set, keys["$rewindTo"] != "", project && keys["sessionId"] != "":
			return true
		case keys["type"] == "gemini" && content && keys["id"] != "" && keys["timestamp"] != "":
			return true
		}
	}
	return false
}

func telemetry(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")) && logged.Match(head) && bytes.Contains(head, []byte(`"attributes"`))
}

// document reports whether the names are those of a chat that is one JSON document.
func document(keys map[string]string) bool {
	_, messages := keys["messages"]
	_, project := keys["projectHash"]
	_, history := keys["history"]
	_, updated := keys["lastUpdated"]
	return messages && project && keys["sessionId"] != "" || history && updated
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	if telemetry(head) {
		l := log{c: &c, emit: emit}
		err := objects(ctx, r, &c, l.read)
		if err == nil {
			err = l.finish()
		}
		return c, err
	}
	ch := newChat(&c, projectRoot(f))
	first, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	if !lax.Decode(first, &struct{}{}) && document(lax.Keys(head)) { // printed over many lines, whatever the file is called
		var rec record
		if _, err := capture.Document(r, &c, &rec); err != nil {
			return c, err
		}
		ch.add(&rec)
		return c, ch.finish(emit)
	}
	err = capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
		var rec record
		if !lax.Decode(line, &rec) {
			return false, nil
		}
		ch.add(&rec)
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, ch.finish(emit)
}

// projectRoot is the project's folder, which the tool notes in a file beside its chats; a helper's chat is one folder
// further down. Empty where there is none.
func projectRoot(f capture.File) string {
	for up := 1; up <= 2; up++ {
		root, err := f.Root(up)
		if root == nil || err != nil {
			return ""
		}
		note, err := root.Open(".project_root")
		_ = root.Close() // nothing was written
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(note, 4<<10))
		_ = note.Close()
		if text := strings.TrimSpace(string(b)); err == nil && text != "" && !strings.Contains(text, "\n") {
			return strings.ToValidUTF8(text, "\uFFFD")
		}
	}
	return ""
}
