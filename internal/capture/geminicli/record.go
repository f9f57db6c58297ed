// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of a chat, or a whole chat in the older form: a message, what is known of the session, or a patch.
type record struct {
	message
	metadata
	Set      lax.Object[metadata] `json:"$set"`
	RewindTo lax.String           `json:"$rewindTo"`
}

type metadata struct {
	SessionID   lax.String        `json:"sessionId"`
	ProjectHash lax.String        `json:"projectHash"`
	Kind        lax.String        `json:"kind"` // main, subagent, or chat
	Meta        lax.Object[meta]  `json:"meta"`
	Messages    lax.List[message] `json:"messages"`
	History     lax.List[message] `json:"history"`
}

type meta struct {
	Model lax.String `json:"model"`
}

// message is one message; its names changed over time.
type message struct {
	ID        lax.String         `json:"id"`
	Type      lax.String         `json:"type"` // user, gemini, info, error, warning
	Role      lax.String         `json:"role"`
	Timestamp lax.Time           `json:"timestamp"`
	TS        lax.Time           `json:"ts"`
	Content   content            `json:"content"`
	Parts     content            `json:"parts"`
	Display   content            `json:"displayContent"` // what the person typed, before the tool filled in files
	Model     lax.String         `json:"model"`
	Thoughts  lax.List[thought]  `json:"thoughts"`
	Tokens    lax.Object[tokens] `json:"tokens"`
	ToolCalls lax.List[toolCall] `json:"toolCalls"`
}

// who is the message's type, in today's words.
func (m *message) who() string {
	switch t := string(m.Type + m.Role); t {
	case "model", "assistant":
		return "gemini"
	default:
		return t
	}
}

type thought struct {
	Subject     lax.String `json:"subject"`
	Description lax.String `json:"description"`
}

type tokens struct {
	Input    lax.Number `json:"input"` // with the cached ones
	Output   lax.Number `json:"output"`
	Cached   lax.Number `json:"cached"`
	Thoughts lax.Number `json:"thoughts"`
}

type toolCall struct {
	ID        lax.String          `json:"id"`
	Name      lax.String          `json:"name"`
	Args      jsontext.Value      `json:"args"`
	Result    content             `json:"result"`
	Status    lax.String          `json:"status"`
	Timestamp lax.Time            `json:"timestamp"`
	Display   lax.Object[display] `json:"resultDisplay"` // a string for most tools, the change to a file for those that edit
}

type display struct {
	FileDiff        lax.String           `json:"fileDiff"`
	OriginalContent lax.String           `json:"originalContent"`
	NewContent      lax.String           `json:"newContent"`
	DiffStat        lax.Object[diffStat] `json:"diffStat"`
}

// diffStat sizes what the person changed in the model's proposal before it was applied.
type diffStat struct {
	Added   lax.Number `json:"user_added_lines"`
	Removed lax.Number `json:"user_removed_lines"`
}

func (d *diffStat) changed() bool { return d.Added > 0 || d.Removed > 0 }

// content is text in any of the shapes that the tool writes: a string, a part, or a list of parts and strings.
type content struct {
	parts    []string
	said     []string // the parts that are not what came back for a call
	response bool     // among the parts is what came back for a call
}

func (c *content) text() string { return strings.Join(c.parts, "\n") }

type part struct {
	Text     lax.String           `json:"text"`
	Response lax.Object[response] `json:"functionResponse"`
}

type response struct {
	Response lax.Object[struct {
		Output lax.String `json:"output"`
		Error  lax.String `json:"error"`
	}] `json:"response"`
}

// UnmarshalJSONFrom takes any of the shapes and passes over what is none.
func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '[' {
		return c.one(d)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := c.one(d); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (c *content) one(d *jsontext.Decoder) error {
	var s lax.String
	var p lax.Object[part]
	var err error
	if d.PeekKind() == '"' {
		err = s.UnmarshalJSONFrom(d)
	} else {
		err = p.UnmarshalJSONFrom(d)
	}
	c.response = c.response || p.V.Response.OK
	back := &p.V.Response.V.Response.V
	if text := s + p.V.Text; text != "" {
		c.said = append(c.said, string(text))
	}
	for _, text := range [...]lax.String{s, p.V.Text, back.Output, back.Error} {
		if text != "" {
			c.parts = append(c.parts, string(text))
		}
	}
	return err
}

// at is when the message was written.
func (m *message) at() lax.Time {
	if m.Timestamp.IsZero() {
		return m.TS
	}
	return m.Timestamp
}
