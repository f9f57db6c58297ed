// SPDX-License-Identifier: Apache-2.0

// Package gitai reads the notes that git-ai attaches to commits (refs/notes/ai, authorship 3.0.0, and the blobs of 0.0.1 before
// it): which lines of a commit each prompt or session of a coding tool wrote.
//
// [Parse] reads a note as it is. [Source] makes an episode of each prompt and session that has lines or words in a note: whose
// words, where the note holds any, and the files with how many lines are its. The tool is "git-ai" and its version the
// agent's name, because the agent's own history, where there is one, tells the same session in full; both have its session
// id. Package gitlog parses the notes of a repository by itself, to know which session a commit is of.
//
// The lines of a note are in the commit, so they were accepted; by whom it does not say. That a person wrote over lines is
// counted for a session as a whole, over all of its commits, and so are the lines accepted: only where all of these are in
// one file of the note is it known which suggestion was modified. After a rebase, a note may list what other commits of the
// branch brought. Names and addresses of people, which notes hold, are not read.
package gitai

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "git-ai"

// Source reads files that hold one note each; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "git-ai notes", Tested: capture.Real, Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Outcome: true},
		Note: "`headrace read` of a repository reads its notes; `headrace outcomes` goes by them too; the tool's version is the agent's name"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if i := separator(head); i >= 0 {
		return strings.HasPrefix(lax.Keys(head[i:])["schema_version"], "authorship/")
	}
	keys := lax.Keys(head)
	_, files := keys["files"]
	return files && (strings.HasPrefix(keys["schema_version"], "authorship/") || bytes.Contains(head[:min(len(head), 64<<10)], []byte(`"authors":[{"author":`)))
}

// maxNote is the longest note that is read, in bytes; the longest seen has 56 kB.
const maxNote = 16 << 20

// Read implements capture.Source.
func (Source) Read(_ context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	c := capture.Counts{Lines: 1} // the JSON
	b, err := io.ReadAll(io.LimitReader(f.R, maxNote+1))
	if err != nil {
		return c, err
	}
	if len(b) > maxNote {
		return c, fmt.Errorf("the note is longer than %d MiB", maxNote>>20)
	}
	note, err := Parse(b)
	if err != nil {
		c.Unparsable = 1
		return c, err
	}
	c.Lines, c.Unparsable = c.Lines+note.Lines, note.Unparsable
	c.Kind(note.Schema)
	r := reading{c: &c, note: note, commit: commitOf(f.Path)}
	if r.commit == "" {
		r.commit = note.Commit()
	}
	r.of = r.commit
	if r.of == "" {
		r.of = episode.Digest(b)
	}
	for _, key := range sorted(note.Agents) {
		c.Kind(note.Agents[key].Kind)
		e := r.episode(key, note.Agents[key])
		if len(e.Suggestions) == 0 && e.Instruction == "" && len(e.Steps) == 0 {
			continue // it is named, and nothing is told of it
		}
		if err := emit(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

// commitOf is the commit that a file of notes is named after, empty where it has another name. In the notes' tree git parts
// the name by folders, "0a/1b/2c…", once there are many.
func commitOf(file string) string {
	id := ""
	for dir, name := path.Split(filepath.ToSlash(file)); name != "" && len(id) < 40; dir, name = path.Split(strings.TrimSuffix(dir, "/")) {
		name, _, _ = strings.Cut(name, ".")
		id = name + id
	}
	if len(id) != 40 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}

type reading struct {
	c      *capture.Counts
	note   *Note
	commit string // where it is known
	of     string // the commit, else the digest of the note
}

// episode is what a note says of one prompt or session.
func (r *reading) episode(key string, a *Agent) *episode.Episode {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, key+"@"+r.of), Session: a.Session,
		Tool: episode.Tool{Name: Name, Version: a.Tool, Surface: episode.SurfaceAgent}}
	capture.SetModel(e, "", a.Model)
	if r.commit != "" {
		e.Links = &episode.Links{Commit: r.commit}
	}
	for i := range a.Messages {
		r.message(e, &a.Messages[i])
	}
	all := 0
	seen := map[string]bool{}
	for i := range r.note.Files {
		f := &r.note.Files[i]
		lines := f.linesBy(key)
		if lines == 0 || f.Path == "" || seen[f.Path] {
			continue
		}
		all += lines
		seen[f.Path] = true
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: f.Path, Step: -1, Kind: episode.KindEdit, Path: f.Path, Features: map[string]any{"lines": float64(lines)}})
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: f.Path, Verdict: episode.Accepted, By: episode.ByUnknown})
		e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: f.Path, Kind: episode.OutcomeCommitted, Value: 1})
	}
	if len(e.Decisions) == 1 && a.Overridden > 0 && a.Accepted == int64(all) {
		e.Decisions[0].Verdict = episode.Modified
	}
	capture.Languages(e)
	return e
}

// message adds a message of the conversation, which old notes hold.
func (r *reading) message(e *episode.Episode, m *message) {
	at := m.Timestamp.Time
	if !at.IsZero() {
		if e.StartedAt.IsZero() {
			e.StartedAt = at
		}
		if at.After(e.EndedAt) && !at.Before(e.StartedAt) {
			e.EndedAt = at
		}
	}
	text := string(m.Text)
	cut := capture.Clip(&text)
	switch m.Type {
	case "user":
		r.c.Prompts++
		if e.Instruction == "" {
			e.Instruction = text
			break
		}
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceUser, Message: text, Truncated: cut})
	case "assistant":
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent, Message: text, Truncated: cut})
	case "tool_use":
		r.c.ToolUses++
		args, cut := capture.Arguments(m.Input)
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent, Truncated: cut, ToolCalls: []episode.ToolCall{{Name: string(m.Name), Arguments: args}}})
	}
	r.c.Kind("message/" + string(m.Type))
}
