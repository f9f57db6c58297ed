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
	"io"

	"github.com/headrace/headrace/episode"
)

// Source reads the history of one coding tool.
type Source interface {
	// Name is the tool's name, as in episode.Tool.
	Name() string
	// Detect reports whether a file is this tool's, by the shape of its first bytes; path may break a tie, no more: names
	// and labels lie.
	Detect(head []byte, path string) bool
	// Read gives every episode of the file to emit, in the file's order. The counts are of the file as it stands;
	// Episodes and Decisions are filled in by [Read]. An error means that the file could not be read to its end, or is
	// what emit returned.
	Read(ctx context.Context, f File, emit func(*episode.Episode) error) (Counts, error)
}

// File is one history file, open for reading and already decompressed.
type File struct {
	Path string
	R    io.Reader
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
