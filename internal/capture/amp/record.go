// SPDX-License-Identifier: Apache-2.0

package amp

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// document is a thread.
type document struct {
	ID       lax.String        `json:"id"`
	Created  lax.Time          `json:"created"`
	Main     lax.String        `json:"mainThreadID"` // of a subagent's thread, the one that began it
	Messages lax.List[message] `json:"messages"`
	Env      lax.Object[env]   `json:"env"`
}

type env struct {
	Initial lax.Object[initial] `json:"initial"`
}

type initial struct {
	Trees    lax.List[tree]       `json:"trees"`
	Platform lax.Object[platform] `json:"platform"`
}

type tree struct {
	URI        lax.String             `json:"uri"`
	Repository lax.Object[repository] `json:"repository"`
}

type repository struct {
	URL lax.String `json:"url"`
}

type platform struct {
	Client  lax.String `json:"client"`
	Version lax.String `json:"clientVersion"`
}

type message struct {
	Role     lax.String              `json:"role"`
	ID       jsontext.Value          `json:"messageId"` // a number; a string in newer threads
	Parent   lax.String              `json:"parentToolUseId"`
	Content  lax.List[block]         `json:"content"`
	State    lax.Object[state]       `json:"state"`
	Usage    lax.Object[usage]       `json:"usage"`
	Meta     lax.Object[messageMeta] `json:"meta"`
	Guidance lax.List[guidance]      `json:"discoveredGuidanceFiles"`
}

type messageMeta struct {
	SentAt lax.Time `json:"sentAt"`
}

type state struct {
	Type lax.String `json:"type"` // complete, cancelled, error, streaming
}

type usage struct {
	Model      lax.String `json:"model"`
	Input      lax.Number `json:"inputTokens"`
	Output     lax.Number `json:"outputTokens"`
	CacheRead  lax.Number `json:"cacheReadInputTokens"`
	CacheWrite lax.Number `json:"cacheCreationInputTokens"`
	Timestamp  lax.Time   `json:"timestamp"`
}

// guidance is an AGENTS.md, or the like, that was in force.
type guidance struct {
	URI     lax.String `json:"uri"`
	Content lax.String `json:"content"`
}

type block struct {
	Type      lax.String      `json:"type"`
	Text      lax.String      `json:"text"`
	Thinking  lax.String      `json:"thinking"`
	ID        lax.String      `json:"id"`
	Name      lax.String      `json:"name"`
	Input     jsontext.Value  `json:"input"`
	ToolUseID lax.String      `json:"toolUseID"`
	Run       lax.Object[run] `json:"run"`
}

// run is how far a call has come, and what came of it.
type run struct {
	Status lax.String          `json:"status"`
	Result jsontext.Value      `json:"result"`
	Reason lax.String          `json:"reason"`
	Error  lax.Object[failure] `json:"error"`
}

type failure struct {
	Message lax.String `json:"message"`
}

// text is what a call gave back: a string, the content or the output in an object, or the value as it is written.
func (r *run) text() string {
	if r.Error.OK {
		return string(r.Error.V.Message)
	}
	var in struct {
		Content lax.String `json:"content"`
		Output  lax.String `json:"output"`
		Diff    lax.String `json:"diff"`
	}
	switch v := r.Result; {
	case len(v) == 0:
		return string(r.Reason)
	case v[0] == '"':
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return strings.ToValidUTF8(string(s), "\uFFFD")
		}
	case lax.Decode(v, &in) && in.Content+in.Output+in.Diff != "":
		return string(in.Content + in.Output + in.Diff)
	}
	return strings.ToValidUTF8(string(r.Result), "\uFFFD")
}

// input is what the tools that suggest something take.
type input struct {
	Path      lax.String `json:"path"`
	OldStr    lax.String `json:"old_str"`
	NewStr    lax.String `json:"new_str"`
	Content   lax.String `json:"content"`
	Cmd       lax.String `json:"cmd"`
	Command   lax.String `json:"command"`
	PatchText lax.String `json:"patchText"`
}
