// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// The checks of the forms in alone.go. Each is given capitals and digits, as many as its shapes have.

// figuresOf returns the values of digits; what is no digit counts as 0.
func figuresOf(u []byte) (d [24]byte) {
	for i, c := range u[:min(len(u), len(d))] {
		if class[c]&isDigit != 0 {
			d[i] = c - '0'
		}
	}
	return d
}

func decimal(u []byte, from, to int) (n int) {
	for _, c := range u[from:to] {
		n = n*10 + int(c-'0')
	}
	return n
}

// sum adds the digits, each times its weight.
func sum(u []byte, weights ...int) int {
	d := figuresOf(u)
	return weighed(d[:], weights...)
}

func digit(u []byte, i int) int { return int(u[i] - '0') }

func luhnOf(u []byte) bool {
	d := figuresOf(u)
	return luhn(d[:len(u)])
}

// dayAt reports whether two digits at m are a month, and two at d a day.
func dayAt(u []byte, m, d int) bool {
	month, dom := decimal(u, m, m+2), decimal(u, d, d+2)
	return month >= 1 && month <= 12 && dom >= 1 && dom <= 31
}

// timestamp reports a time in seconds or milliseconds since 1970, from 2014 on, and one written with its year first.
func timestamp(u []byte) bool {
	n := len(u)
	return (n == 10 || n == 13) && u[0] == '1' && u[1] >= '4' || n >= 10 && dated(u)
}

// dated reports a year, a month and a day.
func dated(u []byte) bool {
	return (u[0] == '1' && u[1] == '9' || u[0] == '2' && u[1] == '0') && dayAt(u, 4, 6)
}

// lacks reports whether none of the letters is there.
func lacks(u []byte, letters string) bool { return !bytes.ContainsAny(u, letters) }

// finland: a day, a sign for the century, three digits and a check of 31 letters.
func finland(u []byte) bool {
	n := len(u)
	if n == 11 && bytes.IndexByte([]byte("ABCDEFUVWXY"), u[6]) < 0 || !dayAt(u, 2, 0) {
		return false
	}
	return "0123456789ABCDEFHJKLMNPRSTUVWXY"[(decimal(u, 0, 6)*1000+decimal(u, n-4, n-1))%31] == u[n-1]
}

func spainAny(u []byte) bool {
	if class[u[0]]&isDigit != 0 {
		return spain(u)
	}
	return u[0] >= 'X' && u[0] <= 'Z' && spain(append([]byte{u[0] - 'X' + '0'}, u[1:]...))
}

func taiwan(u []byte) bool {
	n := bytes.IndexByte([]byte("ABCDEFGHJKLMNPQRSTUVXYWZIO"), u[0]) + 10
	return (u[1] == '1' || u[1] == '2') && (n/10+n%10*9+sum(u[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

func china(u []byte) bool {
	return decimal(u, 6, 8) >= 19 && decimal(u, 6, 8) <= 20 && dayAt(u, 10, 12) &&
		"10X98765432"[sum(u, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11] == u[17]
}

func france(u []byte) bool {
	return (u[0] == '1' || u[0] == '2') && decimal(u, 3, 5) > 0 && decimal(u, 0, 13)%97+decimal(u, 13, 15) == 97
}

func brazilBusiness(u []byte) bool {
	first := sum(u, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return digit(u, 12) == first && digit(u, 13) == sum(u, 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10
}

func switzerland(u []byte) bool {
	return decimal(u, 0, 3) == 756 && sum(u, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

// provider: America, health; the digits 80840 stand before it, which add 24.
func provider(u []byte) bool {
	d := figuresOf(u)
	return (u[0] == '1' || u[0] == '2') && luhn(append([]byte{8, 0, 8, 4, 0}, d[:10]...))
}

func australiaHealth(u []byte) bool {
	return u[0] >= '2' && u[0] <= '6' && sum(u, 1, 3, 7, 9, 1, 3, 7, 9)%10 == digit(u, 8)
}

// routing: a bank of America.
func routing(u []byte) bool {
	area := decimal(u, 0, 2)
	return (area <= 12 || area >= 21 && area <= 32 || area >= 61 && area <= 72 || area == 80) && sum(u, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}

func socialNumber(u []byte) bool {
	f := numeral{n: len(u)}
	d := figuresOf(u)
	copy(f.d[:], d[:])
	return socialSecurity(&f)
}

func koreaBusiness(u []byte) bool {
	s := sum(u, 1, 3, 7, 1, 3, 7, 1, 3, 5) + digit(u, 8)*5/10
	return (10-s%10)%10 == digit(u, 9)
}

func thailand(u []byte) bool {
	return u[0] >= '1' && u[0] <= '8' && (11-sum(u, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == digit(u, 12)
}

func norway(u []byte) bool {
	return (11-sum(u, 3, 7, 6, 1, 8, 9, 4, 5, 2)%11)%11 == digit(u, 9) && (11-sum(u, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == digit(u, 10)
}

func belgium(u []byte) bool {
	n, check := decimal(u, 0, 9), decimal(u, 9, 11)
	return dayAt(u, 2, 4) && (97-n%97 == check || 97-(2_000_000_000+n)%97 == check)
}

func australiaBusiness(u []byte) bool {
	return u[0] > '0' && (sum(u, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0
}

func argentina(u []byte) bool {
	switch decimal(u, 0, 2) {
	case 20, 23, 24, 25, 26, 27, 30, 33, 34:
		return (11-sum(u, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == digit(u, 10)
	}
	return false
}

func chile(u []byte) bool {
	if len(u) == 9 && dated(u) { // a day and a count
		return false
	}
	s, weight := 0, 2
	for i := len(u) - 2; i >= 0; i-- {
		s += digit(u, i) * weight
		if weight++; weight > 7 {
			weight = 2
		}
	}
	return "0K987654321"[s%11] == u[len(u)-1]
}

// germanyCard: cards and passports, in letters that no word has; the weights of machine-readable documents.
func germanyCard(u []byte) bool {
	s, digits := 0, 0
	for i, c := range u[:8] {
		v := int(c - '0')
		if class[c]&isAlpha != 0 {
			v = int(c-'A') + 10
		} else {
			digits++
		}
		s += v * [...]int{7, 3, 1}[i%3]
	}
	return class[u[0]]&isAlpha != 0 && digits >= 4 && lacks(u, "AEIOUBDQS") && u[8] == byte(s%10)+'0'
}

func austria(u []byte) bool {
	return u[0] > '0' && dayAt(u, 6, 4) && sum(u, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == digit(u, 3)
}

func india(u []byte) bool {
	d := figuresOf(u)
	return u[0] >= '2' && verhoeff(d[:12])
}

func japan(u []byte) bool {
	r := sum(u, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	return (r <= 1 && u[11] == '0' || r > 1 && 11-r == digit(u, 11))
}

// medicare leaves out the letters that look like digits.
func medicare(u []byte) bool { return u[0] != '0' && lacks(u, "SLOIBZ") }

func singaporeBusiness(u []byte) bool {
	switch {
	case class[u[0]]&isAlpha != 0:
		return u[0] >= 'R' && u[0] <= 'T'
	case len(u) == 9:
		return "XMKECAWLJDB"[sum(u, 10, 4, 9, 3, 8, 2, 7, 1)%11] == u[8]
	}
	year := decimal(u, 0, 4)
	return year > 1900 && year < 2100 && "ZKCMDNERGWH"[sum(u, 10, 8, 6, 4, 9, 7, 5, 3, 1)%11] == u[9]
}

func korea(u []byte) bool { return bytes.IndexByte([]byte("MSRODG"), u[0]) >= 0 }

func indiaPlate(u []byte) bool {
	switch string(u[:2]) {
	case "AN", "AP", "AR", "AS", "BH", "BR", "CG", "CH", "DD", "DL", "DN", "GA", "GJ", "HP", "HR", "JH", "JK", "KA", "KL", "LA", "LD", "MH", "ML",
		"MN", "MP", "MZ", "NL", "OD", "OR", "PB", "PY", "RJ", "SK", "TN", "TR", "TS", "UK", "UP", "WB":
		return true
	}
	return false
}

// turkeyPlate: a province and letters; a day, a month and a year look so, too.
func turkeyPlate(u []byte) bool {
	if p := decimal(u, 0, 2); p == 0 || p > 81 {
		return false
	}
	return class[u[4]]&isAlpha == 0 || !bytes.Contains([]byte("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"), u[2:5])
}

func britainPost(u []byte) bool {
	n := len(u)
	if string(u) == "GIR0AA" {
		return true
	}
	if bytes.IndexByte([]byte("GTP"), u[n-2]) >= 0 && u[n-1] == 'B' { // a size
		return false
	}
	return class[u[1]]&class[u[2]]&isAlpha == 0 && bytes.IndexByte([]byte("QVX"), u[0]) < 0 && lacks(u[n-2:], "CIKMOV")
}

func canadaPost(u []byte) bool { return lacks(u, "DFIOQU") && u[0] != 'W' && u[0] != 'Z' }

// nineDigits: America, banks and taxes; Canada; Australia, taxes and companies; Germany, physicians; the Netherlands;
// Portugal.
func nineDigits(u []byte) bool {
	group := decimal(u, 3, 5)
	return routing(u) || luhnOf(u) || sum(u, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 || (10-sum(u, 8, 7, 6, 5, 4, 3, 2, 1)%10)%10 == digit(u, 8) ||
		u[0] == '9' && (group >= 50 && group <= 65 || group >= 70 && group <= 88 || group >= 90 && group != 93) ||
		(10-sum(u, 4, 9, 4, 9, 4, 9)%10)%10 == digit(u, 6) && u[7] == '0' ||
		(sum(u, 9, 8, 7, 6, 5, 4, 3, 2)-digit(u, 8))%11 == 0 || (11-sum(u, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == digit(u, 8)
}

// tenDigits: America and Britain, health; Poland and Korea, businesses; Sweden; Australia, health. Sizes, and what four
// bytes hold, begin with 2 to 4.
func tenDigits(u []byte) bool {
	return !timestamp(u) && (u[0] < '2' || u[0] > '4') && (provider(u) || (11-sum(u, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11 == digit(u, 9) ||
		sum(u, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == digit(u, 9) || koreaBusiness(u) || luhnOf(u) && (u[2] >= '2' || dayAt(u, 2, 4)) || australiaHealth(u))
}

// elevenDigits: Italy, businesses; Germany and Croatia; Greece.
func elevenDigits(u []byte) bool {
	return luhnOf(u) || germany(u)
}

// germany is the check of ISO 7064 that is called MOD 11,10.
func germany(u []byte) bool {
	p := 10
	for i := range 10 {
		s := (digit(u, i) + p) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return (11-p)%10 == digit(u, 10)
}
