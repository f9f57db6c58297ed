// SPDX-License-Identifier: Apache-2.0

package droid

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// result adds what came back for a call, and what it shows of a decision.
func (s *session) result(id, text string, failed bool, at time.Time) {
	s.c.ToolResults++
	if failed {
		s.c.Errors++
	}
	if s.e == nil || s.calls[id] == nil {
		return
	}
	k := s.calls[id]
	verdict := episode.Verdict("")
	if failed {
		verdict = refusal(text)
	} else if !unapplied(text) {
		verdict = episode.Accepted
	}
	st := &s.e.Steps[k.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	res := episode.Result{Call: id, Content: text, Error: failed && verdict == ""}
	st.Truncated = capture.Clip(&res.Content) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, res)
	if k.decided || verdict == "" || k.suggestion < 0 && verdict == episode.Accepted {
		return
	}
	if k.suggestion < 0 { // somebody stopped a tool that only looks
		s.suggest(k, episode.Suggestion{Kind: episode.KindCommand, After: k.name, ShownAt: st.At})
	}
	k.decided = true
	by := episode.ByUnknown
	switch {
	case verdict == episode.Rejected:
		s.c.Rejections++
		if s.headless {
			by = episode.ByRule
		}
	case verdict == episode.Cancelled:
		s.c.Interrupts++
	case s.headless:
		by = episode.ByRule
	}
	s.e.Decisions = append(s.e.Decisions, episode.Decision{Suggestion: k.id, Verdict: verdict, By: by, At: at})
}

// refusal is what the words of an error show: it begins so only where the tool itself wrote it, not a command.
func refusal(text string) episode.Verdict {
	text = strings.ToLower(strings.TrimPrefix(text[:min(len(text), 200)], "Error: "))
	for _, no := range [...]string{"tool execution rejected by user", "user rejected", "rejected by user", "permission denied by user", "insufficient permission to proceed"} {
		if strings.HasPrefix(text, no) {
			return episode.Rejected
		}
	}
	for _, stopped := range [...]string{"tool execution cancelled", "user cancelled", "cancelled by user", "request cancelled", "[request interrupted"} {
		if strings.HasPrefix(text, stopped) {
			return episode.Cancelled
		}
	}
	return ""
}

// unapplied reports whether a result that is no error says all the same that nothing was applied.
func unapplied(text string) bool {
	var r struct {
		Success *lax.Bool `json:"success"`
	}
	return strings.HasPrefix(text, "{") && lax.Decode([]byte(text), &r) && r.Success != nil && !bool(*r.Success)
}

// input is what the tools that suggest something take.
type input struct {
	FilePath  lax.String          `json:"file_path"`
	OldStr    lax.String          `json:"old_str"`
	NewStr    lax.String          `json:"new_str"`
	OldString lax.String          `json:"old_string"`
	NewString lax.String          `json:"new_string"`
	Content   lax.String          `json:"content"`
	Command   lax.String          `json:"command"`
	Input     lax.String          `json:"input"`
	Plan      lax.String          `json:"plan"`
	Edits     lax.List[oneOfMany] `json:"edits"`
	Changes   lax.List[oneOfMany] `json:"changes"`
}

type oneOfMany struct {
	OldStr    lax.String `json:"old_str"`
	NewStr    lax.String `json:"new_str"`
	OldString lax.String `json:"old_string"`
	NewString lax.String `json:"new_string"`
}

// suggestion is what a call suggests; ok is false for a tool that only looks.
func suggestion(tool string, raw jsontext.Value) (sg episode.Suggestion, ok bool) {
	var in input
	lax.Decode(raw, &in)
	sg.Path = string(in.FilePath)
	switch tool {
	case "Edit", "MultiEdit":
		before, after := []string{string(in.OldStr + in.OldString)}, []string{string(in.NewStr + in.NewString)}
		many := append(in.Edits.V, in.Changes.V...)
		if len(many) > 0 && before[0]+after[0] == "" {
			before, after = nil, nil
		}
		for _, e := range many { // the edits of one call are decided on as one
			before, after = append(before, string(e.OldStr+e.OldString)), append(after, string(e.NewStr+e.NewString))
		}
		sg.Kind, sg.Before, sg.After = episode.KindEdit, strings.Join(before, "\n"), strings.Join(after, "\n")
	case "ApplyPatch":
		sg.Kind = episode.KindEdit
		sg.Path, sg.Before, sg.After = capture.Unpatch(string(in.Input))
	case "Create", "Write":
		sg.Kind, sg.After = episode.KindFile, string(in.Content)
	case "Execute", "Shell", "Bash":
		sg.Kind, sg.After, sg.Language = episode.KindCommand, string(in.Command), "shell"
	case "ExitSpecMode":
		sg.Kind, sg.After = episode.KindPlan, string(in.Plan)
	}
	return sg, sg.Kind != ""
}
