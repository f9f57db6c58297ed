// SPDX-License-Identifier: Apache-2.0

package rules

import "strings"

// places are where a tool looks for instruction files: patterns below the folder it works in and each one above it to the
// top of the repository, below that top only, and below the person's own folder of the tool.
type places struct {
	up, repo []string
	first    bool // of up, only the first that a folder has
	own      own
}

// own is a folder below the home folder, or the one that the variable names.
type own struct {
	variable, dir, file string
	more                []string
}

// placesOf is where the tool looks, by its documentation; not known for a tool that has no such files, or whose history
// always tells them.
func placesOf(tool string) (p places, known bool) {
	agents := []string{"AGENTS.md"}
	switch tool {
	case "claude-code":
		p = places{up: []string{"CLAUDE.md", ".claude/CLAUDE.md", "CLAUDE.local.md"}, repo: []string{".claude/rules/*.md", ".claude/rules/*/*.md"},
			own: own{"CLAUDE_CONFIG_DIR", ".claude", "CLAUDE.md", []string{"rules/*.md"}}}
	case "codex":
		p = places{up: []string{"AGENTS.override.md", "AGENTS.md"}, first: true, own: own{"CODEX_HOME", ".codex", "AGENTS.md", nil}}
	case "gemini-cli":
		p = places{up: []string{"GEMINI.md"}, own: own{"", ".gemini", "GEMINI.md", nil}}
	case "antigravity":
		p = places{up: agents, repo: []string{".agent/rules/*.md", ".agents/rules/*.md"}, own: own{"", ".gemini", "GEMINI.md", nil}}
	case "cursor":
		p = places{up: agents, repo: []string{".cursorrules", ".cursor/rules/*.mdc", ".cursor/rules/*/*.mdc"}}
	case "copilot", "copilot-chat":
		p = places{up: agents, repo: []string{".github/copilot-instructions.md", ".github/instructions/*.instructions.md"}}
	case "copilot-cli":
		p = places{up: []string{"AGENTS.md", "CLAUDE.md", "GEMINI.md"}, repo: []string{".github/copilot-instructions.md", ".github/instructions/*.instructions.md"},
			own: own{"COPILOT_HOME", ".copilot", "copilot-instructions.md", nil}}
	case "windsurf":
		p = places{up: agents, repo: []string{".windsurfrules", ".windsurf/rules/*.md"}, own: own{"", ".codeium/windsurf/memories", "global_rules.md", nil}}
	case "cline":
		p = places{up: agents, repo: []string{".clinerules", ".clinerules/*.md", ".roorules", ".roo/rules/*.md"}, own: own{"", "Documents/Cline/Rules", "*.md", nil}}
	case "continue":
		p = places{repo: []string{".continue/rules/*.md"}, own: own{"CONTINUE_GLOBAL_DIR", ".continue", "rules/*.md", nil}}
	case "kiro":
		p = places{up: agents, repo: []string{".kiro/steering/*.md"}, own: own{"", ".kiro", "steering/*.md", nil}}
	case "amp":
		p = places{up: []string{"AGENTS.md", "AGENT.md"}, first: true, own: own{"", ".config/amp", "AGENTS.md", nil}}
	case "droid":
		p = places{up: agents, own: own{"", ".factory", "AGENTS.md", nil}}
	case "opencode":
		p = places{up: agents, own: own{"", ".config/opencode", "AGENTS.md", nil}}
	case "grok":
		p = places{up: agents, own: own{"GROK_HOME", ".grok", "AGENTS.md", nil}}
	case "pi":
		p = places{up: agents, own: own{"", ".pi/agent", "AGENTS.md", nil}}
	case "poolside":
		p = places{up: agents}
	default:
		return p, false
	}
	return p, true
}

// always reports whether a rule is in force whatever is worked on, as far as its front matter says: tools have one word
// each for a rule that is in force only with some files, or when the model or the person calls for it.
func always(text string) bool {
	rest, ok := strings.CutPrefix(strings.ReplaceAll(text, "\r\n", "\n"), "---\n")
	if !ok {
		return true
	}
	head, _, ok := strings.Cut(rest, "\n---")
	if !ok {
		return true
	}
	conditional, forced := false, false
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "-") {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"'[]`)
		switch strings.TrimSpace(key) {
		case "alwaysApply": // Cursor, Continue
			forced = forced || value == "true"
			conditional = conditional || value != "true"
		case "inclusion": // Kiro
			conditional = conditional || value != "always"
		case "trigger": // Windsurf, Antigravity
			conditional = conditional || value != "always_on"
		case "applyTo": // Copilot
			conditional = conditional || value != "**" && value != "**/*" && value != "*"
		case "paths", "globs": // Claude Code; Cursor, Continue, Cline
			conditional = conditional || value != "**" && value != "**/*"
		}
	}
	return forced || !conditional
}
