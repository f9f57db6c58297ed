// SPDX-License-Identifier: Apache-2.0

package openhands

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

const state1 = "testdata/mill-conversation/base_state.json"

func TestEachAnswerToAnActionBecomesThisDecision(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, state1)
	dir := "/home/miller/mill/"
	want := []capturetest.Row{
		{ID: "call_1", Kind: episode.KindEdit, Path: dir + "sluice.py", Before: "shut", After: "open", Verdict: episode.Accepted, By: episode.ByRule},                          // below the threshold
		{ID: "call_2", Kind: episode.KindCommand, After: "systemctl restart sluice", Verdict: episode.Accepted, By: episode.ByPerson},                                          // risky: asked
		{ID: "call_3", Kind: episode.KindCommand, After: "rm -r pond", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "The pond stays."},                             // rejection_source user
		{ID: "call_4", Kind: episode.KindFile, Path: dir + "gate.go", After: "package gate\n", Verdict: episode.Rejected, By: episode.ByHook, Reason: "blocked: no new gates"}, // hook
		{ID: "call_7", Kind: episode.KindCommand, After: "sleep 100", Verdict: episode.Cancelled, By: episode.ByPerson},                                                        // InterruptEvent
		{ID: "call_8", Kind: episode.KindEdit, Path: dir + "pond.md", After: "# Pond\n", Verdict: episode.Accepted, By: episode.ByPerson},                                      // it waited
		{ID: "call_9", Kind: episode.KindCommand, After: "echo", Verdict: episode.Accepted, By: episode.ByRule},                                                                // paused, then done
		{ID: "call_10", Kind: episode.KindCommand, After: "flood", Verdict: episode.Rejected, By: episode.ByPerson},                                                            // no reason given
	}
	capturetest.Same(t, want, capturetest.Decided(got))
	if len(got) != 1 || rep.Prompts != 1 || rep.ToolUses != 10 || rep.Rejections != 3 || rep.RejectionsWithReason != 2 || rep.Interrupts != 2 || rep.Errors != 5 ||
		rep.Kinds["UserRejectObservation"] != 3 {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	if e.ID != episode.NewID(Name, "00000001-0000-4000-8000-000000000000") || e.Model.Name != "anthropic/claude-sonnet-4-5" || e.Repository != "/home/miller/mill" ||
		e.Steps[1].Message != "I edit it." || e.Steps[1].Reasoning != "Slowly." || len(e.Artifacts) != 2 || e.Artifacts[0].Name != "sluices" ||
		e.Artifacts[1].Text != "Rules for *.py: four spaces." {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 10, CacheReadTokens: 60, CacheWriteTokens: 5, CostUSD: 0.5}, e.Usage); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]episode.Rating{{By: "model", Target: "call_1", Scale: "score", Value: 0.75}}, e.Ratings); d != "" {
		t.Error(d)
	}
}

func TestWhoAgreedIsWhatThePolicySays(t *testing.T) {
	for _, row := range []struct {
		policy, risk string
		by           episode.By
	}{
		{`{"kind":"AlwaysConfirm"}`, "LOW", episode.ByPerson},
		{`{"kind":"NeverConfirm"}`, "HIGH", episode.ByRule},
		{`{"kind":"ConfirmRisky","threshold":"MEDIUM"}`, "MEDIUM", episode.ByPerson},
		{`{"kind":"ConfirmRisky","threshold":"MEDIUM"}`, "LOW", episode.ByRule},
		{`{"kind":"ConfirmRisky"}`, "MEDIUM", episode.ByRule},
		{`{"kind":"ConfirmRisky"}`, "UNKNOWN", episode.ByRule},
		{`{"kind":"ConfirmRisky","confirm_unknown":true}`, "UNKNOWN", episode.ByPerson},
		{`null`, "HIGH", episode.ByUnknown},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"base_state.json":            `{"id":"c","agent":{},"workspace":{},"execution_status":"idle","confirmation_policy":` + row.policy + `}`,
			"events/event-00000-a.json":  `{"kind":"MessageEvent","id":"m","timestamp":"2026-01-01T00:00:00","source":"user","llm_message":{"content":[{"text":"dig"}]}}`,
			"events/event-00001-b.json":  `{"kind":"ActionEvent","id":"a","timestamp":"2026-01-01T00:00:01","source":"agent","tool_name":"terminal","tool_call_id":"k","action":{"command":"dig"},"security_risk":"` + row.risk + `"}`,
			"events/event-00002-c.json":  `{"kind":"ObservationEvent","id":"o","timestamp":"2026-01-01T00:00:02","source":"environment","tool_call_id":"k","observation":{"content":[{"text":"dug"}]}}`,
			"events/event-100000-d.json": `{"kind":"MessageEvent","id":"n","timestamp":"2026-01-01T00:00:03","source":"agent","llm_message":{"content":[{"text":"Dug."}]}}`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "base_state.json"))
		if len(got) != 1 || len(got[0].Decisions) != 1 || got[0].Decisions[0].By != row.by || got[0].Steps[len(got[0].Steps)-1].Message != "Dug." {
			t.Errorf("%s, %s: %+v, want by %s", row.policy, row.risk, capturetest.Decided(got), row.by)
		}
	}
}

func TestEventsGiveNothingOfTheirOwnUnlessThereIsNoState(t *testing.T) {
	events, err := filepath.Glob("testdata/mill-conversation/events/*.json")
	if err != nil || len(events) == 0 {
		t.Fatal(err)
	}
	bare := t.TempDir()
	if err := os.Mkdir(filepath.Join(bare, "events"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, file := range events {
		if got, rep := capturetest.Read(t, Source{}, file); len(got) != 0 || rep.Lines != 1 || rep.Unparsable != 0 {
			t.Errorf("%s: %d episodes, %+v", file, len(got), rep.Counts)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(bare, "events", filepath.Base(file))
		if err := os.WriteFile(copied, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if i == 1 { // not the first
			if got, _ := capturetest.Read(t, Source{}, copied); len(got) != 0 {
				t.Errorf("%d episodes of the second event", len(got))
			}
		}
	}
	got, rep := capturetest.Read(t, Source{}, filepath.Join(bare, "events", filepath.Base(events[0])))
	if len(got) != 1 || rep.Lines != len(events) || got[0].Decisions[0].By != episode.ByUnknown {
		t.Errorf("%d episodes, %+v", len(got), rep.Counts)
	}
}

func TestATornEventIsSetAsideAndTheRestIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/mill-conversation")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "events/event-00007-00000007-0000-4000-8000-000000000000.json"), []byte(`{"kind":"UserRej`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "base_state.json"))
	if len(got) != 1 || rep.Unparsable != 1 || rep.Rejections != 2 || len(got[0].Decisions) != 8 {
		t.Errorf("%d episodes, %+v", len(got), rep.Counts)
	}
}

func TestAVersion0TrajectoryBecomesTheseDecisions(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/trajectory.json")
	want := []capturetest.Row{
		{ID: "call_a", Kind: episode.KindCommand, After: "grease wheel", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_b", Kind: episode.KindEdit, Path: "wheel.rs", Before: "dry", After: "greased", Verdict: episode.Accepted, By: episode.ByPerson},
		{ID: "call_c", Kind: episode.KindCommand, After: "rm -r wheel", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "Not the wheel!"},
		{ID: "call_d", Kind: episode.KindCommand, After: "sleep 9", Verdict: episode.Cancelled, By: episode.ByPerson},
	}
	capturetest.Same(t, want, capturetest.Decided(got))
	e := got[0]
	if len(got) != 1 || rep.Interrupts != 1 || e.Instruction != "Grease the wheel." || len(e.Artifacts) != 2 || e.Usage.InputTokens != 120 ||
		e.Steps[len(e.Steps)-1].Message != "The wheel is greased." || len(e.Ratings) != 0 {
		t.Errorf("%+v, %+v", rep.Counts, e)
	}
}

func TestAFeedbackRecordIsAThumbAndKeepsNoAddress(t *testing.T) {
	got, rep := capturetest.Read(t, Source{}, "testdata/feedback.json")
	if len(got) != 1 || rep.Kinds["permissions/private"] != 1 {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	if d := cmp.Diff([]episode.Rating{{By: "person", Target: "episode", Scale: "thumbs", Comment: "Too much tallow."}}, got[0].Ratings); d != "" {
		t.Error(d)
	}
	line, err := episode.Append(nil, got[0])
	if err != nil || strings.Contains(string(line), "miller@") {
		t.Errorf("%v, or the address was kept: %s", err, line)
	}
	// The exported trajectory of the same conversation is the same episode.
	if whole, _ := capturetest.Read(t, Source{}, "testdata/trajectory.json"); whole[0].ID != got[0].ID {
		t.Error("the same prompt has two ids")
	}
}

func TestOtherToolsHistoriesAreNotTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
}

func FuzzRead(f *testing.F) {
	events, err := filepath.Glob("testdata/mill-conversation/events/*.json")
	if err != nil {
		f.Fatal(err)
	}
	var lines []string
	for _, file := range events {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	capturetest.Fuzz(f, Source{}, "trajectory.json", strings.Join(lines, "\n"), `{"agent":{},"workspace":{},"execution_status":"idle"}`)
}
