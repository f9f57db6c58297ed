// SPDX-License-Identifier: Apache-2.0

package amp

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

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/T-mill.json")
	want := []capturetest.Row{
		{ID: "toolu_edit", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "open = 0", After: "open = 1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "toolu_no", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "toolu_why", Kind: episode.KindFile, Path: "/src/mill/pond.py", After: "level = 9\n", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "the pond is dry"},
		{ID: "toolu_ruled", Kind: episode.KindCommand, After: "web_search", Verdict: episode.Rejected, By: episode.ByRule, Reason: "not allowed by permissions"},
		{ID: "toolu_open", Kind: episode.KindCommand, After: "make drain", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "answer-1", Kind: episode.KindAnswer, After: "A pond is", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if len(all) != 3 || rep.Prompts != 3 || rep.ToolUses != 7 || rep.ToolResults != 6 || rep.Errors != 3 || rep.Rejections != 3 || rep.RejectionsWithReason != 2 || rep.Interrupts != 2 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "T-mill#0") || e.Session != "T-mill" || e.Repository != "https://git.example.invalid/mill.git" || e.Model.Provider != "anthropic" ||
		e.Tool.Version != "0.0.177" || e.Steps[1].Message != "Raising it." || e.Steps[1].Reasoning != "One line." || e.EndedAt.IsZero() {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 4, OutputTokens: 72, CacheReadTokens: 20, CacheWriteTokens: 10}, e.Usage); d != "" {
		t.Error(d)
	}
	if len(e.Artifacts) != 2 || e.Artifacts[0].Name != "/src/mill/AGENTS.md" || e.Artifacts[1].Text != "Slowly." {
		t.Errorf("%+v", e.Artifacts)
	}
	if len(e.Outcomes) != 1 || e.Outcomes[0].Suggestion != "toolu_edit" || e.Outcomes[0].Kind != episode.OutcomeReverted {
		t.Errorf("the agent took its edit back: %+v", e.Outcomes)
	}
	for _, r := range e.Steps[1].Observation.Results {
		if r.Error {
			t.Errorf("%s: a refusal is no error", r.Call)
		}
	}
}

func TestRecordedThreadsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/amp")
	plan, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "git-ai/amp-threads/T-019ca1ce-3ae2-7686-a41e-ccc078837f8a.json"))
	if len(plan) != 1 || rep.Prompts != 1 || rep.ToolUses != 4 || rep.ToolResults != 4 || len(plan[0].Suggestions) != 0 || len(plan[0].Steps) != 4 {
		t.Errorf("%+v", rep.Counts)
	}
	edit, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "git-ai/amp-threads/T-019ca1f6-7f21-77b5-a308-65416ebbdf48.json"))
	got := capturetest.Suggested(edit)
	if len(edit) != 1 || rep.ToolUses != 2 || len(got) != 1 || got[0].Verdict != episode.Accepted || got[0].By != episode.ByRule || !strings.HasPrefix(got[0].After, got[0].Before) {
		t.Errorf("the run in execute mode: %+v", got)
	}
	if u := edit[0].Usage; u == nil || u.OutputTokens != 270 || u.InputTokens != 5 || edit[0].Model.Name != "claude-opus-4-6" {
		t.Errorf("%+v", u)
	}
}

func TestAmpsThreadsAreRecognisedAndNothingElse(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 2, "amp/")
}

func TestASubagentsPromptIsNobodys(t *testing.T) {
	all, rep := capturetest.ReadText(t, Source{}, "t.json", `{"v":1,"id":"T-b","created":1,"mainThreadID":"T-a","messages":[{"role":"user","content":[{"type":"text","text":"look"}]}]}`)
	if len(all) != 1 || rep.Prompts != 0 || all[0].Instruction != "" || all[0].Steps[0].Source != episode.SourceAgent {
		t.Errorf("%+v %+v", rep.Counts, all)
	}
}

// One row for each way in which a call ends, by each kind of client. Rejections are constructed.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, row := range []struct {
		run     string
		verdict episode.Verdict
		by      [3]episode.By // a terminal, execute mode, a client that the thread does not name
	}{
		{`"status":"done","result":"ok"`, episode.Accepted, [3]episode.By{episode.ByUnknown, episode.ByRule, episode.ByUnknown}},
		{`"status":"rejected-by-user"`, episode.Rejected, [3]episode.By{episode.ByPerson, episode.ByRule, episode.ByUnknown}},
		{`"status":"rejected-by-user","reason":"Tool execution rejected by user"`, episode.Rejected, [3]episode.By{episode.ByPerson, episode.ByRule, episode.ByUnknown}},
		{`"status":"rejected-by-user","reason":"Rejected by permissions"`, episode.Rejected, [3]episode.By{episode.ByRule, episode.ByRule, episode.ByRule}},
		{`"status":"rejected-by-user","reason":"GitHub authentication was cancelled."`, episode.Rejected, [3]episode.By{episode.ByUnknown, episode.ByRule, episode.ByUnknown}},
		{`"status":"error","error":{"message":"rejected by user with feedback: no"}`, episode.Rejected, [3]episode.By{episode.ByPerson, episode.ByUnknown, episode.ByUnknown}},
		{`"status":"error","error":{"message":"exit 1, as the river was rejected by user with feedback: no"}`, "", [3]episode.By{}},
		{`"status":"cancelled","reason":"Parent subagent was cancelled"`, episode.Cancelled, [3]episode.By{episode.ByUnknown, episode.ByUnknown, episode.ByUnknown}},
		{`"status":"in-progress"`, "", [3]episode.By{}},
		{`"status":"blocked-on-user"`, "", [3]episode.By{}},
	} {
		for i, client := range []string{"CLI", "CLI Execute Mode", ""} {
			all, _ := capturetest.ReadText(t, Source{}, "t.json", fmt.Sprintf(`{"v":1,"id":"T-a","created":1,"messages":[
				{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"Bash","input":{"cmd":"make"}}]},
				{"role":"user","content":[{"type":"tool_result","toolUseID":"c","run":{%s}}]}],"env":{"initial":{"platform":{"client":%q}}}}`, row.run, client))
			if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by[i] {
				t.Errorf("%s by %q: %+v", row.run, client, got)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "thread.json",
		`{"v":1,"id":"T-a","created":1,"messages":[{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"tool_use","id":"answer-0","name":"undo_edit"}],"state":{"type":"cancelled"}},{"role":"user","messageId":0,"content":[{"type":"tool_result","toolUseID":"answer-0","run":{"status":"cancelled"}}]}]}`)
}
