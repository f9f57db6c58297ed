// SPDX-License-Identifier: Apache-2.0

// Package lever is the table of what a release can move in each coding tool from outside: settings that an administrator gives
// to all machines, instruction files that a pull request changes, words that a hook gives to the model, the model behind a
// gateway, and whether a suggestion is shown.
//
// Start from [Tools]. What the table says of our own doing is proven by tests: a file of instructions is found by the reader of
// such files (capture/rules) where we would write it, words by a hook are in the hook program's real answer, and settings are
// written by connect. Which tools can be pointed at a gateway is by their documentation.
//
// It holds the table and nothing that moves a lever: connect writes settings, the hook program answers, and package instruct
// makes files and words of a release.
package lever

import (
	"path"
	"slices"
	"strings"
)

// Tool is what can be moved in one coding tool. An empty field is a lever that it does not have.
type Tool struct {
	// Name is the tool's as episodes have it.
	Name, Title string
	// Settings is the file that connect writes for a fleet.
	Settings string
	// File is the instruction file that a release adds by a pull request, below the top of a repository, and Head what it must
	// begin with to be in force always.
	File, Head string
	// Hook is the tool's name with the hook program, and Event the event with whose answer words reach the model.
	Hook, Event string
	// Gateway is how the tool is pointed at a gateway, which asks /v1/decide for the model.
	Gateway string
	// Show says that the tool asks before it shows a suggestion.
	Show bool
	Note string
}

// Levers are short names of those that the tool has, in the order of the table.
func (t *Tool) Levers() (names []string) {
	for _, l := range [...]struct {
		name string
		has  bool
	}{{"settings", t.Settings != ""}, {"files", t.File != ""}, {"words", t.Event != ""}, {"gateway", t.Gateway != ""}, {"show", t.Show}} {
		if l.has {
			names = append(names, l.name)
		}
	}
	return names
}

// Named returns the row of a tool, by its name in episodes or with the hook program.
func Named(name string) (Tool, bool) {
	all := Tools()
	i := slices.IndexFunc(all, func(t Tool) bool { return t.Name == name })
	if i < 0 {
		i = slices.IndexFunc(all, func(t Tool) bool { return t.Hook == name && name != "" })
	}
	if i < 0 {
		return Tool{}, false
	}
	return all[i], true
}

// Files are the instruction files that tools read in a repository, as patterns (path.Match) below its top; what has no slash is read in
// each folder. A release changes no other file by a diff.
func Files() []string {
	return []string{"AGENTS.md", "AGENTS.override.md", "AGENT.md", "CLAUDE.md", "GEMINI.md",
		".claude/CLAUDE.md", ".claude/rules/*.md", ".claude/rules/*/*.md",
		".github/copilot-instructions.md", ".github/instructions/*.instructions.md",
		".cursorrules", ".cursor/rules/*.mdc", ".cursor/rules/*/*.mdc",
		".clinerules", ".clinerules/*.md", ".roorules", ".roo/rules/*.md",
		".continue/rules/*.md", ".kiro/steering/*.md", ".windsurfrules", ".windsurf/rules/*.md",
		".agent/rules/*.md", ".agents/rules/*.md"}
}

// Reads reports whether a tool takes the file of that name, below the top of a repository, for instructions.
func Reads(name string) bool {
	return slices.ContainsFunc(Files(), func(pattern string) bool {
		if !strings.Contains(pattern, "/") {
			return path.Base(name) == pattern
		}
		is, _ := path.Match(pattern, name)
		return is
	})
}

// Heads of files that a tool takes into force only now and then, unless they say so.
const (
	headCursor   = "---\nalwaysApply: true\n---\n"
	headCopilot  = "---\napplyTo: \"**\"\n---\n"
	headWindsurf = "---\ntrigger: always_on\n---\n"
	headKiro     = "---\ninclusion: always\n---\n"
)

// Tools returns the table, those most used first.
func Tools() []Tool {
	return []Tool{
		{Name: "claude-code", Title: "Claude Code", Settings: "claude-code/managed-settings.json", File: ".claude/rules/headrace.md", Hook: "claude-code", Event: "SessionStart",
			Gateway: "ANTHROPIC_BASE_URL"},
		{Name: "copilot-cli", Title: "GitHub Copilot CLI", Settings: "copilot/policy.d/headrace.json", File: ".github/instructions/headrace.instructions.md", Head: headCopilot,
			Hook: "copilot", Event: "sessionStart", Gateway: "COPILOT_PROVIDER_BASE_URL", Note: "the gateway for models of one's own only"},
		{Name: "copilot-chat", Title: "GitHub Copilot in VS Code", Settings: "copilot/managed-settings.json", File: ".github/instructions/headrace.instructions.md", Head: headCopilot,
			Note: "its completions take no instructions"},
		{Name: "cursor", Title: "Cursor", Settings: "cursor/hooks.json", File: ".cursor/rules/headrace.mdc", Head: headCursor, Hook: "cursor", Event: "sessionStart",
			Note: "Tab takes no instructions"},
		{Name: "codex", Title: "OpenAI Codex", Settings: "codex/requirements.toml", File: "AGENTS.md", Hook: "codex", Event: "SessionStart", Gateway: "model_providers.NAME.base_url"},
		{Name: "gemini-cli", Title: "Gemini CLI", Settings: "gemini-cli/settings.json", File: "GEMINI.md", Hook: "gemini-cli", Event: "SessionStart", Gateway: "GOOGLE_GEMINI_BASE_URL"},
		{Name: "cline", Title: "Cline, Roo Code", File: ".clinerules/headrace.md", Hook: "cline", Event: "UserPromptSubmit", Gateway: "base URL of an OpenAI-compatible provider",
			Note: "words come again with each prompt"},
		{Name: "continue", Title: "Continue", File: ".continue/rules/headrace.md", Gateway: "apiBase of a model"},
		{Name: "kiro", Title: "Kiro", File: ".kiro/steering/headrace.md", Head: headKiro, Hook: "kiro", Event: "UserPromptSubmit", Note: "words come again with each prompt"},
		{Name: "grok", Title: "Grok Build", File: "AGENTS.md", Note: "what its hooks print is said nowhere to reach the model"},
		{Name: "opencode", Title: "OpenCode", File: "AGENTS.md", Gateway: "provider.NAME.options.baseURL"},
		{Name: "windsurf", Title: "Windsurf", File: ".windsurf/rules/headrace.md", Head: headWindsurf},
		{Name: "antigravity", Title: "Google Antigravity", File: ".agents/rules/headrace.md", Head: headWindsurf},
		{Name: "amp", Title: "Amp", File: "AGENTS.md"},
		{Name: "droid", Title: "Factory Droid", File: "AGENTS.md", Gateway: "base URL of a custom model"},
		{Name: "pi", Title: "pi", File: "AGENTS.md", Gateway: "baseUrl of a provider"},
		{Name: "poolside", Title: "poolside", File: "AGENTS.md", Note: "what its hooks may answer is not published"},
		{Name: "aider", Title: "Aider", Gateway: "--openai-api-base", Note: "it reads instructions only from files that its settings name"},
		{Name: "amazon-q", Title: "Amazon Q Developer"},
		{Name: "own", Title: "a tool of one's own", Gateway: "asks /v1/decide", Show: true, Note: "whoever makes a tool has it ask /v1/decide"},
	}
}
