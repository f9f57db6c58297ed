// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/headrace/headrace/scrub/internal/public"
)

// The level masked: every private word becomes a mark that is itself a word (wordmark.go), in names, strings, comments
// and paths alike. A word is private unless it is public: unless everybody's code has it (package public).
//
// There is no parser here and no table of languages, on purpose. A word is replaced by a word in the same case, and
// nothing else is touched: no sign, no digit of a number, no space, no end of line. So what parsed still parses, in any
// language and in pieces of one, and keywords stay because they are public. What a line becomes depends on that line
// alone: a diff of two files becomes the diff of what the files become. The two things that could break are escapes and
// numbers, in which letters are no words; afterEscape and numberAt know their forms in all languages.

// kindWord is the kind of a private word's span.
const kindWord = "word"

const (
	longNumber                = 6     // digits in a name or alone in quotes that make up an id
	shortestHash, longestHash = 7, 64 // digits of a commit id, from an abbreviated one up
)

// masking is the part of a worker that masks.
type masking struct {
	mask  bool   // asked for
	words []span // private, of the text at hand
	text  []byte // what it becomes
}

// masked replaces the private words of out[n:], which window made clean of buf from context on, and adds them to found,
// which ends in what window replaced. It looks at what it wrote until no private word is left in it but in marks.
func (w *worker) masked(out []byte, n, context int, found []Finding, field string) ([]byte, []Finding, error) {
	clean := out[n:]
	w.ownMarks(clean)
	w.words = wordsBeside(w.words[:0], w.own, clean)
	for round := 0; len(w.words) > 0; round++ {
		w.text = w.appendMasked(w.text[:0], clean)
		w.ownMarks(w.text)
		left := wordsBeside(nil, w.own, w.text)
		if len(left) == 0 {
			break
		}
		if round == maxRounds {
			return out[:n], found, fmt.Errorf("%w: private words are left after %d rounds", ErrUnsafe, maxRounds)
		}
		w.words = besides(w.words, left)
	}
	if len(w.words) == 0 {
		return out, found, nil
	}
	first := len(found) - len(w.spans)
	for _, s := range w.words {
		found = append(found, w.wordFinding(s, context, field, clean))
	}
	slices.SortStableFunc(found[first:], func(a, b Finding) int { return a.Start - b.Start })
	return append(out[:n], w.text...), found, w.noCanary(w.text)
}

// ownMarks finds our own marks alone.
func (w *worker) ownMarks(buf []byte) {
	w.buf, w.hits, w.own = buf, w.hits[:0], w.own[:0]
	w.s.marks.each(&w.places, buf, func(r *rule, start, end int) { r.detect(w, r, start, end) })
}

// appendMasked appends clean with marks in place of w.words.
func (w *worker) appendMasked(dst, clean []byte) []byte {
	from := 0
	for _, s := range w.words {
		dst = append(dst, clean[from:s.start]...)
		dst = w.appendWord(dst, clean[s.start:s.end])
		from = s.end
	}
	return append(dst, clean[from:]...)
}

// besides adds to words those that were left when they had become marks.
func besides(words, left []span) []span {
	all, grown := make([]span, 0, len(words)+len(left)), 0 // by how much the marks before are longer than the words
	for _, l := range left {
		for len(words) > 0 && words[0].start+grown < l.start {
			grown += wordLen - (words[0].end - words[0].start)
			all, words = append(all, words[0]), words[1:]
		}
		l.start, l.end = l.start-grown, l.end-grown
		all = append(all, l)
	}
	return append(all, words...)
}

// wordFinding returns the finding of a word of clean.
func (w *worker) wordFinding(s span, context int, field string, clean []byte) Finding {
	f := Finding{Field: field, Kind: kindWord, Start: s.start + context, End: s.end + context}
	if len(w.spans) > 0 {
		o := w.origin(s)
		f.Start, f.End = o.start, o.end
	}
	if w.s.cfg.Explain || w.s.cfg.Keep != nil {
		w.trial = w.appendWord(w.trial[:0], clean[s.start:s.end])
		if w.s.cfg.Keep != nil {
			w.s.cfg.Keep(w.trial, clean[s.start:s.end])
		}
		if w.s.cfg.Explain {
			f.Rule, f.Mark = "form", string(w.trial)
		}
	}
	return f
}

// wordsBeside appends to all the private words of b outside our own marks.
func wordsBeside(all, own []span, b []byte) []span {
	from := 0
	for _, o := range own {
		all = privateWords(all, b[:max(from, o.start)], from)
		from = max(from, o.end)
	}
	return privateWords(all, b, from)
}

// privateWords adds the private words of b from i on; what stands before b[i] it may look at.
func privateWords(all []span, b []byte, i int) []span {
	for i < len(b) {
		c := b[i]
		switch {
		case class[c]&isAlpha != 0 || c >= utf8.RuneSelf:
			if end := commitAt(b, i); end > 0 {
				all, i = append(all, span{start: i, end: end, kind: kindWord}), end
				continue
			}
			end := public.Word(b, i)
			if end == i { // not a letter
				_, n := utf8.DecodeRune(b[i:])
				i += n
				continue
			}
			if !public.Has(b[i:end]) {
				all = append(all, span{start: i, end: end, kind: kindWord})
			}
			i = end
		case class[c]&isDigit != 0:
			end, id := numberAt(b, i)
			if id {
				all = append(all, span{start: i, end: end, kind: kindWord})
			}
			i = end
		case c == '\\':
			i = afterEscape(b, i)
		case c == '%':
			i = afterVerb(b, i)
		default:
			i++
		}
	}
	return all
}

// allPublic reports whether no word of b from i on is private.
func allPublic(b []byte, i int) bool { return len(privateWords(nil, b, i)) == 0 }

// afterEscape returns where to go on after the backslash b[i]: after an escape whose letters are no word.
func afterEscape(b []byte, i int) int {
	i++
	c := ch(b, i)
	switch {
	case c == '\\':
		return i + 1
	case class[c]&isAlpha == 0:
		return i
	case c == 'x' && hexRun(b, i+1, 2) == 2:
		return i + 3
	case c == 'u' && hexRun(b, i+1, 4) == 4:
		return i + 5
	case c == 'U' && hexRun(b, i+1, 8) == 8:
		return i + 9
	case ch(b, i+1) == '{' && (c == 'x' || c == 'u' || c == 'N'): // \u{1F600}, \N{GREEK SMALL LETTER ALPHA}
		end := i + 2
		for limit := end + 96; end < limit && (at(b, end)&(isUpper|isDigit) != 0 || ch(b, end) == ' ' || ch(b, end) == '-' || c != 'N' && at(b, end)&isHexa != 0); {
			end++
		}
		if ch(b, end) == '}' {
			return end + 1
		}
		return i + 1
	case class[c]&isUpper != 0 && at(b, i+1)&isAlpha != 0: // a name space of PHP, a folder of Windows: no escape
		return i
	case public.Has(b[i:public.Word(b, i)]):
		return i
	}
	return i + 1
}

// afterVerb returns where to go on after the per cent sign b[i]: after an encoded byte (%2F), and after the letter of a
// format, where a word is joined to it (%sname).
func afterVerb(b []byte, i int) int {
	i++
	if c, d := ch(b, i), ch(b, i+1); class[c]&class[d]&isHexa != 0 && (class[c]&isDigit != 0 || ch(b, i+2) == '%') && class[c]&isLower == 0 && class[d]&isLower == 0 {
		return i + 2
	}
	if at(b, i)&isLower == 0 {
		return i
	}
	if end := public.Word(b, i); end > i+1 && !public.Has(b[i:end]) && public.Has(b[i+1:end]) {
		return i + 1
	}
	return i
}

// numberAt returns the end of the digits that start at b[i], and of the letters that belong to them; id says that they are
// one word, which names something: a long number within a name or alone in quotes, or an abbreviated commit id. Other
// numbers are code.
func numberAt(b []byte, i int) (end int, id bool) {
	if end := commitAt(b, i); end > 0 {
		return end, true
	}
	end = run(b, i, len(b), isDigit)
	before := ch(b, i-1)
	if end-i >= longNumber {
		switch {
		case before == '"' || before == '\'' || before == '`', class[before]&isAlpha != 0 || before >= utf8.RuneSelf:
			id = !inNumber(b, i)
		case before == '_' || before == '-':
			id = at(b, i-2)&isAlpha != 0 && !inNumber(b, i)
		}
		return end, id
	}
	if b[i] == '0' && end == i+1 && class[before]&isIdent == 0 && (ch(b, end)|0x20 == 'x' || ch(b, end)|0x20 == 'b' || ch(b, end)|0x20 == 'o') {
		for end++; at(b, end)&isHexa != 0 || ch(b, end) == '_'; {
			end++
		}
	}
	return end, false
}

// inNumber reports whether the name that b[i] is part of starts with a digit, so that it is a number: 1_000000, 1e100000.
func inNumber(b []byte, i int) bool {
	first := i
	for limit := i - 64; first > limit && at(b, first-1)&isIdent != 0; {
		first--
	}
	return first < i && class[b[first]]&isDigit != 0
}

// commitAt returns the end of the abbreviated commit id that starts at b[i], 0 for none: digits and letters up to f mixed,
// alone between other bytes than letters and digits.
func commitAt(b []byte, i int) int {
	if c := b[i]; class[c]&isDigit == 0 && (c < 'a' || c > 'f') || at(b, i-1)&isIdent != 0 || ch(b, i-1) == '#' || ch(b, i-1) == '%' || ch(b, i-1) == '\\' {
		return 0
	}
	end, digits := i, 0
	for end < len(b) && (class[b[end]]&isDigit != 0 || b[end] >= 'a' && b[end] <= 'f') {
		if class[b[end]]&isDigit != 0 {
			digits++
		}
		if end++; end-i > longestHash {
			return 0
		}
	}
	if end-i < shortestHash || digits == 0 || end-i-digits < 2 || at(b, end)&isIdent != 0 || ch(b, end) >= utf8.RuneSelf {
		return 0
	}
	if b[i] == '0' && (b[i+1] == 'b' || b[i+1] == 'x') {
		return 0
	}
	if e := run(b, i, end, isDigit); e > i && b[e] == 'e' && run(b, e+1, end, isDigit) >= end-1 { // 12345e67f
		return 0
	}
	return end
}

// hexRun returns how many of the next most bytes are hex digits.
func hexRun(b []byte, i, most int) (n int) {
	for n < most && at(b, i+n)&isHexa != 0 {
		n++
	}
	return n
}
