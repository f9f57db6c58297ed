// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"time"
	"unicode/utf8"
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
	planted  bool    // a canary was found in what a code decodes to
	under    word    // what the key says that the text stands under, in JSON
	known    *recall // findings of the record, nil for text by itself
	memory   recall  // what known points to, or what a window remembers of itself; empty between uses

	letters  [8]byte
	same     []byte    // a canonical form
	trial    []byte    // a replacement
	upper    [48]byte  // letters and digits of an identifier
	subwords []subword // of the words being looked up
	seen     []int     // up to where each of the administrator's rules has looked
	told     []span    // what the model found in the text that in holds

	in, out     []byte // a record's text, decoded, and what it becomes
	buf         []byte
	places      [lanes][]hit // where keywords end in buf
	kinds       map[string]kind
	rule        *rule   // whose detector is at work
	hits        []span  // as detected, in any order
	hard        []span  // of them, joined, those that a mark replaces as a whole, and
	soft        []span  // those that keep their form
	own         []span  // marks made with our key
	spans       []span  // to replace: sorted, apart
	more        []span  // found in what was rendered
	before      []span  // what spans were for the last look
	pieces      []piece // where rendered text came from
	rounds      int
	direct      int                // of the hits that come first, before those in what is encoded
	scanned     bool               // what was found in the window is in hits
	looked      map[visited]looked // at in the record
	entire      bool               // the second look is at everything
	nameEnd     int                // end of the last assigned name looked at, and
	nameKind    strength
	valueEnd    int // of the last value replaced: what lies inside needs no look
	formEnd     int // of the last credential of a vendor's form
	resourceEnd int // of the last name of a resource of a cloud looked at
	manifest    int // end of the last Kubernetes Secret looked at
	unclosed    [4]int
	features    []uint32 // of the hit that is scored
	judgedEnd   int      // of the last list whose literals were judged, and
	judgedKind  strength

	tables     // column.go
	decoding   // decode.go
	commanding // vendorcall.go
	walking    // walk.go
	masking    // mask.go
	marking    // mark.go
}

// span is a part of a buffer.
type span struct {
	start, end int
	kind       string
	entity     string // what the dictionary says it is, where that is more than its letters; else empty
	rule       *rule  // that found it; nil for what is found without a keyword
	longest    int    // of the hits that were joined
	old        bool   // replaced so when the output was last looked at
	plain      bool   // one mark, whatever the form of its kind
}

// add records a hit, of whole characters; empty ones are ignored.
func (w *worker) add(start, end int, kind string) {
	for n := 0; n < utf8.UTFMax-1 && end < len(w.buf) && !utf8.RuneStart(w.buf[end]); n++ { // where a look ended
		end++
	}
	if start < end {
		w.hits = append(w.hits, span{start: start, end: end, kind: kind, rule: w.rule})
	}
}

// scan finds everything in buf: hits and own marks. It is the one pass over the bytes.
func (w *worker) scan(buf []byte) { w.scanFor(buf, 0, len(buf)) }

// scanFor finds what lies in buf[from:to], or reaches into it, and perhaps more; from is where a line begins.
func (w *worker) scanFor(buf []byte, from, to int) {
	w.buf, w.hits, w.own = buf, w.hits[:0], w.own[:0]
	w.nameEnd, w.valueEnd, w.judgedEnd, w.formEnd, w.resourceEnd, w.manifest, w.unclosed = -1, 0, 0, 0, 0, 0, [4]int{}
	w.startTables()
	w.startDecoding()
	w.program = nil
	w.cues, w.line, w.far = w.cues[:0], lineKind{}, placeKind{}
	w.s.auto.each(&w.places, buf, func(r *rule, start, end int) {
		w.rule = r
		r.detect(w, r, start, end)
	})
	w.rule = nil
	w.opaque(buf, from, to)
	w.walk(buf, from, to)
	w.shortText(buf)
	if w.under.kind != "" {
		w.judge(0, len(buf), joint{}, w.under, true)
	}
	w.elsewhere(buf)
	if w.s.cfg.Dictionary != nil {
		w.s.cfg.Dictionary.find(w, buf)
	}
	if !w.strict {
		w.balance()
	}
	w.direct = len(w.hits)
	w.decode(from, to)
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
	isHexa   // 0-9 a-f A-F
	isDashed // letters, digits, _ -
	isCrypt  // letters, digits, . /
	isDotted // letters, digits, _ - . ~
	isURL    // what may stand in a URL after its host
	isCoded  // isRun, and what begins an escape of it: \ %
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
		if t[i]&isRun != 0 || c == '\\' || c == '%' {
			t[i] |= isCoded
		}
		if c == ' ' || c == '\t' {
			t[i] |= isBlank
		}
		if t[i]&isIdent != 0 {
			t[i] |= isDashed | isDotted | isURL
			if c != '_' {
				t[i] |= isCrypt
			}
			if c <= '9' || c|0x20 <= 'f' && c|0x20 >= 'a' {
				t[i] |= isHexa
			}
		}
		switch c {
		case '-':
			t[i] |= isDashed | isDotted | isURL
		case '.':
			t[i] |= isCrypt | isDotted | isURL
		case '/':
			t[i] |= isCrypt | isURL
		case '~':
			t[i] |= isDotted | isURL
		case '%', '+', '=', '?', '&', ':', '@', '!', '$', ',', '*', ';', '|':
			t[i] |= isURL
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
