// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// There is no recording of these events under an open licence: the payloads here are built from the documented tables.

type attrs map[string]any

// logs builds one export with the given events, each with its place in all as its sequence number.
func logs(t testing.TB, entry string, events ...attrs) plog.Logs {
	t.Helper()
	l := plog.NewLogs()
	rl := l.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "claude-code")
	rl.Resource().Attributes().PutStr("service.version", "2.1.240")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName(claudeScope + ".events")
	for i, a := range events {
		lr := sl.LogRecords().AppendEmpty()
		lr.Body().SetStr(claudePrefix + a["event.name"].(string))
		m := lr.Attributes()
		m.PutStr("session.id", "s-1")
		m.PutStr("prompt.id", "p-1")
		m.PutStr("user.email", "someone@example.invalid")
		m.PutStr("terminal.type", "xterm") // a script's too
		if entry != "" {
			m.PutStr("app.entrypoint", entry)
		}
		m.PutInt("event.sequence", int64(i))
		m.PutStr("event.timestamp", time.Date(2026, 5, 1, 8, 0, i, 0, time.UTC).Format(time.RFC3339Nano))
		for k, v := range a {
			if err := m.PutEmpty(k).FromRaw(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l
}

func turn() []attrs {
	return []attrs{
		{"event.name": "user_prompt", "prompt": "Double the ratio", "prompt_length": "16"},
		{"event.name": "api_request", "model": "claude-haiku-4-5", "input_tokens": 5, "output_tokens": "1", "query_source": "auxiliary"},
		{"event.name": "api_request", "model": "claude-opus-4-5", "input_tokens": "100", "output_tokens": 20, "cache_read_tokens": 7, "cost_usd": "0.25", "query_source": "main"},
		{"event.name": "tool_decision", "tool_name": "Edit", "tool_use_id": "t1", "decision": "accept", "source": "user_temporary"},
		{"event.name": "tool_result", "tool_name": "Edit", "tool_use_id": "t1", "success": "true", "decision_type": "accept", "decision_source": "user_temporary",
			"tool_input": `{"file_path":"/src/wheel.go","old_string":"1","new_string":"2"}`},
		{"event.name": "tool_decision", "tool_name": "Bash", "tool_use_id": "t2", "decision": "reject", "source": "user_reject", "tool_parameters": `{"full_command":"rm -r x"}`},
		{"event.name": "tool_result", "tool_name": "Bash", "tool_use_id": "t3", "success": "false", "error": "exit 1", "decision_type": "accept", "decision_source": "config",
			"tool_parameters": `{"full_command":"git commit","git_commit_id":"abc1234"}`},
		{"event.name": "assistant_response", "response": "Done."},
		{"event.name": "permission_mode_changed", "to_mode": "plan"},
	}
}

func TestOnePromptBecomesOneEpisode(t *testing.T) {
	got, c := Episodes(logs(t, "cli", turn()...))
	if len(got) != 1 || c.Lines != 9 || c.Prompts != 1 || c.ToolResults != 2 || c.Errors != 1 || c.Decisions[episode.Accepted][episode.ByPerson] != 1 {
		t.Fatalf("%d episodes, counts %+v", len(got), c)
	}
	e := got[0]
	if e.ID != episode.NewID("claude-code", "p-1") || e.Session != "s-1" || e.Instruction != "Double the ratio" || e.Model.Name != "claude-opus-4-5" ||
		e.Tool.Version != "2.1.240" || e.Developer != "" || e.Links == nil || e.Links.Commit != "abc1234" {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 105, OutputTokens: 21, CacheReadTokens: 7, CostUSD: 0.25}, e.Usage); d != "" {
		t.Error(d)
	}
	type row struct {
		ID, Path, After string
		Step            int
	}
	var have []row
	for _, s := range e.Suggestions {
		have = append(have, row{s.ID, s.Path, s.After, s.Step})
	}
	if d := cmp.Diff([]row{{"t1", "/src/wheel.go", "2", 4}, {"t2", "", "rm -r x", -1}, {"t3", "", "git commit", 6}}, have); d != "" {
		t.Error(d)
	}
	line, err := episode.Append(nil, e)
	if err != nil || strings.Contains(string(line), "someone@") {
		t.Errorf("the claimed identity is in the episode: %s %v", line, err)
	}
}

func TestWhoDecidedIsTakenFromTheSource(t *testing.T) {
	for _, c := range []struct {
		decision, source, entry string
		verdict                 episode.Verdict
		by                      episode.By
	}{
		{"accept", "user_temporary", "cli", episode.Accepted, episode.ByPerson},
		{"accept", "user_permanent", "cli", episode.Accepted, episode.ByPerson},
		{"accept", "config", "cli", episode.Accepted, episode.ByRule},
		{"accept", "hook", "cli", episode.Accepted, episode.ByHook},
		{"accept", "something_new", "cli", episode.Accepted, episode.ByUnknown},
		{"reject", "user_reject", "cli", episode.Rejected, episode.ByPerson},
		{"reject", "user_abort", "cli", episode.Cancelled, episode.ByPerson},
		{"reject", "config", "cli", episode.Rejected, episode.ByRule},
		{"reject", "hook", "cli", episode.Rejected, episode.ByHook},
		// Without a sign of a person, "user_*" may be a rule that a script matched.
		{"accept", "user_permanent", "sdk-cli", episode.Accepted, episode.ByUnknown},
		{"accept", "user_permanent", "", episode.Accepted, episode.ByUnknown},
		{"reject", "user_abort", "", episode.Cancelled, episode.ByUnknown},
	} {
		got, _ := Episodes(logs(t, c.entry, attrs{"event.name": "tool_decision", "tool_name": "Write", "tool_use_id": "t", "decision": c.decision, "source": c.source}))
		if d := got[0].Decisions[0]; d.Verdict != c.verdict || d.By != c.by {
			t.Errorf("%s/%s by %q: %s by %s, want %s by %s", c.decision, c.source, c.entry, d.Verdict, d.By, c.verdict, c.by)
		}
	}
}

func TestAPromptThatWasNotSentStaysEmpty(t *testing.T) {
	got, _ := Episodes(logs(t, "cli", attrs{"event.name": "user_prompt", "prompt": redacted}))
	if len(got) != 1 || got[0].Instruction != "" || got[0].Steps[0].Message != "" {
		t.Errorf("%+v", got)
	}
}

func TestLogsOfAnotherScopeArePassedOver(t *testing.T) {
	l := logs(t, "cli", attrs{"event.name": "x"})
	l.ResourceLogs().At(0).ScopeLogs().At(0).Scope().SetName("other")
	l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr("other.event")
	l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("event.name", "other.event")
	if got, c := Episodes(l); len(got) != 0 || c.Lines != 0 {
		t.Errorf("%d episodes, %+v", len(got), c)
	}
}

func TestMergingIsTheSameInAnyOrderAndAnyNumberOfTimes(t *testing.T) {
	whole, _ := Episodes(logs(t, "cli", turn()...))
	want, err := episode.Append(nil, whole[0])
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var into *episode.Episode
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(rt, "order")
		order = append(order, rapid.SliceOfN(rapid.IntRange(0, 7), 0, 8).Draw(rt, "again")...)
		for len(order) > 0 {
			n := rapid.IntRange(1, len(order)).Draw(rt, "batch")
			l := logs(t, "cli", turn()...)
			records := l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
			batch := plog.NewLogs()
			rl := batch.ResourceLogs().AppendEmpty()
			l.ResourceLogs().At(0).Resource().CopyTo(rl.Resource())
			sl := rl.ScopeLogs().AppendEmpty()
			for _, i := range order[:n] {
				records.At(i).CopyTo(sl.LogRecords().AppendEmpty())
			}
			order = order[n:]
			part, _ := Episodes(batch)
			if into == nil {
				into = part[0]
				continue
			}
			Merge(into, part[0].Clone()) // as a store would give it back
		}
		got, err := episode.Append(nil, into)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			rt.Fatalf("\n got %s\nwant %s", got, want)
		}
	})
}
