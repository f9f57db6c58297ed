// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

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
	if !known && (!w.strict || stop == i && !number && !w.town(start, end, i) || !w.prose(start)) {
		return start
	}
	if known && words < 2 && stop == i && !number && !w.prose(start) {
		return start
	}
	w.add(start, stop, "address")
	return stop
}

// town reports whether a line is a postcode, b[start:end], and a town that ends at i: one of the list, or one under a line that
// ends with the number of a house.
func (w *worker) town(start, end, i int) bool {
	b := w.buf
	if d := end - start; d < 4 || d > 5 || start > 0 && b[start-1] != '\n' && !bytes.HasSuffix(b[:start], []byte(", ")) || i < len(b) && b[i] != '\n' && b[i] != '\r' {
		return false
	}
	house := start > 1 && at(b, start-2)&isDigit != 0 && at(b, wordStart(b, start-1)-1)&isBlank != 0
	return house || w.nameClass(b[end+1:i])&names.Place != 0
}

// numbered looks at the number of a house after the name of a street: Hafenstraße 5a, 51147 Köln.
func (w *worker) numbered(start, end int) int {
	b := w.buf
	tail := start - 1
	switch ch(b, tail-1) {
	case '.', 'e', 0x9f, 't', 'n', 'g', 'z', 'm', 'r': // how the names of most streets end
	default:
		return start
	}
	if ch(b, tail-1) == '.' {
		tail--
	}
	street := wordStart(b, tail)
	if tail-street < 5 || !upperAt(b, street) || run(b, start, end, isDigit) < end-1 {
		return start
	}
	if at(b, end)&isIdent != 0 || ch(b, end) >= 0x80 || ch(b, end) == '(' || ch(b, end) == '=' {
		return start
	}
	sure, stop := false, end
	switch l := lower(b[street:tail]); {
	case bytes.HasSuffix(l, []byte("straße")), bytes.HasSuffix(l, []byte("strasse")), bytes.HasSuffix(l, []byte("str")) && b[tail] == '.', bytes.HasSuffix(l, []byte("gasse")), bytes.HasSuffix(l, []byte("straat")), bytes.HasSuffix(l, []byte("gatan")):
		sure = true
	case !streetWord(l):
		return start
	}
	if stop = w.addressTail(end); !sure && !postcoded(b[end:stop]) {
		return start
	}
	w.add(street, stop, "address")
	return stop
}

// postcoded reports whether a postcode of four digits or more stands in v.
func postcoded(v []byte) bool {
	for i := range v {
		if run(v, i, i+4, isDigit) == i+4 {
			return true
		}
	}
	return false
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
		if line && (bytes.Count(b[i:gap], []byte{'\n'}) > 1 && at(b, gap)&isDigit == 0 || labels(b, gap)) {
			break
		}
		i = gap
		if n := run(b, i, i+3, isUpper); n > i && ch(b, n) == '-' && at(b, n+1)&at(b, n+2)&isDigit != 0 { // D-51147
			i = n + 1
		}
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

// labels reports whether a line that begins at i says what the rest of it is, and is no part of an address: Tel.: 0221 …
func labels(b []byte, i int) bool {
	e := i
	for limit := min(len(b), i+maxName); e < limit && (class[b[e]]&isDashed != 0 || b[e] >= 0x80 || b[e] == '.'); e++ {
	}
	if ch(b, spaces(b, e, false)) == ':' {
		return e > i
	}
	switch string(lower(bytes.TrimRight(b[i:e], "."))) {
	case "tel", "telefon", "telephone", "phone", "fon", "fax", "telefax", "mobil", "mobile", "mob", "cell", "handy", "tél", "téléphone", "teléfono", "móvil", "email", "e-mail", "mail", "web", "www":
		return true
	}
	return false
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
