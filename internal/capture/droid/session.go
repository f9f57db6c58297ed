// SPDX-License-Identifier: Apache-2.0

package droid

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// session files the records of one session under its prompts.
type session struct {
	c        *capture.Counts
	emit     func(*episode.Episode) error
	settings settings
	start    record // session_start, or the first system record of stream-json
	headless bool   // it is stream-json: nobody was asked
	begun    int
	seen     map[string]bool // prompts by their native ids: a resumed session repeats them

	e     *episode.Episode
	calls map[string]*call
}

// call is a tool call, and the suggestion that it makes.
type call struct {
	id, name   string
	step       int
	suggestion int // index, -1 for a tool that only looks
	decided    bool
}

func (s *session) add(r *record) error {
	if id := r.SessionID + r.SessionID2; id != "" && s.start.ID == "" {
		s.start.ID, s.headless = id, true
	}
	if s.e != nil {
		s.until(r.Timestamp.Time)
	}
	switch r.Type {
	case "session_start":
		if s.start.Type == "" {
			s.start = *r
		}
	case "system":
		id := s.start.ID
		s.start = *r
		s.start.ID = id
	case "message":
		return s.message(r)
	case "tool_call":
		st, err := s.turn(r, func(st *episode.Step) bool { return st.Observation == nil })
		if err != nil {
			return err
		}
		id := r.ToolCallID
		if id == "" {
			id = r.ID
		}
		s.call(st, string(id), string(r.ToolName), r.Parameters, r.Timestamp.Time)
	case "tool_result":
		id := r.ToolCallID
		if id == "" {
			id = r.ID
		}
		s.result(string(id), result(r.Value), bool(r.IsError), r.Timestamp.Time)
	case "completion":
		return s.completion(r)
	}
	return nil
}

func (s *session) message(r *record) error {
	m := &r.Message.V
	role := m.Role + r.Role
	if !r.Message.OK {
		m.Content.Text = r.Text
	}
	if role == "user" {
		answers := false
		for i := range m.Content.Blocks.V {
			if b := &m.Content.Blocks.V[i]; b.Type == "tool_result" {
				answers = true
				s.result(string(b.ToolUseID), b.Content.text(), bool(b.IsError), r.Timestamp.Time)
			}
		}
		if text := m.Content.asked(); text != "" && !answers {
			return s.prompt(r, text)
		}
		return nil
	}
	if role != "assistant" {
		return nil
	}
	n, err := s.turn(r, func(*episode.Step) bool { return false })
	if err != nil {
		return err
	}
	st := &s.e.Steps[n]
	st.Message = m.Content.text()
	var thoughts []string
	for i := range m.Content.Blocks.V {
		switch b := &m.Content.Blocks.V[i]; b.Type {
		case "thinking":
			thoughts = append(thoughts, string(b.Thinking))
		case "tool_use":
			s.call(n, string(b.ID), string(b.Name), b.Input, r.Timestamp.Time)
		}
	}
	st.Reasoning = strings.Join(thoughts, "\n")
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
	if model := string(m.Model); model != "" {
		capture.SetModel(s.e, "", model)
	}
	s.model()
	return nil
}

// prompt begins an episode. In a session that a task began, the agent wrote it.
func (s *session) prompt(r *record, text string) error {
	helper := s.start.Caller != "" || strings.HasPrefix(text, "# Task Tool Invocation")
	if err := s.begin(r); err != nil {
		return err
	}
	st := episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent, Message: text}
	st.Truncated = capture.Clip(&st.Message)
	if !helper {
		s.c.Prompts++
		st.Source, s.e.Instruction = episode.SourceUser, st.Message
	}
	s.e.Steps = append(s.e.Steps, st)
	return nil
}

func (s *session) begin(r *record) error {
	if err := s.flush(); err != nil {
		return err
	}
	native := string(s.start.ID) + "/" + string(r.ID)
	if r.ID == "" || s.seen[native] || r.Type != "message" {
		native = string(s.start.ID) + "#" + strconv.Itoa(s.begun)
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[native] = true
	s.begun++
	s.calls = map[string]*call{}
	s.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: r.Timestamp.Time, EndedAt: r.Timestamp.Time,
		Tool: episode.Tool{Name: Name, Version: string(s.start.Version), Surface: episode.SurfaceAgent}, Session: string(s.start.ID), Repository: string(s.start.CWD)}
	s.model()
	return nil
}

// model sets the model that the settings or the first record name.
func (s *session) model() {
	name := string(s.start.Model)
	if name == "" {
		name = string(s.settings.Model)
	}
	provider := capture.Provider(name)
	if provider == "" {
		provider = string(s.settings.Lock)
	}
	capture.SetModel(s.e, provider, name)
}

func (s *session) until(at time.Time) {
	if s.e.StartedAt.IsZero() {
		s.e.StartedAt = at
	}
	if at.After(s.e.EndedAt) {
		s.e.EndedAt = at
	}
}

// turn returns the index of the agent's last step where it is open for this, else of a new one.
func (s *session) turn(r *record, open func(*episode.Step) bool) (int, error) {
	if s.e == nil {
		if err := s.begin(r); err != nil { // the prompt was torn
			return 0, err
		}
	}
	n := len(s.e.Steps) - 1
	if n < 0 || s.e.Steps[n].Source != episode.SourceAgent || n == 0 || !open(&s.e.Steps[n]) {
		s.e.Steps = append(s.e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent})
		n++
	}
	return n, nil
}

// completion ends a run of stream-json: the last answer, and what all of it cost.
func (s *session) completion(r *record) error {
	text := string(r.FinalText)
	n, err := s.turn(r, func(st *episode.Step) bool { return st.Message == text })
	if err != nil {
		return err
	}
	st := &s.e.Steps[n]
	st.Message = text
	st.Truncated = capture.Clip(&st.Message) || st.Truncated
	if u := &r.Usage.V; r.Usage.OK {
		s.e.Usage = &episode.Usage{InputTokens: u.Input.Int(), OutputTokens: u.Output.Int(), CacheReadTokens: u.CacheRead.Int(), CacheWriteTokens: u.CacheWrite.Int()}
	}
	return nil
}

// call adds a tool call to a step, and the suggestion that it makes.
func (s *session) call(n int, id, name string, raw jsontext.Value, at time.Time) {
	s.c.ToolUses++
	st := &s.e.Steps[n]
	args, cut := capture.Arguments(raw)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: name, Arguments: args})
	st.Truncated = st.Truncated || cut
	if id == "" || s.calls[id] != nil {
		return
	}
	k := &call{id: id, name: name, step: n, suggestion: -1}
	s.calls[id] = k
	if sg, ok := suggestion(name, raw); ok {
		sg.ShownAt = at
		s.suggest(k, sg)
		if sg.Kind == episode.KindPlan && sg.After != "" {
			s.e.Artifacts = append(s.e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", sg.After))
		}
	}
}

func (s *session) suggest(k *call, sg episode.Suggestion) {
	sg.ID, sg.Step = k.id, k.step
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	k.suggestion = len(s.e.Suggestions)
	s.e.Suggestions = append(s.e.Suggestions, sg)
}

// finish gives the last episode. The settings' tokens are the whole session's: of one prompt only if there was but one.
func (s *session) finish() error {
	if t := &s.settings.Tokens.V; s.e != nil && s.begun == 1 && s.e.Usage == nil && s.settings.Tokens.OK {
		s.e.Usage = &episode.Usage{InputTokens: t.Input.Int(), OutputTokens: t.Output.Int(), CacheReadTokens: t.CacheRead.Int(), CacheWriteTokens: t.CacheWrite.Int()}
	}
	return s.flush()
}

func (s *session) flush() error {
	e := s.e
	if s.e = nil; e == nil {
		return nil
	}
	capture.Languages(e)
	return s.emit(e)
}
