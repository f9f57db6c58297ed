// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/sharedtest"
)

// The folders of the corpus are named after the tools; what lies in another tool's folder must not be taken for ours.
func TestEveryFileOfTheCorpusIsRecognisedByItsShape(t *testing.T) {
	root := sharedtest.Dir(t, "corpus")
	files, problems := capture.Walk(root)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	seen := map[string]int{}
	for _, f := range files {
		rep, err := capture.Read(context.Background(), All(), "", f.Path, func(*episode.Episode) error { return nil })
		if p, ok := errors.AsType[*episode.Problem](err); err != nil && (!ok || p.Code != "capture/not-a-history") {
			t.Errorf("%s: %v", f.Path, err)
		}
		seen[rep.Tool]++
		rel, err := filepath.Rel(root, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		folder, below, _ := strings.Cut(filepath.ToSlash(rel), "/")
		checkpoint := rep.Tool == "entire" && strings.HasPrefix(below, "entire/") && strings.HasSuffix(below, ".metadata.json")
		if rep.Tool != capture.Unknown && rep.Tool != folder && !strings.HasPrefix(rep.Tool, folder+"-") && !checkpoint {
			t.Errorf("%s is taken for a history of %s", rel, rep.Tool)
		}
	}
	// The table of Claude transcripts has 34 files; one of them is called one, but holds a Gemini session.
	for tool, want := range map[string]int{"claude-code": 33, "codex": 5, "continue": 5, "aider": 8, "gemini-cli": 5, "antigravity": 2, "grok": 2, "cursor": 8, "windsurf": 1, "opencode": 21, "droid": 7, "amp": 2, "pi": 4, "cline": 1, "swe-agent": 6, "agent-trace": 1, "copilot-chat": 6, "copilot-cli": 7, "copilot-otel": 1, "git-ai": 8, "entire": 23} {
		if seen[tool] != want {
			t.Errorf("recognised %d files of %s, want %d", seen[tool], tool, want)
		}
	}
}

func TestWhatReadWroteIsReadAgainUnchanged(t *testing.T) {
	raw, err := os.ReadFile("../claudecode/testdata/session.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	pass := func(in []byte) (out []byte, rep capture.Report) {
		rep, err := capture.ReadFrom(context.Background(), All(), "", capture.File{Path: "x", R: bytes.NewReader(in)}, func(e *episode.Episode) (err error) {
			out, err = episode.Append(out, e)
			out = append(out, '\n')
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out, rep
	}
	once, first := pass(raw)
	twice, second := pass(append(append([]byte(nil), once...), "{\"schema_version\":\"1.0\",\"id\":"...))
	if !bytes.Equal(once, twice) {
		t.Error("episodes changed on the way through")
	}
	if second.Tool != "headrace" || second.Episodes != first.Episodes || second.Unparsable != 1 || cmp.Diff(first.Decisions, second.Decisions) != "" {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func TestFindFindsWhatEachToolKeepsAndNothingElse(t *testing.T) {
	home, moved := t.TempDir(), t.TempDir()
	write := func(parts ...string) string {
		path := filepath.Join(parts...)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	claude := write(home, ".claude", "projects", "-src-mill", "s.jsonl")
	write(home, ".claude", "projects", "-src-mill", "memory", "notes.md")
	write(home, ".claude", "settings.json")
	write(home, ".codex", "sessions", "2026", "old.jsonl") // CODEX_HOME points elsewhere
	codex := write(moved, "sessions", "2026", "rollout.jsonl.zst")
	cont := []string{write(home, ".continue", "dev_data", "0.2.0", "autocomplete.jsonl"), write(home, ".continue", "sessions", "a.json")}
	write(home, "src", "mill", ".git", "HEAD")
	write(home, "src", "no-repository", ".aider.chat.history.md")
	write(home, "1", "2", "3", "4", "5", ".git", "HEAD")
	write(home, "1", "2", "3", "4", "5", ".aider.chat.history.md")
	aider := []string{write(home, ".aider.chat.history.md"), write(home, "src", "mill", ".aider.chat.history.md")}
	found, problems := Find(context.Background(), home, func(name string) string { return map[string]string{"CODEX_HOME": moved}[name] })
	if len(problems) > 0 {
		t.Error(problems)
	}
	want := []Found{{"claude-code", []string{claude}, 5}, {"codex", []string{codex}, 5}, {"continue", cont, 10}, {"aider", aider, 10}}
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
	if found, _ := Find(context.Background(), t.TempDir(), func(string) string { return "" }); len(found) != 0 {
		t.Errorf("found %v in an empty home", found)
	}
}
