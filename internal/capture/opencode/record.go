// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// document is any file of the tree: a session, with the fields by which a message or a part is known.
type document struct {
	ID        lax.String         `json:"id"`
	Version   lax.String         `json:"version"`
	ProjectID lax.String         `json:"projectID"`
	Directory lax.String         `json:"directory"`
	ParentID  lax.String         `json:"parentID"`
	Revert    lax.Object[revert] `json:"revert"`
	Role      lax.String         `json:"role"`
	Type      lax.String         `json:"type"`
}

// revert says that the person went back to before this message, and has not gone on since.
type revert struct {
	MessageID lax.String `json:"messageID"`
}

// message is one message; what it says is in its parts.
type message struct {
	ID         lax.String          `json:"id"`
	Role       lax.String          `json:"role"`
	Time       lax.Object[span]    `json:"time"`
	ModelID    lax.String          `json:"modelID"`
	ProviderID lax.String          `json:"providerID"`
	Model      lax.Object[model]   `json:"model"`
	Path       lax.Object[place]   `json:"path"`
	Cost       lax.Number          `json:"cost"` // in US dollars; an object in old versions
	Tokens     lax.Object[tokens]  `json:"tokens"`
	Error      lax.Object[failure] `json:"error"`
	Summary    lax.Object[summary] `json:"summary"`
	Parts      lax.List[part]      `json:"parts"` // the oldest versions keep them here
}

type span struct {
	Created   lax.Time `json:"created"`
	Completed lax.Time `json:"completed"`
	Start     lax.Time `json:"start"`
	End       lax.Time `json:"end"`
}

type model struct {
	ProviderID lax.String `json:"providerID"`
	ModelID    lax.String `json:"modelID"`
}

type place struct {
	CWD lax.String `json:"cwd"`
}

type tokens struct {
	Input  lax.Number        `json:"input"`
	Output lax.Number        `json:"output"`
	Cache  lax.Object[cache] `json:"cache"`
}

type cache struct {
	Read  lax.Number `json:"read"`
	Write lax.Number `json:"write"`
}

type failure struct {
	Name lax.String `json:"name"`
}

type summary struct {
	Body lax.String `json:"body"`
}

// part is a part of a message; which fields are there depends on the type.
type part struct {
	Type      lax.String         `json:"type"`
	Text      lax.String         `json:"text"`
	Synthetic lax.Bool           `json:"synthetic"`
	Ignored   lax.Bool           `json:"ignored"`
	Tool      lax.String         `json:"tool"`
	CallID    lax.String         `json:"callID"`
	State     lax.Object[state]  `json:"state"`
	Tokens    lax.Object[tokens] `json:"tokens"`
	Cost      lax.Number         `json:"cost"`
	Time      lax.Object[span]   `json:"time"`
}

// state is how far a tool call has come.
type state struct {
	Status   lax.String           `json:"status"`
	Input    jsontext.Value       `json:"input"`
	Output   lax.String           `json:"output"`
	Error    lax.String           `json:"error"`
	Metadata lax.Object[metadata] `json:"metadata"`
	Time     lax.Object[span]     `json:"time"`
}

type metadata struct {
	FileDiff lax.Object[fileDiff] `json:"filediff"`
}

// fileDiff is the whole file before and after an edit.
type fileDiff struct {
	File   lax.String `json:"file"`
	Before lax.String `json:"before"`
	After  lax.String `json:"after"`
}

// input is what the tools that suggest something take.
type input struct {
	FilePath  lax.String          `json:"filePath"`
	OldString lax.String          `json:"oldString"`
	NewString lax.String          `json:"newString"`
	Content   lax.String          `json:"content"`
	Command   lax.String          `json:"command"`
	PatchText lax.String          `json:"patchText"`
	Edits     lax.List[oneOfMany] `json:"edits"`
}

type oneOfMany struct {
	OldString lax.String `json:"oldString"`
	NewString lax.String `json:"newString"`
}
