// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strings"

	"github.com/headrace/headrace/episode"
	clinefiles "github.com/headrace/headrace/internal/capture/cline"
)

// cline is Cline. Its events are of a task and hold no text of any kind: who reads the task's files knows what was
// decided on, these say how much of it.
type cline struct{}

func (cline) tool() string { return clinefiles.Name }

func (cline) speaks(ev *event) bool {
	if s := plainly(ev.service()); s == "cline" || s == "clinevscode" || strings.HasPrefix(ev.scope, "cline") {
		return true
	}
	name, ok := ev.named("task.")
	if !ok || ev.isSpan {
		return false
	}
	switch name {
	case "ai_output.accepted", "ai_output.rejected", "feedback", "tool_used", "diff_edit_failed", "checkpoint_used", "retry_clicked", "option_selected",
		"options_ignored", "mode", "rule_toggled", "created", "completed", "conversation_turn", "tokens":
		return true
	}
	return false
}

func (t cline) tell(ev *event, p *part) bool {
	name, own := ev.named("task.")
	task := ev.str("task_id", "taskId", "task.id", "ulid")
	p.of(task, "", "")
	p.e.Tool.Version = ev.str("extension_version", "cline_version", "app.version", "service.version")
	if !own {
		return false
	}
	switch name {
	case "ai_output.accepted", "ai_output.rejected": // the buttons under a proposed edit
		d := episode.Decision{Suggestion: p.madeUp(), Verdict: episode.Accepted, By: episode.ByPerson}
		if name == "ai_output.rejected" {
			d.Verdict = episode.Rejected
		}
		p.step(episode.SourceUser, "")
		p.suggest(episode.Suggestion{ID: d.Suggestion, Kind: episode.KindEdit, Features: lines(ev.num("lines_added", "linesAdded").Int() + ev.num("lines_removed", "linesRemoved").Int())})
		p.decide(d)
	case "feedback":
		switch ev.str("feedback_type", "feedbackType") {
		case "thumbs_up":
			p.rate(episode.Rating{By: "person", Scale: "thumbs", Value: 1})
		case "thumbs_down":
			p.rate(episode.Rating{By: "person", Scale: "thumbs", Value: 0})
		default:
			return false
		}
	case "tool_used":
		t.used(ev, p)
	case "checkpoint_used":
		if ev.str("action") != "restore" {
			return false
		}
		p.step(episode.SourceUser, "")
		p.outcome("", episode.OutcomeReverted, 1, "")
	case "conversation_turn", "tokens":
		_, m := p.step(episode.SourceSystem, "")
		m.Model, m.Provider = ev.str("model", "modelId", "model_id"), ""
		m.InputTokens, m.OutputTokens = ev.num("tokens_in", "tokensIn", "input_tokens").Int(), ev.num("tokens_out", "tokensOut", "output_tokens").Int()
		return m.Model != "" || m.costs()
	default:
		return false
	}
	return true
}

// used adds a call. What the settings approved is a decision; that of a person on an edit has an event of its own.
func (cline) used(ev *event, p *part) {
	tool, id := ev.str("tool_name", "tool"), p.madeUp()
	st, _ := p.called(id, tool, "")
	ok := ev.is("success")
	p.returned(st, id, "", !ok)
	s := Suggestion(id, tool, "")
	if s.Kind == "" || !ok || !ev.is("auto_approved", "autoApproved") {
		return
	}
	p.suggest(s)
	p.decide(episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByRule})
}

func (cline) measure(string, *event) string { return "" }
