// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
)

// numeral is a number as people write it: groups of digits, one sign or none between them.
type numeral struct {
	d      [32]byte
	n      int
	groups [10]uint8
	g      int
	sep    byte // between the first two groups
	mixed  bool // not all signs between groups are that one
	end    int
}

// digitsAt reads the groups that begin at i: single blanks, dashes, dots and strokes may part them.
func digitsAt(b []byte, i int) (f numeral) {
	for f.g < len(f.groups) {
		n := 0
		for class[ch(b, i)]&isDigit != 0 && f.n < len(f.d) {
			f.d[f.n] = b[i] - '0'
			f.n, n, i = f.n+1, n+1, i+1
		}
		f.groups[f.g], f.end = uint8(n), i
		f.g++
		c := ch(b, i)
		if c != ' ' && c != '-' && c != '.' && c != '/' && c != ':' || at(b, i+1)&isDigit == 0 {
			break
		}
		if f.g == 1 {
			f.sep = c
		} else if c != f.sep {
			if c == ':' || f.sep == ':' || c == '/' {
				break
			}
			f.mixed = true
		}
		i++
	}
	return f
}

// is reports whether the groups have these lengths.
func (f *numeral) is(groups ...uint8) bool {
	return f.g == len(groups) && string(f.groups[:f.g]) == string(groups)
}

// figures looks at the word from start to end, which begins with a digit, and returns how far it looked.
func (w *worker) figures(start, end int) int {
	b := w.buf
	if p := ch(b, start-1); p == '_' || p == '$' || p == '#' && end-start <= 8 || p == '.' && at(b, start-2)&isIdent != 0 || end <= w.valueEnd {
		return end
	}
	if end-start <= 4 {
		if next := w.hexGroups(start, end); next > start {
			return next
		}
		if ch(b, start-1) == ' ' {
			if next := w.numbered(start, end); next > start {
				return next
			}
		}
	}
	if next := ch(b, end); end-start <= 3 && next != ' ' && next != '-' && next != '.' && next != '/' && next != ')' && next != ',' && next != '\n' && next != 0 {
		return end
	}
	f := digitsAt(b, start)
	if f.end < end { // letters follow
		if end-start >= 8 {
			w.lettered(start, end)
		}
		return w.phone(start, end, &f)
	}
	if p := ch(b, start-1); p == '+' || p == '(' {
		if next := w.phone(start, end, &f); next > end {
			return next
		}
	}
	if end-start <= 6 && ch(b, end) == ' ' && lettering[ch(b, end+1)] != noLetter {
		if next := w.street(start, end); next > start {
			return next
		}
	}
	if f.n < 5 {
		if f.n == 4 && w.about(start, f.end)&aPostcode != 0 && f.g == 1 {
			w.add(start, f.end, "address")
			return f.end
		}
		if f.g == 1 && (f.n == 2 || f.n == 3) && ch(b, start-1) == ' ' && w.aged(start, f.end) {
			return f.end
		}
		if next := w.birthDate(start, &f); next > start {
			return next
		}
		return end
	}
	if f.g == 4 && f.sep == '.' && !f.mixed {
		return w.ipv4(start, &f)
	}
	inside := (ch(b, start-1) == '-' || ch(b, start-1) == '/') && at(b, start-2)&isAlnum != 0
	if tail := at(b, f.end); tail&isIdent != 0 || inside {
		return w.phone(start, end, &f)
	}
	if next := w.birthDate(start, &f); next > start { // not by a table of looks, which would put f on the heap
		return next
	}
	if next := w.cardNumber(start, &f); next > start {
		return next
	}
	if next := w.national(start, &f); next > start {
		return next
	}
	if f.g > 1 && end-start >= 12 && ch(b, start-1) != '+' { // a card and what stands after it
		one := digitsAt(b[:end], start)
		if next := w.cardNumber(start, &one); next > start {
			return next
		}
	}
	return w.phone(start, end, &f)
}

// ipv4 looks at four numbers with dots.
func (w *worker) ipv4(start int, f *numeral) int {
	b, at4 := w.buf, 0
	var v [4]int
	for i := range 4 {
		if f.groups[i] > 3 {
			return f.end
		}
		for range f.groups[i] {
			v[i] = v[i]*10 + int(f.d[at4])
			at4++
		}
		if v[i] > 255 {
			return f.end
		}
	}
	if at(b, f.end)&isIdent != 0 || ch(b, f.end) == '-' && at(b, f.end+1)&isAlpha != 0 || ch(b, start-1) == '-' && at(b, start-2)&isAlpha != 0 {
		return f.end
	}
	switch {
	case v[0] == 127, v[0] == 0, v[0] == 255, v[0] == 169 && v[1] == 254 && v[2] == 169: // the machine itself, no machine, masks, metadata
		return f.end
	case v[0] < 10 && max(v[1], v[2], v[3]) < 100 && w.about(start, f.end)&anAddress == 0: // a version
		return f.end
	case v[0] == 10 && v[1] == 0 && v[2] == 0 && v[3] == 0 && !w.strict, v[1] == 0 && v[2] == 0 && v[3] == 0 && v[0] != 10:
		return f.end
	case !w.strict && documentation(v), versionBefore(b, start):
		return f.end
	}
	w.add(start, f.end, "ip")
	return f.end
}

// documentation reports the ranges that examples are written with (RFC 5737).
func documentation(v [4]int) bool {
	return v[0] == 192 && v[1] == 0 && v[2] == 2 || v[0] == 198 && v[1] == 51 && v[2] == 100 || v[0] == 203 && v[1] == 0 && v[2] == 113
}

// versionBefore reports whether what stands before a number makes it a version.
func versionBefore(b []byte, start int) bool {
	before := lower(b[max(0, start-16):start])
	return bytes.Contains(before, []byte("version")) || bytes.HasSuffix(before, []byte("==")) || bytes.HasSuffix(before, []byte("v")) ||
		bytes.Contains(before, []byte("release")) || bytes.HasSuffix(before, []byte(">=")) || bytes.HasSuffix(before, []byte("<="))
}

// hexGroups looks at an IPv6 or a hardware address around the word from start to end; it returns start where there is none.
func (w *worker) hexGroups(start, end int) int {
	b := w.buf
	sep := ch(b, end)
	if sep != ':' && sep != '-' && sep != '.' || end-start > 4 {
		if !(end-start <= 4 && ch(b, start-1) == ':' && ch(b, start-2) == ':') {
			return start
		}
		sep = ':'
	}
	for i := start; i < end; i++ {
		if !hexDigit(b[i]) {
			return start
		}
	}
	first := start
	if ch(b, start-1) == ':' && ch(b, start-2) == ':' && sep == ':' {
		first -= 2
	}
	if p := ch(b, first-1); at(b, first-1)&isIdent != 0 || p >= 0x80 || p == sep {
		return start
	}
	groups, gap, longest, pairs, mark := 0, first < start, 0, true, 0
	i := start
	for groups < 9 {
		n := 0
		for hexDigit(ch(b, i)) {
			if class[b[i]]&isDigit != 0 {
				mark++
			}
			n, i = n+1, i+1
		}
		if n > 4 || n == 0 {
			break
		}
		if sep == ':' && ch(b, i) == '.' && n <= 3 && (groups >= 6 || gap) { // an IPv4 address at the end
			if f := digitsAt(b, i-n); f.g == 4 && f.sep == '.' && !f.mixed {
				w.add(first, f.end, "ip")
				return f.end
			}
		}
		groups, longest, pairs = groups+1, max(longest, n), pairs && n == 2
		if ch(b, i) != sep {
			break
		}
		if sep == ':' && ch(b, i+1) == ':' && !gap {
			gap = true
			if !hexDigit(ch(b, i+2)) {
				i += 2
				break
			}
			i++
		} else if !hexDigit(ch(b, i+1)) {
			break
		}
		i++
	}
	if at(b, i)&isIdent != 0 || ch(b, i) == sep {
		return start
	}
	switch {
	case groups == 6 && pairs && !gap && sep != '.' && !sameSign(b[start:i]):
		w.add(first, i, "mac")
	case groups == 3 && sep == '.' && i-start == 14 && mark > 0 && mark < 12 && !sameSign(b[start:i]):
		w.add(first, i, "mac")
	case sep != ':' || mark == 0 || groups == 1 && (longest < 3 || first < start && longest < 4):
		return start
	case groups == 8 && !gap, gap && groups < 8 && (groups > 2 || longest >= 3):
		if !w.strict && bytes.HasPrefix(lower(b[first:i]), []byte("2001:db8")) {
			return i
		}
		w.add(first, i, "ip")
	default:
		return start
	}
	return i
}

func hexDigit(c byte) bool {
	return class[c]&isDigit != 0 || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// sameSign reports whether all letters and digits are one.
func sameSign(v []byte) bool {
	for _, c := range v {
		if class[c]&isAlnum != 0 && c != v[0] {
			return false
		}
	}
	return true
}
