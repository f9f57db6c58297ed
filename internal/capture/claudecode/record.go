// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of a transcript: the union of the fields that its record types use and that we read.
type record struct {
	Type              lax.String             `json:"type"`
	UUID              lax.String             `json:"uuid"`
	ParentUUID        lax.String             `json:"parentUuid"`
	LogicalParentUUID lax.String             `json:"logicalParentUuid"` // across a compaction
	SessionID         lax.String             `json:"sessionId"`
	RequestID         lax.String             `json:"requestId"`
	Timestamp         lax.Time               `json:"timestamp"`
	CWD               lax.String             `json:"cwd"`
	Version           lax.String             `json:"version"`
	IsSidechain       lax.Bool               `json:"isSidechain"`
	IsMeta            lax.Bool               `json:"isMeta"`
	IsCompactSummary  lax.Bool               `json:"isCompactSummary"`
	Origin            lax.Object[origin]     `json:"origin"`
	Message           lax.Object[message]    `json:"message"`
	ToolUseResult     lax.Object[toolResult] `json:"toolUseResult"`
	PlanContent       lax.String             `json:"planContent"`
	PRURL             lax.String             `json:"prUrl"`
}

type origin struct {
	Kind lax.String `json:"kind"`
}

type message struct {
	ID      lax.String        `json:"id"`
	Model   lax.String        `json:"model"`
	Content content           `json:"content"`
	Usage   lax.Object[usage] `json:"usage"`
}

type usage struct {
	Input      lax.Number `json:"input_tokens"`
	Output     lax.Number `json:"output_tokens"`
	CacheRead  lax.Number `json:"cache_read_input_tokens"`
	CacheWrite lax.Number `json:"cache_creation_input_tokens"`
}

// content is a string or a list of blocks; the tools use both for the same thing.
type content struct {
	Text     lax.String
	IsString bool
	Blocks   lax.List[block]
}

func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		c.IsString = true
		return json.UnmarshalDecode(d, &c.Text)
	}
	return json.UnmarshalDecode(d, &c.Blocks)
}

// text is the string, or the text blocks joined by newlines.
func (c *content) text() string {
	if c.IsString || len(c.Blocks.V) == 0 {
		return string(c.Text)
	}
	var parts []string
	for i := range c.Blocks.V {
		if b := &c.Blocks.V[i]; b.Type == "text" {
			parts = append(parts, string(b.Text))
		}
	}
	return strings.Join(parts, "\n")
}

type block struct {
	Type      lax.String     `json:"type"`
	Text      lax.String     `json:"text"`
	Thinking  lax.String     `json:"thinking"`
	ID        lax.String     `json:"id"`
	Name      lax.String     `json:"name"`
	Input     jsontext.Value `json:"input"`
	ToolUseID lax.String     `json:"tool_use_id"`
	Content   content        `json:"content"`
	IsError   lax.Bool       `json:"is_error"`
}

// toolResult is toolUseResult where it is an object: what an edit tool did.
type toolResult struct {
	StructuredPatch isList     `json:"structuredPatch"`
	UserModified    lax.Bool   `json:"userModified"`
	OriginalFile    lax.String `json:"originalFile"`
	NewString       lax.String `json:"newString"`
	Content         lax.String `json:"content"`
}

// isList says that a value is an array, even an empty one.
type isList bool

func (l *isList) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*l = d.PeekKind() == '['
	return d.SkipValue()
}

// input is what the tools that suggest something take.
type input struct {
	FilePath     lax.String          `json:"file_path"`
	NotebookPath lax.String          `json:"notebook_path"`
	OldString    lax.String          `json:"old_string"`
	NewString    lax.String          `json:"new_string"`
	NewSource    lax.String          `json:"new_source"`
	Content      lax.String          `json:"content"`
	Command      lax.String          `json:"command"`
	Plan         lax.String          `json:"plan"`
	Edits        lax.List[oneOfMany] `json:"edits"`
}

type oneOfMany struct {
	OldString lax.String `json:"old_string"`
	NewString lax.String `json:"new_string"`
}
