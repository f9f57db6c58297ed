// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// phone looks at a telephone number whose first digits are the word from start to end. International numbers and the
// form of North America are known anywhere; national ones beside a cue, and in prose in strict.
func (w *worker) phone(start, end int, f *numeral) int {
	b := w.buf
	first := start
	plus, parens := false, false
	if ch(b, first-1) == '(' && end-start <= 5 && (ch(b, end) == ')' || ch(b, start) == '+') && at(b, first-2)&isIdent == 0 {
		first, parens = first-1, true
	}
	if c := ch(b, first-1); c == '+' && at(b, first-2)&isIdent == 0 && ch(b, start) != '0' {
		first, plus = first-1, true
		if ch(b, first-1) == '(' {
			first--
		}
	}
	if p := ch(b, first-1); at(b, first-1)&isIdent != 0 || !plus && !parens && (p == '-' || p == '/' || p == '.' || p == ':') && at(b, first-2)&isIdent != 0 {
		return end
	}
	i, n, groups, blank := start, 0, 1, 0
	stop := start
	for n < 16 {
		c := ch(b, i)
		switch {
		case class[c]&isDigit != 0:
			if blank > 0 {
				groups++
			}
			n, blank, i, stop = n+1, 0, i+1, i+1
			continue
		case blank < 2 && (c == ' ' || c == '-' || c == '.' || c == '/' || c == ')' || c == '(' && blank > 0 || c == '(' && plus):
			blank, i = blank+1, i+1
			continue
		}
		break
	}
	if !plus && ch(b, first-1) == ' ' && at(b, first-2)&isDigit != 0 && groups > 1 || !plus && n < 2*groups || stop < len(b)-1 && b[stop] == ' ' && at(b, stop+1)&isDigit != 0 {
		return end // one of many numbers
	}
	if n > 15 || n < 6 || at(b, stop)&isIdent != 0 && ch(b, stop)|0x20 != 'x' && !plus {
		return end
	}
	about := w.about(first, stop)
	ok := false
	switch {
	case plus:
		ok = n >= 8 && (groups > 1 || n >= 10 || about&aPhone != 0)
	case parens:
		ok = n >= 7 && groups > 1 && (n >= 9 || about&aPhone != 0 || w.prose(start))
	case f.is(3, 3, 4) && !f.mixed:
		ok = f.sep == '-' && f.d[0] > 1 || about&aPhone != 0 || f.sep != ':' && f.sep != '/' && w.strict && w.prose(start)
	case date(f), f.g == 4 && f.sep == '.', f.sep == ':', at(b, stop) != 0 && class[ch(b, stop)]&isDigit != 0:
	case about&aPhone != 0:
		ok = n >= 7 || n == 6 && groups > 1
	case ch(b, stop) == 'x' && at(b, stop+1)&isDigit != 0:
		ok = n >= 10 && groups >= 3
	case f.d[0] == 0 && f.d[1] == 0 && f.d[2] != 0:
		ok = n >= 11 && groups >= 3
	case groups >= 3 && n >= 8 && n <= 12 && !f.mixed && f.sep != '.' && f.sep != '/':
		ok = w.strict && w.prose(start) && f.groups[f.g-1] > 1 && !zeros(f)
	case groups == 1 && n >= 10 && n <= 12 && f.d[0] == 0 && f.d[1] != 0:
		ok = w.strict && w.prose(start)
	}
	if !ok {
		return end
	}
	if ch(b, stop) == 'x' {
		if e := run(b, stop+1, stop+7, isDigit); e > stop+1 {
			stop = e
		}
	} else if hasAny(b[stop:], " ext", " x") {
		e := stop + 2 + bytes.IndexByte([]byte("x "), 'x')
		for e < stop+8 && (class[ch(b, e)]&isAlpha != 0 || ch(b, e) == '.' || ch(b, e) == ' ') {
			e++
		}
		if d := run(b, e, e+7, isDigit); d > e {
			stop = d
		}
	}
	w.add(first, stop, "phone")
	return stop
}

// zeros reports round numbers: 100 000 000.
func zeros(f *numeral) bool { return f.d[f.n-1] == 0 && f.d[f.n-2] == 0 && f.d[f.n-3] == 0 }

// date reports whether the groups may be a date, or begin with one: the year first or last.
func date(f *numeral) bool {
	if f.g < 3 || f.sep == ' ' || f.sep == ':' {
		return false
	}
	var v [3]int
	at := 0
	for i := range 3 {
		if f.groups[i] > 4 {
			return false
		}
		for range f.groups[i] {
			v[i] = v[i]*10 + int(f.d[at])
			at++
		}
	}
	month := func(m, d int) bool { return m >= 1 && d >= 1 && (m <= 12 && d <= 31 || d <= 12 && m <= 31) }
	year := func(i int) bool {
		return f.groups[i] == 4 && v[i] >= 1880 && v[i] <= 2100 || f.groups[i] == 2 && f.groups[0] <= 2
	}
	return year(0) && f.groups[0] == 4 && month(v[1], v[2]) || year(2) && month(v[0], v[1])
}

// aged looks at the age of somebody: "a 53 year old", "just turned 47".
func (w *worker) aged(start, end int) bool {
	b := w.buf
	old := hasAny(b[end:], " year old", " years old", "-year-old", " y/o", " yo ")
	if !old {
		switch v := wordBefore(b, start); string(v.b[:v.n]) {
		case "turn", "turned", "aged", "age":
			old = w.prose(start) && (at(b, end) == 0 || ch(b, end) == '.' || ch(b, end) == ',' || ch(b, end) == '\n' || ch(b, end) == ' ')
		case "of":
			old = hasAny(b[max(0, start-7):], "age of ")
		}
	}
	if !old || !w.strict {
		return false
	}
	w.add(start, end, "birth_date")
	return true
}

// birthDate looks at a date beside a word of birth.
func (w *worker) birthDate(start int, f *numeral) int {
	b := w.buf
	if f.g > 1 {
		if date(f) && w.about(start, f.end)&aBirth != 0 {
			w.add(start, f.end, "birth_date")
			return f.end
		}
		return start
	}
	if f.n > 2 && f.n != 4 || f.n == 4 && f.d[0] > 2 || w.about(start, f.end)&aBirth == 0 {
		return start
	}
	first, e := start, f.end
	month := false
	if s := start - 1; s > 0 && b[s] == ' ' && f.n <= 2 { // January 15, 1968
		if m := wordStart(b, s); monthName(b[m:s]) {
			first, month = m, true
		}
	}
	for n := 0; n < 3; n++ { // 15. January 1968
		i := e
		for i < e+4 && bytes.IndexByte([]byte(" ,.-/"), ch(b, i)) >= 0 && i < len(b) {
			i++
		}
		end := wordEnd(b, min(i, len(b)))
		if end-i > 12 || end == i {
			break
		}
		v := b[i:end]
		if string(v) == "th" || string(v) == "st" || string(v) == "nd" || string(v) == "rd" || string(v) == "of" || string(v) == "de" {
			e = end
			continue
		}
		if monthName(v) {
			month = true
		} else if !month || len(v) != 4 || run(b, i, end, isDigit) != end {
			break
		}
		e = end
	}
	if !month && f.n != 4 {
		return start
	}
	w.add(first, e, "birth_date")
	return e
}

// monthName reports names of months, by how they begin, in the larger languages of Latin letters.
func monthName(v []byte) bool {
	if len(v) < 3 || len(v) > 12 {
		return false
	}
	switch string(lower(v[:3])) {
	case "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mai", "okt", "dez", "ene", "abr", "ago",
		"dic", "mag", "giu", "lug", "set", "ott", "gen", "fev", "avr", "aoû", "déc", "fév", "maj", "mei", "m\xc3\xa4", "out":
		return true
	}
	return false
}

// cardNumber looks at 13 to 19 digits, maybe in groups, of a card network, with a right check digit; beside the word
// card, the network does not matter. All networks write four digits first.
func (w *worker) cardNumber(start int, f *numeral) int {
	if f.mixed || f.g > 1 && (f.sep != ' ' && f.sep != '-' || f.groups[0] != 4) || f.n < 12 || f.n > 19 {
		return start
	}
	d := f.d[:f.n]
	if isCard(d) || luhn(d) && f.g == 1 && w.about(start, f.end)&anID != 0 {
		w.add(start, f.end, "card")
		return f.end
	}
	return start
}
