// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"hash"
	"time"
)

const (
	window    = 1 << 20  // bytes taken at a time
	lookahead = 64 << 10 // of a window that is not the last, left for the next one to see whole
	margin    = 256      // bytes before a window that its detectors may look at
	maxRounds = 8        // of replacing and scanning again, before giving up
)

// worker is the scratch space of one scan; it is used by one goroutine at a time.
type worker struct {
	s        *Scrubber
	strict   bool
	deadline time.Time
	under    word    // what the key says that the text stands under, in JSON
	known    *recall // findings of the record, nil for text by itself
	memory   recall  // what known points to, or what a window remembers of itself; empty between uses

	mac     hash.Hash
	sum     [32]byte
	letters [8]byte
	tmp     []byte
	word    []byte

	in, out  []byte // a record's text, decoded, and what it becomes
	buf      []byte
	hits     []span  // as detected, in any order
	own      []span  // marks made with our key
	spans    []span  // to replace: sorted, apart
	pieces   []piece // where rendered text came from
	rounds   int
	nameEnd  int // end of the last assigned name looked at, and
	nameKind strength
	valueEnd int // of the last value replaced: what lies inside needs no look
	unclosed [4]int
}

// span is a part of a buffer.
type span struct {
	start, end int
	kind       string
}

// add records a hit; empty ones are ignored.
func (w *worker) add(start, end int, kind string) {
	if start < end {
		w.hits = append(w.hits, span{start, end, kind})
	}
}

// scan finds everything in buf: hits and own marks. It is the one pass over the bytes.
func (w *worker) scan(buf []byte) {
	w.buf, w.hits, w.own = buf, w.hits[:0], w.own[:0]
	w.nameEnd, w.valueEnd, w.unclosed = -1, 0, [4]int{}
	a := w.s.auto
	next, row := a.next, uint32(0)
	for i, c := range buf {
		v := next[row+uint32(a.column[c])]
		row = v >> 1
		if v&1 == 0 {
			continue
		}
		rules := a.out[row/a.width]
		for j := range rules {
			r := &rules[j]
			r.detect(w, r, i+1-len(r.keyword), i+1)
		}
	}
	w.opaque(buf)
	if w.under.kind != "" {
		w.judge(0, len(buf), joint{}, w.under, true)
	}
	if w.s.cfg.Dictionary != nil {
		w.s.cfg.Dictionary.find(w, buf)
	}
}

// window appends buf[context:cut] to out with every finding replaced; it sets spans. Where eof is false, the cut is a
// place that no finding spans, and the rest is left for the next window. A finding that fills the whole window stays
// open: the next window continues it.
func (w *worker) window(out, buf []byte, context int, eof bool, open *bool) ([]byte, int, error) {
	w.rounds = 0
	w.scan(buf)
	if *open {
		w.add(context, run(buf, context, len(buf), notSpace), "secret")
	}
	known := w.known
	if known == nil && len(w.hits) > 0 {
		known = &w.memory
		known.forget()
		for _, h := range w.hits {
			known.add(h.kind, buf[h.start:h.end])
		}
	}
	known.find(w, buf)
	w.spans = merge(w.spans[:0], w.hits, w.own, buf)
	cut := len(buf)
	if !eof {
		cut = w.safeCut(buf, context)
	}
	*open = !eof && cut == len(buf)
	w.spans = clip(w.spans, context, cut)
	if len(w.spans) == 0 {
		return append(out, buf[context:cut]...), cut, nil
	}
	for n := len(out); ; out = out[:n] {
		out = w.render(out, buf, context, cut)
		again, err := w.again(out[n:], known)
		if err != nil || !again {
			return out, cut, err
		}
	}
}

// again scans what was rendered, with the findings known so far, and adds what it finds there to spans. It reports
// whether there was anything; more than a few rounds, or too long, is unsafe.
func (w *worker) again(rendered []byte, known *recall) (bool, error) {
	if time.Now().After(w.deadline) {
		return false, fmt.Errorf("%w: took longer than %s", ErrUnsafe, w.s.cfg.Budget)
	}
	w.scan(rendered)
	known.find(w, rendered)
	more := merge(nil, w.hits, w.own, rendered)
	if len(more) == 0 {
		return false, nil
	}
	if w.rounds++; w.rounds > maxRounds {
		return false, fmt.Errorf("%w: still finding after %d rounds", ErrUnsafe, maxRounds)
	}
	hits := append([]span(nil), w.spans...)
	for _, m := range more {
		if w.rounds > maxRounds/2 { // what keeps moving goes with all that touches it, then with its line
			m.start, m.end = wider(rendered, m.start, m.end, w.rounds > maxRounds*3/4)
		}
		hits = append(hits, w.origin(m))
	}
	w.spans = merge(w.spans[:0], hits, nil, nil)
	return true, nil
}

// wider returns the run without blanks around b[start:end], or the line.
func wider(b []byte, start, end int, line bool) (int, int) {
	stop := func(c byte) bool { return c == '\n' || !line && c <= ' ' }
	for start > 0 && !stop(b[start-1]) {
		start--
	}
	for end < len(b) && !stop(b[end]) {
		end++
	}
	return start, end
}

// safeCut returns where a window that is not the last may end: after a line, else between words, else anywhere, but
// never inside a finding, unless one fills the whole window.
func (w *worker) safeCut(buf []byte, context int) int {
	cut := len(buf) - lookahead
	if i := bytes.LastIndexByte(buf[cut-lookahead:cut], '\n'); i >= 0 {
		cut += i + 1 - lookahead
	} else if i := bytes.LastIndexByte(buf[cut-lookahead:cut], ' '); i >= 0 {
		cut += i + 1 - lookahead
	}
	for i := len(w.spans) - 1; i >= 0; i-- {
		if s := w.spans[i]; s.start < cut && s.end > cut {
			if s.start > context {
				return s.start
			}
			return min(s.end, len(buf))
		}
	}
	return cut
}

// Classes of bytes, for runs.
const (
	isLower = 1 << iota
	isUpper
	isDigit
	isIdent  // letters, digits, _
	isBase64 // letters, digits, + / = - _
	isBase32 // of marks
	notSpace // no white space, quote or control
	isBare   // may stand in a value without quotes
	isRun    // letters, digits, + / - _
	isBlank  // space, tab
	isAlpha  = isLower | isUpper
	isAlnum  = isAlpha | isDigit
)

// class gives each byte its classes. Bytes of other alphabets than ASCII count as letters of no case.
var class = func() (t [256]uint16) {
	for i := range t {
		c := byte(i)
		switch {
		case c >= 'a' && c <= 'z':
			t[i] |= isLower | isIdent | isBase64 | isBase32
		case c >= 'A' && c <= 'Z':
			t[i] |= isUpper | isIdent | isBase64
		case c >= '0' && c <= '9':
			t[i] |= isDigit | isIdent | isBase64
			if c >= '2' && c <= '7' {
				t[i] |= isBase32
			}
		case c == '_':
			t[i] |= isIdent | isBase64
		case bytes.IndexByte([]byte("+/=-"), c) >= 0:
			t[i] |= isBase64
		}
		if t[i]&isBase64 != 0 && c != '=' {
			t[i] |= isRun
		}
		if c == ' ' || c == '\t' {
			t[i] |= isBlank
		}
		if c > ' ' && c != '"' && c != '\'' && c != '`' && c != 0x7f {
			t[i] |= notSpace
			if bytes.IndexByte([]byte(",;&<>()[]{}|\\"), c) < 0 {
				t[i] |= isBare
			}
		}
	}
	return t
}()

// run returns the end of the run of bytes of these classes that starts at i, at most limit.
func run(b []byte, i, limit int, of uint16) int {
	for limit = min(limit, len(b)); i < limit && class[b[i]]&of != 0; i++ {
	}
	return i
}

// at returns the classes of b[i], 0 outside.
func at(b []byte, i int) uint16 {
	if i < 0 || i >= len(b) {
		return 0
	}
	return class[b[i]]
}

// ch returns b[i], 0 outside.
func ch(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return 0
	}
	return b[i]
}
