// SPDX-License-Identifier: Apache-2.0

package droid

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of either form.
type record struct {
	Type      lax.String `json:"type"`
	ID        lax.String `json:"id"`
	Timestamp lax.Time   `json:"timestamp"`

	// the store
	CWD      lax.String          `json:"cwd"`
	Version  lax.String          `json:"version"`
	Caller   lax.String          `json:"callingSessionId"` // the session whose task began this one
	Message  lax.Object[message] `json:"message"`
	ParentID lax.String          `json:"parentId"`

	// stream-json
	SessionID  lax.String        `json:"sessionId"`
	SessionID2 lax.String        `json:"session_id"`
	Model      lax.String        `json:"model"`
	Role       lax.String        `json:"role"`
	Text       lax.String        `json:"text"`
	ToolCallID lax.String        `json:"toolCallId"`
	ToolName   lax.String        `json:"toolName"`
	Parameters jsontext.Value    `json:"parameters"`
	Value      jsontext.Value    `json:"value"`
	IsError    lax.Bool          `json:"isError"`
	FinalText  lax.String        `json:"finalText"`
	Usage      lax.Object[usage] `json:"usage"`
}

type message struct {
	Role    lax.String `json:"role"`
	Model   lax.String `json:"model"`
	Content content    `json:"content"`
}

type usage struct {
	Input      lax.Number `json:"input_tokens"`
	Output     lax.Number `json:"output_tokens"`
	CacheRead  lax.Number `json:"cache_read_input_tokens"`
	CacheWrite lax.Number `json:"cache_creation_input_tokens"`
}

// settings is the file beside a session.
type settings struct {
	Model  lax.String            `json:"model"`
	Lock   lax.String            `json:"providerLock"`
	Tokens lax.Object[allTokens] `json:"tokenUsage"`
}

type allTokens struct {
	Input      lax.Number `json:"inputTokens"`
	Output     lax.Number `json:"outputTokens"`
	CacheRead  lax.Number `json:"cacheReadTokens"`
	CacheWrite lax.Number `json:"cacheCreationTokens"`
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
	Input     jsontext.Value `json:"input"`
	ToolUseID lax.String     `json:"tool_use_id"`
	Content   content        `json:"content"`
	IsError   lax.Bool       `json:"is_error"`
}

// asked is the person's words in a prompt: Droid puts reminders before and the files that it names after.
func (c *content) asked() string {
	var parts []string
	if c.Text != "" {
		parts = append(parts, unreminded(string(c.Text)))
	}
	for i := range c.Blocks.V {
		b := &c.Blocks.V[i]
		if b.Type != "text" || len(parts) > 0 && strings.HasPrefix(string(b.Text), "Contents of ") {
			continue
		}
		if text := unreminded(string(b.Text)); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\n")
}

// unreminded takes the reminders off the front of a text.
func unreminded(text string) string {
	for {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "<system-reminder>") {
			return text
		}
		_, rest, ok := strings.Cut(text, "</system-reminder>")
		if !ok {
			return ""
		}
		text = rest
	}
}

// result is what a call gave back in stream-json: a string, what a command printed, or any other value as it is written.
func result(v jsontext.Value) string {
	var printed struct {
		Stdout lax.String `json:"stdout"`
		Stderr lax.String `json:"stderr"`
	}
	switch {
	case len(v) > 0 && v[0] == '"':
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return strings.ToValidUTF8(string(s), "\uFFFD")
		}
	case lax.Decode(v, &printed) && printed.Stdout+printed.Stderr != "":
		return string(printed.Stdout + printed.Stderr)
	}
	return strings.ToValidUTF8(string(v), "\uFFFD")
}
