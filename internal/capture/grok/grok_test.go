// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

// folder makes a session's folder of files by name, and returns the path of the one named first.
func folder(t *testing.T, names []string, contents ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s-1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contents[i]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, names[0])
}

func TestASessionsFolderBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/mill/updates.jsonl")
	if len(all) != 4 || rep.Prompts != 4 || rep.Unparsable != 1 || rep.ToolUses != 7 || rep.ToolResults != 6 ||
		rep.Rejections != 3 || rep.RejectionsWithReason != 1 || rep.Interrupts != 2 || rep.Patches != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "/src/mill/wheel.go", Before: "ratio = 1", After: "ratio = 2", Verdict: episode.Accepted, By: episode.ByPerson, DwellMS: 2900},
		{Kind: episode.KindFile, Path: "/src/mill/sluice.py", After: "open = True\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "rm -r old", Verdict: episode.Rejected, By: episode.ByPerson, DwellMS: 4000},
		{Kind: episode.KindCommand, After: "sleep 100", Verdict: episode.Cancelled, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "oil --all", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "only the axle", DwellMS: 5000},
		{Kind: episode.KindCommand, After: "oil axle", Verdict: episode.Rejected, By: episode.ByRule, DwellMS: 1},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if e.ID != episode.NewID(Name, "p-1") || e.Instruction != "Double the ratio" || e.Model.Name != "grok-4.5" || e.Model.Provider != "xai" ||
		e.Repository != "https://git.example.invalid/mill.git" || e.Steps[1].Reasoning != "Find it." || e.Steps[1].Message != "On it." {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 9, CacheReadTokens: 60, CacheWriteTokens: 2}, e.Usage); d != "" {
		t.Error(d)
	}
	if len(e.Artifacts) != 1 || e.Artifacts[0].Kind != episode.ArtifactPlan || e.Artifacts[0].Text != "- [x] find the ratio\n- [ ] double it\n" {
		t.Errorf("artifacts %+v", e.Artifacts)
	}
	up, down := []episode.Rating{{By: "person", Target: "episode", Scale: "thumbs", Value: 1, Comment: "it turns"}}, []episode.Rating{{By: "person", Target: "episode", Scale: "thumbs"}}
	if d := cmp.Diff([][]episode.Rating{up, nil, nil, down}, [][]episode.Rating{all[0].Ratings, all[1].Ratings, all[2].Ratings, all[3].Ratings}); d != "" {
		t.Error(d)
	}
}

func TestARewoundPromptIsKeptAsAnAbandonedBranch(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/mill/updates.jsonl")
	raw, err := os.ReadFile("testdata/mill/updates.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var unmarked strings.Builder // a prompt's number that comes again tells as much as the marker
	for line := range strings.Lines(string(raw)) {
		if !strings.Contains(line, "rewind_marker") {
			unmarked.WriteString(line)
		}
	}
	again, _ := capturetest.ReadText(t, Source{}, "updates.jsonl", unmarked.String())
	for _, all := range [][]*episode.Episode{all, again} {
		var abandoned []bool
		for _, e := range all {
			abandoned = append(abandoned, e.Links != nil && e.Links.AbandonedBranch)
		}
		if d := cmp.Diff([]bool{false, true, false, false}, abandoned); d != "" {
			t.Error(d)
		}
	}
}

func TestFilesThatGoWithASessionGiveNothingByThemselves(t *testing.T) {
	for _, name := range []string{"events.jsonl", "summary.json", "feedback.jsonl", "rewind_points.jsonl"} {
		all, rep := capturetest.Read(t, Source{}, "testdata/mill/"+name)
		if len(all) != 0 || rep.Lines == 0 || rep.Unparsable != 0 {
			t.Errorf("%s: %d episodes, %+v", name, len(all), rep.Counts)
		}
	}
	raw, err := os.ReadFile("testdata/chat_history.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if all, rep := capturetest.Read(t, Source{}, folder(t, []string{"chat_history.jsonl", "updates.jsonl"}, string(raw), "{}\n")); len(all) != 0 || rep.Lines != 10 {
		t.Errorf("beside the updates: %d episodes, %+v", len(all), rep.Counts)
	}
}

func TestAChatHistoryIsReadWhereThereAreNoUpdates(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/chat_history.jsonl")
	if len(all) != 2 || rep.Prompts != 2 || rep.ToolUses != 3 || rep.ToolResults != 2 || rep.Interrupts != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{Kind: episode.KindFile, Path: "gate.txt", After: "open\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindCommand, After: "sleep 9", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if all[0].Instruction != "Open the gate" || all[0].Steps[1].Reasoning != "The gate is shut." || all[1].Instruction != "Now shut it" {
		t.Errorf("%+v", all)
	}
}

// One row per value of section 16.1 of the reference. The source is that of the tool's telemetry; where the log of events
// has none, the time that the answer took and the mode tell.
func TestEachAnswerToAPermissionRequestIsMapped(t *testing.T) {
	for _, c := range []struct {
		turn, resolved, completed, result string
		verdict                           episode.Verdict
		by                                episode.By
	}{
		{``, `"decision":"allow","source":"user_once","wait_ms":900`, "", "ok", episode.Accepted, episode.ByPerson},
		{``, `"decision":"allow","source":"config","wait_ms":0`, "", "ok", episode.Accepted, episode.ByRule},
		{``, `"decision":"deny","source":"user_reject","wait_ms":900`, "", "", episode.Rejected, episode.ByPerson},
		{``, `"decision":"deny","source":"config","wait_ms":900`, "", "", episode.Rejected, episode.ByRule},
		{``, `"decision":"cancelled","wait_ms":900`, "", "", episode.Cancelled, episode.ByPerson},
		{``, `"decision":"deny","source":"user_abort","wait_ms":900`, "", "", episode.Cancelled, episode.ByPerson},
		{``, `"decision":"followup","source":"user_followup","wait_ms":900`, "", "", episode.Rejected, episode.ByPerson},
		{``, `"decision":"followup","wait_ms":900`, "", "", episode.Rejected, episode.ByPerson},
		{``, `"decision":"timed_out","wait_ms":60000`, "", "", episode.TimedOut, episode.ByUnknown},
		{``, `"decision":"allow","wait_ms":2067`, "", "ok", episode.Accepted, episode.ByPerson},
		{``, `"decision":"allow","wait_ms":"0"`, "", "ok", episode.Accepted, episode.ByUnknown},
		{`"yolo_mode":true`, `"decision":"allow","wait_ms":2067`, "", "ok", episode.Accepted, episode.ByRule},
		{`"permission_mode":"auto"`, `"decision":"allow","wait_ms":2067`, "", "ok", episode.Accepted, episode.ByUnknown},
		{``, `"decision":"deny","wait_ms":2`, "", "", episode.Rejected, episode.ByUnknown},
		{``, `"decision":"deny","wait_ms":2`, "hook_denied", "", episode.Rejected, episode.ByHook},
		{``, `"decision":"deny","wait_ms":2`, "", "Tool `Shell` was not executed: forbidden", episode.Rejected, episode.ByRule},
		{``, `"decision":"cancelled","wait_ms":3`, "", "User cancelled the execution for tool `Shell`", episode.Cancelled, episode.ByUnknown}, // headless
		{``, `"decision":"something_new","wait_ms":900`, "", "", "", ""},
	} {
		status := "completed"
		if c.result != "ok" {
			status = "failed"
		}
		text := fmt.Sprintf(`{"timestamp":1780300000,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"Turn"}}}}
{"timestamp":1780300001,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"c","title":"Shell","rawInput":{"command":"turn"}}}}
{"timestamp":1780300002,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call_update","toolCallId":"c","status":%q,"content":[{"type":"content","content":{"type":"text","text":%q}}]}}}
`, status, c.result)
		turn := `{"ts":"2026-06-01T07:46:40Z","type":"turn_started"}`
		if c.turn != "" {
			turn = strings.Replace(turn, "}", ","+c.turn+"}", 1)
		}
		events := turn + `
{"ts":"2026-06-01T07:46:41Z","type":"permission_requested","tool_name":"Shell"}
{"ts":"2026-06-01T07:46:42Z","type":"permission_resolved","tool_name":"Shell",` + c.resolved + "}\n"
		if c.completed != "" {
			events += `{"ts":"2026-06-01T07:46:42Z","type":"tool_completed","tool_name":"Shell","tool_call_id":"c","outcome":"` + c.completed + "\"}\n"
		}
		for line := range strings.Lines(events) {
			if !json.Valid([]byte(line)) {
				t.Fatal(line)
			}
		}
		all, _ := capturetest.Read(t, Source{}, folder(t, []string{"updates.jsonl", "events.jsonl"}, text, events))
		have := capturetest.Suggested(all)
		if len(have) != 1 || have[0].Verdict != c.verdict || have[0].By != c.by || have[0].After != "turn" {
			t.Errorf("%s %s %s: %+v, want %s by %s", c.turn, c.resolved, c.completed, have, c.verdict, c.by)
		}
	}
}

func TestThingsToDoComeFromThePlanFileWhereTheUpdatesHaveNone(t *testing.T) {
	const text = `{"timestamp":1780300000,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"Turn"}}}}
{"timestamp":1780300001,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"Done"}}}}
`
	all, _ := capturetest.Read(t, Source{}, folder(t, []string{"updates.jsonl", "plan.json"}, text, `{"todos":[{"content":"turn","status":"completed"}]}`))
	if len(all) != 1 || len(all[0].Artifacts) != 1 || all[0].Artifacts[0].Text != "- [x] turn\n" {
		t.Errorf("%+v", all)
	}
}

func TestAHelpersPromptsAreTheAgents(t *testing.T) {
	const text = `{"timestamp":1780300000,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"Count the wheels"}}}}
{"timestamp":1780300001,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"Three"}},"_meta":{"promptId":"p-9"}}}
`
	all, rep := capturetest.Read(t, Source{}, folder(t, []string{"updates.jsonl", "summary.json"}, text,
		`{"info":{"id":"s","cwd":"/src/mill"},"session_kind":"subagent","chat_format_version":1,"fork_parent_prompt_id":"p-1"}`))
	if len(all) != 1 || all[0].Instruction != "" || all[0].Steps[0].Source != episode.SourceAgent || rep.Prompts != 0 ||
		all[0].Links == nil || all[0].Links.Parent != episode.NewID(Name, "p-1") || all[0].Repository != "/src/mill" {
		t.Errorf("%+v", all)
	}
}

func TestAPromptThatNothingHasFollowedYetWaitsForItsId(t *testing.T) {
	const text = `{"timestamp":1780300000,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"Turn"}}}}
`
	if all, _ := capturetest.ReadText(t, Source{}, "updates.jsonl", text); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestTheCorpusIsReadWhole(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/grok/agent-sessions/grok")
	all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, "chat_history.jsonl"))
	if len(all) != 2 || rep.Lines != 11 || rep.Unparsable != 0 || rep.Prompts != 2 || rep.ToolUses != 3 || rep.ToolResults != 2 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{{Kind: episode.KindCommand, After: "python3 hello.py", Verdict: episode.Accepted, By: episode.ByUnknown}}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if all[0].Model.Name != "grok-4.5" || !strings.HasPrefix(all[0].Instruction, "Read hello.py") {
		t.Errorf("%+v", all[0])
	}
	all, rep = capturetest.Read(t, Source{}, filepath.Join(dir, "subagent", "summary.json"))
	if len(all) != 0 || rep.Lines != 1 || rep.Unparsable != 0 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 2, "grok/")
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile("testdata/mill/updates.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	capturetest.Fuzz(f, Source{}, "chat_history.jsonl", string(b),
		`{"timestamp":1,"method":"session/update","params":{"update":{"sessionUpdate":"tool_call_update","toolCallId":"answer-1","content":{"type":"diff"},"status":"completed"}}}`,
		`{"type":"assistant","content":[{"text":1}],"model_id":"m","tool_calls":[{"arguments":"{"},{"id":"call-1"},{}]}`)
}
