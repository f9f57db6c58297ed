// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// milliseconds is a time in milliseconds since 1970, with a fraction.
func milliseconds(ms float64) pcommon.Timestamp {
	if !(ms > 0 && ms < maxSeconds*1e3) {
		return 0
	}
	whole := math.Floor(ms) // a float has no room for nanoseconds since 1970
	return pcommon.Timestamp(int64(whole)*1e6 + int64((ms-whole)*1e6))
}

// traceID and spanID are ids of OTLP: the hex digits of an id, or of one that is no such digits, a digest.
func traceID(s string) (id pcommon.TraceID) {
	identify(id[:], s)
	return id
}

func spanID(s string) (id pcommon.SpanID) {
	identify(id[:], s)
	return id
}

func identify(id []byte, s string) {
	if len(s) == 2*len(id) {
		if _, err := hex.Decode(id, []byte(s)); err == nil {
			return
		}
	}
	if s != "" {
		sum := sha256.Sum256([]byte(s))
		copy(id, sum[:])
	}
}

// newSpan is an export of one span.
func newSpan(service string) (ptrace.Traces, ptrace.Span) {
	tr := ptrace.NewTraces()
	rs := tr.ResourceSpans().AppendEmpty()
	if service != "" {
		rs.Resource().Attributes().PutStr("service.name", service)
	}
	return tr, rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
}

// resource is what sent the record; who writes to a file may leave out that it is Copilot.
func (r *record) resource(to pcommon.Map) {
	to.PutStr("service.name", service)
	for _, list := range [...]attributes{r.Resource.V.Raw, r.Resource.V.AttributesP, r.Resource.V.Attributes} {
		list.put(to)
	}
}

func (r *record) scope(to pcommon.InstrumentationScope) {
	to.SetName(string(cmp.Or(r.Scope.V.Name, r.Library.V.Name)))
	to.SetVersion(string(cmp.Or(r.Scope.V.Version, r.Library.V.Version)))
}

// context is the trace and the span that the record is, or is in.
func (r *record) context() (pcommon.TraceID, pcommon.SpanID) {
	return traceID(string(cmp.Or(r.TraceID, r.Context.V.TraceID, r.ContextP.V.TraceID))), spanID(string(cmp.Or(r.SpanID, r.Context.V.SpanID, r.ContextP.V.SpanID)))
}

// span is the record as an export of one span.
func (r *record) span() ptrace.Traces {
	tr, s := newSpan("")
	r.resource(tr.ResourceSpans().At(0).Resource().Attributes())
	r.scope(tr.ResourceSpans().At(0).ScopeSpans().At(0).Scope())
	trace, id := r.context()
	s.SetTraceID(trace)
	s.SetSpanID(id)
	s.SetParentSpanID(spanID(string(cmp.Or(r.Parent.V.SpanID, r.ParentID))))
	s.SetName(string(r.Name))
	s.SetStartTimestamp(pcommon.Timestamp(r.Start))
	s.SetEndTimestamp(pcommon.Timestamp(r.End))
	s.Status().SetCode(ptrace.StatusCode(r.Status.V.Code.Int() & 3))
	s.Status().SetMessage(string(r.Status.V.Message))
	r.Attributes.put(s.Attributes())
	for _, h := range r.Events.V {
		e := s.Events().AppendEmpty()
		e.SetName(string(h.Name))
		e.SetTimestamp(pcommon.Timestamp(h.Time))
		h.Attributes.put(e.Attributes())
	}
	return tr
}

// log is the record as an export of one log event.
func (r *record) log() plog.Logs {
	l := plog.NewLogs()
	rl := l.ResourceLogs().AppendEmpty()
	r.resource(rl.Resource().Attributes())
	sl := rl.ScopeLogs().AppendEmpty()
	r.scope(sl.Scope())
	lr := sl.LogRecords().AppendEmpty()
	trace, id := r.context()
	lr.SetTraceID(trace)
	lr.SetSpanID(id)
	lr.SetEventName(string(cmp.Or(r.EventName, r.EventNameP)))
	lr.Body().SetStr(string(cmp.Or(r.Body, r.BodyP)))
	lr.SetTimestamp(pcommon.Timestamp(cmp.Or(r.At, r.Timestamp)))
	lr.SetObservedTimestamp(pcommon.Timestamp(r.Observed))
	r.Attributes.put(lr.Attributes())
	return l
}
