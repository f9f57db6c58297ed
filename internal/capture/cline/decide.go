// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// notApproved is what the SDK answers to a call that nobody let through.
var notApproved = regexp.MustCompile(`^Tool "[^"]*" (was not approved|is disabled by policy)$|^Tool [^ ]+ (was blocked by a runtime hook)$`)

// kind is the kind of suggestion that a tool makes, empty for one that only looks.
func kind(tool string) episode.SuggestionKind {
	switch tool {
	case "write_to_file", "new_rule":
		return episode.KindFile
	case "replace_in_file", "apply_diff", "apply_patch", "edit_file", "insert_content", "search_and_replace", "search_replace", "delete_file", "editor":
		return episode.KindEdit
	case "execute_command", "run_commands":
		return episode.KindCommand
	case "plan_mode_respond", "plan_mode_response":
		return episode.KindPlan
	}
	return ""
}

// suggest adds what a call suggests.
func (t *task) suggest(c *call, input jsontext.Value) {
	var in struct {
		Path     lax.String     `json:"path"`
		File     lax.String     `json:"file_path"`
		Content  lax.String     `json:"content"`
		Diff     lax.String     `json:"diff"`
		Input    lax.String     `json:"input"`
		OldText  lax.String     `json:"old_text"`
		NewText  *lax.String    `json:"new_text"`
		OldStr   lax.String     `json:"old_string"`
		NewStr   lax.String     `json:"new_string"`
		Search   lax.String     `json:"search"`
		Replace  lax.String     `json:"replace"`
		Command  lax.String     `json:"command"`
		Commands jsontext.Value `json:"commands"`
		Line     jsontext.Value `json:"insert_line"`
		Response lax.String     `json:"response"`
	}
	sg := episode.Suggestion{ID: c.id, Step: c.step, Kind: kind(c.name), ShownAt: t.now}
	lax.Decode(input, &in)
	c.what = string(in.Path + in.File)
	switch sg.Kind {
	case episode.KindFile:
		sg.After = string(in.Content)
	case episode.KindEdit:
		if sg.Before, sg.After = blocksOf(string(in.Diff)); sg.Before+sg.After == "" {
			sg.Before = string(in.OldText + in.OldStr + in.Search)
			sg.After = string(in.Content + in.NewStr + in.Replace + in.Input)
		}
		if in.NewText != nil {
			if sg.After = string(*in.NewText); in.OldText == "" && len(in.Line) == 0 {
				sg.Kind = episode.KindFile
			}
		}
	case episode.KindCommand:
		sg.After, sg.Language = string(in.Command)+lines(in.Commands), "shell"
		c.what = sg.After
	case episode.KindPlan:
		sg.After, c.what = string(in.Response), ""
		c.e.Artifacts = append(c.e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", sg.After))
	default:
		return
	}
	if sg.Kind != episode.KindCommand && sg.Kind != episode.KindPlan {
		sg.Path = c.what
	}
	if c.shown = t.ui.find(c); c.shown != nil && !c.shown.at.IsZero() {
		sg.ShownAt = c.shown.at
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	c.suggestion = len(c.e.Suggestions)
	c.e.Suggestions = append(c.e.Suggestions, sg)
}

// lines are the commands of the SDK's tool, one or a list, one a line.
func lines(v jsontext.Value) string {
	if len(v) > 0 && v[0] == '"' {
		return unquote(v)
	}
	var l struct{ L []lax.String }
	if len(v) > 0 && v[0] == '[' {
		lax.Decode(wrap(v), &l)
	}
	var out strings.Builder
	for i, line := range l.L {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(string(line))
	}
	return out.String()
}

// decide records the decision on a call, once. A tool that only looks suggests something only if it was not let.
func (t *task) decide(c *call, v episode.Verdict, by episode.By, reason, final string) {
	if c.decision >= 0 || c.suggestion < 0 && v == episode.Accepted {
		return
	}
	c.decision = len(c.e.Decisions)
	if c.suggestion < 0 {
		c.suggestion = len(c.e.Suggestions)
		c.e.Suggestions = append(c.e.Suggestions, episode.Suggestion{ID: c.id, Step: c.step, Kind: episode.KindCommand, Path: c.what, After: c.name, ShownAt: t.now})
	}
	at := t.now
	if c.shown != nil && c.shown.asked && !c.shown.decided.IsZero() {
		at = c.shown.decided
	}
	sg := &c.e.Suggestions[c.suggestion]
	sg.Truncated = capture.Clip(&reason, &final) || sg.Truncated
	c.e.Decisions = append(c.e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: v, By: by, At: at, Reason: reason, Final: final})
}

// yes is who let a call through. A fork presses its own button where the settings allow.
func (t *task) yes(c *call) episode.By {
	switch {
	case c.shown == nil || c.shown.asked && t.fork:
		return episode.ByUnknown
	case c.shown.asked:
		return episode.ByPerson
	}
	return episode.ByRule
}

// answer adds what came back for a call, and the decision that its words show:
//
//	"The user denied this operation"          rejected by the person, the reason in <feedback>
//	"The user made the following updates to"  modified by the person before it was saved
//	"… due to user rejecting a previous tool" cancelled: nobody looked at this one
//	"… is blocked by the .clineignore file"   rejected by a rule
//	an error                                  says nothing
//	anything else                             accepted, by whom the other file tells
func (t *task) answer(c *call, text string, failed bool) {
	t.c.ToolResults++
	c.closed = true
	st := &c.e.Steps[c.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	feedback, _ := tagged(text, "feedback")
	start := text[:min(len(text), 400)]
	no := notApproved.FindStringSubmatch(text)
	r := episode.Result{Call: c.id, Content: text}
	st.Truncated = capture.Clip(&r.Content) || st.Truncated
	switch {
	case strings.HasPrefix(text, "The user denied this operation"):
		by := episode.ByPerson
		if t.fork && feedback == "" {
			by = episode.ByUnknown // a fork also says so of a command that the settings forbid
		}
		t.reject(c, by, feedback)
	case strings.Contains(start, "is blocked by the .clineignore file"), strings.Contains(start, "is blocked by the .rooignore file"):
		t.reject(c, episode.ByRule, "")
	case no != nil && no[2] != "":
		t.reject(c, episode.ByHook, "")
	case no != nil && no[1] == "is disabled by policy":
		t.reject(c, episode.ByRule, "")
	case no != nil:
		t.reject(c, episode.ByUnknown, "") // the host program was asked, and it may have asked a person
	case strings.Contains(start, "due to user rejecting a previous tool"), strings.HasPrefix(text, "Task was interrupted before this tool call"):
		t.decide(c, episode.Cancelled, episode.ByUnknown, "", "")
	case strings.HasPrefix(text, "The user made the following updates to your content:"):
		t.c.Patches++
		t.decide(c, episode.Modified, episode.ByPerson, feedback, t.final(c, text))
	case failed || strings.HasPrefix(text, "The tool execution failed") || strings.HasPrefix(text, "Error executing ") || strings.HasPrefix(text, "[ERROR]") ||
		strings.HasPrefix(text, "Missing value for required parameter") || strings.Contains(start, "was not executed because a tool has already been used"):
		t.c.Errors++
		r.Error = true
	default:
		if kind(c.name) != episode.KindPlan || strings.HasPrefix(text, "[The user has switched to ACT MODE") {
			t.decide(c, episode.Accepted, t.yes(c), feedback, "")
		}
	}
	st.Observation.Results = append(st.Observation.Results, r)
}

func (t *task) reject(c *call, by episode.By, reason string) {
	t.c.Errors++
	t.c.Rejections++
	if reason != "" {
		t.c.RejectionsWithReason++
	}
	t.decide(c, episode.Rejected, by, reason, "")
}

// final is the text that was in place after the person's changes: of a file that was written as a whole, the whole; of an
// edit, the edit with them.
func (t *task) final(c *call, text string) string {
	if c.suggestion < 0 {
		return ""
	}
	sg := &c.e.Suggestions[c.suggestion]
	if sg.Kind != episode.KindFile {
		_, diff, _ := strings.Cut(text, "\n\n")
		diff, _, _ = strings.Cut(diff, "\n\nThe updated content, which includes")
		return amended(sg.After, diff)
	}
	_, rest, ok := strings.Cut(text, "<final_file_content path=\"")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ">\n")
	if end := strings.LastIndex(rest, "\n</final_file_content>"); end >= 0 {
		return rest[:end]
	}
	return ""
}

// interrupted cancels what was under way when the person pressed stop: the calls of the answer, or else the answer.
func (t *task) interrupted(e *episode.Episode, n int) {
	t.c.Interrupts++
	open := false
	for _, c := range t.open {
		t.decide(c, episode.Cancelled, episode.ByPerson, "", "")
		open = true
	}
	if st := &e.Steps[n]; !open {
		c := &call{e: e, step: n, id: t.unique("answer-" + strconv.Itoa(t.message)), suggestion: len(e.Suggestions), decision: len(e.Decisions)}
		t.calls[c.id] = c
		sg := episode.Suggestion{ID: c.id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated}
		e.Suggestions = append(e.Suggestions, sg)
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: episode.Cancelled, By: episode.ByPerson, At: st.At})
	}
}

// undo marks the edits that a checkpoint, to which the files are back, took away.
func (t *task) undo() {
	if t.ui.undone.IsZero() {
		return
	}
	for _, e := range t.episodes {
		taken := map[string]bool{}
		for i := range e.Decisions {
			d := &e.Decisions[i]
			taken[d.Suggestion] = d.Verdict == episode.Accepted || d.Verdict == episode.Modified
		}
		for i := range e.Suggestions {
			sg := &e.Suggestions[i]
			if taken[sg.ID] && sg.ShownAt.After(t.ui.undone) && (sg.Kind == episode.KindEdit || sg.Kind == episode.KindFile) {
				e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: sg.ID, Kind: episode.OutcomeReverted, Value: 1})
			}
		}
	}
}
