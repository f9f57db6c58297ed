// SPDX-License-Identifier: Apache-2.0

package lax

import (
	"encoding/binary"
	"strconv"
	"unicode/utf16"
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

// pass passes over a string.
func (d *Reader) pass() {
	for d.i++; ; {
		d.i = plain(d.b, d.i)
		switch {
		case d.i >= len(d.b) || d.b[d.i] < 0x20:
			d.fail()
			return
		case d.b[d.i] == '"':
			d.i++
			return
		}
		if _, n := escape(d.b[d.i:]); n > 0 {
			d.i += n
		} else {
			d.fail()
			return
		}
	}
}

// quoted reads a string. What it returns is good until the next one is read.
func (d *Reader) quoted() []byte {
	if d.Kind() != '"' {
		d.fail()
		return nil
	}
	d.i++
	at := d.i
	if d.i = plain(d.b, d.i); d.i < len(d.b) && d.b[d.i] == '"' { // most have no escapes
		d.i++
		return d.b[at : d.i-1]
	}
	out := d.buf[:0]
	for {
		if d.i >= len(d.b) || d.b[d.i] < 0x20 {
			d.fail()
			return nil
		}
		out = append(out, d.b[at:d.i]...)
		if d.b[d.i] == '"' {
			d.i++
			d.buf = out
			return out
		}
		r, n := escape(d.b[d.i:])
		if n == 0 {
			d.fail()
			return nil
		}
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		} else {
			out = utf8.AppendRune(out, r)
		}
		d.i += n
		at = d.i
		d.i = plain(d.b, d.i)
	}
}

// plain returns the index, from i on, of the first byte that ends a run of plain characters in a string: a quote, a
// backslash, a control character, or the end. It looks at eight bytes at a time.
func plain(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		q, s := x^(ones*'"'), x^(ones*'\\')
		if ((q-ones)&^q|(s-ones)&^s|(x-ones*0x20)&^x)&tops != 0 {
			break // one of the eight, to be found below
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return i
}

// escape reads the escape at the start of b: the character, and its length in bytes, 0 where it is none. Half a surrogate
// pair is U+FFFD.
func escape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'u':
	default:
		return 0, 0
	}
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hex4(b[6:]); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				return full, 12
			}
		}
		return utf8.RuneError, 6
	}
	return r, 6
}

// hex4 reads \uXXXX.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
