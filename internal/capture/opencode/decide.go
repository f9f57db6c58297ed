// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What OpenCode writes as the error of a call that was not carried out; it has no field for it.
const (
	refused  = "The user rejected permission to use this specific tool call"
	feedback = "with the following feedback:"
	ruledOut = "The user has specified a rule which prevents you from using this specific tool call"
	aborted1 = "Tool execution aborted"
)

// tool files a tool call of a step with its result and what it shows of a decision; it reports whether it was cancelled.
func (s *session) tool(p *part, n int, aborted bool) (cancelled bool) {
	s.c.ToolUses++
	st := &s.e.Steps[n]
	state := &p.State.V
	id := string(p.CallID)
	args, cut := capture.Arguments(state.Input)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: string(p.Tool), Arguments: args})
	began, ended := state.Time.V.Start.Time, state.Time.V.End.Time
	s.until(began)
	s.until(ended)
	sg, suggests := suggestion(p)
	sg.ID, sg.Step, sg.ShownAt = id, n, began
	suggests = suggests && s.suggest(sg)

	text, done := state.Output, false
	verdict, by, reason := episode.Verdict(""), episode.ByUnknown, ""
	switch state.Status {
	case "completed", "success":
		done, verdict = true, episode.Accepted
	case "error":
		done, text = true, state.Error+state.Output
		switch words := strings.TrimPrefix(string(state.Error), "Error: "); {
		case strings.HasPrefix(words, refused):
			verdict = episode.Rejected
			if _, said, ok := strings.Cut(words, feedback); ok { // nobody but a person types a reason
				by, reason = episode.ByPerson, strings.TrimSpace(said)
			}
		case strings.HasPrefix(words, ruledOut):
			verdict, by = episode.Rejected, episode.ByRule
		case strings.HasPrefix(words, aborted1):
			verdict = episode.Cancelled
		}
	default: // pending, running
		if aborted {
			verdict = episode.Cancelled
		}
	}
	if done {
		s.result(st, id, string(text), state.Status == "error", verdict)
	}
	st.Truncated = st.Truncated || cut
	if !suggests && (verdict == episode.Rejected || verdict == episode.Cancelled) { // somebody stopped a tool that only looks
		suggests = s.suggest(episode.Suggestion{ID: id, Step: n, Kind: episode.KindCommand, After: string(p.Tool), ShownAt: began})
	}
	if suggests && verdict != "" {
		s.decide(id, verdict, by, reason, ended)
		if verdict == episode.Accepted && (sg.Kind == episode.KindEdit || sg.Kind == episode.KindFile) {
			s.applied = append(s.applied, id)
		}
	}
	return verdict == episode.Cancelled
}

func (s *session) result(st *episode.Step, id, text string, failed bool, v episode.Verdict) {
	s.c.ToolResults++
	if failed {
		s.c.Errors++
	}
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Truncated = capture.Clip(&text) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, episode.Result{Call: id, Content: text, Error: failed && v == ""})
}

// suggest adds a suggestion where its id is free.
func (s *session) suggest(sg episode.Suggestion) bool {
	if sg.ID == "" || s.taken[sg.ID] {
		return false
	}
	s.taken[sg.ID] = true
	sg.Truncated = capture.Clip(&sg.Before, &sg.After) || sg.Truncated
	s.e.Suggestions = append(s.e.Suggestions, sg)
	return true
}

func (s *session) decide(id string, v episode.Verdict, by episode.By, reason string, at time.Time) {
	if v == episode.Rejected {
		if s.c.Rejections++; reason != "" {
			s.c.RejectionsWithReason++
		}
	}
	capture.Clip(&reason)
	s.e.Decisions = append(s.e.Decisions, episode.Decision{Suggestion: id, Verdict: v, By: by, At: at, Reason: reason})
}

// suggestion is what a call suggests; ok is false for a tool that only looks.
func suggestion(p *part) (sg episode.Suggestion, ok bool) {
	var in input
	lax.Decode(p.State.V.Input, &in)
	diff := &p.State.V.Metadata.V.FileDiff.V
	sg.Path = string(in.FilePath)
	switch p.Tool {
	case "edit", "multiedit":
		before, after := []string{string(in.OldString)}, []string{string(in.NewString + in.Content)}
		if len(in.Edits.V) > 0 && before[0]+after[0] == "" {
			before, after = nil, nil
		}
		for _, e := range in.Edits.V { // the edits of one call are decided on as one
			before, after = append(before, string(e.OldString)), append(after, string(e.NewString))
		}
		sg.Kind, sg.Before, sg.After = episode.KindEdit, strings.Join(before, "\n"), strings.Join(after, "\n")
	case "patch", "apply_patch":
		sg.Kind = episode.KindEdit
		sg.Path, sg.Before, sg.After = capture.Unpatch(string(in.PatchText))
	case "write":
		sg.Kind, sg.After, sg.Before = episode.KindFile, string(in.Content), string(diff.Before)
	case "bash":
		sg.Kind, sg.After, sg.Language = episode.KindCommand, string(in.Command), "shell"
	}
	return sg, sg.Kind != ""
}
