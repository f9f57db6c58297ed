// SPDX-License-Identifier: Apache-2.0

// Package windsurf reads the transcripts that Windsurf's Cascade writes to ~/.windsurf/transcripts, a step a line: what
// the person asked, what the agent answered, and each thing that it did together with its result.
//
// [Source] reads a file in one pass and gives an episode once the next prompt comes. The lines have neither ids nor
// times: ids are made of the session, which is the file's name, and the place in it.
//
// Of an edit the transcript tells whether it was accepted, not by whom: Cascade writes its edits to disk at once and
// marks them accepted by a button, by going on, or by itself where it is set so, all with one word. A rejection has no
// such double meaning: only a person at the editor rejects an edit or a command.
package windsurf

import (
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "windsurf"

// Source reads Windsurf transcripts; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Windsurf", Places: []capture.Place{"~/.windsurf/transcripts"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Outcome: true}, Note: "accepted edits, not by whom; the commits that followed"}
}

// Detect implements capture.Source: the type of a line is the name of the field that holds its content.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		kind := keys["type"]
		_, content := keys[kind]
		if kind != "" && kind != "status" && kind != "type" && content && keys["status"] != "" {
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	t := transcript{c: &c, emit: emit, session: stem(f.Path)}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		c.Kind(string(r.Type))
		return true, t.add(&r, line)
	})
	if err != nil {
		return c, err
	}
	return c, t.flush()
}

// stem is the session: nothing in the file says it, but its name.
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
