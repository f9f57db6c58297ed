// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
)

// NativeTools are the tools in whose own files [World.Native] writes, by the names that episodes of them have.
func NativeTools() []string { return []string{"claude-code", "codex", "copilot-chat", "continue"} }

// Native writes a contributor's episodes as the developers' own coding tools would have recorded them: for each developer a
// home folder, with the history of the one tool that they use where that tool keeps it. Create opens a file by its path,
// with slashes; files are written one after the other, each whole.
//
// A tool's file says what that tool says. Nothing is in it of suggestions that were hidden, and of what was accepted only
// Copilot and Continue tell that a person did. What was passed over is a rejection where a tool asks.
func (w *World) Native(contributor string, create func(path string) (io.WriteCloser, error)) error {
	h := home{create: create}
	err := w.Episodes(contributor, func(e *episode.Episode) error {
		if d := &e.Decisions[0]; !*d.Shown || e.Suggestions[0].After == "" {
			return nil
		}
		return h.add(e)
	})
	if closing := h.close(); err == nil {
		err = closing
	}
	return err
}

// home writes the history of one developer after the other.
type home struct {
	create    func(path string) (io.WriteCloser, error)
	developer string
	tool      string
	session   string
	file      io.WriteCloser
	n         int    // events in the file
	line      []byte // in the making
}

// add writes one episode, into the file of its developer and session.
func (h *home) add(e *episode.Episode) error {
	if e.Developer != h.developer || e.Session != h.session && h.tool != "continue" {
		if err := h.close(); err != nil {
			return err
		}
		h.developer, h.session, h.n = e.Developer, e.Session, 0
		var seed uint64
		for _, b := range []byte(e.Developer) {
			seed = mix(seed ^ uint64(b))
		}
		tools := NativeTools()
		h.tool = tools[seed%uint64(len(tools))]
		var err error
		if h.file, err = h.create(h.path(e)); err != nil {
			return fmt.Errorf("create the history of %s: %w", h.tool, err)
		}
	}
	switch h.n++; h.tool {
	case "claude-code":
		h.claude(e)
	case "codex":
		h.codex(e)
	case "copilot-chat":
		h.copilot(e)
	default:
		h.continues(e)
	}
	_, err := h.file.Write(h.line)
	h.line = h.line[:0]
	return err
}

func (h *home) close() error {
	if h.file == nil {
		return nil
	}
	f := h.file
	h.file = nil
	return f.Close()
}

// path is where the tool keeps such a history.
func (h *home) path(e *episode.Episode) string {
	user, _, _ := strings.Cut(e.Developer, "@")
	day := e.StartedAt.Format(time.DateOnly)
	switch h.tool {
	case "claude-code":
		return path.Join(user, ".claude/projects", "-src-"+strings.ReplaceAll(e.Repository, "/", "-"), uuid(e.Session)+".jsonl")
	case "codex":
		return path.Join(user, ".codex/sessions", e.StartedAt.Format("2006/01/02"), "rollout-"+day+"T08-00-00-"+uuid(e.Session)+".jsonl")
	case "copilot-chat":
		return path.Join(user, ".config/Code/User/workspaceStorage", uuid(e.Repository)[:8], "chatSessions", uuid(e.Session)+".jsonl")
	}
	return path.Join(user, ".continue/dev_data/0.2.0/autocomplete.jsonl")
}

// uuid makes something that looks like one of a name.
func uuid(name string) string {
	var a, b uint64 = 1, 2
	for _, c := range []byte(name) {
		a, b = mix(a^uint64(c)), mix(b+uint64(c))
	}
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// object is a JSON object in the making: encoding sorts its names.
type object = map[string]any

// put appends a line. What is put is made of plain values, which always encode.
func (h *home) put(v object) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("a line of a history does not encode: %v", err))
	}
	h.line = append(append(h.line, b...), '\n')
}

// stamp is a time as JavaScript writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// asked is what the developer asked for; where nobody wrote it down, what people write.
func asked(e *episode.Episode) string {
	if e.Instruction != "" {
		return e.Instruction
	}
	return "go on with " + path.Base(e.Suggestions[0].Path)
}

// file is the path of what is edited, in the developer's checkout.
func file(e *episode.Episode) string {
	if p := e.Suggestions[0].Path; path.IsAbs(p) {
		return p
	}
	return path.Join("/src", e.Repository, e.Suggestions[0].Path)
}

// changed is a suggestion as its developer changed it before it was applied.
func changed(text string) string { return strings.TrimSuffix(text, "\n") + " // checked\n" }
