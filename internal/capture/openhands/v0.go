// SPDX-License-Identifier: Apache-2.0

package openhands

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// feedback is a feedback record of version 0. An exported trajectory is one with nothing but the list. The record's
// e-mail address is not read.
type feedback struct {
	Version     lax.String        `json:"version"`
	Polarity    lax.String        `json:"polarity"`
	Feedback    lax.String        `json:"feedback"`
	Permissions lax.String        `json:"permissions"`
	Trajectory  lax.List[eventV0] `json:"trajectory"`
}

// eventV0 is the union of the fields that we read from all events of version 0.
type eventV0 struct {
	ID          jsontext.Value `json:"id"`
	Timestamp   lax.Time       `json:"timestamp"`
	Source      lax.String     `json:"source"`
	Message     lax.String     `json:"message"`
	Action      lax.String     `json:"action"`
	Args        jsontext.Value `json:"args"`
	Observation lax.String     `json:"observation"`
	Content     lax.String     `json:"content"`
	Cause       jsontext.Value `json:"cause"`
	Extras      lax.Object[struct {
		State     lax.String `json:"agent_state"`
		Rules     lax.String `json:"repo_instructions"`
		Knowledge lax.List[struct {
			Name    lax.String `json:"name"`
			Content lax.String `json:"content"`
		}] `json:"microagent_knowledge"`
	}] `json:"extras"`
	Tool lax.Object[struct {
		Name     lax.String         `json:"function_name"`
		CallID   lax.String         `json:"tool_call_id"`
		Response lax.Object[answer] `json:"model_response"`
	}] `json:"tool_call_metadata"`
}

// answer is the model's answer that an action was taken from: several actions may repeat it.
type answer struct {
	ID    lax.String `json:"id"`
	Model lax.String `json:"model"`
	Usage lax.Object[struct {
		Prompt     lax.Number `json:"prompt_tokens"`
		Completion lax.Number `json:"completion_tokens"`
		Details    lax.Object[struct {
			Cached lax.Number `json:"cached_tokens"`
		}] `json:"prompt_tokens_details"`
	}] `json:"usage"`
}

// feedback files a trajectory, and the thumb that a person gave it.
func (h *conversation) feedback(d *feedback) {
	h.version = string(d.Version)
	all := d.Trajectory.V
	if len(all) > 0 {
		h.session = all[0].Timestamp.Format(time.RFC3339Nano) // the file names no session
	}
	acts := map[string]*call{} // by the action's event id
	for i := range all {
		h.v0(&all[i], acts)
	}
	if d.Polarity != "" {
		h.c.Kind("feedback/" + string(d.Polarity))
	}
	if d.Permissions != "" {
		h.c.Kind("permissions/" + string(d.Permissions))
	}
	e := h.current()
	if e == nil || d.Polarity != "positive" && d.Polarity != "negative" {
		return
	}
	r := episode.Rating{By: "person", Target: "episode", Scale: "thumbs", Comment: string(d.Feedback)}
	if d.Polarity == "positive" {
		r.Value = 1
	}
	capture.Clip(&r.Comment)
	e.Ratings = append(e.Ratings, r)
}

// v0 files one event.
func (h *conversation) v0(ev *eventV0, acts map[string]*call) {
	h.at(ev.Timestamp.Time)
	if ev.Action != "" {
		h.c.Kind("action/" + string(ev.Action))
		h.act(ev, acts)
		return
	}
	h.c.Kind("observation/" + string(ev.Observation))
	k := acts[string(ev.Cause)]
	switch ev.Observation {
	case "user_rejected":
		if w := h.waiting(); k == nil && len(w) > 0 {
			k = w[len(w)-1]
		}
		if k != nil {
			h.reject(k, episode.ByPerson, string(ev.Content))
		}
	case "error":
		if k != nil {
			h.result(k, string(ev.Content), true)
		}
	case "agent_state_changed":
		h.changed(string(ev.Extras.V.State))
	case "recall":
		h.rules("repository instructions", string(ev.Extras.V.Rules))
		for _, m := range ev.Extras.V.Knowledge.V {
			h.rules(string(m.Name), string(m.Content))
		}
	default:
		if k == nil {
			return
		}
		h.result(k, string(ev.Content), false)
		by := episode.ByUnknown // the file does not say whether every action was to be confirmed
		if k.asked {
			by = episode.ByPerson
		}
		h.decide(k, episode.Accepted, by, "")
	}
}

// act files an action, the person's or the agent's.
func (h *conversation) act(ev *eventV0, acts map[string]*call) {
	var in action
	var more struct {
		Thought lax.String `json:"thought"`
		Final   lax.String `json:"final_thought"`
		State   lax.String `json:"agent_state"`
	}
	lax.Decode(ev.Args, &in)
	lax.Decode(ev.Args, &more)
	switch {
	case ev.Action == "message" && ev.Source == "user":
		h.prompt(h.session+"#"+string(ev.ID), string(in.Content))
		return
	case ev.Action == "change_agent_state":
		h.changed(string(more.State))
		return
	case ev.Source != "agent" || ev.Action == "system" || ev.Action == "recall" || ev.Action == "null":
		return
	}
	meta := &ev.Tool.V
	group := string(meta.Response.V.ID)
	again := group != "" && group == h.group
	e, n := h.step(group)
	capture.SetModel(e, "", string(meta.Response.V.Model))
	if u := &meta.Response.V.Usage; u.OK && !again {
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		cached := u.V.Details.V.Cached.Int()
		e.Usage.InputTokens += max(0, u.V.Prompt.Int()-cached)
		e.Usage.OutputTokens += u.V.Completion.Int()
		e.Usage.CacheReadTokens += cached
	}
	switch ev.Action {
	case "message":
		h.say(e, n, string(in.Content), "")
		return
	case "think":
		h.say(e, n, "", string(more.Thought))
		return
	case "finish", "reject":
		h.say(e, n, string(more.Final+more.Thought), "")
		return
	}
	h.say(e, n, string(more.Thought), "")
	k := h.call(e, n, string(meta.CallID), string(ev.Action), ev.Args, &in)
	if ev.ID != nil {
		acts[string(ev.ID)] = k
	}
}

// changed follows the agent's state: the person let an action through, or stopped the agent. Each change is there twice, as
// what was asked for and as what happened.
func (h *conversation) changed(state string) {
	if state == h.last {
		return
	}
	h.last = state
	switch state {
	case "user_confirmed":
		for _, k := range h.waiting() {
			k.asked = true
		}
	case "paused", "stopped":
		h.stop(episode.ByPerson, "")
	}
}
