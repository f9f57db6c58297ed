// SPDX-License-Identifier: Apache-2.0

package pi

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

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/mill.jsonl")
	want := []capturetest.Row{
		{ID: "call_edit", Kind: episode.KindEdit, Path: "gate.go", Before: "open = 0\n// shut", After: "open = 1\n// open", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_run", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByHook},
		{ID: "call_write", Kind: episode.KindFile, Path: "paint.py", After: "red = 1\n", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "answer-1", Kind: episode.KindAnswer, After: "Blue is", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if len(all) != 3 || rep.Prompts != 3 || rep.ToolUses != 4 || rep.ToolResults != 3 || rep.Errors != 1 || rep.Rejections != 1 || rep.Interrupts != 2 || rep.Unparsable != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "00000002@2026-05-12T01:00:01Z") || e.Session != "ses-mill" || e.Repository != "/src/mill" || e.Model.Provider != "anthropic" || len(e.Steps) != 3 || e.EndedAt.Second() != 6 {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 13, OutputTokens: 8, CacheReadTokens: 3, CacheWriteTokens: 1, CostUSD: 0.75}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestABranchLeftBehindIsAbandoned(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/mill.jsonl")
	for _, e := range all {
		want := e.Instruction == "paint it red"
		if got := e.Links != nil && e.Links.AbandonedBranch; got != want {
			t.Errorf("%q abandoned: %v", e.Instruction, got)
		}
		if e != all[0] && (e.Links == nil || e.Links.Parent != all[0].ID) {
			t.Errorf("%q does not follow the first prompt: %+v", e.Instruction, e.Links)
		}
	}
}

func TestAForksPromptHasTheSameID(t *testing.T) {
	raw, err := os.ReadFile("testdata/mill.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(raw), "\n")
	fork := strings.Replace(lines[0], "ses-mill", "ses-fork", 1) + strings.Join(lines[1:8], "")
	one, _ := capturetest.Read(t, Source{}, "testdata/mill.jsonl")
	two, _ := capturetest.ReadText(t, Source{}, "fork.jsonl", fork)
	if len(two) != 1 || two[0].ID != one[0].ID || two[0].Session != "ses-fork" {
		t.Errorf("%+v", two)
	}
}

func TestParentsThatGoRoundEnd(t *testing.T) {
	all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", `{"type":"session","version":3,"id":"s","timestamp":"2026-05-12T01:00:00Z","cwd":"/"}
{"type":"message","id":"a","parentId":"b","message":{"role":"user","content":"x"}}
{"type":"message","id":"b","parentId":"a","message":{"role":"user","content":"y"}}
{"type":"message","id":"c","parentId":"c","message":{"role":"user","content":"z"}}`)
	if len(all) != 3 {
		t.Errorf("%d episodes", len(all))
	}
}

func TestATornLineAbandonsNothing(t *testing.T) {
	all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", `{"type":"session","version":3,"id":"s","timestamp":"2026-05-12T01:00:00Z","cwd":"/"}
{"type":"message","id":"a","parentId":null,"message":{"role":"user","content":"raise"}}
{"type":"message","id":"b","parentId":"a","mess
{"type":"message","id":"c","parentId":"b","message":{"role":"assistant","content":[{"type":"text","text":"Raised."}]}}
{"type":"message","id":"d","parentId":"c","message":{"role":"user","content":"lower"}}`)
	if len(all) != 2 || all[0].Links != nil || len(all[0].Steps) != 2 || all[1].Links == nil || all[1].Links.AbandonedBranch {
		t.Errorf("%+v", all)
	}
}

func TestASessionWithoutIDsIsALine(t *testing.T) {
	all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", `{"type":"session","version":1,"id":"s","timestamp":"2026-05-12T01:00:00Z","cwd":"/"}
{"type":"message","message":{"role":"user","content":"raise"}}
{"type":"message","message":{"role":"assistant","content":[{"type":"text","text":"Raised."}]}}
{"type":"message","message":{"role":"user","content":"lower"}}`)
	if len(all) != 2 || len(all[0].Steps) != 2 || all[0].ID != episode.NewID(Name, "s#0") || all[1].Links.AbandonedBranch || all[0].Links != nil {
		t.Errorf("%+v", all)
	}
}

func TestRecordedSessionsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/pi")
	for name, want := range map[string][5]int{ // episodes, prompts, tool uses, accepted, input tokens
		"agent-sessions/pi/small.jsonl":     {2, 2, 0, 0, 24},
		"git-ai/pi-session-ignorable.jsonl": {1, 1, 0, 0, 0},
		"git-ai/pi-session-simple.jsonl":    {1, 1, 0, 0, 0},
		"git-ai/pi-session-tool.jsonl":      {1, 1, 1, 1, 0},
	} {
		all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, name))
		tokens := 0
		for _, e := range all {
			if e.Usage != nil {
				tokens += int(e.Usage.InputTokens)
			}
			if e.Links != nil && e.Links.AbandonedBranch || e.Model.Name == "" || len(e.Steps) < 2 {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if got := [5]int{len(all), rep.Prompts, rep.ToolUses, rep.Decisions[episode.Accepted][episode.ByUnknown], tokens}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPisSessionsAreRecognisedAndNothingElse(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 4, "pi/")
}

// One row for each way in which a call ends.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, row := range []struct {
		result  string
		failed  bool
		verdict episode.Verdict
		by      episode.By
	}{
		{"done", false, episode.Accepted, episode.ByUnknown},
		{"Tool execution was blocked", true, episode.Rejected, episode.ByHook},
		{"Operation aborted", true, episode.Cancelled, episode.ByUnknown},
		{"one\ntwo\nCommand aborted", true, episode.Cancelled, episode.ByUnknown},
		{"Command exited with code 1", true, "", ""},
		{"Command timed out after 10 seconds", true, "", ""},
	} {
		all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", fmt.Sprintf(`{"type":"session","version":3,"id":"s","timestamp":"2026-05-12T01:00:00Z","cwd":"/"}
{"type":"message","id":"a","parentId":null,"message":{"role":"assistant","content":[{"type":"toolCall","id":"c","name":"bash","arguments":{"command":"make"}}]}}
{"type":"message","id":"b","parentId":"a","message":{"role":"toolResult","toolCallId":"c","content":[{"type":"text","text":%q}],"isError":%v}}`, row.result, row.failed))
		if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by {
			t.Errorf("%s: %+v", row.result, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "session.jsonl",
		`{"type":"message","id":"a","parentId":"a","message":{"role":"assistant","content":[{"type":"toolCall","id":"answer-0","name":"edit"},{"type":"text","text":"x"}],"stopReason":"aborted"}}`)
}
