// SPDX-License-Identifier: Apache-2.0

// Package gitai reads the notes that git-ai attaches to commits (refs/notes/ai, authorship 3.0.0, and the blobs of 0.0.1 before
// it): which lines of a commit each prompt or session of a coding tool wrote.
//
// [Parse] reads a note as it is. [Source] makes an episode of each prompt and session that a note names: whose words, where the
// note holds any, the files with how many lines of the commit are its, and that they were committed. The tool is "git-ai" and
// its version the agent's name, because the agent's own history, where there is one, tells the same session in full; both have
// its session id. Package gitlog reads the notes of a repository by itself, to know which session a commit is of.
//
// A note says what was in the commit, so what it counts was accepted, by whom it does not say. It counts the lines that were
// overridden before the commit for a prompt as a whole: where the prompt touched one file only, that is modified; where it
// touched several, nobody knows which. Names and addresses of people, which notes hold, are not read.
package gitai

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
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
		Note: "files that hold a note each; those of a repository are read with its commits; the tool's version is the agent's name"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if i := separator(head); i >= 0 {
		return strings.HasPrefix(lax.Keys(head[i:])["schema_version"], "authorship/")
	}
	keys := lax.Keys(head)
	_, files := keys["files"]
	return files && (strings.HasPrefix(keys["schema_version"], "authorship/") || strings.Contains(string(head[:min(len(head), 64<<10)]), `"authors":[{"author":`))
}

// maxNote is the longest note that is read, in bytes.
const maxNote = 64 << 20

// Read implements capture.Source.
func (Source) Read(_ context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	c := capture.Counts{Lines: 1}
	b, err := io.ReadAll(io.LimitReader(f.R, maxNote+1))
	if err != nil {
		return c, err
	}
	if len(b) > maxNote {
		return c, fmt.Errorf("the note is longer than %d bytes", maxNote)
	}
	note, err := Parse(b)
	if err != nil {
		c.Unparsable = 1
		return c, err
	}
	c.Kind(string(note.Schema))
	r := reading{c: &c, note: note, commit: commitOf(f.Path)}
	for _, key := range slices.Sorted(maps.Keys(note.Agents)) {
		c.Kind(note.Agents[key].Kind)
		if err := emit(r.episode(key, note.Agents[key])); err != nil {
			return c, err
		}
	}
	return c, nil
}

// commitOf is the commit that a note is of: a file of notes is named after it, and nothing in it says so. The base that a note
// names is the commit before.
func commitOf(file string) string {
	name := path.Base(filepath.ToSlash(file))
	name, _, _ = strings.Cut(name, ".")
	if len(name) != 40 || strings.Trim(name, "0123456789abcdef") != "" {
		return ""
	}
	return name
}

type reading struct {
	c      *capture.Counts
	note   *Note
	commit string
}

// episode is what a note says of one prompt or session.
func (r *reading) episode(key string, a *Agent) *episode.Episode {
	id := key
	if r.commit != "" {
		id += "@" + r.commit
	} else {
		id += "@" + r.note.Base
	}
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, id), Session: a.Session,
		Tool: episode.Tool{Name: Name, Version: a.Tool, Surface: episode.SurfaceAgent}}
	capture.SetModel(e, "", a.Model)
	if r.commit != "" {
		e.Links = &episode.Links{Commit: r.commit}
	}
	for i := range a.Messages {
		r.message(e, &a.Messages[i])
	}
	for _, f := range r.note.Files {
		lines := 0
		for _, entry := range f.Entries {
			if entry.Agent == key {
				lines += entry.Lines()
			}
		}
		if lines == 0 {
			continue
		}
		id := f.Path
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: -1, Kind: episode.KindEdit, Path: f.Path, Features: map[string]any{"lines": float64(lines)}})
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByUnknown})
		share := 1.0
		if a.Additions > 0 {
			share = min(1, float64(a.Accepted)/float64(a.Additions))
		}
		e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: id, Kind: episode.OutcomeCommitted, Value: share})
	}
	if len(e.Decisions) == 1 && a.Overridden > 0 {
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
			return
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
