// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// message is a request, a notification or an answer, with the union of the parameters and results that we read.
type message struct {
	Version lax.String         `json:"jsonrpc"`
	ID      id                 `json:"id"`
	Method  lax.String         `json:"method"`
	Params  lax.Object[params] `json:"params"`
	Result  lax.Object[result] `json:"result"`
	Error   lax.Object[struct {
		Code lax.Number `json:"code"`
	}] `json:"error"`
}

// id is the id of a request, as it is written; empty where there is none. Each side counts its own.
type id string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *id) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"', '0':
		v, err := d.ReadValue()
		if err == nil && len(v) <= 256 {
			*i = id(v)
		}
		return err
	}
	return d.SkipValue()
}

type params struct {
	Session   lax.String           `json:"sessionId"`
	Cwd       lax.String           `json:"cwd"`
	Prompt    contents             `json:"prompt"`
	Update    lax.Object[update]   `json:"update"`
	ToolCall  lax.Object[update]   `json:"toolCall"`
	Options   lax.List[option]     `json:"options"`
	Path      lax.String           `json:"path"`
	Content   lax.String           `json:"content"`
	Command   lax.String           `json:"command"`
	Args      lax.Strings          `json:"args"`
	Terminal  lax.String           `json:"terminalId"`
	ModelID   lax.String           `json:"modelId"`
	ConfigID  lax.String           `json:"configId"`
	Value     lax.String           `json:"value"`
	Request   id                   `json:"requestId"`
	ClientCan lax.Object[struct{}] `json:"clientCapabilities"`
}

type result struct {
	Version  lax.Number           `json:"protocolVersion"`
	Agent    lax.Object[agent]    `json:"agentInfo"`
	AgentCan lax.Object[struct{}] `json:"agentCapabilities"`
	Session  lax.String           `json:"sessionId"`
	Stop     lax.String           `json:"stopReason"`
	Usage    lax.Object[usage]    `json:"usage"`
	Outcome  lax.Object[outcome]  `json:"outcome"`
	Models   lax.Object[struct {
		Current lax.String `json:"currentModelId"`
	}] `json:"models"`
	Config   lax.List[config] `json:"configOptions"`
	Terminal lax.String       `json:"terminalId"`
	Output   lax.String       `json:"output"`
	Meta     lax.Object[meta] `json:"_meta"`
}

type agent struct {
	Name    lax.String `json:"name"`
	Version lax.String `json:"version"`
}

type option struct {
	ID   lax.String `json:"optionId"`
	Kind lax.String `json:"kind"`
}

type outcome struct {
	Outcome lax.String `json:"outcome"`
	Option  lax.String `json:"optionId"`
}

type config struct {
	ID       lax.String `json:"id"`
	Category lax.String `json:"category"`
	Current  lax.String `json:"currentValue"`
}

type usage struct {
	Total  lax.Number `json:"totalTokens"`
	Input  lax.Number `json:"inputTokens"`
	Output lax.Number `json:"outputTokens"`
	Read   lax.Number `json:"cachedReadTokens"`
	Write  lax.Number `json:"cachedWriteTokens"`
}

// update is what a session/update says, or the call that a permission is asked for.
type update struct {
	Kind      lax.String         `json:"sessionUpdate"`
	Content   contents           `json:"content"`
	Message   lax.String         `json:"messageId"`
	CallID    lax.String         `json:"toolCallId"`
	Name      lax.String         `json:"name"`
	Title     lax.String         `json:"title"`
	CallKind  lax.String         `json:"kind"`
	Status    lax.String         `json:"status"`
	Input     jsontext.Value     `json:"rawInput"`
	Output    jsontext.Value     `json:"rawOutput"`
	Locations lax.List[location] `json:"locations"`
	Entries   lax.List[entry]    `json:"entries"`
	Plan      lax.Object[struct {
		Entries lax.List[entry] `json:"entries"`
	}] `json:"plan"`
	Config lax.List[config] `json:"configOptions"`
	State  lax.String       `json:"state"`
	Stop   lax.String       `json:"stopReason"`
	Cost   lax.Object[struct {
		Amount   lax.Number `json:"amount"`
		Currency lax.String `json:"currency"`
	}] `json:"cost"`
	Meta lax.Object[meta] `json:"_meta"`
}

type location struct {
	Path lax.String `json:"path"`
}

type entry struct {
	Content lax.String `json:"content"`
	Status  lax.String `json:"status"`
}

// meta is what agents add of their own: the tool's name, and what a prompt cost where the protocol's field is not used.
type meta struct {
	Claude lax.Object[struct {
		Tool lax.String `json:"toolName"`
	}] `json:"claudeCode"`
	XAI lax.Object[struct {
		Name lax.String `json:"name"`
	}] `json:"x.ai/tool"`
	Quota lax.Object[struct {
		Count  lax.Object[quota] `json:"token_count"`
		Models lax.List[struct {
			Model lax.String `json:"model"`
		}] `json:"model_usage"`
	}] `json:"quota"`
	PoolIn    lax.Number `json:"poolside/inputTokens"`
	PoolOut   lax.Number `json:"poolside/outputTokens"`
	PoolRead  lax.Number `json:"poolside/cachedReadTokens"`
	PoolWrite lax.Number `json:"poolside/cachedWriteTokens"`
}

type quota struct {
	Input  lax.Number `json:"input_tokens"`
	Output lax.Number `json:"output_tokens"`
}

// decode reads one message.
func decode(raw []byte) (*message, bool) {
	m := new(message)
	return m, lax.Decode(raw, m) && m.Version == "2.0" && (m.Method != "" || m.ID != "")
}

// envelope is what recorders put around a message; each has its own names for the same three things.
type envelope struct {
	Time      lax.Time       `json:"time"`
	Timestamp lax.Time       `json:"timestamp"`
	TS        lax.Time       `json:"ts"`
	Direction lax.String     `json:"direction"`
	Dir       lax.String     `json:"dir"`
	From      lax.String     `json:"from"`
	Message   jsontext.Value `json:"message"`
	Msg       jsontext.Value `json:"msg"`
	Frame     jsontext.Value `json:"frame"`
	Data      jsontext.Value `json:"data"`
}

// recorded is what an envelope says of its message.
type recorded struct {
	at        time.Time
	direction lax.String
}

// unwrap reads a line of a recording: a message, or one in an envelope, as an object or as text.
func unwrap(line []byte) (*message, recorded, bool) {
	if m, ok := decode(line); ok {
		return m, recorded{}, true
	}
	var env envelope
	if !lax.Decode(line, &env) {
		return nil, recorded{}, false
	}
	about := recorded{at: env.Time.Time, direction: env.Direction + env.Dir + env.From}
	for _, t := range [...]lax.Time{env.Timestamp, env.TS} {
		if about.at.IsZero() {
			about.at = t.Time
		}
	}
	for _, v := range [...]jsontext.Value{env.Message, env.Msg, env.Frame, env.Data} {
		raw := []byte(v)
		if v.Kind() == '"' {
			text, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				continue
			}
			raw = text
		}
		if m, ok := decode(raw); ok {
			return m, about, true
		}
	}
	return nil, recorded{}, false
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	return line, rest
}

// sender tells by the method who sent a request or a notification; answers do not say.
func (m *message) sender() Side {
	switch method := string(m.Method); {
	case method == "session/update", method == "session/request_permission", strings.HasPrefix(method, "fs/"), strings.HasPrefix(method, "terminal/"):
		return Agent
	case method == "initialize", method == "authenticate", method == "logout", strings.HasPrefix(method, "session/"):
		return Client
	}
	return Unknown
}

// distinct reports whether no other protocol on JSON-RPC has such a message.
func (m *message) distinct() bool {
	switch method := string(m.Method); method {
	case "":
		return m.Result.V.AgentCan.OK
	case "initialize":
		return m.Params.V.ClientCan.OK
	case "session/new", "session/load", "session/resume", "session/prompt", "session/update", "session/cancel", "session/request_permission",
		"fs/read_text_file", "fs/write_text_file":
		return m.Params.OK
	}
	return false
}
