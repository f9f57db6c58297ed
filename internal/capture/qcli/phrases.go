// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
)

// What the command lines write in the person's place: there are no fields for it.
const (
	denied      = "I deny this tool request. Ask a follow up question clarifying the expected action"
	interrupted = "The user interrupted the tool execution."
	forbidden   = " was rejected because the arguments supplied were forbidden"
	cancelled   = "Tool use was cancelled by the user"
	blocked     = "PreToolHook blocked the tool execution:"
	automated   = "[SYSTEM NOTE: This is an automated request, not from the user]"
)

// What the later engine writes as the answer to a call that it asked about.
const (
	refusal    = "Tool use was denied by the user."
	because    = " Reason: "
	saidNo     = "User denied tool execution"
	wentAway   = "User cancelled"
	noAnswer   = "Unknown response"
	leftBehind = "Tool use was approved, but did not execute"
)

// written reports whether a prompt is one of those that the program writes itself.
func written(prompt string) bool {
	prompt = strings.TrimSpace(prompt)
	return strings.HasPrefix(prompt, automated) || strings.Trim(strings.ReplaceAll(prompt, cancelled, ""), " ") == "" && prompt != "" ||
		slices.Contains([]string{
			"In a few words, summarize our conversation so far.",
			"You took too long to respond - try to split up the work into smaller steps.",
			"The conversation history has overflowed, clearing state",
			"<tool result redacted>",
		}, prompt)
}

// Blocked is the decision of a hook that a call's result tells of, or none.
func Blocked(text string) Decision {
	if reason, ok := strings.CutPrefix(text, blocked); ok {
		return Decision{Verdict: episode.Rejected, By: episode.ByHook, Reason: strings.TrimSpace(reason)}
	}
	return Decision{}
}

// Asked is the decision that the later engine's result of a failed call tells of, or none. "Cancelled by the user" stands
// there too where one call of several was blocked, so it does not show a person.
func Asked(text string) Decision {
	text = strings.TrimSpace(text)
	if d := Blocked(text); d.Verdict != "" {
		return d
	}
	if text == leftBehind { // another one was refused
		return Decision{Verdict: episode.Accepted, By: episode.ByPerson}
	}
	if strings.HasPrefix(text, cancelled) {
		return Decision{Verdict: episode.Cancelled, By: episode.ByUnknown}
	}
	rest, ok := strings.CutPrefix(text, refusal)
	if !ok {
		return Decision{}
	}
	switch reason := strings.TrimPrefix(rest, because); reason {
	case "", saidNo:
		return Decision{Verdict: episode.Rejected, By: episode.ByPerson}
	case wentAway:
		return Decision{Verdict: episode.Cancelled, By: episode.ByUnknown}
	case noAnswer:
		return Decision{Verdict: episode.Rejected, By: episode.ByUnknown}
	default:
		return Decision{Verdict: episode.Rejected, By: episode.ByPerson, Reason: reason}
	}
}
