// SPDX-License-Identifier: Apache-2.0

package copilotchat

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// chat is a session.
type chat struct {
	SessionID       lax.String           `json:"sessionId"`
	Requests        lax.List[request]    `json:"requests"`
	HasPendingEdits lax.Bool             `json:"hasPendingEdits"`
	RepoData        lax.Object[repoData] `json:"repoData"`
}

type repoData struct {
	RemoteURL lax.String `json:"remoteUrl"`
}

// request is a prompt and what came of it.
type request struct {
	RequestID        lax.String           `json:"requestId"`
	Timestamp        lax.Time             `json:"timestamp"`
	Message          message              `json:"message"`
	ModelID          lax.String           `json:"modelId"`
	Response         lax.List[part]       `json:"response"`
	Result           lax.Object[result]   `json:"result"`
	IsCanceled       lax.Bool             `json:"isCanceled"`
	Vote             jsontext.Value       `json:"vote"`
	VoteDownReason   lax.String           `json:"voteDownReason"`
	EditedFileEvents lax.List[fileEvent]  `json:"editedFileEvents"`
	Agent            lax.Object[producer] `json:"agent"`
}

type producer struct {
	ExtensionVersion lax.String `json:"extensionVersion"`
}

// message is a text, or an object with one.
type message lax.String

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *message) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, (*lax.String)(m))
	}
	var o lax.Object[struct {
		Text lax.String `json:"text"`
	}]
	err := o.UnmarshalJSONFrom(d)
	*m = message(o.V.Text)
	return err
}

// markdown is a text, or an object whose value is one.
type markdown lax.String

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *markdown) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, (*lax.String)(m))
	}
	var o lax.Object[struct {
		Value lax.String `json:"value"`
	}]
	err := o.UnmarshalJSONFrom(d)
	*m = markdown(o.V.Value)
	return err
}

// part is one part of a response: Markdown where it has no kind.
type part struct {
	Kind             lax.String           `json:"kind"`
	Value            markdown             `json:"value"`
	URI              lax.Object[uri]      `json:"uri"`
	Edits            lists                `json:"edits"`
	ToolCallID       lax.String           `json:"toolCallId"`
	ToolID           lax.String           `json:"toolId"`
	IsConfirmed      jsontext.Value       `json:"isConfirmed"`
	IsComplete       lax.Bool             `json:"isComplete"`
	ToolSpecificData lax.Object[specific] `json:"toolSpecificData"`
}

type specific struct {
	Kind        lax.String           `json:"kind"`
	Command     lax.String           `json:"command"`
	CommandLine lax.Object[commands] `json:"commandLine"`
}

// commands are a terminal command as the model wrote it, and as a person or the tool changed it.
type commands struct {
	Original   lax.String `json:"original"`
	UserEdited lax.String `json:"userEdited"`
	ToolEdited lax.String `json:"toolEdited"`
}

type uri struct {
	FSPath lax.String `json:"fsPath"`
	Path   lax.String `json:"path"`
}

func (u *uri) file() string { return string(cmp.Or(u.FSPath, u.Path)) }

type edit struct {
	Text lax.String `json:"text"`
}

// lists are the edits of all elements of a list of lists.
type lists []edit

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *lists) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		var one lax.List[edit]
		if err := one.UnmarshalJSONFrom(d); err != nil {
			return err
		}
		*l = append(*l, one.V...)
		return nil
	})
}

type result struct {
	Timings      lax.Object[timings]  `json:"timings"`
	ErrorDetails lax.Object[failed]   `json:"errorDetails"`
	Metadata     lax.Object[metadata] `json:"metadata"`
}

type failed struct {
	Message lax.String `json:"message"`
}

type timings struct {
	TotalElapsed lax.Number `json:"totalElapsed"`
}

type metadata struct {
	ToolCallRounds lax.List[round] `json:"toolCallRounds"`
	SessionID      lax.String      `json:"sessionId"`
}

// round is one answer of the model in the course of a request.
type round struct {
	Response  lax.String     `json:"response"`
	ToolCalls lax.List[call] `json:"toolCalls"`
	Thinking  lax.Object[struct {
		Text lax.String `json:"text"`
	}] `json:"thinking"`
}

type call struct {
	ID        lax.String     `json:"id"`
	Name      lax.String     `json:"name"`
	Arguments jsontext.Value `json:"arguments"` // JSON in a string
}

// input is what the tools that edit take.
type input struct {
	FilePath  lax.String `json:"filePath"`
	OldString lax.String `json:"oldString"`
	NewString lax.String `json:"newString"`
	Content   lax.String `json:"content"`
	Code      lax.String `json:"code"`
	Input     lax.String `json:"input"`
}

type fileEvent struct {
	URI       lax.Object[uri] `json:"uri"`
	EventKind lax.Number      `json:"eventKind"`
}

// model is the model's name without the provider that VS Code puts before it.
func model(id string) string {
	_, name, ok := strings.Cut(id, "/")
	if !ok {
		return id
	}
	if name == "auto" {
		return ""
	}
	return name
}
