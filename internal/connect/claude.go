// SPDX-License-Identifier: Apache-2.0

package connect

import "path/filepath"

// claudeEvents are the events of Claude Code that say something of a prompt: version 2.1.196 has all of them.
func claudeEvents() []string {
	return []string{"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "InstructionsLoaded", "Stop", "SessionEnd"}
}

// claudeGates open what Claude Code's telemetry leaves out by itself: the filter is ours, at the edge.
func claudeGates() []string {
	return []string{"OTEL_LOG_USER_PROMPTS", "OTEL_LOG_ASSISTANT_RESPONSES", "OTEL_LOG_TOOL_DETAILS"}
}

// claudeEntry has the telemetry say how the tool was started. Nothing else tells a person's answer from a script's rule.
const claudeEntry = "OTEL_METRICS_INCLUDE_ENTRYPOINT"

// claudeCode sets the environment in which it sends its log events (who decided is only there), and its hooks.
func claudeCode(p *planner) {
	hint := "send both to one collector that forwards to " + p.o.Endpoint + ", or take that setting out and connect again; hooks and history are read all the same"
	p.edit(filepath.Join(p.home(), "settings.json"), func(d *draft) {
		if at := p.o.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); at != "" && at != p.o.Endpoint {
			p.clash("otlp-elsewhere", "$OTEL_EXPORTER_OTLP_ENDPOINT sends telemetry to "+at, hint)
		} else {
			settings := []setting{{[]string{"env", "CLAUDE_CODE_ENABLE_TELEMETRY"}, "1"}}
			for _, kv := range p.o.environment() {
				settings = append(settings, setting{[]string{"env", kv[0]}, kv[1]})
			}
			sent := d.together("otlp-elsewhere", hint, settings, []string{"env", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"}, []string{"env", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"},
				[]string{"env", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"}, []string{"otelHeadersHelper"})
			if sent && !d.member("true", "env", claudeEntry) && d.err == nil {
				p.note("%s is set to something else in %s: it stays, and that a person decided is not known by telemetry", claudeEntry, d.path)
			}
			for _, gate := range claudeGates() {
				if sent && !p.o.NoContent && !d.member("1", "env", gate) {
					p.note("%s is set to something else in %s: it stays, and what it holds back is read from the history", gate, d.path)
				}
			}
		}
		if p.withContent("its hooks") {
			d.groups(p, claudeEvents()...)
		}
	})
	p.note("Claude Code reads its settings when it starts")
}
