// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

const task1 = "testdata/1783400000000/api_conversation_history.json"

// decided is a decision with its suggestion.
type decided struct {
	Kind          episode.SuggestionKind
	Path          string
	Before, After string
	Verdict       episode.Verdict
	By            episode.By
	Reason, Final string
}

func decisions(all []*episode.Episode) (have []decided) {
	for _, e := range all {
		for _, d := range e.Decisions {
			for _, s := range e.Suggestions {
				if s.ID == d.Suggestion {
					have = append(have, decided{s.Kind, s.Path, s.Before, s.After, d.Verdict, d.By, d.Reason, d.Final})
				}
			}
		}
	}
	return have
}

func TestEachAnswerInATaskBecomesThisDecision(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, task1)
	want := []decided{
		{episode.KindEdit, "wheel.go", "const ratio = 1\n", "const ratio = 2\n", episode.Accepted, episode.ByPerson, "", ""},
		{episode.KindFile, "gate.py", "", "open = True\nspeed = 2", episode.Modified, episode.ByPerson, "", "open = True\nspeed = 3"},
		{episode.KindCommand, "", "", "rm -r old-gates", episode.Rejected, episode.ByPerson, "Keep the old gates, they are listed.", ""},
		{episode.KindCommand, "", "", "go test ./...", episode.Accepted, episode.ByRule, "", ""},
		{episode.KindEdit, "sluice.go", "slow()\n", "fast()\n", episode.Modified, episode.ByPerson, "", "faster()\n"},
		{episode.KindPlan, "", "", "1. Measure the pond. 2. Change the ratio.", episode.Accepted, episode.ByPerson, "", ""},
		{episode.KindCommand, ".secret-pond", "", "read_file", episode.Rejected, episode.ByRule, "", ""},
		{episode.KindAnswer, "", "", "I am about to measure the po", episode.Cancelled, episode.ByPerson, "", ""},
	}
	if d := cmp.Diff(want, decisions(got)); d != "" {
		t.Error(d)
	}
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
	want := []decided{
		{episode.KindEdit, "gate.ts", "open()\n", "shut()\n", episode.Accepted, episode.ByUnknown, "", ""},
		{episode.KindCommand, "", "", "systemctl restart gate", episode.Rejected, episode.ByPerson, "I restart it myself.", ""},
		{episode.KindFile, "night.md", "", "# Night\n", episode.Cancelled, episode.ByUnknown, "", ""},
		{episode.KindCommand, "", "", "reboot", episode.Rejected, episode.ByUnknown, "", ""},
	}
	if d := cmp.Diff(want, decisions(got)); d != "" {
		t.Error(d)
	}
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
	want := []decided{
		{episode.KindEdit, "wheel.rs", "struct Wheel;", "struct Waterwheel;", episode.Accepted, episode.ByUnknown, "", ""},
		{episode.KindCommand, "", "", "cargo build\ncargo test", episode.Accepted, episode.ByUnknown, "", ""},
		{episode.KindCommand, "", "", "rm -r pond", episode.Rejected, episode.ByUnknown, "", ""},
		{episode.KindCommand, "", "", "dig", episode.Rejected, episode.ByHook, "", ""},
		{episode.KindCommand, "", "", "fetch_web_content", episode.Rejected, episode.ByRule, "", ""},
	}
	if d := cmp.Diff(want, decisions(got)); d != "" {
		t.Error(d)
	}
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
	dir := sharedtest.Dir(t, "corpus")
	files, _ := capture.Walk(dir)
	for _, f := range files {
		b, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if (Source{}).Detect(b[:min(len(b), 256<<10)], f.Path) != strings.HasSuffix(f.Path, "cline/session.messages.json") {
			t.Errorf("%s", f.Path)
		}
	}
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
