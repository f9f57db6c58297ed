// SPDX-License-Identifier: Apache-2.0

// Package capture turns what coding tools leave on a developer's machine into episodes.
//
// Each tool has a package below this one that implements [Source]; package tools lists them. [Walk] finds files,
// [Read] recognises each by the shape of its content and hands every episode to the caller, together with a [Report]
// of exactly what the file held. What cannot be read is counted and set aside; the rest goes on.
//
// A reader maps a tool's words for what was decided to the record's, and says "by person" only where the history
// itself shows that a person decided. It removes nothing private: scrub does. It does not join files: the same prompt
// read from two files has the same id twice, and the assembler keeps one.
package capture

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/episode"
)

// Source reads the history of one coding tool.
type Source interface {
	// Name is the tool's name, as in episode.Tool.
	Name() string
	// About says where the tool keeps its histories and what they tell.
	About() About
	// Detect reports whether a file is this tool's, by the shape of its first bytes; path may break a tie, no more: names
	// and labels lie. Of an SQLite database, head is [SQLiteHead] and its tables' definitions, one a line.
	Detect(head []byte, path string) bool
	// Read gives every episode of the file to emit, in the file's order. The counts are of the file as it stands;
	// Episodes and Decisions are filled in by [Read]. An error means that the file could not be read to its end, or is
	// what emit returned.
	Read(ctx context.Context, f File, emit func(*episode.Episode) error) (Counts, error)
}

// About is what there is to know of a tool's histories before one is read: a row of the table of tools.
type About struct {
	// Title is the tool's name as people write it.
	Title string
	// Places are where the tool keeps its histories, files or folders, in the words of [Place].
	Places []Place
	Yields Yields
	// Tested says what the reader is tested on: [Real] recordings, or [Constructed] input where none is public.
	Tested string
	// Note is what else a user should know, in half a sentence; empty where there is nothing.
	Note string
}

// What a reader may be tested on.
const (
	Real        = "real recordings"
	Constructed = "constructed input"
)

// Place is where a tool keeps histories, slash-separated, each element a name or a pattern as in path.Match:
//
//	~/.gemini/tmp/*/chats           below the home folder
//	$CODEX_HOME|~/.codex/sessions   below the folder that the variable names, else the one after the bar: .codex
//	{config}/Code/User              below where applications keep settings: ~/.config, ~/Library/Application Support, %APPDATA%
//	{repo}/.specstory/history       in each git repository below the home folder
type Place string

// Yields says which things a tool's histories tell at all.
type Yields struct {
	Decision     bool // what was decided on a suggestion
	Modification bool // what a person made of it
	Prompt       bool // the person's words
	Code         bool // what was suggested
	Artifacts    bool // instruction files, rules, specs, plans in force
	Outcome      bool // what became of it: outcomes, ratings, a commit or pull request
}

// YieldsOf is what one episode tells.
func YieldsOf(e *episode.Episode) (y Yields) {
	y.Prompt, y.Artifacts = e.Instruction != "", len(e.Artifacts) > 0
	y.Decision = len(e.Decisions) > 0
	for i := range e.Decisions {
		y.Modification = y.Modification || e.Decisions[i].Verdict == episode.Modified
	}
	for i := range e.Suggestions {
		s := &e.Suggestions[i]
		y.Code = y.Code || (s.Before != "" || s.After != "") && s.Kind != episode.KindAnswer && s.Kind != episode.KindPlan
	}
	y.Outcome = len(e.Outcomes) > 0 || len(e.Ratings) > 0 || e.Links != nil && (e.Links.Commit != "" || e.Links.PullRequest != "")
	return y
}

// Or is what either tells.
func (y Yields) Or(z Yields) Yields {
	return Yields{y.Decision || z.Decision, y.Modification || z.Modification, y.Prompt || z.Prompt, y.Code || z.Code,
		y.Artifacts || z.Artifacts, y.Outcome || z.Outcome}
}

// File is one history file, open for reading and already decompressed.
type File struct {
	Path string
	R    io.Reader
	// DB is the file as an SQLite database that cannot be written to; nil where it is none.
	DB *sql.DB
}

// Root opens the folder that is up levels above the file's own, for a history that is spread over several files: 0 is
// the file's own folder. Nothing outside it can be opened through it, not by "..", not by a link. It is nil where the
// file has no folder, as on standard input.
func (f File) Root(up int) (*os.Root, error) {
	if f.Path == "" || f.Path == "-" {
		return nil, nil
	}
	dir := filepath.Dir(f.Path)
	for range up {
		dir = filepath.Dir(dir)
	}
	return os.OpenRoot(dir)
}

// Counts is what a history file held.
type Counts struct {
	// Lines are the lines that are not blank; Unparsable of them were torn or not what the format says.
	Lines      int `json:"lines"`
	Unparsable int `json:"unparsable"`
	Episodes   int `json:"episodes"`
	Prompts    int `json:"prompts"`
	ToolUses   int `json:"tool_uses"`
	// ToolResults answer tool uses; Errors of them are marked as failed, Rejections among them.
	ToolResults          int `json:"tool_results"`
	Errors               int `json:"errors"`
	Rejections           int `json:"rejections"`
	RejectionsWithReason int `json:"rejections_with_reason"`
	Interrupts           int `json:"interrupts"`
	// Patches are results that carry a structured patch.
	Patches   int                                    `json:"patches"`
	Decisions map[episode.Verdict]map[episode.By]int `json:"decisions"`
	// Kinds counts records by the tool's own name for them, so that a format that drifts shows.
	Kinds map[string]int `json:"kinds,omitempty"`
}

// maxKinds bounds Kinds: a hostile file could make up a name per line.
const maxKinds = 256

// Kind counts one record of the kind, under "other" once there are very many kinds.
func (c *Counts) Kind(kind string) {
	if c.Kinds == nil {
		c.Kinds = map[string]int{}
	}
	if _, known := c.Kinds[kind]; !known && len(c.Kinds) >= maxKinds {
		kind = "other"
	}
	c.Kinds[kind]++
}

// Add counts the episode and its decisions.
func (c *Counts) Add(e *episode.Episode) {
	c.Episodes++
	if c.Decisions == nil {
		c.Decisions = map[episode.Verdict]map[episode.By]int{}
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		if c.Decisions[d.Verdict] == nil {
			c.Decisions[d.Verdict] = map[episode.By]int{}
		}
		c.Decisions[d.Verdict][d.By]++
	}
}

// Report is one line of the account that Read gives: a file, the tool it is from, what it held.
type Report struct {
	Path string `json:"path"`
	Tool string `json:"tool"`
	Counts
}
