// SPDX-License-Identifier: Apache-2.0

package windsurf

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

func TestTheRecordingHoldsWhatTheReferenceSays(t *testing.T) {
	path := filepath.Join(sharedtest.Dir(t, "corpus/windsurf"), "git-ai/windsurf-session-simple.jsonl")
	all, rep := capturetest.Read(t, Source{}, path)
	for kind, want := range map[string]int{"user_input": 4, "planner_response": 5, "run_command": 6, "code_action": 2} {
		if got := rep.Kinds[kind]; got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if len(all) != 4 || rep.Prompts != 4 || rep.Unparsable != 0 || rep.Errors != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	edits, commands := 0, 0
	for _, d := range capturetest.Suggested(all) {
		switch {
		case d.Kind == episode.KindEdit && d.Verdict == episode.Accepted && d.By == episode.ByUnknown:
			edits++
		case d.Kind == episode.KindCommand && strings.HasPrefix(d.After, "git log") && d.Verdict == episode.Accepted:
			commands++
		default:
			t.Errorf("%+v", d)
		}
	}
	// The other five commands were typed by the person, once the agent was done.
	if edits != 2 || commands != 1 || all[0].Links == nil || all[2].Links == nil || all[0].Links.Commit == all[2].Links.Commit {
		t.Errorf("%d edits, %d commands; links %+v, %+v", edits, commands, all[0].Links, all[2].Links)
	}
}

func TestNothingElseOfTheCorpusIsWindsurfs(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 1, "windsurf/")
}

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/mill.jsonl")
	want := []capturetest.Row{
		{ID: "action-0-1", Kind: episode.KindEdit, Path: "/src/the mill/gate.go", Before: "open = 0\n", After: "open = 1\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "action-0-3", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "action-0-2", Kind: episode.KindCommand, After: "go test ./...", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "action-1-0", Kind: episode.KindFile, Path: "/src/mill/log.py", After: "days = 1\n", Verdict: episode.Rejected, By: episode.ByPerson},
		{ID: "action-1-1", Kind: episode.KindFile, Path: "/src/mill/log.py", After: "days = 2\n"},
		{ID: "action-1-3", Kind: episode.KindCommand, After: "grep_search", Verdict: episode.Cancelled, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if rep.Prompts != 2 || rep.ToolUses != 9 || rep.ToolResults != 7 || rep.Errors != 1 || rep.Rejections != 2 || rep.Interrupts != 1 || rep.Unparsable != 1 {
		t.Errorf("%+v", rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "mill#0") || e.Instruction != "Raise the gate in @[gate.go]" || e.Links == nil || e.Links.Commit != "0a1b2c3" || e.Repository != "/src/mill" || len(e.Steps) != 3 {
		t.Errorf("%+v", e)
	}
	again, _ := capturetest.Read(t, Source{}, "testdata/mill.jsonl")
	if d := cmp.Diff(all, again); d != "" {
		t.Errorf("reading twice: %s", d)
	}
}

// One row for each value of the acknowledgement, and of a command's end.
func TestEveryDecisionIsMapped(t *testing.T) {
	edit := func(ack, status string) string {
		return fmt.Sprintf(`{"code_action":{"acknowledgement_type":%q,"new_content":"x","path":"a"},"status":%q,"type":"code_action"}`, ack, status)
	}
	command := func(rejected, status string) string {
		return fmt.Sprintf(`{"run_command":{"command":"make","user_rejected":%s},"status":%q,"type":"run_command"}`, rejected, status)
	}
	for _, row := range []struct {
		line    string
		verdict episode.Verdict
		by      episode.By
	}{
		{edit("ACKNOWLEDGEMENT_TYPE_ACCEPT", "done"), episode.Accepted, episode.ByUnknown},
		{edit("ACKNOWLEDGEMENT_TYPE_REJECT", "done"), episode.Rejected, episode.ByPerson},
		{edit("ACKNOWLEDGEMENT_TYPE_UNSPECIFIED", "done"), "", ""},
		{edit("ACKNOWLEDGEMENT_TYPE_STALE", "done"), "", ""},
		{edit("", "cancelled"), episode.Cancelled, episode.ByUnknown},
		{edit("", "error"), "", ""},
		{command("false", "done"), episode.Accepted, episode.ByUnknown},
		{command("true", "done"), episode.Rejected, episode.ByPerson},
		{command(`"true"`, "error"), episode.Rejected, episode.ByPerson},
		{command("false", "canceled"), episode.Cancelled, episode.ByUnknown},
	} {
		all, _ := capturetest.ReadText(t, Source{}, "s.jsonl", row.line+"\n"+`{"planner_response":{"response":"done"},"status":"done","type":"planner_response"}`)
		if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by {
			t.Errorf("%s: %+v", row.line, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "transcript.jsonl",
		`{"type":"code_action","status":"done","code_action":{"path":"file:///c%AA/x.go","new_content":1}}`,
		`{"type":"run_command","status":"done","run_command":{"command":"git commit","output":"[a 1234567] "}}`)
}
