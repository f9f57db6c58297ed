// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"fmt"
	"path"
	"strings"
)

// File is one file for a fleet, by its name below the folder that is given.
type File struct {
	Name    string
	Content []byte
}

// ManagedHook is where the hook program lies on the machines of a fleet, unless said otherwise.
const ManagedHook = "/usr/local/bin/headrace-hook"

// anyToken stands where each machine's own token goes.
const anyToken = "@TOKEN@"

// Managed makes the settings that an administrator gives to all machines, in the form that each tool has for that, and a
// README that says where each goes. They bear no token: each machine has its own. Claude Code asks the hook program for it;
// in the others device management puts it in.
func Managed(o Options) []File {
	o.Token = ""
	hook := func(tool, event string) string { return commandLine(o.Hook, tool, event) }
	groups := func(tool string, scale int, events []string) map[string][]group {
		m := map[string][]group{}
		for _, ev := range events {
			m[ev] = []group{{Hooks: []command{{Type: "command", Command: hook(tool, ev), Timeout: hookSeconds * scale}}}}
		}
		return m
	}
	claude := map[string]any{"otelHeadersHelper": commandLine(o.Hook, "--headers", "")}
	env := map[string]string{"CLAUDE_CODE_ENABLE_TELEMETRY": "1", claudeEntry: "true"}
	for _, kv := range o.environment() {
		env[kv[0]] = kv[1]
	}
	o.Token = anyToken
	telemetry := map[string]any{"enabled": true, "endpoint": o.Endpoint, "headers": map[string]string{"Authorization": "Bearer " + anyToken}, "protocol": "http/protobuf", "captureContent": !o.NoContent, "lockCaptureContent": true}
	files := []File{{"copilot/managed-settings.json", page(map[string]any{"telemetry": telemetry})}}
	if !o.NoContent {
		for _, gate := range claudeGates() {
			env[gate] = "1"
		}
		claude["hooks"] = groups("claude-code", 1, claudeEvents())
		cursor := map[string][]cursorHook{}
		for _, ev := range cursorEvents() {
			cursor[ev] = []cursorHook{{hook("cursor", ev), hookSeconds}}
		}
		gemini := map[string]any{"hooks": groups("gemini-cli", 1000, geminiEvents())}
		set := map[string]any{}
		for _, s := range geminiTelemetry(&o) {
			set[s.path[1]] = s.value
		}
		gemini["telemetry"] = set
		files = append(files, File{"copilot/policy.d/headrace.json", page(copilotHooks(o.Hook))},
			File{"cursor/hooks.json", page(map[string]any{"version": 1, "hooks": cursor})},
			File{"codex/managed_config.toml", fmt.Appendf(nil, "[otel]\nexporter = { otlp-http = { endpoint = %s, protocol = \"binary\", headers = { Authorization = \"Bearer %s\" } } }\nlog_user_prompt = true\n", quote(o.Endpoint+"/v1/logs"), anyToken)},
			File{"codex/requirements.toml", codexRequirements(&o)},
			File{"gemini-cli/settings.json", page(gemini)})
	}
	claude["env"] = env
	files = append(files, File{"claude-code/managed-settings.json", page(claude)})
	return append(files, File{"README.txt", []byte(managedReadme(&o))})
}

func page(v any) []byte { return append(pretty(v), '\n') }

// codexRequirements enters the hooks as the company's: they need nobody's trust, and cannot be turned off.
func codexRequirements(o *Options) []byte {
	p := &planner{o: o, tool: Tool{Name: "codex"}}
	dir := "."
	if len(o.Hook) > 0 {
		dir = path.Dir(o.Hook[0])
	}
	return fmt.Appendf(nil, "[features]\nhooks = true\n\n[hooks]\nmanaged_dir = %s\n\n%s", quote(dir), strings.TrimPrefix(codexHooks(p), "# hooks\n"))
}

func managedReadme(o *Options) string {
	content := "With content: prompts, code and output go to the agent on each machine, and are filtered at your edge before anything may leave."
	if o.NoContent {
		content = "Without content: only tools are set up that can leave prompts and code out. The others are read from their histories, as far as the agent is told to."
	}
	return "Settings that connect a fleet to Headrace, made by: headrace connect all --managed\n\n" +
		content + "\nEach machine needs the agent (headrace agent), and the hook program at " + strings.Join(o.Hook, " ") + ".\n" +
		"If a file of the same name is there already, merge the two.\n" +
		"Where " + anyToken + " stands, put each machine's own token (agent/token in the state folder of its user), or take the telemetry out: hooks need none.\n" + `
claude-code/managed-settings.json  Linux: /etc/claude-code/   macOS: /Library/Application Support/ClaudeCode/   Windows: C:\ProgramData\ClaudeCode\
codex/managed_config.toml          /etc/codex/   (defaults that a person can change)
codex/requirements.toml            /etc/codex/   (hooks that a person cannot turn off)
gemini-cli/settings.json           Linux: /etc/gemini-cli/   macOS: /Library/Application Support/GeminiCli/   Windows: C:\ProgramData\gemini-cli\
cursor/hooks.json                  Linux: /etc/cursor/   macOS: /Library/Application Support/Cursor/   Windows: C:\ProgramData\Cursor\
copilot/managed-settings.json      VS Code and the command line tool: by your device management, or as GitHub's enterprise managed settings
copilot/policy.d/headrace.json     Linux, macOS: /etc/github-copilot/policy.d/ (owned by root)   Windows: C:\ProgramData\GitHub\Copilot\policy.d\
Cline, Grok                        by the environment: headrace connect cline --dry-run shows it
`
}
