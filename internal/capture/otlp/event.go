// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/internal/capture/lax"
)

// event is one log record, span, event on a span, or metric point: what the dialects read.
type event struct {
	names           [3]string // where a log record may have its name: event name, attribute, body
	scope, version  string    // of the instrumentation scope
	attrs, resource pcommon.Map
	on              *event // the span that the event is on: what it says holds for the event too
	at, end         time.Time
	trace, span     string // hex; empty where there is none
	note            string // what a span's status says beside
	isSpan, failed  bool
	hasParent       bool // a span that another began
}

func logEvent(resource pcommon.Map, scope pcommon.InstrumentationScope, lr plog.LogRecord) *event {
	ev := &event{names: [3]string{0: valid(lr.EventName())}, scope: scope.Name(), version: scope.Version(), attrs: lr.Attributes(), resource: resource, at: moment(lr)}
	ev.ids(lr.TraceID(), lr.SpanID())
	ev.names[1] = ev.str("event.name")
	if lr.Body().Type() == pcommon.ValueTypeStr {
		ev.names[2] = valid(lr.Body().Str())
	}
	return ev
}

func spanEvent(resource pcommon.Map, scope pcommon.InstrumentationScope, s ptrace.Span) *event {
	ev := &event{names: [3]string{valid(s.Name())}, scope: scope.Name(), version: scope.Version(), attrs: s.Attributes(), resource: resource,
		at: stamp(s.StartTimestamp()), end: stamp(s.EndTimestamp()), note: valid(s.Status().Message()),
		isSpan: true, hasParent: !s.ParentSpanID().IsEmpty(), failed: s.Status().Code() == ptrace.StatusCodeError}
	ev.ids(s.TraceID(), s.SpanID())
	return ev
}

func eventOn(span *event, e ptrace.SpanEvent) *event {
	return &event{names: [3]string{valid(e.Name())}, scope: span.scope, version: span.version, attrs: e.Attributes(), resource: span.resource, on: span,
		at: stamp(e.Timestamp()), trace: span.trace, span: span.span}
}

func (ev *event) ids(t pcommon.TraceID, s pcommon.SpanID) {
	if !t.IsEmpty() {
		ev.trace = t.String()
	}
	if !s.IsEmpty() {
		ev.span = s.String()
	}
}

// isBelow reports whether it is a span that another began, or an event on one.
func (ev *event) isBelow() bool { return ev.hasParent || ev.on != nil && ev.on.hasParent }

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// moment is when a log record's event happened.
func moment(lr plog.LogRecord) time.Time {
	if v, ok := lr.Attributes().Get("event.timestamp"); ok {
		if t := lax.ParseTime(v.AsString()); !t.IsZero() {
			return t
		}
	}
	return stamp(cmp.Or(lr.Timestamp(), lr.ObservedTimestamp()))
}

func stamp(ns pcommon.Timestamp) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return lax.ParseTime(ns.AsTime().Format(time.RFC3339Nano))
}

// named returns the event's name without the tool's prefix, and whether any of its names bears it: exporters put the name
// in one of three places, and not all of them put the whole of it there.
func (ev *event) named(prefix string) (string, bool) {
	for _, n := range ev.names {
		if short, ok := strings.CutPrefix(n, prefix); ok {
			return short, true
		}
	}
	return ev.name(), false
}

// name is the first name that is there.
func (ev *event) name() string { return cmp.Or(ev.names[:]...) }

// short is the name as it is counted: a span's ends in what it was about, which is no name of a kind.
func (ev *event) short() string {
	n := ev.name()
	for _, prefix := range [...]string{claudePrefix, codexPrefix, geminiPrefix, copilotPrefix, kiroPrefix, grokPrefix} {
		if s, ok := ev.named(prefix); ok {
			n = s
			break
		}
	}
	if ev.isSpan {
		n, _, _ = strings.Cut(n, " ")
	}
	return n
}

// service is the name of the program that sent the event.
func (ev *event) service() string { return text(ev.resource, "service.name") }

func text(m pcommon.Map, key string) string {
	if v, ok := m.Get(key); ok {
		return valid(v.AsString())
	}
	return ""
}

// str is the first of the attributes that is there, as text: JSON where it is a list or a map.
func (ev *event) str(keys ...string) string {
	for _, k := range keys {
		if s := text(ev.attrs, k); s != "" {
			return s
		}
	}
	if ev.on != nil {
		return ev.on.str(keys...)
	}
	return ""
}

// is reports whether an attribute is true: booleans arrive as strings.
func (ev *event) is(keys ...string) bool { return strings.EqualFold(ev.str(keys...), "true") }

// num reads a number, which may arrive as a string.
func (ev *event) num(keys ...string) lax.Number {
	f, err := strconv.ParseFloat(ev.str(keys...), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return lax.Number(f)
}

// plainly is a word of the tool's as it is compared: lower case, without what separates words. How tools write theirs
// changes from version to version.
func plainly(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// print tells one event from another: the same event sent twice has the same.
func (ev *event) print() string {
	h := sha256.New()
	add := func(s string) { h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) }
	for _, n := range ev.names {
		add(n)
	}
	add(ev.at.Format(time.RFC3339Nano))
	add(ev.trace + ev.span)
	keys := make([]string, 0, ev.attrs.Len())
	for k := range ev.attrs.All() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		add(k)
		add(text(ev.attrs, k))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
