// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"unicode/utf8"

	"github.com/headrace/headrace/scrub/internal/names"
)

const maxSequence = 7

// sequence is a row of words with capitals, with a blank between them, as names are written: particles such as "de la"
// and initials belong to it.
type sequence struct {
	n       int
	start   [maxSequence]int
	stop    [maxSequence]int
	class   [maxSequence]names.Class
	initial [maxSequence]bool
	upper   int // words in capitals only
	mix     bool
}

func (s *sequence) end(i int) int { return s.stop[i] }

// caps reports whether all is in capitals.
func (s *sequence) caps() bool { return s.upper == s.n }

// sequence reads the row of capitalised words that starts at i, and looks them up.
func (w *worker) sequence(i int) (s sequence) {
	w.row(&s, i)
	w.lookUp(&s)
	return s
}

func (w *worker) lookUp(s *sequence) {
	for k := range s.n {
		s.class[k] = w.nameClass(w.buf[s.start[k]:s.end(k)])
	}
}

// row reads the row of capitalised words that starts at i.
func (w *worker) row(s *sequence, i int) {
	b := w.buf
	for s.n < maxSequence && upperAt(b, i) {
		e := nameEnd(b, i)
		if e == i || at(b, e)&isIdent != 0 || (ch(b, e) == '-' || ch(b, e) == '#') && at(b, e+1)&isDigit != 0 {
			break
		}
		s.start[s.n], s.stop[s.n] = i, e
		s.initial[s.n] = e-i == 1
		if capitals := run(b, i, e, isUpper); capitals < e {
			s.mix = s.mix || w.camel(capitals, e)
		} else if e-i > 1 {
			s.upper++
		}
		s.n++
		if ch(b, e) == '.' && s.initial[s.n-1] {
			e++
			s.stop[s.n-1] = e
		}
		if ch(b, e) != ' ' {
			break
		}
		i = e + 1
		for k := 0; k < 3; k++ { // particles
			p := wordEnd(b, i)
			if !particle(b[i:p]) || ch(b, p) != ' ' && ch(b, p) != '\'' {
				break
			}
			i = p + 1
		}
	}
}

// nameEnd returns the end of a word of a name: letters, joined by a dash or an apostrophe to more.
func nameEnd(b []byte, i int) int {
	for limit := min(len(b), i+32); i < limit; i++ {
		c := b[i]
		if class[c]&isAlpha != 0 || c >= utf8.RuneSelf {
			continue
		}
		if (c == '-' || c == '\'') && (upperAt(b, i+1) || c == '-' && at(b, i+1)&isLower != 0 && at(b, i+2)&isLower != 0 && at(b, i-1)&isLower != 0) && i+1 < limit {
			continue
		}
		break
	}
	for i > 0 && i < len(b) && b[i-1] == '\'' {
		i--
	}
	return i
}

func particle(v []byte) bool {
	switch string(v) {
	case "de", "da", "do", "dos", "das", "del", "della", "di", "la", "le", "el", "al", "van", "von", "der", "den", "ter", "ten", "zu", "bin", "binti", "ibn", "y", "e", "af", "av", "vom", "zum", "du", "d", "l":
		return true
	}
	return false
}

// nameClass looks a word of a name up; of one with a dash or an apostrophe, its parts: Al-Farsi, O'Brien.
func (w *worker) nameClass(v []byte) (c names.Class) {
	c = w.names.Of(v)
	if c != 0 || bytes.IndexByte(v, '-') < 0 && bytes.IndexByte(v, '\'') < 0 {
		return c
	}
	if i := bytes.IndexByte(v, '\''); i == 1 && len(v) > 3 && (v[0] == 'O' || v[0] == 'D') {
		return names.Family
	}
	for len(v) > 0 {
		i := bytes.IndexAny(v, "-'")
		if i < 0 {
			i = len(v)
		}
		c |= w.names.Of(v[:i])
		v = v[min(i+1, len(v)):]
	}
	return c
}

// shortWord is a word of at most twelve letters, in lower case where it is ASCII.
type shortWord struct {
	b [12]byte
	n int
}

// wordBefore returns the word before i.
func wordBefore(b []byte, i int) (v shortWord) {
	for n := 0; n < 3 && i > 0 && (b[i-1] == ' ' || b[i-1] == '.' || b[i-1] == ',' || b[i-1] == ':' || b[i-1] == '\\'); n++ {
		i--
	}
	s := i
	for s > 0 && i-s <= len(v.b) && (class[b[s-1]]&isAlpha != 0 || b[s-1] >= utf8.RuneSelf || b[s-1] == '\'' || b[s-1] == '@') {
		s--
	}
	if i-s > len(v.b) {
		return v
	}
	for _, c := range b[s:i] {
		if class[c]&isUpper != 0 {
			c |= 0x20
		}
		v.b[v.n] = c
		v.n++
	}
	return v
}

// titleBefore reports a title of a person before i.
func titleBefore(b []byte, i int) bool {
	if c := ch(b, i-1); c != ' ' && c != '.' && c != '\\' {
		return false
	}
	if i < 3 || lettering[b[i-2]] == noLetter && b[i-2] != '.' {
		return false
	}
	switch v := wordBefore(b, i); string(v.b[:v.n]) {
	case "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "madam", "mme", "mlle", "herr", "frau", "señor", "señora", "sr", "sra", "signor", "signora", "dott", "ing", "monsieur", "madame":
		return true
	}
	return false
}

// cueBefore reports words before i that a name of a person follows.
func cueBefore(b []byte, i int) bool {
	if ch(b, i-1) == '@' {
		return true
	}
	switch v := wordBefore(b, i); string(v.b[:v.n]) {
	case "by", "author", "authors", "cc", "dear", "hi", "hello", "hey", "thanks", "thank", "ask", "asked", "ping", "contact", "from", "with", "to", "for", "and", "name", "called", "call", "me", "tell", "told", "met",
		"owner", "assignee", "reviewer", "maintainer", "regards", "cheers", "mit", "von", "hallo", "liebe", "lieber", "bonjour", "hola", "caro", "cara", "ciao", "i'm", "am", "attn", "sincerely", "signed", "employee", "colleague", "is", "copyright":
		return true
	}
	return false
}
