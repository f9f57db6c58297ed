// SPDX-License-Identifier: Apache-2.0

package continuedev

import (
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The row of section 16.1 of the reference: "accepted" on each event that has it, and what else takes its place.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, c := range []struct {
		event   string
		verdict episode.Verdict
		by      episode.By
	}{
		{`"eventName":"autocomplete","completion":"x","accepted":true`, episode.Accepted, episode.ByPerson},
		{`"eventName":"autocomplete","completion":"x","accepted":"true"`, episode.Accepted, episode.ByPerson},
		{`"eventName":"autocomplete","completion":"x","accepted":false`, episode.Ignored, episode.ByUnknown},
		{`"eventName":"autocomplete","completion":"x"`, "", ""},
		{`"eventName":"autocomplete","completion":"x","accepted":null`, "", ""},
		{`"eventName":"nextEditOutcome","completion":"x","accepted":true`, episode.Accepted, episode.ByPerson},
		{`"eventName":"nextEditOutcome","completion":"x","accepted":false`, episode.Ignored, episode.ByUnknown},
		{`"eventName":"nextEditOutcome","completion":"x","accepted":false,"aborted":true`, episode.Cancelled, episode.ByUnknown},
		{`"eventName":"nextEditOutcome","completion":"x"`, "", ""},
		{`"eventName":"editOutcome","previousCode":"a","newCode":"b","accepted":true`, episode.Accepted, episode.ByPerson},
		{`"eventName":"editOutcome","previousCode":"a","newCode":"b","accepted":false`, episode.Rejected, episode.ByPerson},
		{`"eventName":"editOutcome","previousCode":"a","newCode":"b"`, "", ""},
		{`"eventName":"toolUsage","toolCallId":"t","functionName":"edit","accepted":true`, episode.Accepted, episode.ByUnknown}, // perhaps by a rule
		{`"eventName":"toolUsage","toolCallId":"t","functionName":"edit","accepted":false`, episode.Rejected, episode.ByPerson},
		{`"eventName":"toolUsage","toolCallId":"t","functionName":"edit"`, "", ""},
		{`"eventName":"chatInteraction","prompt":"p","completion":"x","accepted":true`, "", ""}, // an answer is read, not taken
		{`"eventName":"chatFeedback","prompt":"p","completion":"x","feedback":false`, "", ""},   // a rating, no decision
	} {
		all, _ := read(t, []byte(`{"timestamp":"2026-01-02T03:04:05Z","schema":"0.2.0",`+c.event+"}\n"))
		if have := capturetest.Suggested(all); len(have) != 1 || have[0].Verdict != c.verdict || have[0].By != c.by {
			t.Errorf("%s: %+v, want %s by %q", c.event, have, c.verdict, c.by)
		}
	}
}
