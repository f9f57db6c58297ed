// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/headrace/headrace/episode"
)

func TestConnectIsUndoneByteForByte(t *testing.T) {
	for _, tool := range Tools() {
		for name, files := range map[string]map[string]string{"with settings": theirs()[tool.Name], "with none": {}} {
			t.Run(tool.Name+" "+name, func(t *testing.T) {
				m := newMachine(t)
				for path, text := range files {
					m.write(path, text)
				}
				before := m.tree()
				planned := m.plan(tool.Name)
				if d := cmp.Diff(before, m.tree()); d != "" {
					t.Fatalf("a plan changed something: %s", d)
				}
				for _, pr := range planned.Problems {
					if pr.Code != "connect/no-config" {
						t.Errorf("%s: %s", pr.Code, pr.Message)
					}
				}
				if m.connect(tool.Name); tool.Name == "poolside" || len(files) == 0 && (tool.Name == "continue" || tool.Name == "zed" || tool.Name == "jetbrains") {
					return
				}
				after := m.tree()
				if maps.Equal(before, after) {
					t.Fatal("nothing was written")
				}
				for _, again := range []*Plan{m.plan(tool.Name), m.connect(tool.Name)} {
					if len(again.Changes) != 0 {
						t.Errorf("connecting again changes %s:\n%s", again.Changes[0].Path, again.Changes[0].Diff())
					}
				}
				if d := cmp.Diff(after, m.tree()); d != "" {
					t.Errorf("connecting again: %s", d)
				}
				m.undo(tool.Name)
				if d := cmp.Diff(before, m.tree()); d != "" {
					t.Errorf("undo: %s", d)
				}
				if left, _ := os.ReadDir(filepath.Join(m.o.Dir, "agent", "backup")); len(left) > 1 {
					t.Errorf("copies are left: %v", left)
				}
				if p := m.undo(tool.Name); len(p.Changes) != 0 {
					t.Error("there was something left to undo")
				}
			})
		}
	}
}

// TestWhatIsWrittenIsWhatTheToolReads: the settings of each tool parse, hold ours in the tool's form, and still theirs.
func TestWhatIsWrittenIsWhatTheToolReads(t *testing.T) {
	m := newMachine(t)
	for tool, files := range theirs() {
		for path, text := range files {
			m.write(path, text)
		}
		m.connect(tool)
	}
	json := func(name string) *jsonc { return &jsonc{[]byte(m.read(name))} }
	get := func(j *jsonc, path ...string) string { return string(j.get(path...)) }
	claude := json(".claude/settings.json")
	for path, want := range map[string]string{
		"model": `"opus"`, "env.MILL": `"1"`, "env.CLAUDE_CODE_ENABLE_TELEMETRY": `"1"`, "env.OTEL_EXPORTER_OTLP_ENDPOINT": `"http://127.0.0.1:4318"`,
		"env.OTEL_EXPORTER_OTLP_HEADERS": `"Authorization=Bearer MILLRACE22"`, "env.OTEL_LOG_USER_PROMPTS": `"1"`, "env.OTEL_LOGS_EXPORTER": `"otlp"`,
		"hooks.PostToolUse": `[{"matcher":"Edit","hooks":[{"type":"command","command":"gofmt -w"}]},{"hooks":[{"type":"command","command":"'/opt/mill race/headrace-hook' claude-code PostToolUse","timeout":5}]}]`,
	} {
		if got := get(claude, strings.Split(path, ".")...); got != want {
			t.Errorf("Claude Code, %s: %s, want %s", path, got, want)
		}
	}
	var codex struct {
		Model  string
		Notify []string
		Otel   struct {
			Environment   string
			LogUserPrompt bool `toml:"log_user_prompt"`
			Exporter      map[string]struct {
				Endpoint, Protocol string
				Headers            map[string]string
			}
		}
		Sandbox map[string]string
	}
	if err := toml.Unmarshal([]byte(m.read(".codex/config.toml")), &codex); err != nil {
		t.Fatal(err)
	}
	if e := codex.Otel.Exporter["otlp-http"]; e.Endpoint != "http://127.0.0.1:4318/v1/logs" || e.Protocol != "binary" || e.Headers["Authorization"] != "Bearer MILLRACE22" ||
		!codex.Otel.LogUserPrompt || codex.Otel.Environment != "mill" || codex.Model != "gpt-5" || codex.Sandbox["mode"] != "workspace" || len(codex.Notify) != 3 {
		t.Errorf("Codex: %+v", codex)
	}
	if got := get(json(".codex/hooks.json"), "hooks", "Stop"); !strings.Contains(got, `"bell"`) || !strings.Contains(got, "codex Stop") {
		t.Errorf("Codex's hooks: %s", got)
	}
	gemini := json(".gemini/settings.json")
	if got := get(gemini, "telemetry", "otlpEndpoint"); got != `"http://127.0.0.1:4318/t/MILLRACE22"` || get(gemini, "ui", "theme") != `"Sluice"` || !strings.Contains(get(gemini, "hooks", "SessionStart"), `"timeout":5000`) {
		t.Errorf("Gemini CLI: %s", gemini.text)
	}
	cursor := json(".cursor/hooks.json")
	if got := get(cursor, "hooks", "stop"); got != `[{"command":"./bell.sh"},{"command":"'/opt/mill race/headrace-hook' cursor stop","timeout":5}]` || bytes.Contains(bytes.ReplaceAll(cursor.text, []byte("\r\n"), nil), []byte("\n")) {
		t.Errorf("Cursor: %s\n%q", got, cursor.text)
	}
	code := json(".config/Code/User/settings.json")
	for _, keep := range []string{"// My settings\n", "14, // large\n", "/* the mill's */", "\"**/.race\": true,\n  },", "// last"} {
		if !bytes.Contains(code.text, []byte(keep)) {
			t.Errorf("VS Code: %q is gone from\n%s", keep, code.text)
		}
	}
	if get(code, "github.copilot.chat.otel.enabled") != "true" || get(code, "github.copilot.chat.otel.captureContent") != "true" || get(code, "editor.fontSize") != "14" {
		t.Errorf("VS Code: %s", code.text)
	}
	if got := get(json(".config/Code - Insiders/User/settings.json"), "a"); got != "[1,2]" {
		t.Errorf("VS Code Insiders: %s", got)
	}
	if got := get(json(".copilot/hooks/headrace.json"), "hooks", "postToolUse"); got != `[{"type":"command","bash":"'/opt/mill race/headrace-hook' copilot postToolUse","timeoutSec":5}]` {
		t.Errorf("Copilot: %s", got)
	}
	var cont struct {
		Data   []map[string]any
		Models []map[string]any
	}
	if err := yaml.Unmarshal([]byte(m.read(".continue/config.yaml")), &cont); err != nil || len(cont.Data) != 2 || len(cont.Models) != 1 || cont.Data[0]["apiKey"] != "MILLRACE22" || cont.Data[1]["name"] != "Mill" {
		t.Errorf("Continue: %v %+v", err, cont)
	}
	if fi, err := os.Stat(filepath.Join(m.o.Home, "Documents/Cline/Hooks/PostToolUse")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("Cline: %v %v", fi, err)
	}
}

func TestWhatThePersonDidSinceStays(t *testing.T) {
	for tool, change := range map[string]struct{ file, old, new string }{
		"claude-code": {".claude/settings.json", `"model": "opus"`, `"model": "haiku"`},
		"codex":       {".codex/config.toml", `model = "gpt-5"`, `model = "gpt-6"`},
		"gemini-cli":  {".gemini/settings.json", "Sluice", "Weir"},
		"cursor":      {".cursor/hooks.json", "./bell.sh", "./gong.sh"},
		"copilot":     {".config/Code/User/settings.json", "14, // large", "15, // larger"},
		"continue":    {".continue/config.yaml", "provider: ollama", "provider: mill"},
	} {
		t.Run(tool, func(t *testing.T) {
			m := newMachine(t)
			for path, text := range theirs()[tool] {
				m.write(path, text)
			}
			was := m.read(change.file)
			m.connect(tool)
			m.write(change.file, strings.Replace(m.read(change.file), change.old, change.new, 1))
			if p := m.plan(tool); len(p.Changes) != 0 {
				t.Errorf("connecting again after a change: %s", p.Changes[0].Diff())
			}
			p := m.undo(tool)
			if len(p.Notes) != 0 {
				t.Errorf("%v", p.Notes)
			}
			got, want := m.read(change.file), strings.Replace(was, change.old, change.new, 1)
			if strings.HasSuffix(change.file, ".json") {
				if a, b := (&jsonc{[]byte(got)}).all(t), (&jsonc{[]byte(want)}).all(t); !same(a, b) {
					t.Errorf("got %s, want %s", a, b)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			for _, keep := range []string{"//", "/*", "#"} {
				if strings.Count(got, keep) != strings.Count(want, keep) {
					t.Errorf("a comment is gone, or left:\n%s", got)
				}
			}
		})
	}
}

// all is the whole file as plain JSON.
func (j *jsonc) all(t *testing.T) []byte {
	v, err := j.parse()
	if err != nil {
		t.Fatal(err)
	}
	return standard(&v)
}

func TestAnEntryThatThePersonChangedIsTheirs(t *testing.T) {
	m := newMachine(t)
	m.connect("claude-code")
	m.write(".claude/settings.json", strings.Replace(m.read(".claude/settings.json"), `"OTEL_LOG_USER_PROMPTS": "1"`, `"OTEL_LOG_USER_PROMPTS": "0"`, 1))
	p := m.undo("claude-code")
	if got := string((&jsonc{[]byte(m.read(".claude/settings.json"))}).all(t)); got != `{"env":{"OTEL_LOG_USER_PROMPTS":"0"}}` || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "env.OTEL_LOG_USER_PROMPTS") {
		t.Errorf("%s %v", got, p.Notes)
	}
}

func TestASettingThatIsInTheWayStaysAndIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		tool, file, text string
		env              map[string]string
		code             string
		not              string // what must not be written
	}{
		"Claude Code sends elsewhere": {"claude-code", ".claude/settings.json", `{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"https://otel.example"}}`, nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"by a variable of one signal": {"claude-code", ".claude/settings.json", `{"env":{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT":"https://otel.example"}}`, nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"by the environment":          {"claude-code", ".claude/settings.json", `{}`, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example"}, "connect/otlp-elsewhere", "MILLRACE22"},
		"Codex sends elsewhere":       {"codex", ".codex/config.toml", "[otel]\nexporter = { otlp-grpc = { endpoint = \"x\" } }\n", nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"in tables":                   {"codex", ".codex/config.toml", "[otel.exporter.\"otlp-http\"]\nendpoint = \"x\"\nprotocol = \"json\"\n", nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"or nowhere":                  {"codex", ".codex/config.toml", "[otel]\nexporter = \"none\"\n", nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"Codex without hooks":         {"codex", ".codex/config.toml", "[features]\nhooks = false\n", nil, "connect/hooks-off", ""},
		"Codex, torn":                 {"codex", ".codex/config.toml", "model = \"gpt", nil, "connect/unreadable", "MILLRACE22"},
		"Gemini CLI sends elsewhere":  {"gemini-cli", ".gemini/settings.json", `{"telemetry":{"enabled":true,"target":"gcp"}}`, nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"Gemini CLI, not a list":      {"gemini-cli", ".gemini/settings.json", `{"hooks":{"SessionStart":"x"}}`, nil, "connect/unreadable", "MILLRACE22"},
		"Cursor of tomorrow":          {"cursor", ".cursor/hooks.json", `{"version":2,"hooks":{}}`, nil, "connect/version", "headrace"},
		"Cursor with another":         {"cursor", ".cursor/hooks.json", `{"version":1,"hooks":{"stop":[{"command":"/else/headrace-hook cursor stop"}]}}`, nil, "connect/another", "mill race/headrace-hook' cursor stop"},
		"VS Code sends elsewhere":     {"copilot", ".config/Code/User/settings.json", `{"github.copilot.chat.otel.otlpEndpoint":"https://otel.example"}`, nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"VS Code turned it off":       {"copilot", ".config/Code/User/settings.json", `{"github.copilot.chat.otel.enabled":false}`, nil, "connect/otlp-elsewhere", "MILLRACE22"},
		"VS Code, torn":               {"copilot", ".config/Code/User/settings.json", `{"a": `, nil, "connect/unreadable", "MILLRACE22"},
		"VS Code, a list":             {"copilot", ".config/Code/User/settings.json", `[]`, nil, "connect/unreadable", "MILLRACE22"},
		"a hook of theirs in Cline":   {"cline", "Documents/Cline/Hooks/PostToolUse", "#!/bin/sh\nbell\n", nil, "connect/not-ours", "headrace"},
		"Continue in one line":        {"continue", ".continue/config.yaml", "name: x\ndata: [{name: y}]\n", nil, "connect/unreadable", "MILLRACE22"},
		"Continue, torn":              {"continue", ".continue/config.yaml", "a: [", nil, "connect/unreadable", "MILLRACE22"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.o.Getenv = func(k string) string { return c.env[k] }
			m.write(c.file, c.text)
			p := m.connect(c.tool)
			if len(p.Problems) != 1 || p.Problems[0].Code != c.code || p.Problems[0].Hint == "" {
				t.Errorf("%+v, want %s", p.Problems, c.code)
			}
			if got := m.read(c.file); c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("wrote %q into\n%s", c.not, got)
			}
			m.undo(c.tool)
			if got := m.read(c.file); got != c.text {
				t.Errorf("undo left\n%s", got)
			}
		})
	}
}

func TestAnotherTokenReplacesTheOldOne(t *testing.T) {
	for _, tool := range Tools() {
		m := newMachine(t)
		for path, text := range theirs()[tool.Name] {
			m.write(path, text)
		}
		before := m.tree()
		m.connect(tool.Name)
		m.o.Token, m.o.Hook, m.o.Program = "SLUICE33", []string{"/opt/headrace-hook"}, []string{"/opt/headrace"}
		if p := m.connect(tool.Name); len(p.Problems) != 0 {
			t.Errorf("%s: %v", tool.Name, p.Problems[0])
		}
		for path, text := range m.tree() {
			if strings.Contains(text, "MILLRACE22") || strings.Contains(text, "mill race") {
				t.Errorf("%s: the old one is still in %s:\n%s", tool.Name, path, text)
			}
		}
		m.undo(tool.Name)
		if d := cmp.Diff(before, m.tree()); d != "" {
			t.Errorf("%s, undo: %s", tool.Name, d)
		}
	}
}

func TestWithoutContentNoHookAndNoGateIsSet(t *testing.T) {
	for _, tool := range Tools() {
		m := newMachine(t)
		for path, text := range theirs()[tool.Name] {
			m.write(path, text)
		}
		before := m.tree()
		if tool.Name != "kiro" { // from nothing, and after it was connected with content
			m.connect(tool.Name)
		}
		m.o.NoContent = true
		m.connect(tool.Name)
		for path, text := range m.tree() {
			for _, bad := range []string{"headrace-hook", "OTEL_LOG_", "log_user_prompt", "logPrompts", "captureContent\": true", "level: all"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s: %s has %s:\n%s", tool.Name, path, bad, text)
				}
			}
		}
		if p := m.plan(tool.Name); len(p.Changes) != 0 {
			t.Errorf("%s: connecting again changes %s", tool.Name, p.Changes[0].Diff())
		}
		m.undo(tool.Name)
		if d := cmp.Diff(before, m.tree()); d != "" {
			t.Errorf("%s, undo: %s", tool.Name, d)
		}
	}
}

func TestSettingsBehindALinkAreChangedWhereTheyLie(t *testing.T) {
	m := newMachine(t)
	m.write("dotfiles/claude.json", "{\"model\": \"opus\"}\n")
	m.ok(os.MkdirAll(filepath.Join(m.o.Home, ".claude"), 0o755))
	m.ok(os.Symlink("../dotfiles/claude.json", filepath.Join(m.o.Home, ".claude/settings.json")))
	m.connect("claude-code")
	if fi, err := os.Lstat(filepath.Join(m.o.Home, ".claude/settings.json")); err != nil || fi.Mode()&fs.ModeSymlink == 0 || !strings.Contains(m.read("dotfiles/claude.json"), "headrace-hook") {
		t.Errorf("%v %v\n%s", fi, err, m.read("dotfiles/claude.json"))
	}
	m.undo("claude-code")
	if got := m.read("dotfiles/claude.json"); got != "{\"model\": \"opus\"}\n" {
		t.Errorf("undo left\n%s", got)
	}
	m.ok(os.Remove(filepath.Join(m.o.Home, "dotfiles/claude.json")))
	claude, _ := Named("claude-code")
	if _, err := claude.Plan(m.o); !errors.Is(err, &episode.Problem{Code: "connect/no-file"}) {
		t.Errorf("a link to nothing: %v", err)
	}
}

func TestAFileThatChangesBetweenPlanAndApplyIsNotTouched(t *testing.T) {
	m := newMachine(t)
	p := m.plan("cursor")
	m.write(".cursor/hooks.json", "{}")
	if err := p.Apply(); !errors.Is(err, &episode.Problem{Code: "connect/changed"}) || m.read(".cursor/hooks.json") != "{}" {
		t.Errorf("%v: %s", err, m.read(".cursor/hooks.json"))
	}
	m.connect("cursor")
	m.ok(os.Remove(filepath.Join(m.o.Home, ".cursor/hooks.json")))
	if p := m.undo("cursor"); len(p.Notes) != 0 {
		t.Errorf("%v", p.Notes)
	}
}

func TestAWriteThatWasCutOffIsUndone(t *testing.T) {
	m := newMachine(t)
	m.write(".claude/settings.json", "{ }\n")
	m.connect("claude-code")
	m.write(".claude/settings.json", "{ }\n") // written down, but never written
	m.undo("claude-code")
	if got := m.read(".claude/settings.json"); got != "{ }\n" {
		t.Errorf("%q", got)
	}
}

func TestHooksOfCodexGoWhereItsOthersAre(t *testing.T) {
	m := newMachine(t)
	text := "notify = [\"bell\"]\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"bell\"\n[otel]\n"
	m.write(".codex/config.toml", text)
	p := m.connect("codex")
	var v map[string]any
	if err := toml.Unmarshal([]byte(m.read(".codex/config.toml")), &v); err != nil || len(v["hooks"].(map[string]any)["Stop"].([]any)) != 2 || len(v["notify"].([]any)) != 1 {
		t.Errorf("%v %v", err, v)
	}
	if _, err := os.Stat(filepath.Join(m.o.Home, ".codex/hooks.json")); err == nil || len(p.Notes) < 2 {
		t.Errorf("hooks.json was made too, or the other notification not told: %v", p.Notes)
	}
	if p := m.plan("codex"); len(p.Changes) != 0 {
		t.Error(p.Changes[0].Diff())
	}
	m.undo("codex")
	if got := m.read(".codex/config.toml"); got != text {
		t.Errorf("undo left\n%s", got)
	}
}

// Codex writes its settings anew whenever it notes something: a key goes to the end of its table, a new table to the end of
// the file, and a comment stays above what comes after it.
func TestCodexWritesAroundWhatIsOurs(t *testing.T) {
	for name, theirs := range map[string]string{"with tables": "model = \"gpt-5\"\n\n[tui]\nnotifications = true\n", "without": "model = \"gpt-5\"\n", "empty": ""} {
		m := newMachine(t)
		m.write(".codex/config.toml", theirs)
		m.connect("codex")
		text := m.read(".codex/config.toml")
		text = strings.Replace(text, "\"notify\"]\n", "\"notify\"]\nmodel_reasoning_effort = \"high\"\n", 1) + "\n[projects.\"/mill\"]\ntrust_level = \"trusted\"\n"
		m.write(".codex/config.toml", text)
		if again := m.plan("codex"); len(again.Changes)+len(again.Problems) != 0 {
			t.Errorf("%s: connecting again: %+v, %+v", name, again.Changes, again.Problems)
		}
		undone := m.undo("codex")
		left := m.read(".codex/config.toml")
		if len(undone.Notes) != 0 || strings.Contains(left, "headrace") || strings.Contains(left, "otel") || !strings.Contains(left, "model_reasoning_effort") || !strings.Contains(left, "[projects.") {
			t.Errorf("%s: %q leaves\n%s", name, undone.Notes, left)
		}
	}
}
