// SPDX-License-Identifier: Apache-2.0

package connect

import "path/filepath"

// geminiEvents are the one with which the hook program can say what is recorded. The others say less than the history, and
// not which prompt they are of.
func geminiEvents() []string { return []string{"SessionStart"} }

// geminiCLI sets its telemetry, which tells what a person made of a change, and its hooks. A call's arguments are in the
// telemetry whatever is set, so it is content.
func geminiCLI(p *planner) {
	if !p.withContent("its telemetry and its hooks") {
		return
	}
	p.edit(filepath.Join(p.home(), "settings.json"), func(d *draft) {
		d.together("otlp-elsewhere", "send both to one collector that forwards to "+p.o.Endpoint+", or take that setting out and connect again; hooks and history are read all the same",
			geminiTelemetry(p.o), []string{"telemetry", "outfile"}, []string{"telemetry", "useCollector"})
		for _, ev := range geminiEvents() {
			d.element(group{Hooks: []command{{Type: "command", Name: "headrace", Command: p.command(ev), Timeout: hookSeconds * 1000}}}, "hooks", ev)
		}
		for _, off := range [...][]string{{"hooksConfig", "enabled"}, {"tools", "enableHooks"}} {
			if string(d.get(off...)) == "false" {
				p.clash("hooks-off", d.path+" turns hooks off", "set it to true, or leave them off: telemetry and history are read all the same")
			}
		}
	})
}

func geminiTelemetry(o *Options) []setting {
	return []setting{{[]string{"telemetry", "enabled"}, true}, {[]string{"telemetry", "target"}, "local"}, {[]string{"telemetry", "otlpEndpoint"}, o.open()},
		{[]string{"telemetry", "otlpProtocol"}, "http"}, {[]string{"telemetry", "logPrompts"}, true}}
}
