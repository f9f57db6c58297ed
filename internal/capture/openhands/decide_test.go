// SPDX-License-Identifier: Apache-2.0

package openhands

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The row of section 16.1 of the reference; TestWhoAgreedIsWhatThePolicySays has the modes of confirmation.
func TestEveryDecisionIsMapped(t *testing.T) {
	const done = `{"kind":"ObservationEvent","id":"o","source":"environment","tool_call_id":"k","observation":{"content":[{"text":"dug"}]}}`
	for _, c := range []struct {
		name, policy string
		event        string
		want         capturetest.Row
	}{
		{"done, asked about", "AlwaysConfirm", done, capturetest.Row{Verdict: episode.Accepted, By: episode.ByPerson}},
		{"done, not asked about", "NeverConfirm", done, capturetest.Row{Verdict: episode.Accepted, By: episode.ByRule}},
		{"no", "AlwaysConfirm", `{"kind":"UserRejectObservation","id":"o","source":"environment","tool_call_id":"k","rejection_reason":"too deep","rejection_source":"user"}`,
			capturetest.Row{Verdict: episode.Rejected, By: episode.ByPerson, Reason: "too deep"}},
		{"no, of a version without a source", "AlwaysConfirm", `{"kind":"UserRejectObservation","id":"o","source":"environment","tool_call_id":"k","rejection_reason":"too deep"}`,
			capturetest.Row{Verdict: episode.Rejected, By: episode.ByPerson, Reason: "too deep"}},
		{"a hook's no", "AlwaysConfirm", `{"kind":"UserRejectObservation","id":"o","source":"environment","tool_call_id":"k","rejection_reason":"blocked","rejection_source":"hook"}`,
			capturetest.Row{Verdict: episode.Rejected, By: episode.ByHook, Reason: "blocked"}},
		{"the no of what comes later", "AlwaysConfirm", `{"kind":"UserRejectObservation","id":"o","source":"environment","tool_call_id":"k","rejection_source":"judge"}`,
			capturetest.Row{Verdict: episode.Rejected, By: episode.ByUnknown}},
		{"paused", "AlwaysConfirm", `{"kind":"PauseEvent","id":"o","source":"user"}`, capturetest.Row{Verdict: episode.Cancelled, By: episode.ByPerson}},
		{"interrupted", "NeverConfirm", `{"kind":"InterruptEvent","id":"o","source":"user","reason":"lunch"}`, capturetest.Row{Verdict: episode.Cancelled, By: episode.ByPerson, Reason: "lunch"}},
		{"interrupted by the program", "NeverConfirm", `{"kind":"InterruptEvent","id":"o","source":"environment"}`, capturetest.Row{Verdict: episode.Cancelled, By: episode.ByUnknown}},
		{"failed", "AlwaysConfirm", `{"kind":"AgentErrorEvent","id":"o","source":"agent","tool_call_id":"k","error":"no spade"}`, capturetest.Row{}},
		{"nothing yet", "AlwaysConfirm", `{"kind":"MessageEvent","id":"o","source":"agent","llm_message":{"content":[{"text":"Hm."}]}}`, capturetest.Row{}},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"base_state.json":           `{"id":"c","agent":{},"workspace":{},"execution_status":"idle","confirmation_policy":{"kind":"` + c.policy + `"}}`,
			"events/event-00000-a.json": `{"kind":"MessageEvent","id":"m","source":"user","llm_message":{"content":[{"text":"dig"}]}}`,
			"events/event-00001-b.json": `{"kind":"ActionEvent","id":"a","source":"agent","tool_name":"terminal","tool_call_id":"k","action":{"command":"dig"}}`,
			"events/event-00002-c.json": c.event,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		all, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "base_state.json"))
		c.want.Kind, c.want.After = episode.KindCommand, "dig"
		if have := capturetest.Suggested(all); len(have) != 1 || have[0].Verdict != c.want.Verdict || have[0].By != c.want.By || have[0].Reason != c.want.Reason {
			t.Errorf("%s: %+v, want %+v", c.name, have, c.want)
		}
	}
}
