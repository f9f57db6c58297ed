// SPDX-License-Identifier: Apache-2.0

package pi

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What pi writes as the result of a call that was not carried out, or not to its end.
const (
	blocked        = "Tool execution was blocked"
	aborted        = "Operation aborted"
	commandAborted = "Command aborted"
)

// call adds a tool call to a step, and the suggestion that it makes.
func (t *tree) call(on *turn, n int, b *block, at time.Time) {
	t.c.ToolUses++
	st := &on.e.Steps[n]
	args, cut := capture.Arguments(b.Arguments)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(b.ID), Name: string(b.Name), Arguments: args})
	st.Truncated = st.Truncated || cut
	if b.ID == "" || t.calls[string(b.ID)] != nil {
		return
	}
	k := &call{t: on, id: string(b.ID), name: string(b.Name), step: n, suggestion: -1}
	t.calls[k.id] = k
	var in input
	lax.Decode(b.Arguments, &in)
	sg := episode.Suggestion{Path: string(in.Path), ShownAt: at}
	switch b.Name {
	case "edit":
		before, after := []string{string(in.OldText)}, []string{string(in.NewText)}
		if len(in.Edits.V) > 0 && before[0]+after[0] == "" {
			before, after = nil, nil
		}
		for _, e := range in.Edits.V { // the edits of one call are one
			before, after = append(before, string(e.OldText)), append(after, string(e.NewText))
		}
		sg.Kind, sg.Before, sg.After = episode.KindEdit, strings.Join(before, "\n"), strings.Join(after, "\n")
	case "write":
		sg.Kind, sg.After = episode.KindFile, string(in.Content)
	case "bash":
		sg.Kind, sg.Path, sg.After, sg.Language = episode.KindCommand, "", string(in.Command), "shell"
	default:
		return
	}
	k.suggest(sg)
}

func (k *call) suggest(sg episode.Suggestion) {
	if k.t.taken[k.id] {
		return // a hostile file may use the names that we make up
	}
	k.t.taken[k.id] = true
	sg.ID, sg.Step = k.id, k.step
	sg.Truncated = capture.Clip(&sg.Before, &sg.After) || sg.Truncated
	k.suggestion = len(k.t.e.Suggestions)
	k.t.e.Suggestions = append(k.t.e.Suggestions, sg)
}

// result adds what came back for a call, and what it shows of a decision.
func (t *tree) result(r *record) {
	m := &r.Message.V
	t.c.ToolResults++
	if m.IsError {
		t.c.Errors++
	}
	k := t.calls[string(m.ToolCallID)]
	if k == nil || k.done {
		return
	}
	k.done = true
	text := m.Content.text()
	verdict, by := episode.Accepted, episode.ByUnknown
	if m.IsError {
		switch last := strings.TrimSpace(text[max(0, len(text)-64):]); {
		case strings.HasPrefix(text, blocked):
			verdict, by = episode.Rejected, episode.ByHook
		case text == aborted, strings.HasSuffix(last, commandAborted): // after what the command printed until then
			verdict = episode.Cancelled
		default:
			verdict = ""
		}
	}
	st := &k.t.e.Steps[k.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	res := episode.Result{Call: k.id, Content: text, Error: bool(m.IsError) && verdict == ""}
	st.Truncated = capture.Clip(&res.Content) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, res)
	t.decide(k, verdict, by, r.Timestamp.Time)
}

func (t *tree) decide(k *call, v episode.Verdict, by episode.By, at time.Time) {
	if v == "" || k.suggestion < 0 && v == episode.Accepted {
		return
	}
	if k.suggestion < 0 { // something stopped a tool that only looks
		k.suggest(episode.Suggestion{Kind: episode.KindCommand, After: k.name, ShownAt: k.t.e.Steps[k.step].At})
	}
	if k.suggestion < 0 {
		return
	}
	if v == episode.Rejected {
		t.c.Rejections++
	}
	k.t.e.Decisions = append(k.t.e.Decisions, episode.Decision{Suggestion: k.id, Verdict: v, By: by, At: at})
}

// abort cancels what an aborted answer left: the calls that it had begun to write are not carried out. It may have been
// a person's key or a program's call.
func (t *tree) abort(on *turn, n int, at time.Time) {
	t.c.Interrupts++
	st := &on.e.Steps[n]
	for _, c := range st.ToolCalls {
		if k := t.calls[c.ID]; k != nil && k.t == on && k.step == n && !k.done {
			k.done = true
			t.decide(k, episode.Cancelled, episode.ByUnknown, at)
		}
	}
	if len(st.ToolCalls) == 0 && st.Message != "" {
		k := &call{t: on, id: "answer-" + strconv.Itoa(n), step: n, suggestion: -1}
		k.suggest(episode.Suggestion{Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		t.decide(k, episode.Cancelled, episode.ByUnknown, at)
	}
}
