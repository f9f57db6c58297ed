// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"testing"

	"github.com/headrace/headrace/episode"
)

// The cells of section 16.1 of the reference that a person is in, without a sign that there is one: then it is unknown who
// decided, whatever the tool's word. TestEveryDecisionValueIsMapped and TestWhoDecidedIsTakenFromTheSource have the rest.
func TestNoPersonIsClaimedWithoutASignOfOne(t *testing.T) {
	claude := func(decision, source, terminal, entry string) attrs {
		a := attrs{"name": "claude_code.tool_decision", "event.name": "tool_decision", "session.id": "s", "prompt.id": "p", "tool_name": "Write", "tool_use_id": "1", "decision": decision, "source": source}
		if terminal != "" {
			a["terminal.type"] = terminal
		}
		if entry != "" {
			a["app.entrypoint"] = entry
		}
		return a
	}
	codex := func(decision, source, originator string) attrs {
		return attrs{"name": "codex.tool_decision", "conversation.id": "c", "call_id": "1", "tool_name": "shell", "decision": decision, "source": source, "originator": originator}
	}
	gemini := func(decision string, success bool) attrs {
		return attrs{"name": "gemini_cli.tool_call", "session.id": "g", "prompt_id": "p", "function_name": "replace", "function_args": edit, "decision": decision, "success": success, "interactive": "false"}
	}
	grok := func(decision, source, entry string) attrs {
		return attrs{"name": "grok_code.tool_decision", "session.id": "x", "tool_name": "search_replace", "access_kind": "edit", "decision": decision, "source": source, "app.entrypoint": entry}
	}
	for _, c := range []struct {
		tool    string
		event   attrs
		verdict episode.Verdict
		by      episode.By
	}{
		{"claude-code", claude("accept", "user_temporary", "", ""), episode.Accepted, unknown},
		{"claude-code", claude("accept", "user_temporary", "xterm", "sdk-ts"), episode.Accepted, unknown},
		{"claude-code", claude("reject", "user_reject", "non-interactive", ""), episode.Rejected, unknown},
		{"claude-code", claude("reject", "user_reject", "xterm", "sdk-cli"), episode.Rejected, unknown},
		{"claude-code", claude("reject", "user_abort", "non-interactive", "cli"), episode.Cancelled, unknown},
		{"claude-code", claude("accept", "config", "", ""), episode.Accepted, rule},
		{"claude-code", claude("reject", "hook", "", ""), episode.Rejected, hook},
		{"codex", codex("approvedforsession", "user", "codex_exec"), episode.Accepted, unknown},
		{"codex", codex("approvedexecpolicyamendment", "user", "codex_sdk_ts"), episode.Accepted, unknown},
		{"codex", codex("denied", "user", "codex_exec"), episode.Rejected, unknown},
		{"codex", codex("approved", "user", "acme_review_bot"), episode.Accepted, unknown},
		{"codex", codex("abort", "user", "codex_mcp_server"), episode.Cancelled, unknown},
		{"codex", codex("approvedforsession", "automated_reviewer", "codex_exec"), episode.Accepted, model},
		{"codex", codex("approvedexecpolicyamendment", "AutomatedReviewer", "codex_cli_rs"), episode.Accepted, model},
		{"codex", codex("abort", "automated_reviewer", "codex_cli_rs"), episode.Cancelled, unknown},
		{"gemini-cli", gemini("accept", true), episode.Accepted, unknown},
		{"gemini-cli", gemini("reject", false), episode.Rejected, unknown},
		{"gemini-cli", gemini("reject", true), episode.Accepted, unknown},
		{"gemini-cli", gemini("modify", true), episode.Modified, unknown},
		{"grok", grok("deny", "user_reject", "headless"), episode.Rejected, unknown},
		{"grok", grok("cancelled", "user_abort", "agent"), episode.Cancelled, unknown},
		{"grok", grok("deny", "hook", "headless"), episode.Rejected, hook},
	} {
		got, _ := Episodes(records(t, c.tool, c.event))
		if len(got) != 1 || len(got[0].Decisions) != 1 {
			t.Errorf("%s %v: %d episodes", c.tool, c.event, len(got))
			continue
		}
		if d := got[0].Decisions[0]; d.Verdict != c.verdict || d.By != c.by {
			t.Errorf("%s %v: %s by %s, want %s by %s", c.tool, c.event, d.Verdict, d.By, c.verdict, c.by)
		}
	}
}
