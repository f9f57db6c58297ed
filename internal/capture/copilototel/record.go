// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"cmp"
	"encoding/hex"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/internal/capture/lax"
)

// record is a span or a log event as OpenTelemetry's library for JavaScript has it in memory, which is what the exporters
// to a file write. What is private to a class of it has an underscore; versions differ in what is.
type record struct {
	Name       lax.String              `json:"name"`
	EventName  lax.String              `json:"eventName"`
	EventNameP lax.String              `json:"_eventName"`
	Body       lax.String              `json:"body"`
	BodyP      lax.String              `json:"_body"`
	TraceID    lax.String              `json:"traceId"`
	SpanID     lax.String              `json:"spanId"`
	ParentID   lax.String              `json:"parentSpanId"`
	Parent     lax.Object[spanContext] `json:"parentSpanContext"`
	Context    lax.Object[spanContext] `json:"spanContext"`
	ContextP   lax.Object[spanContext] `json:"_spanContext"`
	Start      moment                  `json:"startTime"`
	End        moment                  `json:"endTime"`
	At         moment                  `json:"hrTime"`
	Observed   moment                  `json:"hrTimeObserved"`
	Timestamp  moment                  `json:"timestamp"`
	Attributes attributes              `json:"attributes"`
	Status     lax.Object[status]      `json:"status"`
	Events     lax.List[happened]      `json:"events"`
	Resource   lax.Object[resource]    `json:"resource"`
	Scope      lax.Object[scope]       `json:"instrumentationScope"`
	Library    lax.Object[scope]       `json:"instrumentationLibrary"`
}

type spanContext struct {
	TraceID lax.String `json:"traceId"`
	SpanID  lax.String `json:"spanId"`
}

type status struct {
	Code    lax.Number `json:"code"`
	Message lax.String `json:"message"`
}

type happened struct {
	Name       lax.String `json:"name"`
	Time       moment     `json:"time"`
	Attributes attributes `json:"attributes"`
}

type resource struct {
	Attributes  attributes `json:"attributes"`
	AttributesP attributes `json:"_attributes"`
	Raw         attributes `json:"_rawAttributes"`
}

type scope struct {
	Name    lax.String `json:"name"`
	Version lax.String `json:"version"`
}

// attributes are names and values: an object, or a list of pairs. A value that is no string is kept as its JSON.
type attributes [][2]string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (a *attributes) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '{':
	case '[':
		return a.pairs(d)
	default:
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := plain(d)
		if err != nil {
			return err
		}
		value, err := plain(d)
		if err != nil {
			return err
		}
		*a = append(*a, [2]string{name, value})
	}
	_, err := d.ReadToken()
	return err
}

func (a *attributes) pairs(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if d.PeekKind() != '[' {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		var pair [2]string
		n := 0
		for ; d.PeekKind() != ']'; n++ {
			value, err := plain(d)
			if err != nil {
				return err
			}
			pair[min(n, 1)] = value
		}
		if n == 2 {
			*a = append(*a, pair)
		}
		if _, err := d.ReadToken(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// plain is the next value: what a string says, else its JSON, and nothing where it is null.
func plain(d *jsontext.Decoder) (string, error) {
	switch d.PeekKind() {
	case '"':
		t, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		return t.String(), nil
	case 'n':
		return "", d.SkipValue()
	}
	v, err := d.ReadValue()
	return string(v), err
}

func (a attributes) put(to pcommon.Map) {
	for _, pair := range a {
		to.PutStr(pair[0], pair[1])
	}
}

// moment is a time: seconds and nanoseconds in a list, or what lax.Time reads.
type moment pcommon.Timestamp

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *moment) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '[' {
		var t lax.Time
		err := t.UnmarshalJSONFrom(d)
		if !t.IsZero() && t.Year() < maxYear {
			*m = moment(pcommon.NewTimestampFromTime(t.Time))
		}
		return err
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	var at [2]int64
	for n := 0; d.PeekKind() != ']'; n++ {
		value, err := plain(d)
		if err != nil {
			return err
		}
		if v, bad := strconv.ParseInt(value, 10, 64); bad == nil && n < 2 {
			at[n] = v
		}
	}
	if at[0] > 0 && at[0] < maxSeconds && at[1] >= 0 && at[1] < 1e9 {
		*m = moment(at[0]*1e9 + at[1])
	}
	_, err := d.ReadToken()
	return err
}

// A timestamp counts nanoseconds, in 64 bits with a sign where it becomes a time: up to the year 2262.
const (
	maxYear    = 2262
	maxSeconds = 9e9
)

// milliseconds is a time in milliseconds since 1970, with a fraction.
func milliseconds(ms float64) pcommon.Timestamp {
	if !(ms > 0 && ms < maxSeconds*1e3) {
		return 0
	}
	return pcommon.Timestamp(ms * 1e6)
}

// traceID reads 32 hex digits; what is none is no trace.
func traceID(s string) (id pcommon.TraceID) {
	if len(s) == 2*len(id) {
		_, _ = hex.Decode(id[:], []byte(s)) // of what is no hex, what comes before stays
	}
	return id
}

// spanID reads 16 hex digits. A span has an id, and a parent's, even where it is none of these.
func spanID(s string) (id pcommon.SpanID) {
	if n, err := hex.Decode(id[:], []byte(s[:min(len(s), 2*len(id))])); (err != nil || n == 0) && s != "" {
		copy(id[:], s)
	}
	return id
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

func (r *record) resource(to pcommon.Map) {
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
