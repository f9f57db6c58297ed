// SPDX-License-Identifier: Apache-2.0

package intake

// numbers looks for what begins with no literal: cards and bank accounts, which have check digits.
func (c *scan) numbers(at *path, b []byte) {
	card, account := false, false
	for i := 0; i < len(b); i++ {
		x := b[i]
		if x < '0' || x > 'Z' {
			continue
		}
		if i > 0 && (isWord(b[i-1]) || b[i-1] == '.' || b[i-1] == '-' || b[i-1] == '+') {
			continue
		}
		switch {
		case isDigit(x) && !card:
			if n, is := cardAt(b, i); n > 0 {
				if card = is; card {
					c.hit(at, "card")
				}
				i += n - 1
			}
		case x >= 'A' && !account && i+15 <= len(b) && isDigit(b[i+2]) && isDigit(b[i+3]) && b[i+1] >= 'A' && b[i+1] <= 'Z':
			if account = ibanAt(b[i:]); account {
				c.hit(at, "iban")
			}
		}
	}
}

// cardAt reads digits, in groups parted by one space or dash, and reports whether they are the number of a card: a length
// and a beginning that networks give out, and the right last digit (ISO/IEC 7812). n is how many bytes were read.
func cardAt(b []byte, i int) (n int, is bool) {
	var d [20]byte
	k, groups, start, group := 0, 1, i, 0
	for i < len(b) && k < len(d) {
		if isDigit(b[i]) {
			d[k] = b[i] - '0'
			k++
			group++
			i++
			continue
		}
		if (b[i] != ' ' && b[i] != '-') || i+1 >= len(b) || !isDigit(b[i+1]) || group < 3 || group > 6 {
			break
		}
		groups++
		group = 0
		i++
	}
	if i < len(b) && (isWord(b[i]) || b[i] == '.' && i+1 < len(b) && isDigit(b[i+1]) || b[i] == '-') || k < 13 || groups > 5 || groups > 1 && groups < 3 {
		return i - start, false
	}
	two, three, four := int(d[0])*10+int(d[1]), 0, 0
	three = two*10 + int(d[2])
	four = three*10 + int(d[3])
	switch {
	case k == 16 && (d[0] == 4 || two >= 51 && two <= 55 || four >= 2221 && four <= 2720 || four == 6011 || two == 65 || four >= 3528 && four <= 3589):
	case k == 15 && (two == 34 || two == 37):
	case k == 14 && (three >= 300 && three <= 305 || two == 36 || two == 38):
	default:
		return i - start, false
	}
	if !luhn(d[:k]) {
		return i - start, false
	}
	// Numbers that networks publish for tests are of nobody: they have few different digits.
	var seen [10]bool
	distinct := 0
	for _, x := range d[:k] {
		if !seen[x] {
			seen[x] = true
			distinct++
		}
	}
	return i - start, distinct >= 5
}

func luhn(d []byte) bool {
	sum := 0
	for i, x := range d {
		v := int(x)
		if (len(d)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// ibanLengths are the lengths of account numbers by country, after the registry of ISO 13616.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20"

// ibanAt reports whether an account number begins here, in groups of four or in one: the length that its country has, and
// the remainder of 1 that it must leave (ISO 7064, MOD 97-10).
func ibanAt(b []byte) bool {
	want := 0
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i] == b[0] && ibanLengths[i+1] == b[1] {
			want = int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
		}
	}
	if want == 0 {
		return false
	}
	var a [34]byte
	k, i := 0, 0
	for i < len(b) && k < want {
		switch x := b[i]; {
		case isDigit(x) || x >= 'A' && x <= 'Z':
			a[k] = x
			k++
		case x == ' ' && k%4 == 0:
		default:
			return false
		}
		i++
	}
	if k != want || i < len(b) && isWord(b[i]) {
		return false
	}
	rest := 0
	for j := range want {
		x := a[(j+4)%want]
		if isDigit(x) {
			rest = (rest*10 + int(x-'0')) % 97
		} else {
			rest = (rest*100 + int(x-'A') + 10) % 97
		}
	}
	return rest == 1
}
