// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
)

// reaction is the least time in which a person reads a question and answers it; what is sooner is a program's answer.
const reaction = 300 * time.Millisecond

// asked is a permission that OpenCode asks for, with the call that it is about: in an object of its own, in older versions
// not.
func (p *part) asked() bool {
	ev := p.ev
	call, name := first(object(ev.raw["tool"]), "callid"), ev.str("permission")
	if call == "" {
		call = ev.str("callid")
	}
	if p.mark.Key = ev.turn; call == "" || p.mark.Key == "" {
		return false
	}
	p.step.Source = episode.SourceAgent
	p.step.ToolCalls = []episode.ToolCall{{ID: call, Name: name}}
	return true
}

// inTime are the places of steps in the order of their times.
func inTime(steps []episode.Step) []int {
	places := make([]int, len(steps))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return steps[a].At.Compare(steps[b].At) })
	return places
}

// answers adds a decision for each permission that was asked for and answered, and a suggestion to decide on: what it holds
// is the history's to tell.
func answers(e *episode.Episode) {
	asked := map[string]*episode.Step{}
	for i := range e.Steps {
		if m := read(&e.Steps[i]); m.Reply == "" && m.Key != "" && (m.Event == "permission.asked" || m.Event == "permission.updated") && len(e.Steps[i].ToolCalls) == 1 {
			asked[m.Key] = &e.Steps[i]
		}
	}
	last := map[string]time.Time{} // when a person said so
	for _, i := range inTime(e.Steps) {
		m := read(&e.Steps[i])
		question := asked[m.Key]
		if m.Reply == "" || question == nil {
			continue
		}
		call := question.ToolCalls[0]
		d := episode.Decision{Suggestion: call.ID, By: episode.ByPerson, At: e.Steps[i].At}
		switch m.Reply {
		case "once", "always":
			d.Verdict = episode.Accepted
		case "reject":
			d.Verdict, d.Reason = episode.Rejected, e.Steps[i].Message
		default:
			continue
		}
		if took := d.At.Sub(question.At); took < reaction {
			d.By = episode.ByUnknown
		}
		// To a "no" or an "always" OpenCode answers all else that waits in the session by itself.
		if before, again := last[m.Reply]; again && m.Reply != "once" && d.Reason == "" && d.At.Sub(before) < reaction {
			d.By = episode.ByUnknown
		} else {
			last[m.Reply] = d.At
		}
		sg := episode.Suggestion{ID: call.ID, Step: -1, ShownAt: question.At}
		switch call.Name {
		case "edit", "write", "patch", "apply_patch", "multiedit":
			sg.Kind = episode.KindEdit
		case "bash":
			sg.Kind = episode.KindCommand
		default: // a look around is let go; a no to one counts
			if d.Verdict == episode.Accepted {
				continue
			}
			sg.Kind, sg.After = episode.KindCommand, call.Name
		}
		e.Suggestions = append(e.Suggestions, sg)
		// What was worked out before, from less, does not count any more.
		e.Decisions = append(slices.DeleteFunc(e.Decisions, func(b episode.Decision) bool { return b.Suggestion == d.Suggestion }), d)
	}
}
