// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"fmt"
	"path/filepath"
	"strings"
)

func codexEvents() []string {
	return []string{"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop"}
}

// codex sets its log exporter and its notification in config.toml, and its hooks in hooks.json, or in config.toml where
// the person has theirs there. Its telemetry carries arguments and output whatever is set, so it is content.
func codex(p *planner) {
	if !p.withContent("its telemetry, its notification and its hooks") {
		return
	}
	inline := false
	p.edit(filepath.Join(p.home(), "config.toml"), func(d *draft) {
		t, err := parseTOML(d.text)
		if err != nil {
			d.err = err
			return
		}
		d.codexExporter(p, t)
		d.codexNotify(p, t)
		if features := t.table("features"); features["hooks"] == false || features["codex_hooks"] == false {
			p.clash("hooks-off", d.path+" turns hooks off", "set hooks = true under [features], or leave them off: telemetry and history are read all the same")
		}
		for event := range t.table("hooks") {
			inline = inline || event != "state" // where Codex keeps whom it trusts
		}
		if inline && !d.has(codexHooks(p)) {
			d.tomlEnd(codexHooks(p))
		}
	})
	if !inline {
		p.edit(filepath.Join(p.home(), "hooks.json"), func(d *draft) { d.groups(p, codexEvents()...) })
	}
	p.note("Codex asks you once to trust the new hooks: /hooks in a session, or at its next start")
	p.note("a Codex server that runs in the background keeps the telemetry that it started with: codex app-server daemon restart")
}

func (d *draft) codexExporter(p *planner, t *tomlFile) {
	headers := ""
	if p.o.Token != "" {
		headers = ", headers = { Authorization = " + string(quote("Bearer "+p.o.Token)) + " }"
	}
	exporter := fmt.Sprintf("exporter = { otlp-http = { endpoint = %s, protocol = \"binary\"%s } }\n", quote(p.o.Endpoint+"/v1/logs"), headers)
	text := exporter + "log_user_prompt = true\n"
	otel, there := t.values["otel"].(map[string]any)
	switch {
	case d.has(text) || d.has(exporter) || d.has("[otel]\n"+text):
	case t.values["otel"] == nil:
		d.tomlEnd("[otel]\n" + text)
	case !there || otel["exporter"] != nil && otel["exporter"] != "none":
		p.clash("otlp-elsewhere", d.path+" sends telemetry elsewhere: [otel] has an exporter", "send both to one collector that forwards to "+p.o.Endpoint+"/v1/logs, or take it out and connect again")
	default:
		lines := exporter
		if otel["exporter"] == "none" {
			p.clash("otlp-elsewhere", d.path+` turns the exporter off: exporter = "none"`, "take the line out and connect again")
			return
		}
		if otel["log_user_prompt"] == nil {
			lines = text
		}
		d.tomlAfter(t, "otel", lines)
	}
}

func (d *draft) codexNotify(p *planner, t *tomlFile) {
	var words []string
	for _, w := range append(append([]string{}, p.o.Hook...), p.tool.Name, "notify") {
		words = append(words, string(quote(w)))
	}
	line := "notify = [" + strings.Join(words, ", ") + "]\n"
	switch {
	case d.has(line):
	case t.values["notify"] == nil:
		d.tomlRoot(line)
	default:
		p.note("Codex notifies another program already; that stays, and its hooks say the same")
	}
}

func codexHooks(p *planner) string {
	var b strings.Builder
	b.WriteString("# hooks\n")
	for _, ev := range codexEvents() {
		fmt.Fprintf(&b, "[[hooks.%s]]\n[[hooks.%s.hooks]]\ntype = \"command\"\ncommand = %s\ntimeout = %d\n", ev, ev, quote(p.command(ev)), hookSeconds)
	}
	return b.String()
}
