// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"

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
