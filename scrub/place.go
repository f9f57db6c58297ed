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
		case c&(names.Place|names.Country|names.Nation) == 0:
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

// street looks at a house number and the name of a street after it, "635 Maple Avenue", with what follows of an
// address; in prose, words with capitals do where a flat, a number or a town follows.
func (w *worker) street(start, end int) int {
	b := w.buf
	if end-start > 6 || ch(b, end) != ' ' || ch(b, start-1) == '.' || ch(b, start-1) == '-' && at(b, start-2)&isAlnum != 0 {
		return start
	}
	i, words, known, number := end+1, 0, false, false
	if e := nameEnd(b, i); at(b, e+1)&isDigit != 0 && monthName(b[i:e]) && !streetWord(b[i:e]) { // 27 Nov 2026, 4096 Nov 27
		return start
	}
	if lettering[ch(b, i)] == lowerLetter { // most often a unit
		if v := b[i:wordEnd(b, i)]; !streetLead(v) && !particle(v) {
			return start
		}
	}
	for n := 0; n < 7 && words < 5; n++ {
		e := nameEnd(b, i)
		if e == i {
			d := run(b, i, i+5, isDigit)
			if d == i || words == 0 && d-i > 4 {
				break
			}
			if number = words > 0; number {
				i = d
				break
			}
			i = d
			if ch(b, i) != ' ' {
				break
			}
			i++
			continue
		}
		v := b[i:e]
		if words > 0 && streetWord(v) || words == 0 && upperAt(b, i) && streetWord(v) {
			known = true
		} else if !upperAt(b, i) && !particle(v) && !streetLead(v) {
			break
		}
		known = known || streetLead(v)
		words, i = words+1, e
		if ch(b, i) == '.' {
			if ch(b, i+1) != ' ' || len(v) > 4 && !streetWord(v) { // the end of a sentence
				break
			}
			i++
		}
		if ch(b, i) != ' ' {
			break
		}
		i++
	}
	if words == 0 {
		return start
	}
	for b[i-1] == ' ' {
		i--
	}
	stop := w.addressTail(i)
	if !known && (!w.strict || stop == i && !number || !w.prose(start)) {
		return start
	}
	if known && words < 2 && stop == i && !number && !w.prose(start) {
		return start
	}
	w.add(start, stop, "address")
	return stop
}

// led looks at the name of a street after a word such as "rue" or "ul.", with its number.
func (w *worker) led(r *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 || ch(b, start-1) >= 0x80 || ch(b, start-1) == '_' || end <= w.valueEnd {
		return
	}
	i, words := end, 0
	for words < 4 {
		e := nameEnd(b, i)
		if e == i || !upperAt(b, i) && !particle(b[i:e]) {
			break
		}
		words, i = words+1, e
		if ch(b, i) != ' ' {
			break
		}
		i++
	}
	d := run(b, i, i+6, isDigit)
	if d == i && r.keyword != "p.o. box" && words == 0 || d == i && r.keyword[len(r.keyword)-1] == 'x' || d == i && !w.prose(start) {
		return
	}
	if r.keyword == "via " && (d == i || words == 0) || words == 0 && r.keyword != "p.o. box" {
		return
	}
	if d > i {
		i = d
		if ch(b, i) == '/' && at(b, i+1)&isDigit != 0 {
			i = run(b, i+1, i+6, isDigit)
		}
	}
	for b[i-1] == ' ' {
		i--
	}
	i = w.addressTail(i)
	w.add(start, i, "address")
	w.valueEnd = max(w.valueEnd, i)
}

// addressTail returns how far an address goes on after i: flats, towns, states, postcodes, a country.
func (w *worker) addressTail(i int) int {
	b := w.buf
	stop := i
	for n := 0; n < 14 && i < len(b); n++ {
		gap := i
		for gap < i+10 && gap < len(b) && (bytes.IndexByte([]byte(" ,\n\t>?"), b[gap]) >= 0 || b[gap] == '.' && ch(b, gap+1) == '\n' && gap == i && endsStreet(b, i)) {
			gap++
		}
		if gap == i {
			break
		}
		line := bytes.IndexByte(b[i:gap], '\n') >= 0
		if line && bytes.Count(b[i:gap], []byte{'\n'}) > 2 {
			break
		}
		i = gap
		if d := run(b, i, i+8, isDigit); d > i { // a postcode, a flat
			if ch(b, d) == '-' && at(b, d+1)&isDigit != 0 {
				d = run(b, d+1, d+6, isDigit)
			}
			if d-i < 3 && n == 0 || at(b, d)&isIdent != 0 && d-i < 4 || ch(b, d) == ':' || line && d-i < 4 {
				break
			}
			i = wordEnd(b, d)
			stop = i
			continue
		}
		if !upperAt(b, i) {
			break
		}
		e := nameEnd(b, i)
		if ch(b, e) == '.' && unitWord(b[i:e]) {
			e++
		}
		if code := britishCode(b, i); code > i {
			i, stop = code, code
			continue
		}
		v := bytes.TrimRight(b[i:e], ".")
		c := w.nameClass(v)
		switch {
		case e == i, ch(b, e) == ':', ch(b, e) == '(', ch(b, e) == '=':
			return stop
		case unitWord(v):
			d := e
			if ch(b, d) == ' ' || ch(b, d) == '#' {
				d++
			}
			if x := wordEnd(b, d); x > d {
				e = x
			}
		case c&names.Word != 0 && c&(names.Place|names.Country) == 0 && !(run(b, i, e, isUpper) == e && e-i == 2) && !(line && ch(b, e) == ' ' && upperAt(b, e+1)):
			return stop
		}
		i, stop = e, e
	}
	return stop
}

// britishCode returns the end of a British postcode at i, such as NW1 6XE, or i.
func britishCode(b []byte, i int) int {
	area := run(b, i, i+2, isUpper)
	district := run(b, area, area+2, isDigit)
	if area == i || district == area {
		return i
	}
	if at(b, district)&isUpper != 0 { // EC1A
		district++
	}
	e := district + 4
	if ch(b, district) != ' ' || at(b, district+1)&isDigit == 0 || run(b, district+2, e, isUpper) != e || at(b, e)&isIdent != 0 {
		return i
	}
	return e
}

// endsStreet reports whether the word before i may stand for a street, shortened: a full stop after it does not end a sentence.
func endsStreet(b []byte, i int) bool {
	v := wordBefore(b, i)
	return streetWord(v.b[:v.n])
}

// streetWord reports words for streets, alone or as the end of one, in the larger languages.
func streetWord(v []byte) bool {
	l := lower(v)
	switch string(l) {
	case "street", "st", "avenue", "ave", "av", "road", "rd", "lane", "ln", "drive", "dr", "boulevard", "blvd", "court", "ct", "place", "pl", "square", "sq", "terrace", "way", "parkway", "pkwy", "highway", "hwy", "crescent", "close",
		"circle", "cir", "trail", "row", "gardens", "grove", "mews", "hill", "utca", "út", "u", "tér", "tn", "tee", "put", "gate", "vei", "veien", "allé", "alle", "ulica", "cesta", "box", "str":
		return true
	}
	for _, tail := range []string{"straße", "strasse", "str", "gasse", "weg", "platz", "allee", "damm", "ufer", "gatan", "gata", "gränd", "vägen", "vej", "vejen", "gade", "gyden", "katu", "tie", "kuja", "polku", "straat", "laan", "plein", "gracht", "kade", "dijk", "dreef",
		"gate", "veien", "veg", "stien", "braut", "stræti", "gade", "toften", "vænget", "parken"} {
		if len(l) > len(tail)+2 && bytes.HasSuffix(l, []byte(tail)) {
			return true
		}
	}
	return false
}

// streetLead reports words that stand before the name of a street.
func streetLead(v []byte) bool {
	if len(v) > 9 {
		return false
	}
	switch string(lower(v)) {
	case "rue", "avenue", "boulevard", "place", "chemin", "impasse", "quai", "via", "viale", "piazza", "corso", "vicolo", "calle", "avenida", "plaza", "paseo", "rua", "travessa", "praça", "ul", "ulica", "aleja", "al", "ulitsa", "carrer", "strada", "strada.", "box", "p.o":
		return true
	}
	return false
}

func unitWord(v []byte) bool {
	switch string(lower(v)) {
	case "apt", "apartment", "suite", "ste", "unit", "flat", "floor", "room", "box", "etage", "fpo", "apo", "dpo", "ae", "ap", "aa":
		return true
	}
	return false
}
