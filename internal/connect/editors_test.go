// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"strings"
	"testing"
)

// TestAnEditorsAgentsRunBehindTheProxy: the proxy goes before each agent's command, whatever else the editor has set of it,
// and comes out again even where the person has changed something else since.
func TestAnEditorsAgentsRunBehindTheProxy(t *testing.T) {
	m := newMachine(t)
	const file = ".config/zed/settings.json"
	before := theirs()["zed"][file]
	m.write(file, before)
	m.connect("zed")
	j := &jsonc{[]byte(m.read(file))}
	for path, want := range map[string]string{
		"agent_servers.Gemini.command": `"/opt/mill race/headrace"`,
		"agent_servers.Gemini.args":    `["--dir","/mill","acp","--","gemini","--acp"]`,
		"agent_servers.Gemini.env":     `{"A":"1"}`,
		"agent_servers.Bare.args":      `["--dir","/mill","acp","--","/opt/pool"]`,
		"agent_servers.claude":         `{"default_mode":"plan"}`,
	} {
		if got := string(j.get(strings.Split(path, ".")...)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if !strings.Contains(string(j.text), "/* fast */") || !strings.Contains(string(j.text), "// the miller") {
		t.Errorf("comments are gone from\n%s", j.text)
	}
	m.write(file, strings.Replace(string(j.text), "Flour", "Bran", 1))
	m.undo("zed")
	after := &jsonc{[]byte(m.read(file))}
	want := &jsonc{[]byte(strings.Replace(before, "Flour", "Bran", 1))}
	if !same(after.get("agent_servers"), want.get("agent_servers")) || string(after.get("theme")) != `"Bran"` {
		t.Errorf("undone it is\n%s", after.text)
	}
	m.write(file, "{}")
	if p := m.connect("zed"); len(p.Changes) != 0 || len(p.Notes) != 2 {
		t.Errorf("without agents: %+v", p)
	}
}
