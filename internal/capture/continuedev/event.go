// SPDX-License-Identifier: Apache-2.0

package continuedev

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// event is the union of the fields that we read from all events of the development data.
type event struct {
	EventName lax.String `json:"eventName"`
	Timestamp lax.Time   `json:"timestamp"`
	UserAgent lax.String `json:"userAgent"`
	SessionID lax.String `json:"sessionId"`

	ModelProvider lax.String `json:"modelProvider"`
	ModelName     lax.String `json:"modelName"`
	ModelTitle    lax.String `json:"modelTitle"`

	Prompt     lax.String `json:"prompt"`
	Completion lax.String `json:"completion"`
	Prefix     lax.String `json:"prefix"`
	FilePath   lax.String `json:"filepath"`
	FileURI    lax.String `json:"fileUri"`
	GitRepo    lax.String `json:"gitRepo"`

	CompletionID lax.String `json:"completionId"`
	RequestID    lax.String `json:"requestId"`
	Aborted      lax.Bool   `json:"aborted"`
	Time         lax.Number `json:"time"` // how long the model took, in milliseconds
	Elapsed      lax.Number `json:"elapsed"`
	CacheHit     lax.Bool   `json:"cacheHit"`

	PreviousCode  lax.String     `json:"previousCode"`
	NewCode       lax.String     `json:"newCode"`
	EditableRange lax.String     `json:"originalEditableRange"`
	ToolCallID    lax.String     `json:"toolCallId"`
	FunctionName  lax.String     `json:"functionName"`
	Params        jsontext.Value `json:"functionParams"`
	Args          jsontext.Value `json:"toolCallArgs"`
	Output        jsontext.Value `json:"output"`
	Succeeded     *lax.Bool      `json:"succeeded"`
	Accepted      *lax.Bool      `json:"accepted"` // nil: the event does not say
	Feedback      *lax.Bool      `json:"feedback"`
}
