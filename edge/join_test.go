// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
)

// A session of Claude Code as its transcript has it, and as its telemetry tells of it: under another id for the prompt,
// with the id of the tool call in common.
const transcript = `{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s-1","cwd":"/src/mill","version":"2.1.0","timestamp":"2026-11-02T08:00:00Z","message":{"role":"user","content":"turn the wheel"}}
{"type":"assistant","uuid":"a1","parentUuid":"u1","sessionId":"s-1","timestamp":"2026-11-02T08:00:05Z","requestId":"r1","message":{"id":"m1","model":"claude-x","content":[{"type":"tool_use","id":"toolu_1","name":"Edit","input":{"file_path":"/src/mill/wheel.go","old_string":"still","new_string":"turning"}}]}}
{"type":"user","uuid":"u2","parentUuid":"a1","sessionId":"s-1","timestamp":"2026-11-02T08:00:09Z","toolUseResult":{"structuredPatch":[]},"message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}}
`

func told(t *testing.T) []byte {
	t.Helper()
	var list []*episode.Episode
	_, err := capture.ReadFrom(t.Context(), []capture.Source{claudecode.Source{}}, "", capture.File{Path: "-", R: strings.NewReader(transcript)},
		func(e *episode.Episode) error { list = append(list, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return lines(t, list...)
}

// event is one log record of Claude Code, as OTLP/JSON.
func event(name string, attrs ...string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},"logRecords":[{"body":{"stringValue":"claude_code.` + name + `"},"attributes":[`)
	attrs = append(attrs, "event.name", name, "session.id", "s-1", "prompt.id", "p-1", "event.timestamp", "2026-11-02T08:00:07Z", "terminal.type", "xterm", "app.entrypoint", "cli")
	for i := 0; i < len(attrs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"key":"` + attrs[i] + `","value":{"stringValue":"` + attrs[i+1] + `"}}`)
	}
	b.WriteString(`]}]}]}]}`)
	return b.Bytes()
}

func TestATranscriptAndItsTelemetryBecomeOneEpisodeInAnyOrder(t *testing.T) {
	decision := event("tool_decision", "tool_name", "Edit", "tool_use_id", "toolu_1", "decision", "accept", "source", "user_temporary")
	prompt := event("user_prompt", "prompt", "<REDACTED>", "prompt_length", "14")
	type step = func(t *testing.T, e *edge.Edge)
	logs := func(body []byte) step {
		return func(t *testing.T, e *edge.Edge) {
			t.Helper()
			r := httptest.NewRequest("POST", "/v1/logs", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Name: "ada", Authenticated: true} }).ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	}
	history := func(t *testing.T, e *edge.Edge) {
		t.Helper()
		if _, err := e.Receive(t.Context(), edge.Principal{Name: "ada", Authenticated: true}, told(t)); err != nil {
			t.Fatal(err)
		}
	}
	hook := func(t *testing.T, e *edge.Edge) {
		t.Helper()
		sealed, err := e.SealTo().Seal([]byte(`{"kind":"hook","tool":"claude-code","event":"PostToolUse","at":"2026-11-02T08:00:08Z"}
{"session_id":"s-1","prompt_id":"p-1","hook_event_name":"PostToolUse","cwd":"/src/mill","tool_name":"Edit","tool_use_id":"toolu_1","tool_input":{"file_path":"/src/mill/wheel.go","old_string":"still","new_string":"turning"},"tool_response":{"filePath":"/src/mill/wheel.go"}}`))
		if err != nil {
			t.Fatal(err)
		}
		ans, err := e.ReceiveSealed(t.Context(), edge.Principal{Name: "ada", Authenticated: true}, edge.Frame(nil, sealed))
		if err != nil || ans.Accepted != 1 {
			t.Fatalf("%+v, %v", ans, err)
		}
	}
	// What headrace acp saw of the same prompt between the editor and the agent.
	proxy := func(t *testing.T, e *edge.Edge) {
		t.Helper()
		at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
		ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("acp", "s-1#0"), Session: "s-1", Tool: episode.Tool{Name: "claude-code"}, StartedAt: at,
			Instruction: "turn the wheel", Steps: []episode.Step{{Source: episode.SourceUser, Message: "turn the wheel"}, {Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "toolu_1", Name: "edit"}}}},
			Suggestions: []episode.Suggestion{{ID: "toolu_1", Step: 1, Kind: episode.KindEdit, Path: "/src/mill/wheel.go", Before: "still", After: "turning"}},
			Decisions:   []episode.Decision{{Suggestion: "toolu_1", Verdict: episode.Accepted, By: episode.ByPerson, At: at.Add(7 * time.Second)}}}
		sealed, err := e.SealTo().Seal(append([]byte("{\"kind\":\"proxied\"}\n"), lines(t, ep)...))
		if err != nil {
			t.Fatal(err)
		}
		if ans, err := e.ReceiveSealed(t.Context(), edge.Principal{Name: "ada", Authenticated: true}, edge.Frame(nil, sealed)); err != nil || ans.Accepted != 1 {
			t.Fatalf("%+v, %v", ans, err)
		}
	}
	turn := func(t *testing.T, e *edge.Edge) {
		t.Helper()
		if err := e.Turn(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for name, steps := range map[string][]step{
		"all at once":                      {history, logs(prompt), logs(decision), turn},
		"telemetry first":                  {logs(prompt), logs(decision), turn, history, turn},
		"history first":                    {history, turn, logs(decision), logs(prompt), turn},
		"two episodes until a key is seen": {logs(prompt), turn, history, turn, logs(decision), turn},
		"by the message's id alone":        {logs(event("user_prompt", "prompt", "<REDACTED>", "message.uuid", "u1")), turn, history, turn, logs(decision), turn},
		"by the message's id, late":        {history, turn, logs(event("user_prompt", "message.uuid", "u1")), turn, logs(decision), turn},
		"a hook first, then all the rest":  {hook, turn, logs(prompt), logs(decision), turn, history, turn},
		"a hook last":                      {history, logs(decision), turn, hook, turn, hook, turn},
		"a proxy's word, then the history": {proxy, turn, history, turn},
		"the history, then a proxy's word": {history, turn, proxy, turn, history, turn},
		"again and again":                  {history, logs(decision), turn, history, logs(prompt), turn, logs(decision), turn, history, turn},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			l.conf = func(c *edge.Config) { c.Settle = 1 << 50 }
			e := l.edge("mill")
			for _, s := range steps {
				s(t, e)
			}
			list, err := e.Stored(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatalf("%d episodes, want one: %v", len(list), err)
			}
			ep := list[0]
			if len(ep.Decisions) != 1 || ep.Decisions[0].By != episode.ByPerson || ep.Suggestions[0].After != "turning" || ep.Instruction != "turn the wheel" || len(ep.Steps) != 2 {
				t.Errorf("%+v\ndecisions %+v", ep, ep.Decisions)
			}
		})
	}
}
