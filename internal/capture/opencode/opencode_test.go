// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/sharedtest"
)

const anchor = "testdata/storage/session/proj_mill/ses_gate.json"

func fixture(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/opencode.sql")
	if err != nil {
		t.Fatal(err)
	}
	return capturetest.Database(t, string(b))
}

func TestASessionSpreadOverFilesIsReadFromItsOwn(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, anchor)
	want := []capturetest.Row{
		{ID: "call_edit", Kind: episode.KindEdit, Path: "/src/mill/gate.go", Before: "0", After: "1", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_no", Kind: episode.KindCommand, After: "make flood", Verdict: episode.Rejected, By: episode.ByUnknown},
		{ID: "call_because", Kind: episode.KindCommand, After: "rm sluice", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "the sluice is old"},
		{ID: "call_ruled", Kind: episode.KindCommand, After: "read", Verdict: episode.Rejected, By: episode.ByRule},
		{ID: "call_open", Kind: episode.KindCommand, After: "make drain", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "call_write", Kind: episode.KindFile, Path: "/src/mill/log.py", Before: "days = 0\n", After: "days = 1\n", Verdict: episode.Accepted, By: episode.ByUnknown},
	}
	// The read tool's path is not part of the suggestion: it is the call that was refused.
	capturetest.Same(t, want, capturetest.Suggested(all))
	if len(all) != 3 || rep.Lines != 1 || rep.Prompts != 3 || rep.ToolUses != 6 || rep.ToolResults != 5 || rep.Errors != 3 || rep.Rejections != 3 ||
		rep.RejectionsWithReason != 1 || rep.Interrupts != 1 || rep.Patches != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	e := all[0]
	if e.ID != episode.NewID(Name, "msg_1") || e.Instruction != "raise the gate" || e.Session != "ses_gate" || e.Repository != "/src/mill" || e.Model.Provider != "anthropic" || len(e.Steps) != 3 {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 110, OutputTokens: 22, CacheReadTokens: 50, CacheWriteTokens: 5, CostUSD: 0.03}, e.Usage); d != "" {
		t.Errorf("the steps' figures count, not the message's: %s", d)
	}
	for _, st := range all[0].Steps {
		for i := range st.ToolCalls {
			if st.Observation != nil && st.Observation.Results[i].Error {
				t.Errorf("%s: a refusal is no error", st.ToolCalls[i].ID)
			}
		}
	}
	if all[1].Instruction != "drain the pond" || all[1].Usage.InputTokens != 7 {
		t.Errorf("%+v", all[1])
	}
}

func TestWhatThePersonWentBackBeforeIsAbandonedAndReverted(t *testing.T) {
	for name, path := range map[string]string{"files": anchor, "rows": fixture(t)} {
		all, _ := capturetest.Read(t, Source{}, path)
		for _, e := range all {
			back := e.Instruction == "write a log" || e.Instruction == "with moss"
			if got := e.Links != nil && e.Links.AbandonedBranch; got != back {
				t.Errorf("%s: %q abandoned: %v", name, e.Instruction, got)
			}
			if back && (len(e.Outcomes) != 1 || e.Outcomes[0].Kind != episode.OutcomeReverted || e.Decisions[0].Verdict != episode.Accepted) {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func TestADatabaseIsRead(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, fixture(t))
	if len(all) != 3 || rep.Prompts != 2 || rep.Lines != 11 || rep.Unparsable != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{ID: "answer-1", Kind: episode.KindAnswer, After: "First the stones", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "call_patch", Kind: episode.KindEdit, Path: "weir.go", Before: "gap\n", After: "moss\n", Verdict: episode.Accepted, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	if e := all[0]; e.Tool.Version != "1.4.0" || e.Usage.CostUSD != 0.25 || e.ID != episode.NewID(Name, "msg_a") {
		t.Errorf("%+v", e)
	}
	if e := all[2]; e.Session != "ses_b" || e.Instruction != "" || e.Steps[0].Source != episode.SourceAgent {
		t.Errorf("the prompt of a subagent is taken for a person's: %+v", e)
	}
}

func TestRecordedSessionsAreRead(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/opencode")
	for name, want := range map[string][4]int{ // episodes, prompts, tool uses, interrupts
		"agent-sessions/opencode/storage_legacy/session/proj_test/ses_s_stage0_drift.json": {0, 0, 0, 0},
		"agent-sessions/opencode/storage_v2/session/proj_test/ses_s_stage0_small.json":     {1, 1, 1, 0},
		"agent-sessions/opencode/storage_v2/session/proj_test/ses_s_stage0_large.json":     {2, 2, 0, 1},
		"agent-sessions/opencode/storage_v2/message/s_stage0_large/msg_0002.json":          {0, 0, 0, 0},
		"agent-sessions/opencode/storage_v2/part/m_assistant_small/001.json":               {0, 0, 0, 0},
		"git-ai/opencode-storage/part/msg-assistant-001/prt-002.json":                      {0, 0, 0, 0},
		"git-ai/opencode-sqlite-empty/opencode.db":                                         {0, 0, 0, 0},
		"git-ai/opencode-sqlite/opencode.db":                                               {1, 0, 1, 0}, // begun by another session
	} {
		all, rep := capturetest.Read(t, Source{}, filepath.Join(dir, name))
		if got := [4]int{len(all), rep.Prompts, rep.ToolUses, rep.Interrupts}; got != want || rep.Unparsable != 0 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	all, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "git-ai/opencode-sqlite/opencode.db"))
	if got := capturetest.Suggested(all); len(got) != 1 || got[0].ID != "call-sql-001" || got[0].After == "" || got[0].Verdict != episode.Accepted || got[0].By != episode.ByUnknown {
		t.Errorf("%+v", got)
	}
}

func TestEveryFileOfAStoreIsRecognisedAndNothingElse(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 21, "opencode/")
}

// One row for each value of the decision map that the store can hold; replies themselves are not stored.
func TestEveryDecisionIsMapped(t *testing.T) {
	for _, row := range []struct {
		state, err string
		verdict    episode.Verdict
		by         episode.By
	}{
		{`"status":"completed"`, "", episode.Accepted, episode.ByUnknown},
		{`"status":"success"`, "", episode.Accepted, episode.ByUnknown},
		{`"status":"error","error":"The user rejected permission to use this specific tool call."`, "", episode.Rejected, episode.ByUnknown},
		{`"status":"error","error":"The user rejected permission to use this specific tool call with the following feedback: no"`, "", episode.Rejected, episode.ByPerson},
		{`"status":"error","error":"The user has specified a rule which prevents you from using this specific tool call."`, "", episode.Rejected, episode.ByRule},
		{`"status":"error","error":"Tool execution aborted"`, "MessageAbortedError", episode.Cancelled, episode.ByUnknown},
		{`"status":"running"`, "MessageAbortedError", episode.Cancelled, episode.ByUnknown},
		{`"status":"running"`, "", "", ""},
		{`"status":"pending"`, "", "", ""},
		{`"status":"error","error":"exit 1"`, "", "", ""},
		{`"status":"error","error":"permission denied"`, "", "", ""},
	} {
		script := `CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, data TEXT); CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, data TEXT);
			INSERT INTO message VALUES ('m', 's', 1, '{"role":"assistant","error":{"name":"` + row.err + `"}}');
			INSERT INTO part VALUES ('p', 'm', '{"type":"tool","tool":"bash","callID":"c","state":{"input":{"command":"make"},` + row.state + `}}');`
		all, _ := capturetest.Read(t, Source{}, capturetest.Database(t, script))
		if got := capturetest.Suggested(all); len(got) != 1 || got[0].Verdict != row.verdict || got[0].By != row.by {
			t.Errorf("%s: %+v", row.state, got)
		}
	}
}

func TestNothingOutsideTheStorageIsOpened(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("secret/m.json", `{"id":"m","sessionID":"s","role":"user","summary":{"body":"a secret"}}`)
	if err := os.MkdirAll(filepath.Join(dir, "storage/message"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "storage/message/linked")); err != nil {
		t.Skip(err)
	}
	for i, id := range []string{"../../secret", "linked", "..", ".", "a/b", `a\b`} {
		path := write(fmt.Sprintf("storage/session/p/%d.json", i), fmt.Sprintf(`{"id":%q,"projectID":"p","directory":"/","time":{}}`, id))
		if all, _ := capturetest.Read(t, Source{}, path); len(all) != 0 {
			t.Errorf("%q: %+v", id, all[0])
		}
	}
}

func TestTheOldestLayoutIsReadToo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"session/info/ses.json":            `{"id":"ses","version":"0.3","title":"x","projectID":"","directory":"/src/mill","time":{"created":1}}`,
		"session/message/ses/msg_1.json":   `{"id":"msg_1","sessionID":"ses","role":"user"}`,
		"session/part/ses/msg_1/prt1.json": `{"id":"prt1","messageID":"msg_1","type":"text","text":"raise the gate"}`,
		"session/message/ses/msg_2.json":   `{"id":"msg_2","sessionID":"ses","role":"assistant","parts":[{"type":"text","text":"Raised."}]}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := capturetest.Read(t, Source{}, filepath.Join(dir, "session/info/ses.json"))
	if len(all) != 1 || all[0].Instruction != "raise the gate" || len(all[0].Steps) != 2 || all[0].Steps[1].Message != "Raised." {
		t.Errorf("%+v", all)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "session.json",
		`{"id":"ses","projectID":"p","directory":"/src","time":{"created":1},"revert":{"messageID":"m"}}`,
		`{"id":"m","sessionID":"s","role":"assistant","parts":[{"type":"tool","state":{"status":"error"}}]}`)
}

// FuzzMessages gives a session any two messages with any parts.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"role":"user","parts":[{"type":"text","text":"x"}]}`), []byte(`{"role":"assistant","error":{"name":"MessageAbortedError"},"parts":[{"type":"step-start"},{"type":"tool","tool":"edit","callID":"answer-1","state":{"status":"error","error":"Tool execution aborted"}},{"type":"text","text":"y"}]}`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var c capture.Counts
		var all []*episode.Episode
		s := newSession(&c, &document{ID: "s"}, func(e *episode.Episode) error { all = append(all, e); return nil })
		for _, raw := range [][]byte{one, two, one} {
			var m message
			if lax.Decode(raw, &m) {
				if err := s.message(&m, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
		capturetest.Check(t, Source{}, all)
	})
}
