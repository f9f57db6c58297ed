// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"cmp"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// call adds a tool call to a step and, where it changes something, the suggestion that it makes.
func (s *session) call(r *record, e *episode.Episode, n int, q request) {
	id := string(q.ToolCallID)
	if id != "" && s.calls[id] != nil {
		return // the same call again
	}
	s.c.ToolUses++
	raw := arguments(q.Arguments)
	args, cut := capture.Arguments(raw)
	st := &e.Steps[n]
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: string(q.Name), Arguments: args})
	st.Truncated = st.Truncated || cut
	if id == "" {
		return
	}
	c := &call{e: e, step: n}
	s.calls[id] = c
	var in input
	lax.Decode(raw, &in)
	if sg := suggested(string(q.Name), &in); sg.Kind != "" {
		sg.ID, sg.Step, sg.ShownAt = id, n, r.Timestamp.Time
		s.suggest(c, sg)
	}
}

func (s *session) suggest(c *call, sg episode.Suggestion) {
	for i := range c.e.Suggestions {
		if c.e.Suggestions[i].ID == sg.ID {
			return
		}
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	c.e.Suggestions = append(c.e.Suggestions, sg)
	c.suggestion = sg.ID
}

// suggested is the suggestion that one of Copilot's tools makes; of no kind for a tool that only looks.
func suggested(tool string, in *input) (sg episode.Suggestion) {
	sg.Path = string(cmp.Or(in.Path, in.FilePath, in.File))
	switch tool {
	case "edit", "str_replace", "str_replace_editor", "replace_string_in_file", "multi_replace_string_in_file", "insert", "insert_edit_into_file", "edit_notebook_file":
		sg.Kind = episode.KindEdit
		sg.Before, sg.After = string(cmp.Or(in.OldStr, in.OldString)), string(cmp.Or(in.NewStr, in.NewString, in.InsertText, in.Code))
	case "create", "create_file", "write":
		sg.Kind, sg.After = episode.KindFile, string(cmp.Or(in.FileText, in.Content))
	case "apply_patch":
		sg.Kind = episode.KindEdit
		sg.Path, sg.Before, sg.After = capture.Unpatch(string(cmp.Or(in.Input, in.Patch)))
	case "bash", "shell", "powershell", "run_in_terminal", "local_shell":
		sg.Kind, sg.Path, sg.Language, sg.After = episode.KindCommand, "", "shell", string(cmp.Or(in.Command, in.Input))
	case "exit_plan_mode":
		sg.Kind, sg.Path, sg.After = episode.KindPlan, "", string(in.Summary)
	}
	return sg
}

// result adds what came back for a call. That it went through says that it was let, and not by whom.
func (s *session) result(r *record, d *data) {
	s.c.ToolResults++
	if !d.Success {
		s.c.Errors++
	}
	c := s.calls[string(d.ToolCallID)]
	if c == nil || c.answered {
		return
	}
	c.answered = true
	st := &c.e.Steps[c.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	text := string(cmp.Or(d.Result.V.Content, d.Error.V.Message))
	refused := c.decided && c.verdict(string(d.ToolCallID)) != episode.Accepted
	res := episode.Result{Call: string(d.ToolCallID), Content: text, Error: !bool(d.Success) && !refused && d.Error.V.Code != "denied" && d.Error.V.Code != "rejected"}
	st.Truncated = capture.Clip(&res.Content) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, res)
	switch {
	case bool(d.Success):
		s.decide(r, string(d.ToolCallID), episode.Accepted, episode.ByUnknown, "")
	case d.Error.V.Code == "denied":
		s.decide(r, string(d.ToolCallID), episode.Rejected, episode.ByRule, "")
	case d.Error.V.Code == "rejected":
		s.decide(r, string(d.ToolCallID), episode.Rejected, episode.ByUnknown, "")
	}
}

func (c *call) verdict(id string) episode.Verdict {
	for i := range c.e.Decisions {
		if c.e.Decisions[i].Suggestion == id {
			return c.e.Decisions[i].Verdict
		}
	}
	return ""
}

// permissionAsked notes that somebody, or some rule, is about to decide on a call.
func (s *session) permissionAsked(d *data) {
	if id := cmp.Or(string(d.PermissionRequest.V.ToolCallID), string(d.ToolCallID)); id != "" {
		s.asked[string(d.RequestID)] = id
		if c := s.calls[id]; c != nil {
			c.asked = true
		}
	}
}

// permissionAnswered records the decision that the answer to a permission is. Only with the question before it is a "yes"
// known to be a person's: without one, a rule has let it through.
func (s *session) permissionAnswered(r *record, d *data) {
	id := s.asked[string(d.RequestID)]
	requested := id != ""
	if id == "" {
		id = string(d.ToolCallID)
	}
	verdict, by := permitted(string(d.Result.V.Kind), requested)
	if d.DecisionSource != "" && d.DecisionSource != "human_response" && by == episode.ByPerson {
		by = episode.ByUnknown // since 1.0.102 it says who answered
	}
	if verdict == "" || s.calls[id] == nil {
		return
	}
	reason := string(d.Result.V.Feedback)
	if verdict == episode.Rejected && by == episode.ByPerson {
		if s.c.Rejections++; reason != "" {
			s.c.RejectionsWithReason++
		}
	}
	s.decide(r, id, verdict, by, reason)
}

// permitted is what a permission's result means.
func permitted(kind string, requested bool) (episode.Verdict, episode.By) {
	by := episode.ByPerson
	if !requested {
		by = episode.ByUnknown
	}
	switch {
	case kind == "approved", strings.HasPrefix(kind, "approved-for-"):
		return episode.Accepted, by
	case kind == "denied-interactively-by-user":
		return episode.Rejected, episode.ByPerson
	case kind == "denied-by-permission-request-hook":
		return episode.Rejected, episode.ByHook
	case kind == "denied-by-rules", kind == "denied-by-content-exclusion-policy":
		return episode.Rejected, episode.ByRule
	case kind == "cancelled", strings.HasPrefix(kind, "denied-no-approval-rule"):
		return episode.Cancelled, episode.ByUnknown
	}
	return "", ""
}

// decide records a decision on a call, once. What only looks becomes a suggestion if somebody said no to it.
func (s *session) decide(r *record, id string, verdict episode.Verdict, by episode.By, reason string) {
	c := s.calls[id]
	if c == nil || c.decided {
		return
	}
	if c.suggestion == "" {
		if verdict == episode.Accepted {
			return
		}
		name := ""
		for _, t := range c.e.Steps[c.step].ToolCalls {
			if t.ID == id {
				name = t.Name
			}
		}
		s.suggest(c, episode.Suggestion{ID: id, Step: c.step, Kind: episode.KindCommand, After: name, ShownAt: c.e.Steps[c.step].At})
	}
	c.decided = true
	capture.Clip(&reason)
	c.e.Decisions = append(c.e.Decisions, episode.Decision{Suggestion: c.suggestion, Verdict: verdict, By: by, At: r.Timestamp.Time, Reason: reason})
}

// plan keeps the plan that the agent wrote, and suggests it where it asks to go on with it.
func (s *session) plan(r *record, d *data) {
	text := string(cmp.Or(d.PlanContent, d.Plan))
	if text == "" {
		return
	}
	e := s.current()
	if e == nil {
		e, _ = s.agent(r)
	}
	s.artifact(e, episode.ArtifactPlan, "plan", text)
	if r.Type != "exit_plan_mode.requested" || d.RequestID == "" {
		return
	}
	id := "plan-" + string(d.RequestID)
	if s.calls[id] == nil {
		s.calls[id] = &call{e: e, step: -1, asked: true}
		s.suggest(s.calls[id], episode.Suggestion{ID: id, Step: -1, Kind: episode.KindPlan, After: text, ShownAt: r.Timestamp.Time})
	}
}

// planned records the person's choice on a plan.
func (s *session) planned(r *record, d *data) {
	verdict := episode.Rejected
	if d.Approved {
		verdict = episode.Accepted
	}
	if id := "plan-" + string(d.RequestID); s.calls[id] != nil {
		s.decide(r, id, verdict, episode.ByPerson, string(d.Feedback))
	}
}

// abort cancels what was under way: the calls without a result, or else the answer.
func (s *session) abort(r *record) {
	s.c.Interrupts++
	e := s.current()
	if e == nil || len(e.Steps) == 0 {
		return
	}
	by := episode.ByUnknown
	if r.Data.V.Reason == "user_initiated" || r.Data.V.Reason == "user initiated" {
		by = episode.ByPerson
	}
	n := len(e.Steps) - 1
	st := &e.Steps[n]
	for _, t := range st.ToolCalls {
		if c := s.calls[t.ID]; c != nil && !c.answered && !c.decided {
			s.decide(r, t.ID, episode.Cancelled, by, "")
		}
	}
	for i := range e.Decisions { // the question was open: its answer says no more than that it was cancelled
		if d := &e.Decisions[i]; d.Verdict == episode.Cancelled && d.By == episode.ByUnknown && s.calls[d.Suggestion] != nil && !s.calls[d.Suggestion].answered {
			d.By = by
		}
	}
	if st.Source == episode.SourceAgent && len(st.ToolCalls) == 0 {
		id := "answer-" + e.ID
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		for i := range e.Suggestions[:len(e.Suggestions)-1] {
			if e.Suggestions[i].ID == id { // aborted once before
				e.Suggestions = e.Suggestions[:len(e.Suggestions)-1]
				return
			}
		}
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: by, At: r.Timestamp.Time})
	}
}
