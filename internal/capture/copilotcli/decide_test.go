// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The row of section 16.1 of the reference, event by event: with the question before the answer, and without it.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, c := range []struct {
		kind        string
		asked, lone capturetest.Row
	}{
		{"approved", capturetest.Row{Verdict: episode.Accepted, By: episode.ByPerson}, capturetest.Row{Verdict: episode.Accepted, By: episode.ByUnknown}},
		{"approved-for-session", capturetest.Row{Verdict: episode.Accepted, By: episode.ByPerson}, capturetest.Row{Verdict: episode.Accepted, By: episode.ByUnknown}},
		{"approved-for-location", capturetest.Row{Verdict: episode.Accepted, By: episode.ByPerson}, capturetest.Row{Verdict: episode.Accepted, By: episode.ByUnknown}},
		{"denied-interactively-by-user", capturetest.Row{Verdict: episode.Rejected, By: episode.ByPerson, Reason: "not yet"}, capturetest.Row{Verdict: episode.Rejected, By: episode.ByPerson, Reason: "not yet"}},
		{"denied-by-rules", capturetest.Row{Verdict: episode.Rejected, By: episode.ByRule}, capturetest.Row{Verdict: episode.Rejected, By: episode.ByRule}},
		{"denied-by-content-exclusion-policy", capturetest.Row{Verdict: episode.Rejected, By: episode.ByRule}, capturetest.Row{Verdict: episode.Rejected, By: episode.ByRule}},
		{"denied-by-permission-request-hook", capturetest.Row{Verdict: episode.Rejected, By: episode.ByHook}, capturetest.Row{Verdict: episode.Rejected, By: episode.ByHook}},
		{"cancelled", capturetest.Row{Verdict: episode.Cancelled, By: episode.ByUnknown}, capturetest.Row{Verdict: episode.Cancelled, By: episode.ByUnknown}},
		{"denied-no-approval-rule-and-could-not-request-from-user", capturetest.Row{Verdict: episode.Cancelled, By: episode.ByUnknown}, capturetest.Row{Verdict: episode.Cancelled, By: episode.ByUnknown}},
		{"new-in-2027", capturetest.Row{}, capturetest.Row{}},
	} {
		feedback := ""
		if c.asked.Reason != "" {
			feedback = `,"feedback":"` + c.asked.Reason + `"`
		}
		for _, asked := range []bool{true, false} {
			text := `{"type":"session.start","data":{"sessionId":"s","version":1,"producer":"copilot-agent"},"id":"e1","timestamp":"2026-03-02T09:00:00Z","parentId":null}
{"type":"user.message","data":{"content":"turn the wheel"},"id":"e2","timestamp":"2026-03-02T09:00:01Z","parentId":null}
{"type":"assistant.message","data":{"messageId":"m","toolRequests":[{"toolCallId":"c","name":"bash","arguments":{"command":"turn"}}]},"id":"e3","timestamp":"2026-03-02T09:00:02Z","parentId":null}
`
			want := c.lone
			if asked {
				want = c.asked
				text += `{"type":"permission.requested","data":{"requestId":"p","permissionRequest":{"kind":"shell","toolCallId":"c"}},"id":"e4","timestamp":"2026-03-02T09:00:03Z","parentId":null}` + "\n"
			}
			text += `{"type":"permission.completed","data":{"requestId":"p","toolCallId":"c","result":{"kind":"` + c.kind + `"` + feedback + `}},"id":"e5","timestamp":"2026-03-02T09:00:05Z","parentId":null}` + "\n"
			all, _ := capturetest.ReadText(t, Source{}, "events.jsonl", text)
			have := capturetest.Suggested(all)
			if len(have) != 1 || have[0].Verdict != want.Verdict || have[0].By != want.By || have[0].Reason != want.Reason || have[0].After != "turn" {
				t.Errorf("%s, asked %v: %+v, want %+v", c.kind, asked, have, want)
			}
		}
	}
}
