// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// event reads what the tool did beside the conversation: patches applied, turns aborted or rolled back, plans.
func (ro *rollout) event(r *record, p *payload) {
	switch p.Type {
	case "task_started":
		ro.begun(p)
	case "user_message":
		ro.prompt(r, string(p.Message))
	case "patch_apply_end":
		ro.patch(r, p)
	case "guardian_assessment": // an automated reviewer answered in the person's place
		switch p.Status {
		case "approved":
			ro.decide(r, string(p.Target), episode.Accepted, episode.ByModel)
		case "denied":
			ro.decide(r, string(p.Target), episode.Rejected, episode.ByModel)
		}
	case "turn_aborted":
		ro.c.Interrupts++
		ro.abort(r, p)
	case "undo_completed":
		if e := ro.current(); e != nil && bool(p.Success) {
			for i := range e.Suggestions {
				e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: e.Suggestions[i].ID, Kind: episode.OutcomeReverted, Value: 1, ObservedAt: r.Timestamp.Time})
			}
		}
	case "thread_rolled_back":
		for i := range ro.episodes {
			if int64(len(ro.episodes)-i) <= p.Turns.Int() {
				ro.episodes[i].Links = &episode.Links{AbandonedBranch: true}
			}
		}
	case "item_completed":
		switch it := &p.Item.V; {
		case it.Type == "FileChange" && len(it.Changes.V) > 0: // what patch_apply_end was before 0.171
			p.CallID, p.Status, p.Changes = it.ID, it.Status, it.Changes
			p.Success = it.Status == "completed"
			ro.patch(r, p)
		case it.Type == "Plan" && it.Text != "":
			e, n := ro.agent(r, func(*episode.Step) bool { return true })
			text := string(it.Text)
			artifact(e, episode.ArtifactPlan, "plan", text)
			cut := capture.Clip(&text)
			e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: ro.madeUp(e, "plan-"), Step: n,
				Kind: episode.KindPlan, After: text, ShownAt: r.Timestamp.Time, Truncated: cut})
		}
	case "token_count":
		ro.usage(p)
	}
}

// usage adds the last request's tokens, unless the event is a repetition. Codex counts cached tokens as input too.
func (ro *rollout) usage(p *payload) {
	e, last, total := ro.current(), p.Info.V.Last.V, p.Info.V.Total.V
	if e == nil || !p.Info.V.Last.OK || total == ro.total {
		return
	}
	ro.total = total
	if e.Usage == nil {
		e.Usage = &episode.Usage{}
	}
	e.Usage.InputTokens += max(0, last.Input.Int()-last.Cached.Int())
	e.Usage.OutputTokens += last.Output.Int()
	e.Usage.CacheReadTokens += last.Cached.Int()
	e.Usage.CacheWriteTokens += last.CacheWrite.Int()
}

// output adds what came back for a call and what it shows of a decision.
func (ro *rollout) output(r *record, p *payload) {
	ro.c.ToolResults++
	c := ro.calls[string(p.CallID)]
	if c == nil {
		return
	}
	c.answered = true
	text := string(p.Output)
	first := text[:min(len(text), 200)]
	no, stopped := strings.Contains(first, "rejected by user"), strings.HasPrefix(first, "aborted by user")
	st := &c.e.Steps[c.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Truncated = capture.Clip(&text) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, episode.Result{Call: string(p.CallID), Content: text})
	switch {
	case no:
		ro.c.Errors++
		ro.c.Rejections++
		ro.decide(r, string(p.CallID), episode.Rejected, ro.person())
	case stopped:
		ro.decide(r, string(p.CallID), episode.Cancelled, ro.person())
	default: // it was let through; a patch says itself whether it was applied
		if c.patch {
			return
		}
		ro.decide(r, string(p.CallID), episode.Accepted, ro.letThrough())
	}
}

// letThrough says who let a call through. The rollout does not hold the answer to an approval request, so only the
// policy that never asks gives certainty.
func (ro *rollout) letThrough() episode.By {
	if ro.turn.ApprovalPolicy == "never" {
		return episode.ByRule
	}
	return episode.ByUnknown
}

// person is who stopped something that only a person at the terminal or in the editor can stop.
func (ro *rollout) person() episode.By {
	if ro.meta.Source == "cli" || ro.meta.Source == "vscode" {
		return episode.ByPerson
	}
	return episode.ByUnknown
}

// patch records a patch that was applied or not. A patch whose call is not in the file is its own suggestion.
func (ro *rollout) patch(r *record, p *payload) {
	id := string(p.CallID)
	c := ro.calls[id]
	if c != nil && c.applied {
		return // told in both ways
	}
	ro.c.Patches++
	if c == nil || c.suggestion == "" {
		c = ro.patched(r, p)
		id = c.suggestion
	}
	c.applied = true
	switch {
	case bool(p.Success):
		ro.decide(r, id, episode.Accepted, ro.letThrough())
	case p.Status == "declined":
		ro.decide(r, id, episode.Rejected, episode.ByUnknown)
	}
}

// patched makes the suggestion of a patch from its diffs: one for the whole patch, as it is decided on as one.
func (ro *rollout) patched(r *record, p *payload) *call {
	e, n := ro.agent(r, func(*episode.Step) bool { return true })
	sg := episode.Suggestion{ID: string(p.CallID), Step: n, Kind: episode.KindEdit, ShownAt: r.Timestamp.Time}
	files := make([]string, 0, len(p.Changes.V))
	for f := range p.Changes.V {
		files = append(files, f)
	}
	slices.Sort(files)
	var before, after strings.Builder
	for i, f := range files {
		ch := p.Changes.V[f]
		if i == 0 {
			if sg.Path = f; ch.Type == "add" {
				sg.Kind = episode.KindFile
			}
		}
		after.WriteString(string(ch.Content))
		capture.Hunks(string(ch.UnifiedDiff), &before, &after)
	}
	sg.Before, sg.After = before.String(), after.String()
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	if sg.ID == "" || ro.suggests(e, sg.ID) {
		sg.ID = ro.madeUp(e, "patch-")
	}
	e.Suggestions = append(e.Suggestions, sg)
	c := &call{e: e, step: n, suggestion: sg.ID}
	ro.calls[sg.ID] = c
	return c
}

// madeUp is an id for what has none of its own.
func (ro *rollout) madeUp(e *episode.Episode, prefix string) string {
	for n := len(e.Suggestions); ; n++ {
		if id := prefix + strconv.Itoa(n); !ro.suggests(e, id) {
			return id
		}
	}
}

// suggests reports whether the episode has a suggestion of that id.
func (ro *rollout) suggests(e *episode.Episode, id string) bool {
	if c := ro.calls[id]; c != nil && c.e == e && c.suggestion == id {
		return true
	}
	for _, made := range [...]string{"plan-", "patch-", "answer-"} { // of these alone a call need not know
		if strings.HasPrefix(id, made) {
			return slices.ContainsFunc(e.Suggestions, func(s episode.Suggestion) bool { return s.ID == id })
		}
	}
	return false
}

// decide records the decision on a call, once; on a call that suggests nothing there is none.
func (ro *rollout) decide(r *record, id string, v episode.Verdict, by episode.By) {
	c := ro.calls[id]
	if c == nil || c.suggestion == "" || c.decided {
		return
	}
	c.decided = true
	c.e.Decisions = append(c.e.Decisions, episode.Decision{Suggestion: c.suggestion, Verdict: v, By: by, At: r.Timestamp.Time})
}

// abort cancels what was under way: the calls without a result, or else the answer.
func (ro *rollout) abort(r *record, p *payload) {
	e := ro.current()
	if e == nil || len(e.Steps) == 0 {
		return
	}
	by := episode.ByUnknown
	if p.Reason == "interrupted" {
		by = ro.person()
	}
	n := len(e.Steps) - 1
	open := false
	for i := range e.Suggestions {
		id := e.Suggestions[i].ID
		if c := ro.calls[id]; c != nil && c.e == e && !c.answered && !c.decided {
			ro.decide(r, id, episode.Cancelled, by)
			open = true
		}
	}
	if st := &e.Steps[n]; !open && st.Source == episode.SourceAgent && len(st.ToolCalls) == 0 {
		id := ro.madeUp(e, "answer-")
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: by, At: r.Timestamp.Time})
	}
}
