// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp/wire"
)

// exports is a request of each signal, as protobuf and as JSON, and the records in it.
func exports(t testing.TB) map[wire.Signal]struct {
	pb, js []byte
	n      int
} {
	t.Helper()
	l, tr, m := records(t, "codex", said()["codex"]...), spans(t, "copilot", traced()["copilot"]...), metrics(t)
	pb0, err0 := plogotlp.NewExportRequestFromLogs(l).MarshalProto()
	js0, err1 := plogotlp.NewExportRequestFromLogs(l).MarshalJSON()
	pb1, err2 := ptraceotlp.NewExportRequestFromTraces(tr).MarshalProto()
	js1, err3 := ptraceotlp.NewExportRequestFromTraces(tr).MarshalJSON()
	pb2, err4 := pmetricotlp.NewExportRequestFromMetrics(m).MarshalProto()
	js2, err5 := pmetricotlp.NewExportRequestFromMetrics(m).MarshalJSON()
	if err := errors.Join(err0, err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	type request = struct {
		pb, js []byte
		n      int
	}
	return map[wire.Signal]request{wire.Logs: {pb0, js0, l.LogRecordCount()}, wire.Traces: {pb1, js1, tr.SpanCount()}, wire.Metrics: {pb2, js2, m.DataPointCount()}}
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBodiesAreDecodedInEveryFormAndBounded(t *testing.T) {
	for s, r := range exports(t) {
		deep := []byte(strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20))
		many := []byte(`{"resourceLogs":[` + strings.Repeat("{},", wire.MaxMessages) + `{}]}`)
		for name, c := range map[string]struct {
			contentType, encoding string
			body                  []byte
			code                  string
		}{
			"protobuf":      {"application/x-protobuf", "", r.pb, ""},
			"json":          {"application/json; charset=utf-8", "identity", r.js, ""},
			"gzip":          {"application/x-protobuf", "gzip", zipped(t, r.pb), ""},
			"gzip of json":  {"application/json", "gzip", zipped(t, r.js), ""},
			"text":          {"text/plain", "", r.pb, "otlp/content-type"},
			"brotli":        {"application/json", "br", r.js, "otlp/encoding"},
			"deflate":       {"application/json", "deflate", r.js, "otlp/encoding"},
			"not gzip":      {"application/json", "gzip", r.js, "otlp/malformed"},
			"torn gzip":     {"application/json", "gzip", zipped(t, r.js)[:40], "otlp/malformed"},
			"cut off":       {"application/x-protobuf", "", r.pb[:len(r.pb)-3], "otlp/malformed"},
			"json cut off":  {"application/json", "", r.js[:len(r.js)-3], "otlp/malformed"},
			"not protobuf":  {"application/x-protobuf", "", r.js, "otlp/malformed"},
			"deep json":     {"application/json", "", deep, "otlp/malformed"},
			"many in json":  {"application/json", "", many, "otlp/too-large"},
			"too large":     {"application/json", "gzip", zipped(t, make([]byte, MaxBody+1)), "otlp/too-large"},
			"a large file":  {"application/x-protobuf", "", make([]byte, MaxBody+1), "otlp/too-large"},
			"of the others": {"application/x-protobuf", "", []byte("\x0a\x02\x12\x7f"), "otlp/malformed"},
		} {
			got, err := Decode(s, c.contentType, c.encoding, c.body)
			p, _ := errors.AsType[*episode.Problem](err)
			switch {
			case c.code == "" && (err != nil || got.Records != r.n || got.Rejected != 0):
				t.Errorf("%s as %s: %v, %d records, want %d", s, name, err, got.Records, r.n)
			case c.code != "" && (p == nil || p.Code != c.code || p.Hint == ""):
				t.Errorf("%s as %s: %v, want %s with a hint", s, name, err, c.code)
			}
		}
	}
}

func TestProtobufStaysAsItCame(t *testing.T) {
	for s, r := range exports(t) {
		got, err := Decode(s, "application/x-protobuf", "", r.pb)
		if err != nil || &got.Body[0] != &r.pb[0] {
			t.Errorf("%s: it was written anew, %v", s, err)
		}
	}
}

// Some kilobytes of gzip that hold millions of lists in lists brought the process down: the decoder follows them all.
func TestABombOfListsIsRefused(t *testing.T) {
	const depth = 1 << 20
	var rev []byte // of the request, from its end
	length := func() (b []byte) {
		n := len(rev)
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		return append(b, byte(n))
	}
	hold := func(tag byte) {
		l := length()
		for i := len(l) - 1; i >= 0; i-- {
			rev = append(rev, l[i])
		}
		rev = append(rev, tag)
	}
	for range depth {
		hold(1<<3 | 2)
		hold(5<<3 | 2)
	}
	for _, tag := range []byte{5<<3 | 2, 2<<3 | 2, 2<<3 | 2, 1<<3 | 2} {
		hold(tag)
	}
	for i, j := 0, len(rev)-1; i < j; i, j = i+1, j-1 {
		rev[i], rev[j] = rev[j], rev[i]
	}
	_, err := Decode(wire.Logs, "application/x-protobuf", "gzip", zipped(t, rev))
	if p, _ := errors.AsType[*episode.Problem](err); p == nil || p.Code != "otlp/malformed" {
		t.Errorf("%v", err)
	}
}

func fuzz(f *testing.F, s wire.Signal, use func(t *testing.T, body []byte) []*episode.Episode) {
	r := exports(f)[s]
	f.Add("application/x-protobuf", "", r.pb)
	f.Add("application/json", "", r.js)
	f.Add("application/x-protobuf", "gzip", zipped(f, r.pb))
	f.Fuzz(func(t *testing.T, contentType, encoding string, body []byte) {
		c, err := Decode(s, contentType, encoding, body)
		if err != nil {
			return
		}
		for _, e := range use(t, c.Body) {
			Keys(e)
			line, err := episode.Append(nil, e)
			if err != nil {
				t.Fatalf("an episode that cannot be written: %v", err)
			}
			again, err := episode.Decode(line)
			if err != nil {
				t.Fatalf("an episode that cannot be read again: %v", err)
			}
			Merge(again, e)
			if twice, err := episode.Append(nil, again); err != nil || !bytes.Equal(twice, line) {
				t.Fatalf("merged with itself it is another: %v\n%s\n%s", err, line, twice)
			}
		}
	})
}

func FuzzDecodeLogs(f *testing.F) {
	for tool, events := range said() {
		js, err := plogotlp.NewExportRequestFromLogs(records(f, tool, named(tool, events)...)).MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add("application/json", "", js)
	}
	fuzz(f, wire.Logs, func(t *testing.T, body []byte) []*episode.Episode {
		l, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
		if err != nil {
			t.Fatalf("what was taken does not decode: %v", err)
		}
		got, _ := Episodes(l)
		return got
	})
}

func FuzzDecodeTraces(f *testing.F) {
	for tool, list := range traced() {
		js, err := ptraceotlp.NewExportRequestFromTraces(spans(f, tool, list...)).MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add("application/json", "", js)
	}
	fuzz(f, wire.Traces, func(t *testing.T, body []byte) []*episode.Episode {
		tr, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
		if err != nil {
			t.Fatalf("what was taken does not decode: %v", err)
		}
		got, _ := Traces(tr)
		return got
	})
}

func FuzzDecodeMetrics(f *testing.F) {
	fuzz(f, wire.Metrics, func(t *testing.T, body []byte) []*episode.Episode {
		m, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
		if err != nil {
			t.Fatalf("what was taken does not decode: %v", err)
		}
		for _, total := range Metrics(m) {
			if !(total.N > 0) || total.Tool == "" || total.Measure == "" || total.Day.IsZero() {
				t.Fatalf("%+v is no total", total)
			}
		}
		return nil
	})
}
