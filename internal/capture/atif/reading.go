// SPDX-License-Identifier: Apache-2.0

package atif

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// reading files the steps of one trajectory under its user's.
type reading struct {
	c        *capture.Counts
	t        *trajectory
	parent   string // the episode that started this agent
	above    string // the id of the trajectory that this one is in
	ordinal  int    // and its place there, from 1
	episodes []*episode.Episode
	calls    map[string]bool // ids that are taken, in the episode
	refs     map[string]*episode.Episode
	waiting  []episode.Step // of the system, before the first prompt
	asked    string         // what the user said last, in a step that was copied
}

// id names the trajectory among all: a subagent's may have none of its own.
func (r *reading) id() string {
	id := string(r.t.Session)
	if r.t.ID != "" {
		id += "/" + string(r.t.ID)
	}
	if r.above != "" {
		id = r.above + ">" + strconv.Itoa(r.ordinal) + ">" + id
	}
	return id
}

// parentOf is the episode that refers to a subagent's trajectory, else the last.
func (r *reading) parentOf(sub *trajectory) string {
	for _, key := range [...]string{"t:" + string(sub.ID), "s:" + string(sub.Session)} {
		if e := r.refs[key]; e != nil && len(key) > 2 {
			return e.ID
		}
	}
	if n := len(r.episodes); n > 0 {
		return r.episodes[n-1].ID
	}
	return r.parent
}

func (r *reading) read() {
	r.refs = map[string]*episode.Episode{}
	if len(r.t.Unknown) > len("{}") {
		r.c.Kind("broken/unknown-key")
	}
	metered := false
	for i := range r.t.Steps.V {
		s := &r.t.Steps.V[i]
		r.rules(i, s)
		metered = metered || s.Metrics.OK
		if s.Copied {
			r.c.Kind("copied")
			if s.Source == "user" {
				r.asked = text(s.Message)
			}
			continue
		}
		r.c.Kind("step/" + string(s.Source))
		r.step(i, s)
	}
	if f := &r.t.Final; f.OK && !metered && len(r.episodes) == 1 { // the total is of the trajectory
		r.episodes[0].Usage = usage(f.V.Prompt, f.V.Completion, f.V.Cached, f.V.Cost)
	}
}

// rules counts what a step breaks of the format's rules.
func (r *reading) rules(i int, s *step) {
	if s.ID != lax.Number(i+1) {
		r.c.Kind("broken/step-id")
	}
	if s.Source != "agent" && (s.Model != "" || len(s.Effort) > 0 || s.Reasoning != "" || s.Calls.OK || s.Metrics.OK || s.LLMCalls != 0) {
		r.c.Kind("broken/agent-only")
	}
	if len(s.Unknown) > len("{}") {
		r.c.Kind("broken/unknown-key")
	}
	own := map[lax.String]bool{"": true}
	for j := range s.Calls.V {
		own[s.Calls.V[j].ID] = true
	}
	for j := range s.Observation.V.Results.V {
		if !own[s.Observation.V.Results.V[j].Call] {
			r.c.Kind("broken/source-call-id")
		}
	}
}

func (r *reading) step(i int, s *step) {
	st := episode.Step{At: s.At.Time, Message: text(s.Message), Reasoning: string(s.Reasoning)}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
	switch s.Source {
	case "user":
		st.Source = episode.SourceUser
		r.c.Prompts++
		r.begin(i, s, st.Message)
	case "system":
		st.Source = episode.SourceSystem
		if len(r.episodes) == 0 {
			if len(r.waiting) < 64 {
				r.waiting = append(r.waiting, st)
			}
			return
		}
	default:
		if st.Source = episode.SourceAgent; len(r.episodes) == 0 {
			r.begin(i, s, r.asked) // the prompt is in the trajectory before, or nobody gave one
		}
	}
	e := r.episodes[len(r.episodes)-1]
	e.Steps = append(e.Steps, st)
	if s.At.After(e.EndedAt) {
		e.EndedAt = s.At.Time
	}
	if st.Source == episode.SourceAgent {
		capture.SetModel(e, "", string(s.Model))
		capture.SetModel(e, "", string(r.t.Agent.V.Model))
	}
	if m := &s.Metrics; m.OK {
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		u := usage(m.V.Prompt, m.V.Completion, m.V.Cached, m.V.Cost)
		e.Usage.InputTokens += u.InputTokens
		e.Usage.OutputTokens += u.OutputTokens
		e.Usage.CacheReadTokens += u.CacheReadTokens
		e.Usage.CostUSD += u.CostUSD
	}
	r.did(e, s)
}

func (r *reading) begin(i int, s *step, instruction string) {
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, r.id()+"#"+strconv.Itoa(i+1)),
		StartedAt:     s.At.Time,
		EndedAt:       s.At.Time,
		Tool:          episode.Tool{Name: Name, Version: string(r.t.Agent.V.Name), Surface: episode.SurfaceAgent},
		Session:       string(r.t.Session),
		Instruction:   instruction,
		Steps:         r.waiting,
	}
	if v := string(r.t.Agent.V.Version); v != "" {
		e.Tool.Version += "/" + v
	}
	if r.parent != "" {
		e.Links = &episode.Links{Parent: r.parent}
	}
	capture.Clip(&e.Instruction)
	r.waiting, r.calls = nil, map[string]bool{}
	r.episodes = append(r.episodes, e)
}

// did adds a step's calls, what they suggest, and what came back.
func (r *reading) did(e *episode.Episode, s *step) {
	n, first := len(e.Steps)-1, len(e.Suggestions)
	st := &e.Steps[n]
	ids := map[string]string{} // a call's suggestion
	for i := range s.Calls.V {
		k := &s.Calls.V[i]
		r.c.ToolUses++
		args, cut := capture.Arguments(k.Arguments)
		st.Truncated = st.Truncated || cut
		st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(k.ID), Name: string(k.Name), Arguments: args})
		if sg, ok := suggest(k); ok {
			id := r.unique(string(k.ID), n, i)
			sg.ID, sg.Step, sg.ShownAt = id, n, s.At.Time
			ids[string(k.ID)] = id
			e.Suggestions = append(e.Suggestions, sg)
		}
	}
	for i := range s.Observation.V.Results.V {
		o := &s.Observation.V.Results.V[i]
		r.c.ToolResults++
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		res := episode.Result{Call: string(o.Call), Content: text(o.Content)}
		st.Truncated = capture.Clip(&res.Content) || st.Truncated
		st.Observation.Results = append(st.Observation.Results, res)
		if id := ids[string(o.Call)]; id != "" {
			delete(ids, string(o.Call))
			e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByUnknown, At: s.At.Time})
		}
		for _, ref := range o.Subagent.V {
			r.refs["t:"+string(ref.ID)], r.refs["s:"+string(ref.Session)] = e, e
		}
	}
	r.tokens(e, s, first)
}

// tokens gives the tokens of a step to the one suggestion that it makes. A step that only says something makes an answer,
// if its tokens are there: they are worth keeping.
func (r *reading) tokens(e *episode.Episode, s *step, first int) {
	ids, logs, ok := s.Metrics.V.tokens()
	if !ok {
		r.c.Kind("broken/logprobs")
	}
	if len(ids) == 0 && len(logs) == 0 || s.Source == "user" || s.Source == "system" {
		return
	}
	n := len(e.Steps) - 1
	if st := &e.Steps[n]; len(e.Suggestions) == first && len(st.ToolCalls) == 0 {
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: r.unique("answer-"+strconv.Itoa(n), n, 0), Step: n, Kind: episode.KindAnswer,
			After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
	}
	if len(e.Suggestions) == first+1 {
		e.Suggestions[first].TokenIDs, e.Suggestions[first].LogProbs = ids, logs
	}
}

// unique is the id, or one made of the step and the place in it where it is empty or taken.
func (r *reading) unique(id string, step, place int) string {
	for try := 0; id == "" || r.calls[id]; try++ {
		id = "call-" + strconv.Itoa(step) + "-" + strconv.Itoa(place+try)
	}
	r.calls[id] = true
	return id
}

// suggest is what a call suggests. Agents name their tools as they like, so the arguments tell more than the name.
func suggest(k *call) (sg episode.Suggestion, ok bool) {
	var in struct {
		Command    jsontext.Value `json:"command"`
		Cmd        jsontext.Value `json:"cmd"`
		Keystrokes lax.String     `json:"keystrokes"`
		Path       lax.String     `json:"path"`
		FilePath   lax.String     `json:"file_path"`
		Filename   lax.String     `json:"filename"`
		Content    *lax.String    `json:"content"`
		FileText   *lax.String    `json:"file_text"`
		OldString  lax.String     `json:"old_string"`
		OldStr     lax.String     `json:"old_str"`
		NewString  *lax.String    `json:"new_string"`
		NewStr     *lax.String    `json:"new_str"`
		Patch      lax.String     `json:"patch"`
	}
	if !lax.Decode(k.Arguments, &in) {
		return sg, false
	}
	command := text(in.Command) + text(in.Cmd) + string(in.Keystrokes)
	for _, path := range [...]lax.String{in.Path, in.FilePath, in.Filename} {
		if sg.Path == "" {
			sg.Path = string(path)
		}
	}
	switch {
	case sg.Path != "" && in.FileText != nil:
		sg.Kind, sg.After = episode.KindFile, string(*in.FileText)
	case sg.Path != "" && (in.NewString != nil || in.NewStr != nil):
		sg.Kind, sg.Before = episode.KindEdit, string(in.OldString+in.OldStr)
		if in.NewString != nil {
			sg.After = string(*in.NewString)
		} else {
			sg.After = string(*in.NewStr)
		}
	case sg.Path != "" && in.Content != nil:
		sg.Kind, sg.After = episode.KindFile, string(*in.Content)
	case in.Patch != "":
		sg.Kind, sg.After = episode.KindEdit, string(in.Patch)
	case sg.Path == "" && command != "":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", command
	default:
		return sg, false
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	return sg, true
}
