// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"bytes"
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

func read(t testing.TB, raw string) ([]*episode.Episode, capture.Report) {
	t.Helper()
	return capturetest.ReadAs(t, Source{}, "test.jsonl", []byte(raw))
}

func TestCountsAreExactForEverySharedTranscript(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/claude-code")
	table, err := os.ReadFile(filepath.Join(dir, "..", "claude-code.expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	row := func(c capture.Counts) string {
		return fmt.Sprint([]int{c.Lines, c.Unparsable, c.ToolUses, c.ToolResults, c.Errors, c.Rejections, c.RejectionsWithReason, c.Interrupts, c.Patches})
	}
	var total capture.Counts
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	for _, line := range rows {
		name, want, _ := strings.Cut(line, "\t")
		want = "[" + strings.ReplaceAll(strings.TrimSpace(want), "\t", " ") + "]"
		if name == "TOTAL" {
			if got := row(total); got != want {
				t.Errorf("total:\n got %s\nwant %s", got, want)
			}
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, rep := read(t, string(raw))
		if got := row(rep.Counts); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		for sum, n := range map[*int]int{&total.Lines: rep.Lines, &total.Unparsable: rep.Unparsable, &total.ToolUses: rep.ToolUses,
			&total.ToolResults: rep.ToolResults, &total.Errors: rep.Errors, &total.Rejections: rep.Rejections,
			&total.RejectionsWithReason: rep.RejectionsWithReason, &total.Interrupts: rep.Interrupts, &total.Patches: rep.Patches} {
			*sum += n
		}
	}
	if len(rows) < 30 {
		t.Errorf("only %d rows in the table", len(rows))
	}
}

func TestPromptsAreThoseThatAPersonTyped(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/claude-code/entire")
	for name, want := range map[string]int{"b69e695e7b48-0.full.jsonl": 25, "262cf8fa0634-0.full.jsonl": 5} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, rep := read(t, string(raw)); rep.Prompts != want {
			t.Errorf("%s: %d prompts, want %d", name, rep.Prompts, want)
		}
	}
}

func TestRealTranscriptsKeepEveryRejectionAndGiveTheSameBytesTwice(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/claude-code/entire"), "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(es []*episode.Episode) []byte {
		var out []byte
		for _, e := range es {
			if out, err = episode.Append(out, e); err != nil {
				t.Fatal(err)
			}
			out = append(out, '\n')
		}
		return out
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, rep := read(t, string(raw))
		again, _ := read(t, string(raw))
		if !bytes.Equal(encode(got), encode(again)) {
			t.Errorf("%s: not the same bytes twice", filepath.Base(file))
		}
		if n := rep.Decisions[episode.Rejected][episode.ByPerson]; n != rep.Rejections {
			t.Errorf("%s: %d rejections by a person, want %d", filepath.Base(file), n, rep.Rejections)
		}
		abandoned, words := 0, 0
		for _, e := range got {
			words += len(e.Instruction)
			if e.Links != nil && e.Links.AbandonedBranch {
				abandoned++
			}
		}
		t.Logf("%s: %d episodes, %d abandoned, %d bytes of instructions, decisions %v", filepath.Base(file), len(got), abandoned, words, rep.Decisions)
	}
}

func TestFixtureBecomesTheseEpisodes(t *testing.T) {
	raw, err := os.ReadFile("testdata/session.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	got, rep := read(t, string(raw))
	if rep.Unparsable != 1 || len(got) != 4 {
		t.Fatalf("%d unparsable and %d episodes, want 1 torn line and 4 episodes", rep.Unparsable, len(got))
	}
	type decided struct {
		Kind    episode.SuggestionKind
		Path    string
		Verdict episode.Verdict
		By      episode.By
		Reason  string
	}
	var have []decided
	for _, e := range got {
		for _, d := range e.Decisions {
			for _, s := range e.Suggestions {
				if s.ID == d.Suggestion {
					have = append(have, decided{s.Kind, s.Path, d.Verdict, d.By, d.Reason})
				}
			}
		}
	}
	want := []decided{
		{episode.KindEdit, "/src/mill/wheel.go", episode.Accepted, episode.ByUnknown, ""},
		{episode.KindFile, "/src/mill/gate.py", episode.Rejected, episode.ByPerson, "call it sluice.py"},
		{episode.KindCommand, "", episode.Cancelled, episode.ByPerson, ""},
		{episode.KindPlan, "", episode.Rejected, episode.ByPerson, ""},
		{episode.KindEdit, "/src/mill/wheel.go", episode.Modified, episode.ByPerson, ""},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	first := got[0]
	if first.Usage == nil || first.Usage.InputTokens != 10 || first.Usage.OutputTokens != 42 {
		t.Errorf("usage %+v, want the one request counted once, at its last figures", first.Usage)
	}
	if first.Model.Name != "claude-opus-4-5" || first.Model.Provider != "anthropic" || first.Tool.Version != "2.1.17" || first.Session != "s-1" {
		t.Errorf("model %+v tool %+v session %q", first.Model, first.Tool, first.Session)
	}
	if d := cmp.Diff([]string{"go", "python"}, first.Languages); d != "" {
		t.Error(d)
	}
	if l := got[1].Links; l == nil || !l.AbandonedBranch {
		t.Error("the prompt that was rewound is not marked as an abandoned branch")
	}
	if l := got[2].Links; l == nil || l.AbandonedBranch || l.PullRequest != "https://example.invalid/mill/pull/7" || l.Parent != first.ID {
		t.Errorf("links of the prompt that replaced it: %+v", l)
	}
	if len(got[2].Artifacts) != 1 || got[2].Artifacts[0].Kind != episode.ArtifactPlan {
		t.Errorf("artifacts %+v, want the plan", got[2].Artifacts)
	}
	if last := got[3]; last.Instruction != "" {
		t.Errorf("a helper's prompt is taken for a person's words: %q", last.Instruction)
	}
}

func TestAFileThatIsNoTranscriptIsNotTakenForOne(t *testing.T) {
	for _, head := range []string{"", "not json\n", `{"messages":[{"type":"user"}]}`, `{"type":"user","text":"hi"}`, "\x00\x01\x02", `["user"]`} {
		if (Source{}).Detect([]byte(head), "x/.claude/projects/s.jsonl") {
			t.Errorf("%q is taken for a transcript", head)
		}
	}
}

func TestALineOfManyMegabytesIsReadAndItsStringCut(t *testing.T) {
	long := strings.Repeat("é", 3<<20)
	got, rep := read(t, `{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"`+long+`"}}`)
	if rep.Unparsable != 0 || len(got) != 1 || len(got[0].Instruction) > 1<<20 || !got[0].Steps[0].Truncated {
		t.Errorf("%d unparsable, %d episodes, not cut", rep.Unparsable, len(got))
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "session.jsonl", `{"type":"user","uuid":1,"message":"error"}`+"\n[1]\n42\n"+`{"type":"assistant","uuid":"a","message":{"content":[{"type":"tool_use","input":{"a":1,"a":"\ud800"}}]}}`)
}

func BenchmarkRead(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join(sharedtest.Dir(b, "corpus/claude-code/entire"), "b69e695e7b48-0.full.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		read(b, string(raw))
	}
}
