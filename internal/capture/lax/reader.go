// SPDX-License-Identifier: Apache-2.0

package lax

import (
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader reads one JSON value in a single pass, for formats of which there is much: the caller says which members it
// wants, and all else is checked and passed over without being copied. It takes what [Decode] takes, and like the types of
// this package, each method takes the value it expects and passes over any other.
//
// The zero Reader is of no use; start with [Reader.Reset]. After a value is read, [Reader.End] says whether the text was
// JSON at all: the methods give zero values once it is found not to be.
type Reader struct {
	b     []byte
	i     int
	depth int
	bad   bool
	buf   []byte // for strings that have escapes
}

const maxNesting = 10000 // as jsontext has it

// Reset starts on a text, which must be left alone until the Reader is done with it. It reports whether the text may be
// an object: that it begins as one, and is valid UTF-8.
func (d *Reader) Reset(b []byte) bool {
	d.b, d.i, d.depth, d.bad = b, 0, 0, !utf8.Valid(b)
	return d.Kind() == '{'
}

// End reports whether the whole text was one JSON value.
func (d *Reader) End() bool {
	d.space()
	return !d.bad && d.i == len(d.b)
}

// Kind returns the first byte of the next value: '{', '[', '"', 't', 'f', 'n', '-' or a digit; 0 where there is none.
func (d *Reader) Kind() byte {
	d.space()
	if d.bad || d.i >= len(d.b) {
		return 0
	}
	return d.b[d.i]
}

func (d *Reader) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}

// fail marks the text as no JSON; nothing more is read from it.
func (d *Reader) fail() { d.bad, d.i = true, len(d.b) }

// take consumes c where it comes next.
func (d *Reader) take(c byte) bool {
	if d.Kind() != c {
		return false
	}
	d.i++
	return true
}

// Object reads an object: member is called for each, before its value, which it reads or leaves. It reports false where
// the value is of another type, which is passed over.
func (d *Reader) Object(member func(name []byte)) bool {
	if d.Kind() != '{' {
		d.Skip()
		return false
	}
	d.nest('}', func() {
		name := d.quoted()
		if !d.take(':') {
			d.fail()
			return
		}
		d.Kind()
		at := d.i
		if member(name); d.i == at {
			d.Skip()
		}
	})
	return true
}

// List reads an array: element is called for each, before it, and reads it or leaves it. It reports false where the value
// is of another type, which is passed over.
func (d *Reader) List(element func()) bool {
	if d.Kind() != '[' {
		d.Skip()
		return false
	}
	d.nest(']', func() {
		d.Kind()
		at := d.i
		if element(); d.i == at {
			d.Skip()
		}
	})
	return true
}

func (d *Reader) nest(end byte, one func()) {
	d.i++
	if d.depth++; d.depth > maxNesting {
		d.fail()
		return
	}
	for first := true; !d.bad; first = false {
		if first && d.take(end) {
			break
		}
		one()
		if d.take(end) {
			break
		}
		if !d.take(',') {
			d.fail()
		}
	}
	d.depth--
}

// String reads a string.
func (d *Reader) String() String {
	if d.Kind() != '"' {
		d.Skip()
		return ""
	}
	return String(d.quoted())
}

// Bool reads true, or "true".
func (d *Reader) Bool() Bool {
	switch d.Kind() {
	case '"':
		return string(d.quoted()) == "true"
	case 't':
		d.Skip()
		return Bool(!d.bad)
	}
	d.Skip()
	return false
}

// Number reads a number, or one in a string.
func (d *Reader) Number() Number {
	var text []byte
	switch c := d.Kind(); {
	case c == '"':
		text = d.quoted()
	case c == '-' || c >= '0' && c <= '9':
		at := d.i
		d.Skip()
		text = d.b[at:d.i]
	default:
		d.Skip()
		return 0
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || d.bad {
		return 0
	}
	return Number(f)
}

// Time reads a moment.
func (d *Reader) Time() Time {
	switch c := d.Kind(); {
	case c == '"':
		return Time{ParseTime(string(d.quoted()))}
	case c >= '0' && c <= '9':
		at := d.i
		if d.Skip(); d.bad {
			return Time{}
		}
		return Time{ParseTime(string(d.b[at:d.i]))}
	}
	d.Skip()
	return Time{}
}

// Raw returns the text of the next value, a copy.
func (d *Reader) Raw() jsontext.Value {
	d.Kind()
	at := d.i
	if d.Skip(); d.bad {
		return nil
	}
	return append(jsontext.Value(nil), d.b[at:d.i]...)
}

// Skip passes over the next value.
func (d *Reader) Skip() {
	switch c := d.Kind(); {
	case c == '"':
		d.pass()
	case c == '{':
		d.nest('}', func() {
			if d.Kind() != '"' {
				d.fail()
				return
			}
			d.pass()
			if !d.take(':') {
				d.fail()
				return
			}
			d.Skip()
		})
	case c == '[':
		d.nest(']', d.Skip)
	case c == 't':
		d.word("true")
	case c == 'f':
		d.word("false")
	case c == 'n':
		d.word("null")
	case c == '-' || c >= '0' && c <= '9':
		d.number()
	default:
		d.fail()
	}
}

func (d *Reader) word(w string) {
	if len(d.b)-d.i < len(w) || string(d.b[d.i:d.i+len(w)]) != w {
		d.fail()
		return
	}
	d.i += len(w)
}

// number passes over a number (RFC 8259, section 6).
func (d *Reader) number() {
	digits := func() bool {
		at := d.i
		for d.i < len(d.b) && d.b[d.i]-'0' < 10 {
			d.i++
		}
		return d.i > at
	}
	if d.b[d.i] == '-' {
		d.i++
	}
	zero := d.i < len(d.b) && d.b[d.i] == '0'
	at := d.i
	if !digits() || zero && d.i > at+1 {
		d.fail()
		return
	}
	if d.i < len(d.b) && d.b[d.i] == '.' {
		if d.i++; !digits() {
			d.fail()
			return
		}
	}
	if d.i < len(d.b) && d.b[d.i]|0x20 == 'e' {
		if d.i++; d.i < len(d.b) && (d.b[d.i] == '+' || d.b[d.i] == '-') {
			d.i++
		}
		if !digits() {
			d.fail()
		}
	}
}
