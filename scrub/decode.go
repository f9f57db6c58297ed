// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"sort"
)

// Text is also looked at as those read it who decode it. There are two ways, by what the encoding keeps:
//
// An escape stands for one letter: %40, \u0040, &#64;, =40, a look-alike from another alphabet, nothing at all for what
// is invisible. The neighbourhood of escapes is folded (decodefold.go) to the text they stand for, with a list of edits that
// says which bytes each letter came from; it is scanned like any text, and what is found is replaced where it stands,
// escapes and all.
//
// A run of base64, base32 or hex (decoderuns.go) changes as a whole. Where it decodes to text in which anything is found, all
// of it is replaced.
//
// Both are done again to what was decoded, a few times over. What is nested deeper, or decodes to more than the
// bounds, is not looked into but replaced, word by word: text that goes to such lengths is not needed.
const (
	maxDepth   = 4          // of codes within codes
	maxDecoded = 4 * window // bytes decoded from one window, all depths together
	nearLetter = 128        // bytes before and after an escape that are folded with it,
	nearSeam   = 256        // and where it ends a line or joins two literals, of which more belongs together
	fewGaps    = 4          // between the parts of a literal
	leastPiece = 8          // bytes of a part on average, for each to be replaced by itself
)

// region is a part of the text to be folded.
type region struct {
	start, end int
	first      int // the first escape
	how        folding
}

// folding says which codes to read that ordinary text would be misread by.
type folding uint8

const (
	quotedPrintable folding = 1 << iota // = and two hex digits
	numberLists                         // numbers that are bytes
	literals                            // what stands in quotes is a text of its own, with quotes of its own
)

// decoding is the part of a worker that reads codes.
type decoding struct {
	depth      int  // of the text being scanned: 0 for what is scrubbed, more for what it decodes to
	decoded    *int // bytes decoded from the window so far: total, of the worker of depth 0
	total      int
	asLiterals bool // what stands in quotes was looked at as a text of its own

	regions   []region
	shadow    []byte // a region, folded
	edits     edits
	listEnd   int    // what was looked at for lists and compressed text ends here
	packs     []span // what may be compressed
	packedEnd int

	joined    []byte // a run, its lines joined
	lines     []span // these lines
	plaintext []byte // what is decoded from a run
}

// startDecoding readies w for a scan.
func (w *worker) startDecoding() {
	if w.depth == 0 {
		w.decoded, w.total, w.asLiterals = &w.total, 0, false
	}
	w.regions, w.packs, w.listEnd, w.packedEnd = w.regions[:0], w.packs[:0], 0, 0
}

// coded notes that an escape stands at start, which is to be read with so many bytes around.
func (w *worker) coded(start, end, near int, how folding) {
	if n := len(w.regions); n > 0 && start-near <= w.regions[n-1].end {
		r := &w.regions[n-1]
		r.end, r.how = max(r.end, end+near), r.how|how
		return
	}
	w.regions = append(w.regions, region{max(0, start-near), end + near, start, how})
}

// decode looks at what in w.buf is encoded and records what it finds there, for a scan of what lies between from and to.
func (w *worker) decode(from, to int) {
	for i := 0; i < len(w.regions); i++ {
		r := w.regions[i]
		r.start = firstWord(w.buf, r.start, r.first)
		r.end = run(w.buf, min(r.end, len(w.buf)), r.end+maxValue, notSpace)
		for i+1 < len(w.regions) && w.regions[i+1].start <= r.end {
			i++
			r.how |= w.regions[i].how
			r.end = run(w.buf, min(max(r.end, w.regions[i].end), len(w.buf)), w.regions[i].end+maxValue, notSpace)
		}
		if r.end < from || r.start > to {
			continue
		}
		if r.how&literals != 0 {
			w.folded(r, false)
		}
		read := r.how&literals != 0
		r.how &^= literals
		w.folded(r, read)
	}
	w.unpack()
	w.runs(to)
}

// firstWord returns where the first word begins that begins in b[start:end]; start at the start of the text.
func firstWord(b []byte, start, end int) int {
	if start == 0 {
		return 0
	}
	if i := run(b, start, end, notSpace); i < end {
		return i
	}
	return start
}

// folded looks at a region with its escapes read. Where it was looked at as literals before, this need not be done once
// more to what it reads as now, unless that has other quotes.
func (w *worker) folded(r region, asLiterals bool) {
	w.shadow, w.edits = w.fold(w.shadow[:0], w.edits[:0], r)
	if len(w.edits) == 0 {
		return
	}
	for _, e := range w.edits {
		asLiterals = asLiterals && bytes.IndexByte(w.shadow[e.out:e.out+e.outLen], '"') < 0 && bytes.IndexByte(w.shadow[e.out:e.out+e.outLen], '\\') < 0
	}
	if !w.affords(len(w.shadow)) {
		for _, e := range w.edits {
			if n := len(w.hits); !e.gap && (n == 0 || e.in >= w.hits[n-1].end) {
				start, end := wider(w.buf, e.in, e.in+e.inLen, false)
				w.add(start, end, "opaque")
			}
		}
		return
	}
	w.inside(w.shadow, asLiterals, func(s span) {
		start, _ := w.edits.origin(s.start, r.start)
		_, end := w.edits.origin(s.end-1, r.start)
		if !bytes.Equal(w.buf[start:end], w.shadow[s.start:s.end]) {
			s.plain = true // its form does not show in what is encoded
		} else if s.kind == "mark" {
			return // it stands there as it is
		}
		first := w.edits.after(s.start)
		gaps := 0
		for i := first; i < len(w.edits) && w.edits[i].out < s.end; i++ {
			if w.edits[i].gap && w.edits[i].out > s.start {
				gaps++
			}
		}
		if gaps > fewGaps && gaps*leastPiece > s.end-s.start { // in crumbs, each of which would become a mark
			first = len(w.edits)
		}
		for i := first; i < len(w.edits) && w.edits[i].out < s.end; i++ {
			if e := w.edits[i]; e.gap && e.out > s.start {
				w.addSpan(s, start, e.in)
				start = e.in + e.inLen
			}
		}
		w.addSpan(s, start, end)
	})
}

// addSpan records a finding of a decoded text where it stands in this one.
func (w *worker) addSpan(s span, start, end int) {
	if start < end {
		s.start, s.end = start, end
		w.hits = append(w.hits, s)
	}
}

// affords reports whether n more bytes may be decoded, and counts them.
func (w *worker) affords(n int) bool {
	if w.depth >= maxDepth || *w.decoded+n > maxDecoded {
		return false
	}
	*w.decoded += n
	return true
}

// inside scans decoded text, with what the record knows, and tells found what it holds. Marks of ours are among it: in a code
// they could not be made anew for whom the text leaves to. What stands in quotes in it is not looked at as a text of its own
// where it was, asLiterals.
func (w *worker) inside(text []byte, asLiterals bool, found func(span)) {
	c := w.s.worker()
	defer w.s.done(c)
	c.depth, c.decoded, c.known, c.deadline, c.asLiterals = w.depth+1, w.decoded, w.known, w.deadline, asLiterals
	c.scan(text)
	c.known.find(c, text)
	w.planted = w.planted || c.planted || holdCanary(c.hits)
	c.spans = c.found(c.spans[:0], text)
	for _, s := range c.spans {
		found(s)
	}
	for _, s := range c.own {
		s.kind = "mark"
		found(s)
	}
}

// edit says that outLen bytes of a folded text, from out on, stand for inLen bytes of the text from in on. A gap stands
// between the parts of one value, such as the quotes and the sign of "ab" + "cd", and is no part of it.
type edit struct {
	out, outLen, in, inLen int
	gap                    bool
}

type edits []edit

// after returns the first edit that ends after the byte at a position of the folded text begins.
func (es edits) after(at int) int {
	return sort.Search(len(es), func(i int) bool { return es[i].out+es[i].outLen > at })
}

// origin returns the bytes that one byte of the folded text stands for; base is where the folded region starts.
func (es edits) origin(at, base int) (start, end int) {
	i := es.after(at)
	if i < len(es) && es[i].out <= at {
		return es[i].in, es[i].in + es[i].inLen
	}
	p := base + at
	if i > 0 {
		e := es[i-1]
		p = e.in + e.inLen + at - e.out - e.outLen
	}
	return p, p + 1
}
