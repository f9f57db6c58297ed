// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
)

// badRecord is a request that holds nothing but a log record whose span id has five bytes. Two requests one after the
// other are one request.
const badRecord = "\x0a\x0b\x12\x09\x12\x07\x52\x05short"

func TestWhatIsTakenInPartSaysSo(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	body, err := plogotlp.NewExportRequestFromLogs(codexLogs("c-1")).MarshalProto()
	l.ok(err)
	code, _, answer := send(t, serve(t, e)+"/v1/logs", "application/x-protobuf", "", append(body, badRecord...))
	res := plogotlp.NewExportResponse()
	if err := res.UnmarshalProto(answer); err != nil || code != http.StatusOK || res.PartialSuccess().RejectedLogRecords() != 1 || res.PartialSuccess().ErrorMessage() == "" {
		t.Errorf("%d, %v, %d rejected because %q", code, err, res.PartialSuccess().RejectedLogRecords(), res.PartialSuccess().ErrorMessage())
	}
	l.ok(e.Assemble(t.Context()))
	if list, err := e.Stored(t.Context()); err != nil || len(list) != 1 || len(list[0].Decisions) != 1 {
		t.Errorf("of the rest came %d episodes, %v", len(list), err)
	}
	if n := e.Stats().SetAside.Load(); n != 0 {
		t.Errorf("%d set aside", n)
	}
}

// rpcStatus reads the text of a google.rpc.Status.
func rpcStatus(t *testing.T, b []byte) (code byte, message string) {
	t.Helper()
	if len(b) < 4 || b[0] != 1<<3 || b[2] != 2<<3|2 {
		t.Fatalf("%q is no status", b)
	}
	return b[1], string(b[4:])
}

func TestARequestThatWillNeverBeTakenIsRefusedInItsOwnEncoding(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	url := serve(t, e)
	for name, c := range map[string]struct {
		contentType, encoding, body string
		code                        int
	}{
		"torn protobuf":       {"application/x-protobuf", "", "\x0a\x7f", http.StatusBadRequest},
		"only a bad record":   {"application/x-protobuf", "", badRecord, http.StatusBadRequest},
		"torn json":           {"application/json", "", `{"resourceLogs":[`, http.StatusBadRequest},
		"another type":        {"text/plain", "", "", http.StatusUnsupportedMediaType},
		"another compression": {"application/json", "br", "{}", http.StatusUnsupportedMediaType},
		"too large":           {"application/json", "gzip", strings.Repeat(" ", 33<<20), http.StatusRequestEntityTooLarge},
	} {
		code, header, answer := send(t, url+"/v1/logs", c.contentType, c.encoding, []byte(c.body))
		if code != c.code || header.Get("Retry-After") != "" {
			t.Errorf("%s: %d, want %d", name, code, c.code)
		}
		if c.contentType == "application/x-protobuf" {
			if n, message := rpcStatus(t, answer); header.Get("Content-Type") != c.contentType || n != byte(codes.InvalidArgument) || message == "" {
				t.Errorf("%s: %s %d %q", name, header.Get("Content-Type"), n, message)
			}
		} else if header.Get("Content-Type") != "application/json" || !bytes.HasPrefix(answer, []byte(`{"code":3,"message":"`)) {
			t.Errorf("%s: %s %s", name, header.Get("Content-Type"), answer)
		}
	}
	if code, _, _ := send(t, url+"/v1/logs", "application/x-protobuf", "", nil); code != http.StatusOK {
		t.Errorf("an empty request: %d", code)
	}
	l.ok(e.Assemble(t.Context()))
	if list, _ := e.Stored(t.Context()); len(list) != 0 {
		t.Errorf("%d episodes", len(list))
	}
}

func TestWhatCannotBeKeptIsToBeSentAgain(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	l.ok(os.RemoveAll(l.path("mill", "inbox")))
	body, err := plogotlp.NewExportRequestFromLogs(codexLogs("c-1")).MarshalProto()
	l.ok(err)
	code, header, answer := send(t, serve(t, e)+"/v1/logs", "application/x-protobuf", "", body)
	if n, _ := rpcStatus(t, answer); code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || n != byte(codes.Unavailable) {
		t.Errorf("%d, Retry-After %q, status %d", code, header.Get("Retry-After"), n)
	}
	if strings.Contains(string(answer), l.dir) {
		t.Errorf("the answer names a path of this machine: %q", answer)
	}
	_, err = plogotlp.NewGRPCClient(dial(t, e)).Export(bearer(t.Context()), plogotlp.NewExportRequestFromLogs(codexLogs("c-1")))
	if status.Code(err) != codes.Unavailable {
		t.Errorf("by gRPC: %v", err)
	}
	l.ok(os.Mkdir(l.path("mill", "inbox"), 0o700))
	if code, _, _ := send(t, serve(t, e)+"/v1/logs", "application/x-protobuf", "", body); code != http.StatusOK {
		t.Errorf("again: %d", code)
	}
}

// An agent seals what it took, and the edge opens it only when it assembles: it must not trust that somebody looked.
func TestTelemetryThatNobodyLookedAtIsCheckedBeforeItIsDecoded(t *testing.T) {
	l := newLoop(t)
	e := l.edge("mill")
	var lists []byte // a value of a hundred thousand lists, each in the other
	for range 100_000 {
		for _, tag := range []byte{1<<3 | 2, 5<<3 | 2} {
			n := len(lists)
			lists = append(lists, byte(n>>21)&0x7f, byte(n>>14)|0x80, byte(n>>7)|0x80, byte(n)|0x80, tag)
		}
	}
	reverse := func(b []byte) []byte {
		out := make([]byte, len(b))
		for i, c := range b {
			out[len(b)-1-i] = c
		}
		return out
	}
	for _, tag := range []byte{5<<3 | 2, 2<<3 | 2, 2<<3 | 2, 1<<3 | 2} {
		n := len(lists)
		lists = append(lists, byte(n>>21)&0x7f, byte(n>>14)|0x80, byte(n>>7)|0x80, byte(n)|0x80, tag)
	}
	good, err := plogotlp.NewExportRequestFromLogs(codexLogs("c-1")).MarshalProto()
	l.ok(err)
	p := edge.Principal{Name: "ada", Authenticated: true}
	for kind, body := range map[string][]byte{"otlp-logs": append(bytes.Clone(good), reverse(lists)...), "otlp-traces": []byte("\x0a\x7f"), "otlp-metrics": []byte("\x0a\x7f")} {
		l.ok(e.Keep(t.Context(), kind, p, body))
	}
	l.ok(e.Assemble(t.Context()))
	if list, err := e.Stored(t.Context()); err != nil || len(list) != 1 || len(list[0].Decisions) != 1 || list[0].Decisions[0].By != episode.ByPerson {
		t.Errorf("%d episodes, %v", len(list), err)
	}
	if n := e.Stats().SetAside.Load(); n != 3 {
		t.Errorf("%d set aside, want 3", n)
	}
}
