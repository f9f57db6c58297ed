// SPDX-License-Identifier: Apache-2.0

package openhands

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// conversation files events of either version under the person's prompts.
type conversation struct {
	c        *capture.Counts
	session  string
	version  string
	repo     string
	model    string
	state    *base
	episodes []*episode.Episode
	calls    map[string]*call
	open     []*call // since the prompt, or since the agent was stopped
	group    string  // the model's answer that the last step is of
	last     string  // the agent's last state, of version 0
	now      time.Time
}

// call is one action of the agent's.
type call struct {
	e          *episode.Episode
	step       int
	id, name   string
	path       string
	risk       string
	asked      bool // the conversation waited for the person
	closed     bool
	suggestion int // in e.Suggestions, -1 while there is none
	decision   int // in e.Decisions, -1 while there is none
}

func newConversation(c *capture.Counts) *conversation {
	return &conversation{c: c, calls: map[string]*call{}, state: &base{}}
}

func (h *conversation) current() *episode.Episode {
	if len(h.episodes) == 0 {
		return nil
	}
	return h.episodes[len(h.episodes)-1]
}

// at says when the next record was made.
func (h *conversation) at(t time.Time) {
	h.now = t
	if e := h.current(); e != nil && t.After(e.EndedAt) {
		e.EndedAt = t
	}
}

// prompt begins an episode with the person's words.
func (h *conversation) prompt(native, text string) {
	h.c.Prompts++
	e := h.begin(native)
	st := episode.Step{At: h.now, Source: episode.SourceUser, Message: text}
	st.Truncated = capture.Clip(&st.Message)
	e.Instruction = st.Message
	e.Steps = append(e.Steps, st)
}

func (h *conversation) begin(native string) *episode.Episode {
	if native == "" {
		native = h.session + "#" + strconv.Itoa(len(h.episodes))
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, native),
		StartedAt:     h.now,
		EndedAt:       h.now,
		Tool:          episode.Tool{Name: Name, Version: h.version, Surface: episode.SurfaceAgent},
		Session:       h.session,
		Repository:    h.repo,
	}
	capture.SetModel(e, "", h.model)
	h.episodes = append(h.episodes, e)
	h.group, h.open = "", nil
	return e
}

// step returns the step of the agent's answer that is named group, a new one where that is not the last.
func (h *conversation) step(group string) (*episode.Episode, int) {
	e := h.current()
	if e == nil {
		e = h.begin("") // what the agent did before the first prompt
	}
	if group == "" || group != h.group || len(e.Steps) == 0 {
		e.Steps = append(e.Steps, episode.Step{At: h.now, Source: episode.SourceAgent})
	}
	h.group = group
	return e, len(e.Steps) - 1
}

// say adds to what the agent said and thought in a step.
func (h *conversation) say(e *episode.Episode, n int, message, reasoning string) {
	st := &e.Steps[n]
	if st.Message == "" {
		st.Message = message
	}
	if st.Reasoning == "" {
		st.Reasoning = reasoning
	}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
}

// call adds an action to a step, with what it suggests.
func (h *conversation) call(e *episode.Episode, n int, id, name string, args jsontext.Value, in *action) *call {
	h.c.ToolUses++
	for try := 0; id == "" || h.calls[id] != nil; try++ {
		id = "action-" + strconv.Itoa(len(h.calls)+try)
	}
	st := &e.Steps[n]
	raw, cut := capture.Arguments(args)
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: name, Arguments: raw})
	k := &call{e: e, step: n, id: id, name: name, path: string(in.Path), suggestion: -1, decision: -1}
	h.calls[id] = k
	h.open = append(h.open, k)
	sg := episode.Suggestion{ID: id, Step: n, Path: k.path, ShownAt: h.now}
	switch name {
	case "file_editor", "str_replace_editor", "edit", "planning_file_editor":
		switch in.Command {
		case "create":
			sg.Kind, sg.After = episode.KindFile, string(in.FileText)
		case "str_replace", "insert", "":
			sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.OldStr), string(in.NewStr)+string(in.Content)
		}
	case "write", "write_file":
		sg.Kind, sg.After = episode.KindFile, string(in.Content)
	case "terminal", "execute_bash", "bash", "run":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", string(in.Command)
	case "execute_ipython_cell", "run_ipython":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "python", string(in.Code)
	case "apply_patch":
		sg.Kind, sg.After = episode.KindEdit, string(in.Patch)
	}
	if sg.Kind != "" && (sg.Kind != episode.KindCommand || sg.After != "") { // an empty command waits for the one before
		sg.Truncated = capture.Clip(&sg.Before, &sg.After)
		k.suggestion = len(e.Suggestions)
		e.Suggestions = append(e.Suggestions, sg)
	}
	return k
}

// action is the union of the arguments that we read from all actions.
type action struct {
	Command  lax.String `json:"command"`
	Path     lax.String `json:"path"`
	FileText lax.String `json:"file_text"`
	OldStr   lax.String `json:"old_str"`
	NewStr   lax.String `json:"new_str"`
	Content  lax.String `json:"content"`
	Code     lax.String `json:"code"`
	Patch    lax.String `json:"patch"`
	Message  lax.String `json:"message"`
}

// result adds what came back for an action.
func (h *conversation) result(k *call, text string, failed bool) {
	h.c.ToolResults++
	if failed {
		h.c.Errors++
	}
	k.closed = true
	st := &k.e.Steps[k.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	r := episode.Result{Call: k.id, Content: text, Error: failed}
	st.Truncated = capture.Clip(&r.Content) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, r)
}

// decide records the decision on an action. What was put off, and done later, was accepted after all. An action that only
// looks suggests something only if it was not let.
func (h *conversation) decide(k *call, v episode.Verdict, by episode.By, reason string) {
	if k.suggestion < 0 {
		if v == episode.Accepted {
			return
		}
		k.suggestion = len(k.e.Suggestions)
		k.e.Suggestions = append(k.e.Suggestions, episode.Suggestion{ID: k.id, Step: k.step, Kind: episode.KindCommand, Path: k.path, After: k.name, ShownAt: h.now})
	}
	d := episode.Decision{Suggestion: k.id, Verdict: v, By: by, At: h.now, Reason: reason}
	if capture.Clip(&d.Reason) {
		k.e.Suggestions[k.suggestion].Truncated = true
	}
	if k.decision < 0 {
		k.decision = len(k.e.Decisions)
		k.e.Decisions = append(k.e.Decisions, d)
	} else if k.e.Decisions[k.decision].Verdict == episode.Cancelled {
		k.e.Decisions[k.decision] = d
	}
}

// reject records a rejection, with what stands in the result's place.
func (h *conversation) reject(k *call, by episode.By, reason string) {
	h.result(k, reason, false)
	h.c.Errors++
	h.c.Rejections++
	if reason = strings.TrimSpace(reason); reason == "User rejected the action" || reason == "User has rejected this action" {
		reason = "" // what is there when the person gave none
	}
	if reason != "" {
		h.c.RejectionsWithReason++
	}
	h.decide(k, episode.Rejected, by, reason)
}

// stop cancels the actions without a result: somebody stopped the agent. What the model was about to say is not kept.
func (h *conversation) stop(by episode.By, reason string) {
	h.c.Interrupts++
	for _, k := range h.open {
		if !k.closed && k.decision < 0 {
			h.decide(k, episode.Cancelled, by, reason)
		}
	}
	h.open = nil
}

// waiting are the last actions without a result.
func (h *conversation) waiting() (all []*call) {
	for _, k := range h.open[max(0, len(h.open)-64):] {
		if !k.closed {
			all = append(all, k)
		}
	}
	return all
}

// rules adds a text that was put before the model because of where or on what it worked, once.
func (h *conversation) rules(name, text string) {
	e := h.current()
	if e == nil || text == "" || len(e.Artifacts) >= 256 {
		return
	}
	a := capture.Artifact(episode.ArtifactRules, name, text)
	for i := range e.Artifacts {
		if e.Artifacts[i].Digest == a.Digest {
			return
		}
	}
	e.Artifacts = append(e.Artifacts, a)
}

// finish gives every episode to emit.
func (h *conversation) finish(emit func(*episode.Episode) error) error {
	if u := h.state.usage(); u != nil && len(h.episodes) == 1 { // the totals are of the conversation
		h.episodes[0].Usage = u
	}
	for _, e := range h.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}
