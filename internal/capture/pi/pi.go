// SPDX-License-Identifier: Apache-2.0

// Package pi reads the sessions that the pi coding agent keeps below ~/.pi/agent/sessions, an entry a line.
//
// Entries form a tree by id and parentId: "/tree" goes back to an earlier one, and what is said from there on is a new
// branch in the same file. [Source] reads the file in one pass into a [tree], and says at the end which prompts are not
// on the way from the last entry to the first: those are abandoned branches. A fork copies entries into another file
// with their ids and times, so a prompt has the same episode id in both.
//
// pi asks nobody before it runs a tool, and has no record of a decision. What was carried out is accepted by unknown; an
// extension that blocks a tool is a hook, where it leaves pi's own words; an aborted answer is cancelled.
package pi

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "pi"

// Source reads pi's sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "pi", Places: []capture.Place{"~/.pi/agent/sessions"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true}, Note: "it asks nobody; branches left behind"}
}

// Detect implements capture.Source: Droid's lines look the same, but for the first.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		has := func(name string) bool { _, ok := keys[name]; return ok }
		switch keys["type"] {
		case "session":
			if has("version") && has("cwd") && keys["id"] != "" && keys["timestamp"] != "" {
				return true
			}
		case "model_change":
			if has("parentId") && has("modelId") {
				return true
			}
		case "thinking_level_change":
			if has("parentId") && has("thinkingLevel") {
				return true
			}
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	t := newTree(&c)
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		kind := string(r.Type)
		if role := r.Message.V.Role; role != "" {
			kind += "/" + string(role)
		}
		c.Kind(kind)
		t.add(&r)
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, t.finish(emit)
}
