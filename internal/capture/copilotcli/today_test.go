// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"fmt"
	"slices"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// In the shape that 1.0.102 writes; what is said in it is made up.
func TestTheToolSaysItselfWhetherAPersonAnswered(t *testing.T) {
	for _, c := range []struct {
		answer, then string
		verdict      episode.Verdict
		by           episode.By
	}{
		{`"result":{"kind":"approved"},"decisionSource":"human_response"`, "", episode.Accepted, episode.ByPerson},
		{`"result":{"kind":"approved"},"decisionSource":"something_else"`, "", episode.Accepted, episode.ByUnknown},
		{`"result":{"kind":"approved"}`, "", episode.Accepted, episode.ByPerson}, // before it said so
		{`"result":{"kind":"denied-interactively-by-user","feedback":"not today"},"decisionSource":"human_response"`, "", episode.Rejected, episode.ByPerson},
		{`"result":{"kind":"cancelled","reason":"Session aborted"}`, "user_initiated", episode.Cancelled, episode.ByPerson},
		{`"result":{"kind":"cancelled","reason":"Session aborted"}`, "shutdown", episode.Cancelled, episode.ByUnknown},
	} {
		raw := fmt.Sprintf(`{"type":"session.start","data":{"sessionId":"s","copilotVersion":"1.0.102","context":{"cwd":"/m"}},"id":"1","timestamp":"2026-05-01T08:00:00.000Z"}
{"type":"user.message","data":{"content":"lift the gate","interactionId":"i-1"},"id":"2","timestamp":"2026-05-01T08:00:01.000Z"}
{"type":"assistant.message","data":{"content":"","toolRequests":[{"toolCallId":"c-1","name":"bash","arguments":{"command":"lift"}}],"interactionId":"i-1"},"id":"3","timestamp":"2026-05-01T08:00:02.000Z"}
{"type":"permission.requested","data":{"requestId":"r-1","permissionRequest":{"kind":"shell","toolCallId":"c-1"}},"id":"4","timestamp":"2026-05-01T08:00:03.000Z"}
{"type":"permission.completed","data":{"requestId":"r-1","toolCallId":"c-1",%s},"id":"5","timestamp":"2026-05-01T08:00:05.000Z"}
{"type":"abort","data":{"reason":%q},"id":"6","timestamp":"2026-05-01T08:00:05.000Z"}
`, c.answer, c.then)
		got, _ := capturetest.ReadAs(t, Source{}, "events.jsonl", []byte(raw))
		if len(got) != 1 || len(got[0].Decisions) != 1 {
			t.Errorf("%s: %+v", c.answer, got)
			continue
		}
		if d := got[0].Decisions[0]; d.Verdict != c.verdict || d.By != c.by {
			t.Errorf("%s, then %q: %s by %s, want %s by %s", c.answer, c.then, d.Verdict, d.By, c.verdict, c.by)
		}
		if ids := capture.MarkedPrompts(got[0]); !slices.Equal(ids, []string{"i-1"}) {
			t.Errorf("the prompt has %q, want the id that telemetry has", ids)
		}
	}
}
