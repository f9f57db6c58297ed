// SPDX-License-Identifier: Apache-2.0

package scrub

// Numbers that states, banks and employers give to people. Where the form and the check digits leave little room for
// chance, they need no cue; else one of anID or aStaff must stand near (cue.go).

// national looks at a number of digits only, and returns start where it is none that we know.
func (w *worker) national(start int, f *numeral) int {
	if f.mixed && !f.is(3, 3, 3, 2) && !f.is(2, 3, 3, 4, 2) || f.n > 20 || f.g > 6 || sameSign(w.buf[start:f.end]) {
		return start
	}
	about := w.about(start, f.end)
	kind := ""
	switch {
	case about&anAccount != 0 && f.n == 12 && (f.g == 1 || f.is(4, 4, 4)):
		kind = "account"
	case f.g > 1 && w.listed(start, f):
	case f.is(3, 2, 4) && (f.sep == '-' || about&anID != 0) && socialSecurity(f):
		kind = "national_id"
	case certified(f) && (f.g > 1 || about&(anID|aBirth) != 0 || w.alone(start, f.end)):
		kind = "national_id"
	case about&aStaff != 0 && f.g == 1:
		start, kind = w.capitalCue(start), "user"
	case date(f) || f.sep == ':' || f.sep == '.' && f.g < 3:
	case about&anID != 0 && f.n >= 6 && f.n > 2*f.g && (f.g == 1 || f.g > 2 || f.sep == '-') && ch(w.buf, f.end) != ':' && ch(w.buf, start-1) != '/':
		kind = "national_id"
	case about&(aPhone|anID) == 0 && about&(anAddress|aPostcode) != 0 && f.n == 5 && f.g == 1 && (about&aPostcode != 0 || w.prose(start)):
		kind = "address"
	case about&aCar != 0 && f.g == 1:
		kind = "national_id"
	}
	if kind == "" {
		return start
	}
	w.add(start, f.end, kind)
	return f.end
}

// listed reports one of many numbers in a row: data, of which any three or four may have the right check.
func (w *worker) listed(start int, f *numeral) bool {
	b := w.buf
	next := ch(b, f.end)
	return f.sep == ' ' && (ch(b, start-1) == ' ' && at(b, start-2)&isDigit != 0 || next == ' ' && at(b, f.end+1)&isDigit != 0)
}

// alone reports whether a number stands in prose, or is all of the text, or of what stands in quotes or between
// tags: a value that somebody entered. A number in code or in data may be anything, and one in a hundred has the right check digits.
func (w *worker) alone(start, end int) bool {
	b := w.buf
	switch p, n := ch(b, start-1), ch(b, end); {
	case (p == '"' || p == '\'') && n == p, p == '>' && n == '<', start == 0 && end == len(b):
		return true
	}
	return w.prose(start)
}

// capitalCue returns where the word in capitals before start begins, such as PERNR: it is part of the number.
func (w *worker) capitalCue(start int) int {
	b := w.buf
	s := start
	for s > 0 && start-s < 3 && (b[s-1] == ' ' || b[s-1] == '-' || b[s-1] == '#') {
		s--
	}
	word := wordStart(b, s)
	if word < s && s < start && run(b, word, s, isUpper) == s {
		return word
	}
	return start
}

func socialSecurity(f *numeral) bool {
	area := int(f.d[0])*100 + int(f.d[1])*10 + int(f.d[2])
	return area != 0 && area != 666 && f.d[3]+f.d[4] > 0 && f.d[5]+f.d[6]+f.d[7]+f.d[8] > 0
}

// certified reports numbers whose grouping and check digits identify them without a word beside them.
func certified(f *numeral) bool {
	d := f.d[:f.n]
	switch {
	case f.is(6, 4) && f.sep == '-', f.is(8, 4) && f.sep == '-': // Sweden
		return day(d[f.n-8 : f.n-4][:2], d[f.n-6:f.n-4]) && luhn(d[f.n-10:])
	case f.is(6, 7) && f.sep == '-': // Korea
		return day(d[2:4], d[4:6]) && d[6] >= 1 && d[6] <= 8
	case f.is(4, 4, 4) && (f.sep == ' ' || f.sep == '-') && d[0] > 1: // India
		return verhoeff(d)
	case f.is(3, 3, 3) && (f.sep == ' ' || f.sep == '-'): // Canada; Australia
		return luhn(d) || weighed(d, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 || (10-weighed(d[:8], 8, 7, 6, 5, 4, 3, 2, 1)%10)%10 == int(d[8])
	case f.is(2, 3, 3, 3) && f.sep == ' ': // Australia, businesses
		return (weighed(d, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0 // one is taken from the first digit
	case f.is(3, 3, 4) && f.sep == '-' || f.is(3, 3, 4) && f.sep == ' ': // Britain, health
		return (11-weighed(d[:9], 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11 == int(d[9])
	case f.is(3, 3, 3, 2) && f.sep == '.': // Brazil
		return brazil(d)
	case f.g > 1:
		return false
	case f.n == 11: // Poland; Turkey; Brazil
		return day(d[2:4], d[4:6]) && weighed(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0 || turkey(d) || brazil(d)
	case f.n == 13: // South Africa; Romania; Korea
		return day(d[2:4], d[4:6]) && d[2] < 2 && d[10] < 2 && luhn(d) ||
			d[0] > 0 && day(d[3:5], d[5:7]) && d[3] < 2 && weighed(d[:12], 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)%11%10 == int(d[12])
	case f.n == 12: // Sweden, with the century
		return (d[0] == 1 && d[1] > 7 || d[0] == 2 && d[1] == 0) && day(d[4:6], d[6:8]) && luhn(d[2:])
	}
	return false
}

// day reports whether two pairs of digits are a month and a day; states add to them for the century or the sex.
func day(m, d []byte) bool {
	month, dom := int(m[0])*10+int(m[1]), int(d[0])*10+int(d[1])
	return month%20 >= 1 && month%20 <= 12 && dom >= 1 && dom <= 31
}

func weighed(d []byte, weights ...int) (sum int) {
	for i, f := range weights {
		sum += f * int(d[i])
	}
	return sum
}

func turkey(d []byte) bool {
	odd := int(d[0]) + int(d[2]) + int(d[4]) + int(d[6]) + int(d[8])
	even := int(d[1]) + int(d[3]) + int(d[5]) + int(d[7])
	return d[0] > 0 && (odd*7-even+1000)%10 == int(d[9]) && (odd+even+int(d[9]))%10 == int(d[10])
}

func brazil(d []byte) bool {
	for n := 9; n < 11; n++ {
		sum := 0
		for i := range n {
			sum += int(d[i]) * (n + 1 - i)
		}
		if sum*10%11%10 != int(d[n]) {
			return false
		}
	}
	return true
}

// verhoeff is the check of India's number: the dihedral group of the pentagon.
func verhoeff(d []byte) bool {
	turn := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	c := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		for range i % 8 {
			v = turn[v]
		}
		switch { // c*v in the group
		case c < 5 && v < 5:
			c = (c + v) % 5
		case c < 5:
			c = (c+v)%5 + 5
		case v < 5:
			c = (c-v)%5 + 5
		default:
			c = (c - v + 5) % 5
		}
	}
	return c == 0
}
