// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of an agent transcript: a message, or the end of a turn.
type record struct {
	Role     lax.String               `json:"role"`
	Type     lax.String               `json:"type"`
	Status   lax.String               `json:"status"`
	Model    lax.String               `json:"model"`
	Message  lax.Object[message]      `json:"message"`
	Metadata lax.Object[lineMetadata] `json:"metadata"` // a later version's
}

type lineMetadata struct {
	RequestID  lax.String `json:"requestId"`
	ToolResult lax.String `json:"toolResultStatus"`
}

type message struct {
	Content content `json:"content"`
}

// content is a string or a list of parts.
type content struct {
	Text  lax.String
	Parts lax.List[part]
}

func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &c.Text)
	}
	return json.UnmarshalDecode(d, &c.Parts)
}

// text is the string, or the parts that are text, joined by newlines.
func (c *content) text() string {
	parts := []string{}
	if c.Text != "" {
		parts = append(parts, string(c.Text))
	}
	for i := range c.Parts.V {
		if p := &c.Parts.V[i]; p.Type == "text" && p.Text != "" {
			parts = append(parts, string(p.Text))
		}
	}
	return strings.Join(parts, "\n")
}

// part is a part of a message: in transcripts (tool_use with name and input) as in store.db (tool-call with toolName
// and args).
type part struct {
	Type       lax.String     `json:"type"`
	Text       lax.String     `json:"text"`
	Thinking   lax.String     `json:"thinking"`
	ID         lax.String     `json:"id"`
	ToolCallID lax.String     `json:"toolCallId"`
	Name       lax.String     `json:"name"`
	ToolName   lax.String     `json:"toolName"`
	Input      jsontext.Value `json:"input"`
	Args       jsontext.Value `json:"args"`
	Result     jsontext.Value `json:"result"`
	Content    content        `json:"content"`
	IsError    lax.Bool       `json:"is_error"`
}

func (p *part) isResult() bool {
	return p.Type == "tool-result" || p.Type == "tool_result"
}

// result is what a tool gave back, as text.
func (p *part) result() string {
	if len(p.Result) > 0 {
		return plain(p.Result)
	}
	return p.Content.text()
}

// plain is a JSON string's characters, or any other value as it is written.
func plain(v jsontext.Value) string {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return strings.ToValidUTF8(string(s), "\uFFFD")
		}
	}
	return strings.ToValidUTF8(string(v), "\uFFFD")
}

// record files one line of a transcript.
func (h *chat) record(r *record) error {
	if r.Model != "" {
		h.model = string(r.Model)
	}
	m := &r.Message.V.Content
	switch {
	case r.Type == "turn_ended":
		if r.Status == "aborted" {
			h.stop(time.Time{})
		}
		return nil
	case r.Role == "user":
		results := false
		for i := range m.Parts.V {
			if p := &m.Parts.V[i]; p.isResult() {
				results = true
				h.answer(p, r.Metadata.V.ToolResult == "success")
			}
		}
		text := m.text()
		h.rulesIn(text)
		if text != "" && !results && !isContext(text) {
			return h.prompt(string(r.Metadata.V.RequestID), asked(text), time.Time{})
		}
		return nil
	case r.Role == "assistant":
		return h.agent(m, time.Time{})
	}
	return nil
}

// agent files one message of the agent's: what it said, thought and called.
func (h *chat) agent(m *content, at time.Time) error {
	var reasoning []string
	for i := range m.Parts.V {
		if p := &m.Parts.V[i]; p.Type == "thinking" || p.Type == "reasoning" {
			if t := said(string(p.Thinking + p.Text)); t != "" {
				reasoning = append(reasoning, t)
			}
		}
	}
	step, err := h.turn(said(m.text()), strings.Join(reasoning, "\n"), at)
	if err != nil {
		return err
	}
	for i := range m.Parts.V {
		switch p := &m.Parts.V[i]; p.Type {
		case "tool_use", "tool_call", "tool-call":
			raw := p.Input
			if len(raw) == 0 {
				raw = p.Args
			}
			h.call(step, string(p.ID+p.ToolCallID), string(p.Name+p.ToolName), raw, at)
		}
	}
	return nil
}

// answer files a tool's result. Transcripts name no call: it answers the first open one of its tool.
func (h *chat) answer(p *part, good bool) {
	k := h.calls[string(p.ToolCallID)]
	for i := max(0, len(h.order)-maxOpen); k == nil && i < len(h.order); i++ {
		if c := h.order[i]; !c.answered && (p.ToolCallID == "" && c.name == string(p.Name+p.ToolName)) {
			k = c
		}
	}
	h.result(k, p.result(), bool(p.IsError), false)
	if good && !bool(p.IsError) { // it ran; nothing says who let it
		h.decide(k, episode.Accepted, episode.ByUnknown, "", time.Time{})
	}
}

// rulesIn notes the rules that Cursor writes out before a prompt.
func (h *chat) rulesIn(text string) {
	for _, tag := range [...]string{"always_applied_workspace_rule", "agent_requestable_workspace_rule", "user_rule"} {
		rest := text
		for range maxRules {
			_, after, ok := strings.Cut(rest, "<"+tag)
			if !ok {
				break
			}
			head, body, ok := strings.Cut(after, ">")
			inner, next, closed := strings.Cut(body, "</"+tag+">")
			if !ok || !closed {
				break
			}
			rest = next
			if head != "" && head[0] != ' ' {
				rest = body // <user_rules>, not <user_rule>
				continue
			}
			name := tag
			for _, attribute := range [...]string{`name="`, `fullPath="`} {
				if _, value, ok := strings.Cut(head, attribute); ok {
					name, _, _ = strings.Cut(value, `"`)
				}
			}
			if inner = strings.TrimSpace(inner); inner != "" {
				h.inForce(capture.Artifact(episode.ArtifactRules, name, inner))
			}
		}
	}
}
