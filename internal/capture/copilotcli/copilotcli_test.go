// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func decided(all []*episode.Episode) (got []string) {
	for _, e := range all {
		for _, d := range e.Decisions {
			for _, s := range e.Suggestions {
				if s.ID == d.Suggestion {
					got = append(got, fmt.Sprintf("%s %s%s: %s by %s %s", s.Kind, s.Path, s.After, d.Verdict, d.By, d.Reason))
				}
			}
		}
	}
	return got
}

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/events.jsonl")
	want := []string{
		"edit wheel.goturning: accepted by person ",
		"command make wheel: rejected by person the gate is shut",
		"plan 1. open the gate: rejected by person slower",
		"file gate.gopackage mill\n: accepted by unknown ",
		"answer Very well, I: cancelled by person ",
	}
	if d := cmp.Diff(want, decided(all)); d != "" {
		t.Error(d)
	}
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
	root := sharedtest.Dir(t, "corpus")
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if (Source{}).Detect(b[:min(len(b), 256<<10)], path) && filepath.ToSlash(rel)[:8] != "copilot/" {
			t.Errorf("%s is taken", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "events.jsonl", `{"type":"abort","data":{}}`, `{"type":"permission.completed","data":{"requestId":"","result":{"kind":"denied-by-rules"}}}`,
		`{"type":"session.snapshot_rewind","data":{"upToEventId":""}}`)
}
