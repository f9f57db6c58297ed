// SPDX-License-Identifier: Apache-2.0

package amp

import (
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What Amp writes where a person said no, without and with a word on why.
const (
	refused  = "Tool execution rejected by user"
	feedback = "rejected by user with feedback:"
)

// result adds what came back for a call, and what it shows of a decision.
func (t *thread) result(id string, r *run) {
	verdict, by, reason := t.verdict(r)
	failed := r.Status == "error" || r.Status == "rejected-by-user" || r.Status == "cancelled"
	ended := failed || r.Status == "done"
	if ended {
		t.c.ToolResults++
	}
	if failed {
		t.c.Errors++
	}
	if t.e == nil || t.calls[id] == nil {
		return
	}
	k := t.calls[id]
	if ended {
		st := &t.e.Steps[k.step]
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		res := episode.Result{Call: id, Content: r.text(), Error: failed && verdict == ""}
		st.Truncated = capture.Clip(&res.Content) || st.Truncated
		st.Observation.Results = append(st.Observation.Results, res)
	}
	var found struct {
		Files lax.List[guidance] `json:"discoveredGuidanceFiles"`
	}
	lax.Decode(r.Result, &found)
	t.guided(found.Files.V)
	t.decide(k, verdict, by, reason)
	if r.Status == "done" {
		t.wrote(k)
	}
}

// verdict says what a call's end shows of a decision.
func (t *thread) verdict(r *run) (v episode.Verdict, by episode.By, reason string) {
	switch r.Status {
	case "done":
		if t.headless() {
			return episode.Accepted, episode.ByRule, ""
		}
		return episode.Accepted, episode.ByUnknown, ""
	case "cancelled": // by a key, a closing window, or along with the agent that it helped
		return episode.Cancelled, episode.ByUnknown, ""
	case "rejected-by-user":
		words := string(r.Reason)
		switch {
		case t.interactive() && (words == "" || words == refused):
			return episode.Rejected, episode.ByPerson, ""
		case t.headless(), strings.Contains(strings.ToLower(words), "permission"):
			return episode.Rejected, episode.ByRule, words
		}
		return episode.Rejected, episode.ByUnknown, strings.TrimPrefix(words, refused)
	case "error":
		head, said, ok := strings.Cut(string(r.Error.V.Message), feedback)
		if !ok || len(head) > 20 { // a command may print these words too
			return "", "", ""
		}
		if by = episode.ByUnknown; t.interactive() {
			by = episode.ByPerson
		}
		return episode.Rejected, by, strings.TrimSpace(said)
	}
	return "", "", "" // still under way, or waiting for somebody
}

func (t *thread) decide(k *call, v episode.Verdict, by episode.By, reason string) {
	if v == "" || k.decided || k.suggestion < 0 && v == episode.Accepted {
		return
	}
	if k.suggestion < 0 { // somebody stopped a tool that only looks
		t.suggest(k, episode.Suggestion{Kind: episode.KindCommand, After: k.name, ShownAt: t.e.Steps[k.step].At})
	}
	k.decided = true
	if v == episode.Rejected {
		if t.c.Rejections++; reason != "" {
			t.c.RejectionsWithReason++
		}
	}
	capture.Clip(&reason)
	t.e.Decisions = append(t.e.Decisions, episode.Decision{Suggestion: k.id, Verdict: v, By: by, Reason: reason})
}

// wrote notes an edit that was carried out, or that the agent took its last one of a file back.
func (t *thread) wrote(k *call) {
	edits := t.applied[k.path]
	switch k.name {
	case "edit_file", "create_file":
		t.applied[k.path] = append(edits, k.id)
	case "undo_edit":
		if n := len(edits); n > 0 {
			t.e.Outcomes = append(t.e.Outcomes, episode.Outcome{Suggestion: edits[n-1], Kind: episode.OutcomeReverted, Value: 1})
			t.applied[k.path] = edits[:n-1]
		}
	}
}

// stop cancels what a cancelled message left: its calls without a result, which come later if at all, or the answer.
func (t *thread) stop(n int) {
	t.c.Interrupts++
	st := &t.e.Steps[n]
	if len(st.ToolCalls) == 0 && st.Message != "" {
		k := &call{id: "answer-" + strconv.Itoa(n), step: n, suggestion: -1}
		if t.calls[k.id] != nil {
			return // a hostile file may use the names that we make up
		}
		t.calls[k.id] = k
		t.suggest(k, episode.Suggestion{Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		t.decide(k, episode.Cancelled, episode.ByUnknown, "")
	}
	for _, c := range st.ToolCalls {
		if k := t.calls[c.ID]; k != nil && k.step == n {
			t.open = append(t.open, k)
		}
	}
}
