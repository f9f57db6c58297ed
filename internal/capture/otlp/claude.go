// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	claudeScope  = "com.anthropic.claude_code"
	claudePrefix = "claude_code."
	redacted     = "<REDACTED>"
)

// claude is Claude Code. Its events name who decided; "user_*" is a person only where the session is shown to be
// interactive, because in a script a rule that matches repeats the value. "config" is a rule, but in its auto mode, which plan
// mode uses too, perhaps a model. Its spans add how long a person took.
type claude struct{}

func (claude) tool() string { return claudecode.Name }

func (claude) speaks(ev *event) bool {
	_, ok := ev.named(claudePrefix)
	return ok || strings.HasPrefix(ev.scope, claudeScope)
}

func (t claude) tell(ev *event, p *part) bool {
	name, _ := ev.named(claudePrefix)
	id := ev.str("tool_use_id")
	p.of(ev.str("session.id"), ev.str("prompt.id"), id)
	p.key("message", ev.str("message.uuid"))
	p.key("request", ev.str("request_id"))
	p.e.Repository = workspace(ev)
	if ev.isSpan || ev.on != nil {
		return t.span(ev, p, name)
	}
	switch name {
	case "user_prompt":
		p.said(unless(redacted, ev.str("prompt")))
	case "assistant_response":
		if auxiliary(ev) {
			return false
		}
		p.step(episode.SourceAgent, unless(redacted, ev.str("response")))
	case "tool_decision":
		if claudecode.Kind(ev.str("tool_name")) == "" && ev.str("decision") == "accept" && ev.str("source") == "config" {
			return false // it only looked, and nobody was asked
		}
		st, _ := p.step(episode.SourceSystem, "")
		st.Source = t.decided(ev, p, t.suggestion(ev), ev.str("decision"), ev.str("source"))
	case "tool_result":
		t.result(ev, p)
	case "api_request":
		_, m := p.step(episode.SourceSystem, "")
		t.usage(ev, m)
	default:
		return false
	}
	p.marks[0].Sequence = ev.num("event.sequence").Int()
	return true
}

// span takes from the spans what the log events do not have, and what a tool that sends no logs would not tell otherwise.
func (t claude) span(ev *event, p *part, name string) bool {
	switch name {
	case "tool.blocked_on_user":
		if ev.str("tool_use_id") == "" {
			return false
		}
		s := t.suggestion(ev)
		s.DwellMS = between(ev.at, ev.end)
		st, _ := p.step(episode.SourceSystem, "")
		ev.at = latest(ev.at, ev.end) // the decision is its end
		st.Source = t.decided(ev, p, s, ev.str("decision"), ev.str("source"))
		return true
	case "llm_request":
		if ev.str("request_id") == "" {
			return false // the log event cannot be told from it: the cost would count twice
		}
		_, m := p.step(episode.SourceSystem, "")
		t.usage(ev, m)
		return true
	}
	return false
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// unless is a text that was sent; not the word that stands for one that was not.
func unless(not, text string) string {
	if text == not {
		return ""
	}
	return text
}

func (claude) usage(ev *event, m *mark) {
	m.Cost = ev.str("request_id")
	m.InputTokens, m.OutputTokens = ev.num("input_tokens").Int(), ev.num("output_tokens").Int()
	m.CacheReadTokens, m.CacheWriteTokens = ev.num("cache_read_tokens").Int(), ev.num("cache_creation_tokens").Int()
	m.usd(float64(ev.num("cost_usd")))
	m.Model, m.Auxiliary = ev.str("model"), auxiliary(ev)
}

// auxiliary reports whether a request is not the conversation's own, but for a title, a summary, a check.
func auxiliary(ev *event) bool {
	switch source, _, _ := strings.Cut(ev.str("query_source"), ":"); source {
	case "", "main", "subagent", "repl_main_thread", "sdk", "agent":
		return false
	}
	return true
}

// workspace is the folder of the session, the first where there are several.
func workspace(ev *event) string {
	v, ok := ev.attrs.Get("workspace.host_paths")
	if ok && v.Type() == pcommon.ValueTypeSlice && v.Slice().Len() > 0 {
		v = v.Slice().At(0)
	}
	if !ok || v.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return valid(v.Str())
}

// interactive reports whether the event itself shows that a person sat before the tool. The entry point is there where
// OTEL_METRICS_INCLUDE_ENTRYPOINT is set; that there is a terminal shows nothing, a script that runs in one says so too.
func (claude) interactive(ev *event) bool {
	return ev.str("app.entrypoint") == "cli" && ev.str("terminal.type") != "non-interactive"
}

// decided adds a suggestion and what was decided on it, and returns who acted.
func (t claude) decided(ev *event, p *part, s episode.Suggestion, decision, source string) episode.Source {
	d := episode.Decision{Suggestion: s.ID, By: episode.ByUnknown}
	switch {
	case source == "config":
		if mode := ev.str("permission_mode"); mode != "auto" && mode != "plan" {
			d.By = episode.ByRule
		}
	case source == "classifier":
		d.By = episode.ByModel
	case source == "hook":
		d.By = episode.ByHook
	case strings.HasPrefix(source, "user_") && t.interactive(ev):
		d.By = episode.ByPerson
	}
	switch {
	case decision == "accept":
		d.Verdict = episode.Accepted
	case decision == "reject" && source == "user_abort": // the question was dismissed, not answered
		d.Verdict = episode.Cancelled
	case decision == "reject":
		d.Verdict = episode.Rejected
	}
	p.suggest(s)
	return p.decide(d)
}

// suggestion is what a tool event tells of the suggestion that the call makes. Only tools that change something make
// one of their own; for any other it is the call itself that was let through or not.
func (claude) suggestion(ev *event) episode.Suggestion {
	tool := ev.str("tool_name")
	s := episode.Suggestion{ID: ev.str("tool_use_id"), Kind: claudecode.Kind(tool)}
	if s.ID == "" {
		s.ID = "at-" + ev.at.Format(time.RFC3339Nano)
	}
	var p struct {
		Command  lax.String `json:"full_command"`
		FilePath lax.String `json:"file_path"`
		Old      lax.String `json:"old_string"`
		New      lax.String `json:"new_string"`
		Content  lax.String `json:"content"`
		Plan     lax.String `json:"plan"`
		Input    lax.String `json:"command"`
	}
	lax.Decode([]byte(ev.str("tool_parameters")), &p)
	lax.Decode([]byte(ev.str("tool_input")), &p)
	s.Path, s.Before = string(p.FilePath), string(p.Old)
	switch s.Kind {
	case episode.KindCommand:
		s.Language, s.After = "shell", first(p.Command, p.Input)
	case "":
		s.Kind, s.After = episode.KindCommand, tool
	default:
		s.After = string(p.New + p.Content + p.Plan)
	}
	return s
}

// result adds a call and what came back. It is not sent for a rejected call, so it holds a decision too: accepted.
func (t claude) result(ev *event, p *part) {
	s := t.suggestion(ev)
	tool := ev.str("tool_name")
	st, _ := p.called(s.ID, tool, ev.str("tool_input"))
	p.returned(st, s.ID, ev.str("error"), !ev.is("success"))
	if claudecode.Kind(tool) != "" {
		t.decided(ev, p, s, ev.str("decision_type"), ev.str("decision_source"))
	}
	var params struct {
		Commit lax.String `json:"git_commit_id"`
	}
	if lax.Decode([]byte(ev.str("tool_parameters")), &params); params.Commit != "" {
		p.e.Links = &episode.Links{Commit: string(params.Commit)}
	}
}

func (claude) measure(metric string, ev *event) string {
	name := strings.TrimPrefix(metric, claudePrefix)
	switch kind := ev.str("type"); name {
	case "lines_of_code.count":
		return linesOf(kind)
	case "token.usage":
		return tokensOf(kind)
	case "code_edit_tool.decision":
		return verdictOf(ev.str("decision"))
	}
	return map[string]string{"commit.count": "commits", "pull_request.count": "pull_requests", "session.count": "sessions", "cost.usage": "cost_usd"}[name]
}
