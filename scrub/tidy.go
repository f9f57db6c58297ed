// SPDX-License-Identifier: Apache-2.0

package scrub

import "unicode/utf8"

// tidy moves a span's edges to where a mark may stand in code: not inside of a letter, of a number or of an escape. from
// is where the span before ends.
func tidy(s span, b []byte, from int) span {
	s.start = max(from, runeAround(b, s.start, false))
	s.end = runeAround(b, s.end, true)
	if s.kind != "user" && s.kind != "path" { // they come after a backslash that is no escape
		if start, end, blank, ok := escapeAround(b, s.start, from); ok && blank {
			s.start = min(end, s.end)
		} else if ok {
			s.start = start
		}
		if start, end, blank, ok := escapeAround(b, s.end, s.start); ok && (blank || end == start+2) {
			s.end = start
		} else if ok {
			s.end = end
		}
	}
	if at(b, s.start)&isAlnum == 0 {
		return s
	}
	i := s.start
	for i > from && i > s.start-maxSpace && at(b, i-1)&isIdent != 0 {
		i--
	}
	if at(b, i)&isDigit != 0 && at(b, i-1)&isIdent == 0 { // 0x…, 12…: no identifier begins with a digit
		s.start = i
	}
	return s
}

// runeAround returns where the letter begins, or ends, that goes on both before and at b[i]; i where there is none.
func runeAround(b []byte, i int, end bool) int {
	j := i
	for j > 0 && j > i-utf8.UTFMax+1 && j < len(b) && !utf8.RuneStart(b[j]) {
		j--
	}
	if j == i {
		return i
	}
	switch _, n := utf8.DecodeRune(b[j:]); {
	case j+n <= i:
		return i
	case end:
		return j + n
	}
	return j
}

// escapeAround returns the escape that goes on both before and at b[i]: a backslash, or several where text is quoted
// more than once, and what they say. blank reports those that stand for white space.
func escapeAround(b []byte, i, from int) (start, end int, blank, ok bool) {
	j := i - 1
	for ; j >= from && j > i-10 && b[j] != '\\'; j-- {
		if class[b[j]]&isAlnum == 0 {
			return 0, 0, false, false
		}
	}
	if j < from || b[j] != '\\' {
		return 0, 0, false, false
	}
	end = j + escapeLen(b[j:])
	if end <= i {
		return 0, 0, false, false
	}
	c := ch(b, j+1)
	for j > from && b[j-1] == '\\' {
		j--
	}
	return j, end, c == 'n' || c == 'r' || c == 't', true
}

// escapeLen returns how long the escape that b begins with is.
func escapeLen(b []byte) int {
	n := 0
	switch ch(b, 1) {
	case 'x':
		n = 2
	case 'u':
		n = 4
	case 'U':
		n = 8
	case '0', '1', '2', '3':
		if len(b) >= 4 && octal(b[2]) && octal(b[3]) {
			return 4
		}
	}
	if n > 0 && len(b) >= 2+n {
		if _, ok := unhex(b[2 : 2+n]); ok {
			return 2 + n
		}
	}
	return min(2, len(b))
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
