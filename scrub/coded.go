// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// lettered looks at a word of capitals and digits from start to end, with what blanks or dashes join to it: an account
// number of a bank, a number of a state, a ticket, a machine. It returns how far it looked.
func (w *worker) lettered(start, end int) int {
	b := w.buf
	if at(b, start-1)&isIdent != 0 || ch(b, start-1) >= 0x80 || end-start > 40 {
		return end
	}
	if next := w.iban(start); next > start {
		return next
	}
	v := b[start:end]
	if len(v) < 4 || at(b, end)&isIdent != 0 {
		return end
	}
	prev, next := ch(b, start-1), ch(b, end)
	if (prev == '-' || prev == '.') && at(b, start-2)&isAlnum != 0 {
		return end
	}
	var form, up [24]byte
	digits := 0
	for i, c := range v[:min(len(v), len(form))] {
		switch {
		case class[c]&isDigit != 0:
			form[i], up[i], digits = '9', c, digits+1
		case class[c]&isAlpha != 0:
			form[i], up[i] = 'A', c&^0x20
		default:
			return end
		}
	}
	if len(v) > len(form) || digits < 2 {
		return end
	}
	if next == '-' && at(b, end+1)&isAlnum != 0 && digits < 5 {
		return w.dashed(start, end)
	}
	about := w.about(start, end)
	shape, u := string(form[:len(v)]), up[:len(v)]
	switch {
	case unmistakable(shape, u):
		w.add(start, end, "national_id")
	case incident(shape, u) && w.strict:
		w.add(start, end, "ticket")
	case machine(shape, u):
		w.add(start, end, "host")
	case about&aStaff != 0 && digits >= 3:
		w.add(start, end, "user")
	case bytes.ContainsAny(v, "abcdefghijklmnopqrstuvwxyz") || prev == ':':
	case about&(anID|aCar) != 0 && (digits >= 4 || len(v) <= 9 && about&aCar != 0 && digits >= 2) && len(v) >= 6 && (len(v) < 18 || shape[:4] != "9999") && class[v[0]]&(isUpper|isDigit) != 0:
		w.add(start, end, "national_id")
	}
	return end
}

// dashed looks at a few groups of capitals and digits, joined by dashes, beside a word that says they are a number.
func (w *worker) dashed(start, end int) int {
	b := w.buf
	digits, groups, e := 0, 1, end
	for ; groups < 6 && ch(b, e) == '-' && at(b, e+1)&(isUpper|isDigit) != 0; groups++ {
		e = wordEnd(b, e+1)
	}
	for _, c := range b[start:e] {
		if class[c]&isLower != 0 {
			return end
		}
		if class[c]&isDigit != 0 {
			digits++
		}
	}
	if e-start > 24 || digits < 4 || w.about(start, e)&(anID|aStaff|aCar) == 0 {
		return end
	}
	w.add(start, e, "national_id")
	return e
}

// unmistakable reports forms that states gave to nothing else, by shape and check letter.
func unmistakable(shape string, u []byte) bool {
	switch shape {
	case "AA999999A": // Britain, insurance
		return u[8] <= 'D' && u[0] != 'D' && u[0] != 'F' && u[0] != 'I' && u[0] != 'Q' && u[0] != 'U' && u[0] != 'V' && u[1] != 'O'
	case "A9999999A": // Spain, foreigners; Singapore
		return u[0] >= 'X' && u[0] <= 'Z' && spain(append([]byte{u[0] - 'X' + '0'}, u[1:]...)) || bytes.IndexByte([]byte("STFGM"), u[0]) >= 0
	case "99999999A", "9999999A": // Spain
		return spain(u)
	case "AAAAA9999A": // India, tax
		return bytes.IndexByte([]byte("ABCFGHJLPTNSM"), u[3]) >= 0
	case "99AAAAA9999A9A9", "99AAAAA9999AAA9", "99AAAAA9999A9AA": // India, businesses
		return u[13] == 'Z'
	case "AAAAAA99A99A999A", // Italy
		"AAAA999999AAAAAA99", "AAAA999999AAAAAAA9", // Mexico
		"99999999A999": // Germany, pension
		return shape[0] == 'A' || day(twoDigits(u[4:]), twoDigits(u[2:])) || day(twoDigits(u[4:]), []byte{0, 1})
	case "AAAAA999999AA9AA", "AAAA9999999AA9AA", "AA999999999AA9AA", "AAA99999999AA9AA": // Britain, drivers
		return u[6] < '2' || u[6] == '5' || u[6] == '6'
	case "9AA9AA9AA99", "9A99AA9AA99", "9AA9A99AA99", "9A99A99AA99": // America, Medicare
		return u[0] != '0'
	case "A999999999": // Germany, health
		return health(u)
	}
	return false
}

func twoDigits(u []byte) []byte { return []byte{u[0] - '0', u[1] - '0'} }

// spain reports whether the letter is the one that the number asks for.
func spain(u []byte) bool {
	n := 0
	for _, c := range u[:len(u)-1] {
		n = n*10 + int(c-'0')
	}
	return "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] == u[len(u)-1]
}

func health(u []byte) bool {
	n := int(u[0]-'A') + 1
	d := append([]byte{byte(n / 10), byte(n % 10)}, u[1:9]...)
	sum := 0
	for i, v := range d {
		if i > 1 {
			v -= '0'
		}
		x := int(v) * (1 + i%2)
		sum += x/10 + x%10
	}
	return sum%10 == int(u[9]-'0')
}

// incident reports numbers of service desks, such as INC followed by seven digits.
func incident(shape string, u []byte) bool {
	n := bytes.IndexAny(u, "0123456789")
	if n < 2 || len(u)-n < 5 || bytes.IndexByte([]byte(shape[n:]), 'A') >= 0 {
		return false
	}
	switch string(u[:n]) {
	case "INC", "CHG", "RITM", "REQ", "TASK", "SCTASK", "PRB", "PRBTASK", "CTASK", "CS", "CSTASK", "SR", "SRQ", "WO", "WOT", "CRQ", "PBI", "TKT",
		"TICKET", "CASE", "IM", "CR", "SD", "HD", "RFC", "BUG", "DEF", "KNE":
		return true
	}
	return false
}

// machine reports names of machines such as WKS and five digits.
func machine(shape string, u []byte) bool {
	n := bytes.IndexAny(u, "0123456789")
	if n < 2 || len(u)-n < 3 || bytes.IndexByte([]byte(shape[n:]), 'A') >= 0 {
		return false
	}
	switch string(u[:n]) {
	case "WKS", "WS", "WKST", "WRK", "PC", "NB", "LT", "LAP", "LAPTOP", "DT", "DESKTOP", "SRV", "SVR", "SERVER", "VM", "HOST", "NODE", "DC", "WIN", "LNX", "MAC",
		"MBP", "THIN", "VDI", "PRN", "PRT", "NAS", "SAN", "ESX", "ESXI", "SQLSRV", "DBSRV", "APPSRV":
		return len(u)-n >= 4 || n > 2
	}
	return false
}

// iban looks at an international account number: a country, two check digits, and the length that the country has,
// maybe in groups of four.
func (w *worker) iban(start int) int {
	b := w.buf
	if at(b, start)&isAlpha == 0 || at(b, start+1)&isAlpha == 0 || at(b, start+2)&isDigit == 0 || at(b, start+3)&isDigit == 0 {
		return start
	}
	want := ibanLength(b[start]&^0x20, b[start+1]&^0x20)
	if want == 0 {
		return start
	}
	rem, n, e := 0, 0, start
	var head [4]byte
	feed := func(c byte) {
		if class[c]&isDigit != 0 {
			rem = (rem*10 + int(c-'0')) % 97
		} else {
			rem = (rem*100 + int(c&^0x20-'A') + 10) % 97
		}
	}
	for i := start; n < want; i++ {
		c := ch(b, i)
		if (c == ' ' || c == '-') && n%4 == 0 {
			continue
		}
		if class[c]&isAlnum == 0 || class[c]&isLower != 0 && class[b[start]]&isUpper != 0 {
			return start
		}
		if n < 4 {
			head[n] = c
		} else {
			feed(c)
		}
		n, e = n+1, i+1
	}
	for _, c := range head {
		feed(c)
	}
	if at(b, e)&isAlnum != 0 || rem != 1 && w.about(start, e)&anID == 0 {
		return start
	}
	w.add(start, e, "iban")
	return e
}

// ibanLength returns how long the account numbers of a country are, 0 for none.
func ibanLength(a, b byte) int {
	switch string([]byte{a, b}) {
	case "NO":
		return 15
	case "BE":
		return 16
	case "DK", "FI", "FO", "GL", "NL":
		return 18
	case "MK", "SI":
		return 19
	case "AT", "BA", "EE", "KZ", "LT", "LU", "XK":
		return 20
	case "CH", "CR", "HR", "LI", "LV":
		return 21
	case "BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA":
		return 22
	case "AE", "GI", "IL", "IQ", "TL":
		return 23
	case "AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG":
		return 24
	case "PT", "ST":
		return 25
	case "IS", "TR":
		return 26
	case "FR", "GR", "IT", "MC", "MR", "SM":
		return 27
	case "AL", "AZ", "CY", "DO", "GT", "HU", "LB", "PL":
		return 28
	case "BR", "EG", "PS", "QA", "UA":
		return 29
	case "JO", "KW", "MU":
		return 30
	case "MT", "SC":
		return 31
	case "LC":
		return 32
	}
	return 0
}
