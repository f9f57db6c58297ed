// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/native"
)

// There is no recording of these events under an open licence: those here are built from the documented tables.

var at = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

// one maps one event, a second after another for each call.
func one(t testing.TB, tool, event string, second int) *episode.Episode {
	t.Helper()
	got, err := Parts(tool, []byte(event), at.Add(time.Duration(second)*time.Second))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	if len(got) == 0 {
		return nil
	}
	return got[0]
}

// all merges the parts of several events, in their order.
func all(t testing.TB, tool string, events ...string) *episode.Episode {
	t.Helper()
	var e *episode.Episode
	for i, ev := range events {
		switch p := one(t, tool, ev, i); {
		case p == nil:
		case e == nil:
			e = p
		case p.ID != e.ID:
			t.Fatalf("%s is of another episode", ev)
		default:
			Merge(e, p)
		}
	}
	if e != nil {
		capturetest.Check(t, native.Source{}, []*episode.Episode{e})
	}
	return e
}

const head = `"session_id":"s1","prompt_id":"p1","cwd":"/src/mill","transcript_path":"/h/.claude/projects/x.jsonl",`

// claude are the events of one turn: an edit, a command that fails, a look around, an answer.
func claude() []string {
	return []string{
		`{` + head + `"hook_event_name":"SessionStart","source":"startup"}`,
		`{` + head + `"hook_event_name":"UserPromptSubmit","prompt":"Open the gate"}`,
		`{` + head + `"hook_event_name":"PreToolUse","tool_name":"Edit","tool_use_id":"t1","tool_input":{"file_path":"/src/mill/gate.go","old_string":"shut","new_string":"open"}}`,
		`{` + head + `"hook_event_name":"PostToolUse","tool_name":"Edit","tool_use_id":"t1","tool_input":{"file_path":"/src/mill/gate.go","old_string":"shut","new_string":"open"},"tool_response":{"filePath":"/src/mill/gate.go","userModified":false}}`,
		`{` + head + `"hook_event_name":"PreToolUse","tool_name":"Bash","tool_use_id":"t2","tool_input":{"command":"go test"}}`,
		`{` + head + `"hook_event_name":"PostToolUseFailure","tool_name":"Bash","tool_use_id":"t2","tool_input":{"command":"go test"},"error":"exit status 1","is_interrupt":false}`,
		`{` + head + `"hook_event_name":"PostToolUse","tool_name":"Read","tool_use_id":"t3","tool_input":{"file_path":"/src/mill/wheel.go"},"tool_response":{"content":[{"type":"text","text":"package mill"}]}}`,
		`{` + head + `"hook_event_name":"InstructionsLoaded","file_path":"/src/mill/CLAUDE.md","memory_type":"Project"}`,
		`{` + head + `"hook_event_name":"Stop","last_assistant_message":"The gate is open."}`,
	}
}

func TestOnePromptBecomesOneEpisode(t *testing.T) {
	e := all(t, "claude-code", claude()...)
	if e.ID != episode.NewID("claude-code", "p1") || e.Session != "s1" || e.Instruction != "Open the gate" || e.Repository != "/src/mill" || e.Tool.Name != "claude-code" {
		t.Errorf("%+v", e)
	}
	type step struct {
		Source                episode.Source
		Message, Call, Result string
		Error                 bool
	}
	var steps []step
	for _, s := range e.Steps {
		st := step{Source: s.Source, Message: s.Message}
		for _, c := range s.ToolCalls {
			st.Call = c.ID
		}
		if s.Observation != nil {
			st.Result, st.Error = s.Observation.Results[0].Content, s.Observation.Results[0].Error
		}
		steps = append(steps, st)
	}
	if d := cmp.Diff([]step{{Source: "user", Message: "Open the gate"}, {Source: "agent", Call: "t1"}, {Source: "agent", Call: "t2", Result: "exit status 1", Error: true},
		{Source: "agent", Call: "t3", Result: "package mill"}, {Source: "agent", Message: "The gate is open."}}, steps); d != "" {
		t.Error(d)
	}
	if len(e.Suggestions) != 2 || e.Suggestions[0].Before != "shut" || e.Suggestions[0].After != "open" || e.Suggestions[0].Step != 1 || e.Suggestions[1].After != "go test" {
		t.Errorf("%+v", e.Suggestions)
	}
	if len(e.Decisions) != 1 || e.Decisions[0].Suggestion != "t1" || e.Decisions[0].By != episode.ByUnknown {
		t.Errorf("%+v", e.Decisions)
	}
	want := []string{"claude-code\x00s1\x00call:t1", "claude-code\x00s1\x00call:t2", "claude-code\x00s1\x00call:t3", "claude-code\x00s1\x00prompt:p1"}
	if d := cmp.Diff(want, Keys(e)); d != "" {
		t.Error(d)
	}
}

func TestMergingIsTheSameInAnyOrderAndAnyNumberOfTimes(t *testing.T) {
	for tool, events := range map[string][]string{"claude-code": claude(), "cursor": cursorTurn()} {
		var parts []*episode.Episode
		for i, ev := range events {
			if p := one(t, tool, ev, i); p != nil {
				parts = append(parts, p)
			}
		}
		want, err := episode.Append(nil, all(t, tool, events...))
		if err != nil {
			t.Fatal(err)
		}
		numbers := make([]int, len(parts))
		for i := range numbers {
			numbers[i] = i
		}
		rapid.Check(t, func(rt *rapid.T) {
			order := rapid.Permutation(numbers).Draw(rt, "order")
			order = append(order, rapid.SliceOfN(rapid.IntRange(0, len(parts)-1), 0, 8).Draw(rt, "again")...)
			var into *episode.Episode
			for len(order) > 0 {
				n := rapid.IntRange(1, len(order)).Draw(rt, "batch")
				batch := parts[order[0]].Clone()
				for _, i := range order[1:n] {
					Merge(batch, parts[i])
				}
				if order = order[n:]; into == nil {
					into = batch
					continue
				}
				Merge(into, batch.Clone()) // as a store would give it back
			}
			if got, err := episode.Append(nil, into); err != nil || string(got) != string(want) {
				rt.Fatalf("%v\n got %s\nwant %s", err, got, want)
			}
		})
	}
}

// TestWhatEachEventSaysOfADecision has a row for each value of the decision map that a hook can tell.
func TestWhatEachEventSaysOfADecision(t *testing.T) {
	cursorHead := `"conversation_id":"c","generation_id":"g","cursor_version":"2.1",`
	call := `"tool_name":"Bash","tool_use_id":"t","tool_input":{"command":"make"},`
	for _, c := range []struct {
		name, tool, event string
		want              string
	}{
		{"done", "claude-code", `{` + head + `"hook_event_name":"PostToolUse",` + call + `"tool_response":{"stdout":"ok"}}`, "command accepted by unknown"},
		{"failed", "claude-code", `{` + head + `"hook_event_name":"PostToolUseFailure",` + call + `"error":"no"}`, ""},
		{"interrupted, perhaps by a program", "claude-code", `{` + head + `"hook_event_name":"PostToolUseFailure",` + call + `"error":"no","is_interrupt":true}`, "command cancelled by unknown"},
		{"a look around interrupted", "claude-code", `{` + head + `"hook_event_name":"PostToolUseFailure","tool_name":"Read","tool_use_id":"t","is_interrupt":"true"}`, "command cancelled by unknown"},
		{"interrupted while it ran", "claude-code", `{` + head + `"hook_event_name":"PostToolUse",` + call + `"tool_response":{"interrupted":true}}`, "command cancelled by unknown"},
		{"changed before it was applied", "claude-code", `{` + head + `"hook_event_name":"PostToolUse","tool_name":"Edit","tool_use_id":"t","tool_input":{"new_string":"a"},"tool_response":{"userModified":true,"newString":"b"}}`, "edit modified by person: b"},
		{"refused in the place of a person", "claude-code", `{` + head + `"hook_event_name":"PermissionDenied",` + call + `"reason":"deletes the dam"}`, "command rejected by model (deletes the dam)"},
		{"asked only", "claude-code", `{` + head + `"hook_event_name":"PermissionRequest",` + call + `"x":1}`, ""},
		{"before", "claude-code", `{` + head + `"hook_event_name":"PreToolUse",` + call + `"x":1}`, ""},
		{"a plan", "claude-code", `{` + head + `"hook_event_name":"PostToolUse","tool_name":"ExitPlanMode","tool_use_id":"t","tool_input":{"plan":"1. dig"}}`, "plan accepted by unknown"},
		{"Codex done", "codex", `{"session_id":"s","turn_id":"1","hook_event_name":"PostToolUse","tool_name":"apply_patch","tool_use_id":"t","tool_input":{"command":"*** Begin Patch\n*** Update File: a.go\n@@\n-x\n+y\n*** End Patch"},"tool_response":"Done"}`, "edit accepted by unknown"},
		{"Codex interrupted", "codex", `{"session_id":"s","turn_id":"1","hook_event_name":"Interrupt"}`, "answer cancelled by person"},
		{"Cursor Tab", "cursor", `{` + cursorHead + `"hook_event_name":"afterTabFileEdit","file_path":"a.go","edits":[{"old_string":"","new_string":"x := 1","range":{"start_line_number":1},"old_line":"","new_line":"x := 1"}]}`, "completion accepted by person"},
		{"Cursor edit", "cursor", `{` + cursorHead + `"hook_event_name":"afterFileEdit","file_path":"a.go","edits":[{"old_string":"a","new_string":"b"}]}`, "edit accepted by unknown"},
		{"Cursor edit told as a tool use too", "cursor", `{` + cursorHead + `"hook_event_name":"postToolUse","tool_name":"Write","tool_use_id":"t","tool_input":{"file_path":"a.go","content":"b"},"tool_output":"{}"}`, ""},
		{"Cursor command", "cursor", `{` + cursorHead + `"hook_event_name":"postToolUse","tool_name":"Shell","tool_use_id":"t","tool_input":{"command":"make"},"tool_output":"{\"exitCode\":0,\"stdout\":\"ok\"}"}`, "command accepted by unknown"},
		{"Cursor denied", "cursor", `{` + cursorHead + `"hook_event_name":"postToolUseFailure","tool_name":"Write","tool_use_id":"t","tool_input":{"file_path":"a.go","content":"b"},"failure_type":"permission_denied","error_message":"no"}`, "file rejected by rule"},
		{"Cursor interrupted", "cursor", `{` + cursorHead + `"hook_event_name":"postToolUseFailure","tool_name":"Shell","tool_use_id":"t","tool_input":{"command":"make"},"failure_type":"error","is_interrupt":true}`, "command cancelled by person"},
		{"Cursor too slow", "cursor", `{` + cursorHead + `"hook_event_name":"postToolUseFailure","tool_name":"Shell","tool_use_id":"t","tool_input":{"command":"make"},"failure_type":"timeout","error_message":"30 s"}`, ""},
		{"Cursor turn stopped", "cursor", `{` + cursorHead + `"hook_event_name":"stop","status":"aborted"}`, "answer cancelled by person"},
		{"Cursor turn over", "cursor", `{` + cursorHead + `"hook_event_name":"stop","status":"completed"}`, ""},
		{"Grok denied", "grok", `{"sessionId":"s","promptId":"p","hookEventName":"PermissionDenied","toolName":"Bash","toolUseId":"t","toolInput":{"command":"make"},"reason":"policy"}`, "command rejected by rule (policy)"},
		{"Grok denied, nobody says why", "grok", `{"sessionId":"s","promptId":"p","hookEventName":"PermissionDenied","toolName":"Bash","toolUseId":"t","toolInput":{"command":"make"}}`, "command rejected by unknown"},
		{"Grok stopped", "grok", `{"sessionId":"s","promptId":"p","hookEventName":"StopCancelled","reason":"user_interrupt"}`, "answer cancelled by person"},
		{"Grok out of turns", "grok", `{"sessionId":"s","promptId":"p","hookEventName":"StopCancelled","reason":"max_turns"}`, ""},
		{"Cline task cancelled", "cline", `{"clineVersion":"3.40","hookName":"TaskCancel","taskId":"1","taskCancel":{}}`, "answer cancelled by person"},
		{"Cline tool, told by its files with who agreed", "cline", `{"clineVersion":"3.40","hookName":"PostToolUse","taskId":"1","postToolUse":{"toolName":"write_to_file","parameters":{"path":"a.go","content":"b"},"result":"ok","success":true}}`, ""},
		{"Kiro tool, told by nothing else", "kiro", `{"session_id":"s","hook_event_name":"PostToolUse","tool_name":"execute_bash","tool_input":{"command":"make"},"tool_response":{"success":true}}`, "command accepted by unknown"},
	} {
		got := ""
		if e := all(t, c.tool, c.event); e != nil && len(e.Decisions) > 0 {
			d := e.Decisions[0]
			got = fmt.Sprintf("%s %s by %s", e.Suggestions[0].Kind, d.Verdict, d.By)
			if d.Reason != "" {
				got += " (" + d.Reason + ")"
			}
			if d.Final != "" {
				got += ": " + d.Final
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func cursorTurn() []string {
	h := `{"conversation_id":"c","generation_id":"g","model":"old-name","model_id":"claude-opus-4-7","cursor_version":"2.1","workspace_roots":["/src/mill"],`
	return []string{
		h + `"hook_event_name":"sessionStart","session_id":"c"}`,
		h + `"hook_event_name":"beforeSubmitPrompt","prompt":"Dig","attachments":[{"type":"rule","file_path":"/src/mill/.cursor/rules/dig.mdc"}]}`,
		h + `"hook_event_name":"beforeReadFile","file_path":"/src/mill/.cursor/rules/dig.mdc","content":"Dig deep.","attachments":[{"type":"rule","file_path":"/src/mill/.cursor/rules/dig.mdc"}]}`,
		h + `"hook_event_name":"afterAgentThought","text":"A spade."}`,
		h + `"hook_event_name":"afterFileEdit","file_path":"/src/mill/ditch.go","edits":[{"old_string":"a","new_string":"b"},{"old_string":"c","new_string":"d"}]}`,
		h + `"hook_event_name":"postToolUse","tool_name":"Write","tool_use_id":"t1","tool_input":{"file_path":"/src/mill/ditch.go"},"tool_output":"{\"ok\":true}"}`,
		h + `"hook_event_name":"postToolUse","tool_name":"Shell","tool_use_id":"t2","tool_input":{"command":"make"},"tool_output":"{\"exitCode\":0,\"stdout\":\"built\"}"}`,
		h + `"hook_event_name":"afterShellExecution","command":"make","output":"built"}`,
		h + `"hook_event_name":"afterAgentResponse","text":"Dug."}`,
		h + `"hook_event_name":"stop","status":"completed"}`,
	}
}

func TestTheTurnOfAnotherDialectIsReadAlike(t *testing.T) {
	e := all(t, "cursor", cursorTurn()...)
	if e.Instruction != "Dig" || e.Model.Name != "claude-opus-4-7" || e.Origin.Provider != "anthropic" || e.Repository != "/src/mill" || e.Tool.Version != "2.1" || len(e.Languages) != 2 {
		t.Errorf("%+v", e)
	}
	if len(e.Suggestions) != 2 || e.Suggestions[0].Before != "a\nc" || e.Suggestions[0].After != "b\nd" || e.Suggestions[1].ID != "t2" || len(e.Decisions) != 2 {
		t.Errorf("%+v\n%+v", e.Suggestions, e.Decisions)
	}
	if len(e.Artifacts) != 1 || e.Artifacts[0].Text != "Dig deep." || e.Artifacts[0].Kind != episode.ArtifactRules || e.Artifacts[0].Name != "/src/mill/.cursor/rules/dig.mdc" {
		t.Errorf("a rule's text came with the file that was read: %+v", e.Artifacts)
	}
	if r := e.Steps[len(e.Steps)-2].Observation.Results[0]; r.Content != "built" {
		t.Errorf("a result that is JSON in a string: %+v", r)
	}
}

func TestARuleWithoutItsTextIsNoArtifact(t *testing.T) {
	h := `"conversation_id":"c","generation_id":"g","cursor_version":"2.1",`
	if e := all(t, "cursor", `{`+h+`"hook_event_name":"beforeSubmitPrompt","prompt":"Dig","attachments":[{"type":"rule","file_path":"/r.mdc"}]}`); len(e.Artifacts) != 0 {
		t.Errorf("%+v", e.Artifacts)
	}
	if e := all(t, "claude-code", `{`+head+`"hook_event_name":"InstructionsLoaded","file_path":"/CLAUDE.md"}`); e != nil {
		t.Errorf("%+v", e)
	}
}

// Trap 14: Grok runs the hooks set up for Claude Code and for Cursor too.
func TestACallThatComesUnderTwoNamesCountsOnce(t *testing.T) {
	post := `{"sessionId":"s","promptId":"p","hookEventName":"PostToolUse","workspaceRoot":"/src/mill","toolName":"Edit","toolUseId":"t","toolInput":{"file_path":"a.go","old_string":"a","new_string":"b"},"toolResult":"ok"}`
	plain := `{"session_id":"s","prompt_id":"p","hook_event_name":"PostToolUse","tool_name":"search_replace","tool_use_id":"t","tool_input":{"file_path":"a.go","old_string":"a","new_string":"b"},"tool_response":"ok"}`
	want := one(t, "grok", post, 0)
	for _, other := range []*episode.Episode{one(t, "claude-code", post, 1), one(t, "cursor", post, 2), one(t, "claude-code", plain, 3)} {
		if other.ID != want.ID || other.Suggestions[0].ID != want.Suggestions[0].ID {
			t.Errorf("another episode, %s, or another suggestion, %s", other.ID, other.Suggestions[0].ID)
		}
		Merge(want, other)
	}
	if len(want.Steps) != 1 || len(want.Suggestions) != 1 || len(want.Decisions) != 1 || want.Tool.Name != "grok" || !want.Decisions[0].At.Equal(at) || !want.Steps[0].At.Equal(at) {
		t.Errorf("%d steps, %d suggestions, %d decisions of %s", len(want.Steps), len(want.Suggestions), len(want.Decisions), want.Tool.Name)
	}
}

func TestWhoseEventItIsIsToldByItsShape(t *testing.T) {
	for event, want := range map[string]string{
		`{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"x","transcript_path":"/h/.codex/sessions/r.jsonl"}`:        "codex",
		`{"session_id":"s","hook_event_name":"BeforeAgent","prompt":"x","transcript_path":"C:\\u\\.gemini\\tmp\\c.json"}`:            "gemini-cli",
		`{"sessionId":"s","hookEventName":"UserPromptSubmit","prompt":"x","timestamp":"2026-02-09T10:30:00Z"}`:                       "copilot-chat",
		`{"sessionId":"s","hookEventName":"UserPromptSubmit","prompt":"x","promptId":"p"}`:                                           "grok",
		`{"conversation_id":"c","generation_id":"g","hook_event_name":"beforeSubmitPrompt","prompt":"x"}`:                            "cursor",
		`{"cline_version":"3","hook_name":"UserPromptSubmit","task_id":"1","user_prompt_submit":{"prompt":"x","attachments":["a"]}}`: "cline",
		`{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"x"}`:                                                       "claude-code",
	} {
		if e := one(t, "claude-code", event, 0); e == nil || e.Tool.Name != want || e.Instruction != "x" {
			t.Errorf("%s: %+v, want %s", event, e, want)
		}
	}
}

func TestAnEventWithoutANameIsToldByItsFields(t *testing.T) {
	for event, want := range map[string]string{
		`{"sessionId":"s","timestamp":1770000000000,"cwd":"/m","prompt":"x"}`:                                                                                              "user",
		`{"sessionId":"s","toolName":"bash","toolArgs":"{\"command\":\"make\"}","toolResult":{"resultType":"success","textResultForLlm":"built"}}`:                         "built",
		`{"sessionId":"s","toolName":"bash","toolArgs":{"command":"make"},"error":"no make"}`:                                                                              "no make",
		`{"sessionId":"s","toolName":"bash","toolArgs":{"command":"make"}}`:                                                                                                "call",
		`{"sessionId":"s","transcriptPath":"/t","stopReason":"end_turn"}`:                                                                                                  "",
		`{"type":"agent-turn-complete","thread-id":"s","turn-id":"1","cwd":"/m","input-messages":["Open","the gate"],"last-assistant-message":"It is open."}`:              "It is open.",
		`{"sessionId":"s","toolName":"edit","toolUseId":"t","toolArgs":{"path":"a.go","old_str":"a","new_str":"b"},"toolResult":{"resultType":"failure"}}`:                 "call",
		`{"sessionId":"s","error":{"message":"overloaded","name":"E"},"errorContext":"model_call"}`:                                                                        "",
		`{"sessionId":"s","toolName":"view","toolArgs":{"path":"a.go"},"toolResult":{"resultType":"success","textResultForLlm":"one"},"timestamp":"2026-05-01T08:00:00Z"}`: "one",
	} {
		got := ""
		if e := all(t, "copilot", event); e != nil {
			switch st := e.Steps[0]; {
			case st.Observation != nil && st.Observation.Results[0].Content != "":
				got = st.Observation.Results[0].Content
			case len(st.ToolCalls) > 0:
				got = "call"
			case st.Source == "user":
				got = "user"
			default:
				got = st.Message
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
	notify := all(t, "codex", `{"type":"agent-turn-complete","thread-id":"s","turn-id":"1","input-messages":["Open","the gate"],"last-assistant-message":"Done."}`,
		`{"session_id":"s","turn_id":"1","hook_event_name":"Stop","last_assistant_message":"Done."}`)
	if notify.Instruction != "Open\nthe gate" || len(Keys(notify)) != 1 || Keys(notify)[0] != "codex\x00s\x00prompt:1" {
		t.Errorf("%q, keys %q", notify.Instruction, Keys(notify))
	}
}

// Neither tells which of a session's prompts an event is of; their histories tell all of it, and do.
func TestHooksThatTellNoPromptApartAddNoEpisode(t *testing.T) {
	for _, payload := range []string{
		`{"kind":"hook","tool":"gemini-cli","event":"BeforeAgent"}` + "\n" + `{"session_id":"s","transcript_path":"/h/.gemini/tmp/mill/chats/session-1.jsonl","cwd":"/m","hook_event_name":"BeforeAgent","prompt":"lift the gate"}`,
		`{"kind":"hook","tool":"copilot","event":"userPromptSubmitted"}` + "\n" + `{"sessionId":"s","timestamp":1795774165511,"cwd":"/m","prompt":"lift the gate"}`,
	} {
		if got, err := FromPayload([]byte(payload)); err != nil || len(got) != 0 {
			t.Errorf("%s: %d episodes, %v", payload, len(got), err)
		}
	}
}

func TestWhatTheHookProgramKeptIsRead(t *testing.T) {
	got, err := FromPayload([]byte(`{"kind":"hook","tool":"kiro","event":"userPromptSubmit","at":"2026-05-01T08:00:00.5Z"}` + "\n" + `{"sessionId":"s","prompt":"x"}`))
	if err != nil || len(got) != 1 || got[0].Instruction != "x" || !got[0].StartedAt.Equal(at.Add(500*time.Millisecond)) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", "{}\n{}", `{"kind":"acp"}` + "\n{}", `{"kind":"hook","tool":"codex"}` + "\n", `{"kind":"hook"}` + "\nnot json", `{"kind":"hook"}` + "\n{\"a\":"} {
		if got, err := FromPayload([]byte(bad)); !errors.Is(err, ErrEvent) || got != nil {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

// FuzzParts: any event is an episode that keeps all promises, or none; and to have it twice is to have it once.
func FuzzParts(f *testing.F) {
	for _, ev := range append(claude(), cursorTurn()...) {
		f.Add("claude-code", []byte(ev))
	}
	f.Add("copilot", []byte(`{"sessionId":"s","toolName":"bash","toolArgs":"{\"command\":[\"a\"]}","toolResult":{"textResultForLlm":"\ud800"}}`))
	f.Add("cline", []byte(`{"hookName":"PreToolUse","taskId":"\u0000","preToolUse":{"toolName":"apply_patch","parameters":{"input":"*** Update File: a\n"}}}`))
	f.Fuzz(func(t *testing.T, tool string, event []byte) {
		got, err := Parts(tool, event, at)
		if err != nil || len(got) == 0 {
			return
		}
		capturetest.Check(t, native.Source{}, got)
		Keys(got[0])
		once, err := episode.Append(nil, got[0])
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Parts(tool, event, at.Add(time.Second))
		Merge(got[0], again[0])
		got[0].EndedAt = at
		if twice, err := episode.Append(nil, got[0]); err != nil || string(twice) != string(once) && got[0].Tool.Surface == episode.SurfaceAgent {
			t.Fatalf("%v\n%s\n%s", err, once, twice)
		}
	})
}
