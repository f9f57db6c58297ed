// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"path"
	"strings"
)

const poolside = "poolside"

// Tool is our name for the tool that an agent belongs to, by the name that the agent gives itself or that its program or
// package has; empty where we do not know it.
func Tool(agent string) string {
	n := path.Base(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(agent)), `\`, "/"))
	n, _, _ = strings.Cut(n, "@") // a package's version
	n = strings.NewReplacer(" ", "-", "_", "-").Replace(strings.TrimSuffix(n, ".exe"))
	for _, end := range [...]string{"-acp", "-agent", "-cli", "-agent"} {
		n = strings.TrimSuffix(n, end)
	}
	switch n {
	case "claude", "claude-code", "claude-agent":
		return "claude-code"
	case "codex", "openai-codex":
		return "codex"
	case "gemini", "google-gemini":
		return "gemini-cli"
	case "pool", poolside, "poolside-pool":
		return poolside
	case "grok", "grok-build", "grok-shell":
		return "grok"
	case "copilot", "github-copilot":
		return "copilot-cli"
	case "cursor":
		return "cursor"
	case "kiro", "kiro-cli":
		return "kiro"
	case "mistral-vibe", "vibe":
		return "mistral-vibe"
	case "kimi", "kimi-code":
		return "kimi-cli"
	case "qwen", "qwen-code":
		return "qwen-code"
	case "droid", "factory-droid":
		return "droid"
	case "amp", "antigravity", "auggie", "cline", "goose", "junie", "opencode", "openhands", "pi":
		return n
	}
	return ""
}

// started is the tool that a command line starts, told by the first of its words that names one.
func started(command []string) string {
	for _, word := range command {
		if t := Tool(word); t != "" {
			return t
		}
	}
	return ""
}
