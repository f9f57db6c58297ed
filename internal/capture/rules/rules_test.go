// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// machine is a home folder with a repository in it.
type machine struct {
	t          *testing.T
	home, repo string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, home: home, repo: filepath.Join(home, "src", "mill")}
	m.write("src/mill/deep/down/main.go", "package main\n", noon)
	m.git(noon, "init", "-q", "-b", "main")
	return m
}

func (m *machine) write(name, text string, at time.Time) {
	m.t.Helper()
	path := filepath.Join(m.home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) git(at time.Time, args ...string) {
	m.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = m.repo
	date := fmt.Sprintf("%d +0000", at.Unix())
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Miller", "GIT_AUTHOR_EMAIL=miller@example.com",
		"GIT_COMMITTER_NAME=Miller", "GIT_COMMITTER_EMAIL=miller@example.com", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// inForce is what is found for an episode of that tool, below the repository, that began then: names and texts.
func (m *machine) inForce(tool, dir string, at time.Time, more ...episode.Step) map[string]string {
	m.t.Helper()
	e := &episode.Episode{Tool: episode.Tool{Name: tool}, Repository: filepath.Join(m.repo, dir), StartedAt: at, Steps: more}
	f := New(m.home, func(string) string { return "" })
	f.Add(m.t.Context(), e)
	f.Add(m.t.Context(), e) // once is enough
	got := map[string]string{}
	for _, a := range e.Artifacts {
		if _, twice := got[a.Name]; twice || a.Kind != episode.ArtifactRules || a.Digest != episode.Digest([]byte(a.Text)) {
			m.t.Errorf("%+v", a)
		}
		got[a.Name] = a.Text
	}
	return got
}

func (m *machine) want(got, want map[string]string) {
	m.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		m.t.Error(d)
	}
}

func TestTheRulesInForceAreThoseOfTheToolWhereItWorks(t *testing.T) {
	m := newMachine(t)
	before := noon.Add(-time.Hour)
	m.write("src/mill/CLAUDE.md", "oil it", before)
	m.write("src/mill/deep/CLAUDE.md", "mind the step", before)
	m.write("src/mill/other/CLAUDE.md", "not here", before)
	m.write("src/CLAUDE.md", "above the repository", before)
	m.write(".claude/CLAUDE.md", "be brief", before)
	m.write("src/mill/.claude/rules/stone.md", "---\npaths: [\"stone/**\"]\n---\nonly stones", before)
	m.write("src/mill/.claude/rules/all.md", "---\ndescription: x\n---\neverywhere", before)
	m.write("src/mill/AGENTS.md", "agents oil it", before)
	m.write("src/mill/AGENTS.override.md", "no oil today", before)
	m.write("src/mill/.github/copilot-instructions.md", "copilot oils it", before)
	m.write("src/mill/.github/instructions/go.instructions.md", "---\napplyTo: '**/*.go'\n---\ngo only", before)
	m.write("src/mill/.cursor/rules/a.mdc", "---\nglobs: '*.go'\nalwaysApply: true\n---\ncursor oils it", before)
	m.write("src/mill/.cursor/rules/b.mdc", "---\nalwaysApply: false\n---\nsometimes", before)
	m.write("src/mill/.kiro/steering/product.md", "---\ninclusion: always\n---\nflour", before)
	m.write("src/mill/.kiro/steering/manual.md", "---\ninclusion: manual\n---\nif asked", before)
	m.write(".kiro/steering/own.md", "my own", before)
	m.want(m.inForce("claude-code", "deep/down", noon), map[string]string{"CLAUDE.md": "oil it", "deep/CLAUDE.md": "mind the step", "~/.claude/CLAUDE.md": "be brief",
		".claude/rules/all.md": "---\ndescription: x\n---\neverywhere"})
	m.want(m.inForce("codex", "", noon), map[string]string{"AGENTS.override.md": "no oil today"})
	m.want(m.inForce("copilot-chat", "", noon), map[string]string{"AGENTS.md": "agents oil it", ".github/copilot-instructions.md": "copilot oils it"})
	m.want(m.inForce("cursor", "", noon), map[string]string{"AGENTS.md": "agents oil it", ".cursor/rules/a.mdc": "---\nglobs: '*.go'\nalwaysApply: true\n---\ncursor oils it"})
	m.want(m.inForce("kiro", "", noon), map[string]string{"AGENTS.md": "agents oil it", ".kiro/steering/product.md": "---\ninclusion: always\n---\nflour", "~/.kiro/steering/own.md": "my own"})
	m.want(m.inForce("swe-agent", "", noon), map[string]string{})
}

func TestARuleIsAsItWasWhenTheEpisodeBegan(t *testing.T) {
	m := newMachine(t)
	for i, text := range []string{"first", "second", "third"} {
		at := noon.Add(time.Duration(i) * time.Hour)
		m.write("src/mill/CLAUDE.md", text, at)
		m.git(at, "add", "CLAUDE.md")
		m.git(at, "commit", "-q", "-m", text)
	}
	m.write("src/mill/CLAUDE.md", "never committed", noon.Add(3*time.Hour))
	m.write("src/mill/CLAUDE.local.md", "mine, and changed since", noon.Add(3*time.Hour))
	for at, want := range map[time.Duration]map[string]string{
		-time.Minute:      {},
		time.Minute:       {"CLAUDE.md": "first"},
		61 * time.Minute:  {"CLAUDE.md": "second"},
		179 * time.Minute: {"CLAUDE.md": "third"},
		181 * time.Minute: {"CLAUDE.md": "never committed", "CLAUDE.local.md": "mine, and changed since"},
	} {
		m.want(m.inForce("claude-code", "", noon.Add(at)), want)
	}
}

func TestALinkLeadsNowhereElse(t *testing.T) {
	m := newMachine(t)
	before := noon.Add(-time.Hour)
	m.write("secret", "the key to the mill", before)
	m.write("src/mill/AGENTS.md", "oil it", before)
	for link, to := range map[string]string{"CLAUDE.md": "AGENTS.md", "CLAUDE.local.md": "../../secret", "deep/CLAUDE.md": "CLAUDE.md"} {
		if err := os.Symlink(to, filepath.Join(m.repo, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(m.repo, ".claude"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.want(m.inForce("claude-code", "deep", noon), map[string]string{"CLAUDE.md": "oil it"})
	m.write("src/mill/AGENTS.md", string(make([]byte, maxSize+1)), before)
	m.want(m.inForce("claude-code", "deep", noon), map[string]string{})
}

func TestASkillThatWasCalledForIsInForce(t *testing.T) {
	m := newMachine(t)
	before := noon.Add(-time.Hour)
	m.write("src/mill/.claude/skills/grind/SKILL.md", "how to grind", before)
	m.write("src/mill/.claude/skills/sieve/SKILL.md", "how to sieve", before)
	m.write(".claude/skills/oil/SKILL.md", "how to oil", before)
	call := func(args string) episode.ToolCall { return episode.ToolCall{Name: "Skill", Arguments: []byte(args)} }
	m.want(m.inForce("claude-code", "", noon, episode.Step{ToolCalls: []episode.ToolCall{call(`{"skill":"grind"}`), call(`{"command":"oil"}`), call(`{"skill":"../../../secret"}`), call(`[`)}}),
		map[string]string{".claude/skills/grind/SKILL.md": "how to grind", "~/.claude/skills/oil/SKILL.md": "how to oil"})
}

func TestAHistoryThatTellsItsRulesIsBelieved(t *testing.T) {
	m := newMachine(t)
	m.write("src/mill/AGENTS.md", "oil it", noon.Add(-time.Hour))
	for _, e := range []*episode.Episode{
		{Tool: episode.Tool{Name: "codex"}, Repository: m.repo, StartedAt: noon, Artifacts: []episode.Artifact{{Kind: episode.ArtifactRules, Name: "told"}}},
		{Tool: episode.Tool{Name: "codex"}, Repository: m.repo},
		{Tool: episode.Tool{Name: "codex"}, Repository: "github.com/mill/wheel", StartedAt: noon},
		{Tool: episode.Tool{Name: "codex"}, Repository: filepath.Join(m.repo, "gone"), StartedAt: noon},
	} {
		n := len(e.Artifacts)
		if New(m.home, os.Getenv).Add(t.Context(), e); len(e.Artifacts) != n {
			t.Errorf("%+v", e)
		}
	}
}

func FuzzAlways(f *testing.F) {
	for _, s := range []string{"", "---\n", "---\nalwaysApply: true\n---\nx", "---\ninclusion: manual\n---", "---\nglobs:\n - a\n---\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := always(s); !got && always("x"+s) != true {
			t.Error("what does not begin with front matter is always in force")
		}
	})
}
