// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// full is a request of each signal with every kind of thing in it.
func full(t testing.TB) map[Signal][]byte {
	t.Helper()
	attributes := func(m pcommon.Map) {
		m.PutStr("s", "weir")
		m.PutBool("b", true)
		m.PutInt("i", -1)
		m.PutDouble("d", 0.5)
		m.PutEmptyBytes("y").Append(1, 2)
		m.PutEmptySlice("l").AppendEmpty().SetEmptyMap().PutStr("k", "v")
		m.PutEmpty("e")
	}
	l := plog.NewLogs()
	rl := l.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl("https://mill.example/schema")
	attributes(rl.Resource().Attributes())
	rl.Resource().SetDroppedAttributesCount(1)
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("mill")
	sl.Scope().SetVersion("1")
	attributes(sl.Scope().Attributes())
	for range 3 {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(1)
		lr.SetObservedTimestamp(2)
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		lr.SetSeverityText("INFO")
		lr.Body().SetStr("the wheel turns")
		lr.SetFlags(plog.LogRecordFlags(1))
		lr.SetTraceID(pcommon.TraceID{1})
		lr.SetSpanID(pcommon.SpanID{1})
		lr.SetEventName("mill.turned")
		lr.SetDroppedAttributesCount(3)
		attributes(lr.Attributes())
	}
	tr := ptrace.NewTraces()
	ss := tr.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	s := ss.Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(pcommon.SpanID{1})
	s.SetParentSpanID(pcommon.SpanID{2})
	s.SetName("turn")
	s.SetKind(ptrace.SpanKindClient)
	s.SetFlags(1)
	s.SetStartTimestamp(1)
	s.SetEndTimestamp(2)
	s.TraceState().FromRaw("a=b")
	s.Status().SetCode(ptrace.StatusCodeError)
	s.Status().SetMessage("jammed")
	s.SetDroppedEventsCount(1)
	attributes(s.Attributes())
	e := s.Events().AppendEmpty()
	e.SetName("creak")
	e.SetTimestamp(1)
	attributes(e.Attributes())
	k := s.Links().AppendEmpty()
	k.SetTraceID(pcommon.TraceID{2})
	k.SetSpanID(pcommon.SpanID{3})
	k.SetFlags(1)
	attributes(k.Attributes())
	m := pmetric.NewMetrics()
	sm := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	named := func() pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName("turns")
		m.SetUnit("1")
		m.SetDescription("of the wheel")
		return m
	}
	p := named().SetEmptySum().DataPoints().AppendEmpty()
	p.SetIntValue(3)
	p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	attributes(p.Attributes())
	x := p.Exemplars().AppendEmpty()
	x.SetDoubleValue(1)
	x.SetTraceID(pcommon.TraceID{1})
	attributes(x.FilteredAttributes())
	named().SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(1)
	h := named().SetEmptyHistogram().DataPoints().AppendEmpty()
	h.BucketCounts().FromRaw([]uint64{1, 2})
	h.ExplicitBounds().FromRaw([]float64{1})
	h.SetSum(1)
	h.SetMin(1)
	eh := named().SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	eh.SetScale(-1)
	eh.Positive().BucketCounts().FromRaw([]uint64{300, 2})
	eh.Negative().SetOffset(-2)
	su := named().SetEmptySummary().DataPoints().AppendEmpty()
	su.QuantileValues().AppendEmpty().SetQuantile(0.5)
	logs, err := (&plog.ProtoMarshaler{}).MarshalLogs(l)
	traces, err2 := (&ptrace.ProtoMarshaler{}).MarshalTraces(tr)
	metrics, err3 := (&pmetric.ProtoMarshaler{}).MarshalMetrics(m)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return map[Signal][]byte{Logs: logs, Traces: traces, Metrics: metrics}
}

// decode is what the collector's decoder makes of a request: how many records.
func decode(s Signal, b []byte) (int, error) {
	switch s {
	case Traces:
		t, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(b)
		if err != nil {
			return 0, err
		}
		return t.SpanCount(), nil
	case Metrics:
		m, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(b)
		if err != nil {
			return 0, err
		}
		return m.DataPointCount(), nil
	}
	l, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
	if err != nil {
		return 0, err
	}
	return l.LogRecordCount(), nil
}

func TestWhatIsGoodStaysAsItCame(t *testing.T) {
	for s, b := range full(t) {
		c, err := Check(s, b)
		if err != nil {
			t.Errorf("signal %d: %v", s, err)
			continue
		}
		if n, err := decode(s, b); err != nil || n != c.Records || c.Rejected != 0 || &c.Body[0] != &b[0] {
			t.Errorf("signal %d: %d records of %d, %d rejected, %v", s, c.Records, n, c.Rejected, err)
		}
	}
}

// held puts a message into one field of another.
func held(number uint64, b []byte) []byte {
	out := binary.AppendUvarint(nil, number<<3|formBytes)
	return append(binary.AppendUvarint(out, uint64(len(b))), b...)
}

// nested is a value so many lists deep.
func nested(depth int) []byte {
	value := held(1, []byte("sluice"))
	for range depth {
		value = held(5, held(1, value))
	}
	return value
}

func TestOneBadRecordDoesNotCostTheRest(t *testing.T) {
	good := held(12, []byte("mill.turned"))
	for name, bad := range map[string][]byte{
		"torn":          {12<<3 | formBytes, 100, 'x'},
		"a wrong form":  {12<<3 | formVarint, 1},
		"a wrong id":    held(9, []byte("short")),
		"deep":          held(5, nested(MaxDepth+1)),
		"a group":       {20<<3 | 3, 20<<3 | 4},
		"no such field": {0},
	} {
		body := held(1, append(held(1, nil), held(2, append(held(2, good), append(held(2, bad), held(2, good)...)...))...))
		c, err := Check(Logs, body)
		if err != nil || c.Records != 2 || c.Rejected != 1 || c.Reason == nil {
			t.Errorf("%s: %d taken, %d rejected (%v), %v", name, c.Records, c.Rejected, c.Reason, err)
			continue
		}
		if n, err := decode(Logs, c.Body); err != nil || n != 2 {
			t.Errorf("%s: %d decode, %v", name, n, err)
		}
		if _, err := Check(Logs, held(1, held(2, held(2, bad)))); err == nil {
			t.Errorf("%s: a request of nothing else is taken", name)
		}
	}
	if _, err := Check(Logs, held(1, held(2, held(2, held(5, nested(MaxDepth-1)))))); err != nil {
		t.Errorf("within the bound: %v", err)
	}
}

func TestABadResourceIsABadRequest(t *testing.T) {
	deep := held(1, held(1, held(1, held(2, nested(3*MaxDepth)))))
	if _, err := Check(Logs, deep); !errors.Is(err, errDeep) {
		t.Errorf("%v", err)
	}
	for s, b := range full(t) {
		if _, err := Check(s, b[:len(b)-1]); err == nil {
			t.Errorf("signal %d: a request that breaks off is taken", s)
		}
	}
}

func TestAHandfulOfBytesDoesNotBecomeAGigabyte(t *testing.T) {
	records := bytes.Repeat(held(2, nil), MaxMessages+1)
	if _, err := Check(Logs, held(1, held(2, records))); !errors.Is(err, ErrMany) {
		t.Errorf("records: %v", err)
	}
	attributes := bytes.Repeat(held(6, nil), MaxMessages+1)
	if _, err := Check(Logs, held(1, held(2, held(2, attributes)))); !errors.Is(err, ErrMany) {
		t.Errorf("attributes: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	for s, b := range full(f) {
		f.Add(int(s), b)
	}
	f.Add(0, held(1, held(2, append(held(2, []byte{12 << 3, 1}), held(2, nil)...))))
	f.Fuzz(func(t *testing.T, signal int, b []byte) {
		s := Signal(uint(signal) % 3)
		c, err := Check(s, b)
		if err != nil {
			return
		}
		n, err := decode(s, c.Body)
		if err != nil {
			t.Fatalf("what was found good does not decode: %v", err)
		}
		if again, err := Check(s, c.Body); err != nil || again.Rejected != 0 || again.Records != c.Records {
			t.Fatalf("%d records and %d rejected, then %d and %d, %v", c.Records, c.Rejected, again.Records, again.Rejected, err)
		}
		if n > c.Records {
			t.Fatalf("%d records decode of %d", n, c.Records)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	body := bytes.Repeat(full(b)[Logs], 100)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(Logs, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) { // what it takes instead
	body := bytes.Repeat(full(b)[Logs], 100)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(Logs, body); err != nil {
			b.Fatal(err)
		}
	}
}
