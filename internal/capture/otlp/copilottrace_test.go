// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/headrace/headrace/episode"
)

// agent is a run of the editor's agent, whose two requests have one id for their responses, as in a recording.
func agent() []attrs {
	const chat = "copilot_chat.chat_session_id"
	return []attrs{
		{"name": "invoke_agent Copilot", "gen_ai.operation.name": "invoke_agent", chat: "co-1", "gen_ai.conversation.id": "co-1", "copilot_chat.user_request": "lift the gate"},
		{"name": "chat gpt-5", "gen_ai.operation.name": "chat", chat: "co-1", "gen_ai.conversation.id": "resp", "gen_ai.response.id": "resp", "gen_ai.usage.input_tokens": 20,
			"gen_ai.input.messages":  `[{"role":"user","parts":[{"type":"text","content":"<context>\nnoon\n</context>\n<userRequest>\nlift the gate\n</userRequest>"}]}]`,
			"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"tool_call","id":"c-1","name":"replace_string_in_file","arguments":` + fmt.Sprintf("%q", edit) + `}]}]`},
		{"name": "execute_tool replace_string_in_file", "gen_ai.operation.name": "execute_tool", chat: "co-1", "gen_ai.tool.name": "replace_string_in_file", "gen_ai.tool.call.id": "c-1",
			"gen_ai.tool.call.arguments": edit, "gen_ai.tool.call.result": `{"node":{"text":"do","children":[{"text":"ne","other":"text"}]}}`},
		{"name": "chat gpt-5", "gen_ai.operation.name": "chat", chat: "co-1", "gen_ai.conversation.id": "resp", "gen_ai.response.id": "resp", "gen_ai.usage.input_tokens": 30,
			"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"It is up."}]}]`},
	}
}

func TestTheRequestsOfARunAreStepsWithWhatCameBack(t *testing.T) {
	traces := spans(t, "copilot", agent()...)
	got, c := Traces(traces)
	if len(got) != 1 || got[0].Session != "co-1" || got[0].Usage.InputTokens != 50 || c.ToolUses != 1 {
		t.Fatalf("%d episodes, %+v", len(got), c)
	}
	var steps []string
	for _, st := range got[0].Steps {
		s := fmt.Sprintf("%s %q", st.Source, st.Message)
		for _, r := range results(st) {
			s += fmt.Sprintf(" %s=%s", st.ToolCalls[0].ID, r.Content)
		}
		steps = append(steps, s)
	}
	if d := cmp.Diff([]string{`user "lift the gate"`, `agent "" c-1=done`, `agent "It is up."`}, steps); d != "" {
		t.Error(d)
	}
	if s := got[0].Suggestions; len(s) != 1 || s[0].Step != 1 {
		t.Errorf("%+v", s)
	}
}

func TestPartsOfARunMergeInAnyOrder(t *testing.T) {
	var parts []*episode.Episode
	for _, rs := range spans(t, "copilot", agent()...).ResourceSpans().All() {
		for i, s := range rs.ScopeSpans().At(0).Spans().All() {
			one := spans(t, "copilot", attrs{"name": "x"})
			s.CopyTo(one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0))
			got, _ := Traces(one)
			if len(got) != 1 {
				t.Fatalf("span %d: %d episodes", i, len(got))
			}
			parts = append(parts, got[0])
		}
	}
	want := combine(parts)
	for i := range 24 { // each order of four, and the first again at the end
		rest, order := slices.Clone(parts), []*episode.Episode{}
		for n, k := 4, i; n > 0; n-- {
			order = append(order, rest[k%n])
			rest, k = slices.Delete(rest, k%n, k%n+1), k/n
		}
		e := order[0].Clone()
		for _, p := range append(order[1:], order[0]) {
			Merge(e, p.Clone())
		}
		if d := cmp.Diff(want, e); d != "" {
			t.Fatalf("order %d: %s", i, d)
		}
	}
}

func TestWhatTheEditorAsksForItselfIsNoPrompt(t *testing.T) {
	for name, a := range map[string]attrs{
		"a title":            {"name": "chat m", "gen_ai.operation.name": "chat", "gen_ai.conversation.id": "r", "gen_ai.response.id": "r", "copilot_chat.parent_chat_session_id": "co-1", "copilot_chat.user_request": "a title"},
		"words to show":      {"name": "chat m", "gen_ai.operation.name": "chat", "gen_ai.conversation.id": "r", "copilot_chat.server_request_id": "r", "copilot_chat.user_request": "ten words"},
		"one tool's another": {"name": "execute_tool inner", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "inner", "gen_ai.tool.call.id": "c"},
	} {
		if got, c := Traces(spans(t, "copilot", a)); len(got) != 0 || c.Lines != 1 || c.ToolUses != 0 || c.Unparsable != 0 {
			t.Errorf("%s: %d episodes, %+v", name, len(got), c)
		}
	}
	below := spans(t, "copilot", attrs{"name": "chat m", "gen_ai.operation.name": "chat", "copilot_chat.chat_session_id": "child", "copilot_chat.parent_chat_session_id": "co-1"})
	below.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetParentSpanID(pcommon.SpanID{9})
	if got, _ := Traces(below); len(got) != 1 || got[0].Session != "co-1" {
		t.Errorf("what a subagent asks for is of its parent's chat: %+v", got)
	}
}

func TestAHookBeforeACallDecidesOnIt(t *testing.T) {
	const write, look = `"tool_name":"create_file","tool_input":{"filePath":"a.go","content":"b"}`, `"tool_name":"read_file","tool_input":{}`
	for _, c := range []struct{ kind, result, input, output, want string }{
		{"PreToolUse", "success", write, `{}`, ""},
		{"PreToolUse", "success", write, `{"hookSpecificOutput":{"permissionDecision":"ask"}}`, ""},
		{"PreToolUse", "success", write, `{"hookSpecificOutput":{"permissionDecision":"allow","permissionDecisionReason":"why not"}}`, "file accepted by hook "},
		{"PreToolUse", "success", write, `{"hookSpecificOutput":{"permissionDecision":"deny","permissionDecisionReason":"no gates"}}`, "file rejected by hook no gates"},
		{"PreToolUse", "success", write, `{"decision":"block","reason":"no"}`, "file rejected by hook no"},
		{"PreToolUse", "error", write, "", "file rejected by hook it says why"},
		{"PreToolUse", "non_blocking_error", write, "", ""},
		{"PreToolUse", "success", look, `{"hookSpecificOutput":{"permissionDecision":"allow"}}`, ""}, // it only looks
		{"PreToolUse", "error", look, "", "command rejected by hook it says why"},
		{"PostToolUse", "error", write, "", ""},
		{"PreToolUse", "error", `"tool_name":"create_fi`, "", ""}, // cut off
	} {
		input := `{` + c.input + `,"tool_use_id":"call_1__vscode-7"}`
		if strings.HasSuffix(c.input, "_fi") {
			input = `{` + c.input
		}
		tr := spans(t, "copilot", attrs{"name": "execute_hook", "gen_ai.operation.name": "execute_hook", "copilot_chat.chat_session_id": "co-1", "copilot_chat.hook_type": c.kind,
			"copilot_chat.hook_result_kind": c.result, "copilot_chat.hook_input": input, "copilot_chat.hook_output": c.output})
		tr.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Status().SetMessage("it says why")
		got, _ := Traces(tr)
		have := ""
		for _, e := range got {
			d, s := e.Decisions[0], e.Suggestions[0]
			have = fmt.Sprintf("%s %s by %s %s", s.Kind, d.Verdict, d.By, d.Reason)
			if d.Suggestion != "call_1" || !slices.Contains(Keys(e), "copilot\x00co-1\x00call:call_1") {
				t.Errorf("%s: it is on %s, with the keys %q", c.output, d.Suggestion, Keys(e))
			}
		}
		if have != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.kind, c.result, c.output, have, c.want)
		}
	}
}

func TestAStreamGivesWhatItCannotHold(t *testing.T) {
	var given []*episode.Episode
	s := NewStream("copilot", func(e *episode.Episode) error { given = append(given, e); return nil })
	s.most = 20 * partCost
	for i := range 30 {
		tr := spans(t, "copilot", agent()[i%4])
		tr.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetTraceID(pcommon.TraceID{byte(i%3 + 1)})
		if err := s.Traces(tr); err != nil {
			t.Fatal(err)
		}
		if s.held < 0 || s.held >= s.most {
			t.Fatalf("%d bytes are held after %d spans", s.held, i+1)
		}
	}
	if err := s.Logs(records(t, "codex", said()["codex"]...)); err != nil || s.Counts().Lines != 0 || s.Counts().Kinds["chat"] != 15 {
		t.Errorf("%+v %v", s.Counts(), err)
	}
	before := len(given)
	if err := s.Flush(); err != nil || s.held != 0 || before == 0 || len(given) == before {
		t.Errorf("%d given before the end, %d in all; %d bytes held; %v", before, len(given), s.held, err)
	}
	for _, e := range given {
		if e.Tool.Name != "copilot" || !Tells(e) {
			t.Errorf("%+v", e)
		}
	}
	if Tells(&episode.Episode{Steps: []episode.Step{{Message: "x"}}}) {
		t.Error("a history is taken for telemetry")
	}
}
