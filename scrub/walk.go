// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"math/bits"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/scrub/internal/names"
)

// walking is what a worker keeps for the walk.
type walking struct {
	names   *names.Set
	cues    []noted // in the order of their ends
	nextCue int     // the first that ends after the word that the walk is at
	line    lineKind
	far     placeKind
}

// What is personal has seldom a keyword of its own: a number, a name, a ticket. walk goes over the text once more, from
// word to word, and looks at those that begin with a digit or a capital, or that may be part of an address of hex
// digits, from a line's start up to a place. What cue words the automaton met on its way (cue.go) are at hand, in w.cues.
func (w *worker) walk(b []byte, from, to int) {
	w.nextCue, w.valueEnd = 0, 0
	byEnd := func(a, b noted) int { return a.end - b.end }
	if !slices.IsSortedFunc(w.cues, byEnd) {
		slices.SortFunc(w.cues, byEnd)
	}
	for i := from; i < to; { // a word begins at i, or none is there
		bl, next := blockOf(b[i:]), i+blockLen
		for look := bl.words(); look != 0; {
			at := i + bits.TrailingZeros64(look)
			if at >= to {
				return
			}
			end := w.wordAt(at)
			if end >= i+blockLen {
				next, bl.letter = end, 0
				break
			}
			look &= ^uint64(0) << (end - i)
			look |= bl.letter & (1 << (end - i)) // a look that ends inside a word leaves its rest for one
		}
		if i = next; bl.letter>>(blockLen-1) != 0 {
			i = wordEnd(b, i)
		}
	}
}

// wordAt looks at the word that begins at i, and returns how far it looked.
func (w *worker) wordAt(i int) int {
	b := w.buf
	first, end := lettering[b[i]], wordEnd(b, i+1)
	next := end
	switch {
	case first == digitLetter:
		next = w.figures(i, end)
	case first == upperLetter, first == highLetter && upperAt(b, i):
		next = w.capital(i, end)
	case end-i <= 4 && b[i] <= 'f' && (ch(b, end) == ':' || ch(b, end) == '-' || ch(b, end) == '.'):
		next = w.hexGroups(i, end)
	case end-i >= 15 && end-i <= 34 && class[b[i+2]]&class[b[i+3]]&isDigit != 0:
		next = w.iban(i)
	}
	return max(end, next)
}

// Sorts of bytes that words are made of.
const (
	noLetter = iota
	lowerLetter
	upperLetter
	digitLetter
	highLetter // of another alphabet than ASCII
)

// lettering gives each byte its sort.
var lettering = func() (t [256]uint8) {
	for i := range t {
		switch k := class[i]; {
		case k&isLower != 0:
			t[i] = lowerLetter
		case k&isUpper != 0:
			t[i] = upperLetter
		case k&isDigit != 0:
			t[i] = digitLetter
		case i >= utf8.RuneSelf:
			t[i] = highLetter
		}
	}
	return t
}()

// wordEnd returns the end of the run of letters and digits at i; bytes beyond ASCII are letters.
func wordEnd(b []byte, i int) int {
	for i < len(b) && lettering[b[i]] != noLetter {
		i++
	}
	return i
}

// wordStart returns the start of the run of letters and digits that ends at i, at most 64 bytes back.
func wordStart(b []byte, i int) int {
	for limit := max(0, i-64); i > limit && lettering[b[i-1]] != noLetter; {
		i--
	}
	return i
}

// upperAt reports whether a capital stands at i, in any alphabet.
func upperAt(b []byte, i int) bool {
	if c := ch(b, i); c < utf8.RuneSelf {
		return class[c]&isUpper != 0
	}
	r, _ := utf8.DecodeRune(b[i:])
	return unicode.IsUpper(r)
}

// What a byte says about whether it is prose: counts, summed up side by side in one number, or that its neighbours say.
const (
	proseLetter = 1
	proseSign   = 1 << 16 // of code
	proseSmall  = 1 << 32 // a small letter, which counts where a word begins
	proseEither = 1 << 48
	codeByte    = 2 * proseSign
)

var proseOf = func() (t [256]uint64) {
	for i := range t {
		switch {
		case lettering[i] == lowerLetter:
			t[i] = proseLetter | proseSmall
		case lettering[i] != noLetter && lettering[i] != digitLetter:
			t[i] = proseLetter
		case bytes.IndexByte([]byte("{}[]<>=;|_\\$`&+*^~"), byte(i)) >= 0:
			t[i] = codeByte
		case i == '(' || i == '"' || i == '.' || i == ':':
			t[i] = proseEither
		}
	}
	return t
}()

// proseAfter masks what a byte counts for after each byte: a small letter begins a word after a space.
var proseAfter = func() (t [256]uint64) {
	for i := range t {
		t[i] = ^uint64(proseSmall)
	}
	t[' '] = ^uint64(0)
	return t
}()

// lineKind remembers what was learned of a line.
type lineKind struct {
	start, end  int
	prose, pure bool
	weighed     bool // pure is known
}

// placeKind remembers what was learned of a place in a long line.
type placeKind struct {
	at            int
	known, prose  bool
	weighed, pure bool
}

// How far from a place the text may say whether it is prose: less than reach, so that the second look (verify.go)
// learns the same.
const (
	proseReach = 200
	lineReach  = 120 // a line that is not longer is judged as a whole, with so much to its sides
)

// prose reports whether the text around i is written for people: words and spaces, few of the signs of code. It looks
// at the line, and at its neighbours where the line is short; of a long line, at what is near.
func (w *worker) prose(i int) bool {
	l := &w.line
	if i >= l.start && i < l.end {
		return l.prose
	}
	if w.far.known && w.far.at == i {
		return w.far.prose
	}
	start, end := lineAround(w.buf, i, proseReach)
	if end-start > lineReach {
		w.far = placeKind{at: i, known: true, prose: weigh(w.buf, max(start, i-lineReach), min(end, i+lineReach), 1, 20)}
		return w.far.prose
	}
	*l = lineKind{start: start, end: end}
	if end-start < 40 { // "Suite 12" in an address, a word of a list
		start, _ = lineAround(w.buf, max(0, start-1), lineReach)
		_, end = lineAround(w.buf, min(len(w.buf)-1, end+1), lineReach)
	}
	step := 1
	if end-start > 40 { // every second byte tells as much
		step = 2
	}
	l.prose = weigh(w.buf, start, end, step, 20)
	return l.prose
}

// pure reports whether the text farther around i is prose, too: a question, a letter, a ticket, and no comment in code.
func (w *worker) pure(i int) bool {
	if !w.prose(i) {
		return false
	}
	l := &w.line
	if i < l.start || i >= l.end {
		if !w.far.weighed {
			w.far.weighed, w.far.pure = true, weigh(w.buf, max(0, i-proseReach), min(len(w.buf), i+proseReach), 3, 32)
		}
		return w.far.pure
	}
	if !l.weighed {
		l.weighed, l.pure = true, weigh(w.buf, max(0, l.start-lineReach), min(len(w.buf), l.end+lineReach), 3, 32)
	}
	return l.pure
}

// weigh reports whether b[start:end] has a sign of code for so many letters at most. It looks at each byte, or in steps.
func weigh(b []byte, start, end, step, share int) bool {
	sum := uint64(0)
	if start < end {
		sum = proseOf[b[start]] &^ proseSmall // whatever stands before
		if sum == proseEither {
			sum = eitherOf(b, start, start)
		}
	}
	for i := start + step; i < end; i += step {
		v := proseOf[b[i]] & proseAfter[b[i-1]]
		if v == proseEither {
			v = eitherOf(b, start, i)
		}
		sum += v
	}
	letters, signs, small := int(sum&0xffff), int(sum>>16&0xffff), int(sum>>32)
	return letters > 3 && signs*share <= 2*letters && (small > 1 || signs == 0 || step > 2)
}

// eitherOf returns what a byte counts for that is a sign of code by what stands beside it; start is where the look began.
func eitherOf(b []byte, start, i int) uint64 {
	switch c := b[i]; {
	case c == '(' && i > start && lettering[b[i-1]] != noLetter, c == '"':
		return proseSign
	case c == '.' && at(b, i+1)&isLower != 0, c == ':' && ch(b, i+1) == ':':
		return 2 * proseSign
	}
	return 0
}

// lineAround returns the line that i lies in, at most reach bytes to each side.
func lineAround(b []byte, i, reach int) (start, end int) {
	lo, hi := max(0, i-reach), min(len(b), i+reach)
	start = lo + bytes.LastIndexByte(b[lo:i], '\n') + 1
	if n := bytes.IndexByte(b[i:hi], '\n'); n >= 0 {
		hi = i + n
	}
	return start, max(hi, i+1)
}
