// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one event.
type record struct {
	Type      lax.String       `json:"type"`
	ID        lax.String       `json:"id"`
	Timestamp lax.Time         `json:"timestamp"`
	AgentID   lax.String       `json:"agentId"`
	Data      lax.Object[data] `json:"data"`
}

// data is the union of the fields that we read from all event types; which are there depends on the type.
type data struct {
	// session.start and session.resume
	SessionID      lax.String        `json:"sessionId"`
	CopilotVersion lax.String        `json:"copilotVersion"`
	SelectedModel  lax.String        `json:"selectedModel"`
	NewModel       lax.String        `json:"newModel"`
	Context        lax.Object[place] `json:"context"`

	// messages
	Content          lax.String        `json:"content"`
	ReasoningText    lax.String        `json:"reasoningText"`
	ReasoningID      lax.String        `json:"reasoningId"`
	Model            lax.String        `json:"model"`
	OutputTokens     lax.Number        `json:"outputTokens"`
	InputTokens      lax.Number        `json:"inputTokens"`
	CacheReadTokens  lax.Number        `json:"cacheReadTokens"`
	CacheWriteTokens lax.Number        `json:"cacheWriteTokens"`
	ParentToolCallID lax.String        `json:"parentToolCallId"`
	InteractionID    lax.String        `json:"interactionId"` // of the prompt, as telemetry has it
	ToolRequests     lax.List[request] `json:"toolRequests"`

	// tools
	ToolCallID lax.String         `json:"toolCallId"`
	ToolName   lax.String         `json:"toolName"`
	Arguments  jsontext.Value     `json:"arguments"`
	Success    lax.Bool           `json:"success"`
	Result     lax.Object[result] `json:"result"`
	Error      lax.Object[failed] `json:"error"`

	// permissions, plans, hooks, rewinds
	RequestID         lax.String             `json:"requestId"`
	PermissionRequest lax.Object[permission] `json:"permissionRequest"`
	DecisionSource    lax.String             `json:"decisionSource"`
	PlanContent       lax.String             `json:"planContent"`
	Plan              lax.String             `json:"plan"`
	Approved          lax.Bool               `json:"approved"`
	Feedback          lax.String             `json:"feedback"`
	UpToEventID       lax.String             `json:"upToEventId"`
	Name              lax.String             `json:"name"`
	Path              lax.String             `json:"path"`
	Reason            lax.String             `json:"reason"`
}

type place struct {
	CWD        lax.String `json:"cwd"`
	GitRoot    lax.String `json:"gitRoot"`
	Repository lax.String `json:"repository"`
}

type request struct {
	ToolCallID lax.String     `json:"toolCallId"`
	Name       lax.String     `json:"name"`
	Arguments  jsontext.Value `json:"arguments"`
}

type permission struct {
	ToolCallID lax.String `json:"toolCallId"`
}

// result is what came back for a call, or the answer to a permission.
type result struct {
	Content  lax.String `json:"content"`
	Kind     lax.String `json:"kind"`
	Feedback lax.String `json:"feedback"`
}

type failed struct {
	Message lax.String `json:"message"`
	Code    lax.String `json:"code"`
}

// input is what the tools that suggest something take: the CLI's and VS Code's names for the same.
type input struct {
	Path       lax.String `json:"path"`
	FilePath   lax.String `json:"filePath"`
	File       lax.String `json:"file_path"`
	OldStr     lax.String `json:"old_str"`
	OldString  lax.String `json:"oldString"`
	NewStr     lax.String `json:"new_str"`
	NewString  lax.String `json:"newString"`
	InsertText lax.String `json:"insert_text"`
	FileText   lax.String `json:"file_text"`
	Content    lax.String `json:"content"`
	Code       lax.String `json:"code"`
	Command    lax.String `json:"command"`
	Input      lax.String `json:"input"`
	Patch      lax.String `json:"patch"`
	Summary    lax.String `json:"summary"`
}

// arguments are a call's input, which is JSON, or JSON in a string.
func arguments(raw jsontext.Value) jsontext.Value {
	if len(raw) == 0 || raw[0] != '"' {
		return raw
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || !jsontext.Value(s).IsValid() {
		return raw
	}
	return jsontext.Value(s)
}
