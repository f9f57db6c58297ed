// SPDX-License-Identifier: Apache-2.0

// Package otlp maps the log events that Claude Code sends by OpenTelemetry to episodes. It serves nothing: [Decode]
// reads the body of a request, [Episodes] maps the logs, [Merge] adds a later batch to an episode.
//
// The events of one prompt come in any order, in many batches, and some come twice. So each event becomes one step,
// marked with the event's sequence number and what it cost; everything that depends on several events (order, usage,
// model, which step made a suggestion) is worked out anew from the steps after each merge. Merging is therefore the
// same in any order, and again is the same as once.
//
// Who decided is in the telemetry, as it is not in the transcript: tool_decision names its source. "user_*" is a
// person only where the session is shown to be interactive: a script that runs the tool repeats the value. Developer is
// never set from what the events claim; identity comes from the connection.
package otlp

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	scopeName = "com.anthropic.claude_code.events"
	prefix    = "claude_code."
	redacted  = "<REDACTED>"
)

// Episodes maps the Claude Code events in logs, one episode per session and prompt, in the order in which they first
// appear. Logs of another scope are passed over. In the counts, lines are the events and unparsable those without a
// session.
func Episodes(logs plog.Logs) ([]*episode.Episode, capture.Counts) {
	var c capture.Counts
	var order []string
	parts := map[string][]*episode.Episode{}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				name := eventName(lr)
				if sl.Scope().Name() != scopeName && !strings.HasPrefix(name, prefix) {
					continue
				}
				c.Lines++
				ev := event{name: strings.TrimPrefix(name, prefix), attrs: lr.Attributes(), resource: rl.Resource().Attributes(), at: moment(lr)}
				c.Kind(ev.name)
				e := ev.episode(&c)
				if e == nil {
					continue
				}
				if parts[e.ID] == nil {
					order = append(order, e.ID)
				}
				parts[e.ID] = append(parts[e.ID], e)
			}
		}
	}
	episodes := make([]*episode.Episode, 0, len(order))
	for _, id := range order {
		e := combine(parts[id])
		c.Add(e)
		episodes = append(episodes, e)
	}
	return episodes, c
}

// eventName is in one of three places, depending on the exporter: the record's event name, the attribute, the body. Of
// those that are there, one that bears the tool's prefix is preferred: it shows whose event it is.
func eventName(lr plog.LogRecord) (name string) {
	names := [3]string{0: lr.EventName()}
	if v, ok := lr.Attributes().Get("event.name"); ok && v.Type() == pcommon.ValueTypeStr {
		names[1] = v.Str()
	}
	if lr.Body().Type() == pcommon.ValueTypeStr {
		names[2] = lr.Body().Str()
	}
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			return n
		}
		name = cmp.Or(name, n)
	}
	return name
}

func moment(lr plog.LogRecord) time.Time {
	if v, ok := lr.Attributes().Get("event.timestamp"); ok {
		if t := lax.ParseTime(v.AsString()); !t.IsZero() {
			return t
		}
	}
	if ns := lr.Timestamp(); ns > 0 {
		return lax.ParseTime(ns.AsTime().Format(time.RFC3339Nano))
	}
	return time.Time{}
}

// event is one log record.
type event struct {
	name            string
	attrs, resource pcommon.Map
	at              time.Time
}

func (ev *event) str(key string) string {
	if v, ok := ev.attrs.Get(key); ok {
		return strings.ToValidUTF8(v.AsString(), "\uFFFD")
	}
	return ""
}

func (ev *event) is(key string) bool { return ev.str(key) == "true" } // booleans arrive as strings

// num reads a number, which may arrive as a string.
func (ev *event) num(key string) lax.Number {
	f, err := strconv.ParseFloat(ev.str(key), 64)
	if err != nil {
		return 0
	}
	return lax.Number(f)
}

// interactive reports whether the event itself shows that a person sat before the tool.
func (ev *event) interactive() bool {
	entry, terminal := ev.str("app.entrypoint"), ev.str("terminal.type")
	if strings.HasPrefix(entry, "sdk") || terminal == "non-interactive" {
		return false
	}
	return entry == "cli" || terminal != ""
}

// episode makes the part of an episode that one event tells; nil where it tells nothing of a prompt.
func (ev *event) episode(c *capture.Counts) *episode.Episode {
	session, prompt := ev.str("session.id"), ev.str("prompt.id")
	if session == "" {
		c.Unparsable++
		return nil
	}
	if prompt == "" { // before prompts had ids; the session's events are one episode then
		prompt = session
	}
	version := ev.str("app.version")
	if v, ok := ev.resource.Get("service.version"); ok && version == "" {
		version = v.AsString()
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(claudecode.Name, prompt),
		StartedAt:     ev.at,
		EndedAt:       ev.at,
		Tool:          episode.Tool{Name: claudecode.Name, Version: strings.ToValidUTF8(version, "\uFFFD"), Surface: episode.SurfaceAgent},
		Session:       session,
		Repository:    ev.workspace(),
	}
	m := mark{Sequence: ev.num("event.sequence").Int()}
	st := episode.Step{At: ev.at, Source: episode.SourceSystem}
	switch ev.name {
	case "user_prompt":
		c.Prompts++
		st.Source = episode.SourceUser
		if text := ev.str("prompt"); text != redacted {
			st.Truncated = capture.Clip(&text)
			st.Message, e.Instruction = text, text
		}
	case "assistant_response":
		st.Source = episode.SourceAgent
		if text := ev.str("response"); text != redacted {
			st.Truncated = capture.Clip(&text)
			st.Message = text
		}
	case "tool_decision":
		st.Source = ev.decision(e)
	case "tool_result":
		c.ToolResults++
		ev.result(e, &st, c)
	case "api_request":
		m.usage(ev)
	default:
		return nil
	}
	m.put(&st)
	e.Steps = []episode.Step{st}
	return e
}

// workspace is the folder of the session, the first where there are several.
func (ev *event) workspace() string {
	v, ok := ev.attrs.Get("workspace.host_paths")
	if ok && v.Type() == pcommon.ValueTypeSlice && v.Slice().Len() > 0 {
		v = v.Slice().At(0)
	}
	if !ok || v.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return strings.ToValidUTF8(v.Str(), "\uFFFD")
}

// decision adds a suggestion, as far as it is known, and what was decided on it; it returns who acted in the step.
func (ev *event) decision(e *episode.Episode) episode.Source {
	verdict, by := ev.verdict(ev.str("decision"), ev.str("source"))
	s := ev.suggestion()
	e.Suggestions = []episode.Suggestion{s}
	if verdict != "" {
		e.Decisions = []episode.Decision{{Suggestion: s.ID, Verdict: verdict, By: by, At: ev.at}}
	}
	if by == episode.ByPerson {
		return episode.SourceUser
	}
	return episode.SourceSystem
}

// verdict maps decision and source to the record's words.
func (ev *event) verdict(decision, source string) (episode.Verdict, episode.By) {
	by := episode.ByUnknown
	switch {
	case source == "config":
		by = episode.ByRule
	case source == "hook":
		by = episode.ByHook
	case strings.HasPrefix(source, "user_") && ev.interactive():
		by = episode.ByPerson
	}
	switch {
	case decision == "accept":
		return episode.Accepted, by
	case decision == "reject" && source == "user_abort": // the question was dismissed, not answered
		return episode.Cancelled, by
	case decision == "reject":
		return episode.Rejected, by
	}
	return "", ""
}

// suggestion is what a tool event tells of the suggestion that the call makes. Only tools that change something make
// one of their own; for any other it is the call itself that was let through or not.
func (ev *event) suggestion() episode.Suggestion {
	tool := ev.str("tool_name")
	s := episode.Suggestion{ID: ev.str("tool_use_id"), Step: -1, Kind: claudecode.Kind(tool), ShownAt: ev.at}
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
		if s.Language, s.After = "shell", string(p.Command); s.After == "" {
			s.After = string(p.Input)
		}
	case "":
		s.Kind, s.After = episode.KindCommand, tool
	default:
		s.After = string(p.New + p.Content + p.Plan)
	}
	s.Truncated = capture.Clip(&s.Before, &s.After)
	return s
}

// result adds a call and what came back. It is not sent for a rejected call, so it holds a decision too: accepted.
func (ev *event) result(e *episode.Episode, st *episode.Step, c *capture.Counts) {
	c.ToolUses++
	failed := !ev.is("success")
	if failed {
		c.Errors++
	}
	s := ev.suggestion()
	args, cut := capture.Arguments(jsontext.Value(ev.str("tool_input")))
	st.Source = episode.SourceAgent
	st.ToolCalls = []episode.ToolCall{{ID: s.ID, Name: ev.str("tool_name"), Arguments: args}}
	r := episode.Result{Call: s.ID, Content: ev.str("error"), Error: failed}
	st.Truncated = capture.Clip(&r.Content) || cut
	st.Observation = &episode.Observation{Results: []episode.Result{r}}
	if claudecode.Kind(ev.str("tool_name")) != "" {
		e.Suggestions = []episode.Suggestion{s}
		if v, by := ev.verdict(ev.str("decision_type"), ev.str("decision_source")); v != "" {
			e.Decisions = []episode.Decision{{Suggestion: s.ID, Verdict: v, By: by, At: ev.at}}
		}
	}
	var p struct {
		Commit lax.String `json:"git_commit_id"`
	}
	if lax.Decode([]byte(ev.str("tool_parameters")), &p); p.Commit != "" {
		e.Links = &episode.Links{Commit: string(p.Commit)}
	}
}
