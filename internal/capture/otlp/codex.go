// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strings"

	"github.com/headrace/headrace/episode"
	codexfiles "github.com/headrace/headrace/internal/capture/codex"
)

const codexPrefix = "codex."

// codex is Codex CLI. It alone says who approved: its rollout files do not hold the answer to a request. Its events name
// the conversation, not the prompt, so a call is an episode of its own until the rollout joins it; what is of no call goes
// by the id that the rollout's first prompt has. Arguments and outputs are sent whatever the user chose about prompts.
// Spans repeat the log events without their content and are passed over.
type codex struct{}

func (codex) tool() string { return codexfiles.Name }

func (codex) speaks(ev *event) bool {
	_, ok := ev.named(codexPrefix)
	return ok
}

func (t codex) tell(ev *event, p *part) bool {
	name, _ := ev.named(codexPrefix)
	session, call := ev.str("conversation.id"), ev.str("call_id")
	prompt := ev.str("turn.id")
	if prompt == "" && call == "" && session != "" {
		prompt = session + "#0"
	}
	p.of(session, "", call)
	if prompt != "" {
		p.native = prompt
	}
	p.key("prompt", ev.str("turn.id"))
	if ev.isSpan || ev.on != nil {
		return false
	}
	model := ev.str("model", "slug")
	switch name {
	case "user_prompt":
		if codexfiles.Own(ev.str("prompt")) {
			return false
		}
		_, m := p.said(unless("[REDACTED]", ev.str("prompt")))
		m.Model = model
	case "agent_response":
		st, m := p.step(episode.SourceAgent, ev.str("response"))
		st.Truncated = st.Truncated || ev.is("response_truncated")
		m.Model = model
	case "tool_decision":
		st, m := p.step(episode.SourceSystem, "")
		m.Model = model
		tool := ev.str("tool_name")
		s := itself(Suggestion(cmpID(call, p), tool, ""), tool)
		p.suggest(s)
		st.Source = p.decide(t.decision(ev, s.ID))
	case "tool_result":
		t.result(ev, p, cmpID(call, p), model)
	case "sse_event":
		_, m := p.step(episode.SourceSystem, "")
		m.Model = model
		cached := ev.num("cached_token_count").Int() // counted as input too
		m.InputTokens, m.CacheReadTokens, m.OutputTokens = max(0, ev.num("input_token_count").Int()-cached), cached, ev.num("output_token_count").Int()
		return m.costs() // other events of the stream tell nothing
	default:
		return false
	}
	return true
}

// cmpID is the id of a call, made up where the event has none.
func cmpID(call string, p *part) string {
	if call == "" {
		return p.madeUp()
	}
	return call
}

// decision maps the answer to an approval request. The words differ in case and underscores from version to version.
func (t codex) decision(ev *event, id string) episode.Decision {
	d := episode.Decision{Suggestion: id, By: t.by(ev)}
	switch plainly(ev.str("decision")) {
	case "approved", "approvedforsession", "approvedexecpolicyamendment":
		d.Verdict = episode.Accepted
	case "denied":
		d.Verdict = episode.Rejected
	case "abort":
		d.Verdict = episode.Cancelled
		if d.By != episode.ByPerson {
			d.By = episode.ByUnknown
		}
	case "timedout":
		d.Verdict, d.By = episode.TimedOut, episode.ByUnknown
	}
	return d // an amendment of the network policy may allow as well as forbid
}

// by is who answered. "User" is a person where the program is one that a person sits before.
func (codex) by(ev *event) episode.By {
	switch source := plainly(ev.str("source")); {
	case source == "config":
		return episode.ByRule
	case strings.Contains(source, "review"), source == "guardian":
		return episode.ByModel
	case source == "user":
		program := ev.str("originator")
		if program == "" {
			program = ev.service()
		}
		switch plainly(program) { // any other program that leads it may answer by itself, whatever it calls itself
		case "codexclirs", "codextui", "codexvscode", "codexdesktop":
			return episode.ByPerson
		}
	}
	return episode.ByUnknown
}

// result adds a call and what came back. A call that succeeded was let through; the event does not say by whom, and where
// the decision is told as well, that one came before.
func (codex) result(ev *event, p *part, id, model string) {
	tool, args := ev.str("tool_name"), ev.str("arguments")
	st, m := p.called(id, tool, args)
	m.Model = model
	ok := ev.is("success")
	p.returned(st, id, ev.str("output"), !ok)
	s := Suggestion(id, tool, args)
	if s.Kind == "" {
		return
	}
	p.suggest(s)
	if ok {
		p.decide(episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByUnknown})
	}
}

func (codex) measure(metric string, ev *event) string {
	switch strings.TrimPrefix(metric, codexPrefix) {
	case "tool.call":
		return "tool_calls"
	case "thread.started":
		return "sessions"
	case "turn.token_usage":
		return tokensOf(ev.str("token_type", "type"))
	}
	return ""
}
