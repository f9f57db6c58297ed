// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// session is a file of the SDK's: one conversation.
type session struct {
	SessionID lax.String        `json:"sessionId"`
	Messages  lax.List[message] `json:"messages"`
}

// message is one message to or from the model, in Anthropic's form, with what Cline adds.
type message struct {
	ID      lax.String         `json:"id"`
	Role    lax.String         `json:"role"`
	Content jsontext.Value     `json:"content"` // a string, or a list of blocks
	At      lax.Time           `json:"ts"`
	Model   lax.Object[model]  `json:"modelInfo"`
	Metrics lax.Object[metric] `json:"metrics"`
}

type model struct {
	ID         lax.String `json:"id"`
	ModelID    lax.String `json:"modelId"`
	Provider   lax.String `json:"provider"`
	ProviderID lax.String `json:"providerId"`
}

type metric struct {
	Input      lax.Number         `json:"inputTokens"`
	Output     lax.Number         `json:"outputTokens"`
	CacheRead  lax.Number         `json:"cacheReadTokens"`
	CacheWrite lax.Number         `json:"cacheWriteTokens"`
	Cost       lax.Number         `json:"cost"`
	Tokens     lax.Object[tokens] `json:"tokens"` // the extension's form
}

type tokens struct {
	Prompt     lax.Number `json:"prompt"`
	Completion lax.Number `json:"completion"`
	Cached     lax.Number `json:"cached"`
}

type block struct {
	Type     lax.String     `json:"type"`
	Text     lax.String     `json:"text"`
	Thinking lax.String     `json:"thinking"`
	ID       lax.String     `json:"id"`
	Name     lax.String     `json:"name"`
	Input    jsontext.Value `json:"input"`
	Call     lax.String     `json:"tool_use_id"`
	Content  jsontext.Value `json:"content"` // a string, or a list of parts
	IsError  lax.Bool       `json:"is_error"`
	Path     lax.String     `json:"path"`
}

// blocks are the parts of a message; a message that is a string is one part.
func (m *message) blocks() []block {
	if len(m.Content) > 0 && m.Content[0] == '"' {
		return []block{{Type: "text", Text: lax.String(unquote(m.Content))}}
	}
	var l struct{ L lax.List[block] }
	lax.Decode(wrap(m.Content), &l)
	return l.L.V
}

// part is an element of a result: the SDK's tools give a query and a result each, others a text.
type part struct {
	Text    lax.String `json:"text"`
	Result  lax.String `json:"result"`
	Error   lax.String `json:"error"`
	Success *lax.Bool  `json:"success"`
}

// result is what came back for a call, and whether the tool says that it failed.
func (b *block) result() (text string, failed bool) {
	failed = bool(b.IsError)
	var parts []part
	raw := b.Content
	if len(raw) > 0 && raw[0] == '"' {
		if text = unquote(raw); !strings.HasPrefix(text, "{") {
			return text, failed
		}
		raw = jsontext.Value(text) // the SDK puts JSON in a string
	}
	if len(raw) > 0 && raw[0] == '{' {
		var p part
		if lax.Decode(raw, &p) {
			parts = append(parts, p)
		}
	} else {
		var l struct{ L lax.List[part] }
		lax.Decode(wrap(raw), &l)
		parts = l.L.V
	}
	var out strings.Builder
	for _, p := range parts {
		if s := string(p.Text + p.Result + p.Error); s != "" {
			if out.Len() > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(s)
		}
		failed = failed || p.Success != nil && !bool(*p.Success) || p.Error != "" && p.Result == ""
	}
	if out.Len() == 0 {
		return text, failed
	}
	return out.String(), failed
}

// metadata is task_metadata.json.
type metadata struct {
	Models lax.List[struct {
		At       lax.Time   `json:"ts"`
		Model    lax.String `json:"model_id"`
		Provider lax.String `json:"model_provider_id"`
	}] `json:"model_usage"`
	Environment lax.List[struct {
		Version lax.String `json:"cline_version"`
	}] `json:"environment_history"`
}

// said is one record of ui_messages.json.
type said struct {
	At         lax.Time    `json:"ts"`
	Type       lax.String  `json:"type"` // ask or say
	Ask        lax.String  `json:"ask"`
	Say        lax.String  `json:"say"`
	Text       lax.String  `json:"text"`
	CheckedOut lax.Bool    `json:"isCheckpointCheckedOut"`
	Index      *lax.Number `json:"conversationHistoryIndex"`
}

// wrap makes a list the member L of an object.
func wrap(list jsontext.Value) []byte {
	if len(list) == 0 {
		return nil
	}
	return slices.Concat([]byte(`{"L":`), list, []byte("}"))
}

func unquote(v jsontext.Value) string {
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(s), "\uFFFD")
}
