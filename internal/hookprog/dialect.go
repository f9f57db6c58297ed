// SPDX-License-Identifier: Apache-2.0

package hookprog

import "strings"

// dialect is what a tool wants to hear from its hook.
type dialect struct {
	tool string
	// empty is the answer that changes nothing.
	empty string
	// notice begins and ends the answer that shows its user a message; empty where the tool has no way to.
	notice [2]string
	// on are the events with which the notice can be shown.
	on string
}

// dialect tells how the call's tool is answered. Where nothing is the empty answer, nothing is what is said: Claude Code,
// Codex and Kiro take plain text for words to the model. No answer ever allows anything: that would be a decision.
func (c *call) dialect() dialect {
	message := [2]string{`{"systemMessage":"`, "\"}\n"}
	switch c.tool {
	case "claude-code":
		return dialect{tool: "Claude Code", notice: message, on: " SessionStart UserPromptSubmit PreToolUse PostToolUse Stop "}
	case "codex":
		return dialect{tool: "Codex", notice: message, on: " SessionStart UserPromptSubmit PostToolUse Stop "}
	case "gemini-cli":
		return dialect{tool: "Gemini CLI", empty: "{}\n", notice: message, on: " SessionStart BeforeAgent AfterAgent "}
	case "copilot": // a line of progress is shown and taken out of the answer
		return dialect{tool: "Copilot", notice: [2]string{`{"type":"progress","message":"`, "\"}\n"}, on: " sessionStart userPromptSubmitted "}
	case "cursor":
		if c.event == "beforeSubmitPrompt" {
			return dialect{empty: "{\"continue\":true}\n"}
		}
		return dialect{empty: "{}\n"}
	case "cline":
		return dialect{empty: "{\"cancel\":false}\n"}
	}
	return dialect{} // Grok, Kiro, poolside, and what we do not know
}

// shows reports whether the notice can be shown with that event.
func (d dialect) shows(event string) bool {
	return event != "" && strings.Contains(d.on, " "+event+" ")
}

func (d dialect) answer(event string, notice bool) string {
	if !notice || !d.shows(event) {
		return d.empty
	}
	return d.notice[0] + "Headrace records your work with " + d.tool + ": prompts, suggestions and what becomes of them. They rest sealed on this machine, " +
		"go to the edge you joined only, and are filtered there before anything may leave. See it with: headrace doctor. " +
		"Stop it with: headrace connect " + toolArg(d.tool) + " --undo" + d.notice[1]
}

// toolArg is how the tool is named on the command line.
func toolArg(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
