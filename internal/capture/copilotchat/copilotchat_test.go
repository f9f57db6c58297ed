// SPDX-License-Identifier: Apache-2.0

package copilotchat

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestALogOfChangesBecomesTheSessionThatItMakes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/session.jsonl")
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "/src/mill/wheel.go", Before: "still", After: "turning", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindEdit, Path: "/src/mill/gate.go", After: "open", Verdict: episode.Rejected, By: episode.ByPerson},
		{Kind: episode.KindEdit, Path: "/src/mill/sluice.go", After: "half", Verdict: episode.Modified, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "make gate", Verdict: episode.Modified, By: episode.ByPerson, Final: "make -n gate"},
		{Kind: episode.KindCommand, After: "rm gate", Verdict: episode.Rejected, By: episode.ByPerson},
		{Kind: episode.KindAnswer, After: "open the gate", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Decided(all))
	if len(all) != 2 || rep.Lines != 11 || rep.Unparsable != 1 {
		t.Fatalf("%d episodes, %+v: want two, and the change to a request that is not there set aside", len(all), rep.Counts)
	}
	first := all[0]
	if first.Instruction != "turn the wheel" || first.Session != "mill-1" || first.Model.Name != "claude-sonnet-4" || first.Tool.Version != "0.40.1" || len(first.Steps) != 2 ||
		len(first.Ratings) != 1 || first.Ratings[0].Value != 0 || first.Ratings[0].Comment != "incorrectCode" || first.EndedAt.Sub(first.StartedAt).Seconds() != 9 {
		t.Errorf("%+v, ratings %+v", first, first.Ratings)
	}
}

// A row for each value of section 16.1 of the reference, and for what confirms a call.
func TestEveryValueMeansThis(t *testing.T) {
	for kind, want := range map[int]string{1: "accepted person", 2: "rejected person", 3: "modified person", 0: " ", 4: " "} {
		if v, by := edited(kind); string(v)+" "+string(by) != want {
			t.Errorf("eventKind %d: %s %s, want %s", kind, v, by, want)
		}
	}
	for raw, want := range map[string]string{`{"type":0}`: "rejected person", `{"type":1}`: "accepted unknown", `{"type":2}`: "accepted rule", `{"type":3}`: "accepted rule",
		`{"type":4}`: "accepted person", `{"type":5}`: "rejected person", `true`: "accepted unknown", `false`: "rejected unknown", `{}`: " ", `null`: " ", ``: " ", `{"type":9}`: " "} {
		if v, by := confirmed([]byte(raw)); string(v)+" "+string(by) != want {
			t.Errorf("isConfirmed %s: %s %s, want %s", raw, v, by, want)
		}
	}
}

func TestPendingEditsAreNotDecidedYet(t *testing.T) {
	doc := func(pending bool) string {
		return fmt.Sprintf(`{"version":3,"sessionId":"s","hasPendingEdits":%v,"requests":[{"requestId":"r","message":{"text":"x"},"response":[{"kind":"textEditGroup","uri":{"fsPath":"a.go"},"edits":[[{"text":"b"}]]}]}]}`, pending)
	}
	for pending, want := range map[bool]int{true: 0, false: 1} {
		all, _ := capturetest.ReadText(t, Source{}, "s.json", doc(pending))
		if len(all) != 1 || len(all[0].Decisions) != want {
			t.Errorf("pending %v: %+v", pending, capturetest.Decided(all))
		}
	}
}

func TestHostileChangesAreSetAside(t *testing.T) {
	deep := `{"kind":1,"k":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 100), ",") + `],"v":1}`
	all, rep := capturetest.ReadText(t, Source{}, "s.jsonl", `{"kind":0,"v":{"version":3,"sessionId":"s","requests":[]}}
{"kind":2,"k":["requests",4000000000],"v":[1]}
{"kind":2,"k":["sessionId"],"v":["x"]}
{"kind":1,"k":["requests",-1],"v":1}
`+deep+"\n"+`{"kind":1,"k":[true],"v":1}`+"\n")
	if len(all) != 0 || rep.Unparsable != 5 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
}

func TestTheCorpusIsReadWhole(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/copilot/git-ai")
	for name, want := range map[string][2]int{ // prompts, tool uses
		"copilot_session_simple.json": {3, 2}, "copilot_session_simple.jsonl": {3, 2}, "copilot_session_empty_then_patched.jsonl": {1, 0},
		"copilot_chat_session_lookup_non_auto.jsonl": {1, 0}, "copilot_chat_session_lookup_details_only.jsonl": {1, 0}, "copilot_chat_session_lookup_json_file.json": {1, 0},
	} {
		_, rep := capturetest.Read(t, Source{}, filepath.Join(dir, name))
		if got := [2]int{rep.Prompts, rep.ToolUses}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, %+v", name, got, rep.Counts)
		}
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 6, "copilot/git-ai/copilot_session_", "copilot/git-ai/copilot_chat_session_")
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "session.jsonl", `{"version":3,"sessionId":"s","requests":[{"message":1,"vote":1,"isCanceled":true}]}`)
}
