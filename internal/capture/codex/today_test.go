// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"slices"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The fixture is in the shape that 0.171 writes; what is said in it is made up.
func TestARolloutOfTodayTellsPatchesAndTurns(t *testing.T) {
	got, rep := read(t, capturetest.File(t, "testdata/rollout-0.171.jsonl"))
	if len(got) != 2 || rep.Unparsable != 0 || rep.Patches != 1 || rep.Prompts != 2 {
		t.Fatalf("%d episodes, %+v", len(got), rep.Counts)
	}
	e := got[0]
	if len(e.Suggestions) != 1 || e.Suggestions[0].Path != "/m/gate.py" || e.Suggestions[0].After != "gate = \"open\"\n" {
		t.Errorf("%+v", e.Suggestions)
	}
	if len(e.Decisions) != 1 || e.Decisions[0].Verdict != episode.Accepted || e.Decisions[0].By != episode.ByUnknown {
		t.Errorf("%+v", e.Decisions)
	}
	if d := got[1].Decisions; len(d) != 1 || d[0].Verdict != episode.Cancelled || d[0].By != episode.ByPerson {
		t.Errorf("%+v", d)
	}
	for i, want := range []string{"turn-1", "turn-2"} {
		if ids := capture.MarkedPrompts(got[i]); !slices.Equal(ids, []string{want}) {
			t.Errorf("prompt %d has %q, want %s as its hooks do", i, ids, want)
		}
	}
}

func TestAnEndOfAPatchThatIsToldTwiceCountsOnce(t *testing.T) {
	got, rep := read(t, []byte(`{"timestamp":"2026-05-01T08:00:00Z","type":"session_meta","payload":{"id":"s","source":"cli"}}
{"timestamp":"2026-05-01T08:00:01Z","type":"event_msg","payload":{"type":"patch_apply_end","call_id":"c-1","success":true,"status":"completed","changes":{"/m/a.py":{"type":"add","content":"a = 1\n"}}}}
{"timestamp":"2026-05-01T08:00:01Z","type":"event_msg","payload":{"type":"item_completed","item":{"type":"FileChange","id":"c-1","status":"completed","changes":{"/m/a.py":{"type":"add","content":"a = 1\n"}}}}}
`))
	if len(got) != 1 || rep.Patches != 1 || len(got[0].Suggestions) != 1 || len(got[0].Decisions) != 1 {
		t.Errorf("%+v, %+v", got, rep.Counts)
	}
}

func TestAPatchThatWasDeclinedIsRejected(t *testing.T) {
	got, _ := read(t, []byte(`{"timestamp":"2026-05-01T08:00:00Z","type":"session_meta","payload":{"id":"s","source":"cli"}}
{"timestamp":"2026-05-01T08:00:01Z","type":"event_msg","payload":{"type":"item_completed","item":{"type":"FileChange","id":"c-1","status":"declined","changes":{"/m/a.py":{"type":"add","content":"a = 1\n"}}}}}
`))
	if len(got) != 1 || len(got[0].Decisions) != 1 || got[0].Decisions[0].Verdict != episode.Rejected {
		t.Errorf("%+v", got)
	}
}
