// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"unicode/utf8"
)

// escapes are the keywords at which a text may need folding. Each is looked at where it stands (escape), so that
// ordinary text is not folded for a line's end in a string or a per cent sign in a format.
func escapes() []rule {
	var rs []rule
	add := func(detect func(w *worker, r *rule, start, end int), keywords ...string) {
		for _, k := range keywords {
			rs = append(rs, rule{keyword: k, detect: detect})
		}
	}
	add((*worker).escape, `\`, "%0", "%u0", "&#", "&amp;", "&quot;", "&apos;", "&lt;", "&gt;", "&nbsp;", "&commat;", "&colon;",
		"&equals;", "&period;", "&sol;", "\x00")
	add((*worker).coloured, "\x1b[")
	add((*worker).quotedPrintable, "=0", "=\n", "=\r\n")
	add((*worker).foreign, "\xc2\xa0", "\xc2\xad", "\xc4\xb1", "\xc5\xbf", "\xc9", "\xcc", "\xcd", "\xce", "\xcf", "\xd0", "\xd1", "\xd2", "\xd3", "\xd4", "\xd5", "\xd8\x9c", "\xd9",
		"\xdb", "\xe0\xa5", "\xe1\x9e", "\xe1\xa0", "\xe2\x80", "\xe2\x81", "\xe2\x84", "\xe2\x85", "\xe2\x88", "\xe2\x91", "\xe2\x92", "\xe2\x93",
		"\xe3\x80\x80", "\xe3\x85\xa4", "\xef\xb8", "\xef\xb9", "\xef\xbb\xbf", "\xef\xbc", "\xef\xbd", "\xf0\x9d", "\xf3\xa0")
	for _, q := range []string{`"`, "'", "`"} {
		for _, op := range []string{"+", " +", ".", " .", "&", " &", " ~", "|", " |", " <<", " " + q, q, "\n", "\r\n", " \\\n", "\\\n"} {
			add((*worker).split, q+op)
		}
	}
	add((*worker).list, "0, 0", "0,0", ", 0x", ",0x", "0,\n", "','", "', '", "0 0", "0:0", "0-0")
	return rs
}

// escape looks at what may be one escape.
func (w *worker) escape(_ *rule, start, _ int) {
	b := w.buf
	if b[start] == '\\' {
		if ch(b, start-1) == '\\' {
			return // unit reads all of them
		}
		// The plain ones are in every source file: only before a word do they hide where it begins.
		switch next := at(b, start+2); ch(b, start+1) {
		case 'n', 'r', 't':
			if next&notSpace == 0 || ch(b, start+2) == '\\' || ch(b, start+2) == '%' {
				return
			}
		case '\'', '`', '/':
			if next&isAlnum == 0 {
				return
			}
		}
	}
	if dst, n, gap := w.unit(w.letters[:0], start, len(b), literals); n > 0 && !(b[start] == '\\' && len(dst) == 1 && dst[0] == '\\') {
		how, near := folding(0), nearLetter
		if gap || string(dst) == "\n" {
			near = nearSeam
		}
		if b[start+n-1] == '"' {
			if w.asLiterals {
				return
			}
			how = literals
		}
		w.coded(start, start+n, near, how)
	}
}

// coloured looks at a colour of a terminal.
func (w *worker) coloured(_ *rule, start, _ int) {
	if n := colour(w.buf, start); n > 0 {
		w.coded(start, start+n, nearLetter, 0)
	}
}

// quotedPrintable looks for what only that encoding has: =3D, a line that ends in =, one code after another.
func (w *worker) quotedPrintable(_ *rule, start, end int) {
	b := w.buf
	switch c, ok := hexByte(b, start+1); {
	case b[start+1] == '\n' || b[start+1] == '\r':
		if at(b, start-1)&notSpace == 0 || at(b, start-30)&^notSpace != 0 {
			return
		}
		run := start
		for run > 0 && class[b[run-1]]&isBase64 != 0 && start-run < maxBare {
			run--
		}
		if (start+1-run)%4 == 0 && at(b, newline(b, start+1))&isAlnum == 0 { // base64, padded to its length, and a line of its own
			return
		}
	case !ok || c != '=' && ch(b, start+3) != '=' || c < ' ' || at(b, start+2)&isLower != 0:
		return
	}
	w.coded(start, end, nearSeam, quotedPrintable)
}

// foreign looks at a letter that may pass for an ASCII one. Those of living alphabets count only within a word that is
// ASCII elsewhere.
func (w *worker) foreign(_ *rule, start, _ int) {
	b := w.buf
	r, n := utf8.DecodeRune(b[start:min(len(b), start+4)])
	to := plain(r)
	if to == r {
		return
	}
	next := start + n
	switch {
	case r >= 0x370 && r < 0x530 && !rare(r):
		if at(b, start-1)&isIdent == 0 && at(b, next)&isIdent == 0 {
			return
		}
	case to == '\'' || to == '-':
		if (at(b, start-1)|at(b, next))&isDigit == 0 && (to == '-' || at(b, start-1)&isAlpha != 0) {
			return
		}
	}
	w.coded(start, next, nearLetter, 0)
}

// split looks at a closing quote and what may join the literal to the next one.
func (w *worker) split(_ *rule, start, _ int) {
	if end := literalEnd(w.buf, start, len(w.buf)); end > 0 {
		w.coded(start, end, nearSeam, 0)
	}
}

// special are the bytes at which unit may find something.
var special = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x80 || bytes.IndexByte([]byte("\\%&=+\"'`\x00\x1b"), byte(i)) >= 0
	}
	return t
}()

// fold appends the text that a region of w.buf stands for to dst, and its edits to es.
func (w *worker) fold(dst []byte, es edits, r region) ([]byte, edits) {
	b := w.buf
	for i := r.start; i < r.end; {
		c := b[i]
		if r.how&numberLists != 0 && (class[c]&isDigit != 0 || c == '\'' || c == '(') && at(b, i-1)&isIdent == 0 {
			var n int
			if dst, es, n = foldList(dst, es, b, i, r.end); n > 0 {
				i += n
				continue
			}
		}
		if !special[c] {
			e := i + 1
			for e < r.end && !special[b[e]] && (r.how&numberLists == 0 || class[b[e]]&isDigit == 0 && b[e] != '(') {
				e++
			}
			dst = append(dst, b[i:e]...)
			i = e
			continue
		}
		out := len(dst)
		next, n, gap := w.unit(dst, i, r.end, r.how)
		if dst = next; n == 0 {
			dst = append(dst, c)
			i++
			continue
		}
		if bytes.Equal(dst[out:], b[i:i+n]) {
			i += n
			continue
		}
		es = append(es, edit{out, len(dst) - out, i, n, gap})
		i += n
	}
	return dst, es
}

// unit appends what the code at w.buf[i] stands for and returns how many bytes it has, 0 where there is none.
func (w *worker) unit(dst []byte, i, limit int, how folding) (_ []byte, n int, gap bool) {
	b := w.buf
	switch c := b[i]; {
	case c == '\\':
		return backslash(dst, b, i, limit, how)
	case c == '%':
		dst, n = percent(dst, b, i)
	case c == '+': // a space, in a form
		if _, ok := hexByte(b, i-2); ok && ch(b, i-3) == '%' {
			return append(dst, ' '), 1, false
		}
	case c == '&':
		dst, n = entity(dst, b, i)
	case c == '=' && how&quotedPrintable != 0:
		if v, ok := hexByte(b, i+1); ok && (v >= ' ' || v == '\n') {
			return append(dst, v), 3, false
		}
		if e := newline(b, i+1); e > 0 {
			return dst, e - i, true
		}
	case c == 0: // of UTF-16 and UTF-32
		return dst, 1, false
	case c == 0x1b: // a colour of a terminal
		return dst, colour(b, i), false
	case c == '"' && how&literals != 0:
		return append(dst, '\n'), 1, false
	case c == '"' || c == '\'' || c == '`':
		if e := literalEnd(b, i, limit); e > 0 {
			return dst, e - i, true
		}
	case c >= 0x80:
		if i+1 < len(b) && b[i+1] == 0 || i > 0 && b[i-1] == 0 && ch(b, i+1) < 0x80 { // Latin-1 in UTF-16
			return utf8.AppendRune(dst, rune(c)), 1, false
		}
		r, size := utf8.DecodeRune(b[i:min(len(b), i+4)])
		switch to := plain(r); {
		case to < 0:
			return dst, size, false
		case to != r:
			return utf8.AppendRune(dst, to), size, false
		}
	}
	return dst, n, false
}

// colour returns the length of the sequence that colours the text of a terminal, "\x1b[1;32m", or clears its line; else 0.
func colour(b []byte, i int) int {
	if ch(b, i) != 0x1b || ch(b, i+1) != '[' {
		return 0
	}
	e := i + 2
	for e < i+20 && (at(b, e)&isDigit != 0 || ch(b, e) == ';') {
		e++
	}
	if c := ch(b, e); c != 'm' && c != 'K' {
		return 0
	}
	return e + 1 - i
}

// backslash reads an escape of a string literal, behind any number of backslashes: JSON within JSON doubles them at
// each depth.
func backslash(dst, b []byte, i, limit int, how folding) (_ []byte, n int, gap bool) {
	j := runOf(b[:limit], i, '\\')
	if j >= limit {
		return dst, 0, false
	}
	switch c := b[j]; c {
	case 'n', 'r':
		return append(dst, '\n'), j + 1 - i, false
	case 't':
		return append(dst, '\t'), j + 1 - i, false
	case '"':
		if how&literals == 0 {
			return append(dst, b[i:j+1]...), j + 1 - i, false
		}
		return append(dst, c), j + 1 - i, false
	case '\'', '`', '/':
		return append(dst, c), j + 1 - i, false
	case '\n', '\r':
		e := newline(b, j)
		if e > 0 && i > 0 && class[b[i-1]]&notSpace != 0 {
			e = spaces(b, e, false)
		}
		if e > 0 {
			return dst, min(e, limit) - i, true
		}
	case 'x':
		if v, ok := hexByte(b, j+1); ok && (v >= ' ' || v == '\n') {
			return append(dst, v), j + 3 - i, false
		}
		if r, e := braced(b, j+1); e > 0 {
			return utf8.AppendRune(dst, r), e - i, false
		}
	case 'u':
		r, ok := hexRune(b, j+1, 4)
		e := j + 5
		if !ok {
			r, e = braced(b, j+1)
			ok = e > 0
		}
		if low := runOf(b[:limit], e, '\\'); ok && r >= 0xd800 && r < 0xdc00 && low > e && ch(b, low) == 'u' {
			if l, lowOK := hexRune(b, low+1, 4); lowOK && l >= 0xdc00 && l < 0xe000 {
				r, e = (r-0xd800)<<10|(l-0xdc00)+0x10000, low+5
			}
		}
		if ok {
			return utf8.AppendRune(dst, r), e - i, false
		}
	case 'U':
		if r, ok := hexRune(b, j+1, 8); ok {
			return utf8.AppendRune(dst, r), j + 9 - i, false
		}
	default:
		v, e := 0, j
		for ; e < j+3 && e < limit && b[e] >= '0' && b[e] <= '7'; e++ {
			v = v<<3 | int(b[e]-'0')
		}
		if e > j && v >= ' ' && v < 256 {
			return append(dst, byte(v)), e - i, false
		}
	}
	if j > i+1 {
		return append(dst, '\\'), j - i, false
	}
	return dst, 0, false
}

// percent reads %41, %2541 to any depth, and %u0041.
func percent(dst, b []byte, i int) (_ []byte, n int) {
	j := i + 1
	for ch(b, j) == '2' && ch(b, j+1) == '5' {
		if _, ok := hexByte(b, j+2); !ok {
			break
		}
		j += 2
	}
	if v, ok := hexByte(b, j); ok && (v >= ' ' || v == '\n' || v == '\r') {
		return append(dst, v), j + 2 - i
	}
	if r, ok := hexRune(b, j+1, 4); ok && ch(b, j)|0x20 == 'u' {
		return utf8.AppendRune(dst, r), j + 5 - i
	}
	return dst, 0
}

// entity reads a character reference of HTML, to any depth of &amp;.
func entity(dst, b []byte, i int) (_ []byte, n int) {
	j := i + 1
	for hasAny(b[j:], "amp;") {
		j += len("amp;")
	}
	if j == i+1+len("amp;") && ch(b, j) != '#' {
		dst, n = append(dst, '&'), j-i // unless it is the & of another
	}
	end := bytes.IndexByte(b[j:min(len(b), j+12)], ';')
	if end <= 0 {
		return dst, n
	}
	name := b[j : j+end]
	to := rune(-1)
	if name[0] == '#' {
		to = reference(name[1:])
	} else {
		switch string(name) {
		case "quot":
			to = '"'
		case "apos":
			to = '\''
		case "lt":
			to = '<'
		case "gt":
			to = '>'
		case "nbsp":
			to = ' '
		case "commat":
			to = '@'
		case "colon":
			to = ':'
		case "equals":
			to = '='
		case "period":
			to = '.'
		case "sol":
			to = '/'
		case "amp":
			to = '&'
		}
	}
	if to < 0 {
		return dst, n
	}
	return utf8.AppendRune(dst[:len(dst)-min(n, 1)], to), j + end + 1 - i
}

// reference reads the digits of a character reference, -1 where it has none or too many.
func reference(b []byte) rune {
	base := rune(10)
	if len(b) > 0 && b[0]|0x20 == 'x' {
		base, b = 16, b[1:]
	}
	r := rune(0)
	for _, c := range b {
		v := nibble(c)
		if v < 0 || v >= int(base) || r > utf8.MaxRune {
			return -1
		}
		r = r*base + rune(v)
	}
	if len(b) == 0 || r == 0 {
		return -1
	}
	return r
}
