// SPDX-License-Identifier: Apache-2.0

package pi

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line: the session's head, or an entry.
type record struct {
	Type      lax.String          `json:"type"`
	ID        lax.String          `json:"id"`
	ParentID  lax.String          `json:"parentId"`
	Timestamp lax.Time            `json:"timestamp"`
	CWD       lax.String          `json:"cwd"`
	Provider  lax.String          `json:"provider"`
	ModelID   lax.String          `json:"modelId"`
	Message   lax.Object[message] `json:"message"`
}

type message struct {
	Role       lax.String        `json:"role"`
	Content    content           `json:"content"`
	Provider   lax.String        `json:"provider"`
	Model      lax.String        `json:"model"`
	Usage      lax.Object[usage] `json:"usage"`
	StopReason lax.String        `json:"stopReason"`
	ToolCallID lax.String        `json:"toolCallId"`
	IsError    lax.Bool          `json:"isError"`
}

type usage struct {
	Input      lax.Number       `json:"input"`
	Output     lax.Number       `json:"output"`
	CacheRead  lax.Number       `json:"cacheRead"`
	CacheWrite lax.Number       `json:"cacheWrite"`
	Cost       lax.Object[cost] `json:"cost"`
}

type cost struct {
	Total lax.Number `json:"total"` // in US dollars
}

// content is a string or a list of blocks.
type content struct {
	Text   lax.String
	Blocks lax.List[block]
}

func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &c.Text)
	}
	return json.UnmarshalDecode(d, &c.Blocks)
}

// text is the string, or the text blocks joined by newlines.
func (c *content) text() string {
	parts := []string{}
	if c.Text != "" {
		parts = append(parts, string(c.Text))
	}
	for i := range c.Blocks.V {
		if b := &c.Blocks.V[i]; b.Type == "text" && b.Text != "" {
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
	Arguments jsontext.Value `json:"arguments"`
}

// input is what the tools that suggest something take.
type input struct {
	Path    lax.String          `json:"path"`
	OldText lax.String          `json:"oldText"`
	NewText lax.String          `json:"newText"`
	Content lax.String          `json:"content"`
	Command lax.String          `json:"command"`
	Edits   lax.List[oneOfMany] `json:"edits"`
}

type oneOfMany struct {
	OldText lax.String `json:"oldText"`
	NewText lax.String `json:"newText"`
}
