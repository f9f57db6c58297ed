// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// copilotEvents leave preToolUse out: there a hook that fails is a refusal.
func copilotEvents() []string {
	return []string{"sessionStart", "userPromptSubmitted", "postToolUse", "postToolUseFailure", "agentStop", "sessionEnd"}
}

// hooksFile is a file of hooks of Copilot's, in its version 1.
type hooksFile struct {
	Version int                      `json:"version"`
	Hooks   map[string][]copilotHook `json:"hooks"`
}

type copilotHook struct {
	Type    string `json:"type"`
	Bash    string `json:"bash"`
	Timeout int    `json:"timeoutSec"`
}

func copilotHooks(hook []string) hooksFile {
	f := hooksFile{1, map[string][]copilotHook{}}
	for _, ev := range copilotEvents() {
		f.Hooks[ev] = []copilotHook{{"command", commandLine(hook, "copilot", ev), hookSeconds}}
	}
	return f
}

// copilot sets the telemetry of the chat in VS Code, whose settings are JSON with comments, and a file of hooks for the
// command line tool.
func copilot(p *planner) {
	for _, file := range settingsOfVSCode(p.o) {
		p.edit(file, func(d *draft) {
			d.together("otlp-elsewhere", "send both to one collector that forwards to "+p.o.Endpoint+", or take that setting out and connect again; the chat's history is read all the same",
				[]setting{
					{[]string{"github.copilot.chat.otel.enabled"}, true},
					{[]string{"github.copilot.chat.otel.exporterType"}, "otlp-http"},
					{[]string{"github.copilot.chat.otel.otlpEndpoint"}, p.o.open()},
					{[]string{"github.copilot.chat.otel.captureContent"}, !p.o.NoContent},
				}, []string{"github.copilot.chat.otel.outfile"})
		})
	}
	if p.withContent("the command line tool's hooks") {
		p.ours(filepath.Join(p.home(), "hooks", "headrace.json"), copilotHooks(p.o.Hook))
	}
	p.note("VS Code reads the settings when its window is opened anew. They are for this machine: where you sync settings, leave github.copilot.chat.otel.* out")
	env := append([][2]string{{"COPILOT_OTEL_ENABLED", "true"}}, p.o.environment()[1:]...) // it has no log events
	if p.o.NoContent {
		p.note("telemetry of the command line tool is set by the environment only, by hand if you want it:%s", p.o.exports(env))
	} else {
		p.note("telemetry of the command line tool is set by the environment only, by hand if you want it:%s", p.o.exports(append(env, [2]string{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"})))
	}
}

// editors are the VS Codes that are here, by the folder of their user settings.
func editors(o *Options) (all []string) {
	for _, name := range [...]string{"Code", "Code - Insiders"} {
		if dir := filepath.Join(o.config(), name, "User"); isDir(dir) {
			all = append(all, dir)
		}
	}
	return all
}

// settingsOfVSCode are the settings of each VS Code that is here, and of the plain one where none is.
func settingsOfVSCode(o *Options) (files []string) {
	for _, dir := range editors(o) {
		files = append(files, filepath.Join(dir, "settings.json"))
	}
	if len(files) == 0 {
		files = []string{filepath.Join(o.config(), "Code", "User", "settings.json")}
	}
	return files
}

// pretty is JSON of ours, for people to read.
func pretty(v any) []byte {
	b, err := json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true), jsontext.EscapeForHTML(false))
	if err != nil {
		panic(err) // it is ours
	}
	return b
}
