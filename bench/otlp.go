// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

const (
	otlpClients = 16
	otlpRecords = 100 // a request, about what an exporter's batch holds
)

// measureOTLP sends Claude Code's log events by OTLP/HTTP to "headrace up", which answers after the fsync, and the same
// requests to the OpenTelemetry Collector, which answers once they are in its sending queue: in a file that is synced, in a
// file as by default, and in memory. Nobody takes what is queued.
func measureOTLP(ctx context.Context, b *bench) ([]row, error) {
	warm, length := 2*time.Second, 10*time.Second
	if b.quick {
		warm, length = 500*time.Millisecond, 2*time.Second
	}
	collector, err := b.collector(ctx)
	note := ""
	if err != nil {
		note = "the collector cannot be built: " + err.Error()
	}
	dir := filepath.Join(b.temp, "otlp")
	c, addr, err := b.up(ctx, dir, "--otlp=", "--agent=none", "--settle", "100000h")
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, "edge", "keys", "token"))
	if err != nil {
		c.stop()
		return nil, err
	}
	t := &target{addr: addr, path: "/v1/logs", token: strings.TrimSpace(string(token)), contentType: "application/x-protobuf", next: logRequests()}
	ours, err := t.closed(ctx, otlpClients, warm, length)
	c.stop()
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, err
	}
	shape := fmt.Sprintf("OTLP/HTTP protobuf, %d connections, %d records a request, %v; p50 %.2f ms, p99 %.2f ms", otlpClients, otlpRecords, length, ms(ours.quantile(0.5)), ms(ours.quantile(0.99)))
	var rows []row
	for _, p := range []struct{ id, name, storage string }{
		{"otlp", "OpenTelemetry Collector 0.162.0, queue in a file, fsync: true", "fsync: true"},
		{"otlp/default", "the same, fsync as by default (false)", "fsync: false"},
		{"otlp/memory", "the same, queue in memory", ""},
	} {
		r := row{ID: p.id, Ours: figure(ours.rate() * otlpRecords), Unit: "records/s", PeerName: p.name, N: ours.requests, Note: shape}
		if collector == "" {
			r.Note += "; " + note
		} else if peer, err := b.collected(ctx, collector, p.storage, warm, length); err != nil {
			r.Note += "; not measured: " + err.Error()
		} else {
			r.Peer = figure(peer.rate() * otlpRecords)
			r.Note += fmt.Sprintf("; peer p50 %.2f ms, p99 %.2f ms", ms(peer.quantile(0.5)), ms(peer.quantile(0.99)))
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// collector builds the peer.
func (b *bench) collector(ctx context.Context) (string, error) {
	bin := filepath.Join(b.temp, "collector")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, ".")
	cmd.Dir, cmd.Env = filepath.Join(b.root, "bench", "collector"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %.300s", err, out)
	}
	return bin, nil
}

// collected measures the collector with a queue in a file, or in memory where storage is empty.
func (b *bench) collected(ctx context.Context, bin, storage string, warm, length time.Duration) (*loaded, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.temp, "queue-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	queue, extension, extensions := "", "", ""
	if storage != "" {
		queue = "\n      storage: file_storage"
		extension = fmt.Sprintf("extensions:\n  file_storage:\n    directory: %s\n    %s\n", dir, storage)
		extensions = "\n  extensions: [file_storage]"
	}
	conf := fmt.Sprintf(`receivers:
  otlp:
    protocols:
      http:
        endpoint: %s
exporters:
  otlphttp:
    endpoint: http://127.0.0.1:1
    retry_on_failure: {initial_interval: 1h, max_interval: 1h, max_elapsed_time: 0}
    sending_queue:
      num_consumers: 1
      queue_size: 100000000%s
%sservice:%s
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    logs: {receivers: [otlp], exporters: [otlphttp]}
`, addr, queue, extension, extensions)
	path := filepath.Join(dir, "collector.yaml")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	c, err := start(exec.CommandContext(ctx, bin, path))
	if err != nil {
		return nil, err
	}
	defer c.stop()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(end) {
			return nil, c.failed(errors.New("it does not answer"))
		}
	}
	return (&target{addr: addr, path: "/v1/logs", contentType: "application/x-protobuf", next: logRequests()}).closed(ctx, otlpClients, warm, length)
}

// logRequests returns what makes each connection's next request: a batch of events under ids that no request had before.
func logRequests() func(int) []byte {
	logs := plog.NewLogs()
	sl := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	sl.Scope().SetName("com.anthropic.claude_code.events")
	const mark = "00000000"
	for i := range otlpRecords {
		lr := sl.LogRecords().AppendEmpty()
		lr.Body().SetStr("claude_code.tool_decision")
		a := lr.Attributes()
		for k, v := range map[string]string{"event.name": "tool_decision", "event.timestamp": "2026-03-02T09:00:00Z", "session.id": "s-" + mark, "prompt.id": "p-" + mark,
			"tool_name": "Edit", "tool_use_id": fmt.Sprintf("toolu_%s_%03d", mark, i), "decision": "accept", "source": "user_temporary", "terminal.type": "xterm", "app.entrypoint": "cli",
			"organization.id": "00000000-0000-0000-0000-000000000001", "user.account_uuid": "00000000-0000-0000-0000-000000000002", "tool_parameters": strings.Repeat("wheel ", 60)} {
			a.PutStr(k, v)
		}
		a.PutInt("event.sequence", int64(i))
	}
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		panic(err) // what pdata made, it can write
	}
	bodies := make([][]byte, otlpClients)
	n := make([]int, otlpClients)
	last := make([][]byte, otlpClients)
	return func(id int) []byte {
		if bodies[id] == nil {
			bodies[id], last[id] = bytes.Clone(body), []byte(mark)
		}
		next := fmt.Appendf(nil, "%02d%06d", id, n[id]%1_000_000)
		n[id]++
		bodies[id] = bytes.ReplaceAll(bodies[id], last[id], next)
		last[id] = next
		return bodies[id]
	}
}
