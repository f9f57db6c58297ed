// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// message is one of a conversation, in whichever dialect.
type message struct {
	role            string // system, user, assistant, tool
	text, reasoning string
	calls           []call
	results         []result
}

type call struct{ id, name, args string }

type result struct {
	id, content string
	failed      bool
}

// request is what was asked.
type request struct {
	model, session string
	messages       []message
	prompt         *string // of a plain completion
	tools          bool
	system         string
}

// wire is a request's body, in all dialects.
type wire struct {
	Model          lax.String            `json:"model"`
	Messages       lax.List[wireMessage] `json:"messages"`
	System         jsontext.Value        `json:"system"`
	Instructions   lax.String            `json:"instructions"`
	Input          jsontext.Value        `json:"input"`
	Prompt         jsontext.Value        `json:"prompt"`
	Tools          lax.List[struct{}]    `json:"tools"`
	Metadata       lax.Object[metadata]  `json:"metadata"`
	PromptCacheKey lax.String            `json:"prompt_cache_key"`
}

type metadata struct {
	UserID lax.String `json:"user_id"`
}

type wireMessage struct {
	Role             lax.String         `json:"role"`
	Content          jsontext.Value     `json:"content"`
	Reasoning        lax.String         `json:"reasoning"`
	ReasoningContent lax.String         `json:"reasoning_content"`
	ToolCalls        lax.List[wireCall] `json:"tool_calls"`
	ToolCallID       lax.String         `json:"tool_call_id"`
}

type wireCall struct {
	Index    lax.Number               `json:"index"`
	ID       lax.String               `json:"id"`
	Function lax.Object[wireFunction] `json:"function"`
}

type wireFunction struct {
	Name      lax.String `json:"name"`
	Arguments lax.String `json:"arguments"`
}

// part is a piece of content, or an item of the responses' input and output.
type part struct {
	Type      lax.String     `json:"type"`
	Role      lax.String     `json:"role"`
	Text      lax.String     `json:"text"`
	Thinking  lax.String     `json:"thinking"`
	ID        lax.String     `json:"id"`
	Name      lax.String     `json:"name"`
	Input     jsontext.Value `json:"input"`
	ToolUseID lax.String     `json:"tool_use_id"`
	IsError   lax.Bool       `json:"is_error"`
	Content   jsontext.Value `json:"content"`
	CallID    lax.String     `json:"call_id"`
	Arguments lax.String     `json:"arguments"`
	Action    jsontext.Value `json:"action"`
	Output    jsontext.Value `json:"output"`
	Summary   jsontext.Value `json:"summary"`
	Logprobs  lax.List[prob] `json:"logprobs"`
}

// parts reads content: a string, or a list of pieces.
func parts(v jsontext.Value) []part {
	switch {
	case len(v) == 0:
		return nil
	case v[0] == '"':
		return []part{{Type: "text", Text: lax.String(unquoted(v))}}
	case v[0] != '[':
		return nil
	}
	var in struct {
		P lax.List[part] `json:"p"`
	}
	lax.Decode([]byte(`{"p":`+string(v)+`}`), &in)
	return in.P.V
}

// unquoted is a string's characters, or another value as it is written.
func unquoted(v jsontext.Value) string {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return string(s)
		}
	}
	return strings.ToValidUTF8(string(v), "\uFFFD")
}

// texts is all that is said in content.
func texts(v jsontext.Value) string {
	var b strings.Builder
	for _, p := range parts(v) {
		b.WriteString(string(p.Text))
	}
	return b.String()
}

// readRequest reads a request's body; false where it is none.
func readRequest(body []byte) (*request, bool) {
	var w wire
	if !lax.Decode(body, &w) {
		return nil, false
	}
	r := &request{model: string(w.Model), tools: len(w.Tools.V) > 0, system: texts(w.System) + string(w.Instructions)}
	r.session = cmp.Or(sessionIn(string(w.Metadata.V.UserID)), string(w.PromptCacheKey))
	switch {
	case w.Messages.OK:
		for i := range w.Messages.V {
			r.add(w.Messages.V[i].message())
		}
	case len(w.Input) > 0 && w.Input[0] == '"':
		r.add(message{role: "user", text: unquoted(w.Input)})
	case len(w.Input) > 0:
		for _, p := range parts(w.Input) {
			r.add(p.message())
		}
	case len(w.Prompt) > 0 && w.Prompt[0] == '"':
		s := unquoted(w.Prompt)
		r.prompt = &s
	case len(w.Prompt) > 0 && w.Prompt[0] == '[': // several, of which the first is answered first; or tokens, which are no text
		var in struct {
			P lax.Strings `json:"p"`
		}
		lax.Decode([]byte(`{"p":`+string(w.Prompt)+`}`), &in)
		s := strings.Join(in.P[:min(1, len(in.P))], "")
		r.prompt = &s
	}
	return r, true
}

// add adds a message; what a system message says is put together.
func (r *request) add(m message) {
	if m.role == "system" || m.role == "developer" {
		r.system += m.text
		return
	}
	r.messages = append(r.messages, m)
}

// sessionIn finds the session in what Claude Code says of its user: …_session_UUID, or an object with it.
func sessionIn(user string) string {
	var in struct {
		Session lax.String `json:"session_id"`
	}
	if lax.Decode([]byte(user), &in) {
		return string(in.Session)
	}
	_, session, _ := strings.Cut(user, "_session_")
	return session
}

// message makes one of a chat message, or of one of Anthropic's.
func (w *wireMessage) message() message {
	m := message{role: string(w.Role), reasoning: string(cmp.Or(w.Reasoning, w.ReasoningContent))}
	for _, c := range w.ToolCalls.V {
		m.calls = append(m.calls, call{string(c.ID), string(c.Function.V.Name), string(c.Function.V.Arguments)})
	}
	if m.role == "tool" {
		m.results = []result{{id: string(w.ToolCallID), content: texts(w.Content)}}
		return m
	}
	for _, p := range parts(w.Content) {
		m.take(&p)
	}
	return m
}

// take adds a piece of content to a message.
func (m *message) take(p *part) {
	switch p.Type {
	case "text", "input_text", "output_text":
		if !strings.HasPrefix(strings.TrimSpace(string(p.Text)), "<system-reminder>") { // Claude Code's own words
			m.text += string(p.Text)
		}
	case "thinking":
		m.reasoning += string(p.Thinking)
	case "tool_use":
		m.calls = append(m.calls, call{string(p.ID), string(p.Name), string(p.Input)})
	case "tool_result":
		m.results = append(m.results, result{string(p.ToolUseID), texts(p.Content), bool(p.IsError)})
	}
}

// message makes one of an item of the responses' input or output.
func (p *part) message() message {
	m := message{role: "assistant"}
	switch p.Type {
	case "", "message":
		m.role = cmp.Or(string(p.Role), "assistant")
		for _, c := range parts(p.Content) {
			m.take(&c)
		}
	case "function_call":
		m.calls = []call{{string(p.CallID), string(p.Name), string(p.Arguments)}}
	case "custom_tool_call":
		m.calls = []call{{string(p.CallID), string(p.Name), unquoted(p.Input)}}
	case "local_shell_call":
		m.calls = []call{{string(p.CallID), "local_shell", string(p.Action)}}
	case "function_call_output", "custom_tool_call_output", "local_shell_call_output":
		content := unquoted(p.Output)
		if len(p.Output) > 0 && p.Output[0] == '[' {
			content = texts(p.Output)
		}
		m.role, m.results = "tool", []result{{id: string(p.CallID), content: content}}
	case "reasoning":
		m.reasoning = texts(p.Summary)
	}
	return m
}
