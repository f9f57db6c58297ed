// SPDX-License-Identifier: Apache-2.0

package droid

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestASessionOfTheStoreIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/gate.jsonl")
	want := []capturetest.Row{
		{ID: "call_patch", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "open = 0\n", After: "open = 1\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_run", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "call_plan", Kind: episode.KindPlan, After: "1. Oil the chain.", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_fail", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "x\n", After: "y"},
		{ID: "call_no", Kind: episode.KindEdit, Path: "pond.py", Before: "a\nc", After: "b\nd", Verdict: episode.Rejected, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if rep.Prompts != 1 || rep.ToolUses != 6 || rep.ToolResults != 6 || rep.Errors != 2 || rep.Rejections != 1 || rep.Interrupts != 1 || rep.Unparsable != 1 || rep.Kinds["todo_state"] != 1 {
		t.Errorf("%+v", rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "ses-gate/m1") || e.Instruction != "Raise the gate in @gate.go" || e.Repository != "/src/mill" || len(e.Artifacts) != 1 || e.EndedAt.IsZero() {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 67, OutputTokens: 14, CacheReadTokens: 42}, e.Usage); d != "" || e.Model.Name != "gpt-5-mini" || e.Model.Provider != "openai" {
		t.Errorf("the settings beside it: %v %+v", d, e.Model)
	}
	for _, st := range e.Steps {
		if st.Observation != nil {
			for _, r := range st.Observation.Results {
				if r.Error {
					t.Errorf("%s: a refusal is no error", r.Call)
				}
			}
		}
	}
}

func TestTheSettingsAloneGiveNothing(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/gate.settings.json")
	if len(all) != 0 || rep.Kinds["settings"] != 1 || rep.Unparsable != 0 {
		t.Errorf("%+v", rep)
	}
}

func TestARunWithoutATerminalIsDecidedByRule(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/exec.jsonl")
	want := []capturetest.Row{
		{ID: "c1", Kind: episode.KindCommand, After: "ls stones", Verdict: episode.Accepted, By: episode.ByRule},
		{ID: "c2", Kind: episode.KindFile, Path: "weir.py", After: "stones = 3\n", Verdict: episode.Rejected, By: episode.ByRule},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if len(all) != 1 || rep.Prompts != 1 || e.Session != "run-weir" || e.Repository != "/src/mill" || e.Model.Name != "claude-sonnet-4-5" || e.Steps[len(e.Steps)-1].Message != "Three stones." {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 10, OutputTokens: 5, CacheReadTokens: 2, CacheWriteTokens: 1}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestRecordedSessionsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/droid")
	for name, want := range map[string][5]int{ // episodes, prompts, tool uses, results, suggestions
		"agent-sessions/droid/session_store_large.jsonl":        {2, 2, 1, 1, 1},
		"agent-sessions/droid/session_store_schema_drift.jsonl": {1, 1, 0, 0, 0},
		"agent-sessions/droid/stream_json_large.jsonl":          {1, 1, 1, 1, 1},
		"agent-sessions/droid/stream_json_schema_drift.jsonl":   {1, 1, 1, 1, 1},
		"agent-sessions/droid/stream_json_small.jsonl":          {1, 1, 1, 1, 1},
		"git-ai/droid-session.jsonl":                            {1, 1, 5, 5, 1},
		"git-ai/droid-session.settings.json":                    {0, 0, 0, 0, 0},
	} {
		all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, name))
		n := 0
		for _, e := range all {
			n += len(e.Suggestions)
			if strings.Contains(e.Instruction, "system-reminder") || strings.Contains(e.Instruction, "Contents of") || e.Instruction == "" {
				t.Errorf("%s: %q", name, e.Instruction)
			}
		}
		if got := [5]int{len(all), rep.Prompts, rep.ToolUses, rep.ToolResults, n}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	all, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "git-ai/droid-session.jsonl"))
	if e := all[0]; e.Usage == nil || e.Usage.OutputTokens != 1450 || e.Model.Provider != "openai" || len(e.Decisions) != 1 || e.Decisions[0].Verdict != episode.Accepted {
		t.Errorf("%+v", e)
	}
}

func TestDroidsFilesAreRecognisedAndNothingElse(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 7, "droid/")
}

func TestASubagentsPromptIsNobodys(t *testing.T) {
	all, rep := capturetest.ReadText(t, Source{}, "s.jsonl", `{"type":"session_start","id":"a","cwd":"/","callingSessionId":"b"}
{"type":"message","id":"m","message":{"role":"user","content":"look at the weir"}}`)
	if len(all) != 1 || rep.Prompts != 0 || all[0].Instruction != "" || all[0].Steps[0].Source != episode.SourceAgent {
		t.Errorf("%+v %+v", rep.Counts, all)
	}
}

// One row for each way in which a call ends, in the store and without a terminal. Refusals are constructed.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, row := range []struct {
		result      string
		failed      bool
		verdict     episode.Verdict
		store, exec episode.By
	}{
		{"done", false, episode.Accepted, episode.ByUnknown, episode.ByRule},
		{`{"success":true}`, false, episode.Accepted, episode.ByUnknown, episode.ByRule},
		{`{"success":"false"}`, false, "", "", ""},
		{"exit status 1", true, "", "", ""},
		{"the river rejected by user 7", true, "", "", ""},
		{"Tool execution cancelled by user", true, episode.Cancelled, episode.ByUnknown, episode.ByUnknown},
		{"User rejected the change", true, episode.Rejected, episode.ByUnknown, episode.ByRule},
	} {
		store := fmt.Sprintf(`{"type":"session_start","id":"a","cwd":"/"}
{"type":"message","id":"m","message":{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"Execute","input":{"command":"make"}}]}}
{"type":"message","id":"n","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":%q,"is_error":%v}]}}`, row.result, row.failed)
		exec := fmt.Sprintf(`{"type":"tool_call","session_id":"a","id":"c","toolName":"Execute","parameters":{"command":"make"}}
{"type":"tool_result","session_id":"a","id":"c","value":%q,"isError":%v}`, row.result, row.failed)
		for text, by := range map[string]episode.By{store: row.store, exec: row.exec} {
			all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", text)
			if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != by {
				t.Errorf("%s\n%+v", text, got)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "session.jsonl", `{"assistantActiveTimeMs":1,"model":"m","autonomyMode":2}`,
		`{"type":"tool_call","sessionId":"s","id":"c","toolName":"MultiEdit","parameters":{"changes":[{"old_str":1}]}}`+"\n"+`{"type":"completion","sessionId":"s","finalText":"x","usage":{}}`)
}
