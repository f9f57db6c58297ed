// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"strings"

	"github.com/headrace/headrace/episode"
	cursorfiles "github.com/headrace/headrace/internal/capture/cursor"
)

// cursor is the OpenTelemetry export of Cursor, which its makers' servers send for a whole team: requests, tool calls,
// errors, no text and no decision. Its table of attributes is not public, so they are looked for by the names that they
// have in Cursor's hooks and in the conventions.
type cursor struct{}

func (cursor) tool() string { return cursorfiles.Name }

func (cursor) speaks(ev *event) bool {
	return ev.scope == "cursor.telemetry" || ev.service() == "cursor"
}

func (cursor) tell(ev *event, p *part) bool {
	name := plainly(ev.name())
	call := ev.str("tool_use_id", "tool_call_id", "tool_call.id", "gen_ai.tool.call.id")
	p.of(ev.str("conversation_id", "conversation.id", "cursor.conversation.id", "gen_ai.conversation.id", "session.id"),
		ev.str("generation_id", "generation.id", "cursor.generation.id"), call)
	p.key("request", ev.str("request_id", "request.id", "cursor.request.id"))
	switch {
	case strings.Contains(name, "apirequest"), strings.Contains(name, "api.request"):
		_, m := p.step(episode.SourceSystem, "")
		tokens(ev, m)
		m.usd(float64(ev.num("cost_usd", "cost")))
		m.Model = ev.str("model", "gen_ai.request.model", "gen_ai.response.model", "model_id")
		m.Cost = ev.str("request_id", "request.id", "cursor.request.id")
		return m.costs() || m.Model != ""
	case strings.Contains(name, "toolcall"), strings.Contains(name, "tool.call"):
		tool := ev.str("tool_name", "tool.name", "gen_ai.tool.name")
		if tool == "" {
			return false
		}
		id := cmpID(call, p)
		st, _ := p.called(id, tool, "")
		if success := ev.str("success"); success != "" {
			p.returned(st, id, "", !ev.is("success"))
		}
		return true
	}
	return false
}

// tokens takes what a request cost by the names that several tools use. Input counts what came from a cache by the
// conventions, and not by the tools' own words.
func tokens(ev *event, m *mark) {
	m.CacheReadTokens = ev.num("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens").Int()
	m.CacheWriteTokens = ev.num("cache_creation_tokens", "cache_write_tokens", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens").Int()
	m.OutputTokens = ev.num("output_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens").Int()
	if m.InputTokens = ev.num("input_tokens").Int(); m.InputTokens == 0 {
		m.InputTokens = max(0, ev.num("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens").Int()-m.CacheReadTokens-m.CacheWriteTokens)
	}
}

func (cursor) measure(metric string, ev *event) string {
	switch name := plainly(metric); {
	case strings.Contains(name, "token"):
		return tokensOf(ev.str("type", "token_type", "token.type", "gen_ai.token.type"))
	case strings.Contains(name, "cost"):
		return "cost_usd"
	case strings.Contains(name, "toolcall"), strings.Contains(name, "tool.call"):
		return cmp.Or(verdictOf(ev.str("decision")), "tool_calls")
	}
	return ""
}
