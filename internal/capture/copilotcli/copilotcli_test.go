// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/events.jsonl")
	want := []capturetest.Row{
		{Kind: episode.KindEdit, Path: "wheel.go", Before: "still", After: "turning", Verdict: episode.Accepted, By: episode.ByPerson},
		{Kind: episode.KindCommand, After: "make wheel", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "the gate is shut"},
		{Kind: episode.KindPlan, After: "1. open the gate", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "slower"},
		{Kind: episode.KindFile, Path: "gate.go", After: "package mill\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindAnswer, After: "Very well, I", Verdict: episode.Cancelled, By: episode.ByPerson},
	}
	capturetest.Same(t, want, capturetest.Decided(all))
	if len(all) != 4 || rep.Unparsable != 1 || rep.Prompts != 4 || rep.ToolUses != 4 || rep.Rejections != 1 || rep.RejectionsWithReason != 1 || rep.Interrupts != 1 {
		t.Errorf("%d episodes, %+v", len(all), rep.Counts)
	}
	first := all[0]
	if first.Instruction != "turn the wheel" || first.Repository != "alder/mill" || first.Model.Name != "gpt-5-mini" || first.Model.Provider != "openai" ||
		first.Usage == nil || first.Usage.OutputTokens != 12 || first.Steps[1].Reasoning == "" || first.Links != nil {
		t.Errorf("%+v", first)
	}
	if l := all[2].Links; l == nil || !l.AbandonedBranch || len(all[2].Outcomes) != 1 || all[2].Outcomes[0].Kind != episode.OutcomeReverted {
		t.Errorf("what was rewound: links %+v, outcomes %+v", l, all[2].Outcomes)
	}
	if l := all[1].Links; l != nil {
		t.Errorf("what came before the rewind is marked: %+v", l)
	}
}

// A row for each value of section 16.1 of the reference.
func TestEveryResultOfAPermissionMeansThis(t *testing.T) {
	for _, c := range []struct {
		kind      string
		requested bool
		want      string
	}{
		{"approved", true, "accepted person"}, {"approved-for-session", true, "accepted person"}, {"approved-for-location", true, "accepted person"},
		{"approved", false, "accepted unknown"}, {"denied-interactively-by-user", true, "rejected person"}, {"denied-by-rules", true, "rejected rule"},
		{"denied-by-content-exclusion-policy", true, "rejected rule"}, {"denied-by-permission-request-hook", true, "rejected hook"},
		{"cancelled", true, "cancelled unknown"}, {"denied-no-approval-rule-and-could-not-request-from-user", true, "cancelled unknown"}, {"new-in-2027", true, " "},
	} {
		verdict, by := permitted(c.kind, c.requested)
		if got := string(verdict) + " " + string(by); got != c.want {
			t.Errorf("%s: %s, want %s", c.kind, got, c.want)
		}
	}
}

func TestTheCorpusIsReadWhole(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/copilot")
	for name, want := range map[string][3]int{ // prompts, tool uses, results
		"agent-sessions/copilot/small.jsonl":                                                     {2, 2, 4},
		"agent-sessions/copilot/schema_drift.jsonl":                                              {0, 1, 2},
		"git-ai/copilot_cli_session_events.jsonl":                                                {1, 1, 1},
		"git-ai/copilot_session_event_stream.jsonl":                                              {1, 2, 0},
		"git-ai/copilot_vscode_workspace/GitHub.copilot-chat/transcripts/test-session-abc.jsonl": {1, 1, 1},
	} {
		_, rep := capturetest.Read(t, Source{}, filepath.Join(dir, filepath.FromSlash(name)))
		if got := [3]int{rep.Prompts, rep.ToolUses, rep.ToolResults}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, %+v", name, got, rep.Counts)
		}
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 7, "copilot/")
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "events.jsonl", `{"type":"abort","data":{}}`, `{"type":"permission.completed","data":{"requestId":"","result":{"kind":"denied-by-rules"}}}`,
		`{"type":"session.snapshot_rewind","data":{"upToEventId":""}}`)
}
