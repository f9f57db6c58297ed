// SPDX-License-Identifier: Apache-2.0

package atif

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestATrajectoryBecomesAnEpisodePerPromptAndSubagent(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/mill.json")
	if len(got) != 3 || rep.Prompts != 3 || rep.ToolUses != 5 || rep.ToolResults != 3 {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	if e.Instruction != "Open the gate.\n[image]" || e.Tool.Name != Name || e.Tool.Version != "miller/0.9" || e.Model.Name != "claude-opus-4-5" || e.Session != "mill-1" ||
		len(e.Steps) != 4 || e.Steps[0].Source != episode.SourceSystem || e.Steps[2].Reasoning != "It is shut." || e.Languages[0] != "go" {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 70, OutputTokens: 5, CacheReadTokens: 40, CostUSD: 0.25}, e.Usage); d != "" {
		t.Error(d)
	}
	type made struct {
		ID            string
		Kind          episode.SuggestionKind
		Path          string
		Before, After string
		TokenIDs      []int32
		LogProbs      []float64
	}
	var have []made
	for _, e := range got {
		for _, s := range e.Suggestions {
			have = append(have, made{s.ID, s.Kind, s.Path, s.Before, s.After, s.TokenIDs, s.LogProbs})
		}
	}
	want := []made{
		{"c1", episode.KindEdit, "gate.go", "shut", "open", []int32{5, 6, 7}, []float64{-0.5, -0.25, -1}},
		{"c2", episode.KindCommand, "", "", "make water\n", []int32{1, 2}, nil}, // one log-probability for two tokens
		{"answer-1", episode.KindAnswer, "", "", "It is full.", []int32{8, 9, 10}, []float64{-0.125, -0.5, -0.5}},
		{"c1", episode.KindFile, "pond.md", "", "# Pond\n", nil, nil},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	if got[1].Links != nil || got[2].Links == nil || got[2].Links.Parent != e.ID || got[2].Tool.Version != "digger/0.1" || got[2].ID == e.ID {
		t.Errorf("parents %+v, %+v", got[1].Links, got[2].Links)
	}
	// Nothing came back for the subagent's file, so nothing is known of it.
	if rep.Decisions[episode.Accepted][episode.ByUnknown] != 2 || len(rep.Decisions) != 1 || len(got[2].Decisions) != 0 {
		t.Errorf("decisions %v", rep.Decisions)
	}
	if rep.Kinds["broken/logprobs"] != 1 || rep.Kinds["broken/step-id"] != 0 || rep.Kinds["broken/source-call-id"] != 0 || rep.Kinds["broken/unknown-key"] != 0 {
		t.Errorf("kinds %v", rep.Kinds)
	}
}

func TestCopiedStepsGiveNothingAgainAndBrokenRulesAreCounted(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/continued.json")
	if len(got) != 2 || rep.Kinds["copied"] != 2 || rep.Prompts != 1 || rep.ToolUses != 1 || got[0].Usage != nil {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	if e.Instruction != "Turn the wheel." || len(e.Steps) != 1 || len(e.Suggestions) != 1 || e.Suggestions[0].After != "turn faster" || len(e.Decisions) != 0 {
		t.Errorf("%+v", e)
	}
	for _, rule := range []string{"broken/step-id", "broken/agent-only", "broken/unknown-key", "broken/source-call-id"} {
		if rep.Kinds[rule] != 1 {
			t.Errorf("%s: %d times, want once: %v", rule, rep.Kinds[rule], rep.Kinds)
		}
	}
}

func TestEachVersionIsRecognisedAndOtherToolsAreNot(t *testing.T) {
	for _, version := range []string{"1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8"} {
		got, _ := capturetest.ReadText(t, Source{}, "trajectory.json", `{"schema_version":"ATIF-v`+version+`","session_id":"s","agent":{"name":"a","version":"1"},
			"steps":[{"step_id":1,"source":"user","message":"turn"},{"step_id":2,"source":"agent","message":"turned"}]}`)
		if len(got) != 1 || len(got[0].Steps) != 2 {
			t.Errorf("%s: %d episodes", version, len(got))
		}
	}
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
}

func TestSubagentsWithinSubagentsAreReadToAnyDepth(t *testing.T) {
	const depth = 300
	one := `{"schema_version":"ATIF-v1.7","session_id":"s","agent":{"name":"a"},"steps":[{"step_id":1,"source":"user","message":"dig"}]`
	got, _ := capturetest.ReadText(t, Source{}, "deep.json", strings.Repeat(one+`,"subagent_trajectories":[`, depth)+one+"}"+strings.Repeat("]}", depth))
	if len(got) != depth+1 {
		t.Fatalf("%d episodes", len(got))
	}
	ids := map[string]bool{}
	for i, e := range got {
		if ids[e.ID] || i > 0 && e.Links.Parent != got[i-1].ID {
			t.Fatalf("episode %d: its id is taken, or its parent is not the one above", i)
		}
		ids[e.ID] = true
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "trajectory.json", `{"schema_version":"ATIF-v1.7","steps":[{"source":"agent","metrics":{"completion_token_ids":[1e99,"NaN"],"logprobs":["Inf"],"cost_usd":"NaN"},"tool_calls":[{},{}]}]}`)
}
