// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// machine is a temporary home with a state folder beside it.
type machine struct {
	t *testing.T
	o Options
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the paths are those of Linux")
	}
	dir := t.TempDir()
	m := &machine{t, Options{Home: filepath.Join(dir, "home"), Dir: filepath.Join(dir, "state"), Getenv: func(string) string { return "" },
		Hook: []string{"/opt/mill race/headrace-hook"}, Program: []string{"/opt/mill race/headrace", "--dir", "/mill"}, Endpoint: "http://127.0.0.1:4318", Token: "MILLRACE22"}}
	m.ok(os.MkdirAll(m.o.Home, 0o700))
	return m
}

func (m *machine) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.o.Home, name)
	m.ok(os.MkdirAll(filepath.Dir(path), 0o755))
	m.ok(os.WriteFile(path, []byte(text), 0o644))
}

func (m *machine) read(name string) string {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.o.Home, name))
	m.ok(err)
	return string(b)
}

func (m *machine) plan(tool string) *Plan {
	m.t.Helper()
	t, err := Named(tool)
	m.ok(err)
	p, err := t.Plan(m.o)
	m.ok(err)
	return p
}

func (m *machine) connect(tool string) *Plan {
	m.t.Helper()
	p := m.plan(tool)
	m.ok(p.Apply())
	return p
}

func (m *machine) undo(tool string) *Plan {
	m.t.Helper()
	t, err := Named(tool)
	m.ok(err)
	p, err := t.Undo(m.o)
	m.ok(err)
	m.ok(p.Apply())
	return p
}

// tree is every file and folder of the home, with content and mode.
func (m *machine) tree() map[string]string {
	m.t.Helper()
	all := map[string]string{}
	m.ok(filepath.WalkDir(m.o.Home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		all[path] = fi.Mode().String()
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			all[path] += "\n" + string(b)
			return err
		}
		return err
	}))
	return all
}

// theirs are settings that a person already has, with comments, an order and hooks of their own.
func theirs() map[string]map[string]string {
	return map[string]map[string]string{
		"claude-code": {".claude/settings.json": "{\n    \"model\": \"opus\",\n    \"hooks\": {\n        \"PostToolUse\": [\n            {\"matcher\": \"Edit\", \"hooks\": [{\"type\": \"command\", \"command\": \"gofmt -w\"}]}\n        ]\n    },\n    \"env\": {\"MILL\": \"1\"}\n}\n"},
		"codex": {".codex/config.toml": "# the mill\nmodel = \"gpt-5\"\n\n# what may run\n[sandbox]\nmode = 'workspace' # not more\n\n[otel]\nenvironment = \"mill\"\n",
			".codex/hooks.json": "{\"hooks\":{\"Stop\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"bell\"}]}]}}"},
		"gemini-cli": {".gemini/settings.json": "{\n\t// how it looks\n\t\"ui\": { \"theme\": \"Sluice\" }, /* dark */\n}"},
		"cursor":     {".cursor/hooks.json": "{\r\n  \"version\": 1,\r\n  \"hooks\": {\r\n    \"stop\": [\r\n      { \"command\": \"./bell.sh\" }\r\n    ]\r\n  }\r\n}\r\n"},
		"copilot": {".config/Code/User/settings.json": "// My settings\n{\n  \"editor.fontSize\": 14, // large\n  /* the mill's */\n  \"files.exclude\": {\n    \"**/.race\": true,\n  },\n  // last\n}\n",
			".config/Code - Insiders/User/settings.json": "\xef\xbb\xbf{\"a\": [1, 2 /* two */]}",
			".copilot/hooks/bell.json":                   "{\"version\":1,\"hooks\":{}}"},
		"cline":     {"Documents/Cline/Rules/mill.md": "Turn slowly."},
		"continue":  {".continue/config.yaml": "name: mill\nversion: 1.0.0\nmodels: # two\n  - name: wheel\n    provider: ollama\n    model: wheel\ndata:\n  # ours\n  - name: Mill\n    destination: file:///mill\n    schema: 0.2.0\n"},
		"grok":      {".grok/hooks/bell.json": "{}"},
		"kiro":      {".kiro/hooks/bell.json": "{}"},
		"opencode":  {".config/opencode/opencode.json": "{\"theme\": \"flour\"}"},
		"zed":       {".config/zed/settings.json": "// Zed's\n{\n  \"theme\": \"Flour\",\n  \"agent_servers\": {\n    // the miller\n    \"Gemini\": { \"command\": \"gemini\", \"args\": [\"--acp\"], /* fast */ \"env\": {\"A\": \"1\"} },\n    \"Bare\": {\n      \"type\": \"custom\",\n      \"command\": \"/opt/pool\"\n    },\n    \"claude\": { \"default_mode\": \"plan\" },\n  },\n}\n"},
		"jetbrains": {".jetbrains/acp.json": "{\"agent_servers\":{\"Goose\":{\"command\":\"goose\",\"args\":[\"acp\"]}}}"},
		"poolside":  {".config/poolside/settings.yaml": "a: b\n"},
	}
}

// FuzzSettings: whatever a settings file holds, what is put in comes out again, and all else means what it meant.
func FuzzSettings(f *testing.F) {
	for _, files := range theirs() {
		for _, text := range files {
			f.Add(text)
		}
	}
	f.Add("{\"a\": 1, // one\n \"env\": {\"A\": \"b\"} /* two */ ,}")
	f.Add("a = 1 # one\n[otel]")
	f.Fuzz(func(t *testing.T, text string) {
		d := &draft{p: newPlanner(Tool{}, &Options{}, nil), text: []byte(text)}
		before := (&jsonc{[]byte(text)})
		if v, err := before.parse(); err == nil && same(standard(&v), standard(&v)) {
			d.member("x", "headrace-env", "B")
			d.element(map[string]int{"y": 1}, "headrace-hooks", "C")
			if d.err != nil {
				t.Fatalf("%q: %v", text, d.err)
			}
			if out, left := undo(d.text, d.made); len(left) > 0 || !same((&jsonc{out}).all(t), before.all(t)) {
				t.Fatalf("%q\nbecame\n%q\nand then\n%q", text, d.text, out)
			}
			return
		}
		file, err := parseTOML([]byte(text))
		if err != nil {
			return
		}
		if d.tomlRoot("headrace-a = 1\n"); d.err == nil {
			d.tomlEnd("[headrace-b]\nx = 1\n")
		}
		if d.err != nil {
			return // it is refused, and the file stays
		}
		out, left := undo(d.text, d.made)
		var v map[string]any
		if err := toml.Unmarshal(out, &v); err != nil || len(left) > 0 || !within(file.values, v) || !within(v, file.values) {
			t.Fatalf("%q\nbecame\n%q\nand then\n%q: %v", text, d.text, out, err)
		}
	})
}
