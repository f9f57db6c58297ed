// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// No recording of these events is public: they are constructed from the tools' documentation.

// codexLogs are what Codex tells of one call that a person allowed, in a conversation of that name.
func codexLogs(conversation string) plog.Logs {
	l := plog.NewLogs()
	rl := l.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "codex_cli_rs")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i, event := range []map[string]any{
		{"event.name": "codex.tool_decision", "decision": "approved", "source": "User"},
		{"event.name": "codex.tool_result", "arguments": `{"command":"make lift"}`, "output": "lifted", "success": "true"},
	} {
		lr := records.AppendEmpty()
		lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 11, 2, 8, 0, i, 0, time.UTC)))
		if err := lr.Attributes().FromRaw(event); err != nil {
			panic(err)
		}
		lr.Attributes().PutStr("conversation.id", conversation)
		lr.Attributes().PutStr("call_id", "call_1")
		lr.Attributes().PutStr("tool_name", "shell")
	}
	return l
}

func copilotTraces(session string) ptrace.Traces {
	t := ptrace.NewTraces()
	rs := t.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "copilot-chat")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetName("invoke_agent Copilot")
	s.SetTraceID(pcommon.TraceID([]byte(fmt.Sprintf("%16.16s", session))))
	s.SetSpanID(pcommon.SpanID{1})
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)))
	s.Attributes().PutStr("copilot_chat.chat_session_id", session)
	s.Attributes().PutStr("copilot_chat.user_request", "lift the gate")
	return t
}

func claudeMetrics() pmetric.Metrics {
	m := pmetric.NewMetrics()
	c := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	c.SetName("claude_code.code_edit_tool.decision")
	s := c.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := s.DataPoints().AppendEmpty()
	p.SetIntValue(3)
	p.SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)))
	p.Attributes().PutStr("decision", "accept")
	p.Attributes().PutStr("language", "Go")
	return m
}

// serve is an edge's HTTP on a port of this machine.
func serve(t testing.TB, e *edge.Edge) string {
	srv := httptest.NewServer(e.Handler(func(*http.Request) edge.Principal { return edge.Principal{Name: "ada", Authenticated: true} }))
	t.Cleanup(srv.Close)
	return srv.URL
}

// dial is a client of an edge's gRPC on a port of this machine.
func dial(t testing.TB, e *edge.Edge) *grpc.ClientConn {
	t.Helper()
	srv := grpc.NewServer(grpc.MaxRecvMsgSize(edge.MaxRequest))
	e.RegisterGRPC(srv, func(_ context.Context, authorization string) (edge.Principal, error) {
		if authorization != "Bearer sluice" {
			return edge.Principal{}, errors.New("no valid token")
		}
		return edge.Principal{Name: "ada", Authenticated: true}, nil
	})
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(lis)
	t.Cleanup(srv.Stop)
	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func bearer(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer sluice")
}

func send(t testing.TB, url, contentType, encoding string, body []byte) (code int, header http.Header, answer []byte) {
	t.Helper()
	if encoding == "gzip" {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(body); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		body = b.Bytes()
	}
	req, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, answer
}

// holds checks what an edge has made of n requests of each signal.
func holds(t testing.TB, l *loop, e *edge.Edge, n int) {
	t.Helper()
	l.ok(e.Assemble(t.Context()))
	list, err := e.Stored(t.Context())
	l.ok(err)
	have := map[string]int{}
	for _, ep := range list {
		what := ep.Tool.Name + " " + ep.Instruction
		for _, d := range ep.Decisions {
			what += string(d.Verdict) + " by " + string(d.By)
		}
		if ep.Developer != "ada" {
			t.Errorf("%s is %q's", what, ep.Developer)
		}
		have[what]++
	}
	if d := cmp.Diff(map[string]int{"codex accepted by person": n, "copilot lift the gate": n}, have); d != "" {
		t.Error(d)
	}
	totals, err := l.edgeDB("mill").Totals(t.Context(), 0, 1<<40)
	l.ok(err)
	want := []sqlstore.Total{{Day: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).Unix() / 86400, Tool: "claude-code", Measure: "accepted", Language: "go", N: float64(3 * n)}}
	if d := cmp.Diff(want, totals); d != "" {
		t.Error(d)
	}
}

func TestTelemetryIsTakenByHTTPInEveryForm(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	url, n := serve(t, e), 0
	for _, contentType := range []string{"application/x-protobuf", "application/json", "application/json; charset=utf-8"} {
		for _, encoding := range []string{"", "gzip", "identity"} {
			n++
			conversation := fmt.Sprint("c-", n)
			logs, traces, metrics := plogotlp.NewExportRequestFromLogs(codexLogs(conversation)), ptraceotlp.NewExportRequestFromTraces(copilotTraces(conversation)), pmetricotlp.NewExportRequestFromMetrics(claudeMetrics())
			for path, req := range map[string]interface {
				MarshalProto() ([]byte, error)
				MarshalJSON() ([]byte, error)
			}{"/v1/logs": logs, "/v1/traces": traces, "/v1/metrics": metrics} {
				marshal, media, want := req.MarshalProto, "application/x-protobuf", ""
				if strings.Contains(contentType, "json") {
					marshal, media, want = req.MarshalJSON, "application/json", "{}"
				}
				body, err := marshal()
				l.ok(err)
				code, header, answer := send(t, url+path, contentType, encoding, body)
				if code != http.StatusOK || header.Get("Content-Type") != media || string(answer) != want {
					t.Errorf("%s as %s %s: %d %s %q", path, contentType, encoding, code, header.Get("Content-Type"), answer)
				}
			}
		}
	}
	l.close(e) // what was acknowledged is there after a restart
	holds(t, l, l.edge("mill"), n)
}

func TestTelemetryIsTakenByGRPC(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	conn := dial(t, e)
	for n, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor(grpcgzip.Name)}} {
		conversation := fmt.Sprint("c-", n)
		_, err := plogotlp.NewGRPCClient(conn).Export(bearer(t.Context()), plogotlp.NewExportRequestFromLogs(codexLogs(conversation)), options...)
		l.ok(err)
		_, err = ptraceotlp.NewGRPCClient(conn).Export(bearer(t.Context()), ptraceotlp.NewExportRequestFromTraces(copilotTraces(conversation)), options...)
		l.ok(err)
		_, err = pmetricotlp.NewGRPCClient(conn).Export(bearer(t.Context()), pmetricotlp.NewExportRequestFromMetrics(claudeMetrics()), options...)
		l.ok(err)
	}
	l.close(e)
	e = l.edge("mill")
	holds(t, l, e, 2)
	_, err := plogotlp.NewGRPCClient(conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(codexLogs("c-9")))
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
}

// BenchmarkLogsByHTTP is how many log records a second are acknowledged after the fsync, sent in batches of 100 by 16
// clients, as protobuf.
func BenchmarkLogsByHTTP(b *testing.B) {
	for _, encoding := range []string{"", "gzip"} {
		b.Run("encoding="+encoding, func(b *testing.B) {
			l := newLoop(b)
			url := serve(b, l.edge("mill")) + "/v1/logs"
			batch := plog.NewLogs()
			for i := range 50 {
				codexLogs(fmt.Sprint("c-", i)).ResourceLogs().MoveAndAppendTo(batch.ResourceLogs())
			}
			body, err := plogotlp.NewExportRequestFromLogs(batch).MarshalProto()
			l.ok(err)
			if encoding == "gzip" {
				var z bytes.Buffer
				w := gzip.NewWriter(&z)
				_, err := w.Write(body)
				l.ok(errors.Join(err, w.Close()))
				body = z.Bytes()
			}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for c := range 16 {
				wg.Go(func() {
					for i := c; i < b.N; i += 16 {
						req, _ := http.NewRequest("POST", url, bytes.NewReader(body))
						req.Header.Set("Content-Type", "application/x-protobuf")
						if encoding != "" {
							req.Header.Set("Content-Encoding", encoding)
						}
						res, err := client.Do(req)
						if err != nil || res.StatusCode != http.StatusOK {
							b.Error(err)
							return
						}
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "logs/s")
		})
	}
}

// Codex names the conversation in its telemetry and not the prompt: what it tells must not make one of two prompts.
func TestTelemetryOfAConversationIsSharedOutAmongItsPrompts(t *testing.T) {
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	prompt := func(n int) *episode.Episode {
		call := fmt.Sprint("call_", n)
		return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("codex", fmt.Sprint("c-1#", n)), Session: "c-1", StartedAt: at, Tool: episode.Tool{Name: "codex"},
			Instruction: fmt.Sprint("prompt ", n),
			Steps:       []episode.Step{{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: call, Name: "shell"}}}},
			Suggestions: []episode.Suggestion{{ID: call, Kind: episode.KindCommand, After: "make"}},
			Decisions:   []episode.Decision{{Suggestion: call, Verdict: episode.Accepted, By: episode.ByUnknown, At: at}}}
	}
	logs := codexLogs("c-1") // of call_1, which is the second prompt's
	first := codexLogs("c-1")
	for _, lr := range first.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.Attributes().PutStr("call_id", "call_0")
	}
	first.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	asked := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
	asked.SetEventName("codex.user_prompt")
	asked.Attributes().PutStr("conversation.id", "c-1")
	asked.Attributes().PutStr("prompt", "prompt 0")
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for _, telemetryFirst := range []bool{true, false} {
		l := newLoop(t)
		e := l.edge("mill")
		steps := []func(){
			func() {
				if code, _, answer := send(t, serve(t, e)+"/v1/logs", "application/x-protobuf", "", body); code != http.StatusOK {
					t.Fatalf("%d %s", code, answer)
				}
			},
			func() {
				_, err := e.Receive(t.Context(), edge.Principal{Name: "ada", Authenticated: true}, lines(t, prompt(0), prompt(1)))
				l.ok(err)
			},
		}
		if !telemetryFirst {
			steps[0], steps[1] = steps[1], steps[0]
		}
		for _, step := range steps {
			step()
			l.ok(e.Assemble(t.Context()))
		}
		list, err := e.Stored(t.Context())
		l.ok(err)
		have := map[string]string{}
		for _, ep := range list {
			have[ep.Instruction] = fmt.Sprint(len(ep.Suggestions), " ", ep.Decisions[0].Suggestion, " by ", ep.Decisions[0].By)
		}
		if d := cmp.Diff(map[string]string{"prompt 0": "1 call_0 by person", "prompt 1": "1 call_1 by person"}, have); d != "" {
			t.Errorf("telemetry first: %v: %s", telemetryFirst, d)
		}
	}
}
