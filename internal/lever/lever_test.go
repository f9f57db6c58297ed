// SPDX-License-Identifier: Apache-2.0

package lever

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/rules"
	"github.com/headrace/headrace/internal/connect"
	"github.com/headrace/headrace/internal/hookprog"
	"github.com/headrace/headrace/internal/seal"
)

func TestTheDocumentedTableIsTheOneOfThePackage(t *testing.T) {
	b, err := os.ReadFile("../../docs/levers.md")
	if err != nil || string(b) != Table() {
		t.Errorf("docs/levers.md is not what the package says (%v): go run ./cmd/headrace doctor --levers > docs/levers.md", err)
	}
}

// TestAFileOfInstructionsIsInForceWhereItIsWritten: the reader of instruction files, which looks where the tool looks, finds ours.
func TestAFileOfInstructionsIsInForceWhereItIsWritten(t *testing.T) {
	for _, tool := range Tools() {
		if tool.File == "" {
			continue
		}
		repo := t.TempDir()
		file := filepath.Join(repo, filepath.FromSlash(tool.File))
		text := tool.Head + "Write a test first.\n"
		before := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, before, before); err != nil {
			t.Fatal(err)
		}
		e := &episode.Episode{Tool: episode.Tool{Name: tool.Name}, Repository: repo, StartedAt: before.Add(time.Hour)}
		rules.New(t.TempDir(), func(string) string { return "" }).Add(t.Context(), e)
		if len(e.Artifacts) != 1 || e.Artifacts[0].Text != text || e.Artifacts[0].Name != tool.File {
			t.Errorf("%s: in force are %+v", tool.Name, e.Artifacts)
		}
	}
}

// TestWhatAReleaseMayChangeIsWhatToolsRead holds the patterns against the reader of instruction files, both ways.
func TestWhatAReleaseMayChangeIsWhatToolsRead(t *testing.T) {
	before := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	found := func(name, dir string) bool {
		repo := t.TempDir()
		file := filepath.Join(repo, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("---\nalwaysApply: true\n---\nWrite a test first.\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, before, before); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(Tools(), func(tool Tool) bool {
			e := &episode.Episode{Tool: episode.Tool{Name: tool.Name}, Repository: filepath.Join(repo, dir), StartedAt: before.Add(time.Hour)}
			rules.New(t.TempDir(), func(string) string { return "" }).Add(t.Context(), e)
			return len(e.Artifacts) > 0
		})
	}
	for _, pattern := range Files() {
		name := strings.ReplaceAll(pattern, "*", "x")
		if !Reads(name) || !found(name, "") {
			t.Errorf("no tool reads %s", name)
		}
		if !strings.Contains(pattern, "/") && !strings.HasPrefix(pattern, ".") && (!Reads("a/"+name) || !found("a/"+name, "a")) {
			t.Errorf("no tool reads a/%s", name)
		}
	}
	for _, name := range []string{"README.md", "Makefile", ".github/workflows/build.yml", ".claude/settings.json", ".git/config", ".cursor/rules/x.md", "agents.md.sh", ".github/instructions/x.md"} {
		if Reads(name) || found(name, "") {
			t.Errorf("%s counts as instructions", name)
		}
	}
	for _, tool := range Tools() {
		if tool.File != "" && !Reads(tool.File) {
			t.Errorf("%s, where a release writes for %s, may not be changed by one", tool.File, tool.Name)
		}
	}
}

// TestWordsReachTheModelByTheHookProgramsRealAnswer runs the program that tools run.
func TestWordsReachTheModelByTheHookProgramsRealAnswer(t *testing.T) {
	program, dir := filepath.Join(t.TempDir(), "headrace-hook"), t.TempDir()
	build := exec.Command("go", "build", "-o", program, "../../cmd/headrace-hook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	key, err := seal.Derive(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	const words = "Write a test first.\nSay \"why\" in C:\\notes.\x01\n"
	for name, text := range map[string]string{"edge.pub": key.Public().String(), hookprog.Words: words} {
		if err := os.MkdirAll(filepath.Join(dir, "agent"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "agent", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(tool, event string) string {
		cmd := exec.Command(program, "--dir", dir, tool, event)
		cmd.Stdin = strings.NewReader(`{"session_id":"s"}`)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for _, tool := range Tools() {
		if tool.Event == "" {
			continue
		}
		for range 2 { // the first answer of a tool also has the notice to its user
			var heard struct {
				Top      string `json:"additionalContext"`
				Snake    string `json:"additional_context"`
				Cline    string `json:"contextModification"`
				Cancel   bool   `json:"cancel"`
				Specific struct {
					Event   string `json:"hookEventName"`
					Context string `json:"additionalContext"`
				} `json:"hookSpecificOutput"`
			}
			said := answer(tool.Hook, tool.Event)
			last := said
			for line := range strings.Lines(said) { // lines of progress come before, and each is a document of its own
				last = line
			}
			got := ""
			if tool.Hook == "kiro" {
				got = said
			} else if err := json.Unmarshal([]byte(last), &heard); err != nil {
				t.Fatalf("%s: %q: %v", tool.Name, said, err)
			}
			switch tool.Hook {
			case "claude-code", "codex", "gemini-cli":
				if got = heard.Specific.Context; heard.Specific.Event != tool.Event {
					t.Errorf("%s: %q", tool.Name, said)
				}
			case "copilot":
				got = heard.Top
			case "cursor":
				got = heard.Snake
			case "cline":
				got = heard.Cline
			}
			if got != words || heard.Cancel {
				t.Errorf("%s: the model hears %q of %q", tool.Name, got, said)
			}
		}
		if said := answer(tool.Hook, "another"); strings.Contains(said, "Write a test first") {
			t.Errorf("%s: words with another event: %q", tool.Name, said)
		}
	}

	old := time.Now().Add(-hookprog.WordsLast - time.Hour)
	file := filepath.Join(dir, "agent", hookprog.Words)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if said := answer("claude-code", "SessionStart"); said != "" {
		t.Errorf("words that nobody has confirmed for a day: %q", said)
	}
	if err := os.WriteFile(file, make([]byte, hookprog.MaxWords+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := answer("claude-code", "SessionStart"); said != "" {
		t.Errorf("more words than may be: %d", len(said))
	}
}

// TestConnectWritesTheSettings: the settings that the table names are among those for a fleet; and where connect knows a tool's
// hooks, it has the program run at the event that carries words.
func TestConnectWritesTheSettings(t *testing.T) {
	written := map[string]string{}
	var named []string
	for _, f := range connect.Managed(connect.Options{Hook: []string{connect.ManagedHook}, Endpoint: "http://127.0.0.1:4318"}) {
		written[f.Name] = string(f.Content)
	}
	for _, tool := range Tools() {
		if tool.Settings == "" {
			continue
		}
		text, there := written[tool.Settings]
		if !there {
			t.Errorf("%s: connect writes no %s", tool.Name, tool.Settings)
		}
		if tool.Event != "" && !strings.Contains(text, tool.Event) {
			t.Errorf("%s: %s does not run the hook program at %s", tool.Name, tool.Settings, tool.Event)
		}
		named = append(named, tool.Settings)
	}
	for name := range written {
		if !slices.Contains(named, name) && name != "README.txt" && name != "codex/managed_config.toml" {
			t.Errorf("connect writes %s, and the table has it for no tool", name)
		}
	}
	home := t.TempDir()
	for _, name := range []string{"cline", "kiro"} { // they have no settings for a fleet
		tool, _ := Named(name)
		c, err := connect.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := c.Plan(connect.Options{Home: home, Getenv: func(string) string { return "" }, Dir: t.TempDir(), Hook: []string{connect.ManagedHook}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(plan.Changes, func(c connect.Change) bool { return strings.Contains(string(c.After), name+" "+tool.Event) }) {
			t.Errorf("connect %s does not run the hook program at %s", name, tool.Event)
		}
	}
}

func TestALeverThatAToolLacksIsNone(t *testing.T) {
	q, ok := Named("amazon-q")
	if !ok || len(q.Levers()) != 0 {
		t.Errorf("%+v", q)
	}
	if c, ok := Named("copilot"); !ok || c.Name != "copilot-cli" {
		t.Errorf("by the hook program's name: %+v", c)
	}
	if _, ok := Named(""); ok {
		t.Error("no name is the name of a tool")
	}
	if c, _ := Named("claude-code"); !slices.Equal(c.Levers(), []string{"settings", "files", "words", "gateway"}) {
		t.Errorf("%v", c.Levers())
	}
}
