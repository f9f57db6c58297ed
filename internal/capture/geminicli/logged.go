// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// call adds a call, its suggestion and the decision on it: the tool logs all of it in one event, when the call is over.
func (l *log) call(e *episode.Episode, a *attributes, at time.Time) {
	l.c.ToolUses++
	l.c.ToolResults++
	n := len(e.Steps)
	id := "call-" + strconv.Itoa(n) // the event names none
	raw, meta := unquoted(a.Args), unquoted(a.Metadata)
	args, cut := capture.Arguments(raw)
	verdict, by := decided(a, meta)
	// Of what came back only the size of the changes is logged, the person's apart from the model's.
	res := episode.Result{Call: id, Content: strings.ToValidUTF8(string(meta), "\uFFFD")}
	if !a.Success {
		l.c.Errors++
		res.Content = cmp.Or(string(a.ErrorText), string(a.Error), res.Content)
		res.Error = verdict != episode.Rejected
	}
	if verdict == episode.Rejected {
		l.c.Rejections++
	}
	st := episode.Step{At: at, Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: id, Name: string(a.Function), Arguments: args}}}
	st.Truncated = capture.Clip(&res.Content) || cut
	st.Observation = &episode.Observation{Results: []episode.Result{res}}
	e.Steps = append(e.Steps, st)
	sg, final, _ := suggest(string(a.Function), raw)
	switch {
	case sg.Kind != "":
	case verdict == episode.Rejected:
		sg.Kind, sg.After = episode.KindCommand, string(a.Function)
	default:
		return
	}
	sg.ID, sg.Step, sg.ShownAt = id, n, at
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	e.Suggestions = append(e.Suggestions, sg)
	if verdict == "" {
		return
	}
	d := episode.Decision{Suggestion: id, Verdict: verdict, By: by, At: at}
	if verdict == episode.Modified {
		d.Final = final
		capture.Clip(&d.Final)
	}
	e.Decisions = append(e.Decisions, d)
}

// decided maps the tool's word for the answer in its dialog. "accept" and "modify" are answers of a person's; "auto_accept"
// is also what a person's earlier "always" gives. "reject" stands for any answer that the tool has no word for: where the
// call was made all the same, the answer was "always, and save". No word means that nobody was asked.
func decided(a *attributes, meta jsontext.Value) (episode.Verdict, episode.By) {
	by := episode.ByPerson
	if a.Interactive != nil && !bool(*a.Interactive) {
		by = episode.ByUnknown
	}
	var changed diffStat
	lax.Decode(meta, &changed)
	switch a.Decision {
	case "accept":
		if changed.changed() { // in an editor that shows the proposal as a diff
			return episode.Modified, by
		}
		return episode.Accepted, by
	case "modify":
		return episode.Modified, by
	case "auto_accept":
		return episode.Accepted, episode.ByUnknown
	case "reject":
		if a.Success {
			return episode.Accepted, by
		}
		return episode.Rejected, by
	}
	switch {
	case bool(a.Success):
		return episode.Accepted, episode.ByUnknown
	case a.ErrorType == "policy_violation":
		return episode.Rejected, episode.ByRule
	}
	return "", ""
}

// unquoted is the value in a JSON string, or the value itself.
func unquoted(v jsontext.Value) jsontext.Value {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return bytes.TrimSpace(s)
		}
	}
	return v
}

// hrTime is a moment as [seconds, nanoseconds].
func hrTime(v jsontext.Value) time.Time {
	s, _, _ := strings.Cut(strings.Trim(string(v), "[ \n"), ",")
	return lax.ParseTime(strings.TrimSpace(s))
}
