// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

const (
	person  = episode.ByPerson
	rule    = episode.ByRule
	hook    = episode.ByHook
	model   = episode.ByModel
	unknown = episode.ByUnknown
)

// A row per value of the decision map (the reference's section 16.1) that a tool sends by OpenTelemetry, and what becomes
// of it. Claude Code's rows are in TestWhoDecidedIsTakenFromTheSource.
func TestEveryDecisionValueIsMapped(t *testing.T) {
	codex := func(decision, source, originator string) attrs {
		return attrs{"name": "codex.tool_decision", "conversation.id": "c", "call_id": "1", "tool_name": "shell", "decision": decision, "source": source, "originator": originator}
	}
	gemini := func(decision string, success bool, more ...string) attrs {
		a := attrs{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "p", "function_name": "replace", "function_args": edit, "decision": decision, "success": success}
		for i := 0; i < len(more); i += 2 {
			a[more[i]] = more[i+1]
		}
		return a
	}
	grok := func(decision, source, entry string) attrs {
		return attrs{"name": "grok_code.tool_decision", "session.id": "x", "tool_name": "search_replace", "access_kind": "edit", "decision": decision, "source": source, "app.entrypoint": entry}
	}
	chat := func(event, outcome string) attrs {
		return attrs{"name": "copilot_chat." + event, "request_id": "r", "outcome": outcome, "language_id": "go"}
	}
	cli := func(kind string) attrs {
		return attrs{"name": "permission.completed", "session.id": "x", "tool_name": "bash", "result.kind": kind, "result.feedback": "use the sluice"}
	}
	for _, c := range []struct {
		tool    string
		event   attrs
		verdict episode.Verdict
		by      episode.By
	}{
		{"codex", codex("approved", "user", "codex_cli_rs"), episode.Accepted, person},
		{"codex", codex("approvedforsession", "User", "codex_tui"), episode.Accepted, person},
		{"codex", codex("approved_for_session", "user", "codex_vscode"), episode.Accepted, person},
		{"codex", codex("ApprovedExecpolicyAmendment", "user", "codex_cli_rs"), episode.Accepted, person},
		{"codex", codex("approved", "config", "codex_cli_rs"), episode.Accepted, rule},
		{"codex", codex("approvedforsession", "Config", "codex_cli_rs"), episode.Accepted, rule},
		{"codex", codex("approvedexecpolicyamendment", "config", "codex_cli_rs"), episode.Accepted, rule},
		{"codex", codex("approved", "automated_reviewer", "codex_cli_rs"), episode.Accepted, model},
		{"codex", codex("approved", "AutomatedReviewer", "codex_cli_rs"), episode.Accepted, model},
		{"codex", codex("denied", "user", "codex_cli_rs"), episode.Rejected, person},
		{"codex", codex("denied", "config", "codex_cli_rs"), episode.Rejected, rule},
		{"codex", codex("denied", "automated_reviewer", "codex_cli_rs"), episode.Rejected, model},
		{"codex", codex("abort", "user", "codex_cli_rs"), episode.Cancelled, person},
		{"codex", codex("abort", "config", "codex_cli_rs"), episode.Cancelled, unknown},
		{"codex", codex("timedout", "user", "codex_cli_rs"), episode.TimedOut, unknown},
		{"codex", codex("timed_out", "config", "codex_cli_rs"), episode.TimedOut, unknown},
		{"codex", codex("networkpolicyamendment", "user", "codex_cli_rs"), "", ""}, // may be either
		{"codex", codex("approved", "user", "codex_exec"), episode.Accepted, unknown},
		{"codex", codex("approved", "", "codex_cli_rs"), episode.Accepted, unknown},

		{"gemini-cli", gemini("accept", true), episode.Accepted, unknown},
		{"gemini-cli", gemini("accept", false), episode.Accepted, unknown}, // it was allowed, then it failed
		{"gemini-cli", gemini("auto_accept", true), episode.Accepted, unknown},
		{"gemini-cli", gemini("reject", false), episode.Rejected, person},
		{"gemini-cli", gemini("reject", true), episode.Accepted, person}, // "always, and save"
		{"gemini-cli", gemini("modify", true), episode.Modified, person},
		{"gemini-cli", gemini("accept", true, "metadata", `{"user_added_lines":1}`), episode.Modified, person},
		{"gemini-cli", gemini("accept", true, "interactive", "false"), episode.Accepted, unknown},
		{"gemini-cli", gemini("", true), episode.Accepted, unknown},
		{"gemini-cli", gemini("", false, "error_type", "policy_violation"), episode.Rejected, rule},
		{"gemini-cli", gemini("", false), "", ""},

		{"copilot", chat("edit.feedback", "accepted"), episode.Accepted, person},
		{"copilot", chat("edit.feedback", "saved"), episode.Accepted, unknown},
		{"copilot", chat("edit.feedback", "rejected"), episode.Rejected, person},
		{"copilot", chat("edit.feedback", "unknown"), "", ""},
		{"copilot", chat("edit.hunk.action", "accepted"), episode.Accepted, person},
		{"copilot", chat("edit.hunk.action", "rejected"), episode.Rejected, person},
		{"copilot", attrs{"name": "copilot_chat.inline.done", "request_id": "r", "accepted": "true"}, episode.Accepted, person},
		{"copilot", attrs{"name": "copilot_chat.inline.done", "request_id": "r", "accepted": "false"}, episode.Rejected, person},
		// The command line's answers are documented for its event files; where they come by OpenTelemetry they mean the same,
		// but nothing says whether a request preceded.
		{"copilot", cli("approved"), episode.Accepted, unknown},
		{"copilot", cli("approved-for-session"), episode.Accepted, unknown},
		{"copilot", cli("approved-for-location"), episode.Accepted, unknown},
		{"copilot", cli("denied-interactively-by-user"), episode.Rejected, person},
		{"copilot", cli("denied-by-rules"), episode.Rejected, rule},
		{"copilot", cli("denied-by-content-exclusion-policy"), episode.Rejected, rule},
		{"copilot", cli("denied-by-permission-request-hook"), episode.Rejected, hook},
		{"copilot", cli("cancelled"), episode.Cancelled, unknown},
		{"copilot", cli("denied-no-approval-rule-and-could-not-request-from-user"), episode.Cancelled, unknown},

		{"grok", grok("allow", "user_temporary", "cli"), episode.Accepted, person},
		{"grok", grok("allow", "user_temporary", "headless"), episode.Accepted, unknown},
		{"grok", grok("allow", "user_temporary", "agent"), episode.Accepted, unknown},
		{"grok", grok("allow", "config", "cli"), episode.Accepted, rule},
		{"grok", grok("deny", "user_reject", "cli"), episode.Rejected, person},
		{"grok", grok("deny", "config", "cli"), episode.Rejected, rule},
		{"grok", grok("cancelled", "user_abort", "cli"), episode.Cancelled, person},
		{"grok", grok("cancelled", "config", "cli"), episode.Cancelled, unknown},
		{"grok", grok("deny", "user_abort", "cli"), episode.Cancelled, person},
		{"grok", grok("followup", "user_reject", "cli"), episode.Rejected, person},
		{"grok", grok("followup", "", "cli"), episode.Rejected, person},
		{"grok", grok("followup", "", "headless"), episode.Rejected, unknown},

		{"cline", attrs{"name": "task.ai_output.accepted", "task_id": "t"}, episode.Accepted, person},
		{"cline", attrs{"name": "task.ai_output.rejected", "task_id": "t"}, episode.Rejected, person},
		{"cline", attrs{"name": "task.tool_used", "task_id": "t", "tool_name": "replace_in_file", "success": "true", "auto_approved": "true"}, episode.Accepted, rule},
		{"cline", attrs{"name": "task.tool_used", "task_id": "t", "tool_name": "replace_in_file", "success": "true", "auto_approved": "false"}, "", ""},
		{"cline", attrs{"name": "task.tool_used", "task_id": "t", "tool_name": "replace_in_file", "success": "false", "auto_approved": "true"}, "", ""},
	} {
		got, _ := Episodes(records(t, c.tool, c.event))
		if len(got) != 1 {
			t.Errorf("%s %v: %d episodes", c.tool, c.event, len(got))
			continue
		}
		var have episode.Decision
		if ds := got[0].Decisions; len(ds) > 0 {
			have = ds[0]
			if !slices.ContainsFunc(got[0].Suggestions, func(s episode.Suggestion) bool { return s.ID == have.Suggestion && s.Kind != "" }) {
				t.Errorf("%s %v: a decision on nothing", c.tool, c.event)
			}
		}
		if have.Verdict != c.verdict || have.By != c.by {
			t.Errorf("%s %v: %s by %s, want %s by %s", c.tool, c.event, have.Verdict, have.By, c.verdict, c.by)
		}
		if want := c.event["result.feedback"]; want != nil && have.Reason != want {
			t.Errorf("the reason that the person typed is %q", have.Reason)
		}
	}
}

// about is what an episode tells, in a few words.
func about(e *episode.Episode) []string {
	list := []string{e.Tool.Name + " " + e.Session + ": " + e.Instruction}
	for _, s := range e.Suggestions {
		w := string(s.Kind) + " " + s.Path + " " + s.Before + ">" + s.After
		for _, d := range e.Decisions {
			if d.Suggestion == s.ID {
				w += " " + string(d.Verdict) + " by " + string(d.By)
			}
		}
		list = append(list, w)
	}
	for _, o := range e.Outcomes {
		list = append(list, strings.TrimSpace(string(o.Kind)+" "+cmpNumber(o.Value)+" "+o.Window))
	}
	for _, r := range e.Ratings {
		list = append(list, "rated by "+r.By+" "+cmpNumber(r.Value)+" "+r.Scale+r.Comment)
	}
	return list
}

func cmpNumber(f float64) string { return strings.TrimRight(strings.TrimRight(fmtFloat(f), "0"), ".") }

func TestWhatEachToolTellsOfAPrompt(t *testing.T) {
	want := map[string][][]string{
		"codex": {
			{"codex c-1: lift the gate"},
			{"codex c-1: ", "edit gate.go func open() {\n\tshut()\n>func open() {\n\tlift()\n accepted by person"},
			{"codex c-1: ", "command  >rm -r weir rejected by person"},
		},
		"gemini-cli": {{"gemini-cli g-1: lift the gate", "edit /src/gate.go shut>open modified by person"}},
		"cursor":     {{"cursor cu-1: "}},
		"copilot": {{"copilot co-1: ", "edit  > accepted by person", "edit  > rejected by person", "edit  > accepted by person", "edit  >", "edit  > accepted by person",
			"kept 0.25 10m", "reverted 0.5 10m", "rated by person 1 thumbs"}},
		"cline":         {{"cline t-1: ", "file  > accepted by rule", "edit  > accepted by person", "edit  > rejected by person", "reverted 1", "rated by person 0 thumbs"}},
		"kiro":          {{"kiro k-1: "}},
		"grok":          {{"grok gr-1: lift the gate", "edit /src/gate.go shut>open accepted by person", "command  > rejected by person"}},
		"opentelemetry": {{"opentelemetry o-1: lift the gate", "rated by Relevance 0.5 unithalf of it", "rated by Tests 0 binary"}},
	}
	usage := map[string]episode.Usage{
		"codex":         {InputTokens: 100, OutputTokens: 7, CacheReadTokens: 20},
		"gemini-cli":    {InputTokens: 40, OutputTokens: 7, CacheReadTokens: 10},
		"cursor":        {InputTokens: 9, OutputTokens: 3},
		"cline":         {InputTokens: 11, OutputTokens: 4},
		"kiro":          {InputTokens: 6, OutputTokens: 2},
		"grok":          {InputTokens: 8, OutputTokens: 1},
		"opentelemetry": {InputTokens: 20, OutputTokens: 4, CacheReadTokens: 10},
	}
	for tool, events := range said() {
		if tool == "claude-code" {
			continue // TestOnePromptBecomesOneEpisode
		}
		got, c := Episodes(records(t, tool, events...))
		var have [][]string
		for _, e := range got {
			have = append(have, about(e))
			if e.Developer != "" {
				t.Errorf("%s: identity is taken from the payload", tool)
			}
		}
		if d := cmp.Diff(want[tool], have); d != "" {
			t.Errorf("%s: %s", tool, d)
		}
		if c.Lines != len(events) || c.Unparsable != 0 {
			t.Errorf("%s: counted %+v", tool, c)
		}
		if u, ok := usage[tool]; ok && (got[0].Usage == nil || cmp.Diff(u, *got[0].Usage) != "") {
			t.Errorf("%s: usage %+v, want %+v", tool, got[0].Usage, u)
		}
	}
}

func TestWhatSpansTellOfAPrompt(t *testing.T) {
	want := map[string][]string{
		"claude-code":   {"claude-code s-1: ", "edit  > accepted by person"},
		"copilot":       {"copilot co-1: lift the gate", "edit /src/gate.ts shut>open accepted by unknown", "command  >make lift"},
		"opentelemetry": {"opentelemetry o-1: lift the gate", "edit /src/gate.go shut>open accepted by unknown"},
	}
	for tool, list := range traced() {
		got, _ := Traces(spans(t, tool, list...))
		if len(got) != 1 {
			t.Fatalf("%s: %d episodes", tool, len(got))
		}
		e := got[0]
		if d := cmp.Diff(want[tool], about(e)); d != "" {
			t.Errorf("%s: %s", tool, d)
		}
		switch tool {
		case "claude-code":
			if e.Suggestions[0].DwellMS != 1000 {
				t.Errorf("the person took %d ms", e.Suggestions[0].DwellMS)
			}
		case "copilot":
			if len(e.Artifacts) != 1 || e.Artifacts[0].Text != "Close what you open." || e.Repository == "" || e.Usage.InputTokens != 20 || e.Model.Provider != "openai" {
				t.Errorf("%+v", e)
			}
			if e.Steps[1].Reasoning != "a gate lifts" || e.Steps[2].Observation.Results[0].Content != "done" || !e.Steps[3].Observation.Results[0].Error {
				t.Errorf("%+v", e.Steps)
			}
		}
	}
}

func TestASpanAndItsEventAreOneRequest(t *testing.T) {
	logs, _ := Episodes(records(t, "opentelemetry", said()["opentelemetry"]...))
	spans, _ := Traces(spans(t, "opentelemetry", traced()["opentelemetry"]...))
	if logs[0].ID != spans[0].ID {
		t.Fatal("they are of two episodes")
	}
	e := combine([]*episode.Episode{logs[0], spans[0]})
	if e.Usage.InputTokens != 20 || e.Usage.OutputTokens != 4 {
		t.Errorf("the request counts twice: %+v", e.Usage)
	}
	var told []string
	for _, s := range e.Steps {
		if s.Message != "" {
			told = append(told, s.Message)
		}
	}
	if d := cmp.Diff([]string{"lift the gate", "On it."}, told); d != "" {
		t.Error(d)
	}
	if s := e.Suggestions[0]; s.Step < 0 || e.Steps[s.Step].ToolCalls[0].ID != "oc-1" {
		t.Errorf("the suggestion is of step %d", s.Step)
	}
}

func TestNothingBecomesOfWhatIsOfNoTool(t *testing.T) {
	for _, name := range []string{"task.checkout", "user_prompt", "tool_decision", "order.created"} {
		if got, c := Episodes(records(t, "nobody we know", attrs{"name": name, "session.id": "s", "decision": "accept"})); len(got) != 0 || c.Lines != 0 {
			t.Errorf("%s: %d episodes, %+v", name, len(got), c)
		}
	}
	if got, _ := Traces(spans(t, "nobody we know", attrs{"name": "GET /sluice"})); len(got) != 0 {
		t.Errorf("%d episodes", len(got))
	}
}

func TestAnEventThatBelongsToNothingIsCounted(t *testing.T) {
	for _, tool := range tools() {
		a := named(tool, said()[tool])[0]
		got, c := Episodes(records(t, tool, attrs{"name": a["name"], "gen_ai.operation.name": "chat"}))
		if len(got) != 0 || c.Unparsable != 1 {
			t.Errorf("%s %v: %d episodes, %+v", tool, a["name"], len(got), c)
		}
	}
}

func TestATurnedDownCallIsNoFailure(t *testing.T) {
	got, _ := Episodes(records(t, "codex", said()["codex"]...))
	last := got[len(got)-1]
	for _, s := range last.Steps {
		if s.Observation != nil && s.Observation.Results[0].Error {
			t.Error("a rejection is marked as an error")
		}
	}
}

func TestTheKeysOfAPartAreTheToolsOwnIDs(t *testing.T) {
	for tool, want := range map[string][]string{
		"codex":         {"codex\x00c-1\x00call:call_1", "codex\x00c-1\x00call:call_2"},
		"gemini-cli":    {"gemini-cli\x00g-1\x00prompt:g-1########0"},
		"copilot":       {"copilot\x00\x00request:req-1", "copilot\x00co-1\x00prompt:req-1"},
		"grok":          {"grok\x00gr-1\x00call:x1", "grok\x00gr-1\x00prompt:gp-1"},
		"kiro":          {"kiro\x00\x00message:m-1", "kiro\x00k-1\x00call:tu-1", "kiro\x00k-1\x00prompt:m-1"},
		"opentelemetry": {"opentelemetry\x00\x00response:resp-1"},
	} {
		got, _ := Episodes(records(t, tool, said()[tool]...))
		var have []string
		for _, e := range got {
			have = append(have, Keys(e.Clone())...)
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Errorf("%s: %s", tool, d)
		}
	}
	claude, _ := Episodes(records(t, "claude-code", attrs{"name": "claude_code.assistant_response", "session.id": "s", "prompt.id": "p", "message.uuid": "u", "request_id": "r"},
		attrs{"name": "claude_code.tool_decision", "session.id": "s", "prompt.id": "p", "tool_name": "Edit", "tool_use_id": "toolu_1", "decision": "accept", "source": "config"}))
	if d := cmp.Diff([]string{"claude-code\x00\x00message:u", "claude-code\x00\x00request:r", "claude-code\x00s\x00call:toolu_1", "claude-code\x00s\x00prompt:p"}, Keys(claude[0])); d != "" {
		t.Error(d)
	}
}
