// SPDX-License-Identifier: Apache-2.0

package openhands

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// base is base_state.json: the conversation as it stands.
type base struct {
	ID    lax.String `json:"id"`
	Agent lax.Object[struct {
		LLM lax.Object[struct {
			Model lax.String `json:"model"`
		}] `json:"llm"`
	}] `json:"agent"`
	Workspace lax.Object[struct {
		Dir lax.String `json:"working_dir"`
	}] `json:"workspace"`
	Confirm lax.Object[struct {
		Kind      lax.String `json:"kind"`
		Threshold lax.String `json:"threshold"`
		Unknown   lax.Bool   `json:"confirm_unknown"`
	}] `json:"confirmation_policy"`
	Stats lax.Object[struct {
		ByUse lax.Object[map[string]lax.Object[spent]] `json:"usage_to_metrics"`
	}] `json:"stats"`
}

type spent struct {
	Cost   lax.Number `json:"accumulated_cost"`
	Tokens lax.Object[struct {
		Prompt     lax.Number `json:"prompt_tokens"`
		Completion lax.Number `json:"completion_tokens"`
		CacheRead  lax.Number `json:"cache_read_tokens"`
		CacheWrite lax.Number `json:"cache_write_tokens"`
	}] `json:"accumulated_token_usage"`
}

// usage is what the whole conversation cost; nil where the state does not say.
func (s *base) usage() *episode.Usage {
	var u episode.Usage
	for _, key := range slices.Sorted(maps.Keys(s.Stats.V.ByUse.V)) { // in one order: the costs are fractions
		m := s.Stats.V.ByUse.V[key].V
		t := &m.Tokens.V
		u.InputTokens += max(0, t.Prompt.Int()-t.CacheRead.Int())
		u.OutputTokens += t.Completion.Int()
		u.CacheReadTokens += t.CacheRead.Int()
		u.CacheWriteTokens += t.CacheWrite.Int()
		if m.Cost >= 0 && m.Cost < 1e9 {
			u.CostUSD += float64(m.Cost)
		}
	}
	if u.InputTokens == 0 && u.OutputTokens == 0 && u.CostUSD == 0 {
		return nil
	}
	return &u
}

// eventV1 is the union of the fields that we read from all events of version 1.
type eventV1 struct {
	Kind      lax.String `json:"kind"`
	ID        lax.String `json:"id"`
	Timestamp lax.Time   `json:"timestamp"`
	Source    lax.String `json:"source"`

	Message lax.Object[struct {
		Content   lax.List[text] `json:"content"`
		Reasoning lax.String     `json:"reasoning_content"`
	}] `json:"llm_message"`
	Skills   jsontext.Value `json:"activated_skills"`
	Extended lax.List[text] `json:"extended_content"`

	Thought   lax.List[text]     `json:"thought"`
	Reasoning lax.String         `json:"reasoning_content"`
	Thinking  lax.List[thinking] `json:"thinking_blocks"`
	Action    jsontext.Value     `json:"action"`
	Tool      lax.String         `json:"tool_name"`
	CallID    lax.String         `json:"tool_call_id"`
	Call      lax.Object[struct {
		Arguments lax.String `json:"arguments"`
	}] `json:"tool_call"`
	Response lax.String `json:"llm_response_id"`
	Risk     lax.String `json:"security_risk"`
	Critic   lax.Object[struct {
		Score *lax.Number `json:"score"`
	}] `json:"critic_result"`

	Observation lax.Object[struct {
		Content lax.List[text] `json:"content"`
		Output  lax.String     `json:"output"`
		Error   jsontext.Value `json:"error"`
		IsError lax.Bool       `json:"is_error"`
	}] `json:"observation"`
	Reason     lax.String `json:"rejection_reason"`
	RejectedBy lax.String `json:"rejection_source"`
	Error      lax.String `json:"error"`
	Key        lax.String `json:"key"`
	Value      lax.String `json:"value"`
	StopReason lax.String `json:"reason"`
}

type text struct {
	Text lax.String `json:"text"`
}

type thinking struct {
	Thinking lax.String `json:"thinking"`
}

func joined(parts []text) string {
	var all []string
	for _, p := range parts {
		if p.Text != "" {
			all = append(all, string(p.Text))
		}
	}
	return strings.Join(all, "\n")
}

// start takes what the state says of the whole conversation.
func (h *conversation) start(s *base) {
	h.state, h.session = s, string(s.ID)
	h.model, h.repo = string(s.Agent.V.LLM.V.Model), string(s.Workspace.V.Dir)
}

// v1 files one event.
func (h *conversation) v1(ev *eventV1) {
	h.c.Kind(string(ev.Kind))
	h.at(ev.Timestamp.Time)
	switch ev.Kind {
	case "MessageEvent":
		h.message(ev)
	case "ActionEvent":
		h.action(ev)
	case "ObservationEvent":
		if k := h.calls[string(ev.CallID)]; k != nil {
			o := &ev.Observation.V
			content := joined(o.Content.V)
			if content == "" {
				content = string(o.Output)
			}
			failed := bool(o.IsError) || len(o.Error) > 0 && o.Error[0] == '"' && string(o.Error) != `""`
			h.result(k, content, failed)
			if !failed {
				h.decide(k, episode.Accepted, h.yes(k), "")
			}
		} else {
			h.c.ToolResults++
		}
		for _, t := range ev.Extended.V { // rules for the file that was touched
			h.rules("path rules", string(t.Text))
		}
	case "UserRejectObservation":
		by := episode.ByUnknown
		switch ev.RejectedBy {
		case "user", "": // before hooks could reject, the field was not there
			by = episode.ByPerson
		case "hook":
			by = episode.ByHook
		}
		if k := h.calls[string(ev.CallID)]; k != nil {
			h.reject(k, by, string(ev.Reason))
		}
	case "AgentErrorEvent":
		if k := h.calls[string(ev.CallID)]; k != nil {
			h.result(k, string(ev.Error), true)
		}
	case "PauseEvent", "InterruptEvent":
		by, reason := episode.ByUnknown, string(ev.StopReason)
		if ev.Source == "user" || ev.Source == "" {
			by = episode.ByPerson
		}
		if reason == "User requested interrupt" { // what is there when nobody gave one
			reason = ""
		}
		h.stop(by, reason)
	case "ConversationStateUpdateEvent":
		if ev.Key == "execution_status" && ev.Value == "waiting_for_confirmation" {
			for _, k := range h.waiting() {
				k.asked = true
			}
		}
	}
}

func (h *conversation) message(ev *eventV1) {
	text := joined(ev.Message.V.Content.V)
	switch ev.Source {
	case "user":
		h.prompt(string(ev.ID), text)
		var skills struct{ L []lax.String }
		if len(ev.Skills) > 0 && ev.Skills[0] == '[' {
			lax.Decode(slices.Concat([]byte(`{"L":`), ev.Skills, []byte("}")), &skills)
		}
		name := "skills"
		if len(skills.L) == 1 {
			name = string(skills.L[0])
		}
		for _, t := range ev.Extended.V {
			h.rules(name, string(t.Text))
		}
	case "agent":
		e, n := h.step("")
		h.say(e, n, text, string(ev.Message.V.Reasoning))
		h.critic(e, ev, "episode")
	}
}

func (h *conversation) action(ev *eventV1) {
	if ev.Source == "user" && ev.Tool == "" {
		return
	}
	e, n := h.step(string(ev.Response))
	reasoning := string(ev.Reasoning)
	if reasoning == "" {
		for _, b := range ev.Thinking.V {
			reasoning += string(b.Thinking)
		}
	}
	args := jsontext.Value(ev.Call.V.Arguments) // JSON in a string
	if len(args) == 0 {
		args = ev.Action
	}
	var in action
	if !lax.Decode(ev.Action, &in) {
		lax.Decode(args, &in) // not executed: the call is all there is
	}
	message := joined(ev.Thought.V)
	if ev.Tool == "finish" && message == "" {
		message = string(in.Message)
	}
	h.say(e, n, message, reasoning)
	k := h.call(e, n, string(ev.CallID), string(ev.Tool), args, &in)
	k.risk = string(ev.Risk)
	h.critic(e, ev, k.id)
}

// critic adds the rating that a model gave what the agent did.
func (h *conversation) critic(e *episode.Episode, ev *eventV1, target string) {
	if s := ev.Critic.V.Score; s != nil && *s >= 0 && *s <= 1 {
		e.Ratings = append(e.Ratings, episode.Rating{By: "model", Target: target, Scale: "score", Value: float64(*s)})
	}
}

// yes is who let an action through. The policy is the one at the end of the conversation: where it asks for risky actions
// only, the action's own risk counts.
func (h *conversation) yes(k *call) episode.By {
	if k.asked {
		return episode.ByPerson
	}
	p := &h.state.Confirm.V
	switch p.Kind {
	case "AlwaysConfirm":
		return episode.ByPerson
	case "NeverConfirm":
		return episode.ByRule
	case "ConfirmRisky":
		risk, least := rank(k.risk), rank(string(p.Threshold))
		if least == 0 {
			least = rank("HIGH")
		}
		if risk >= least || risk == 0 && bool(p.Unknown) {
			return episode.ByPerson
		}
		return episode.ByRule
	}
	return episode.ByUnknown
}

func rank(risk string) int {
	return slices.Index([]string{"LOW", "MEDIUM", "HIGH"}, risk) + 1
}
