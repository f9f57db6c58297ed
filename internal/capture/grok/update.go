// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// envelope is one line of updates.jsonl.
type envelope struct {
	Timestamp lax.Time `json:"timestamp"`
	Params    lax.Object[struct {
		Session lax.String           `json:"sessionId"`
		Update  lax.Object[notified] `json:"update"`
		Meta    lax.Object[meta]     `json:"_meta"`
	}] `json:"params"`
}

// notified is the union of the notifications that we read.
type notified struct {
	Kind    lax.String       `json:"sessionUpdate"`
	Meta    lax.Object[meta] `json:"_meta"`
	Content contents         `json:"content"`

	CallID    lax.String     `json:"toolCallId"`
	Title     lax.String     `json:"title"`
	CallKind  lax.String     `json:"kind"`
	Status    lax.String     `json:"status"`
	RawInput  jsontext.Value `json:"rawInput"`
	RawOutput lax.Object[struct {
		Text lax.String `json:"output_for_prompt"`
	}] `json:"rawOutput"`

	Entries lax.List[entry]   `json:"entries"`
	Prompt  lax.String        `json:"prompt_id"`
	Stop    lax.String        `json:"stop_reason"`
	Usage   lax.Object[usage] `json:"usage"`
	Target  *lax.Number       `json:"target_prompt_index"`
}

type meta struct {
	At          lax.Time    `json:"agentTimestampMs"`
	PromptID    lax.String  `json:"promptId"`
	PromptIndex *lax.Number `json:"promptIndex"`
	Model       lax.String  `json:"modelId"`
	Trigger     lax.String  `json:"cancelTrigger"`
	Category    lax.String  `json:"cancellationCategory"`
	Tool        lax.Object[struct {
		Name lax.String `json:"name"`
		Kind lax.String `json:"kind"`
	}] `json:"x.ai/tool"`
}

type usage struct {
	Input  lax.Number `json:"inputTokens"` // with the cached ones
	Output lax.Number `json:"outputTokens"`
	Read   lax.Number `json:"cachedReadTokens"`
	Write  lax.Number `json:"cacheCreationTokens"`
}

// contents is one block of content or a list of them: text, and changes to files.
type contents struct {
	text  string
	diffs []block
}

type block struct {
	Type    lax.String        `json:"type"`
	Text    lax.String        `json:"text"`
	Content lax.Object[inner] `json:"content"`
	Path    lax.String        `json:"path"`
	Old     lax.String        `json:"oldText"`
	New     lax.String        `json:"newText"`
}

type inner struct {
	Text lax.String `json:"text"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *contents) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var blocks []block
	var err error
	switch d.PeekKind() {
	case '[':
		var list lax.List[block]
		err, blocks = list.UnmarshalJSONFrom(d), list.V
	case '{':
		var one lax.Object[block]
		err, blocks = one.UnmarshalJSONFrom(d), []block{one.V}
	default:
		var s lax.String
		err, c.text = s.UnmarshalJSONFrom(d), string(s)
	}
	var texts []string
	for _, b := range blocks {
		if text := string(b.Text + b.Content.V.Text); text != "" {
			texts = append(texts, text)
		}
		if b.Type == "diff" {
			c.diffs = append(c.diffs, b)
		}
	}
	c.text += strings.Join(texts, "\n")
	return err
}

// update takes one line of updates.jsonl.
func (s *session) update(line []byte) bool {
	var env envelope
	if !lax.Decode(line, &env) || !env.Params.V.Update.OK {
		return false
	}
	u, m := &env.Params.V.Update.V, &env.Params.V.Meta.V
	s.c.Kind(string(u.Kind))
	if s.id == "" {
		s.id = string(env.Params.V.Session)
	}
	at := m.At.Time
	if at.IsZero() {
		at = env.Timestamp.Time
	}
	if u.Kind != "user_message_chunk" {
		s.typing = false
		s.current().seen(at, string(m.PromptID))
	}
	switch u.Kind {
	case "user_message_chunk":
		s.said(u, at)
	case "agent_thought_chunk":
		s.agent(at)
		s.thought.WriteString(u.Content.text)
	case "agent_message_chunk":
		s.agent(at)
		s.message.WriteString(u.Content.text)
	case "tool_call", "tool_call_update":
		s.toolCall(u, at)
	case "plan":
		if t := s.current(); t != nil {
			t.plan = checklist(u.Entries.V)
		}
	case "turn_completed":
		s.completed(u, m, at)
	case "rewind_marker":
		if u.Target != nil {
			s.rewind(u.Target.Int())
		}
	}
	return true
}

// said takes a piece of what the person wrote. Pieces of one prompt follow each other. In sessions that number their
// prompts, a message without a number was sent while the agent was at work: it goes to the prompt under way.
func (s *session) said(u *notified, at time.Time) {
	text := u.Content.text
	index := u.Meta.V.PromptIndex
	t := s.current()
	switch {
	case s.typing && t != nil && (index == nil || index.Int() == t.index):
		t.wrote.WriteString(text)
		return
	case index == nil && s.numbered && t != nil:
		s.add(t, episode.Step{At: at, Source: episode.SourceUser, Message: text})
		return
	}
	s.numbered = s.numbered || index != nil
	n := int64(len(s.active))
	if index != nil {
		n = index.Int()
		s.rewind(n) // a number that comes again is one that was gone back to
	}
	s.typing = true
	s.begin(n, text, at).model = string(u.Meta.V.Model)
}

// toolCall takes a call, or what has changed of one.
func (s *session) toolCall(u *notified, at time.Time) {
	cl := s.call(string(u.CallID), at)
	tool := &u.Meta.V.Tool.V
	if name := tool.Name; name != "" && !cl.named {
		cl.name, cl.named = string(name), true
	} else if cl.name == "" {
		cl.name = string(u.Title)
	}
	for _, kind := range [...]lax.String{tool.Kind, u.CallKind} {
		if kind != "" && cl.kind == "" {
			cl.kind = string(kind)
		}
	}
	if len(u.RawInput) > len("{}") && (len(cl.input) <= len("{}")) {
		cl.input = u.RawInput
	}
	if len(u.Content.diffs) > 0 {
		cl.diffs = u.Content.diffs
	}
	switch u.Status {
	case "completed", "failed":
		cl.status = string(u.Status)
		if cl.result = u.Content.text; cl.result == "" {
			cl.result = string(u.RawOutput.V.Text)
		}
	}
}

// completed takes the end of a turn: what it cost, and whether it was stopped.
func (s *session) completed(u *notified, m *meta, at time.Time) {
	t := s.current()
	if t == nil {
		return
	}
	t.seen(at, string(u.Prompt))
	if u.Usage.OK {
		if t.e.Usage == nil {
			t.e.Usage = &episode.Usage{}
		}
		t.e.Usage.InputTokens += max(0, u.Usage.V.Input.Int()-u.Usage.V.Read.Int())
		t.e.Usage.OutputTokens += u.Usage.V.Output.Int()
		t.e.Usage.CacheReadTokens += u.Usage.V.Read.Int()
		t.e.Usage.CacheWriteTokens += u.Usage.V.Write.Int()
	}
	if u.Stop == "cancelled" {
		s.stopped(t, string(m.Category), string(m.Trigger), at)
	}
}
