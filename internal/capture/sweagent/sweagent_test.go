// SPDX-License-Identifier: Apache-2.0

package sweagent

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

func TestSharedTrajectoriesHoldWhatTheReferenceSays(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/swe-agent")
	files, err := filepath.Glob(filepath.Join(dir, "*.traj"))
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	ids := map[string]bool{}
	for _, file := range files {
		got, rep := capturetest.Read(t, Source{}, file)
		steps = append(steps, rep.Kinds["step"])
		if strings.HasPrefix(filepath.Base(file), "demonstrations") {
			if len(got) != 0 || rep.Kinds["demonstration"] != 1 {
				t.Errorf("%s: %d episodes, %+v", file, len(got), rep.Counts)
			}
			continue
		}
		if len(got) != 1 || rep.Kinds["exit/submitted"] != 1 || len(got[0].Decisions) != 0 || ids[got[0].ID] {
			t.Fatalf("%s: %d episodes, %+v", file, len(got), rep.Counts)
		}
		e := got[0]
		ids[e.ID] = true
		if len(e.Steps) != rep.Kinds["step"]+1 || len(e.Suggestions) != 1 || !strings.Contains(e.Instruction, "ISSUE:") {
			t.Errorf("%s: %d steps, %d suggestions, %q", file, len(e.Steps), len(e.Suggestions), e.Instruction)
		}
		if s := e.Suggestions[0]; s.Before == "" || s.After == "" || s.Before == s.After || !strings.HasSuffix(s.Path, ".py") || s.Language != "python" || s.Step != len(e.Steps)-1 {
			t.Errorf("%s: %+v", file, s)
		}
	}
	if d := cmp.Diff([]int{0, 5, 12, 5, 11}, steps); d != "" {
		t.Error(d)
	}
}

func TestSharedPredictionIsTheTrajectorysSubmission(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/swe-agent")
	name := filepath.Join(dir, "gpt4__swe-bench-dev-easy_first_only__def--")
	preds, _ := capturetest.Read(t, Source{}, name+"all_preds.jsonl")
	runs, _ := capturetest.Read(t, Source{}, name+"pydicom__pydicom-1458.traj")
	p, r := preds[0].Suggestions[0], runs[0].Suggestions[0]
	if len(preds) != 1 || preds[0].Model.Name != "gpt4" || p.Path != r.Path || p.Before != r.Before || p.After != r.After {
		t.Errorf("%d predictions, %+v, %+v", len(preds), p, r)
	}
}

func TestARunBecomesThisEpisode(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/mill.traj")
	if len(got) != 1 || rep.Prompts != 1 || rep.ToolUses != 3 || rep.ToolResults != 3 {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	want := []episode.Suggestion{{ID: "submission", Step: 3, Kind: episode.KindEdit, Path: "wheel.py", Language: "python",
		Before: "def turn():\n-- slow\n    return 1\n", After: "def turn():\n++ fast\n    return 1\n"}}
	if d := cmp.Diff(want, e.Suggestions); d != "" {
		t.Error(d)
	}
	if e.Instruction != "The wheel is slow." || e.Model.Name != "gpt-4o" || e.Session != "mill__mill-1" || e.Repository != "mill" || len(e.Decisions) != 0 {
		t.Errorf("%+v", e)
	}
	if st := e.Steps[1]; st.Message != "I open the wheel." || st.ToolCalls[0].ID != "call_w1" || st.ToolCalls[0].Name != "open" || st.Observation.Results[0].Content != "[File: wheel.py]" {
		t.Errorf("%+v", st)
	}
	if st := e.Steps[2]; st.ToolCalls[0].ID != "step-1" || st.ToolCalls[0].Name != "edit" {
		t.Errorf("%+v", st)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 100, OutputTokens: 9, CostUSD: 0.25}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestAGrowingTrajectoryKeepsItsID(t *testing.T) {
	b, err := os.ReadFile("testdata/mill.traj")
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := capturetest.ReadText(t, Source{}, "a.traj", string(b))
	_, rest, ok := strings.Cut(string(b), `}, {"action": "edit 2:2`)
	if !ok {
		t.Fatal("the fixture has changed")
	}
	_, tail, _ := strings.Cut(rest, `], "history"`)
	part, _ := capturetest.ReadText(t, Source{}, "b.traj", strings.TrimSuffix(string(b), rest)[:len(b)-len(rest)-len(`, {"action": "edit 2:2`)]+`], "history"`+tail)
	if len(part) != 1 || len(part[0].Steps) != 2 || part[0].ID != whole[0].ID {
		t.Errorf("%d episodes, %+v", len(part), part)
	}
}

func TestPredictionsAreReadLineByLine(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/all_preds.jsonl")
	if len(got) != 2 || rep.Unparsable != 1 || len(got[0].Suggestions) != 1 || len(got[1].Suggestions) != 0 || got[0].ID == got[1].ID || got[0].Suggestions[0].Step != -1 {
		t.Errorf("%d episodes, %+v", len(got), rep.Counts)
	}
}

func TestOtherToolsHistoriesAreNotTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 6, "swe-agent/")
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile("testdata/all_preds.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	capturetest.Fuzz(f, Source{}, "run.traj", string(b), `{"trajectory":[{"action":"","observation":"","thought":""}],"info":{"submission":"@@ -1 +1 @@\n-a\n+b\n"}}`)
}
