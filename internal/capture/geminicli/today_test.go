// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

type prompted struct {
	Said    string
	Steps   int
	Verdict episode.Verdict
	By      episode.By
}

func prompts(t *testing.T, raw []byte) (all []prompted) {
	t.Helper()
	got, _ := capturetest.ReadAs(t, Source{}, "session-1.jsonl", raw)
	for _, e := range got {
		p := prompted{Said: e.Instruction, Steps: len(e.Steps)}
		if len(e.Decisions) > 0 {
			p.Verdict, p.By = e.Decisions[0].Verdict, e.Decisions[0].By
		}
		all = append(all, p)
	}
	return all
}

// The fixture is in the shape that 0.61 writes; what is said in it is made up. After a request was cancelled the tool
// writes the whole history again, under new ids.
func TestWhatTheToolWritesAgainIsNoPrompt(t *testing.T) {
	raw := capturetest.File(t, "testdata/chat-0.61.jsonl")
	want := []prompted{
		{"lift the gate", 4, episode.Accepted, episode.ByUnknown},
		{"now the sluice", 3, episode.Rejected, episode.ByPerson},
		{"what is left", 2, "", ""},
	}
	if d := cmp.Diff(want, prompts(t, raw)); d != "" {
		t.Error(d)
	}
	// As long as it is being written, it must not look like anything else either.
	lines := bytes.SplitAfter(raw, []byte("\n"))
	for n := range lines {
		for i, p := range prompts(t, bytes.Join(lines[:n], nil)) {
			if i >= len(want) || p.Said != want[i].Said {
				t.Errorf("after %d lines, prompt %d is %q", n, i, p.Said)
			}
		}
	}
}

func TestAHistoryThatIsWrittenAgainAndGoesOnIsFollowed(t *testing.T) {
	got := prompts(t, []byte(`{"sessionId":"s","projectHash":"h","startTime":"2026-05-01T08:00:00Z","kind":"main"}
{"id":"a0","timestamp":"2026-05-01T08:00:00Z","type":"user","content":[{"text":"<session_context>\nMill.\n</session_context>"}]}
{"id":"a1","timestamp":"2026-05-01T08:00:01Z","type":"user","content":[{"text":"lift the gate"}]}
{"id":"b0","timestamp":"2026-05-01T09:00:00Z","type":"user","content":[{"text":"<session_context>\nMill.\n</session_context>"}]}
{"id":"b1","timestamp":"2026-05-01T09:00:00Z","type":"user","content":[{"text":"lift the gate"}]}
{"id":"b2","timestamp":"2026-05-01T09:00:01Z","type":"user","content":[{"text":"and shut it"}]}
`))
	if d := cmp.Diff([]prompted{{Said: "lift the gate", Steps: 1}, {Said: "and shut it", Steps: 1}}, got); d != "" {
		t.Error(d)
	}
}
