// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"slices"
	"testing"

	"github.com/headrace/headrace/episode"
)

// Events in the shapes that Claude Code 2.1.332 and Gemini CLI 0.61 send; what is said in them is made up.

func TestWhoDecidesInAutoModeIsNotKnown(t *testing.T) {
	for mode, by := range map[string]episode.By{"default": episode.ByRule, "acceptEdits": episode.ByRule, "auto": episode.ByUnknown, "plan": episode.ByUnknown, "": episode.ByRule} {
		got, _ := Episodes(logs(t, "cli", attrs{"event.name": "tool_decision", "tool_name": "Bash", "tool_use_id": "t", "decision": "accept", "source": "config", "permission_mode": mode}))
		if d := got[0].Decisions[0]; d.By != by {
			t.Errorf("in mode %q: by %s, want %s", mode, d.By, by)
		}
	}
}

func TestALookThatNobodyWasAskedAboutIsNoSuggestion(t *testing.T) {
	read := attrs{"event.name": "tool_decision", "tool_name": "Read", "tool_use_id": "t", "decision": "accept", "source": "config"}
	if got, _ := Episodes(logs(t, "cli", read)); len(got) != 0 {
		t.Errorf("%+v", got[0].Suggestions)
	}
	read["source"] = "user_temporary"
	got, _ := Episodes(logs(t, "cli", read))
	if len(got) != 1 || len(got[0].Decisions) != 1 || got[0].Decisions[0].By != episode.ByPerson {
		t.Errorf("what a person allowed is gone: %+v", got)
	}
}

func TestATitleIsNotTheAnswer(t *testing.T) {
	got, _ := Episodes(logs(t, "cli",
		attrs{"event.name": "user_prompt", "prompt": "lift the gate"},
		attrs{"event.name": "api_request", "model": "claude-haiku-4-5", "input_tokens": 5, "output_tokens": 1, "query_source": "generate_session_title"},
		attrs{"event.name": "assistant_response", "response": "Gate lifting", "query_source": "generate_session_title"},
		attrs{"event.name": "api_request", "model": "claude-opus-4-5", "input_tokens": 100, "output_tokens": 20, "query_source": "repl_main_thread"},
		attrs{"event.name": "assistant_response", "response": "Lifted.", "query_source": "repl_main_thread"}))
	var said []string
	for _, st := range got[0].Steps {
		if st.Message != "" {
			said = append(said, st.Message)
		}
	}
	if !slices.Equal(said, []string{"lift the gate", "Lifted."}) || got[0].Model.Name != "claude-opus-4-5" || got[0].Usage.InputTokens != 105 {
		t.Errorf("%q by %s, %+v", said, got[0].Model.Name, got[0].Usage)
	}
}

func geminiCall(args string) []attrs {
	return []attrs{
		{"name": "gemini_cli.user_prompt", "session.id": "g", "prompt_id": "g########0", "prompt": "lift the gate", "interactive": "true"},
		{"name": "gemini_cli.api_response", "session.id": "g", "prompt_id": "g########0", "role": "utility_router", "model": "gemini-flash-lite", "input_token_count": 2, "output_token_count": 1, "response_text": `{"candidates":[{"content":{"parts":[{"text":"{\"score\": 1}"}]}}]}`},
		{"name": "gemini_cli.api_response", "session.id": "g", "prompt_id": "g########0", "role": "main", "model": "gemini-pro", "input_token_count": 20, "output_token_count": 3,
			"response_text": `[{"candidates":[{"content":{"role":"model","parts":[{"text":"I lift it."},{"functionCall":{"name":"replace","args":` + edit + `,"id":"replace__replace_1_0"}}]}}]}]`},
		{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "g########0", "function_name": "replace", "function_args": args, "decision": "reject", "success": "false", "interactive": "true"},
		{"name": "gemini_cli.api_response", "session.id": "g", "prompt_id": "session-summary-generation", "role": "utility_summarizer", "model": "gemini-flash-lite", "response_text": `{}`},
	}
}

func TestACallOfGeminisHasTheIDThatItsResponseGaveIt(t *testing.T) {
	for name, args := range map[string]string{
		"as it was asked for": edit,
		"otherwise written":   `{"new_string":"open", "old_string":"shut", "file_path":"/src/gate.go"}`,
		"changed by a person": `{"file_path":"/src/gate.go","old_string":"shut","new_string":"ajar","modified_by_user":true}`,
	} {
		all, _ := Episodes(records(t, "gemini-cli", geminiCall(args)...))
		if len(all) != 1 {
			t.Errorf("%s: %d episodes, want one: what is of no prompt is none", name, len(all))
			continue
		}
		stored := all[0]
		Merge(stored, stored.Clone()) // it comes again
		e := Named(stored)
		if len(e.Suggestions) != 1 || e.Suggestions[0].ID != "replace__replace_1_0" || len(e.Decisions) != 1 || e.Decisions[0].Suggestion != "replace__replace_1_0" {
			t.Errorf("%s: %+v, %+v", name, e.Suggestions, e.Decisions)
		}
		if !slices.Contains(Keys(e), "gemini-cli\x00g\x00call:replace__replace_1_0") {
			t.Errorf("%s: keys %q", name, Keys(e))
		}
		calls := 0
		for _, st := range e.Steps {
			calls += len(st.ToolCalls)
			if st.Source == episode.SourceAgent && len(st.ToolCalls) > 0 && st.Message != "I lift it." {
				t.Errorf("%s: the model said %q", name, st.Message)
			}
		}
		if calls != 1 || e.Model.Name != "gemini-pro" || e.Usage.InputTokens != 22 || e.Tool.Version != "" {
			t.Errorf("%s: %d calls by %s %q, %+v", name, calls, e.Model.Name, e.Tool.Version, e.Usage)
		}
		if stored.Suggestions[0].ID == "replace__replace_1_0" {
			t.Errorf("%s: what is stored was changed", name)
		}
	}
}

func TestTwoCallsAlikeKeepTheirOrder(t *testing.T) {
	ask := func(id string) attrs {
		return attrs{"name": "gemini_cli.api_response", "session.id": "g", "prompt_id": "g########0", "role": "main", "response_text": `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"replace","args":` + edit + `,"id":"` + id + `"}}]}}]}`}
	}
	call := func(decision, success string) attrs {
		return attrs{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "g########0", "function_name": "replace", "function_args": edit, "decision": decision, "success": success}
	}
	all, _ := Episodes(records(t, "gemini-cli", ask("r1"), call("reject", "false"), ask("r2"), call("accept", "true")))
	e := Named(all[0])
	have := map[string]episode.Verdict{}
	for _, d := range e.Decisions {
		have[d.Suggestion] = d.Verdict
	}
	if len(have) != 2 || have["r1"] != episode.Rejected || have["r2"] != episode.Accepted {
		t.Errorf("%+v", e.Decisions)
	}
}

func TestCodexsOwnRequestsAreNoPrompts(t *testing.T) {
	got, _ := Episodes(records(t, "codex", attrs{"name": "codex.user_prompt", "conversation.id": "c", "prompt": "Generate a concise, single-line task title of at most 36 characters."}))
	if len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
