// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func database(t *testing.T, script string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	return capturetest.Database(t, string(b))
}

func TestRecordedTranscriptsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/cursor")
	for name, want := range map[string][4]int{ // episodes, prompts, tool uses, suggestions
		"agent-sessions/cursor/schema_drift.jsonl":             {1, 1, 1, 0},
		"agent-sessions/cursor/small.jsonl":                    {2, 2, 1, 1},
		"agent-sessions/cursor/subagent/parent.jsonl":          {1, 1, 1, 0},
		"agent-sessions/cursor/subagent/subagents/child.jsonl": {1, 0, 0, 0},
		"agent-sessions/tests/Cursor/subagent-session.jsonl":   {1, 1, 1, 1},
		"agent-sessions/tests/Cursor/test-session.jsonl":       {2, 2, 2, 2},
		"agent-sessions/tests/Cursor/test-store.db":            {0, 0, 0, 0},
		"git-ai/cursor-session-simple.jsonl":                   {1, 1, 10, 1},
	} {
		all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, name))
		n := 0
		for _, e := range all {
			n += len(e.Suggestions)
			if strings.Contains(e.Instruction, "user_query") || strings.Contains(e.Steps[len(e.Steps)-1].Message, "[REDACTED]") {
				t.Errorf("%s: the tool's own marks are still in %q", name, e.Instruction)
			}
		}
		if got := [4]int{len(all), rep.Prompts, rep.ToolUses, n}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, want %v; %d unparsable", name, got, want, rep.Unparsable)
		}
	}
}

func TestNothingElseOfTheCorpusIsCursors(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 8, "cursor/")
}

func TestATranscriptDecidesOnlyWhatItShows(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/7f3a-mill.jsonl")
	want := []capturetest.Row{
		{ID: "call-0-1-1", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "open = 0", After: "open = 1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call-1-1-0", Kind: episode.KindCommand, After: "make drain", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "call-1-1-1", Kind: episode.KindFile, Path: "/src/mill/pond.py", After: "level = 0\n", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "answer-1", Kind: episode.KindAnswer, After: "A weir is", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if rep.Prompts != 3 || rep.ToolUses != 4 || rep.ToolResults != 1 || rep.Interrupts != 2 || rep.Unparsable != 1 {
		t.Errorf("%+v", rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "7f3a-mill#0") || e.Session != "7f3a-mill" || e.Instruction != "raise the sluice gate in gate.go" || !e.StartedAt.IsZero() {
		t.Errorf("%+v", e)
	}
	if len(e.Artifacts) != 1 || e.Artifacts[0].Name != "/src/mill/AGENTS.md" || e.Artifacts[0].Text != "Gates are closed before the wheel is stopped." {
		t.Errorf("%+v", e.Artifacts)
	}
}

func TestASubagentsPromptIsNobodys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "subagents")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "child.jsonl")
	if err := os.WriteFile(path, []byte(`{"role":"user","message":{"content":"look at the weir"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	all, rep := capturetest.Read(t, Source{}, path)
	if len(all) != 1 || rep.Prompts != 0 || all[0].Instruction != "" || all[0].Steps[0].Source != episode.SourceAgent {
		t.Errorf("%+v %+v", rep.Counts, all)
	}
}

// Constructed: what the command line tool writes for each result; without a terminal it refuses by itself.
func TestAChatOfTheCommandLineIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, database(t, "store.sql"))
	want := []capturetest.Row{
		{ID: "tool_1", Kind: episode.KindCommand, After: "ls stones", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "tool_2", Kind: episode.KindEdit, Path: "weir.go", Before: "gap", After: "stone", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "tool_3", Kind: episode.KindCommand, After: "rm pond", Verdict: episode.Rejected, By: episode.ByUnknown, Reason: "the pond has fish"},
		{ID: "tool_4", Kind: episode.KindCommand, After: "Read", Verdict: episode.Rejected, By: episode.ByRule},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if len(all) != 1 || e.ID != episode.NewID(Name, "req-weir-1") || e.Session != "chat-weir" || e.Repository != "/src/mill" || e.Instruction != "mend the weir" ||
		e.Model.Name != "claude-4-sonnet" || e.StartedAt.Year() != 2026 || len(e.Artifacts) != 1 || e.Artifacts[0].Text != "Count the buckets." {
		t.Errorf("%+v", e)
	}
	if rep.Errors != 3 || rep.Rejections != 2 || rep.RejectionsWithReason != 1 || rep.Prompts != 1 || len(e.Steps) != 3 {
		t.Errorf("%+v, %d steps", rep.Counts, len(e.Steps))
	}
	for _, r := range e.Steps[1].Observation.Results {
		if r.Error != (r.Call == "tool_1") {
			t.Errorf("%s: error %v; a refusal is none", r.Call, r.Error)
		}
	}
}

func TestTheEditorsDecisionsAreRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, database(t, "editor.sql"))
	want := []capturetest.Row{
		{ID: "toolu_b2", Kind: episode.KindEdit, Path: "gate.go", Before: "0", After: "1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "toolu_b3", Kind: episode.KindEdit, Path: "gate.go", After: "open = 2\n// wide\n", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "toolu_b4", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "toolu_b5", Kind: episode.KindCommand, After: "curl river", Verdict: episode.Rejected, By: episode.ByRule, Reason: "network is blocked"},
		{ID: "toolu_b6", Kind: episode.KindCommand, After: "make slow", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "d7", Kind: episode.KindEdit, Path: "/src/mill/pond.py", After: "level = 1\n", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "d8", Kind: episode.KindEdit, Path: "/src/mill/pond.py", After: "level = 2\n"},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if len(all) != 3 || rep.Prompts != 3 || rep.Unparsable != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "gen-1") || e.Session != "comp-1" || e.Model.Name != "gpt-5" || e.Usage == nil || e.Usage.InputTokens != 30 ||
		len(e.Artifacts) != 1 || e.Artifacts[0].Name != "gates.mdc" || e.EndedAt.Before(e.StartedAt) || e.Tool.Surface != episode.SurfaceAgent {
		t.Errorf("%+v", e)
	}
	if all[1].Session != "comp-2" || all[1].Tool.Surface != episode.SurfaceChat || all[2].Session != "tab-1" || all[2].Model.Name != "gpt-4" {
		t.Errorf("%+v %+v", all[1], all[2])
	}
}

// One row for each value of the decision map that these files can hold.
func TestEveryDecisionIsMapped(t *testing.T) {
	const head = `CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
		INSERT INTO cursorDiskKV VALUES ('composerData:c', '{"conversation":[{"type":1,"bubbleId":"u","text":"raise the gate"},{"type":2,"bubbleId":"a","toolFormerData":{"name":"run_terminal_cmd","toolCallId":"t","params":"{\"command\":\"make\"}",`
	for _, row := range []struct {
		tool, block string
		verdict     episode.Verdict
		by          episode.By
	}{
		{`"status":"completed"`, ``, episode.Accepted, episode.ByUnknown},
		{`"status":"completed","userDecision":"accepted"`, ``, episode.Accepted, episode.ByUnknown},
		{`"status":"completed","userDecision":"rejected"`, ``, episode.Rejected, episode.ByPerson},
		{`"userDecision":"rejected","additionalData":{"blockReason":"sandbox"}`, ``, episode.Rejected, episode.ByRule},
		{`"result":"{\"rejected\":true}"`, ``, episode.Rejected, episode.ByUnknown},
		{`"status":"cancelled"`, ``, episode.Cancelled, episode.ByUnknown},
		{`"status":"error"`, ``, "", ""},
		{`"status":"loading"`, ``, "", ""},
		{`"status":"completed"`, `accepted`, episode.Accepted, episode.ByUnknown},
		{`"status":"completed","userDecision":"accepted"`, `rejected`, episode.Rejected, episode.ByPerson},
		{`"status":"loading"`, `cancelled`, episode.Cancelled, episode.ByUnknown},
		{`"status":"loading"`, `completed`, "", ""},
	} {
		all, _ := capturetest.Read(t, Source{}, capturetest.Database(t, head+row.tool+`}}],"codeBlockData":{"file:///x.go":[{"bubbleId":"a","status":"`+row.block+`"}]}}')`))
		if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by {
			t.Errorf("%s, block %q: %+v", row.tool, row.block, got)
		}
	}
}

func TestReadingTwiceGivesTheSame(t *testing.T) {
	path := database(t, "editor.sql")
	one, _ := capturetest.Read(t, Source{}, path)
	two, _ := capturetest.Read(t, Source{}, path)
	if d := cmp.Diff(one, two); d != "" {
		t.Error(d)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "chat.jsonl",
		`{"role":"user","message":{"content":"x"}}`+"\n"+`{"role":"assistant","message":{"content":[{"type":"tool-call","toolCallId":"answer-1","toolName":"ApplyPatch","args":"*** Update File: a\n-b\n+c"},{"type":"text","text":"[REDACTED]"}]}}`+"\n"+`{"type":"turn_ended","status":"aborted"}`)
}

// FuzzRoot holds the reading of a store's root to its bounds.
func FuzzRoot(f *testing.F) {
	f.Add([]byte{0x0a, 0x02, 1, 2, 0x18, 5, 0x4a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			_, value, rest, ok := protobuf(b)
			if ok && (len(rest) >= len(b) || len(value) > len(b)) {
				t.Fatalf("of %d bytes, %d are left and %d are its value", len(b), len(rest), len(value))
			}
			if b = rest; !ok {
				return
			}
		}
	})
}
