// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"slices"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// In the shape that 2.1.332 writes; what is said in it is made up.
const asked = `{"parentUuid":null,"isSidechain":false,"promptId":"p-1","type":"user","message":{"role":"user","content":"lift the gate"},"uuid":"u-1","timestamp":"2026-05-01T08:00:00.000Z","permissionMode":"default","promptSource":"typed","entrypoint":"cli","sessionId":"s"}
{"parentUuid":"u-1","isSidechain":false,"message":{"id":"m-1","role":"assistant","model":"claude-opus-4-5","content":[{"type":"tool_use","id":"t-1","name":"Bash","input":{"command":"lift"}}]},"requestId":"r-1","type":"assistant","uuid":"u-2","timestamp":"2026-05-01T08:00:01.000Z","entrypoint":"cli","sessionId":"s"}
`

func TestWhatIsTypedAlongWithAYesIsItsReason(t *testing.T) {
	for name, c := range map[string]struct {
		entry, beside, reason string
		by                    episode.By
	}{
		"words of a person's at a terminal": {"cli", `{"type":"text","text":"and then test it"}`, "and then test it", episode.ByPerson},
		"a program's that runs the tool":    {"sdk-cli", `{"type":"text","text":"and then test it"}`, "and then test it", episode.ByUnknown},
		"the tool's own":                    {"cli", `{"type":"text","text":"<system-reminder>be brief</system-reminder>"}`, "", episode.ByUnknown},
		"another result":                    {"cli", `{"type":"tool_result","tool_use_id":"t-0","content":"x"},{"type":"text","text":"and then test it"}`, "", episode.ByUnknown},
	} {
		got, _ := read(t, asked+`{"parentUuid":"u-2","isSidechain":false,"promptId":"p-1","type":"user","message":{"role":"user","content":[{"tool_use_id":"t-1","type":"tool_result","content":"lifted","is_error":false},`+
			c.beside+`]},"uuid":"u-3","timestamp":"2026-05-01T08:00:02.000Z","entrypoint":"`+c.entry+`","sessionId":"s"}`+"\n")
		if len(got) != 1 || len(got[0].Decisions) != 1 {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if d := got[0].Decisions[0]; d.Verdict != episode.Accepted || d.By != c.by || d.Reason != c.reason {
			t.Errorf("%s: %+v, want by %s for %q", name, d, c.by, c.reason)
		}
	}
}

func TestAPromptKeepsTheIDThatHooksAndTelemetryHave(t *testing.T) {
	got, _ := read(t, asked+`{"parentUuid":"u-2","isSidechain":false,"promptId":"p-1","type":"user","message":{"role":"user","content":"only the left one"},"uuid":"u-3","timestamp":"2026-05-01T08:00:02.000Z","sessionId":"s"}
{"parentUuid":"u-3","isSidechain":true,"promptId":"p-2","type":"user","message":{"role":"user","content":"look for gates"},"uuid":"u-4","timestamp":"2026-05-01T08:00:03.000Z","sessionId":"s"}
`)
	var ids [][]string
	for _, e := range got {
		ids = append(ids, capture.MarkedPrompts(e))
	}
	if want := [][]string{{"p-1"}, nil, nil}; !slices.EqualFunc(ids, want, slices.Equal) {
		t.Errorf("%q, want %q: what is said meanwhile, and what the agent has a helper do, is not the prompt of that id", ids, want)
	}
}
