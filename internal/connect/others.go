// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"path/filepath"
	"runtime"
	"strings"
)

func clineEvents() []string {
	return []string{"UserPromptSubmit", "PostToolUse", "TaskCancel", "TaskComplete"}
}

// cline keeps one script for each event in a folder; its telemetry is set by the environment only, and holds no text.
func cline(p *planner) {
	env := [][2]string{{"CLINE_OTEL_TELEMETRY_ENABLED", "true"}, {"CLINE_OTEL_LOGS_EXPORTER", "otlp"}, {"CLINE_OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
		{"CLINE_OTEL_EXPORTER_OTLP_ENDPOINT", p.o.Endpoint}}
	if p.o.Token != "" {
		env = append(env, [2]string{"CLINE_OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer " + p.o.Token})
	}
	p.note("Cline's telemetry, which says what was accepted, is set by the environment only; put this where VS Code is started from:%s", p.o.exports(env))
	if !p.withContent("its hooks") {
		return
	}
	if runtime.GOOS == "windows" {
		p.note("hooks of Cline are entered by hand on this system: in %s", filepath.Join(p.home(), "Hooks"))
		return
	}
	for _, ev := range clineEvents() {
		p.whole(filepath.Join(p.home(), "Hooks", ev), 0o700, []byte("#!/bin/sh\n# headrace connect put this here; headrace connect cline --undo takes it out\nexec "+p.command(ev)+"\n"))
	}
	p.note("turn hooks on in Cline: Settings, Features, Enable Hooks")
}

// grok keeps files of hooks in a folder of its own, and reads those of Claude Code and of Cursor as well: what comes twice
// counts once. Its telemetry is set by the environment only.
func grok(p *planner) {
	env := append([][2]string{{"GROK_EXTERNAL_OTEL", "1"}}, p.o.environment()...)
	if !p.o.NoContent {
		env = append(env, [2]string{"OTEL_LOG_USER_PROMPTS", "1"}, [2]string{"OTEL_LOG_TOOL_DETAILS", "1"})
	}
	p.note("Grok's telemetry, which says who decided, is set by the environment only; put this where Grok is started from, and nothing else that sends by it:%s", p.o.exports(env))
	if !p.withContent("its hooks") {
		return
	}
	hooks := map[string][]group{}
	for _, ev := range [...]string{"SessionStart", "UserPromptSubmit", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "Stop", "StopCancelled", "SessionEnd"} {
		hooks[ev] = []group{{Hooks: []command{{Type: "command", Command: p.command(ev), Timeout: hookSeconds}}}}
	}
	p.ours(filepath.Join(p.home(), "hooks", "headrace.json"), map[string]any{"hooks": hooks})
}

type kiroHook struct {
	Name    string     `json:"name"`
	Trigger string     `json:"trigger"`
	Action  kiroAction `json:"action"`
	Timeout int        `json:"timeout"`
}

type kiroAction struct {
	Type    string `json:"type"`
	Command string `json:"command"`
}

// kiro reads files of hooks from a folder, since version 1 of the editor and 3 of the command line tool.
func kiro(p *planner) {
	if !p.withContent("its hooks") {
		return
	}
	var hooks []kiroHook
	for _, ev := range [...]string{"UserPromptSubmit", "PostToolUse", "Stop"} {
		hooks = append(hooks, kiroHook{"headrace-" + strings.ToLower(ev), ev, kiroAction{"command", p.command(ev)}, hookSeconds})
	}
	p.ours(filepath.Join(p.home(), "hooks", "headrace.json"), map[string]any{"version": "v1", "hooks": hooks})
	p.note("an older Kiro keeps hooks in each agent's file below %s: enter them by hand, such as %s", filepath.Join(p.home(), "agents"), p.command("postToolUse"))
	p.note("Kiro's telemetry is set up by its administrator, for the whole company: it holds no content")
}

// poolside has hooks, and nowhere says how they are entered.
func poolside(p *planner) {
	p.note("poolside does not say how hooks are entered in %s: do it by hand, for PostToolUse, UserPromptSubmit and Stop, such as %s", filepath.Join(p.home(), "settings.yaml"), p.command("PostToolUse"))
	p.note("in an editor that speaks ACP, start it through headrace: headrace acp -- pool acp. That sees what was decided too")
}
