// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// No OTLP recording of any of these tools is public: what they send here is constructed from the tables of their
// documentation and source code, not recorded.

// sender is the resource and the scope that a tool sends from.
type sender struct {
	service, scope string
	resource       attrs
}

func senders() map[string]sender {
	return map[string]sender{
		"claude-code":    {"claude-code", claudeScope + ".events", nil},
		"codex":          {"codex_cli_rs", "codex_otel", nil},
		"gemini-cli":     {"gemini-cli", "gemini-cli", nil},
		"cursor":         {"cursor", "cursor.telemetry", attrs{"cursor.surface": "desktop", "cursor.user.id": "someone@example.invalid"}},
		"copilot":        {"copilot-chat", "copilot-chat", nil},
		"cline":          {"cline", "cline", nil},
		"kiro":           {"kiro", "kiro", nil},
		"grok":           {"grok-cli", grokScope, attrs{"app.entrypoint": "cli", "grok_code.schema.version": "v1"}},
		"opentelemetry":  {"mill-assistant", "mill", nil},
		"nobody we know": {"mill-shop", "shop", nil},
	}
}

func put(t testing.TB, m pcommon.Map, a attrs) {
	t.Helper()
	for k, v := range a {
		if err := m.PutEmpty(k).FromRaw(v); err != nil {
			t.Fatal(err)
		}
	}
}

// records is one export of a tool's events, a second apart. "name" is the event's; "trace" the byte that its trace id is
// made of.
func records(t testing.TB, tool string, events ...attrs) plog.Logs {
	t.Helper()
	from := senders()[tool]
	l := plog.NewLogs()
	rl := l.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", from.service)
	rl.Resource().Attributes().PutStr("service.version", "1.2.3")
	put(t, rl.Resource().Attributes(), from.resource)
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName(from.scope)
	for i, a := range events {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(pcommon.NewTimestampFromTime(second(i)))
		put(t, lr.Attributes(), a)
		lr.Attributes().PutStr("user.email", "someone@example.invalid")
		if n, ok := a["name"].(string); ok {
			lr.SetEventName(n)
			lr.Attributes().Remove("name")
		}
		if b, ok := a["trace"].(int); ok {
			lr.SetTraceID(pcommon.TraceID{byte(b)})
			lr.Attributes().Remove("trace")
		}
	}
	return l
}

func second(i int) time.Time { return time.Date(2026, 5, 1, 8, 0, i, 0, time.UTC) }

// spans is one export of a tool's spans, each a second long.
func spans(t testing.TB, tool string, list ...attrs) ptrace.Traces {
	t.Helper()
	from := senders()[tool]
	tr := ptrace.NewTraces()
	rs := tr.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", from.service)
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName(from.scope)
	for i, a := range list {
		s := ss.Spans().AppendEmpty()
		s.SetName(a["name"].(string))
		s.SetTraceID(pcommon.TraceID{1})
		s.SetSpanID(pcommon.SpanID{byte(i + 1)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(second(i)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(second(i + 1)))
		put(t, s.Attributes(), a)
		s.Attributes().Remove("name")
		if a["failed"] == true {
			s.Status().SetCode(ptrace.StatusCodeError)
			s.Attributes().Remove("failed")
		}
	}
	return tr
}

const (
	edit  = `{"file_path":"/src/gate.go","old_string":"shut","new_string":"open"}`
	patch = "*** Begin Patch\n*** Update File: gate.go\n@@\n func open() {\n-\tshut()\n+\tlift()\n*** End Patch"
)

// said is what each tool sends of one prompt.
func said() map[string][]attrs {
	claudes := turn()
	for i := range claudes {
		claudes[i]["session.id"], claudes[i]["prompt.id"], claudes[i]["event.sequence"], claudes[i]["app.entrypoint"] = "s-1", "p-1", i, "cli"
	}
	return map[string][]attrs{
		"claude-code": claudes,
		"codex": {
			{"name": "codex.conversation_starts", "conversation.id": "c-1", "provider_name": "OpenAI", "model": "gpt-5"},
			{"name": "codex.user_prompt", "conversation.id": "c-1", "prompt": "lift the gate", "model": "gpt-5"},
			{"name": "codex.sse_event", "conversation.id": "c-1", "event.kind": "response.completed", "input_token_count": "120", "cached_token_count": "20", "output_token_count": "7", "model": "gpt-5"},
			{"name": "codex.sse_event", "conversation.id": "c-1", "event.kind": "response.output_text.delta", "model": "gpt-5"},
			{"name": "codex.tool_decision", "conversation.id": "c-1", "tool_name": "apply_patch", "call_id": "call_1", "decision": "approved_for_session", "source": "User", "originator": "codex_cli_rs"},
			{"name": "codex.tool_result", "conversation.id": "c-1", "tool_name": "apply_patch", "call_id": "call_1", "arguments": patch, "output": "Success", "success": "true", "model": "gpt-5"},
			{"name": "codex.tool_decision", "conversation.id": "c-1", "tool_name": "shell", "call_id": "call_2", "decision": "denied", "source": "user", "originator": "codex_cli_rs"},
			{"name": "codex.tool_result", "conversation.id": "c-1", "tool_name": "shell", "call_id": "call_2", "arguments": `{"command":["bash","-lc","rm -r weir"]}`, "output": "rejected", "success": "false"},
		},
		"gemini-cli": {
			{"name": "gemini_cli.user_prompt", "session.id": "g-1", "prompt_id": "g-1########0", "prompt": "lift the gate"},
			{"name": "gemini_cli.api_response", "session.id": "g-1", "prompt_id": "g-1########0", "model": "gemini-3-pro", "input_token_count": 50, "cached_content_token_count": 10, "output_token_count": 5, "thoughts_token_count": 2, "response_text": "I will."},
			{"name": "gemini_cli.tool_call", "session.id": "g-1", "prompt_id": "g-1########0", "function_name": "replace", "function_args": edit, "success": true, "decision": "modify",
				"metadata": `{"model_added_lines":2,"model_removed_lines":1,"model_added_chars":40,"user_added_chars":8,"user_removed_chars":4}`},
			{"name": "gemini_cli.tool_call", "session.id": "g-1", "prompt_id": "g-1########0", "function_name": "read_file", "function_args": `{"path":"weir.go"}`, "success": true},
			{"name": "gen_ai.client.inference.operation.details", "session.id": "g-1", "gen_ai.operation.name": "generate_content", "gen_ai.usage.input_tokens": 50},
		},
		"cursor": {
			{"name": "cursor.api_request", "conversation_id": "cu-1", "generation_id": "gen-1", "model": "gpt-5", "input_tokens": 9, "output_tokens": 3, "request_id": "r-1"},
			{"name": "cursor.tool_call", "conversation_id": "cu-1", "generation_id": "gen-1", "tool_name": "edit_file", "tool_call_id": "tc-1", "success": "true"},
			{"name": "cursor.correction", "conversation_id": "cu-1"},
		},
		"copilot": {
			{"name": "copilot_chat.edit.feedback", "outcome": "accepted", "language_id": "Go", "participant": "agent", "request_id": "req-1", "edit_surface": "agent", "has_remaining_edits": "true"},
			{"name": "copilot_chat.edit.feedback", "outcome": "rejected", "language_id": "go", "participant": "agent", "request_id": "req-1", "edit_surface": "agent", "has_remaining_edits": "false"},
			{"name": "copilot_chat.edit.hunk.action", "outcome": "accepted", "language_id": "go", "request_id": "req-1", "line_count": 4, "lines_added": 3, "lines_removed": 1},
			{"name": "copilot_chat.edit.survival", "edit_source": "apply_patch", "survival_rate_four_gram": 0.75, "survival_rate_no_revert": 1.0, "time_delay_ms": 600000, "request_id": "req-1"},
			{"name": "copilot_chat.edit.survival", "edit_source": "apply_patch", "survival_rate_four_gram": 0.25, "survival_rate_no_revert": 0.5, "time_delay_ms": 600000, "request_id": "req-1"},
			{"name": "copilot_chat.user.feedback", "rating": "negative", "conversation_id": "co-1", "request_id": "req-1"},
			{"name": "copilot_chat.user.feedback", "rating": "positive", "conversation_id": "co-1", "request_id": "req-1"},
			{"name": "copilot_chat.inline.done", "accepted": "true", "edit_count": 1, "edit_line_count": 6, "reply_type": "inlineEdit", "request_id": "req-1"},
			{"name": "copilot_chat.tool.call", "request_id": "req-1"},
		},
		"cline": {
			{"name": "task.created", "task_id": "t-1"},
			{"name": "task.tool_used", "task_id": "t-1", "tool_name": "write_to_file", "success": "true", "auto_approved": "true", "duration_ms": 5},
			{"name": "task.tool_used", "task_id": "t-1", "tool_name": "read_file", "success": "false", "auto_approved": "false"},
			{"name": "task.ai_output.accepted", "task_id": "t-1", "lines_added": 5, "lines_removed": 2, "file_count": 1},
			{"name": "task.ai_output.rejected", "task_id": "t-1", "lines_added": 1, "lines_removed": 0, "file_count": 1},
			{"name": "task.feedback", "task_id": "t-1", "feedback_type": "thumbs_down"},
			{"name": "task.checkpoint_used", "task_id": "t-1", "action": "restore"},
			{"name": "task.tokens", "task_id": "t-1", "tokens_in": 11, "tokens_out": 4, "model": "claude-opus-4-5"},
		},
		"kiro": {
			{"name": "kiro.chat.message", "conversation_id": "k-1", "message_id": "m-1", "user.email": "someone@example.invalid", "model": "claude-sonnet-4-5", "input_tokens": 6, "output_tokens": 2},
			{"name": "kiro.tool.call", "conversation_id": "k-1", "message_id": "m-1", "tool_use_id": "tu-1", "tool_name": "fs_write", "success": true},
		},
		"grok": {
			{"name": "grok_code.user_prompt", "session.id": "gr-1", "prompt.id": "gp-1", "prompt": "lift the gate", "model": "grok-code-fast"},
			{"name": "grok_code.tool_decision", "session.id": "gr-1", "prompt.id": "gp-1", "tool_name": "search_replace", "tool_use_id": "x1", "decision": "allow", "access_kind": "edit", "source": "user_temporary"},
			{"name": "grok_code.tool_result", "session.id": "gr-1", "prompt.id": "gp-1", "tool_name": "search_replace", "tool_use_id": "x1", "success": "true", "tool_parameters": edit, "file_extension": "go"},
			{"name": "grok_code.tool_decision", "session.id": "gr-1", "prompt.id": "gp-1", "tool_name": "bash", "decision": "followup", "access_kind": "bash", "source": "user_reject"},
			{"name": "grok_code.tool_result", "session.id": "gr-1", "prompt.id": "gp-1", "tool_name": "grep", "success": "true"},
			{"name": "grok_code.api_request", "session.id": "gr-1", "prompt.id": "gp-1", "model": "grok-code-fast", "input_tokens": 8, "output_tokens": 1, "reasoning_tokens": 3},
		},
		"opentelemetry": {
			{"name": "gen_ai.client.inference.operation.details", "trace": 1, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.conversation.id": "o-1", "gen_ai.response.id": "resp-1",
				"gen_ai.response.model": "claude-opus-4-5", "gen_ai.usage.input_tokens": 30, "gen_ai.usage.cache_read.input_tokens": 10, "gen_ai.usage.output_tokens": 4,
				"gen_ai.input.messages":  `[{"role":"user","parts":[{"type":"text","content":"lift the gate"}]}]`,
				"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"On it."},{"type":"tool_call","id":"oc-1","name":"str_replace","arguments":` + edit + `}]}]`},
			{"name": "gen_ai.evaluation.result", "trace": 1, "gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.value": 0.5, "gen_ai.evaluation.explanation": "half of it", "gen_ai.response.id": "resp-1"},
			{"name": "gen_ai.evaluation.result", "trace": 1, "gen_ai.evaluation.name": "Tests", "gen_ai.evaluation.score.label": "fail", "gen_ai.response.id": "resp-1"},
		},
	}
}

// traced is what the tools that send spans send of one prompt.
func traced() map[string][]attrs {
	return map[string][]attrs{
		"claude-code": {
			{"name": "claude_code.interaction", "session.id": "s-1", "prompt.id": "p-1"},
			{"name": "claude_code.llm_request", "session.id": "s-1", "prompt.id": "p-1", "request_id": "req_9", "model": "claude-opus-4-5", "input_tokens": 10, "output_tokens": 2},
			{"name": "claude_code.tool.blocked_on_user", "session.id": "s-1", "prompt.id": "p-1", "tool_use_id": "t1", "tool_name": "Edit", "decision": "accept", "source": "user_temporary", "app.entrypoint": "cli"},
		},
		"copilot": {
			{"name": "invoke_agent Copilot", "gen_ai.operation.name": "invoke_agent", "copilot_chat.chat_session_id": "co-1", "copilot_chat.user_request": "lift the gate", "copilot_chat.prompt_instructions": "Close what you open.",
				"copilot_chat.repo.remote_url": "https://git.example/mill/weir", "gen_ai.usage.input_tokens": 1000},
			{"name": "chat gpt-5", "gen_ai.operation.name": "chat", "copilot_chat.chat_session_id": "co-1", "gen_ai.response.id": "resp-2", "gen_ai.response.model": "gpt-5", "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 3, "copilot_chat.reasoning_content": "a gate lifts"},
			{"name": "execute_tool replace_string_in_file", "gen_ai.operation.name": "execute_tool", "copilot_chat.chat_session_id": "co-1", "gen_ai.tool.name": "replace_string_in_file", "gen_ai.tool.call.id": "ct-1",
				"gen_ai.tool.call.arguments": `{"filePath":"/src/gate.ts","oldString":"shut","newString":"open"}`, "gen_ai.tool.call.result": "done"},
			{"name": "execute_tool mill_tool", "gen_ai.operation.name": "execute_tool", "copilot_chat.chat_session_id": "co-1", "gen_ai.tool.name": "mill_tool", "gen_ai.tool.call.id": "ct-2", "github.copilot.tool.parameters.command": "make lift", "failed": true},
		},
		"opentelemetry": {
			{"name": "invoke_agent miller", "gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "o-1", "gen_ai.usage.input_tokens": 300, "gen_ai.input.messages": `[{"role":"user","parts":[{"type":"text","content":"lift the gate"}]}]`},
			{"name": "chat claude", "gen_ai.operation.name": "chat", "gen_ai.system": "anthropic", "gen_ai.conversation.id": "o-1", "gen_ai.response.id": "resp-1", "gen_ai.response.model": "claude-opus-4-5", "gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 4},
			{"name": "execute_tool str_replace", "gen_ai.operation.name": "execute_tool", "gen_ai.conversation.id": "o-1", "gen_ai.tool.name": "str_replace", "gen_ai.tool.call_id": "oc-1", "gen_ai.tool.call.arguments": edit, "gen_ai.tool.call.result": "done"},
		},
	}
}

func tools() []string {
	return []string{"claude-code", "codex", "gemini-cli", "cursor", "copilot", "cline", "kiro", "grok", "opentelemetry"}
}

// named gives Claude's events their names where Claude puts them.
func named(tool string, events []attrs) []attrs {
	if tool != "claude-code" {
		return events
	}
	for _, a := range events {
		if a["name"] == nil {
			a["name"] = claudePrefix + fmt.Sprint(a["event.name"])
		}
	}
	return events
}
