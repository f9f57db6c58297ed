// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of a transcript: the union of the fields that its record types use and that we read. Transcripts are
// large, most of it is repeated in other fields that we leave alone, and people have years of them: so each type reads
// itself from a lax.Reader, which copies only what is kept.
type record struct {
	Type, UUID, ParentUUID lax.String
	LogicalParentUUID      lax.String // across a compaction
	SessionID, RequestID   lax.String
	PromptID, Entrypoint   lax.String
	Timestamp              lax.Time
	CWD, Version           lax.String
	GitBranch              lax.String
	IsSidechain, IsMeta    lax.Bool
	IsCompactSummary       lax.Bool
	Origin                 lax.String // its kind
	Message                message
	ToolUseResult          toolResult
	PlanContent, PRURL     lax.String
	// Subtype is that of a system record, Note the type of what a progress record or an attachment tells of.
	Subtype, Note lax.String

	// looked reports whether it matters what a file that was read holds: of most it does not, and they are large.
	looked func(path string) bool
}

// read reads the record from a line, and reports whether it is a JSON object.
func (r *record) read(d *lax.Reader, line []byte) bool {
	*r = record{looked: r.looked}
	if !d.Reset(line) {
		return false
	}
	d.Object(func(name []byte) {
		switch string(name) {
		case "type":
			r.Type = d.String()
		case "uuid":
			r.UUID = d.String()
		case "parentUuid":
			r.ParentUUID = d.String()
		case "logicalParentUuid":
			r.LogicalParentUUID = d.String()
		case "sessionId":
			r.SessionID = d.String()
		case "promptId":
			r.PromptID = d.String()
		case "entrypoint":
			r.Entrypoint = d.String()
		case "requestId":
			r.RequestID = d.String()
		case "timestamp":
			r.Timestamp = d.Time()
		case "cwd":
			r.CWD = d.String()
		case "version":
			r.Version = d.String()
		case "gitBranch":
			r.GitBranch = d.String()
		case "subtype":
			r.Subtype = d.String()
		case "data", "attachment":
			d.Object(func(name []byte) {
				if string(name) == "type" {
					r.Note = d.String()
				}
			})
		case "isSidechain":
			r.IsSidechain = d.Bool()
		case "isMeta":
			r.IsMeta = d.Bool()
		case "isCompactSummary":
			r.IsCompactSummary = d.Bool()
		case "origin":
			d.Object(func(name []byte) {
				if string(name) == "kind" {
					r.Origin = d.String()
				}
			})
		case "message":
			r.Message.read(d)
		case "toolUseResult":
			r.ToolUseResult.read(d, r.looked)
		case "planContent":
			r.PlanContent = d.String()
		case "prUrl":
			r.PRURL = d.String()
		}
	})
	return d.End()
}

// person is who says no or stops the agent: a person, unless another program leads the session.
func (r *record) person() episode.By {
	if strings.HasPrefix(string(r.Entrypoint), "sdk") {
		return episode.ByUnknown
	}
	return episode.ByPerson
}

type message struct {
	ID, Model lax.String
	Content   content
	Usage     usage
	Used      bool // there is a usage
}

func (m *message) read(d *lax.Reader) {
	d.Object(func(name []byte) {
		switch string(name) {
		case "id":
			m.ID = d.String()
		case "model":
			m.Model = d.String()
		case "content":
			m.Content.read(d)
		case "usage":
			m.Used = m.Usage.read(d)
		}
	})
}

type usage struct {
	Input, Output, CacheRead, CacheWrite lax.Number
}

func (u *usage) read(d *lax.Reader) bool {
	return d.Object(func(name []byte) {
		switch string(name) {
		case "input_tokens":
			u.Input = d.Number()
		case "output_tokens":
			u.Output = d.Number()
		case "cache_read_input_tokens":
			u.CacheRead = d.Number()
		case "cache_creation_input_tokens":
			u.CacheWrite = d.Number()
		}
	})
}

// content is a string or a list of blocks; the tools use both for the same thing.
type content struct {
	Text     lax.String
	IsString bool
	Blocks   []block
}

func (c *content) read(d *lax.Reader) {
	if d.Kind() == '"' {
		c.IsString, c.Text = true, d.String()
		return
	}
	d.List(func() {
		var b block
		if b.read(d) {
			c.Blocks = append(c.Blocks, b)
		}
	})
}

// text is the string, or the text blocks joined by newlines.
func (c *content) text() string {
	if c.IsString || len(c.Blocks) == 0 {
		return string(c.Text)
	}
	var first string
	var parts []string
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.Type == "text" {
			if first = string(b.Text); parts != nil || i+1 < len(c.Blocks) {
				parts = append(parts, first)
			}
		}
	}
	if parts == nil {
		return first
	}
	return strings.Join(parts, "\n")
}

type block struct {
	Type, Text, Thinking lax.String
	ID, Name             lax.String
	Input                jsontext.Value
	ToolUseID            lax.String
	Content              content
	IsError              lax.Bool
}

func (b *block) read(d *lax.Reader) bool {
	return d.Object(func(name []byte) {
		switch string(name) {
		case "type":
			b.Type = d.String()
		case "text":
			b.Text = d.String()
		case "thinking":
			b.Thinking = d.String()
		case "id":
			b.ID = d.String()
		case "name":
			b.Name = d.String()
		case "input":
			b.Input = d.Raw()
		case "tool_use_id":
			b.ToolUseID = d.String()
		case "content":
			b.Content.read(d)
		case "is_error":
			b.IsError = d.Bool()
		}
	})
}

// toolResult is toolUseResult where it is an object: what an edit tool did, or the file that was read.
type toolResult struct {
	StructuredPatch    bool // there is a list, even an empty one
	UserModified       lax.Bool
	FilePath           lax.String
	OriginalFile       lax.String
	OldString          lax.String
	NewString, Content lax.String
	InBackground       bool // the command goes on
	File               lookedAt
}

func (t *toolResult) read(d *lax.Reader, looked func(path string) bool) {
	d.Object(func(name []byte) {
		switch string(name) {
		case "structuredPatch":
			t.StructuredPatch = d.Kind() == '['
		case "userModified":
			t.UserModified = d.Bool()
		case "filePath":
			t.FilePath = d.String()
		case "originalFile":
			t.OriginalFile = d.String()
		case "oldString":
			t.OldString = d.String()
		case "newString":
			t.NewString = d.String()
		case "content":
			t.Content = d.String()
		case "backgroundTaskId":
			t.InBackground = d.String() != ""
		case "file":
			t.File.read(d, looked)
		}
	})
}

// lookedAt is a file that the agent read: lines of it, or all.
type lookedAt struct {
	Path, Content       lax.String
	Start, Lines, Total lax.Number
}

func (f *lookedAt) read(d *lax.Reader, looked func(path string) bool) {
	d.Object(func(name []byte) {
		switch string(name) {
		case "filePath":
			f.Path = d.String()
		case "content":
			if looked != nil && looked(string(f.Path)) {
				f.Content = d.String()
			}
		case "startLine":
			f.Start = d.Number()
		case "numLines":
			f.Lines = d.Number()
		case "totalLines":
			f.Total = d.Number()
		}
	})
}

// whole reports whether it is the whole file.
func (f *lookedAt) whole() bool { return f.Start == 1 && f.Total > 0 && f.Lines == f.Total }

// input is what the tools that suggest something take.
type input struct {
	FilePath     lax.String          `json:"file_path"`
	NotebookPath lax.String          `json:"notebook_path"`
	OldString    lax.String          `json:"old_string"`
	NewString    lax.String          `json:"new_string"`
	NewSource    lax.String          `json:"new_source"`
	Content      lax.String          `json:"content"`
	Command      lax.String          `json:"command"`
	Background   lax.Bool            `json:"run_in_background"`
	Plan         lax.String          `json:"plan"`
	Edits        lax.List[oneOfMany] `json:"edits"`
}

type oneOfMany struct {
	OldString lax.String `json:"old_string"`
	NewString lax.String `json:"new_string"`
}
