// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"unicode/utf8"
)

const (
	leastList = 6  // bytes in a list of numbers that are letters
	maxJoin   = 96 // bytes between two literals
)

// literalEnd returns where the literal goes on after the quote that closes it at i, in "ab" + "cd", "ab" . "cd", 'ab' 'cd'
// and the like, over lines too; 0 where none follows.
func literalEnd(b []byte, i, limit int) int {
	q := b[i]
	limit = min(limit, i+maxJoin)
	before := at(b, i-1)
	if before&notSpace == 0 && before != 0 || i == 0 || bytes.IndexByte([]byte("([{,\\"), b[i-1]) >= 0 {
		return 0 // it opens one
	}
	j := blanksAndLines(b, i+1, limit)
	op := j
	for n := 0; n < 2 && j < limit && bytes.IndexByte([]byte("+.&~|<"), b[j]) >= 0; n++ {
		j++
	}
	signed := j > op || bytes.IndexByte(b[i:j], '\\') >= 0
	if !signed && (before&isAlnum == 0 && bytes.IndexByte([]byte("._-/+"), b[i-1]) < 0 || b[i-1] == q) || (b[i-1] == '=' || b[i-1] == ':') && op == i+1 {
		return 0
	}
	j = blanksAndLines(b, j, limit)
	for n := 0; n < 2 && j < limit && j > i+1 && bytes.IndexByte([]byte("rRbBuUfFL@$"), b[j]) >= 0; n++ {
		j++
	}
	if j >= limit || b[j] != q || !signed && (at(b, j+1)&notSpace == 0 || ch(b, j+1) == '=') {
		return 0
	}
	if !signed && bytes.IndexByte(b[i:j], '\n') >= 0 && !halfRandom(b, i, j+1) {
		return 0 // a list of words, each on its line
	}
	return j + 1
}

// halfRandom reports whether what stands at either side of a seam has a digit: what is cut in two for its length mostly
// has, and words have not.
func halfRandom(b []byte, left, right int) bool {
	digits := func(i, step int) (n int) {
		for k := 0; k < maxName && at(b, i)&isBase64 != 0; k++ {
			if class[b[i]]&isDigit != 0 {
				n++
			}
			i += step
		}
		return n
	}
	return digits(left-1, -1) > 0 && digits(right, 1) > 0
}

// blanksAndLines skips blanks and line ends, escaped ones too.
func blanksAndLines(b []byte, i, limit int) int {
	for i < limit && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r' || b[i] == '\\' && newline(b, i+1) > 0) {
		i++
	}
	return i
}

// newline returns what comes after the line end at i, 0 where there is none.
func newline(b []byte, i int) int {
	switch {
	case ch(b, i) == '\n':
		return i + 1
	case ch(b, i) == '\r' && ch(b, i+1) == '\n':
		return i + 2
	}
	return 0
}

// list looks at numbers side by side: bytes of a text, where enough of them are letters.
func (w *worker) list(r *rule, start, _ int) {
	b := w.buf
	if start < w.listEnd {
		return
	}
	if k := r.keyword[0]; k == ',' || k == '\'' {
		for start > 0 && (class[b[start-1]]&isIdent != 0 || b[start-1] == '\'') && start > w.listEnd && b[start] != b[start-1] {
			start--
		}
	} else {
		for n := 0; n < 16 && at(b, start-1)&isIdent != 0; n++ {
			start--
		}
	}
	var n int
	if w.shadow, w.edits, n = foldList(w.shadow[:0], w.edits[:0], b, start, len(b)); len(w.edits) > 0 {
		w.listEnd = start + n
		w.coded(start, start+n, nearLetter, numberLists)
	}
}

// foldList reads a list of numbers (72, 0x75, 'n', (byte)0x74; 68 75 6e 74; 68:75) from b[i] on and appends the text
// that it stands for, in quotes, to dst, and how to es. It returns how many bytes it read; where they are no text, they
// are appended as they are, without edits.
func foldList(dst []byte, es edits, b []byte, i, limit int) ([]byte, edits, int) {
	text, first, j := len(dst), len(es), i
	dst, es = append(dst, '"'), append(es, edit{len(dst), 1, i, 0, false})
	end, n := i, 0
	pairs := pairsAt(b, i, limit)
	for j < limit {
		var e int
		out := len(dst)
		if pairs > 0 {
			dst, e = hexGroup(dst, b, j, limit)
		} else {
			dst, e = element(dst, b, j, limit)
		}
		if e == 0 || !letterly(dst[out:]) {
			dst = dst[:out]
			break
		}
		if end > i {
			es = append(es, edit{out, 0, end, j - end, false})
		}
		n += len(dst) - out
		es = append(es, edit{out, len(dst) - out, j, e - j, false})
		end = e
		if j = separated(b, e, limit, pairs); j == 0 {
			break
		}
	}
	if n < leastList {
		return append(dst[:text], b[i:end]...), es[:first], end - i
	}
	return append(dst, '"'), append(es, edit{len(dst), 1, end, 0, false}), end - i
}

// letterly reports bytes that text is made of.
func letterly(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

// pairsAt returns the sign between groups of hex digits without 0x, 0 for other lists.
func pairsAt(b []byte, i, limit int) byte {
	e := i
	for e < limit && e < i+16 && nibble(b[e]) >= 0 {
		e++
	}
	if c := ch(b, e); e > i && (e-i)%2 == 0 && (c == ' ' || c == ':' || c == '-') && nibble(ch(b, e+1)) >= 0 {
		return c
	}
	return 0
}

// hexGroup reads an even number of hex digits.
func hexGroup(dst, b []byte, i, limit int) ([]byte, int) {
	from := len(dst)
	j := i
	for ; j < i+16 && j+1 < limit; j += 2 {
		v, ok := hexByte(b, j)
		if !ok {
			break
		}
		dst = append(dst, v)
	}
	if j == i || at(b, j)&isIdent != 0 {
		return dst[:from], 0
	}
	return dst, j
}

// element reads one number or character of a list.
func element(dst, b []byte, i, limit int) ([]byte, int) {
	if hasAny(b[i:], "(byte)") {
		i = spaces(b, i+len("(byte)"), false)
	}
	switch {
	case ch(b, i) == '\'' && ch(b, i+1) != '\\' && ch(b, i+2) == '\'':
		return append(dst, b[i+1]), i + 3
	case ch(b, i) == '0' && ch(b, i+1)|0x20 == 'x':
		v, ok := hexByte(b, i+2)
		if !ok || nibble(ch(b, i+4)) >= 0 {
			return dst, 0
		}
		return append(dst, v), suffix(b, i+4)
	}
	v, e := 0, i
	for ; e < i+3 && e < limit && class[b[e]]&isDigit != 0; e++ {
		v = v*10 + int(b[e]-'0')
	}
	if e == i || v > 255 || at(b, e)&isDigit != 0 {
		return dst, 0
	}
	return append(dst, byte(v)), suffix(b, e)
}

// suffix skips the type of a literal: u8, U, UL.
func suffix(b []byte, i int) int { return run(b, i, i+3, isIdent) }

// separated returns where the next element starts after what separates it, 0 where the list ends.
func separated(b []byte, i, limit int, pairs byte) int {
	j := i
	if pairs != 0 && pairs != ' ' {
		if ch(b, j) != pairs {
			return 0
		}
		j++
	}
	if pairs == 0 {
		if j = spaces(b, j, true); ch(b, j) != ',' {
			return 0
		}
		j = spaces(b, j+1, true)
	} else {
		j = spaces(b, j, true)
	}
	if j == i || j >= limit {
		return 0
	}
	return j
}

// nibble returns the value of a hex digit, -1 for other bytes.
func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// hexByte reads two hex digits.
func hexByte(b []byte, i int) (byte, bool) {
	hi, lo := nibble(ch(b, i)), nibble(ch(b, i+1))
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

// hexRune reads n hex digits.
func hexRune(b []byte, i, n int) (r rune, ok bool) {
	for ; n > 0; n-- {
		v := nibble(ch(b, i))
		if v < 0 || r > utf8.MaxRune {
			return 0, false
		}
		r, i = r<<4|rune(v), i+1
	}
	return r, r > 0
}

// braced reads {41}, and returns where it ends, 0 where it is none.
func braced(b []byte, i int) (r rune, end int) {
	if ch(b, i) != '{' {
		return 0, 0
	}
	for n := 1; n <= 8; n++ {
		v := nibble(ch(b, i+n))
		if v < 0 {
			if n > 1 && ch(b, i+n) == '}' && r > 0 && r <= utf8.MaxRune {
				return r, i + n + 1
			}
			return 0, 0
		}
		r = r<<4 | rune(v)
	}
	return 0, 0
}
