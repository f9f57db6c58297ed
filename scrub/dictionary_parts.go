// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// subword is a part of a word between two borders.
type subword struct {
	start, end int
	hash, pow  uint64 // of the folded letters; hashBase to the power of how many there are
	size       int    // how many there are
	begins     bool   // a name may begin here
	opens      bool   // nothing of the word stands before it
	last       bool   // nothing of the word stands after it
	digits     bool   // it is a number
}

// appendParts appends the parts of the word at start; none where no word starts there.
func appendParts(parts []subword, b []byte, start int) []subword {
	first := len(parts)
	var q subword
	open := func(at int, begins bool) {
		if q.size > 0 {
			parts = append(parts, q)
		}
		q = subword{start: at, end: at, pow: 1, begins: begins}
	}
	open(start, true)
	q.opens = start == 0 || at(b, start-1)&isAlnum == 0 && b[start-1] < utf8.RuneSelf
	var prev, before uint16 // sorts of the last two letters
	escape := 0             // where an escape such as \n or %20 before the word ends
	switch {
	case start > 0 && b[start-1] == '\\' && bytes.IndexByte([]byte("nrtbf"), b[start]) >= 0:
		escape = start + 1
	case start > 0 && b[start-1] == '%' && twoHex(b[start:]):
		escape = start + 2
	}
	var folded [16]byte
	for i := start; i < len(b); {
		out, size, word := foldLetter(folded[:0], b[i:])
		if !word {
			break
		}
		if len(out) == 0 { // invisible, or an accent
			i += size
			if q.size > 0 {
				q.end = i
			}
			continue
		}
		sort := sortOf(b[i:])
		if q.size > 0 {
			switch {
			case i == escape:
				open(i, true)
				q.opens = true
			case prev == isOther, sort == isOther, sort == isUpperLetter && prev&(isLowerLetter|isNumber) != 0:
				open(i, true)
			case sort == isNumber && prev != isNumber, sort != isNumber && prev == isNumber:
				open(i, false)
			case sort == isLowerLetter && prev == isUpperLetter && before == isUpperLetter: // HTTPServer: the S belongs to what follows
				back := q.end - 1
				for back > q.start && b[back]&0xC0 == 0x80 {
					back--
				}
				opens := q.opens
				parts = append(parts, partOf(b, q.start, back, q.begins))
				parts[len(parts)-1].opens = opens
				q = partOf(b, back, q.end, true)
			}
			if len(parts)-first >= manyParts {
				return parts
			}
		}
		for _, c := range out {
			q.hash, q.pow, q.size = q.hash*hashBase+uint64(c), q.pow*hashBase, q.size+1
		}
		if sort == isNumber {
			q.digits = true
		}
		i += size
		q.end, before, prev = i, prev, sort
		if q.size > 2*maxListed { // no name is as long: the rest of the word is skipped
			for i < len(b) && (class[b[i]]&isAlnum != 0 || b[i] >= utf8.RuneSelf) {
				i++
			}
			q.end = i
			break
		}
	}
	if open(0, false); len(parts) > first {
		parts[len(parts)-1].last = true
	}
	return parts
}

// partOf is the part b[start:end], all letters of one word.
func partOf(b []byte, start, end int, begins bool) subword {
	q := subword{start: start, end: end, pow: 1, begins: begins}
	for _, c := range appendKey(nil, b[start:end]) {
		q.hash, q.pow, q.size = q.hash*hashBase+uint64(c), q.pow*hashBase, q.size+1
	}
	return q
}

// sortOf returns the sort of the first letter of b; isOther for one of a script without spaces.
func sortOf(b []byte) uint16 {
	if b[0] < utf8.RuneSelf {
		return letterOf[b[0]] &^ 0xff
	}
	r, _ := utf8.DecodeRune(b)
	switch {
	case unspaced(r), r == utf8.RuneError:
		return isOther
	case unicode.IsUpper(r):
		return isUpperLetter
	case unicode.IsNumber(r):
		return isNumber
	}
	return isLowerLetter
}

// letterOf holds for each byte of a word its lower case and, above it, which sort it is; 0 for other bytes.
var letterOf = func() (t [256]uint16) {
	for i := range t {
		switch c := class[i]; {
		case i >= utf8.RuneSelf:
			t[i] = isOther | 1
		case c&isLower != 0:
			t[i] = isLowerLetter | uint16(i)
		case c&isUpper != 0:
			t[i] = isUpperLetter | uint16(i+'a'-'A')
		case c&isDigit != 0:
			t[i] = isNumber | uint16(i)
		}
	}
	return t
}()

// The sorts of bytes.
const (
	isLowerLetter = 1 << (iota + 8)
	isUpperLetter
	isNumber
	isOther
)

// twoHex reports whether b begins with the two digits of a percent escape.
func twoHex(b []byte) bool {
	return len(b) > 2 && strings.IndexByte("234567", b[0]) >= 0 && strings.IndexByte("0123456789ABCDEFabcdef", b[1]) >= 0
}
