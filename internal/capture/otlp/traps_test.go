// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func fmtFloat(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }

// The traps are those of the reference's section 16, by its numbers.

func TestTrap1BooleansAndNumbersMayBeStringsAndJSONMayBeInThem(t *testing.T) {
	for tool, events := range said() {
		asText, _ := Episodes(records(t, tool, texts(named(tool, events))...))
		asIs, _ := Episodes(records(t, tool, named(tool, events)...))
		for i, e := range asIs {
			if d := cmp.Diff(about(e), about(asText[i])); d != "" {
				t.Errorf("%s: %s", tool, d)
			}
			if d := cmp.Diff(e.Usage, asText[i].Usage); d != "" {
				t.Errorf("%s: %s", tool, d)
			}
		}
	}
	got, _ := Episodes(records(t, "gemini-cli", attrs{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "p", "function_name": "write_file", "function_args": `{"file_path":"a.go","content":"x"}`,
		"success": "true", "decision": "modify", "metadata": `{"model_added_chars":"100","user_added_chars":"25"}`}))
	if d := got[0].Decisions[0].EditDistance; d == nil || *d != 0.2 {
		t.Errorf("the edit distance is %v", d)
	}
}

func texts(events []attrs) (out []attrs) {
	for _, a := range events {
		c := attrs{}
		for k, v := range a {
			switch v := v.(type) {
			case bool:
				c[k] = strconv.FormatBool(v)
			case int:
				if c[k] = strconv.Itoa(v); k == "trace" {
					c[k] = v
				}
			case float64:
				c[k] = strconv.FormatFloat(v, 'g', -1, 64)
			default:
				c[k] = v
			}
		}
		out = append(out, c)
	}
	return out
}

func TestTrap2TheNameMayBeInAnyOfThreePlaces(t *testing.T) {
	for tool, events := range said() {
		want, _ := Episodes(records(t, tool, named(tool, events)...))
		for place := range 3 {
			l := records(t, tool, named(tool, events)...)
			for _, lr := range l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				name := lr.EventName()
				lr.SetEventName("")
				lr.Attributes().Remove("event.name")
				switch place {
				case 0:
					lr.SetEventName(name)
				case 1:
					lr.Attributes().PutStr("event.name", name)
				case 2:
					lr.Body().SetStr(name)
				}
			}
			got, _ := Episodes(l)
			if len(got) != len(want) {
				t.Errorf("%s, place %d: %d episodes, want %d", tool, place, len(got), len(want))
				continue
			}
			for i := range got {
				if d := cmp.Diff(about(want[i]), about(got[i])); d != "" {
					t.Errorf("%s, place %d: %s", tool, place, d)
				}
			}
		}
	}
}

func TestTrap3AnswersOfManyKindsStayApart(t *testing.T) {
	var events []attrs
	for i, c := range [][2]string{{"approved", "user"}, {"approved", "config"}, {"denied", "user"}, {"denied", "config"}, {"abort", "user"}, {"timedout", "user"}} {
		events = append(events, attrs{"name": "codex.tool_decision", "conversation.id": "c", "call_id": strconv.Itoa(i), "tool_name": "shell", "decision": c[0], "source": c[1]})
	}
	events = append(events, attrs{"name": "codex.tool_result", "conversation.id": "c", "call_id": "6", "tool_name": "shell", "success": "false", "output": "exit 1"})
	got, c := Episodes(records(t, "codex", events...))
	seen := map[string]bool{}
	for _, e := range got {
		for _, d := range e.Decisions {
			seen[string(d.Verdict)+string(d.By)] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("six answers became %v", seen)
	}
	if c.Errors != 1 || len(got[6].Decisions) != 0 {
		t.Errorf("a failure is a decision: %+v", got[6].Decisions)
	}
	if c.Decisions[episode.Accepted][person] != 1 {
		t.Errorf("a rule counts as a person: %v", c.Decisions)
	}
}

func TestTrap4OneHalfOfACallMayBeMissing(t *testing.T) {
	for tool, halves := range map[string][2]attrs{
		"claude-code": {{"name": "claude_code.tool_decision", "event.name": "tool_decision", "session.id": "s", "prompt.id": "p", "tool_name": "Write", "tool_use_id": "1", "decision": "accept", "source": "user_temporary", "app.entrypoint": "cli"},
			{"name": "claude_code.tool_result", "event.name": "tool_result", "session.id": "s", "prompt.id": "p", "tool_name": "Write", "tool_use_id": "1", "success": "true", "decision_type": "accept", "decision_source": "user_temporary", "app.entrypoint": "cli"}},
		"codex": {{"name": "codex.tool_decision", "conversation.id": "s", "tool_name": "shell", "call_id": "1", "decision": "approved", "source": "user", "originator": "codex_tui"},
			{"name": "codex.tool_result", "conversation.id": "s", "tool_name": "shell", "call_id": "1", "arguments": `{"command":"make lift"}`, "success": "true"}},
		"grok": {{"name": "grok_code.tool_decision", "session.id": "s", "tool_name": "bash", "tool_use_id": "1", "access_kind": "bash", "decision": "allow", "source": "user_temporary"},
			{"name": "grok_code.tool_result", "session.id": "s", "tool_name": "bash", "tool_use_id": "1", "success": "true"}},
	} {
		for _, events := range [][]attrs{{halves[0]}, {halves[1]}, {halves[0], halves[1]}, {halves[0], halves[1], halves[0]}} {
			got, _ := Episodes(records(t, tool, events...))
			if len(got) != 1 || len(got[0].Suggestions) != 1 || len(got[0].Decisions) != 1 || got[0].Decisions[0].Verdict != episode.Accepted {
				t.Fatalf("%s, %d events: %+v", tool, len(events), got)
			}
			if whole := len(events) > 1; whole && got[0].Decisions[0].By != person {
				t.Errorf("%s: by %s", tool, got[0].Decisions[0].By)
			}
		}
	}
}

func TestTrap5AlwaysAndSaveIsNoRejection(t *testing.T) {
	got, c := Episodes(records(t, "gemini-cli", attrs{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "p", "function_name": "run_shell_command", "function_args": `{"command":"make"}`, "decision": "reject", "success": "true"}))
	if d := got[0].Decisions[0]; d.Verdict != episode.Accepted || c.Rejections != 0 {
		t.Errorf("%s, %d rejections", d.Verdict, c.Rejections)
	}
}

// What a tool sends although the user did not choose to send it goes only to fields that the filter looks into, and what
// says who the user is goes nowhere.
func TestTrap15WhatLeaksStaysWhereTheFilterLooks(t *testing.T) {
	const secret = "canary-7391"
	who := attrs{"user.email": "someone@example.invalid", "user.account_id": "acct-" + secret, "user.id": secret, "organization.id": secret, "installation.id": secret, "host.name": secret}
	for tool, events := range said() {
		var leaky []attrs
		for _, a := range named(tool, events) {
			c := attrs{}
			for k, v := range a {
				c[k] = v
			}
			for k, v := range who {
				c[k] = v
			}
			for _, k := range [...]string{"prompt", "arguments", "output", "function_args", "tool_parameters", "tool_input", "error", "gen_ai.tool.call.arguments"} {
				if _, has := c[k]; has {
					c[k] = `{"command":"echo ` + secret + `","file_path":"/home/` + secret + `/x.go","new_string":"` + secret + `"}`
				}
			}
			leaky = append(leaky, c)
		}
		got, _ := Episodes(records(t, tool, leaky...))
		for _, e := range got {
			line, err := episode.Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(line), "someone@") || strings.Contains(string(line), "acct-") {
				t.Errorf("%s: who the user is has been taken: %s", tool, line)
			}
			e = e.Clone()
			e.Instruction = ""
			for i := range e.Steps {
				s := &e.Steps[i]
				s.Message, s.Reasoning, s.Observation = "", "", nil
				for k := range s.ToolCalls {
					s.ToolCalls[k].Arguments = nil
				}
			}
			for i := range e.Suggestions {
				e.Suggestions[i].Before, e.Suggestions[i].After, e.Suggestions[i].Path = "", "", ""
			}
			for i := range e.Decisions {
				e.Decisions[i].Final, e.Decisions[i].Reason = "", ""
			}
			if line, err = episode.Append(nil, e); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(line), secret) {
				t.Errorf("%s: text is in a field that holds none: %s", tool, line)
			}
		}
	}
}
