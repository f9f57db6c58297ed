// SPDX-License-Identifier: Apache-2.0

package lax

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

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
		// A borrow can mark a byte that is none, but only after one that is: the first mark is true.
		if marks := ((q-ones)&^q | (s-ones)&^s | (x-ones*0x20)&^x) & tops; marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
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
