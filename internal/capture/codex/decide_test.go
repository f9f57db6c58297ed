// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The row of section 16.1 of the reference, as far as a rollout tells it: it does not hold the answers to approval requests.
func TestEveryDecisionIsMapped(t *testing.T) {
	output := func(text string) string {
		return fmt.Sprintf(`"type":"response_item","payload":{"type":"function_call_output","call_id":"k","output":%q}`, text)
	}
	event := func(payload string) string { return `"type":"event_msg","payload":{` + payload + `}` }
	guardian := func(status string) string {
		return event(`"type":"guardian_assessment","target_item_id":"k","status":"` + status + `"`)
	}
	for _, c := range []struct {
		name, source, policy string
		after                []string
		verdict              episode.Verdict
		by                   episode.By
	}{
		{"it was run", "cli", "on-request", []string{output("ok")}, episode.Accepted, episode.ByUnknown},
		{"it was run, and nobody is ever asked", "cli", "never", []string{output("ok")}, episode.Accepted, episode.ByRule},
		{"the reviewer approved", "cli", "on-request", []string{guardian("approved"), output("ok")}, episode.Accepted, episode.ByModel},
		{"the reviewer denied", "cli", "on-request", []string{guardian("denied"), output("exec command rejected: too risky")}, episode.Rejected, episode.ByModel},
		{"the reviewer is still at it", "cli", "on-request", []string{guardian("in_progress")}, "", ""},
		{"the reviewer gave up", "cli", "on-request", []string{guardian("timed_out")}, "", ""},
		{"no, at the terminal", "cli", "on-request", []string{output("exec command rejected by user")}, episode.Rejected, episode.ByPerson},
		{"no, in the editor", "vscode", "on-request", []string{output("exec command rejected by user")}, episode.Rejected, episode.ByPerson},
		{"no, in a script", "exec", "on-request", []string{output("exec command rejected by user")}, episode.Rejected, episode.ByUnknown},
		{"stopped while it ran", "cli", "on-request", []string{output("aborted by user after 3.2s")}, episode.Cancelled, episode.ByPerson},
		{"stopped while it ran, in a script", "exec", "on-request", []string{output("aborted by user after 3.2s")}, episode.Cancelled, episode.ByUnknown},
		{"the turn was interrupted", "cli", "on-request", []string{event(`"type":"turn_aborted","reason":"interrupted"`)}, episode.Cancelled, episode.ByPerson},
		{"the turn was replaced by another", "cli", "on-request", []string{event(`"type":"turn_aborted","reason":"replaced"`)}, episode.Cancelled, episode.ByUnknown},
		{"the turn was interrupted, in a script", "exec", "on-request", []string{event(`"type":"turn_aborted","reason":"interrupted"`)}, episode.Cancelled, episode.ByUnknown},
		{"nothing came back", "cli", "on-request", nil, "", ""},
	} {
		text := fmt.Sprintf(`{"timestamp":"2026-04-01T09:00:00Z","type":"session_meta","payload":{"id":"c","cwd":"/m","source":%q}}
{"timestamp":"2026-04-01T09:00:00Z","type":"turn_context","payload":{"turn_id":"t","approval_policy":%q,"model":"gpt-5-codex"}}
{"timestamp":"2026-04-01T09:00:01Z","type":"event_msg","payload":{"type":"user_message","message":"turn the wheel"}}
{"timestamp":"2026-04-01T09:00:02Z","type":"response_item","payload":{"type":"function_call","name":"shell","arguments":"{\"command\":[\"turn\"]}","call_id":"k"}}
`, c.source, c.policy)
		for _, r := range c.after {
			text += `{"timestamp":"2026-04-01T09:00:03Z",` + r + "}\n"
		}
		all, _ := read(t, []byte(text))
		if have := capturetest.Suggested(all); len(have) != 1 || have[0].After != "turn" || have[0].Verdict != c.verdict || have[0].By != c.by {
			t.Errorf("%s: %+v, want %s by %q", c.name, have, c.verdict, c.by)
		}
	}
}

func TestAPatchSaysItselfWhatBecameOfIt(t *testing.T) {
	for _, c := range []struct {
		end, policy string
		verdict     episode.Verdict
		by          episode.By
	}{
		{`"success":true`, "on-request", episode.Accepted, episode.ByUnknown},
		{`"success":"true"`, "never", episode.Accepted, episode.ByRule},
		{`"success":false,"status":"declined"`, "on-request", episode.Rejected, episode.ByUnknown},
		{`"success":false,"status":"failed"`, "on-request", "", ""},
	} {
		text := `{"type":"session_meta","payload":{"id":"c","source":"cli"}}
{"type":"turn_context","payload":{"approval_policy":"` + c.policy + `"}}
{"type":"event_msg","payload":{"type":"user_message","message":"turn the wheel"}}
{"type":"response_item","payload":{"type":"custom_tool_call","name":"apply_patch","call_id":"k","input":"*** Begin Patch\n*** Update File: a.go\n@@\n-still\n+turning\n*** End Patch"}}
{"type":"event_msg","payload":{"type":"patch_apply_end","call_id":"k",` + c.end + `}}
{"type":"response_item","payload":{"type":"custom_tool_call_output","call_id":"k","output":"done"}}
`
		all, _ := read(t, []byte(text))
		if have := capturetest.Suggested(all); len(have) != 1 || strings.TrimSpace(have[0].After) != "turning" || have[0].Verdict != c.verdict || have[0].By != c.by {
			t.Errorf("%s, %s: %+v, want %s by %q", c.end, c.policy, have, c.verdict, c.by)
		}
	}
}

// A record that a file holds twice is one call: that of a resumed session, say.
func TestACallThatIsToldTwiceIsOneSuggestion(t *testing.T) {
	call := `{"type":"response_item","payload":{"type":"function_call","name":"shell","arguments":"{\"command\":[\"turn\"]}","call_id":"plan-0"}}` + "\n"
	plan := `{"type":"event_msg","payload":{"type":"item_completed","item":{"type":"Plan","text":"1. turn"}}}` + "\n"
	head := `{"type":"session_meta","payload":{"id":"c","source":"cli"}}
{"type":"event_msg","payload":{"type":"user_message","message":"turn the wheel"}}
`
	for _, text := range []string{head + call + plan + call, head + plan + call + call} { // and the id is as those that are made up
		all, _ := read(t, []byte(text))
		if len(capturetest.Suggested(all)) == 0 {
			t.Error("no suggestion")
		}
	}
	all, _ := read(t, []byte(head+call+call))
	capturetest.Same(t, []capturetest.Row{{ID: "plan-0", Kind: episode.KindCommand, After: "turn"}}, capturetest.Suggested(all))
}
