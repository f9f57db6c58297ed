// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// call adds a tool use to a step, and the suggestion that it makes: an edit, a file, a command, a plan. Reading and
// searching suggest nothing, unless somebody stops them.
func (t *turn) call(s *session, step int, b *block, at time.Time) {
	args, cut := capture.Arguments(b.Input)
	st := &t.e.Steps[step]
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(b.ID), Name: string(b.Name), Arguments: args})
	st.Truncated = st.Truncated || cut
	u := use{turn: t, step: step, id: string(b.ID), name: string(b.Name)}
	if Kind(u.name) != "" {
		lax.Decode(b.Input, &u.input)
		t.suggest(&u, at)
		if u.name == "ExitPlanMode" && u.input.Plan != "" {
			t.artifact(string(u.input.Plan))
		}
	}
	s.files.used(&u, b.Input)
	u.input = input{} // held by the suggestion now
	if u.id != "" {
		s.uses[u.id] = u
	}
}

// Kind is the kind of suggestion that one of Claude Code's tools makes, empty for a tool that only looks.
func Kind(tool string) episode.SuggestionKind {
	switch tool {
	case "Edit", "MultiEdit", "NotebookEdit":
		return episode.KindEdit
	case "Write":
		return episode.KindFile
	case "Bash":
		return episode.KindCommand
	case "ExitPlanMode":
		return episode.KindPlan
	}
	return ""
}

// suggest adds the suggestion of a tool use, once, and returns it.
func (t *turn) suggest(u *use, at time.Time) *episode.Suggestion {
	id := u.id
	if i, ok := t.suggested[id]; ok && id != "" {
		return &t.e.Suggestions[i]
	}
	for n := len(t.e.Suggestions); id == ""; n++ { // the record has lost it
		if made := "call-" + strconv.Itoa(n); !has(t.suggested, made) {
			id = made
		}
	}
	in := &u.input
	sg := episode.Suggestion{ID: id, Step: u.step, Kind: Kind(u.name), Path: string(in.FilePath + in.NotebookPath), ShownAt: at}
	switch sg.Kind {
	case episode.KindEdit:
		sg.Before, sg.After = string(in.OldString), string(in.NewString+in.NewSource)
		for _, e := range in.Edits.V { // the edits of one MultiEdit are decided on as one
			sg.Before, sg.After = joined(sg.Before, string(e.OldString)), joined(sg.After, string(e.NewString))
		}
	case episode.KindFile:
		sg.After = string(in.Content)
	case episode.KindPlan:
		sg.After = string(in.Plan)
	case episode.KindCommand:
		sg.After, sg.Language = string(in.Command), "shell"
	default:
		sg.Kind, sg.After = episode.KindCommand, u.name
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	t.suggested[id] = len(t.e.Suggestions)
	t.e.Suggestions = append(t.e.Suggestions, sg)
	return &t.e.Suggestions[len(t.e.Suggestions)-1]
}

// result adds what came back for a tool use, and the decision that it shows. Rejected, interrupted and failed are three
// things, and all three are marked is_error:
//
//   - "The user doesn't want to proceed" is written only when a person presses "No", so it is a person's rejection;
//   - "[Request interrupted by user" is a person's too: cancelled, but in a session that another program leads it is written
//     for the program, so nothing shows a person there;
//   - any other error says nothing of a decision.
//
// A result without an error means that the suggestion was let through, but not by whom. A rule, a mode ("acceptEdits"),
// an earlier "always", a hook or a script that runs the tool look the same in the transcript as a person's "Yes", and
// permissionMode is the mode at the prompt, not at the edit: accepted by unknown. Only the tool's telemetry tells; or what a
// person at a terminal typed along with the "Yes".
//
// It reports whether the suggestion was accepted as it was.
func (t *turn) result(u *use, b *block, r *record) (accepted bool) {
	text := b.Content.text()
	saysNo := bool(b.IsError) && strings.HasPrefix(text, rejected)
	stopped := bool(b.IsError) && strings.Contains(text, interrupted)
	if !t.given {
		st := &t.e.Steps[u.step]
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		res := episode.Result{Call: u.id, Content: text, Error: bool(b.IsError) && !saysNo && !stopped}
		st.Truncated = capture.Clip(&res.Content) || st.Truncated
		st.Observation.Results = append(st.Observation.Results, res)
	}
	if u.decided {
		return false
	}
	done := &r.ToolUseResult
	d := episode.Decision{At: r.Timestamp.Time}
	switch _, suggested := t.suggested[u.id]; {
	case saysNo:
		d.Verdict, d.By = episode.Rejected, r.person()
		if _, reason, ok := strings.Cut(text, userSaid); ok {
			d.Reason = strings.TrimSpace(reason)
			capture.Clip(&d.Reason)
		}
	case stopped:
		d.Verdict, d.By = episode.Cancelled, r.person()
	case bool(b.IsError), !suggested:
		return false
	case bool(done.UserModified): // the person changed it before it was applied
		d.Verdict, d.By, d.Final = episode.Modified, episode.ByPerson, string(done.NewString+done.Content)
		capture.Clip(&d.Final)
	default:
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
		if d.Reason = amendment(&r.Message.Content); d.Reason != "" && r.Entrypoint == "cli" {
			d.By = episode.ByPerson
		}
	}
	if t.given { // the suggestion is out already; where there was none, a person's word on a look around is not worth one
		if _, suggested := t.suggested[u.id]; suggested {
			d.Suggestion = u.id
			t.e.Decisions = append(t.e.Decisions, d)
		}
		return d.Verdict == episode.Accepted
	}
	sg := t.suggest(u, r.Timestamp.Time)
	if sg.Kind == episode.KindFile && sg.Before == "" && done.OriginalFile != "" {
		sg.Before = string(done.OriginalFile)
		sg.Truncated = capture.Clip(&sg.Before) || sg.Truncated
	}
	d.Suggestion = sg.ID
	t.e.Decisions = append(t.e.Decisions, d)
	u.decided = true
	return d.Verdict == episode.Accepted
}

// amendment is what a person typed along with a "Yes": a text beside the one result. What the tool itself puts there is in
// angle brackets.
func amendment(c *content) string {
	results := 0
	for i := range c.Blocks {
		if c.Blocks[i].Type == "tool_result" {
			results++
		}
	}
	text := strings.TrimSpace(c.text())
	if results != 1 || strings.HasPrefix(text, "<") || strings.HasPrefix(text, interrupted) {
		return ""
	}
	capture.Clip(&text)
	return text
}

// interrupt records that a person stopped the agent: what was under way is cancelled. After a "No" the tool writes an
// interrupt as well; that is the same act and decides nothing more.
func (t *turn) interrupt(s *session, by episode.By, at time.Time) {
	cancel := func(id string) {
		t.e.Decisions = append(t.e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: by, At: at})
	}
	n := len(t.e.Steps) - 1
	if n < 0 || t.e.Steps[n].Source != episode.SourceAgent {
		return // nothing had been suggested yet
	}
	st := &t.e.Steps[n]
	if len(st.ToolCalls) == 0 { // stopped while it was answering
		id := "answer-" + t.e.ID
		if i, again := t.suggested[id]; again && t.e.Suggestions[i].Step != n {
			id += "-" + strconv.Itoa(n) // it went on, and was stopped again
		}
		if has(t.suggested, id) {
			return
		}
		t.suggested[id] = len(t.e.Suggestions)
		sg := episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated}
		t.e.Suggestions = append(t.e.Suggestions, sg)
		cancel(id)
		return
	}
	for _, c := range st.ToolCalls {
		u, ok := s.uses[c.ID]
		if !ok || u.decided || answered(st, c.ID) {
			continue
		}
		cancel(t.suggest(&u, st.At).ID)
		u.decided = true
		s.uses[c.ID] = u
	}
}

func has(suggested map[string]int, id string) bool {
	_, ok := suggested[id]
	return ok
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
