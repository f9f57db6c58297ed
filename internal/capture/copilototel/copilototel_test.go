// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/parts"
	"github.com/headrace/headrace/internal/sharedtest"
)

func database1(t testing.TB) string {
	t.Helper()
	return capturetest.Database(t, string(capturetest.File(t, "testdata/spans.sql")))
}

// The expected numbers of the reference, section 19.
func TestTheRecordedDatabaseIsCountedExactly(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, filepath.Join(sharedtest.Dir(t, "corpus/copilot"), "git-ai/copilot-otel/traces.db"))
	for kind, want := range map[string]int{"spans": 24, "span_attributes": 346, "span_events": 12, "span_attributes/gen_ai.input.messages": 11, "execute_tool": 5, "execute_hook": 8} {
		if got := rep.Kinds[kind]; got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	// Of eight traces, six are titles, words to show while it works, and one tool's work for another.
	if len(all) != 2 || rep.Lines != 36 || rep.Unparsable != 0 || rep.Prompts != 2 || rep.ToolUses != 4 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	// What the agent's own span says that all its requests took.
	for i, want := range []episode.Usage{{InputTokens: 35515 - 20736, OutputTokens: 729, CacheReadTokens: 20736}, {InputTokens: 34076 - 19456, OutputTokens: 177, CacheReadTokens: 19456}} {
		if d := cmp.Diff(&want, all[i].Usage); d != "" {
			t.Errorf("usage of episode %d: %s", i, d)
		}
	}
	for i, tool := range []string{"apply_patch", "insert_edit_into_file"} {
		e := all[i]
		if len(e.Steps) != 4 || len(e.Suggestions) != 1 || e.Suggestions[0].Step != 2 || e.Suggestions[0].After == "" || !strings.HasPrefix(e.Instruction, "add ") ||
			strings.Contains(e.Steps[0].Message, "<userRequest>") || e.Repository == "" || e.Model.Provider != "openai" {
			t.Errorf("%+v", e)
			continue
		}
		// What ran the call and the request that wanted it are one step, and what came back is a text.
		if st := e.Steps[2]; st.ToolCalls[0].Name != tool || !strings.HasPrefix(st.Observation.Results[0].Content, "The following files were successfully edited:") {
			t.Errorf("%+v", st)
		}
		if d := e.Decisions; len(d) != 1 || d[0].Verdict != episode.Accepted || d[0].By != episode.ByUnknown {
			t.Errorf("%+v", d)
		}
	}
}

func TestADatabaseOfSpansBecomesAnEpisodePerTrace(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, database1(t))
	if len(all) != 1 || rep.Lines != 9 || rep.Prompts != 1 || rep.ToolUses != 1 || rep.Rejections != 1 || rep.RejectionsWithReason != 1 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	capturetest.Same(t, []capturetest.Row{
		{ID: "call_1", Kind: episode.KindEdit, Path: "/src/gate.go", Before: "shut", After: "open", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "call_2", Kind: episode.KindCommand, After: "rm -r sluice", Verdict: episode.Rejected, By: episode.ByHook, Reason: "the sluice stays"},
	}, capturetest.Suggested(all))
	e := all[0]
	if e.ID != episode.NewID(Tool, "0000000000000000000000000000000a") || e.Session != "mill-1" || e.Instruction != "lift the gate" || e.Repository != "https://git.example/mill/weir" ||
		e.Model.Name != "gpt-5" || len(e.Artifacts) != 1 || e.Artifacts[0].Kind != episode.ArtifactRules || e.Artifacts[0].Text != "Close what you open." {
		t.Errorf("%+v", e)
	}
	var told []string
	for _, s := range e.Steps {
		told = append(told, fmt.Sprintf("%s %s %s %d", s.Source, s.Message, s.Reasoning, len(s.ToolCalls)))
	}
	if d := cmp.Diff([]string{"user lift the gate  0", "agent Lifting. a gate lifts 2", "system   0", "agent The gate is open.  0"}, told); d != "" {
		t.Error(d)
	}
	if r := e.Steps[1].Observation.Results; len(r) != 1 || r[0].Content != "edited: gate.go" {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 60, OutputTokens: 7, CacheReadTokens: 10}, e.Usage); d != "" {
		t.Error(d)
	}
}

func TestAFileOfEachFormBecomesTheSameEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/otel.jsonl")
	for kind, want := range map[string]int{"span": 5, "log": 5, "metric": 2, "empty": 1, "resourceLogs": 1, "resourceSpans": 1, "chat": 2, "execute_tool": 2} {
		if got := rep.Kinds[kind]; got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	var got []string
	for _, e := range all {
		got = append(got, e.Session+": "+e.Instruction)
	}
	if d := cmp.Diff([]string{"mill-2: dig a sluice", "mill-2: ", "mill-3: ", "mill-4: oil the wheel", "mill-5: "}, got); d != "" {
		t.Fatal(d)
	}
	if rep.Lines != 16 || rep.Unparsable != 1 || rep.Prompts != 2 {
		t.Errorf("%+v", rep.Counts)
	}
	capturetest.Same(t, []capturetest.Row{
		{ID: "call_3", Kind: episode.KindFile, Path: "/src/sluice.ts", After: "export {}", Verdict: episode.Accepted, By: episode.ByUnknown},
		{Kind: episode.KindEdit, Verdict: episode.Accepted, By: episode.ByPerson}, // a hunk
		{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByPerson}, // a file
		{ID: "req-1", Kind: episode.KindEdit},                                     // all edits of the request, of which some survived
		{Kind: episode.KindEdit, Verdict: episode.Accepted, By: episode.ByPerson}, // inline
		{ID: "call_5", Kind: episode.KindCommand, After: "make wheel", Verdict: episode.Accepted, By: episode.ByUnknown},
	}, capturetest.Suggested(all))
	request := all[1]
	if len(request.Outcomes) != 2 || request.Outcomes[0].Window != "30s" || len(request.Ratings) != 1 || request.Ratings[0].Value != 1 || request.Tool.Version != "1.120.0" || request.StartedAt.Unix() != 1780000110 {
		t.Errorf("%+v", request)
	}
	if e := all[0]; e.StartedAt.Nanosecond() != 500000000 || e.Steps[1].Observation.Results[0].Content != "made" || e.Usage.InputTokens != 12 {
		t.Errorf("%+v", e)
	}
}

// A row for each value of section 16.1 of the reference.
func TestEveryOutcomeMeansThis(t *testing.T) {
	for _, c := range []struct{ event, attributes, want string }{
		{"edit.feedback", `"outcome":"accepted"`, "accepted person"},
		{"edit.feedback", `"outcome":"saved"`, "accepted unknown"}, // nobody looked at it
		{"edit.feedback", `"outcome":"rejected"`, "rejected person"},
		{"edit.feedback", `"outcome":"unknown"`, ""},
		{"edit.hunk.action", `"outcome":"accepted"`, "accepted person"},
		{"edit.hunk.action", `"outcome":"saved"`, "accepted unknown"},
		{"edit.hunk.action", `"outcome":"rejected"`, "rejected person"},
		{"edit.hunk.action", `"outcome":"new in 2027"`, ""},
		{"inline.done", `"accepted":true`, "accepted person"},
		{"inline.done", `"accepted":false`, "rejected person"},
	} {
		all, _ := capturetest.ReadText(t, Source{}, "o.jsonl", `{"hrTime":[1780000000,0],"_body":"`+c.event+`","attributes":{"event.name":"copilot_chat.`+c.event+`","request_id":"r",`+c.attributes+`}}`)
		got := ""
		for _, d := range all[0].Decisions {
			got += string(d.Verdict) + " " + string(d.By)
		}
		if got != c.want || len(all) != 1 || len(all[0].Suggestions) != 1 {
			t.Errorf("%s %s: %q, want %q", c.event, c.attributes, got, c.want)
		}
	}
}

// What is read from the store is merged with what was sent, and joined with the editor's history, by these.
func TestAnEpisodeIsKnownAsTheTelemetryThatItIs(t *testing.T) {
	all, _ := capturetest.Read(t, Source{}, "testdata/otel.jsonl")
	for _, e := range all {
		b, err := episode.Append(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		if e, err = episode.Decode(b); err != nil || !otlp.Tells(e) {
			t.Errorf("%s is not told by telemetry: %v", e.ID, err)
		}
	}
	if d := cmp.Diff([]string{"mill-2\x00call_3", "\x00response\x00resp-3", "mill-2\x00call_3"}, parts.Keys(parts.Events, all[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{episode.NewID("copilot-chat", "req-1")}, parts.Episodes(parts.Events, all[1])); d != "" {
		t.Error(d)
	}
}

func TestNoOtherToolsFileIsTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 1, "copilot/git-ai/copilot-otel/traces.db")
	others, _ := capture.Walk("..")
	for _, f := range others {
		if ours := strings.Contains(f.Path, "copilototel"); !strings.Contains(f.Path, "fuzz") && ours != (Source{}).Detect(capturetest.File(t, f.Path), f.Path) {
			t.Errorf("%s: ours is %v", f.Path, ours)
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "otel.jsonl",
		`{"name":"chat","startTime":[1e9,"x"],"attributes":{"copilot_chat.chat_session_id":{"a":[]},"gen_ai.operation.name":"chat"},"resource":{"_rawAttributes":[["a"],["service.name","copilot-chat",1],1]}}`,
		`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"execute_hook"}]}]}]}`)
}

func FuzzDatabase(f *testing.F) {
	capturetest.FuzzDatabase(f, Source{}, capturetest.File(f, database1(f)))
}
