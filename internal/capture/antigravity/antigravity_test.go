// SPDX-License-Identifier: Apache-2.0

package antigravity

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestATranscriptBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/transcript.jsonl")
	if len(all) != 2 || rep.Prompts != 2 || rep.Unparsable != 1 || rep.ToolUses != 7 || rep.ToolResults != 7 || rep.Errors != 1 || rep.Patches != 2 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{Kind: episode.KindPlan, Path: "/home/me/.gemini/antigravity/brain/mill/implementation_plan.md", After: "# Race\n1. Dig.\n", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindEdit, Path: "/src/mill/wheel.go", Before: "ratio = 1", After: "ratio = 2", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindEdit, Path: "/src/mill/gate.py", Before: "shut\nlow", After: "open\nhigh"}, // an error says nothing of a decision
		{Kind: episode.KindCommand, After: "go test", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "rm -r old", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{Kind: episode.KindEdit, Path: "/src/mill/sluice.ts", Before: "const name = 1\nshut\n", After: "const name = 1\nopen\n", Verdict: episode.Accepted, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if e.Instruction != "Plan the mill race." || e.Model.Name != "Gemini 3.5 Flash (Medium)" || e.Model.Provider != "google" ||
		e.Repository != "/src/mill" || len(e.Artifacts) != 1 || e.Artifacts[0].Kind != episode.ArtifactPlan || e.Steps[1].Reasoning != "A plan first." {
		t.Errorf("%+v", e)
	}
	if all[1].Model.Name != e.Model.Name {
		t.Error("the model chosen is in force until another is")
	}
	if d := cmp.Diff([]string{"go", "markdown", "python", "shell"}, e.Languages); d != "" {
		t.Error(d)
	}
}

func TestOnlyThePersonsOwnRequestApprovesAPlan(t *testing.T) {
	const plan = `{"step_index":0,"source":"USER_EXPLICIT","type":"USER_INPUT","status":"DONE","content":"<USER_REQUEST>Plan it</USER_REQUEST>"}
{"step_index":1,"source":"MODEL","type":"PLANNER_RESPONSE","status":"DONE","tool_calls":[{"name":"write_to_file","args":{"TargetFile":"C:\\mill\\implementation_plan.md","CodeContent":"dig"}}]}
{"step_index":2,"source":%q,"type":"USER_INPUT","status":"DONE","content":%q}
`
	const approved = "Comments on artifact URI: file:///c%3A/mill/implementation_plan.md\n\nThe user has approved this document.\n"
	for _, c := range []struct {
		source, content string
		want            episode.Verdict
	}{
		{"USER_EXPLICIT", approved, episode.Accepted},
		{"USER_EXPLICIT", approved + "<USER_REQUEST>and dig</USER_REQUEST>", episode.Accepted},
		{"SYSTEM", approved, ""},
		{"USER_EXPLICIT", "<USER_REQUEST>\n" + approved + "</USER_REQUEST>", ""}, // pasted
		{"USER_EXPLICIT", "Comments on artifact URI: file:///c%3A/mill/implementation_plan.md\n\ndeeper, please\n", ""},
		{"USER_EXPLICIT", strings.Replace(approved, "implementation_plan", "walkthrough", 1), ""},
	} {
		all, _ := capturetest.ReadText(t, Source{}, "t.jsonl", fmt.Sprintf(plan, c.source, c.content))
		have := capturetest.Suggested(all)
		if len(have) != 1 || have[0].Kind != episode.KindPlan || have[0].Verdict != c.want || (c.want != "") != (have[0].By == episode.ByPerson) {
			t.Errorf("%s %q: %+v, want %q", c.source, c.content, have, c.want)
		}
	}
}

// The transcript has no word for who decided: a status is all there is.
func TestEachStatusIsTheDecisionThatItShows(t *testing.T) {
	for status, want := range map[string]capturetest.Row{
		"DONE":      {Verdict: episode.Accepted, By: episode.ByUnknown},
		"CANCELED":  {Verdict: episode.Cancelled, By: episode.ByUnknown},
		"CANCELLED": {Verdict: episode.Cancelled, By: episode.ByUnknown},
		"ERROR":     {},
		"RUNNING":   {},
		"WAITING":   {},
	} {
		all, _ := capturetest.ReadText(t, Source{}, "t.jsonl", `{"step_index":1,"source":"MODEL","type":"PLANNER_RESPONSE","status":"DONE","tool_calls":[{"name":"run_command","args":{"CommandLine":"\"turn\""}}]}
{"step_index":2,"source":"MODEL","type":"RUN_COMMAND","status":"`+status+`","content":"x"}
`)
		have := capturetest.Suggested(all)
		want.ID, want.Kind, want.After = "call-1", episode.KindCommand, "turn"
		if d := cmp.Diff([]capturetest.Row{want}, have); d != "" {
			t.Errorf("%s: %s", status, d)
		}
	}
}

func TestACommandThatFailedIsAnErrorAndNoDecision(t *testing.T) {
	all, rep := capturetest.ReadText(t, Source{}, "t.jsonl", `{"step_index":1,"source":"MODEL","type":"PLANNER_RESPONSE","status":"DONE","tool_calls":[{"name":"run_command","args":{"CommandLine":"turn"}}]}
{"step_index":2,"source":"MODEL","type":"RUN_COMMAND","status":"DONE","content":"The command failed with exit code: 1\nOutput:\n"}
`)
	if rep.Errors != 1 || len(all) != 1 || len(all[0].Decisions) != 0 || !all[0].Steps[0].Observation.Results[0].Error {
		t.Errorf("%+v %+v", rep.Counts, all)
	}
}

func TestOfTwoTranscriptsOfOneConversationTheWholeOneIsTold(t *testing.T) {
	raw, err := os.ReadFile("testdata/transcript.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(t.TempDir(), "brain", "mill-7", ".system_generated", "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{short, full} {
		if err := os.WriteFile(filepath.Join(logs, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	none, rep := capturetest.Read(t, Source{}, filepath.Join(logs, short))
	all, _ := capturetest.Read(t, Source{}, filepath.Join(logs, full))
	if len(none) != 0 || rep.Lines == 0 || len(all) != 2 || all[0].Session != "mill-7" || all[0].ID != episode.NewID(Name, "mill-7#0") {
		t.Errorf("%d and %d episodes, %+v", len(none), len(all), all)
	}
}

func TestTheCorpusIsReadWhole(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/antigravity/agent-sessions/antigravity")
	all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "cli_small.jsonl"))
	if len(all) != 2 || rep.Lines != 19 || rep.Unparsable != 0 || rep.Prompts != 2 || rep.Kinds["PLANNER_RESPONSE"] != 3 || rep.ToolUses != 9 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
	if len(all) > 0 && (all[0].Instruction != "List the files." || all[0].Model.Name != "Gemini 3.5 Flash (Medium)" || len(all[0].Suggestions) != 1) {
		t.Errorf("%+v", all[0])
	}
	all, rep = capturetest.Read(t, Source{}, filepath.Join(dir, "cli_schema_drift.jsonl"))
	if len(all) != 1 || all[0].Instruction != "Go" || rep.ToolUses != 1 || rep.ToolResults != 1 || rep.Unparsable != 0 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 2, "antigravity/")
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "transcript.jsonl", `{"step_index":"1","source":"MODEL","type":"PLANNER_RESPONSE","status":1,"tool_calls":[{"name":"multi_replace_file_content","args":{"TargetFile":"\"","ReplacementChunks":"[{}","ArtifactMetadata":"{"}}]}
{"step_index":2,"source":"MODEL","type":"CODE_ACTION","status":"DONE","content":"[diff_block_start]\n\n[diff_block_end]"}`)
}
