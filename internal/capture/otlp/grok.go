// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"strings"

	"github.com/headrace/headrace/episode"
	grokfiles "github.com/headrace/headrace/internal/capture/grok"
)

const (
	grokPrefix = "grok_code."
	grokScope  = "ai.xai.grok_code"
)

// grok is Grok Build. Its first schema gives a call no id, so a decision and the result it led to cannot be told to be of
// one call when several are under way: each stays by itself then. Later builds send tool_use_id.
type grok struct{}

func (grok) tool() string { return grokfiles.Name }

func (grok) speaks(ev *event) bool {
	_, ok := ev.named(grokPrefix)
	return ok || strings.HasPrefix(ev.scope, grokScope)
}

func (t grok) tell(ev *event, p *part) bool {
	name, _ := ev.named(grokPrefix)
	call := ev.str("tool_use_id")
	p.of(ev.str("session.id", "session_id", "conversation.id"), ev.str("prompt.id", "prompt_id"), call)
	if ev.isSpan {
		return false
	}
	switch name {
	case "user_prompt":
		_, m := p.said(unless(redacted, ev.str("prompt")))
		m.Model = ev.str("model")
	case "assistant_response":
		p.step(episode.SourceAgent, unless(redacted, ev.str("response")))
	case "tool_decision":
		t.decided(ev, p, cmpID(call, p))
	case "tool_result":
		t.result(ev, p, call)
	case "api_request":
		_, m := p.step(episode.SourceSystem, "")
		tokens(ev, m)
		m.Model = ev.str("model")
	default:
		return false
	}
	return true
}

// decided adds a decision and what it is about. That a rule let the agent look around is not worth a suggestion.
func (t grok) decided(ev *event, p *part, id string) {
	tool := ev.str("tool_name")
	s := Suggestion(id, tool, "")
	switch ev.str("access_kind") {
	case "edit":
		s.Kind = cmp.Or(s.Kind, episode.KindEdit)
	case "bash":
		s.Kind = cmp.Or(s.Kind, episode.KindCommand)
	}
	st, _ := p.step(episode.SourceSystem, "")
	d := t.decision(ev)
	if s.Kind == "" && d.Verdict == episode.Accepted {
		return
	}
	p.suggest(itself(s, tool))
	d.Suggestion = id
	st.Source = p.decide(d)
}

func (t grok) decision(ev *event) (d episode.Decision) {
	source := ev.str("source")
	user := strings.HasPrefix(source, "user")
	switch {
	case source == "config":
		d.By = episode.ByRule
	case source == "hook":
		d.By = episode.ByHook
	case user && t.interactive(ev):
		d.By = episode.ByPerson
	default:
		d.By = episode.ByUnknown
	}
	switch decision := ev.str("decision"); {
	case decision == "allow":
		d.Verdict = episode.Accepted
	case decision == "cancelled", decision == "deny" && source == "user_abort":
		d.Verdict = episode.Cancelled
		if !user {
			d.By = episode.ByUnknown
		}
	case decision == "deny":
		d.Verdict = episode.Rejected
	case decision == "followup": // the person said what to do instead
		d.Verdict = episode.Rejected
		if t.interactive(ev) {
			d.By = episode.ByPerson
		}
	}
	return d
}

// interactive reports whether a person sits before the tool, and not a script or another program.
func (grok) interactive(ev *event) bool {
	return cmp.Or(ev.str("app.entrypoint"), text(ev.resource, "app.entrypoint")) == "cli"
}

func (grok) result(ev *event, p *part, call string) {
	tool, args := ev.str("tool_name"), ev.str("tool_parameters")
	id := cmpID(call, p)
	st, _ := p.called(id, tool, args)
	ok := ev.is("success")
	p.returned(st, id, ev.str("tool_output", "error"), !ok)
	if s := Suggestion(id, tool, args); call != "" && s.Kind != "" {
		s.Path = cmp.Or(s.Path, ev.str("file_path"))
		p.suggest(s)
		if ok {
			p.decide(episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByUnknown})
		}
	}
}

func (grok) measure(metric string, ev *event) string {
	switch strings.TrimPrefix(metric, grokPrefix) {
	case "session.count":
		return "sessions"
	case "token.usage":
		return tokensOf(ev.str("type", "token_type"))
	case "tool.decision":
		return verdictOf(ev.str("decision"))
	case "tool.usage":
		return "tool_calls"
	}
	return ""
}
