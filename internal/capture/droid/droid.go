// SPDX-License-Identifier: Apache-2.0

// Package droid reads what Factory's Droid writes of its sessions, in two forms: the store below ~/.factory/sessions,
// a record a line with a settings file beside it, and what "droid exec --output-format stream-json" prints.
//
// [Source] reads either in one pass, and hands each record to a [session], which gives an episode once the next prompt
// comes. The settings file names the model and the tokens of the whole session; read by itself it gives nothing.
//
// The store does not hold who let a call through: its autonomy mode is that of the session's end, so a call that was
// carried out is accepted by unknown. "droid exec" asks nobody and carries out what its level allows: accepted by rule.
// No recording of a refusal is public; the words looked for are an assumption, and none of them is taken for a person's.
package droid

import (
	"context"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "droid"

const maxSettings = 1 << 20

// Source reads Droid's sessions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Factory Droid", Places: []capture.Place{"~/.factory/sessions"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true}, Note: "refusals on constructed input"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if isSettings(lax.Keys(head)) {
		return true
	}
	for _, keys := range capture.Heads(head) {
		has := func(name string) bool { _, ok := keys[name]; return ok }
		switch session := has("session_id") || has("sessionId"); keys["type"] {
		case "session_start":
			if keys["id"] != "" && (has("cwd") || has("owner") || has("sessionTitle")) {
				return true
			}
		case "message":
			if session && keys["role"] != "" && has("text") {
				return true
			}
		case "tool_call":
			if session && has("toolName") && has("parameters") {
				return true
			}
		case "completion":
			if session && has("finalText") {
				return true
			}
		}
	}
	return false
}

// isSettings knows the file beside a session.
func isSettings(keys map[string]string) bool {
	_, active := keys["assistantActiveTimeMs"]
	_, mode := keys["autonomyMode"]
	_, lock := keys["providerLock"]
	_, used := keys["tokenUsage"]
	_, typed := keys["type"]
	return !typed && (active || mode) && (lock || used || keys["model"] != "")
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	if isSettings(lax.Keys(head)) {
		c.Kind("settings")
		_, err := capture.Document(r, &c, &settings{})
		return c, err
	}
	s := session{c: &c, emit: emit, settings: beside(f)}
	err = capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
		var r record
		if !lax.Decode(line, &r) {
			return false, nil
		}
		c.Kind(string(r.Type))
		return true, s.add(&r)
	})
	if err != nil {
		return c, err
	}
	return c, s.finish()
}

// beside reads the settings file that belongs to a session's file; empty where there is none.
func beside(f capture.File) (all settings) {
	root, err := f.Root(0)
	if err != nil || root == nil {
		return all
	}
	defer root.Close()
	name := strings.TrimSuffix(path.Base(filepath.ToSlash(f.Path)), ".jsonl") + ".settings.json"
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return all
	}
	file, err := root.Open(name)
	if err != nil {
		return all
	}
	defer file.Close()
	if b, err := io.ReadAll(io.LimitReader(file, maxSettings)); err == nil {
		lax.Decode(b, &all)
	}
	return all
}
