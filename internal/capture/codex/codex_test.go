// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func read(t testing.TB, raw []byte) ([]*episode.Episode, capture.Report) {
	t.Helper()
	return capturetest.ReadAs(t, Source{}, "rollout.jsonl", raw)
}

func TestSharedRolloutHoldsWhatTheReferenceSays(t *testing.T) {
	_, rep := read(t, capturetest.File(t, filepath.Join(sharedtest.Dir(t, "corpus/codex"), "agent-sessions/codex/small.jsonl")))
	for kind, want := range map[string]int{"session_meta": 7, "turn_context": 9, "world_state": 5, "event_msg/patch_apply_end": 1,
		"event_msg/turn_aborted": 1, "event_msg/undo_completed": 1, "event_msg/guardian_assessment": 4} {
		if got := rep.Kinds[kind]; got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if rep.Unparsable != 0 || rep.Patches != 1 || rep.Interrupts != 1 || rep.ToolUses == 0 {
		t.Errorf("%+v", rep.Counts)
	}
}

func TestOldAndSimpleRolloutsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/codex")
	for name, want := range map[string]int{"agent-sessions/codex/schema_drift.jsonl": 1, "agent-sessions/codex_050_legacy.jsonl": 0,
		"agent-sessions/codex_051_usage.jsonl": 0, "git-ai/codex-session-simple.jsonl": 1} {
		raw := capturetest.File(t, filepath.Join(dir, name))
		if !(Source{}).Detect(raw, name) {
			t.Errorf("%s is not recognised", name)
		}
		got, rep := read(t, raw)
		if len(got) != want || rep.Unparsable != 0 {
			t.Errorf("%s: %d episodes, %d unparsable; want %d and 0", name, len(got), rep.Unparsable, want)
		}
		for _, e := range got {
			if e.Instruction == "" || len(e.Steps) < 2 {
				t.Errorf("%s: no instruction, or no answer: %+v", name, e)
			}
		}
	}
}

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	raw := capturetest.File(t, "testdata/rollout.jsonl")
	got, rep := read(t, raw)
	if rep.Unparsable != 1 || rep.Prompts != 3 || len(got) != 3 {
		t.Fatalf("%d unparsable, %d prompts, %d episodes", rep.Unparsable, rep.Prompts, len(got))
	}
	type decided struct {
		Kind          episode.SuggestionKind
		Path          string
		Before, After string
		Verdict       episode.Verdict
		By            episode.By
	}
	var have []decided
	for _, e := range got {
		for i, d := range e.Decisions {
			s := e.Suggestions[i]
			if s.ID != d.Suggestion {
				t.Errorf("decision on %s, suggestion %s", d.Suggestion, s.ID)
			}
			have = append(have, decided{s.Kind, s.Path, s.Before, s.After, d.Verdict, d.By})
		}
	}
	want := []decided{
		{episode.KindCommand, "", "", "cat wheel.go", episode.Accepted, episode.ByUnknown},
		{episode.KindEdit, "wheel.go", "ratio = 1\n", "ratio = 2\n", episode.Accepted, episode.ByUnknown},
		{episode.KindCommand, "", "", "rm -r old", episode.Rejected, episode.ByPerson},
		{episode.KindCommand, "", "", "sleep 100", episode.Cancelled, episode.ByPerson},
		{episode.KindFile, "sluice.py", "", "open = True\n", episode.Accepted, episode.ByRule},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	e := got[0]
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 9, CacheReadTokens: 60}, e.Usage); d != "" {
		t.Error(d)
	}
	if e.Repository != "https://git.example.invalid/mill.git" || e.Model.Name != "gpt-5-codex" || len(e.Outcomes) != 3 ||
		len(e.Artifacts) != 1 || e.Artifacts[0].Kind != episode.ArtifactRules {
		t.Errorf("repository %q model %+v outcomes %v artifacts %v", e.Repository, e.Model, e.Outcomes, e.Artifacts)
	}
	if got[1].Links == nil || !got[1].Links.AbandonedBranch || got[2].Links != nil {
		t.Error("only the turn that was rolled back is an abandoned branch")
	}
}

func TestACompressedRolloutGivesTheSameEpisodes(t *testing.T) {
	raw := capturetest.File(t, "testdata/rollout.jsonl")
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := read(t, raw)
	got, _ := read(t, z.EncodeAll(raw, nil))
	if d := cmp.Diff(want, got); d != "" || len(got) == 0 {
		t.Error(d)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "rollout.jsonl", `{"type":"event_msg","payload":{"type":"patch_apply_end","call_id":"a","success":"true","changes":{"x":1,"y":{"unified_diff":"+a\n"}}}}`)
}
