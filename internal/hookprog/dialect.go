// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// dialect is what a tool wants to hear from its hook.
type dialect struct {
	tool string
	// empty is the answer that changes nothing.
	empty string
	// notice are the events with which a message to the user can be shown, and context those with which words to the model are
	// taken; none where the tool has no way to.
	notice, context string
	// say makes the answer of both, either of which may be empty.
	say func(event, notice, context string) string
}

// dialect tells how the call's tool is answered. Where nothing is the empty answer, nothing is what is said: Claude Code,
// Codex and Kiro take plain text for words to the model. No answer ever allows anything: that would be a decision.
//
// Where words to the model are taken is by each tool's reference of its hooks: additionalContext of Claude Code, Codex and Gemini
// CLI; the same word, at the top, of Copilot at the start of a session only; additional_context of Cursor there; contextModification
// of Cline; and what Kiro's hooks print. Grok and poolside do not say that they take any.
func (c *call) dialect() dialect {
	switch c.tool {
	case "claude-code":
		return dialect{tool: "Claude Code", notice: "SessionStart UserPromptSubmit PreToolUse PostToolUse Stop", context: "SessionStart", say: claudeShaped}
	case "codex":
		return dialect{tool: "Codex", notice: "SessionStart UserPromptSubmit PostToolUse Stop", context: "SessionStart", say: claudeShaped}
	case "gemini-cli":
		return dialect{tool: "Gemini CLI", empty: "{}\n", notice: "SessionStart BeforeAgent AfterAgent", context: "SessionStart", say: claudeShaped}
	case "copilot": // a line of progress is shown and taken out of the answer
		return dialect{tool: "Copilot", notice: "sessionStart userPromptSubmitted", context: "sessionStart", say: func(_, notice, context string) (answer string) {
			if notice != "" {
				answer = `{"type":"progress","message":` + quote(notice) + "}\n"
			}
			if context != "" {
				answer += `{"additionalContext":` + quote(context) + "}\n"
			}
			return answer
		}}
	case "cursor":
		if c.event == "beforeSubmitPrompt" {
			return dialect{empty: "{\"continue\":true}\n"}
		}
		return dialect{empty: "{}\n", context: "sessionStart", say: func(_, _, context string) string { return `{"additional_context":` + quote(context) + "}\n" }}
	case "cline":
		return dialect{empty: "{\"cancel\":false}\n", context: "UserPromptSubmit",
			say: func(_, _, context string) string {
				return `{"cancel":false,"contextModification":` + quote(context) + "}\n"
			}}
	case "kiro":
		return dialect{context: "UserPromptSubmit", say: func(_, _, context string) string { return strings.TrimRight(context, "\n") + "\n" }}
	}
	return dialect{} // Grok, poolside, and what we do not know
}

// claudeShaped is the answer that Claude Code made and others took over.
func claudeShaped(event, notice, context string) string {
	var members []string
	if notice != "" {
		members = append(members, `"systemMessage":`+quote(notice))
	}
	if context != "" {
		members = append(members, `"hookSpecificOutput":{"hookEventName":`+quote(event)+`,"additionalContext":`+quote(context)+"}")
	}
	return "{" + strings.Join(members, ",") + "}\n"
}

// among reports whether an event is one of those that a list names.
func among(event, list string) bool {
	return event != "" && strings.Contains(" "+list+" ", " "+event+" ")
}

// shows reports whether the notice can be shown with that event.
func (d dialect) shows(event string) bool { return among(event, d.notice) }

// answer is what the tool hears: the notice where it is due, and the words to the model where there are any and the tool takes
// them with that event.
func (d dialect) answer(event string, notice bool, context string) string {
	said := ""
	if notice && d.shows(event) {
		said = "Headrace records your work with " + d.tool + ": prompts, suggestions and what becomes of them. They rest sealed on this machine, " +
			"go to the edge you joined only, and are filtered there before anything may leave. See it with: headrace doctor. " +
			"Stop it with: headrace connect " + toolArg(d.tool) + " --undo"
	}
	if !among(event, d.context) {
		context = ""
	}
	if said == "" && context == "" {
		return d.empty
	}
	return d.say(event, said, context)
}

// toolArg is how the tool is named on the command line.
func toolArg(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }

// quote is a string of JSON. This program starts at each event of a tool, and encoding/json would be the largest part of it.
func quote(s string) string {
	b := append(make([]byte, 0, len(s)+len(s)/8+2), '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ' || r == 0x7f:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r) // what is no UTF-8 has become U+FFFD
		}
	}
	return string(append(b, '"'))
}
