// SPDX-License-Identifier: Apache-2.0

// Package antigravity reads the transcripts that Google Antigravity, the editor and the command line tool agy, keep under
// ~/.gemini/antigravity*/brain: one step a line, with who took it (the person, the model, the system) and its type.
//
// [Source] reads a file in one pass; [transcript] files each step under the request before it. Calls have no ids: a step
// that carries out a call is paired with the first call of the response before it that it can be of. The arguments of a
// call are strings that hold JSON once more.
//
// Little is told of decisions. What was carried out had been let through, by whom the transcript does not say: accepted by
// unknown. One decision is a person's: the tool writes into the next request that the user has approved a document, and
// that is the plan that the model had put before them.
package antigravity

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "antigravity"

// Source reads Antigravity transcripts; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Google Antigravity", Tested: capture.Real,
		Places: []capture.Place{"~/.gemini/antigravity*/brain/*/.system_generated/logs"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "of decisions, only the approval of a plan is told to be a person's"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		_, index := keys["step_index"]
		_, status := keys["status"]
		if index && status && keys["source"] != "" && keys["type"] != "" {
			return true
		}
	}
	return false
}

const (
	short = "transcript.jsonl"      // with long texts cut
	full  = "transcript_full.jsonl" // the same steps, whole
)

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	tr := transcript{c: &c, session: session(f.Path)}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var s step
		if !lax.Decode(line, &s) {
			return false, nil
		}
		if tr.session == "" { // the file was moved: the same first line is the same session
			tr.session = strings.TrimPrefix(episode.Digest(bytes.TrimSpace(line)), "sha256:")[:16]
		}
		kind := string(s.Type)
		if kind == "" {
			kind = "other"
		}
		c.Kind(kind)
		tr.add(&s)
		return true, nil
	})
	if err != nil || told(f) {
		return c, err
	}
	return c, tr.finish(emit)
}

// session is the name of the folder that holds all of a conversation.
func session(path string) string {
	elements := strings.Split(filepath.ToSlash(path), "/")
	if i := slices.Index(elements, ".system_generated"); i > 0 {
		return strings.ToValidUTF8(elements[i-1], "\uFFFD")
	}
	return ""
}

// told reports whether the file beside this one tells the same, and more of it.
func told(f capture.File) bool {
	if filepath.Base(f.Path) != short {
		return false
	}
	root, err := f.Root(0)
	if root == nil || err != nil {
		return false
	}
	defer root.Close()
	info, err := root.Stat(full)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}
