// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What the tool writes as the result of a call that was not made. A person's answer in the dialog has words of its own,
// so has a rule that forbids; any other stop, such as Escape while the call runs, is a cancellation.
const (
	notAllowed   = "User did not allow tool call"
	denied       = "User denied execution" // since 0.61
	byPolicy     = "denied by policy"
	planRejected = "Plan rejected."
	userFeedback = "User feedback: "
	stopped      = "Request cancelled."
)

// arguments are those of all the tools that suggest something.
type arguments struct {
	FilePath lax.String `json:"file_path"`
	Old      lax.String `json:"old_string"`
	New      lax.String `json:"new_string"`
	Content  lax.String `json:"content"`
	Command  lax.String `json:"command"`
	PlanPath lax.String `json:"plan_path"`
	PlanFile lax.String `json:"plan_filename"`
	Plan     lax.String `json:"plan"`
	// A person who changed the proposal in an editor has it written here; what the model proposed is kept beside it.
	Modified lax.Bool   `json:"modified_by_user"`
	Proposed lax.String `json:"ai_proposed_content"`
}

// suggest makes the suggestion of a call, without a kind where the tool only looks, and the text that a person made of
// it, where one did.
func suggest(name string, raw jsontext.Value) (sg episode.Suggestion, final string, modified bool) {
	var in arguments
	lax.Decode(raw, &in)
	modified = bool(in.Modified)
	switch name {
	case "replace", "edit":
		sg.Kind, sg.Before, sg.After, final = episode.KindEdit, string(in.Old), string(in.New), string(in.New)
	case "write_file":
		sg.Kind, sg.After, final = episode.KindFile, string(in.Content), string(in.Content)
	case "run_shell_command":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", string(in.Command)
	case "exit_plan_mode":
		sg.Kind, sg.Path, sg.After = episode.KindPlan, string(in.PlanPath+in.PlanFile), string(in.Plan)
	}
	if in.FilePath != "" {
		sg.Path = string(in.FilePath)
	}
	if modified {
		sg.After = string(in.Proposed)
	} else {
		final = ""
	}
	return sg, final, modified
}

// call adds a call to the last step of an episode, with what came back and what it shows of a decision.
func (ch *chat) call(e *episode.Episode, tc *toolCall, at time.Time) {
	ch.c.ToolUses++
	n := len(e.Steps) - 1
	st := &e.Steps[n]
	id := string(tc.ID)
	if id == "" {
		id = "call-" + strconv.Itoa(ch.c.ToolUses)
	}
	if !tc.Timestamp.IsZero() {
		at = tc.Timestamp.Time
	}
	args, cut := capture.Arguments(tc.Args)
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: string(tc.Name), Arguments: args})
	sg, final, modified := suggest(string(tc.Name), tc.Args)
	sg.ID, sg.Step, sg.ShownAt = id, n, at
	changed := &tc.Display.V
	if changed.FileDiff != "" {
		ch.c.Patches++
	}
	switch sg.Kind {
	case episode.KindFile:
		sg.Before = string(changed.OriginalContent)
		ch.plan(e, &sg)
	case episode.KindPlan:
		if sg.After == "" {
			sg.After = ch.plans[sg.Path]
		}
	}
	if !modified && changed.DiffStat.V.changed() { // changed in an editor that shows the proposal as a diff
		modified = true
		if sg.Kind == episode.KindFile {
			final = string(changed.NewContent)
		}
	}
	d := ch.result(st, id, tc)
	d.Suggestion, d.At = id, at
	switch {
	case sg.Kind == "" && (d.Verdict == "" || d.Verdict == episode.Accepted):
		return // it only looked, or nobody knows what it does
	case sg.Kind == "":
		sg.Kind, sg.After = episode.KindCommand, string(tc.Name)
	case d.Verdict == episode.Accepted && modified:
		d.Verdict, d.By, d.Final = episode.Modified, episode.ByPerson, final
	}
	for i := range e.Suggestions {
		if e.Suggestions[i].ID == id {
			return
		}
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After, &d.Final)
	e.Suggestions = append(e.Suggestions, sg)
	if d.Verdict != "" {
		e.Decisions = append(e.Decisions, d)
	}
}

// result adds what came back for a call, and returns what it shows of a decision: nothing where the call failed, or is
// still under way.
func (ch *chat) result(st *episode.Step, id string, tc *toolCall) (d episode.Decision) {
	text := tc.Result.text()
	res := episode.Result{Call: id, Content: text}
	switch tc.Status {
	case "success":
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
		if tc.Name == "exit_plan_mode" && strings.HasPrefix(text, planRejected) { // only a person is asked
			d.Verdict, d.By = episode.Rejected, episode.ByPerson
			if _, reason, ok := strings.Cut(text, userFeedback); ok {
				d.Reason, _, _ = strings.Cut(reason, "\n\n")
			}
		}
	case "error":
		ch.c.Errors++
		if strings.Contains(text, byPolicy) {
			d.Verdict, d.By = episode.Rejected, episode.ByRule
		} else {
			res.Error = true
		}
	case "cancelled":
		d.Verdict, d.By = episode.Cancelled, episode.ByUnknown
		if strings.Contains(text, notAllowed) || strings.Contains(text, denied) {
			ch.c.Errors++
			d.Verdict, d.By = episode.Rejected, episode.ByPerson
		}
	default:
		return d
	}
	ch.c.ToolResults++
	if d.Verdict == episode.Rejected {
		ch.c.Rejections++
		if d.Reason != "" {
			ch.c.RejectionsWithReason++
		}
	}
	st.Truncated = capture.Clip(&res.Content, &d.Reason) || st.Truncated
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Observation.Results = append(st.Observation.Results, res)
	return d
}

// plan keeps a plan that the model wrote: an artifact, and the text of the plan that is put before the person later.
func (ch *chat) plan(e *episode.Episode, sg *episode.Suggestion) {
	file := strings.ReplaceAll(sg.Path, `\`, "/")
	dir, name, ok := strings.Cut(file, "/plans/")
	if !ok || !strings.Contains(dir, ".gemini") || !strings.HasSuffix(name, ".md") || sg.After == "" {
		return
	}
	ch.plans[sg.Path], ch.plans[name] = sg.After, sg.After
	e.Artifacts = append(e.Artifacts, capture.Artifact(episode.ArtifactPlan, name, sg.After))
}

// notice adds what the tool itself told the person. Only the terminal writes that a request was cancelled, for a person
// who pressed Escape: what was under way then is cancelled.
func (ch *chat) notice(m *message) {
	e := ch.last
	if e == nil {
		return
	}
	text := m.Content.text()
	if m.who() == "info" && strings.HasPrefix(text, stopped) {
		ch.c.Interrupts++
		cancel(e, m.at().Time)
	}
	cut := capture.Clip(&text)
	e.Steps = append(e.Steps, episode.Step{At: m.at().Time, Source: episode.SourceSystem, Message: text, Truncated: cut})
}

// cancel says that a person stopped what was under way: calls that nothing came back for, or else the answer.
func cancel(e *episode.Episode, at time.Time) {
	n := len(e.Steps) - 1
	if n < 0 || e.Steps[n].Source != episode.SourceAgent {
		return // nothing had been suggested yet
	}
	st := &e.Steps[n]
	stop := func(id string) {
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: episode.ByPerson, At: at})
	}
	if len(st.ToolCalls) == 0 && st.Message != "" {
		id := "answer-" + strconv.Itoa(n)
		for slices.ContainsFunc(e.Suggestions, func(sg episode.Suggestion) bool { return sg.ID == id }) {
			id += "'"
		}
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		stop(id)
		return
	}
	for i := range e.Suggestions {
		if sg := &e.Suggestions[i]; sg.Step == n && !answered(st, sg.ID) {
			stop(sg.ID)
		}
	}
}

func answered(st *episode.Step, call string) bool {
	if st.Observation == nil {
		return false
	}
	for i := range st.Observation.Results {
		if st.Observation.Results[i].Call == call {
			return true
		}
	}
	return false
}
