// SPDX-License-Identifier: Apache-2.0

package poolside

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestAStreamOfPoolACPIsPoolsides(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/acp.jsonl")
	if len(all) != 1 || rep.Prompts != 1 || rep.ToolUses != 1 || rep.Unparsable != 0 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.Tool.Name != Name || e.Tool.Version != "1.0.15" || e.Tool.Surface != episode.SurfaceAgent || e.Session != "pool-1" || e.Repository != "/src/mill" ||
		e.Instruction != "Oil the axle as @/src/mill/AGENTS.md says" || len(e.Artifacts) != 1 || e.Artifacts[0].Kind != episode.ArtifactRules {
		t.Errorf("%+v", e)
	}
	capturetest.Same(t, []capturetest.Row{{ID: "c-1", Kind: episode.KindEdit, Path: "/src/mill/axle.go", Before: "dry", After: "oiled", Verdict: episode.Accepted, By: episode.ByPerson}},
		capturetest.Suggested(all))
	if d := cmp.Diff(&episode.Usage{InputTokens: 10, OutputTokens: 5, CacheReadTokens: 30}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestWhatAStoppedPromptCostIsInTheMeter(t *testing.T) {
	text := strings.Replace(string(capturetest.File(t, "testdata/acp.jsonl")), `"usage":{"cachedReadTokens":30,"inputTokens":40,"outputTokens":5,"totalTokens":45}`, `"x":0`, 1)
	all, _ := capturetest.ReadText(t, Source{}, "acp.jsonl", text)
	if d := cmp.Diff(&episode.Usage{InputTokens: 10, OutputTokens: 5, CacheReadTokens: 30}, all[0].Usage); d != "" {
		t.Error(d)
	}
}

func TestWhatPoolExecPrintsIsOneEpisodeThatNobodyDecidedOn(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/exec.jsonl")
	if len(all) != 1 || rep.ToolUses != 3 || rep.ToolResults != 3 || rep.Errors != 1 || rep.Unparsable != 1 || rep.Prompts != 0 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	capturetest.Same(t, []capturetest.Row{
		{ID: "call-2", Kind: episode.KindEdit, Path: "sluice.go", Before: "open = false", After: "open = true", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call-3", Kind: episode.KindCommand, After: "go test ./..."}, // that it failed says nothing of a decision
	}, capturetest.Suggested(all))
	want := []episode.Step{
		{Source: episode.SourceAgent, Reasoning: "The sluice is shut: where is it opened?", ToolCalls: []episode.ToolCall{{ID: "call-1", Name: "grep", Arguments: []byte(`{"pattern":"sluice"}`)}},
			Observation: &episode.Observation{Results: []episode.Result{{Call: "call-1", Content: `["sluice.go:4: open = false"]`}}}},
		{Source: episode.SourceAgent, Message: "I open it.", ToolCalls: []episode.ToolCall{{ID: "call-2", Name: "edit_file", Arguments: []byte(`{"path":"sluice.go","old_string":"open = false","new_string":"open = true"}`)}},
			Observation: &episode.Observation{Results: []episode.Result{{Call: "call-2", Content: "edited"}}}},
		{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "call-3", Name: "shell", Arguments: []byte(`{"command":"go test ./..."}`)}},
			Observation: &episode.Observation{Results: []episode.Result{{Call: "call-3", Content: "exit status 1", Error: true}}}},
		{Source: episode.SourceAgent, Message: "The sluice is open; a test of the gate fails as before."},
	}
	if d := cmp.Diff(want, all[0].Steps); d != "" {
		t.Error(d)
	}
	again, _ := capturetest.Read(t, Source{}, "testdata/exec.jsonl")
	if again[0].ID != all[0].ID {
		t.Errorf("read again it is %s, before %s", again[0].ID, all[0].ID)
	}
}

func TestAStreamOfAnotherAgentIsNotPoolsides(t *testing.T) {
	other := strings.Replace(string(capturetest.File(t, "testdata/acp.jsonl")), `"name":"poolside"`, `"name":"gemini-cli"`, 1)
	for _, head := range []string{other, `{"type":"toolCall","id":"x","name":"bash","args":{}}`, `{"type":"reasoning","summary":[],"encrypted_content":""}`, `{"type":"thought","thought":"","at":1}`} {
		if (Source{}).Detect([]byte(head), "pool.jsonl") {
			t.Errorf("taken for poolside's: %.80s", head)
		}
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
}

func FuzzRead(f *testing.F) { capturetest.Fuzz(f, Source{}, "pool.jsonl") }
