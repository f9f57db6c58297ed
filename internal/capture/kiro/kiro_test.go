// SPDX-License-Identifier: Apache-2.0

package kiro

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func stored(t testing.TB) string {
	t.Helper()
	return capturetest.Database(t, string(capturetest.File(t, "testdata/kiro.sql")))
}

// place writes a file into .kiro of a new repository, and returns the repository and the file.
func place(t *testing.T, name, content string) (repository, file string) {
	t.Helper()
	repository = t.TempDir()
	file = filepath.Join(repository, ".kiro", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return repository, file
}

func TestSpecsAndSteeringFilesAreArtifacts(t *testing.T) {
	for name, kind := range map[string]episode.ArtifactKind{
		"specs/gate/requirements.md": episode.ArtifactSpec, "specs/gate/design.md": episode.ArtifactSpec, "specs/gate/tasks.md": episode.ArtifactPlan,
		"steering/product.md": episode.ArtifactRules, "steering/tests.md": episode.ArtifactRules,
	} {
		content := string(capturetest.File(t, "testdata/"+name))
		repository, file := place(t, name, content)
		all, rep := capturetest.Read(t, Source{}, file)
		if len(all) != 1 || rep.Lines == 0 || rep.Unparsable != 0 || rep.Kinds[string(kind)] != 1 {
			t.Fatalf("%s: %d episodes, %+v", name, len(all), rep.Counts)
		}
		want := []episode.Artifact{{Digest: episode.Digest([]byte(content)), Kind: kind, Name: ".kiro/" + name, MediaType: "text/markdown", Text: content}}
		if d := cmp.Diff(want, all[0].Artifacts); d != "" || all[0].Repository != repository || len(all[0].Suggestions)+len(all[0].Steps) != 0 {
			t.Errorf("%s in %q: %s", name, all[0].Repository, d)
		}
		if outside, _ := capturetest.Read(t, Source{}, "testdata/"+name); outside[0].Artifacts[0].Kind != kind || outside[0].Artifacts[0].Digest != want[0].Digest {
			t.Errorf("%s: elsewhere it is %+v", name, outside[0].Artifacts[0])
		}
		if again, _ := capturetest.Read(t, Source{}, file); again[0].ID != all[0].ID {
			t.Errorf("%s: another id on the second reading", name)
		}
	}
}

func TestTheTasksOfAPlanAreCounted(t *testing.T) {
	_, rep := capturetest.Read(t, Source{}, "testdata/specs/gate/tasks.md")
	if rep.Kinds["task done"] != 2 || rep.Kinds["task open"] != 4 {
		t.Errorf("%+v", rep.Kinds)
	}
}

func TestAChangedSpecIsAnotherArtifact(t *testing.T) {
	_, file := place(t, "specs/gate/tasks.md", string(capturetest.File(t, "testdata/specs/gate/tasks.md")))
	before, _ := capturetest.Read(t, Source{}, file)
	b := capturetest.File(t, file)
	if err := os.WriteFile(file, bytes.Replace(b, []byte("- [ ] 3."), []byte("- [x] 3."), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	after, _ := capturetest.Read(t, Source{}, file)
	if before[0].ID == after[0].ID || before[0].Artifacts[0].Digest == after[0].Artifacts[0].Digest {
		t.Error("the two states are one")
	}
}

func TestMarkdownIsKnownByItsShape(t *testing.T) {
	const spec, steering = "/r/.kiro/specs/gate/", "/r/.kiro/steering/"
	for _, row := range []struct {
		name, file, text string
		want             episode.ArtifactKind
	}{
		{"front matter with a BOM and returns", "a.md", "\uFEFF---\r\ninclusion: 'manual'\r\n---\r\ntext", episode.ArtifactRules},
		{"another tool's front matter", steering + "a.md", "---\ndescription: rules\nglobs: \"*.go\"\n---\n# Rules\n", ""},
		{"front matter without an end", steering + "a.md", "---\ninclusion: always\n# Rules\n", ""},
		{"inclusion of something else", "a.md", "---\ninclusion: diversity\n---\n", ""},
		{"steering without front matter", steering + "tech.md", "# Technology\n\nStone and oak.\n", episode.ArtifactRules},
		{"the same anywhere else", "docs/tech.md", "# Technology\n\nStone and oak.\n", ""},
		{"steering that is no Markdown", steering + "tech.md", "stone and oak\n", ""},
		{"requirements in another language", "a.md", "# 要件定義書\n\n**User Story:** 粉屋として\n\n1. WHEN 池が満ちる THEN 水門 SHALL 開く\n", episode.ArtifactSpec},
		{"a defect", "a.md", "# Bugfix Requirements Document\n\n2.1 WHEN the pond is full THEN the gate SHALL open\n", episode.ArtifactSpec},
		{"a user story alone", spec + "a.md", "# Stories\n\n**User Story:** As a miller\n", ""},
		{"shall in a contract", "a.md", "# Contract\n\n1. The miller shall grind.\n", ""},
		{"tasks without numbers", "a.md", "# Shopping\n\n- [ ] oak\n- [x] tar\n  - _Requirements: a cart_\n", ""},
		{"numbered tasks that serve nothing", "a.md", "# Plan\n\n- [ ] 1. oak\n", ""},
		{"the same among specs", spec + "tasks.md", "# Plan\n\n- [ ] 1. oak\n", episode.ArtifactPlan},
		{"a design with few sections", "a.md", "# Design\n\n## Overview\n\n## Architecture\n", ""},
		{"the same among specs", spec + "design.md", "# Design\n\n## Overview\n\n## Architecture\n", episode.ArtifactSpec},
		{"a chat that quotes a spec", spec + ".aider.chat.history.md", "# aider chat started at 2026-10-05 08:00:00\n\n**User Story:** x\n\n1. WHEN a THEN b SHALL c\n", ""},
		{"notes", spec + "notes.md", "Buy tar.\n", ""},
		{"nothing", steering + "a.md", "", ""},
	} {
		if got := documentOf(row.text, row.file); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestTheLogOfTheSecondEngineIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/sessions/cli/5f0c.jsonl")
	capturetest.Same(t, []capturetest.Row{
		{ID: "t-edit", Kind: episode.KindEdit, Path: "gate.go", Before: "0", After: "1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "t-run", Kind: episode.KindCommand, After: "make gate", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "not at night"},
		{ID: "t-flood", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByHook, Reason: "sheep are there"},
	}, capturetest.Suggested(all))
	if len(all) != 3 || rep.Lines != 13 || rep.Unparsable != 1 || rep.Prompts != 3 || rep.ToolUses != 4 || rep.ToolResults != 4 || rep.Errors != 2 || rep.Rejections != 2 ||
		rep.RejectionsWithReason != 2 || rep.Interrupts != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "p-1") || e.Session != "5f0c0000-0000-4000-8000-000000000001" || e.Repository != "/src/mill" || e.Model.Name != "claude-opus-4.7" ||
		!e.StartedAt.Equal(time.Unix(1791187200, 0)) || e.Steps[1].Reasoning != "Slowly, then." || e.Steps[1].Message != "I look first." {
		t.Errorf("%+v", e)
	}
	for _, r := range e.Steps[2].Observation.Results {
		if r.Error {
			t.Errorf("a refusal is no error: %+v", r)
		}
	}
}

func TestWhatAResetOrACancelledPromptLeftBehindIsMarked(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/sessions/cli/5f0c.jsonl")
	for i, want := range []bool{false, true, true} {
		if got := all[i].Links != nil && all[i].Links.AbandonedBranch; got != want {
			t.Errorf("%q: abandoned: %v", all[i].Instruction, got)
		}
	}
}

func TestTheMessagesOfTheThirdEngineTellWhoDecided(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/sessions/0a1b2c3d/sess_mill/messages.jsonl")
	capturetest.Same(t, []capturetest.Row{
		{ID: "c-write", Kind: episode.KindFile, Path: "axle.go", After: "package mill\n", Verdict: episode.Accepted, By: episode.ByPerson},
		{ID: "c-run", Kind: episode.KindCommand, After: "make axle", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "c-edit", Kind: episode.KindEdit, Path: "axle.go", Before: "mill", After: "axle", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "c-long", Kind: episode.KindCommand, After: "sleep 100", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}, capturetest.Suggested(all))
	if len(all) != 1 || rep.Lines != 20 || rep.Unparsable != 1 || rep.Prompts != 1 || rep.ToolUses != 4 || rep.ToolResults != 3 || rep.Interrupts != 1 || rep.Rejections != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.Instruction != "Grease the axle" || e.Session != "sess_mill" || e.Repository != "/src/mill" || e.Model.Provider != "anthropic" || len(e.Artifacts) != 1 ||
		e.ID != episode.NewID(Name, "m-1") || e.Steps[1].Reasoning != "Tallow or oil?" || e.Steps[1].Message != "With tallow." {
		t.Errorf("%+v", e)
	}
}

// One row for each answer that a person can give, and for what a session tells without one.
func TestEveryDecisionIsMapped(t *testing.T) {
	const options = `[{"optionId":"accept","kind":"allow_once"},{"optionId":"x","kind":"reject_always"}]`
	for _, row := range []struct {
		pending, answer, result string
		verdict                 episode.Verdict
		by                      episode.By
	}{
		{options, `"outcome":"selected","selectedOption":"accept"`, `"success":true`, episode.Accepted, episode.ByPerson},
		{options, `"outcome":"selected","selectedOption":"x"`, `"success":false`, episode.Rejected, episode.ByPerson},
		{`[]`, `"outcome":"selected","selectedOption":"always-accept"`, `"success":false,"content":"exit 1"`, episode.Accepted, episode.ByPerson},
		{`[]`, `"outcome":"selected","selectedOption":"reject"`, ``, episode.Rejected, episode.ByPerson},
		{`[]`, `"outcome":"cancelled"`, ``, episode.Cancelled, episode.ByUnknown},
		{`[]`, `"outcome":"selected","selectedOption":"perhaps"`, ``, "", ""},
		{`[]`, ``, `"success":true`, episode.Accepted, episode.ByUnknown},
		{``, ``, `"success":true`, episode.Accepted, episode.ByUnknown}, // nobody was asked
		{``, ``, `"success":false,"content":"exit 1"`, "", ""},
		{``, ``, `"success":false,"content":"Tool use was denied by the user."`, episode.Rejected, episode.ByPerson},
		{``, ``, `"success":false,"content":"Tool use was denied by the user. Reason: User denied tool execution"`, episode.Rejected, episode.ByPerson},
		{``, ``, `"success":false,"content":"Tool use was denied by the user. Reason: User cancelled"`, episode.Cancelled, episode.ByUnknown},
		{``, ``, `"success":false,"content":"Tool use was denied by the user. Reason: Unknown response"`, episode.Rejected, episode.ByUnknown},
		{``, ``, `"success":false,"content":"Tool use was approved, but did not execute"`, episode.Accepted, episode.ByPerson},
		{``, ``, `"success":false,"content":"Tool use was not executed"`, "", ""},
		{``, ``, `"success":false,"content":"Tool use was cancelled by the user"`, episode.Cancelled, episode.ByUnknown},
		{``, ``, `"success":false,"content":"PreToolHook blocked the tool execution: no"`, episode.Rejected, episode.ByHook},
		{``, ``, ``, "", ""},
	} {
		lines := []string{`{"id":"1","timestamp":"2026-10-07T08:00:00Z","payload":{"type":"user","content":"go"}}`,
			`{"id":"2","timestamp":"2026-10-07T08:00:01Z","payload":{"type":"tool_call","toolCallId":"c","toolName":"shell","args":{"command":"make"}}}`}
		if row.pending != "" {
			lines = append(lines, `{"id":"3","timestamp":"2026-10-07T08:00:02Z","payload":{"type":"pending_interaction","interactionType":"tool_approval","toolCallId":"c","options":`+row.pending+`}}`)
		}
		if row.answer != "" {
			lines = append(lines, `{"id":"4","timestamp":"2026-10-07T08:00:03Z","payload":{"type":"interaction_resolved","toolCallId":"c",`+row.answer+`}}`)
		}
		if row.result != "" {
			lines = append(lines, `{"id":"5","timestamp":"2026-10-07T08:00:04Z","payload":{"type":"tool_result","toolCallId":"c",`+row.result+`}}`)
		}
		all, _ := capturetest.ReadText(t, Source{}, "messages.jsonl", strings.Join(lines, "\n")+"\n")
		if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by {
			t.Errorf("%s %s %s: %+v", row.pending, row.answer, row.result, got)
		}
	}
}

func TestADatabaseOfTheFirstEngineIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, stored(t))
	capturetest.Same(t, []capturetest.Row{
		{ID: "k-a", Kind: episode.KindCommand, After: "make stop", Verdict: episode.Cancelled, By: episode.ByPerson},
		{ID: "k-b", Kind: episode.KindCommand, After: "fs_read", Verdict: episode.Cancelled, By: episode.ByPerson},
		{ID: "k-c", Kind: episode.KindCommand, After: "rm wheel", Verdict: episode.Rejected, By: episode.ByRule},
		// Of two calls it is not told which one the person said no to.
		{ID: "k-d", Kind: episode.KindFile, Path: "brake.go", After: "package brake\n", Verdict: episode.Rejected, By: episode.ByUnknown},
		{ID: "k-e", Kind: episode.KindCommand, After: "aws s3 list-buckets", Verdict: episode.Rejected, By: episode.ByUnknown},
	}, capturetest.Suggested(all))
	// A conversation counts as it was saved last, in whichever table and folder.
	if len(all) != 3 || all[0].Repository != "/src/mill" || all[2].Instruction != "Mend the weir" || rep.Kinds["conversation"] != 2 || rep.Interrupts != 1 || rep.Rejections != 3 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
}

func TestASavedSessionIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/export.json")
	if len(all) != 1 || all[0].Instruction != "How deep is it?" || all[0].Session != "ex-1" || all[0].Repository != "/src/pond" || all[0].Model.Name != "" || rep.Lines != 2 {
		t.Errorf("%+v, %+v", all, rep.Counts)
	}
}

func TestWhatAnAgentToldItsHelperIsNoPrompt(t *testing.T) {
	dir := t.TempDir()
	log := `{"version":"v1","kind":"Prompt","data":{"message_id":"p","content":"look at the wheel"}}` + "\n"
	for name, text := range map[string]string{"h.jsonl": log, "h.json": `{"session_id":"h","parent_session_id":"s","cwd":"/","session_state":{}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "h.jsonl")); len(all) != 1 || all[0].Instruction != "" || rep.Prompts != 0 {
		t.Errorf("%+v, %+v", all, rep.Counts)
	}
	sub := filepath.Join(dir, "sess_x", "sub-executions")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(sub, "1.jsonl")
	if err := os.WriteFile(file, []byte(`{"id":"1","timestamp":"2026-10-07T08:00:00Z","payload":{"type":"user","content":"look"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, rep := capturetest.Read(t, Source{}, file); len(all) != 0 || rep.Kinds["user"] != 1 {
		t.Errorf("%+v, %+v", all, rep.Counts)
	}
}

func TestNothingOutsideTheSessionsFolderIsOpened(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "secret.json"), []byte(`{"session_id":"a secret","cwd":"/secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(out, "secret.json"), filepath.Join(dir, "s.json")); err != nil {
		t.Skip(err)
	}
	all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", `{"version":"v1","kind":"Prompt","data":{"message_id":"p","content":"x"}}`)
	if len(all) != 1 || all[0].Session != "s" {
		t.Errorf("%+v", all)
	}
	file := filepath.Join(dir, "s.jsonl")
	if err := os.WriteFile(file, []byte(`{"version":"v1","kind":"Prompt","data":{"message_id":"p","content":"x"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, _ := capturetest.Read(t, Source{}, file); all[0].Session != "s" || all[0].Repository != "" {
		t.Errorf("the link was followed: %+v", all[0])
	}
}

func TestKirosOwnPromptLogIsKiros(t *testing.T) {
	b := capturetest.File(t, "../amazonq/testdata/chat.json")
	dir := filepath.Join(t.TempDir(), "AWSLogs", "1", "KiroLogs", "GenerateAssistantResponse")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "log.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	all, _ := capturetest.Read(t, Source{}, file)
	if len(all) != 4 || all[0].Tool.Name != Name || (Source{}).Detect(b, "QDeveloperLogs/log.json") {
		t.Errorf("%d episodes", len(all))
	}
	if !(Source{}).Detect(capturetest.File(t, "../amazonq/testdata/user_report.csv"), filepath.Join(dir, "a.csv")) {
		t.Error("Kiro's report of activity is not taken")
	}
}

func TestOtherToolsHistoriesAreNotTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/sessions/cli/5f0c.jsonl", "testdata/sessions/0a1b2c3d/sess_mill/messages.jsonl", "testdata/specs/gate/tasks.md", "testdata/export.json"} {
		f.Add(capturetest.File(f, name))
	}
	capturetest.Fuzz(f, Source{}, "session.jsonl", `{"version":"v1","kind":"ResetTo","data":{"target_index":1e300}}`,
		"---\ninclusion: always\n---\n", `{"version":"v1","kind":"AssistantMessage","data":{"content":[{"kind":"toolUse","data":{"toolUseId":"","name":"write"}},{"kind":"toolUse","data":{}}]}}`)
}

func FuzzDatabase(f *testing.F) {
	b, err := os.ReadFile(stored(f))
	if err != nil {
		f.Fatal(err)
	}
	capturetest.FuzzDatabase(f, Source{}, b)
}
