// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
)

const (
	leastCoded = 16 // bytes of a run that may hold encoded text worth a look: 12 of base64, 8 of hex
	leastLine  = 32 // least bytes of a line that goes on in the next one
	leastText  = 8  // bytes of decoded text worth a look
)

// Lanes of a history of bits, a bit a byte, for each place that a letter can have in text that is encoded: text is made
// of bytes below 128 and above 31, which shows in the letters of its encoding. See runs.
const (
	laneFirst  = 0  // base64, first of four letters: its byte is 32 to 127, or 0 as in UTF-16
	laneSecond = 15 // second: the next byte is below 128
	laneThird  = 29 // third: and so is the one after
	laneHex    = 42 // the first of two hex digits
	lane32     = 56 // a letter of base32
	laneStarts = 1<<laneFirst | 1<<laneSecond | 1<<laneThird | 1<<laneHex | 1<<lane32

	fourQuads  = 0x4444<<laneFirst | 0x2222<<laneSecond | 0x1111<<laneThird
	sevenPairs = 0x2aaa << laneHex
	eightOf32  = 0xff << lane32
)

// sextet gives each letter of base64, of either alphabet, its value; 64 for other bytes.
var sextet = func() (t [256]byte) {
	for i := range t {
		t[i] = 64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// textBits gives each byte its bits in the history.
var textBits = func() (t [256]uint64) {
	for i := range t {
		c, v := byte(i), sextet[i]
		if v < 64 && (v >= 8 && v < 32 || v == 0) {
			t[i] |= 1 << laneFirst
		}
		if v < 64 && v&8 == 0 {
			t[i] |= 1 << laneSecond
		}
		if v < 64 && v&2 == 0 || c == '=' {
			t[i] |= 1 << laneThird
		}
		if c >= '2' && c <= '7' {
			t[i] |= 1 << laneHex
		}
		if c >= '2' && c <= '7' || c >= 'A' && c <= 'Z' {
			t[i] |= 1 << lane32
		}
	}
	return t
}()

// runs looks at each run of the letters of base64 that begins before to. Only each sixteenth byte is looked at, until one is in a run.
func (w *worker) runs(to int) {
	b := w.buf
	for p, low := leastCoded-1, 0; p < min(len(b), to+leastCoded); {
		if class[b[p]]&isBase64 == 0 || half(b[p-leastRun/2:p])&isBase64 == 0 && half(b[min(p+1, len(b)):])&isBase64 == 0 {
			p += leastCoded
			continue
		}
		start := p
		for start > low && class[b[start-1]]&isBase64 != 0 {
			start--
		}
		end := run(b, p, len(b), isBase64)
		if end-start >= leastCoded {
			var letters []byte
			letters, end = w.gather(start, end)
			w.run(letters)
		}
		low, p = end, end+leastCoded
	}
}

// gather returns the letters of a run with the lines that it goes on in, and where they end; w.lines are these lines.
func (w *worker) gather(start, end int) ([]byte, int) {
	b := w.buf
	w.lines = append(w.lines[:0], span{start: start, end: end})
	width := end - start
	if width < leastLine || newline(b, end) == 0 {
		return b[start:end], end
	}
	w.joined = append(w.joined[:0], b[start:end]...)
	for newline(b, end) > 0 {
		from := newline(b, end)
		for limit := min(len(b), from+16); from < limit && bytes.IndexByte([]byte(" \t#>*|"), b[from]) >= 0; from++ {
		}
		next := run(b, from, len(b), isBase64)
		if more := run(b, next, next+16, isBlank); next-from < leastLine/2 && more > next && newline(b, more) == 0 && more < len(b) {
			break // a word: the line is of something else
		}
		if next == from || len(w.lines) > 1 && end-w.lines[len(w.lines)-1].start != w.lines[1].end-w.lines[1].start {
			break // nothing, or the line before was shorter: the last
		}
		w.joined = append(w.joined, b[from:next]...)
		w.lines = append(w.lines, span{start: from, end: next})
		end = next
	}
	return w.joined, end
}

// run looks for stretches of a run, lines joined, that decode to text.
func (w *worker) run(b []byte) {
	var history uint64
	var done [5]int // how far each of four ways to cut base64, and hex, was looked at
	done32 := 0
	for i, c := range b {
		history = history<<1&^laneStarts | textBits[c]
		if history&fourQuads == fourQuads && i > done[i&3] {
			done[i&3] = w.quads(b, i, done[i&3])
		}
		if history&sevenPairs == sevenPairs && i > done[4] {
			done[4] = w.pairs(b, i, done[4])
		}
		if history&eightOf32 == eightOf32 && i > done32 {
			done32 = w.base32(b, i, done32)
		}
	}
}

// quads decodes base64 around b[i], the third letter of a quad, as far as it is text, but from low on. It returns where
// that ends.
func (w *worker) quads(b []byte, i, low int) int {
	text := func(at int) bool { return at >= 0 && at+4 <= len(b) && letterly3(b[at:at+4]) }
	start := i - 2 - 12
	for start-4 >= low && text(start-4) {
		start -= 4
	}
	w.plaintext = w.plaintext[:0]
	end := start
	for ; text(end); end += 4 {
		a, b, c, d := sextet[b[end]], sextet[b[end+1]], sextet[b[end+2]], sextet[b[end+3]]
		w.plaintext = append(w.plaintext, a<<2|b>>4, b<<4|c>>2, c<<6|d)
	}
	last := bytes.TrimRight(b[end:min(len(b), end+4)], "=")
	if n, err := base64.RawStdEncoding.Decode(w.letters[:], last); err == nil && n > 0 && letterly(w.letters[:n]) {
		w.plaintext = append(w.plaintext, w.letters[:n]...)
		end += 4
	}
	w.whole(b, start, min(end, len(b)), w.plaintext)
	return max(end, i)
}

// letterly3 reports four letters of base64 that stand for three bytes of text, or of text in UTF-16.
func letterly3(q []byte) bool {
	a, b, c, d := sextet[q[0]], sextet[q[1]], sextet[q[2]], sextet[q[3]]
	if a|b|c|d >= 64 {
		return false
	}
	return letter[a<<2|b>>4] && letter[b<<4|c>>2] && letter[c<<6|d]
}

// letter are the bytes of text, with NUL for UTF-16.
var letter = func() (t [256]bool) {
	for i := range t {
		t[i] = i == 0 || letterly([]byte{byte(i)})
	}
	return t
}()

// pairs decodes hex around b[i], the last letter of seven pairs.
func (w *worker) pairs(b []byte, i, low int) int {
	text := func(at int) bool {
		v, ok := hexByte(b, at)
		return ok && letter[v]
	}
	start := i - 1
	for start-2 >= low && text(start-2) {
		start -= 2
	}
	w.plaintext = w.plaintext[:0]
	end := start
	for ; text(end); end += 2 {
		v, _ := hexByte(b, end)
		w.plaintext = append(w.plaintext, v)
	}
	w.whole(b, start, end, w.plaintext)
	return max(end, i)
}

// base32 decodes the letters of base32 around b[i].
func (w *worker) base32(b []byte, i, low int) int {
	in := func(at int) bool { return at >= low && at < len(b) && textBits[b[at]]>>lane32 != 0 }
	start, end := i, i+1
	for in(start - 1) {
		start--
	}
	for in(end) {
		end++
	}
	if n := end - start; n < leastCoded || n%8 == 1 || n%8 == 3 || n%8 == 6 {
		return end
	}
	enc := base32.StdEncoding.WithPadding(base32.NoPadding)
	if n, err := enc.Decode(w.letters[:], b[start:start+8]); err != nil || !letterly(w.letters[:n]) {
		return end
	}
	text, err := enc.AppendDecode(w.plaintext[:0], b[start:end])
	w.plaintext = text
	if err == nil && letterly(text) {
		w.whole(b, start, end, text)
	}
	return end
}

// whole looks at the text that b[start:end] of a run stands for, and records all of the run, line by line, where
// anything is found in it. What stands before an = is the name of a value.
func (w *worker) whole(b []byte, start, end int, text []byte) {
	if len(text) < leastText {
		return
	}
	found := !w.affords(len(text))
	if !found {
		w.inside(text, false, func(span) { found = true })
	}
	if !found {
		return
	}
	first, last := w.lines[0], w.lines[len(w.lines)-1]
	if head := b[:min(start, first.end-first.start)]; len(head) > 0 {
		first.start += bytes.LastIndexByte(head, '=') + 1
	}
	if len(w.lines) == 1 && end < len(b) && b[end] == '=' { // padding, or another name's value
		last.end = first.end - len(b) + runOf(b, end, '=')
		first.end = last.end
	}
	w.add(first.start, first.end, "opaque")
	for _, p := range w.lines[1:] {
		w.add(p.start, p.end, "opaque")
	}
}
