// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// arguments are those of all the tools that suggest something; names differ between the tool's own and those of the models
// that came from Cursor.
type arguments struct {
	FilePath lax.String `json:"file_path"`
	Path     lax.String `json:"path"`
	Target   lax.String `json:"target_file"`
	Old      lax.String `json:"old_string"`
	New      lax.String `json:"new_string"`
	Content  lax.String `json:"content"`
	Contents lax.String `json:"contents"`
	Command  lax.String `json:"command"`
	Plan     lax.String `json:"plan"`
}

// suggestion is what a tool suggests; empty where it only looks, or we do not know it.
func suggestion(name, kind string) episode.SuggestionKind {
	switch name {
	case "search_replace", "StrReplace", "str_replace", "edit_file", "Edit", "MultiEdit", "apply_patch":
		return episode.KindEdit
	case "write", "Write", "write_file", "create_file":
		return episode.KindFile
	case "run_terminal_cmd", "run_terminal_command", "Shell", "Bash", "bash":
		return episode.KindCommand
	case "exit_plan_mode", "ExitPlanMode", "CreatePlan":
		return episode.KindPlan
	}
	switch kind { // of the Agent Client Protocol
	case "edit":
		return episode.KindEdit
	case "execute":
		return episode.KindCommand
	}
	return ""
}

func (cl *call) suggest() episode.Suggestion {
	var in arguments
	lax.Decode(cl.input, &in)
	sg := episode.Suggestion{ID: cl.id, Step: cl.step, Kind: suggestion(cl.name, cl.kind), ShownAt: cl.at}
	switch sg.Kind {
	case episode.KindEdit, episode.KindFile:
		sg.Path, sg.Before, sg.After = string(in.FilePath+in.Path+in.Target), string(in.Old), string(in.New+in.Content+in.Contents)
		if sg.Kind == episode.KindEdit && in.Old == "" && in.New == "" && in.Content+in.Contents != "" {
			sg.Kind = episode.KindFile
		}
		for i, d := range cl.diffs { // the whole of it, where the arguments do not tell
			if i == 0 && sg.Path == "" {
				sg.Path = string(d.Path)
			}
			if in.Old+in.New+in.Content+in.Contents == "" {
				sg.Before, sg.After = sg.Before+string(d.Old), sg.After+string(d.New)
			} else if sg.Kind == episode.KindFile && sg.Before == "" {
				sg.Before = string(d.Old)
			}
		}
	case episode.KindCommand:
		sg.Language, sg.After = "shell", string(in.Command)
	case episode.KindPlan:
		sg.After = string(in.Plan)
	}
	return sg
}

// settle joins the answers to the calls, and makes steps, suggestions and decisions of the calls as they stand.
func (s *session) settle() {
	s.flush()
	s.join()
	for _, cl := range s.order {
		s.settleCall(cl)
	}
	for _, t := range s.turns {
		t.settle(s.calls)
	}
}

// join finds the call that each answer is for: by its id, or else the first of that tool's, in the prompt that was under
// way at the time, that has no answer yet. Both logs are in the order of time.
func (s *session) join() {
	const skew = 2 * time.Second // between the two logs
	type queue struct {
		t    *turn
		tool string
	}
	waiting := map[queue][]*call{}
	for _, cl := range s.order {
		for _, t := range [...]*turn{cl.t, nil} { // nil: where there are no times
			waiting[queue{t, cl.name}] = append(waiting[queue{t, cl.name}], cl)
		}
	}
	n := -1
	for _, a := range s.answers {
		if cl := s.calls[a.call]; a.call != "" && cl != nil && cl.answer == nil {
			cl.answer = a
			continue
		}
		until := a.asked.Add(skew)
		for n+1 < len(s.turns) && !a.asked.IsZero() && !s.turns[n+1].e.StartedAt.IsZero() && !s.turns[n+1].e.StartedAt.After(until) {
			n++
		}
		q := queue{nil, a.tool}
		if n >= 0 {
			q.t = s.turns[n]
		}
		for len(waiting[q]) > 0 && waiting[q][0].answer != nil {
			waiting[q] = waiting[q][1:]
		}
		if len(waiting[q]) > 0 && !waiting[q][0].at.After(until) {
			waiting[q][0].answer = a
		}
	}
}

// settleCall fills in a call's place in its step, what came back, and what was decided.
func (s *session) settleCall(cl *call) {
	e := cl.t.e
	st := &e.Steps[cl.step]
	args, cut := capture.Arguments(cl.input)
	tc := &st.ToolCalls[cl.place]
	tc.Name, tc.Arguments = cl.name, args
	st.Truncated = st.Truncated || cut
	d := cl.decide()
	if cl.status != "" {
		s.c.ToolResults++
		r := episode.Result{Call: cl.id, Content: cl.result, Error: cl.status == "failed" && (d.Verdict == "" || d.Verdict == episode.Accepted)}
		if cl.status == "failed" {
			s.c.Errors++
		}
		st.Truncated = capture.Clip(&r.Content) || st.Truncated
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		st.Observation.Results = append(st.Observation.Results, r)
	}
	if d.Verdict == episode.Rejected {
		if s.c.Rejections++; d.Reason != "" {
			s.c.RejectionsWithReason++
		}
	}
	if len(cl.diffs) > 0 {
		s.c.Patches++
	}
	sg := cl.suggest()
	switch {
	case sg.Kind != "":
	case d.Verdict == "" || d.Verdict == episode.Accepted:
		return // it only looked
	default:
		sg.Kind, sg.After = episode.KindCommand, cl.name
	}
	if cl.answer != nil {
		sg.DwellMS = cl.answer.waitMS
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	e.Suggestions = append(e.Suggestions, sg)
	if d.Verdict != "" {
		capture.Clip(&d.Reason)
		d.Suggestion = sg.ID
		e.Decisions = append(e.Decisions, d)
	}
}

// What the tool writes as the result of a call that was not made. That the user cancelled it, it also says where there is
// none: it is the same word for every request that found nobody to ask.
const (
	notExecuted   = "was not executed: "
	userCancelled = "User cancelled the execution for tool"
	cancelledBy   = "Tool execution was cancelled by the user"
	elected       = "The user elected to avoid running"
	abandoned     = "The user chose to abandon the plan"
)

// decide is what is known of the decision on a call: by the answer to its request, by what the tool wrote as its result,
// or by its having been carried out.
func (cl *call) decide() (d episode.Decision) {
	d.At = cl.at
	text := cl.result[:min(len(cl.result), 300)]
	if a := cl.answer; a != nil {
		d.Verdict, d.By = a.verdict()
		if !a.at.IsZero() {
			d.At = a.at
		}
		if a.decision == "followup" {
			d.Reason = cl.t.wroteNext()
		}
	}
	refused := d.Verdict == episode.Rejected && d.By == episode.ByUnknown
	switch {
	case (d.Verdict == "" || refused) && strings.HasPrefix(text, "Tool `") && strings.Contains(text, notExecuted):
		d.Verdict, d.By = episode.Rejected, episode.ByRule
	case d.Verdict == episode.Accepted && strings.HasPrefix(text, abandoned), d.Verdict == "" && strings.HasPrefix(text, abandoned):
		d.Verdict, d.By = episode.Rejected, episode.ByPerson
	case d.Verdict != "":
	case strings.HasPrefix(text, elected): // in words of their own
		d.Verdict, d.By, d.Reason = episode.Rejected, episode.ByPerson, cl.t.wroteNext()
	case strings.HasPrefix(text, userCancelled), strings.HasPrefix(text, cancelledBy):
		d.Verdict, d.By = episode.Cancelled, episode.ByUnknown
	case cl.status == "completed":
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
	}
	if cl.status == "" && cl.t.stopped && (d.Verdict == "" || d.Verdict == episode.Accepted && d.By != episode.ByPerson) {
		d.Verdict, d.By = episode.Cancelled, cl.t.by // let through, and stopped while it ran
	}
	if d.Verdict == episode.Cancelled && cl.t.by == episode.ByPerson { // a key was pressed
		d.By = episode.ByPerson
	}
	return d
}

// wroteNext is what the person wrote next.
func (t *turn) wroteNext() string {
	if t.next == nil {
		return ""
	}
	return query(t.next.wrote.String())
}

// settle ends a turn that was stopped while the agent was answering: the answer is cancelled.
func (t *turn) settle(calls map[string]*call) {
	n := len(t.e.Steps) - 1
	st := &t.e.Steps[n]
	if !t.stopped || st.Source != episode.SourceAgent || len(st.ToolCalls) > 0 || st.Message == "" || strings.HasPrefix(t.category, "permission") {
		return
	}
	id := "answer-" + strconv.Itoa(n)
	for calls[id] != nil {
		id += "'"
	}
	sg := episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At}
	sg.Truncated = capture.Clip(&sg.After)
	t.e.Suggestions = append(t.e.Suggestions, sg)
	t.e.Decisions = append(t.e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: episode.Cancelled, By: t.by, At: t.e.EndedAt})
}
