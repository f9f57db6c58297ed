// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line of a rollout.
type record struct {
	Timestamp lax.Time            `json:"timestamp"`
	Type      lax.String          `json:"type"`
	Payload   lax.Object[payload] `json:"payload"`
}

// payload is the union of the fields that we read from all record types; which are there depends on the type.
type payload struct {
	Type lax.String `json:"type"`
	ID   lax.String `json:"id"`
	// TurnID is the prompt's, as hooks and telemetry name it.
	TurnID lax.String `json:"turn_id"`

	// session_meta and turn_context
	CWD              lax.String      `json:"cwd"`
	CLIVersion       lax.String      `json:"cli_version"`
	Source           lax.String      `json:"source"`
	ModelProvider    lax.String      `json:"model_provider"`
	Model            lax.String      `json:"model"`
	ApprovalPolicy   lax.String      `json:"approval_policy"`
	UserInstructions lax.String      `json:"user_instructions"`
	Git              lax.Object[git] `json:"git"`

	// world_state
	State lax.Object[state] `json:"state"`

	// messages, calls and what came back
	Role      lax.String        `json:"role"`
	Message   lax.String        `json:"message"`
	Content   texts             `json:"content"`
	Summary   texts             `json:"summary"`
	CallID    lax.String        `json:"call_id"`
	Name      lax.String        `json:"name"`
	Arguments jsontext.Value    `json:"arguments"`
	Input     lax.String        `json:"input"`
	Action    jsontext.Value    `json:"action"`
	Output    texts             `json:"output"`
	Item      lax.Object[item]  `json:"item"`
	Info      lax.Object[usage] `json:"info"`

	// how it ended
	Success lax.Bool                      `json:"success"`
	Status  lax.String                    `json:"status"`
	Reason  lax.String                    `json:"reason"`
	Turns   lax.Number                    `json:"num_turns"`
	Target  lax.String                    `json:"target_item_id"`
	Changes lax.Object[map[string]change] `json:"changes"`
}

type git struct {
	RepositoryURL lax.String `json:"repository_url"`
}

type state struct {
	AgentsMD lax.Object[agentsMD] `json:"agents_md"`
}

type agentsMD struct {
	Text lax.String `json:"text"`
}

type item struct {
	Type lax.String `json:"type"`
	ID   lax.String `json:"id"`
	Text lax.String `json:"text"`

	// of a file change
	Status  lax.String                    `json:"status"`
	Changes lax.Object[map[string]change] `json:"changes"`
}

type usage struct {
	Total lax.Object[tokens] `json:"total_token_usage"`
	Last  lax.Object[tokens] `json:"last_token_usage"`
}

type tokens struct {
	Input      lax.Number `json:"input_tokens"`
	Cached     lax.Number `json:"cached_input_tokens"`
	CacheWrite lax.Number `json:"cache_write_input_tokens"`
	Output     lax.Number `json:"output_tokens"`
}

// change is one file of a patch.
type change struct {
	Type        lax.String `json:"type"`
	UnifiedDiff lax.String `json:"unified_diff"`
	Content     lax.String `json:"content"`
}

// UnmarshalJSONFrom passes over a change that is no object.
func (c *change) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	type plain change
	var o lax.Object[plain]
	err := o.UnmarshalJSONFrom(d)
	*c = change(o.V)
	return err
}

// texts is a string, one {type,text}, or a list of these: the text of all, joined by newlines. Codex writes the
// content of a message and the output of a call in each of these ways.
type texts string

func (t *texts) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		return json.UnmarshalDecode(d, (*lax.String)(t))
	case '{':
		var one lax.Object[item]
		err := one.UnmarshalJSONFrom(d)
		*t = texts(one.V.Text)
		return err
	}
	var many lax.List[item]
	err := many.UnmarshalJSONFrom(d)
	var parts []string
	for _, p := range many.V {
		if p.Text != "" {
			parts = append(parts, string(p.Text))
		}
	}
	*t = texts(strings.Join(parts, "\n"))
	return err
}
