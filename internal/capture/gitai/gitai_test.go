// SPDX-License-Identifier: Apache-2.0

package gitai

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

const commit = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

// told is what an episode tells, a line for each suggestion.
func told(all []*episode.Episode) (rows []string) {
	for _, e := range all {
		rows = append(rows, fmt.Sprintf("%s %s %s", e.Tool.Version, e.Session, e.Model.Name))
		for i, s := range e.Suggestions {
			d, o := e.Decisions[i], e.Outcomes[i]
			rows = append(rows, fmt.Sprintf("  %s: %v lines, %s by %s, %s %v", s.Path, s.Features["lines"], d.Verdict, d.By, o.Kind, o.Value))
		}
	}
	return rows
}

func TestEachAgentOfANoteBecomesAnEpisode(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/"+commit+".note")
	want := []string{
		"cursor cursor-session gpt-5",
		"  mill/wheel.py: 12 lines, modified by unknown, committed 1",
		"claude claude-session claude-opus-4-5",
		"  docs/how the mill runs.md: 5 lines, accepted by unknown, committed 1", // 3 more were accepted elsewhere
		"claude claude-session-2 claude-opus-4-5",
		"  mill/gate.go: 19 lines, accepted by unknown, committed 1", // three of them written twice
		"  docs/how the mill runs.md: 1 lines, accepted by unknown, committed 1",
	}
	if d := cmp.Diff(want, told(all)); d != "" {
		t.Error(d)
	}
	for _, e := range all {
		if e.Links == nil || e.Links.Commit != commit {
			t.Errorf("%s is linked to %+v", e.Session, e.Links)
		}
	}
	if rep.Lines != 12 || rep.Unparsable != 0 || rep.Prompts != 2 || rep.ToolUses != 1 || rep.Kinds["session"] != 1 || rep.Kinds["prompt"] != 3 {
		t.Errorf("%+v", rep.Counts)
	}
	said := all[0]
	if said.Instruction != "make the wheel turn" || len(said.Steps) != 3 || said.Steps[2].Message != "the other way round" || said.EndedAt.Sub(said.StartedAt).Seconds() != 60 {
		t.Errorf("the words of the note: %+v", said)
	}
}

func TestTheFirstFormNamesToolsByAuthor(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/blob.json")
	want := []string{"claude  ", "  mill/gate.go: 63 lines, accepted by unknown, committed 1", "cursor  ", "  README.md: 1 lines, accepted by unknown, committed 1"}
	if d := cmp.Diff(want, told(all)); d != "" {
		t.Error(d)
	}
}

func TestTwoNotesHaveNoEpisodeInCommon(t *testing.T) {
	head, tail := "gate.go\n  1234567 1\n---\n", `{"schema_version":"authorship/3.0.0","prompts":{"1234567":{"agent_id":{"tool":"cursor","id":"s"}}}}`
	var ids []string
	for path, text := range map[string]string{"-": head + tail, "note": "wheel.go\n  1234567 2\n" + head + tail, commit + ".note": head + tail, "notes/0a/1b/2c3d4e5f60718293a4b5c6d7e8f901234568": head + tail} {
		all, _ := capturetest.ReadAs(t, Source{}, path, []byte(text))
		if len(all) != 1 {
			t.Fatalf("%s: %d episodes", path, len(all))
		}
		ids = append(ids, all[0].ID)
		if linked := all[0].Links != nil; linked != (len(path) >= 40) {
			t.Errorf("%s: linked %v", path, linked)
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 {
		t.Error(ids)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "a.note", string(capturetest.File(f, "testdata/blob.json")),
		"\"a\nb\"\n  1 1\n  1 2\na\n  1 2\na\n  1 3\n---\n{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{\"1\":{\"messages\":[{\"type\":\"user\",\"timestamp\":3}]},\"2\":7}}")
}
