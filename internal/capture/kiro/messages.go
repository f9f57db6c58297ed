// SPDX-License-Identifier: Apache-2.0

package kiro

import (
	"bytes"
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// message is a line of the third engine's messages.
type message struct {
	ID      lax.String          `json:"id"`
	At      lax.Time            `json:"timestamp"`
	Payload lax.Object[payload] `json:"payload"`
}

// payload is what happened; which fields are there depends on the type.
type payload struct {
	Type        lax.String       `json:"type"`
	Content     jsontext.Value   `json:"content"` // a string, or a list of parts
	Operation   lax.String       `json:"operationType"`
	CallID      lax.String       `json:"toolCallId"`
	ToolName    lax.String       `json:"toolName"`
	Args        jsontext.Value   `json:"args"`
	Success     *lax.Bool        `json:"success"`
	Interaction lax.String       `json:"interactionType"`
	Options     lax.List[option] `json:"options"`
	Outcome     lax.String       `json:"outcome"`
	Selected    lax.String       `json:"selectedOption"`
	StopReason  lax.String       `json:"stopReason"`
}

// option is one of the answers that a person was offered.
type option struct {
	ID   lax.String `json:"optionId"`
	Kind lax.String `json:"kind"` // as in the Agent Client Protocol
}

type part struct {
	Type lax.String `json:"type"`
	Text lax.String `json:"text"`
}

// isMessage reports whether a payload in a file's first lines is of a type that we know.
func isMessage(head []byte) bool {
	for range 64 {
		var line []byte
		var more bool
		line, head, more = bytes.Cut(head, []byte("\n"))
		_, rest, found := bytes.Cut(line, []byte(`"payload"`))
		if found {
			switch lax.Keys(bytes.TrimLeft(rest, " \t:"))["type"] {
			case "user", "assistant", "tool_call", "tool_result", "turn_start", "turn_end", "session_start", "session_event", "session_metadata",
				"usage_summary", "pending_interaction", "interaction_resolved", "sub_agent_start", "sub_agent_complete", "tombstone":
				return true
			}
		}
		if !more {
			return false
		}
	}
	return false
}

// asked is a call that a person was asked about.
type asked map[string]string // the kinds of the options, by id

// turns files the messages of a session.
type turns struct {
	s     *qcli.Session
	c     *capture.Counts
	asked map[string]asked           // by call
	early map[string][]qcli.Decision // made before the call was written
}

// readMessages reads a session's messages, with what is kept beside them. What helpers were told and said by themselves is
// counted only: their prompts are an agent's.
func readMessages(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	dir := filepath.Dir(f.Path)
	helper := filepath.Base(dir) == "sub-executions"
	a := beside(f, "session.json")
	id := ""
	if f.Path != "" && f.Path != "-" {
		id = path.Base(filepath.ToSlash(dir))
	}
	t := turns{s: a.session(id, &c), c: &c, asked: map[string]asked{}, early: map[string][]qcli.Decision{}}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var m message
		if !lax.Decode(line, &m) || !m.Payload.OK {
			return false, nil
		}
		c.Kind(string(m.Payload.V.Type))
		if !helper {
			t.add(&m)
		}
		return true, nil
	})
	if err != nil {
		return c, err
	}
	return c, t.s.Flush(emit)
}

func (t *turns) add(m *message) {
	s, p, at := t.s, &m.Payload.V, m.At.Time
	call := string(p.CallID)
	switch p.Type {
	case "user":
		said, context := qcli.Words(said(p.Content))
		if said != "" || len(context) > 0 {
			s.Prompt(string(m.ID), at, said, context...)
		}
	case "assistant":
		switch text := said(p.Content); p.Operation {
		case "Reasoning":
			s.Say(at, "", "", text)
		case "Summary": // of what was left out of the context
		default:
			s.Say(at, "", text, "")
		}
	case "tool_call":
		s.Call(call, string(p.ToolName), p.Args, at)
		for _, d := range t.early[call] {
			s.Decide(call, d, at)
		}
		delete(t.early, call)
	case "pending_interaction":
		if p.Interaction == "tool_approval" {
			kinds := asked{}
			for _, o := range p.Options.V {
				kinds[string(o.ID)] = string(o.Kind)
			}
			t.asked[call] = kinds
		}
	case "interaction_resolved":
		if kinds, ok := t.asked[call]; ok {
			d := resolved(p, kinds)
			s.Decide(call, d, at)
			t.early[call] = append(t.early[call], d) // where the call is written afterwards
			delete(t.asked, call)
		}
	case "tool_result":
		a := qcli.Answer{Call: call, Text: said(p.Content), Failed: p.Success != nil && !bool(*p.Success), At: at}
		if a.Failed {
			a.Decision = qcli.Asked(a.Text)
		}
		s.Result(a)
		delete(t.early, call)
	case "turn_end":
		if p.StopReason == "cancelled" {
			s.Stop(episode.ByUnknown, at)
		}
	}
}

// resolved is the answer to a request to allow a tool: one of the options that were offered, or known by its name.
func resolved(p *payload, kinds asked) qcli.Decision {
	chosen := kinds[string(p.Selected)]
	if chosen == "" {
		chosen = string(p.Selected)
	}
	switch {
	case p.Outcome == "cancelled":
		return qcli.Decision{Verdict: episode.Cancelled, By: episode.ByUnknown}
	case chosen == "reject_once", chosen == "reject_always", chosen == "reject", chosen == "always-reject":
		return qcli.Decision{Verdict: episode.Rejected, By: episode.ByPerson}
	case chosen == "allow_once", chosen == "allow_always", chosen == "accept", chosen == "always-accept":
		return qcli.Decision{Verdict: episode.Accepted, By: episode.ByPerson}
	}
	return qcli.Decision{} // an answer that we do not know
}

// said is the text of a message's content.
func said(v jsontext.Value) string {
	if len(v) == 0 || v[0] != '[' {
		return text(v)
	}
	var parts struct{ P lax.List[part] }
	lax.Decode(append(append([]byte(`{"P":`), v...), '}'), &parts)
	var all []string
	for _, p := range parts.P.V {
		if p.Text != "" {
			all = append(all, string(p.Text))
		}
	}
	return strings.Join(all, "\n")
}
