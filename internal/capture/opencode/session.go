// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// session files the messages of one session, in order, under its prompts.
type session struct {
	c      *capture.Counts
	emit   func(*episode.Episode) error
	doc    *document
	helper bool // begun by an agent's task, which wrote its prompts

	e        *episode.Episode
	begun    int
	reverted bool // from here on the person went back
	taken    map[string]bool
	applied  []string // suggestions of edits that were carried out
}

func newSession(c *capture.Counts, doc *document, emit func(*episode.Episode) error) *session {
	return &session{c: c, emit: emit, doc: doc, helper: doc.ParentID != ""}
}

// message files one message with its parts.
func (s *session) message(m *message, parts []part) error {
	if len(parts) == 0 {
		parts = m.Parts.V
	}
	if id := s.doc.Revert.V.MessageID; id != "" && m.ID == id {
		s.reverted = true
	}
	at := m.Time.V.Created.Time
	if m.Role == "user" {
		return s.prompt(m, parts, at)
	}
	if m.Role != "assistant" {
		return nil
	}
	if s.e == nil {
		if err := s.begin("", at); err != nil { // the prompt was torn
			return err
		}
	}
	name, provider := string(m.ModelID+m.Model.V.ModelID), string(m.ProviderID+m.Model.V.ProviderID)
	if m.ModelID != "" {
		name, provider = string(m.ModelID), string(m.ProviderID)
	}
	if maker := capture.Provider(name); maker != "" {
		provider = maker // the provider may be a reseller
	}
	capture.SetModel(s.e, provider, name)
	if s.e.Repository == "" {
		s.e.Repository = string(m.Path.V.CWD)
	}
	s.turn(m, parts, at)
	return nil
}

// prompt begins an episode, unless only the tool itself speaks: a compaction, a reminder, what a file holds.
func (s *session) prompt(m *message, parts []part, at time.Time) error {
	var text []string
	own := false
	for i := range parts {
		switch p := &parts[i]; {
		case p.Type == "compaction", p.Type == "text" && bool(p.Synthetic):
			own = true
		case p.Type == "text" && !bool(p.Ignored) && p.Text != "":
			text = append(text, string(p.Text))
		}
	}
	if len(text) == 0 {
		if own && s.e != nil {
			return nil
		}
		text = append(text, string(m.Summary.V.Body))
	}
	if err := s.begin(string(m.ID), at); err != nil {
		return err
	}
	st := episode.Step{At: at, Source: episode.SourceAgent, Message: strings.Join(text, "\n")}
	st.Truncated = capture.Clip(&st.Message)
	if !s.helper {
		s.c.Prompts++
		st.Source, s.e.Instruction = episode.SourceUser, st.Message
	}
	s.e.Steps = append(s.e.Steps, st)
	return nil
}

func (s *session) begin(native string, at time.Time) error {
	if err := s.flush(); err != nil {
		return err
	}
	if native == "" {
		native = string(s.doc.ID) + "#" + strconv.Itoa(s.begun)
	}
	s.begun++
	s.taken, s.applied = map[string]bool{}, nil
	s.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: at, EndedAt: at,
		Tool:    episode.Tool{Name: Name, Version: string(s.doc.Version), Surface: episode.SurfaceAgent},
		Session: string(s.doc.ID), Repository: string(s.doc.Directory)}
	if s.reverted {
		s.e.Links = &episode.Links{AbandonedBranch: true}
	}
	return nil
}

func (s *session) until(at time.Time) {
	if s.e.StartedAt.IsZero() {
		s.e.StartedAt = at
	}
	if at.After(s.e.EndedAt) {
		s.e.EndedAt = at
	}
}

// turn files a message of the agent's: a step for each request to the model.
func (s *session) turn(m *message, parts []part, at time.Time) {
	s.until(at)
	s.until(m.Time.V.Completed.Time)
	aborted := m.Error.V.Name == "MessageAbortedError"
	var last *episode.Step
	step := func() *episode.Step {
		if last == nil {
			s.e.Steps = append(s.e.Steps, episode.Step{At: at, Source: episode.SourceAgent})
			last = &s.e.Steps[len(s.e.Steps)-1]
		}
		return last
	}
	var said, thought []string
	end := func() {
		if last != nil {
			last.Message, last.Reasoning = strings.Join(said, "\n"), strings.Join(thought, "\n")
			last.Truncated = capture.Clip(&last.Message, &last.Reasoning) || last.Truncated
		}
		said, thought = nil, nil
	}
	counted, cancelled := false, false
	for i := range parts {
		p := &parts[i]
		switch p.Type {
		case "step-start":
			end()
			last = nil
		case "text":
			if !bool(p.Synthetic) && p.Text != "" {
				step()
				said = append(said, string(p.Text))
			}
		case "reasoning":
			if p.Text != "" {
				step()
				thought = append(thought, string(p.Text))
			}
		case "tool":
			step()
			cancelled = s.tool(p, len(s.e.Steps)-1, aborted) || cancelled
		case "patch":
			s.c.Patches++
		case "step-finish":
			counted = true
			s.use(&p.Tokens.V, p.Cost)
		}
	}
	end()
	if !counted { // a message's own figures are those of its last step
		s.use(&m.Tokens.V, m.Cost)
	}
	if aborted {
		s.c.Interrupts++
		if last != nil && !cancelled && len(last.ToolCalls) == 0 && last.Message != "" {
			n := len(s.e.Steps) - 1
			id := "answer-" + strconv.Itoa(n)
			if s.suggest(episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: last.Message, ShownAt: last.At, Truncated: last.Truncated}) {
				s.decide(id, episode.Cancelled, episode.ByUnknown, "", m.Time.V.Completed.Time)
			}
		}
	}
}

func (s *session) use(t *tokens, cost lax.Number) {
	u := episode.Usage{InputTokens: t.Input.Int(), OutputTokens: t.Output.Int(), CacheReadTokens: t.Cache.V.Read.Int(), CacheWriteTokens: t.Cache.V.Write.Int()}
	if cost > 0 && cost < maxCost {
		u.CostUSD = float64(cost)
	}
	if u.InputTokens+u.OutputTokens+u.CacheReadTokens+u.CacheWriteTokens == 0 && u.CostUSD == 0 {
		return
	}
	if s.e.Usage == nil {
		s.e.Usage = &episode.Usage{}
	}
	s.e.Usage.InputTokens += u.InputTokens
	s.e.Usage.OutputTokens += u.OutputTokens
	s.e.Usage.CacheReadTokens += u.CacheReadTokens
	s.e.Usage.CacheWriteTokens += u.CacheWriteTokens
	s.e.Usage.CostUSD += u.CostUSD
}

const maxCost = 1e6 // no request costs a million dollars

// flush gives the episode to emit. Where the person went back to before it, what it had applied was taken back.
func (s *session) flush() error {
	e := s.e
	if s.e = nil; e == nil {
		return nil
	}
	if e.Links != nil && e.Links.AbandonedBranch {
		for _, id := range s.applied {
			e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: id, Kind: episode.OutcomeReverted, Value: 1})
		}
	}
	capture.Languages(e)
	return s.emit(e)
}
