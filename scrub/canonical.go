// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The functions here append the form that all writings of one entity share: its mark's id is made of it, and so is
// nothing else. Two entities that share a form share a mark, which loses a difference and tells nothing.

// appendPerson appends the letters and digits of a person's name, handle or the local part of their address: "Jane
// Doe", "Doe, Jane", "jane.doe", "jane_doe+lists" and "JaneDoe" are one.
func appendPerson(dst, name []byte) []byte {
	if i := bytes.IndexByte(name, ','); i > 0 && bytes.IndexByte(name[i+1:], ',') < 0 {
		name = append(append(append([]byte(nil), name[i+1:]...), ' '), name[:i]...)
	} else if i := bytes.IndexByte(name, '+'); i > 0 {
		name = name[:i]
	}
	return appendName(dst, name)
}

// appendName appends the letters and digits of a name, in lower case, without accents.
func appendName(dst, name []byte) []byte { return orAll(appendFolded(dst, name, ""), len(dst), name) }

// appendHostName appends a host name in lower case, without accents and the dot at its end.
func appendHostName(dst, name []byte) []byte {
	return orAll(appendFolded(dst, bytes.TrimRight(name, "."), ".-_"), len(dst), name)
}

// appendCode appends the letters and digits of a number that people group as they like.
func appendCode(dst, code []byte) []byte { return orAll(appendFolded(dst, code, ""), len(dst), code) }

// appendPhone does the same, with or without the plus or the zeros before a country's number.
func appendPhone(dst, number []byte) []byte {
	n := len(dst)
	dst = appendFolded(dst, number, "")
	if digits := bytes.TrimLeft(dst[n:], "0"); len(digits) > 6 {
		dst = append(dst[:n], digits...)
	}
	return orAll(dst, n, number)
}

// orAll puts the value itself where none of it was left after n.
func orAll(dst []byte, n int, value []byte) []byte {
	if len(dst) == n {
		return append(dst, value...)
	}
	return dst
}

// appendFolded appends letters and digits, and what is in keep, in lower case and without accents.
func appendFolded(dst, b []byte, keep string) []byte {
	ascii := true
	for i, c := range b {
		if c >= utf8.RuneSelf {
			b, ascii = b[i:], false
			break
		}
		switch {
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		case class[c]&isAlnum != 0 || strings.IndexByte(keep, c) >= 0:
			dst = append(dst, c)
		}
	}
	if ascii {
		return dst
	}
	for len(b) > 0 {
		n := len(dst)
		out, size, word := foldLetter(dst, b)
		if dst = out[:n]; word {
			dst = out
		} else if strings.IndexByte(keep, b[0]) >= 0 {
			dst = append(dst, b[0])
		}
		b = b[size:]
	}
	return dst
}

// appendSecret appends a secret as it is once every escape is undone: in JSON and in a URL it is the same. Digits in
// hex have no case.
func appendSecret(dst, value []byte) []byte {
	n := len(dst)
	if bytes.IndexByte(value, '\\') >= 0 || bytes.IndexByte(value, '%') >= 0 {
		dst = appendUnescaped(dst, value)
	} else {
		dst = append(dst, value...)
	}
	v := dst[n:]
	if !ascii(v) && !norm.NFC.IsNormal(v) {
		dst = append(dst[:n], norm.NFC.Bytes(v)...)
		v = dst[n:]
	}
	if isHex(v) {
		for i, c := range v {
			v[i] = fold16(c)
		}
	}
	return dst
}

// appendKeyBody appends the letters and digits of a PEM block, which are the same whatever it is wrapped in.
func appendKeyBody(dst, block []byte) []byte {
	n := len(dst)
	for i := 0; i < len(block); i++ {
		switch c := block[i]; {
		case c == '\\' && i+1 < len(block):
			i++ // the n of \n
		case class[c]&isAlnum != 0 || c == '+' || c == '/':
			dst = append(dst, c)
		}
	}
	return orAll(dst, n, block)
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isHex reports digits in hex: at least 16, at least one of them a letter.
func isHex(b []byte) bool {
	letters := false
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			letters = true
		default:
			return false
		}
	}
	return letters && len(b) >= 16
}

func fold16(c byte) byte {
	if c >= 'A' && c <= 'F' {
		return c + 'a' - 'A'
	}
	return c
}

// appendUnescaped undoes the escapes of JSON and of URLs. What is no escape stays.
func appendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '%' && i+2 < len(b):
			if r, ok := unhex(b[i+1 : i+3]); ok {
				dst, i = append(dst, byte(r)), i+2
				continue
			}
		case c == '\\' && i+1 < len(b):
			switch e := b[i+1]; e {
			case '"', '\'', '\\', '/', '`':
				dst, i = append(dst, e), i+1
				continue
			case 'u':
				if r, n := unicodeEscape(b[i:]); n > 0 {
					dst, i = utf8.AppendRune(dst, r), i+n-1
					continue
				}
			case 'n':
				dst, i = append(dst, '\n'), i+1
				continue
			case 't':
				dst, i = append(dst, '\t'), i+1
				continue
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unicodeEscape reads \uXXXX, or two of them that are one rune.
func unicodeEscape(b []byte) (r rune, n int) {
	first, ok := escape16(b)
	if !ok {
		return 0, 0
	}
	if second, ok := escape16(b[6:]); ok && first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000 {
		return (first-0xd800)<<10 | (second - 0xdc00) + 0x10000, 12
	}
	return first, 6
}

func escape16(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	return unhex(b[2:6])
}

// unhex reads digits in hex.
func unhex(b []byte) (r rune, ok bool) {
	for _, c := range b {
		c = fold16(c)
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
