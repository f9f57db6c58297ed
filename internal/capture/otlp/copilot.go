// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

const copilotPrefix = "copilot_chat."

// copilot is GitHub Copilot, in VS Code and on the command line. In the editor, log events tell what was done with each
// file and each hunk of a request's edits and how much of them survived, by the request's id and without any text; the
// trajectory is in spans as plain GenAI has them. Feedback and survival are told of the editor's own agent only.
type copilot struct{}

func (copilot) tool() string { return "copilot" }

func (copilot) speaks(ev *event) bool {
	if _, ok := ev.named(copilotPrefix); ok {
		return true
	}
	s := ev.service()
	return s == "copilot-chat" || s == "github-copilot"
}

func (t copilot) tell(ev *event, p *part) bool {
	name, own := ev.named(copilotPrefix)
	if !own && !strings.HasPrefix(name, "permission.") {
		return t.trajectory(ev, p)
	}
	request, call := ev.str("request_id", "copilot_chat.request_id"), ev.str("tool_call_id", "gen_ai.tool.call.id")
	p.of(t.session(ev), request, call)
	p.key("request", request)
	if p.e.Repository = ev.str("copilot_chat.repo.remote_url", "repo.remote_url"); ev.str("edit_surface") == "inline_chat" {
		p.e.Tool.Surface = episode.SurfaceChat
	}
	switch name {
	case "edit.feedback":
		return t.edit(ev, p, t.outcome(ev.str("outcome")), 0)
	case "edit.hunk.action":
		n := max(ev.num("line_count").Int(), ev.num("lines_added").Int()+ev.num("lines_removed").Int())
		return t.edit(ev, p, t.outcome(ev.str("outcome")), n)
	case "inline.done":
		p.e.Tool.Surface = episode.SurfaceChat
		v := episode.Rejected
		if ev.is("accepted") {
			v = episode.Accepted
		}
		return t.edit(ev, p, v, ev.num("edit_line_count").Int())
	case "edit.survival":
		return t.survival(ev, p, request)
	case "user.feedback":
		switch ev.str("rating") {
		case "positive":
			p.rate(episode.Rating{By: "person", Scale: "thumbs", Value: 1})
			return true
		case "negative":
			p.rate(episode.Rating{By: "person", Scale: "thumbs", Value: 0})
			return true
		}
	case "permission.completed":
		return t.permission(ev, p, cmpID(call, p))
	}
	return false // a call, a turn: the spans tell more of them
}

// outcome maps what was done with an edit. Keep and Undo are buttons; "saved" is what happens to an edit that nobody
// looked at.
func (copilot) outcome(word string) episode.Verdict {
	switch word {
	case "accepted", "saved":
		return episode.Accepted
	case "rejected":
		return episode.Rejected
	}
	return ""
}

// edit adds a suggestion of which nothing but its size was sent, and what was decided on it.
func (copilot) edit(ev *event, p *part, v episode.Verdict, size int64) bool {
	s := episode.Suggestion{ID: p.madeUp(), Kind: episode.KindEdit, Language: language(ev), Features: lines(size)}
	d := episode.Decision{Suggestion: s.ID, Verdict: v, By: episode.ByPerson}
	if ev.str("outcome") == "saved" {
		d.By = episode.ByUnknown
	}
	st, _ := p.step(episode.SourceSystem, "")
	p.suggest(s)
	st.Source = p.decide(d)
	return true
}

// language is the language of the file that an event or a metric is about.
func language(ev *event) string {
	return strings.ToLower(ev.str("language_id", "language", "programming_language"))
}

// survival adds how much of a request's edits was still there after a while. The event names no edit: the outcome is that
// of a suggestion that stands for all edits of the request.
func (copilot) survival(ev *event, p *part, request string) bool {
	id := cmp.Or(request, p.session)
	after := window(time.Duration(ev.num("time_delay_ms").Int()) * time.Millisecond)
	if id == "" || after == "" {
		return false
	}
	p.step(episode.SourceSystem, "")
	p.suggest(episode.Suggestion{ID: id, Kind: episode.KindEdit})
	if ev.str("survival_rate_four_gram") != "" {
		p.outcome(id, episode.OutcomeKept, float64(ev.num("survival_rate_four_gram")), after)
	}
	if ev.str("survival_rate_no_revert") != "" {
		p.outcome(id, episode.OutcomeReverted, 1-float64(ev.num("survival_rate_no_revert")), after)
	}
	return true
}

// window is a time as outcomes have it: 5s, 10m, 24h.
func window(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d <= 0:
		return ""
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d >= time.Minute:
		return strconv.FormatInt(int64(d.Round(time.Minute)/time.Minute), 10) + "m"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// permission adds the answer to a request of the command line's for leave to run a tool. Approved does not say that
// somebody was asked.
func (copilot) permission(ev *event, p *part, id string) bool {
	d := episode.Decision{Suggestion: id, By: episode.ByUnknown, Reason: ev.str("result.feedback", "feedback")}
	switch kind := ev.str("result.kind", "kind"); kind {
	case "approved", "approved-for-session", "approved-for-location":
		d.Verdict = episode.Accepted
	case "denied-interactively-by-user":
		d.Verdict, d.By = episode.Rejected, episode.ByPerson
	case "denied-by-rules", "denied-by-content-exclusion-policy":
		d.Verdict, d.By = episode.Rejected, episode.ByRule
	case "denied-by-permission-request-hook":
		d.Verdict, d.By = episode.Rejected, episode.ByHook
	case "cancelled", "denied-no-approval-rule-and-could-not-request-from-user":
		d.Verdict = episode.Cancelled
	default:
		return false
	}
	tool := ev.str("tool_name", "gen_ai.tool.name")
	st, _ := p.step(episode.SourceSystem, "")
	p.suggest(itself(Suggestion(id, tool, ""), tool))
	st.Source = p.decide(d)
	return true
}

func (copilot) measure(metric string, ev *event) string {
	switch strings.TrimPrefix(metric, copilotPrefix) {
	case "edit.acceptance.count":
		switch ev.str("edit.source") {
		case "inline_chat", "chat_editing", "chat_editing_hunk": // what a person looked at
			return verdictOf(ev.str("edit.outcome"))
		}
	case "lines_of_code.count":
		return linesOf(ev.str("type"))
	case "pull_request.count":
		return "pull_requests"
	case "session.count":
		return "sessions"
	}
	return genAI{}.measure(metric, ev)
}
