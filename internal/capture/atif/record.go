// SPDX-License-Identifier: Apache-2.0

package atif

import (
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// trajectory is one agent's, with those of its subagents.
type trajectory struct {
	Schema  lax.String        `json:"schema_version"`
	Session lax.String        `json:"session_id"`
	ID      lax.String        `json:"trajectory_id"`
	Agent   lax.Object[agent] `json:"agent"`
	Steps   lax.List[step]    `json:"steps"`
	Final   lax.Object[total] `json:"final_metrics"`
	Notes   lax.String        `json:"notes"`
	Next    lax.String        `json:"continued_trajectory_ref"`
	Extra   jsontext.Value    `json:"extra"`
	Unknown jsontext.Value    `json:",embed"`

	Subagents lax.List[trajectory] `json:"subagent_trajectories"`
}

type agent struct {
	Name    lax.String `json:"name"`
	Version lax.String `json:"version"`
	Model   lax.String `json:"model_name"`
}

type total struct {
	Prompt     lax.Number `json:"total_prompt_tokens"`
	Completion lax.Number `json:"total_completion_tokens"`
	Cached     lax.Number `json:"total_cached_tokens"`
	Cost       lax.Number `json:"total_cost_usd"`
}

type step struct {
	ID          lax.Number              `json:"step_id"`
	At          lax.Time                `json:"timestamp"`
	Source      lax.String              `json:"source"`
	Model       lax.String              `json:"model_name"`
	Effort      jsontext.Value          `json:"reasoning_effort"`
	Message     jsontext.Value          `json:"message"` // a string, or from 1.6 on a list of parts
	Reasoning   lax.String              `json:"reasoning_content"`
	Calls       lax.List[call]          `json:"tool_calls"`
	Observation lax.Object[observation] `json:"observation"`
	Metrics     lax.Object[metrics]     `json:"metrics"`
	LLMCalls    lax.Number              `json:"llm_call_count"`
	Copied      lax.Bool                `json:"is_copied_context"`
	Extra       jsontext.Value          `json:"extra"`
	Unknown     jsontext.Value          `json:",embed"`
}

type call struct {
	ID        lax.String     `json:"tool_call_id"`
	Name      lax.String     `json:"function_name"`
	Arguments jsontext.Value `json:"arguments"`
}

type observation struct {
	Results lax.List[result] `json:"results"`
}

type result struct {
	Call     lax.String     `json:"source_call_id"`
	Content  jsontext.Value `json:"content"` // as a step's message
	Subagent lax.List[ref]  `json:"subagent_trajectory_ref"`
}

// ref names a subagent's trajectory.
type ref struct {
	Session lax.String `json:"session_id"`
	ID      lax.String `json:"trajectory_id"`
}

type metrics struct {
	Prompt     lax.Number     `json:"prompt_tokens"`
	Completion lax.Number     `json:"completion_tokens"`
	Cached     lax.Number     `json:"cached_tokens"`
	Cost       lax.Number     `json:"cost_usd"`
	TokenIDs   jsontext.Value `json:"completion_token_ids"`
	LogProbs   jsontext.Value `json:"logprobs"`
}

// text is a message's text; of one in parts, the parts' texts, with a word in each picture's place.
func text(v jsontext.Value) string {
	if len(v) > 0 && v[0] == '"' {
		s, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		return strings.ToValidUTF8(string(s), "\uFFFD")
	}
	var l struct {
		L lax.List[struct {
			Type lax.String `json:"type"`
			Text lax.String `json:"text"`
		}]
	}
	lax.Decode(wrap(v), &l)
	var parts []string
	for _, p := range l.L.V {
		switch {
		case p.Text != "":
			parts = append(parts, string(p.Text))
		case p.Type == "image":
			parts = append(parts, "[image]")
		}
	}
	return strings.Join(parts, "\n")
}

// tokens are the ids of the tokens that the model made and their log-probabilities, one for each. What is no list of these
// is left out, and ok is false where the two are not of one length.
func (m *metrics) tokens() (ids []int32, logs []float64, ok bool) {
	for _, n := range numbers(m.TokenIDs) {
		if n < 0 || n > math.MaxInt32 || n != math.Trunc(n) {
			ids = nil
			break
		}
		ids = append(ids, int32(n))
	}
	for _, n := range numbers(m.LogProbs) {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			logs = nil
			break
		}
		logs = append(logs, n)
	}
	if len(ids) > 0 && len(logs) > 0 && len(ids) != len(logs) {
		return ids, nil, false
	}
	return ids, logs, true
}

func numbers(v jsontext.Value) []float64 {
	var l struct{ L []lax.Number }
	if len(v) == 0 || v[0] != '[' || !lax.Decode(wrap(v), &l) {
		return nil
	}
	all := make([]float64, len(l.L))
	for i, n := range l.L {
		all[i] = float64(n)
	}
	return all
}

// wrap makes a list the member L of an object.
func wrap(v jsontext.Value) []byte {
	if len(v) == 0 || v[0] != '[' {
		return nil
	}
	return slices.Concat([]byte(`{"L":`), v, []byte("}"))
}

// usage counts cached tokens apart: the format has them among the prompt's.
func usage(prompt, completion, cached, cost lax.Number) *episode.Usage {
	u := &episode.Usage{InputTokens: max(0, prompt.Int()-cached.Int()), OutputTokens: completion.Int(), CacheReadTokens: cached.Int()}
	if cost >= 0 && cost < 1e9 {
		u.CostUSD = float64(cost)
	}
	return u
}
