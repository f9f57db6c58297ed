// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

const task1 = "testdata/1783400000000/api_conversation_history.json"

func TestEachAnswerInATaskBecomesThisDecision(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, task1)
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "wheel.go", Before: "const ratio = 1\n", After: "const ratio = 2\n", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindFile, Path: "gate.py", After: "open = True\nspeed = 2", Verdict: episode.Modified, By: episode.ByPerson, Final: "open = True\nspeed = 3"},
		{Kind: episode.KindCommand, After: "rm -r old-gates", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "Keep the old gates, they are listed."},
		{Kind: episode.KindCommand, After: "go test ./...", Verdict: episode.Accepted, By: episode.ByRule},
		{Kind: episode.KindEdit, Path: "sluice.go", Before: "slow()\n", After: "fast()\n", Verdict: episode.Modified, By: episode.ByPerson, Final: "faster()\n"},
		{Kind: episode.KindPlan, After: "1. Measure the pond. 2. Change the ratio.", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindCommand, Path: ".secret-pond", After: "read_file", Verdict: episode.Rejected, By: episode.ByRule},
		{Kind: episode.KindAnswer, After: "I am about to measure the po", Verdict: episode.Cancelled, By: episode.ByPerson},
	}
	capturetest.Same(t, want, capturetest.Decided(got))
	if len(got) != 2 || rep.Prompts != 2 || rep.ToolUses != 9 || rep.ToolResults != 9 || rep.Rejections != 2 || rep.RejectionsWithReason != 1 ||
		rep.Interrupts != 1 || rep.Patches != 2 {
		t.Errorf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	if e.Instruction != "Let the sluice open twice as fast." || got[1].Instruction != "Now plan the same for the upper pond." {
		t.Errorf("instructions %q, %q", e.Instruction, got[1].Instruction)
	}
	if e.Model.Name != "claude-sonnet-4-5" || e.Model.Provider != "anthropic" || e.Tool.Version != "3.50.0" || e.Session != "1783400000000" ||
		e.StartedAt.IsZero() || e.Steps[1].Reasoning != "The ratio is in wheel.go." || e.Steps[1].Message != "I read it first." {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 33, OutputTokens: 6, CacheReadTokens: 9, CostUSD: 1.5}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestACheckpointThatTheFilesAreBackAtRevertsWhatCameAfter(t *testing.T) {
	got, _ := capturetest.Read(t, Source{}, task1)
	var back []string
	for _, o := range got[0].Outcomes {
		for _, s := range got[0].Suggestions {
			if s.ID == o.Suggestion && o.Kind == episode.OutcomeReverted && o.Value == 1 {
				back = append(back, s.Path)
			}
		}
	}
	if d := cmp.Diff([]string{"gate.py", "sluice.go"}, back); d != "" {
		t.Error(d)
	}
}

func TestAForksYesIsNobodysAndItsNoOnlyWithAReason(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/roo-0198f/api_conversation_history.json")
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "gate.ts", Before: "open()\n", After: "shut()\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "systemctl restart gate", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "I restart it myself."},
		{Kind: episode.KindFile, Path: "night.md", After: "# Night\n", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "reboot", Verdict: episode.Rejected, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Decided(got))
	if rep.Errors != 3 || rep.Rejections != 2 || rep.RejectionsWithReason != 1 {
		t.Errorf("%+v", rep.Counts)
	}
}

func TestATaskWithoutItsOtherFilesSaysNotWhoAgreed(t *testing.T) {
	b, err := os.ReadFile(task1)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := capturetest.ReadText(t, Source{}, "api_conversation_history.json", string(b))
	for i, by := range []episode.By{episode.ByUnknown, episode.ByPerson, episode.ByPerson, episode.ByUnknown} {
		if d := got[0].Decisions[i]; d.By != by {
			t.Errorf("decision %d is by %s, want %s", i, d.By, by)
		}
	}
}

func TestASessionOfTheSDKBecomesTheseEpisodes(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/mill.messages.json")
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "wheel.rs", Before: "struct Wheel;", After: "struct Waterwheel;", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "cargo build\ncargo test", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "rm -r pond", Verdict: episode.Rejected, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "dig", Verdict: episode.Rejected, By: episode.ByHook},
		{Kind: episode.KindCommand, After: "fetch_web_content", Verdict: episode.Rejected, By: episode.ByRule},
	}
	capturetest.Same(t, want, capturetest.Decided(got))
	e := got[0]
	if len(got) != 2 || got[1].Instruction != "thanks" || len(e.Artifacts) != 1 || e.Artifacts[0].Text != "struct Wheel;\n" || rep.Errors != 4 ||
		e.Model.Name != "anthropic/claude-opus-4.8" || e.Usage.InputTokens != 300 || e.ID != episode.NewID(Name, "1784000000000_mill#msg_1") {
		t.Errorf("%d episodes, %q, %v %v %v", len(got), got[1].Instruction, e.Artifacts, e.Usage, e.ID)
	}
}

func TestTheFilesBesideATaskGiveNothingOfTheirOwn(t *testing.T) {
	for _, name := range []string{"1783400000000/ui_messages.json", "1783400000000/task_metadata.json", "roo-0198f/history_item.json"} {
		if got, rep := capturetest.Read(t, Source{}, "testdata/"+name); len(got) != 0 || rep.Unparsable != 0 {
			t.Errorf("%s: %d episodes, %+v", name, len(got), rep.Counts)
		}
	}
}

func TestSharedSessionHoldsWhatItsRecordsSay(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/cline")
	got, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "session.messages.json"))
	again, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "session.messages.json"))
	if d := cmp.Diff(got, again); d != "" {
		t.Error(d)
	}
	if len(got) != 5 || rep.Prompts != 5 || rep.Kinds["user"]+rep.Kinds["assistant"] != 32 || rep.ToolUses != 11 || rep.ToolResults != 11 || rep.Errors != 0 ||
		rep.Decisions[episode.Accepted][episode.ByUnknown] != 5 {
		t.Errorf("%d episodes, %+v", len(got), rep.Counts)
	}
	for _, e := range got {
		for _, s := range e.Suggestions {
			if s.Kind == episode.KindEdit && (s.Language != "typescript" || s.Before == "" || s.After == "") {
				t.Errorf("%+v", s)
			}
		}
	}
	// Recorded requests of a test, not a history.
	b, err := os.ReadFile(filepath.Join(dir, "subagents.json"))
	if err != nil {
		t.Fatal(err)
	}
	if (Source{}).Detect(b, "session.messages.json") {
		t.Error("recorded HTTP requests are taken for a session")
	}
}

func TestOtherToolsHistoriesAreNotTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 1, "cline/session.messages.json")
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{task1, "testdata/roo-0198f/api_conversation_history.json"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	capturetest.Fuzz(f, Source{}, "history.json",
		`[{"role":"user","content":"<task>x</task>"},{"role":"assistant","content":"<write_to_file><path>a</path><content></content>"}]`)
}

func FuzzTask(f *testing.F) {
	for _, dir := range []string{"testdata/1783400000000/", "testdata/roo-0198f/"} {
		api, err := os.ReadFile(dir + "api_conversation_history.json")
		if err != nil {
			f.Fatal(err)
		}
		ui, err := os.ReadFile(dir + "ui_messages.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(api, ui)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, api, ui []byte) {
		if !(Source{}).Detect(api, "") {
			return
		}
		for name, b := range map[string][]byte{"api_conversation_history.json": api, "ui_messages.json": ui} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var all []*episode.Episode
		_, _ = capture.Read(t.Context(), []capture.Source{Source{}}, Name, filepath.Join(dir, "api_conversation_history.json"),
			func(e *episode.Episode) error { all = append(all, e); return nil })
		capturetest.Check(t, Source{}, all)
	})
}
