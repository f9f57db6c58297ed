// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"encoding/json"
	"fmt"
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

func TestAChatBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/session.jsonl")
	if len(all) != 3 || rep.Prompts != 3 || rep.Unparsable != 1 || rep.ToolUses != 8 || rep.ToolResults != 8 ||
		rep.Rejections != 2 || rep.RejectionsWithReason != 1 || rep.Interrupts != 1 || rep.Patches != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "/src/mill/wheel.go", Before: "ratio = 1", After: "ratio = 2", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "gate = \"shut\"\n", After: "gate = \"open\"\n", Verdict: episode.Modified, By: episode.ByPerson, Final: "gate = \"ajar\"\n"},
		{Kind: episode.KindFile, Path: "/src/mill/sluice.py", After: "open = True\n"}, // an error says nothing of a decision
		{Kind: episode.KindCommand, After: "rm -r old", Verdict: episode.Rejected, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "sleep 100", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{Kind: episode.KindFile, Path: "/home/me/.gemini/tmp/mill/plans/race.md", After: "# Race\n1. Dig.\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindPlan, Path: "race.md", After: "# Race\n1. Dig.\n", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "line it with clay"},
		{Kind: episode.KindAnswer, After: "I will line it", Verdict: episode.Cancelled, By: episode.ByPerson},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if e.Instruction != "Double the ratio in @wheel.go" || e.Model.Name != "gemini-3-flash-preview" || e.Model.Provider != "google" ||
		e.Repository != "00aa11bb" || e.Steps[1].Reasoning != "Gears\nThe ratio is on line one." {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 10, CacheReadTokens: 60}, e.Usage); d != "" {
		t.Error(d)
	}
	for i, kinds := range [][]episode.ArtifactKind{{episode.ArtifactRules}, {episode.ArtifactRules}, {episode.ArtifactRules, episode.ArtifactPlan}} {
		var have []episode.ArtifactKind
		for _, a := range all[i].Artifacts {
			have = append(have, a.Kind)
		}
		if d := cmp.Diff(kinds, have); d != "" {
			t.Errorf("artifacts of episode %d: %s", i, d)
		}
	}
}

func TestARewoundPromptIsKeptAsAnAbandonedBranch(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/session.jsonl")
	var abandoned []bool
	for _, e := range all {
		abandoned = append(abandoned, e.Links != nil && e.Links.AbandonedBranch)
	}
	if d := cmp.Diff([]bool{false, true, false}, abandoned); d != "" {
		t.Error(d)
	}
}

func TestARewindToAMessageThatIsNotThereTakesAllBackAndTheNextAnswerBelongsToNoneOfIt(t *testing.T) {
	all, _ := capturetest.ReadText(t, Source{}, "session.jsonl", `{"id":"u1","timestamp":"2026-05-04T08:00:00Z","type":"user","content":"Raise the gate"}
{"$rewindTo":"nowhere"}
{"id":"g1","timestamp":"2026-05-04T08:00:01Z","type":"gemini","content":"Hm."}
`)
	if len(all) != 2 || len(all[0].Steps) != 1 || !all[0].Links.AbandonedBranch || len(all[1].Steps) != 1 || all[1].Links != nil {
		t.Errorf("%+v", all)
	}
}

// Every value of section 16.1 of the reference, and what the tool calls an error.
func TestEachStatusOfAChatsCallIsTheDecisionThatItShows(t *testing.T) {
	for _, row := range []struct {
		status, result string
		verdict        episode.Verdict
		by             episode.By
	}{
		{"success", "done", episode.Accepted, episode.ByUnknown},
		{"cancelled", "[Operation Cancelled] Reason: User cancelled tool execution.", episode.Cancelled, episode.ByUnknown},
		{"cancelled", "", episode.Cancelled, episode.ByUnknown},
		{"cancelled", "[Operation Cancelled] Reason: User did not allow tool call", episode.Rejected, episode.ByPerson},
		{"error", "exit 1", "", ""},
		{"error", `Tool execution for "Shell" denied by policy.`, episode.Rejected, episode.ByRule},
		{"awaiting_approval", "", "", ""},
	} {
		text := fmt.Sprintf(`{"id":"u1","timestamp":"2026-05-04T08:00:00Z","type":"user","content":"Turn the wheel"}
{"id":"g1","timestamp":"2026-05-04T08:00:01Z","type":"gemini","content":"","toolCalls":[{"id":"c","name":"run_shell_command","args":{"command":"turn"},"status":%q,"result":[{"functionResponse":{"response":{"error":%q}}}]}]}
`, row.status, row.result)
		all, _ := capturetest.ReadText(t, Source{}, "session.jsonl", text)
		have := capturetest.Suggested(all)
		if len(have) != 1 || have[0].Verdict != row.verdict || have[0].By != row.by || have[0].Kind != episode.KindCommand {
			t.Errorf("%s %q: %+v, want %s by %s", row.status, row.result, have, row.verdict, row.by)
		}
	}
}

func TestOlderChatsAreOneDocument(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/older.json")
	want := []capturetest.Row{{Kind: episode.KindFile, Path: "gate.txt", After: "open\n", Verdict: episode.Accepted, By: episode.ByUnknown}}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if rep.Lines != 1 || all[0].Instruction != "Open the gate" {
		t.Errorf("%+v", rep.Counts)
	}
}

func TestAProjectsFolderIsTakenFromItsNote(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mill")
	raw, err := os.ReadFile("testdata/older.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{".project_root": "/src/mill\n", "chats/session-1.json": string(raw)} {
		if err := os.MkdirAll(filepath.Join(dir, "chats"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "chats", "session-1.json"))
	if len(all) != 1 || all[0].Repository != "/src/mill" {
		t.Errorf("%+v", all)
	}
}

// No telemetry file is public under an open licence: this one is made after the tool's documentation.
func TestATelemetryFileTellsWhoAcceptedAndWhatAPersonChanged(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/telemetry.log")
	if len(all) != 2 || rep.Lines != 13 || rep.Unparsable != 1 || rep.Prompts != 2 || rep.ToolUses != 6 || rep.Rejections != 1 ||
		rep.Kinds["span"] != 1 || rep.Kinds["metrics"] != 1 || rep.Kinds["gemini_cli.tool_call"] != 6 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "wheel.go", Before: "ratio = 1", After: "ratio = 2", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindFile, Path: "gate.go", After: "gate = 1\n", Verdict: episode.Modified, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "go build", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "rm -r old", Verdict: episode.Rejected, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "make race", Verdict: episode.Accepted, By: episode.ByPerson}, // "always, and save"
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if got := all[0].Steps[3].Observation.Results[0].Content; !strings.Contains(got, `"user_added_lines": 2`) {
		t.Errorf("the size of the person's change is lost: %q", got)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 10, CacheReadTokens: 60}, all[0].Usage); d != "" {
		t.Error(d)
	}
	line, err := episode.Append(nil, all[0])
	if err != nil || strings.Contains(string(line), "someone@") {
		t.Errorf("the user's address is in the episode (%v)", err)
	}
}

// One row per value of section 16.1 of the reference; booleans and metadata arrive as strings too.
func TestEachDecisionOfTheTelemetryIsMapped(t *testing.T) {
	for _, row := range []struct {
		attributes string
		verdict    episode.Verdict
		by         episode.By
	}{
		{`"decision":"accept","success":true`, episode.Accepted, episode.ByPerson},
		{`"decision":"accept","success":"true"`, episode.Accepted, episode.ByPerson},
		{`"decision":"accept","success":false`, episode.Accepted, episode.ByPerson}, // it was let through, and failed
		{`"decision":"accept","success":true,"interactive":false`, episode.Accepted, episode.ByUnknown},
		{`"decision":"accept","success":true,"metadata":"{\"user_added_lines\":\"3\"}"`, episode.Modified, episode.ByPerson},
		{`"decision":"auto_accept","success":true`, episode.Accepted, episode.ByUnknown},
		{`"decision":"reject","success":false`, episode.Rejected, episode.ByPerson},
		{`"decision":"reject","success":true`, episode.Accepted, episode.ByPerson},
		{`"decision":"reject","success":false,"interactive":"false"`, episode.Rejected, episode.ByUnknown},
		{`"decision":"modify","success":true`, episode.Modified, episode.ByPerson},
		{`"success":true`, episode.Accepted, episode.ByUnknown},
		{`"success":false`, "", ""},
		{`"success":false,"error_type":"policy_violation"`, episode.Rejected, episode.ByRule},
		{`"decision":"something_new","success":false`, "", ""},
	} {
		text := `{"attributes":{"event.name":"gemini_cli.tool_call","session.id":"s","prompt_id":"s########1",` +
			`"function_name":"run_shell_command","function_args":"{\"command\":\"turn\"}",` + row.attributes + `}}`
		all, _ := capturetest.ReadText(t, Source{}, "telemetry.log", text)
		have := capturetest.Suggested(all)
		if len(have) != 1 || have[0].Verdict != row.verdict || have[0].By != row.by {
			t.Errorf("%s: %+v, want %s by %s", row.attributes, have, row.verdict, row.by)
		}
	}
}

func TestObjectsAreFoundWhereverTheStreamIsCutAndAfterATornOne(t *testing.T) {
	whole, err := os.ReadFile("testdata/telemetry.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 7, 64 << 10} {
		var c capture.Counts
		n := 0
		s := splitter{c: &c, fresh: true, read: func(b []byte) (bool, error) { n++; return json.Valid(b), nil }}
		for rest := whole; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			s.add(rest[:min(size, len(rest))])
		}
		s.end(false)
		if n != 12 || c.Lines != 13 || c.Unparsable != 1 {
			t.Errorf("in pieces of %d: %d objects, %d lines, %d unparsable", size, n, c.Lines, c.Unparsable)
		}
	}
}

func TestTheCorpusIsReadWhole(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus")
	for name, want := range map[string]struct{ episodes, uses, unparsable int }{
		"gemini-cli/agent-sessions/gemini/jsonl_v040.jsonl":  {1, 1, 0},
		"gemini-cli/agent-sessions/gemini/large.json":        {2, 2, 0},
		"gemini-cli/agent-sessions/gemini/schema_drift.json": {1, 0, 0},
		"gemini-cli/agent-sessions/gemini/small.json":        {1, 0, 0},
		"gemini-cli/git-ai/gemini-session-simple.jsonl":      {1, 4, 0},
	} {
		all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, filepath.FromSlash(name)))
		if len(all) != want.episodes || rep.Prompts != want.episodes || rep.ToolUses != want.uses || rep.Unparsable != want.unparsable {
			t.Errorf("%s: %d episodes, %+v", name, len(all), rep.Counts)
		}
		for _, e := range all {
			if e.Instruction == "" || len(e.Steps) < 2 || e.StartedAt.IsZero() || e.Model.Name == "" {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 5, "gemini-cli/agent-sessions/", "gemini-cli/git-ai/")
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/older.json", "testdata/telemetry.log"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	capturetest.Fuzz(f, Source{}, "session.jsonl", `{"$rewindTo":"a"}`, `{"id":"a","type":"gemini","content":["b",{"text":1}],"toolCalls":[{"id":"c","status":"cancelled"},{"id":"c","status":"success"}]}`,
		"{\"attributes\":{\"event.name\":\"gemini_cli.tool_call\",\"session.id\":\"s\",\"metadata\":\"{\"}}\n{\n")
}
