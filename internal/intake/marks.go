// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// An edge puts marks in the place of what it took out. Their form is public: a head that says the kind, "xq7", 16 letters of
// base32 and two more that are the highest ten bits of a CRC-32 (IEEE) over the head and those 16; in the place of a private
// word "xq5", 11 letters and one of check; an IP address in 2001:db8::/32 and a UUID of version 8 whose last bits are the
// check. Who made a mark only the edge's key can tell; here it is enough that it is none of somebody's own words.

// markRule stands for all rules about marks.
const markRule = -1

func markLiterals() []string { return []string{"xq7", "xq5", "Xq5", "XQ5", "2001:0db8:", "-8"} }

// blank counts the marks in b and returns b with them blanked by zero bytes, which no rule takes for part of anything.
func (c *scan) blank(b []byte) []byte {
	out, copied := b, false
	for _, e := range c.events {
		if e.rule != markRule {
			continue
		}
		start, end := markIn(b, e.start, e.end)
		if end == 0 || out[start] == 0 && copied {
			continue
		}
		if !copied {
			c.blanked = append(c.blanked[:0], b...)
			out, copied = c.blanked, true
		}
		clear(out[start:end])
		c.found.Marks++
	}
	return out
}

// markIn returns the mark of which b[start:end] is the anchor, or 0, 0.
func markIn(b []byte, start, end int) (int, int) {
	switch string(b[start:end]) {
	case "xq7":
		return letterMark(b, start, end)
	case "2001:0db8:":
		return addressMark(b, start)
	case "-8":
		return uuidMark(b, start-13)
	}
	return wordMark(b, start, end)
}

const base32Letters = "abcdefghijklmnopqrstuvwxyz234567"

func isBase32(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// checkLetters is a CRC's highest bits as letters.
func checkLetters(n int, parts ...[]byte) string {
	var c uint32
	for _, p := range parts {
		c = crc32.Update(c, crc32.IEEETable, p)
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = base32Letters[c>>27]
		c <<= 5
	}
	return string(out)
}

// letterMark takes a mark with a head: the longest head whose check is right.
func letterMark(b []byte, start, end int) (int, int) {
	const body = 18
	if end+body > len(b) || !isBase32(b[end:end+body]) {
		return 0, 0
	}
	head := start
	for head > 0 && start-head < 48 && (b[head-1] >= 'a' && b[head-1] <= 'z' || b[head-1] >= 'A' && b[head-1] <= 'Z' || b[head-1] == '_' || b[head-1] == '-') {
		head--
	}
	for h := head; h < start-1; h++ {
		if s := string(b[h:start]); !isHead(s) {
			continue
		} else if checkLetters(2, []byte(s), b[end:end+body-2]) == string(b[end+body-2:end+body]) {
			return h, end + body
		}
	}
	return 0, 0
}

func isHead(s string) bool {
	switch s {
	case "user_", "host-", "project_", "customer_", "ticket_":
		return true
	}
	rest, ok := strings.CutPrefix(s, "SECRET_")
	if !ok {
		rest, ok = strings.CutPrefix(s, "PRIVATE_")
	}
	return ok && len(rest) > 1 && rest[len(rest)-1] == '_' && strings.ToLower(rest) == rest
}

// wordMark takes the mark of a word, in any of its three cases.
func wordMark(b []byte, start, end int) (int, int) {
	const body = 12
	if end+body > len(b) {
		return 0, 0
	}
	small := []byte(strings.ToLower(string(b[end : end+body])))
	if !isBase32(small) || checkLetters(1, []byte("word"), small[:body-1]) != string(small[body-1:]) {
		return 0, 0
	}
	return start, end + body
}

// unhex reads digits in hex from b, of the places that form has an x at; form's other signs must be there.
func unhex(b []byte, form string) []byte {
	if len(b) < len(form) {
		return nil
	}
	digits := make([]byte, 0, 32)
	for i := range len(form) {
		if form[i] == 'x' {
			digits = append(digits, b[i])
		} else if form[i] != b[i] {
			return nil
		}
	}
	out := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(out, digits); err != nil {
		return nil
	}
	return out
}

const (
	addressForm = "xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx"
	uuidForm    = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
)

// addressMark takes an address whose last twelve bits are the check of the others.
func addressMark(b []byte, start int) (int, int) {
	a := unhex(b[start:], addressForm)
	if a == nil {
		return 0, 0
	}
	check := uint32(a[14]&0x0f)<<8 | uint32(a[15])
	a[14], a[15] = a[14]&0xf0, 0
	c := crc32.Update(crc32.ChecksumIEEE([]byte("ip")), crc32.IEEETable, a)
	if c>>20 != check {
		return 0, 0
	}
	return start, start + len(addressForm)
}

// uuidMark takes a UUID of version 8 whose last three bytes are the check of the others.
func uuidMark(b []byte, start int) (int, int) {
	if start < 0 {
		return 0, 0
	}
	u := unhex(b[start:], uuidForm)
	if u == nil {
		return 0, 0
	}
	c := crc32.Update(crc32.ChecksumIEEE([]byte("uuid")), crc32.IEEETable, u[:13])
	if byte(c>>24) != u[13] || byte(c>>16) != u[14] || byte(c>>8) != u[15] {
		return 0, 0
	}
	return start, start + len(uuidForm)
}
