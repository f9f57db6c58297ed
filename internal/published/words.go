// SPDX-License-Identifier: Apache-2.0

package published

import "strings"

// lever says what a release of a kind moves.
func lever(kind string) string {
	switch kind {
	case "", "filter":
		return "Show or hide a suggestion"
	case "route":
		return "Which model answers"
	case "instructions":
		return "Instruction files"
	}
	return kind
}

// check says what the gate looked at under a code, and in what unit it counted.
func check(code string) (name, unit string) {
	switch code {
	case "no-candidate":
		return "Something to judge.", "candidate"
	case "developers":
		return "Enough developers.", "developers"
	case "propensity":
		return "Known chances.", "decisions"
	case "sample":
		return "Enough independent decisions.", "independent decisions"
	case "weight":
		return "No decision counts for many.", "share of the weight"
	case "support":
		return "Nothing that was never tried.", "decisions"
	case "guardrail":
		return "No harm beside it.", ""
	case "drift":
		return "New decisions are like old ones.", "population stability index"
	case "concentration":
		return "Nobody is most of it.", "share of the decisions"
	case "gain":
		return "Helps for sure.", "reward per decision"
	}
	return strings.ReplaceAll(code, "_", " ") + ".", ""
}

// rail says what a guardrail measures.
func rail(name string) string {
	switch name {
	case "show_rate":
		return "shown"
	case "accept_rate":
		return "taken, of what is shown"
	case "kept_rate":
		return "kept, of what was taken"
	case "reverted_rate":
		return "reverted, of what was taken"
	case "accepts_kept":
		return "still shown, of what was taken"
	}
	return strings.ReplaceAll(name, "_", " ")
}

// words says what an alarm looks for.
func words(code string) string {
	switch code {
	case "broken-calls":
		return "Broken tool calls."
	case "questions":
		return "Questions that put off work."
	case "short-and-easy":
		return "Short, easy suggestions."
	case "undone":
		return "What is undone again."
	case "show-rate":
		return "Hardly anything shown."
	}
	return strings.ReplaceAll(code, "-", " ") + "."
}
