// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// place returns how many words from k on name a place, 0 for none: in prose only, and of places that are also words or
// names of people only after a word such as "in". Long asks for names of several words only.
func (w *worker) place(s *sequence, k int, long bool) int {
	b := w.buf
	for n := min(3, s.n-k); n > 0; n-- {
		c, words := s.class[k], 0
		if n > 1 {
			if s.stop[k+n-1]-s.start[k] > 40 {
				continue
			}
			c = w.names.Of(b[s.start[k]:s.stop[k+n-1]])
			for i := range n {
				if s.class[k+i]&names.Word != 0 {
					words++
				}
			}
		} else if long {
			return 0
		}
		switch {
		case c&(names.Place|names.Country|names.Nation) == 0, n == 1 && labels(b, s.start[k]):
		case !w.prose(s.start[k]):
			return 0
		case n > 1 && words == n && !placeBefore(b, s.start[k]):
		case c&names.Nation != 0 && (!w.strict || language(b, s.start[k], s.stop[k+n-1])):
		case c&(names.Country|names.Nation) != 0 && c&names.Word == 0 && w.strict, n > 1, placeBefore(b, s.start[k]) && c&names.Word == 0, c&names.Word == 0 && w.strict && w.pure(s.start[k]):
			return n
		}
	}
	return 0
}

// language reports whether the name of a nation stands for its language.
func language(b []byte, start, end int) bool {
	switch v := wordBefore(b, start); string(v.b[:v.n]) {
	case "in", "to", "into", "speak", "speaks", "or", "and", "translate", "en":
		return true
	}
	e := wordEnd(b, min(end+1, len(b)))
	switch string(b[min(end+1, len(b)):e]) {
	case "translation", "translations", "language", "text", "version", "locale", "keyboard", "characters", "letters", "word", "words", "alphabet", "spelling", "strings", "or", "and", "only", "stemmer":
		return true
	}
	return false
}

// placeBefore reports words before i that the name of a place follows.
func placeBefore(b []byte, i int) bool {
	switch v := wordBefore(b, i); string(v.b[:v.n]) {
	case "in", "from", "to", "at", "near", "of", "around", "through", "via", "nach", "aus", "à", "en", "visit", "visiting", "leaving", "office", "city", "where", "southern", "northern", "eastern", "western":
		return true
	}
	return false
}

// company looks for the form of a company's name at the end of a row of words: Acme Tools GmbH. It returns the end of
// what it recorded, 0 for nothing.
func (w *worker) company(s *sequence) int {
	b := w.buf
	for k := s.n - 1; k >= 0; k-- {
		if k > 0 && legal(b[s.start[k]:s.end(k)]) && !(s.n == 2 && s.class[0] == names.Word && !w.prose(s.start[0])) {
			first := 0
			for first < k && s.class[first]&names.Word != 0 && article(b[s.start[first]:s.end(first)]) {
				first++
			}
			if first == k {
				return 0
			}
			w.add(s.start[first], s.end(k), "organisation")
			return s.end(k)
		}
	}
	end := s.end(s.n - 1)
	i := end
	if ch(b, i) == ',' {
		i++
	}
	if ch(b, i) != ' ' || lettering[ch(b, i+1)] == noLetter && ch(b, i+1) != '&' || i == end && lettering[ch(b, i+1)] == lowerLetter && bytes.IndexByte([]byte("saez"), b[i+1]) < 0 {
		return 0
	}
	for _, form := range []string{"& Sons", "& Co", "S.A.", "S.p.A.", "s.r.o.", "a.s.", "B.V.", "N.V.", "z o.o.", "sp. z", "e.V.", "S.L.", "Inc", "Ltd", "LLC", "& Daughters", "& Partners"} {
		if hasAny(b[i+1:], form) && at(b, i+1+len(form))&isAlnum == 0 {
			w.add(s.start[0], i+1+len(form), "organisation")
			return i + 1 + len(form)
		}
	}
	if s.n == 1 && ch(b, i+1) == '&' && ch(b, i+2) == ' ' && upperAt(b, i+3) && w.strict && s.class[0]&names.Word == 0 { // Lumen & Finch
		more := w.sequence(i + 3)
		if more.n == 1 && more.class[0]&names.Word == 0 {
			w.add(s.start[0], more.end(0), "organisation")
			return more.end(0)
		}
	}
	return 0
}

func article(v []byte) bool {
	if len(v) > 4 {
		return false
	}
	var l [4]byte
	for i, c := range v {
		l[i] = c | 0x20
	}
	switch string(l[:len(v)]) {
	case "the", "for", "at", "and", "from", "by", "of", "our", "with", "in", "on", "to", "an", "a", "this", "i", "we", "my":
		return true
	}
	return false
}

// legal reports the words that tell the legal form of a company, or its trade.
func legal(v []byte) bool {
	switch string(v) {
	case "Inc", "Ltd", "LLC", "LLP", "PLC", "Plc", "GmbH", "AG", "KG", "OHG", "UG", "SE", "SA", "SAS", "SARL", "SRL", "SpA", "BV", "NV", "AB", "ASA", "AS", "Oy", "OY", "Oyj", "ApS", "Corp", "Corporation", "Co", "Limited", "Incorporated",
		"Pty", "Holdings", "Holding", "Bank", "Insurance", "Airlines", "Airways", "Logistics", "Telecom", "Pharma", "Pharmaceuticals", "Consulting", "Industries", "Enterprises", "Ventures", "Partners", "Associates", "Traders", "Bancorp",
		"Financial", "Hospital", "Clinic", "Versicherung", "Sparkasse", "Stiftung", "Werke", "Motors", "Robotics", "Foods", "Brewery", "Realty", "Mutual", "Savings":
		return true
	}
	return false
}
