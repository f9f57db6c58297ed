// SPDX-License-Identifier: Apache-2.0

// Package lax decodes JSON that other people's tools wrote, without trusting its types. No tool documents its history
// format, so a field may turn up as another type in the next version, a bool or a number may be a string, and one odd
// field must not cost the record. Each type here takes the value it expects and passes over any other: decoding a
// struct made of them fails on broken syntax only.
//
// Start with [Decode]. Nothing here knows any tool.
package lax

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads one JSON object into v and reports whether b is one, in valid UTF-8. Duplicate names are allowed (the
// last counts), and an escape that is no character (a lone surrogate) becomes U+FFFD.
func Decode(b []byte, v any) bool {
	if b = bytes.Trim(b, " \t\r\n"); len(b) == 0 || b[0] != '{' || !utf8.Valid(b) {
		return false
	}
	return json.Unmarshal(b, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) == nil
}

// String is a string, or empty where the value is of another type.
type String string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *String) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return d.SkipValue()
	}
	t, err := d.ReadToken()
	if err == nil {
		*s = String(t.String())
	}
	return err
}

// Bool is true where the value is true or "true".
type Bool bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *Bool) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"', 't', 'f':
		t, err := d.ReadToken()
		*b = err == nil && t.String() == "true"
		return err
	}
	return d.SkipValue()
}

// Number is a number, written as one or as a string; 0 where it is neither.
type Number float64

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *Number) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"', '0':
		t, err := d.ReadToken()
		if f, bad := strconv.ParseFloat(t.String(), 64); err == nil && bad == nil {
			*n = Number(f)
		}
		return err
	}
	return d.SkipValue()
}

// Int returns the number as a count: whole, and 0 where it is below 0 or absurd (no count of ours reaches 2^53).
func (n Number) Int() int64 {
	if n >= 0 && n < 1<<53 {
		return int64(n)
	}
	return 0
}

// Time is a moment in UTC, from ISO 8601 (without a zone: UTC), epoch seconds or epoch milliseconds; zero where it is
// none of these.
type Time struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Time) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"', '0':
		tok, err := d.ReadToken()
		if err == nil {
			t.Time = ParseTime(tok.String())
		}
		return err
	}
	return d.SkipValue()
}

// ParseTime reads a moment as [Time] does.
func ParseTime(s string) time.Time {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return sane(t.UTC())
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || !(f > 0) || f > 1e15:
		return time.Time{}
	case f > 1e11: // as seconds this would be the year 5138
		return sane(time.UnixMilli(int64(f)).UTC())
	}
	return sane(time.Unix(int64(f), 0).UTC())
}

// sane drops a year that RFC 3339 or any tool's clock could not mean.
func sane(t time.Time) time.Time {
	if y := t.Year(); y < 1970 || y > 9000 {
		return time.Time{}
	}
	return t
}

// Object is an object decoded into V, or not OK where the value is of another type.
type Object[T any] struct {
	V  T
	OK bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *Object[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return d.SkipValue()
	}
	o.OK = true
	return json.UnmarshalDecode(d, &o.V)
}

// List is the objects of an array; elements of another type are passed over. OK says that the value was an array.
type List[T any] struct {
	V  []T
	OK bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *List[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	l.OK = d.PeekKind() == '['
	return Each(d, func() error {
		var e Object[T]
		if err := e.UnmarshalJSONFrom(d); err != nil {
			return err
		}
		if e.OK {
			l.V = append(l.V, e.V)
		}
		return nil
	})
}

// Strings are the strings of an array; elements of another type are passed over.
type Strings []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *Strings) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return Each(d, func() error {
		if d.PeekKind() != '"' {
			return d.SkipValue()
		}
		var s String
		err := s.UnmarshalJSONFrom(d)
		*l = append(*l, string(s))
		return err
	})
}

// Each calls read at each element of an array, which it takes from d; a value of another type is passed over.
func Each(d *jsontext.Decoder, read func() error) error {
	if d.PeekKind() != '[' {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// Keys returns the names of the top-level object in b and, for those whose value is a short string, that string. It is
// made for the head of a file: where b breaks off, what came before is returned. Nil where b does not start an object.
func Keys(b []byte) map[string]string {
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil
	}
	keys := map[string]string{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		key := strings.Clone(name.String())
		keys[key] = ""
		if d.PeekKind() != '"' {
			if d.SkipValue() != nil {
				break
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			break
		}
		if s := value.String(); len(s) <= 100 {
			keys[key] = s
		}
	}
	return keys
}
