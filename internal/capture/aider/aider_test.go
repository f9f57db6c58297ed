// SPDX-License-Identifier: Apache-2.0

package aider

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func read(t testing.TB, raw []byte) ([]*episode.Episode, capture.Report) {
	t.Helper()
	return capturetest.ReadAs(t, Source{}, "/src/mill/.aider.chat.history.md", raw)
}

func TestSharedHistoryAndAnalyticsHoldWhatTheReferenceSays(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/aider")
	for name, kinds := range map[string]map[string]int{
		"chat-history.md":        {"user line": 9030, "applied edit": 413, "commit": 667, "did not conform": 57},
		"sample-analytics.jsonl": {"message_send": 107, "message_send_starting": 156, "command_undo": 2, "launched": 140},
	} {
		raw := capturetest.File(t, filepath.Join(dir, name))
		got, rep := read(t, raw)
		for kind, want := range kinds {
			if rep.Kinds[kind] != want {
				t.Errorf("%s: %d of %q, want %d", name, rep.Kinds[kind], kind, want)
			}
		}
		reverted := 0
		for _, e := range got {
			reverted += len(e.Outcomes)
		}
		if rep.Unparsable != 0 || reverted == 0 || len(got) < 107 {
			t.Errorf("%s: %d unparsable, %d episodes, %d reverted", name, rep.Unparsable, len(got), reverted)
		}
		t.Logf("%s: %d episodes, %d reverted, %v", name, len(got), reverted, rep.Decisions)
	}
}

func TestExampleTranscriptsAreRecognisedAndReadToTheSameBytes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/aider/examples"), "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw := capturetest.File(t, f)
		got, _ := read(t, raw)
		again, _ := read(t, raw)
		if d := cmp.Diff(got, again); !(Source{}).Detect(raw, f) || len(got) == 0 || d != "" {
			t.Errorf("%s: detected %v, %d episodes, %s", f, (Source{}).Detect(raw, f), len(got), d)
		}
	}
}

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	got, rep := read(t, capturetest.File(t, "testdata/chat.history.md"))
	if len(got) != 2 || rep.Prompts != 2 {
		t.Fatalf("%d episodes, %d prompts, want 2", len(got), rep.Prompts)
	}
	e := got[0]
	if d := cmp.Diff("Double the ratio\n\nand keep the sign", e.Instruction); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]episode.Suggestion{
		{ID: "s1", Step: 1, Kind: episode.KindEdit, Path: "wheel.go", Language: "go", Before: "ratio = 1", After: "ratio = 2"},
		{ID: "s2", Step: 1, Kind: episode.KindFile, Path: "docs/sluice.md", Language: "markdown", After: "# Sluice"},
	}, e.Suggestions); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]episode.Decision{
		{Suggestion: "s2", Verdict: episode.Rejected, By: episode.ByPerson},
		{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByUnknown},
	}, e.Decisions); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]episode.Outcome{{Suggestion: "s1", Kind: episode.OutcomeReverted, Value: 1}}, e.Outcomes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 1497, OutputTokens: 1200, CostUSD: 0.02}, e.Usage); d != "" {
		t.Error(d)
	}
	if e.Model.Name != "claude-3-5-sonnet-20240620" || e.Tool.Version != "0.50.2" || e.Links.Commit != "abc1234" || e.Repository != "/src/mill" {
		t.Errorf("%+v %+v %+v %q", e.Model, e.Tool, e.Links, e.Repository)
	}
	// What only looks like Aider's own lines, inside an answer, decides nothing.
	if len(got[1].Decisions) != 0 || rep.Kinds["applied edit"] != 1 || rep.Kinds["commit"] != 1 {
		t.Errorf("%v %v", got[1].Decisions, rep.Kinds)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, ".aider.chat.history.md", `{"event":"message_send","properties":{"cost":1e300,"prompt_tokens":"9"},"user_id":"u","time":1755099880}
{"event":"command_undo","properties":{},"user_id":"u","time":-1}`)
}
