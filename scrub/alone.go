// SPDX-License-Identifier: Apache-2.0

package scrub

import "strings"

// A short text is often the value of a field: a cell of a table, a string in JSON, a prompt that is only a number. No
// word beside it says what it is; its form and its check digits do. That is too little in a long text, where numbers
// of all forms stand, so shortText looks at texts of a few words only.

const (
	aloneText   = 80 // bytes of a text that is short
	aloneGroups = 7  // of letters and digits, in one identifier
)

// trust says how much else may have the form of an identifier.
type trust uint8

const (
	onlyAlone trust = iota // much: strict takes it where it is all of the text
	inProse                // little: strict takes it among a few words, too
	always                 // next to nothing: balanced takes it as well
)

// issued is how an identifier is written, and what else is asked of it: valid is given its letters, as capitals, and
// digits, without the signs between them.
type issued struct {
	shapes string // A is a letter, 9 a digit, * either, - a blank or a dash, any other sign itself; some, with blanks between
	kind   string
	trust  trust
	valid  func(u []byte) bool
}

// issuedForms lists the identifiers that states, banks, health systems and offices give.
func issuedForms() []issued {
	const id = "national_id"
	return []issued{
		// A check letter, or more than one check digit, or a date and a check.
		{"999999A999A 999999A9999 999999-999A 999999-9999", id, always, finland},
		{"9999999A 99999999A A9999999A 99999999-A 9999999-A A9999999-A", id, always, spainAny},
		{"99999999999999999A 999999999999999999", id, always, china},
		{"999999999999999 9999999999999-99 9-99-99-99-999-999-99", id, always, france},
		{"999.9999.9999.99", id, always, switzerland},
		{"AA999999A AA-99-99-99-A AA-999999-A AA-999999A", id, always, func(u []byte) bool { return unmistakable("AA999999A", u) }},

		// One check digit and signs in between, or a form that little else has.
		{"A999999999", id, inProse, func(u []byte) bool { return health(u) || taiwan(u) }},
		{"99999999999999", id, inProse, func(u []byte) bool { return !timestamp(u) && brazilBusiness(u) }},
		{"9999-999-999", id, inProse, provider},
		{"9999-99999-9", id, inProse, australiaHealth},
		{"9999-9999-9", id, inProse, routing},
		{"999-999999 99999-9999", id, inProse, socialNumber},
		{"999-99-99999", id, inProse, koreaBusiness},
		{"99-99-999999-99", id, inProse, func(u []byte) bool { n := decimal(u, 0, 2); return n >= 11 && n <= 28 }},
		{"9999999999999", id, inProse, func(u []byte) bool { return !timestamp(u) && thailand(u) }},
		{"99999999999", id, inProse, func(u []byte) bool { return norway(u) || belgium(u) || australiaBusiness(u) }},
		{"999999-9999", id, inProse, func(u []byte) bool { return u[2] >= '2' && luhnOf(u) || dayAt(u, 2, 0) }},
		{"999999-99999 999999-99-9999", id, inProse, func(u []byte) bool { return dayAt(u, 2, 0) || dayAt(u, 2, 4) }},
		{"999999/9999", id, inProse, func(u []byte) bool { return dayAt(u, 2, 4) && decimal(u, 0, 10)%11 == 0 }},
		{"99-99999999-9", id, inProse, argentina},
		{"9999999-9 99999999-9 9999999-A 99999999-A", id, inProse, chile},
		{"99999-9999999-9", id, inProse, nil}, // Pakistan
		{"9999-999999", id, inProse, austria},
		{"9999:9999:9999", id, inProse, india},
		{"9AA9-AA9-AA99 9A99-AA9-AA99 9AA9-A99-AA99 9A99-A99-AA99 9AA9AA9AA99 9A99AA9AA99 9AA9A99AA99 9A99A99AA99", id, inProse, medicare},
		{"99999999A 999999999A A99AA9999A", id, inProse, singaporeBusiness},
		{"A999A9999", id, inProse, korea},
		{"AA9999999A", id, inProse, nil}, // Italy, drivers

		// Plates and post codes.
		{"AA99-AAA AA99AAA", id, inProse, func(u []byte) bool { return lacks(u, "IQ") && u[0] != 'Z' }},
		{"AA-999-AA AA999AA", id, onlyAlone, func(u []byte) bool { return lacks(u, "IOU") }},
		{"AAA-999AA", id, inProse, nil}, // Nigeria
		{"AA99AA9999 AA99A9999 AA9AAA9999 AA9AA9999 AA-99-AA-9999 AA-99-A-9999 AA99-AA-9999", id, inProse, indiaPlate},
		{"A999AAA AAA-999A AAA9A99", id, onlyAlone, func(u []byte) bool { return lacks(u, "IQ") }},
		{"99-A-99 99-A-999 99-A-9999 99-AA-99 99-AA-999 99-AA-9999 99-AAA-99 99-AAA-999 99-AAA-9999 99A9999 99AA999 99AA9999 99AAA99 99AAA999 99AAA9999", id, onlyAlone, turkeyPlate},
		{"A9-9AA A99-9AA AA9-9AA AA99-9AA A9A-9AA AA9A-9AA AAA-9AA", "address", inProse, britainPost},
		{"A99AA A999AA AA99AA AA999AA A9A9AA AA9A9AA AAA9AA", "address", onlyAlone, britainPost},
		{"A9A-9A9", "address", inProse, canadaPost},
		{"A9A9A9", "address", onlyAlone, canadaPost},

		// One check digit at most: nothing else may stand beside them.
		{"999999999", id, onlyAlone, nineDigits},
		{"9999999999", id, onlyAlone, tenDigits},
		{"99999999999", id, onlyAlone, elevenDigits},
		{"999999999999", id, onlyAlone, func(u []byte) bool { return !timestamp(u) && (india(u) || japan(u)) }},
		{"9999999999999", id, onlyAlone, func(u []byte) bool { return !timestamp(u) && dayAt(u, 2, 4) && u[6] >= '1' && u[6] <= '8' }},
		{"*********", id, onlyAlone, germanyCard},
		{"**********", id, onlyAlone, func(u []byte) bool { return u[0] == 'U' && u[1] == '1' && class[u[9]]&isAlpha != 0 }}, // Italy, drivers
		{"A9999999 A99999999 AA9999999 AAA999999 AAA9999999 AA99999AA 9999999AA", id, onlyAlone, nil},                        // passports, voters, cards
	}
}

// formsByShape returns the forms that each shape may be, the surest first.
func formsByShape() map[string][]issued {
	all := map[string][]issued{}
	for _, f := range issuedForms() {
		for shape := range strings.FieldsSeq(f.shapes) {
			all[shape] = append(all[shape], f)
		}
	}
	return all
}

// shortText looks at a short text for identifiers that their form gives away.
func (w *worker) shortText(b []byte) {
	if len(b) > 4*aloneText || w.depth > 0 {
		return
	}
	start, end := 0, len(b)
	for start < end && b[start] <= ' ' {
		start++
	}
	for start < end && b[end-1] <= ' ' {
		end--
	}
	if end-start > aloneText || end-start < 5 {
		return
	}
	if w.strict && w.dialled(start, end) {
		return
	}
	for _, c := range b[start:end] {
		if proseOf[c] == codeByte && c != '+' || c < ' ' || c == '"' {
			return
		}
	}
	for i := start; i < end; i++ {
		if at(b, i)&isAlnum != 0 && at(b, i-1)&isIdent == 0 && ch(b, i-1) < 0x80 {
			i = max(i, w.formed(i, start, end))
		}
	}
}

// formed looks at the groups of letters and digits from i on, as many as one sign joins, and takes the longest that is
// an identifier. It returns where that ends.
func (w *worker) formed(i, first, last int) int {
	b := w.buf
	var shape [len(w.upper)]byte
	u := &w.upper
	n, k := 0, 0
	sign := byte(0)
	found, kind := i, ""
	for e, groups := i, 0; groups < aloneGroups; groups++ {
		for ; at(b, e)&isAlnum != 0; e++ {
			if n+1 >= len(shape) {
				return e
			}
			if shape[n], u[k] = '9', b[e]; at(b, e)&isAlpha != 0 {
				shape[n], u[k] = 'A', b[e]&^0x20
			}
			n, k = n+1, k+1
		}
		c := ch(b, e)
		whole := i == first && e == last
		joined := (c == '-' || c == '/' || c == '.' || c == ':' || c == '_') && at(b, e+1)&isAlnum != 0
		before := ch(b, i-1)
		cut := (before == '-' || before == '/' || before == '.' || before == '+') && i > first
		if c < 0x80 && !joined && !cut {
			all := w.s.forms[string(shape[:n])]
			if all == nil && groups == 0 {
				all = w.s.forms["************"[:min(n, 12)]]
			}
			for _, f := range all {
				if f.allows(b[i:e], whole, w.strict) && (f.valid == nil || f.valid(u[:k])) && !sameSign(b[i:e]) {
					found, kind = e, f.kind
					break
				}
			}
		}
		if c != ' ' && !joined || sign != 0 && c != sign || at(b, e+1)&isAlnum == 0 {
			break
		}
		if sign = c; c == ' ' {
			c = '-'
		}
		shape[n] = c
		n, e = n+1, e+1
	}
	if kind != "" {
		w.add(i, found, kind)
	}
	return found
}

// allows reports whether the form may be taken where it stands. Small letters, as words have them, are allowed only
// where little else has the form, and nothing stands beside it.
func (f *issued) allows(v []byte, whole, strict bool) bool {
	switch {
	case f.trust == always:
		return true
	case !strict || f.trust == onlyAlone && !whole:
		return false
	case whole && f.trust == inProse:
		return true
	}
	for _, c := range v {
		if class[c]&isLower != 0 {
			return false
		}
	}
	return true
}

// dialled looks at a text that is nothing but a telephone number as people dial it within their country: 0 and nine or
// ten digits, the ten of North America and Turkey, the eleven of a mobile in China. A dot would make it a fraction.
func (w *worker) dialled(start, end int) bool {
	b := w.buf
	var d [12]byte
	n, groups, round := 0, 0, 0
	for i := start; i < end; i++ {
		switch c := b[i]; {
		case at(b, i)&isDigit != 0:
			if n == len(d) {
				return false
			}
			if d[n], n = c, n+1; at(b, i+1)&isDigit == 0 {
				if groups++; c == '0' && n > 1 {
					round++
				}
			}
		case c == ' ' && ch(b, i+1) == ' ', c != ' ' && c != '-' && c != '(' && c != ')':
			return false
		}
	}
	u := d[:n]
	if n < 10 || n > 11 || groups > 6 || round > 0 && round >= groups-1 && groups > 1 || timestamp(u) || sameSign(u) {
		return false
	}
	first := run(b, start, end, isDigit) - start
	switch {
	case u[0] == '0' && u[1] != '0':
	case groups > 1 && first != 3 && b[start] != '(':
		return false
	case n == 10 && u[0] < '5' && groups == 1: // a size, or what four bytes hold
		return false
	case n == 10 && (u[0] >= '2' && u[0] <= '5' || u[0] > '5' && u[3] >= '2'):
	case n == 11 && groups == 1 && u[0] == '1' && u[1] >= '3' && u[1] != '4':
	default:
		return false
	}
	w.add(start, end, "phone")
	return true
}
