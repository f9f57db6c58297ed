// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// foldLetter appends what the first character of b reads as once case, accents, width and alphabet do not matter, and
// returns how many bytes of b it takes: "É", "é" and "e" are one, "ß" is "ss", a full-width "Ａ" and a Cyrillic "А" that
// looks like a Latin one are "a". It appends nothing for what shows no letter of its own: an accent that follows its
// letter, a soft hyphen, a zero-width space. word is false where the character is no part of a word.
func foldLetter(dst, b []byte) (out []byte, size int, word bool) {
	c := b[0]
	if c < utf8.RuneSelf {
		if class[c]&isAlnum == 0 {
			return dst, 1, false
		}
		if class[c]&isUpper != 0 {
			c += 'a' - 'A'
		}
		return append(dst, c), 1, true
	}
	r, size := utf8.DecodeRune(b)
	if r == utf8.RuneError && size <= 1 {
		if c < 0xC0 || c == 0xD7 || c == 0xF7 {
			return dst, 1, false
		}
		r, size = rune(c), 1 // no UTF-8: a letter of Latin-1
	}
	if invisible(r) || unicode.IsMark(r) {
		return dst, size, true
	}
	if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		return dst, size, false
	}
	if r >= 0xAC00 && r <= 0xD7A3 { // Hangul syllables are put together by arithmetic
		s := r - 0xAC00
		dst = utf8.AppendRune(dst, 0x1100+s/588)
		dst = utf8.AppendRune(dst, 0x1161+s%588/28)
		if s%28 > 0 {
			dst = utf8.AppendRune(dst, 0x11A7+s%28)
		}
		return dst, size, true
	}
	var one [utf8.UTFMax]byte
	parts := utf8.AppendRune(one[:0], r)
	if d := norm.NFKD.Properties(parts).Decomposition(); d != nil {
		parts = d
	}
	for len(parts) > 0 {
		r, n := utf8.DecodeRune(parts)
		parts = parts[n:]
		if !unicode.IsMark(r) {
			dst = appendBase(dst, unicode.ToLower(r))
		}
	}
	return dst, size, true
}

// appendBase appends a lower-case letter as people without its key write it.
func appendBase(dst []byte, r rune) []byte {
	switch r {
	case 'ß':
		return append(dst, "ss"...)
	case 'æ':
		return append(dst, "ae"...)
	case 'œ':
		return append(dst, "oe"...)
	case 'þ':
		return append(dst, "th"...)
	case 'ø':
		return append(dst, 'o')
	case 'đ', 'ð':
		return append(dst, 'd')
	case 'ł':
		return append(dst, 'l')
	case 'ħ':
		return append(dst, 'h')
	case 'ı', 'і', 'ι':
		return append(dst, 'i')
	case 'а', 'α':
		return append(dst, 'a')
	case 'е', 'ε':
		return append(dst, 'e')
	case 'о', 'ο':
		return append(dst, 'o')
	case 'р', 'ρ':
		return append(dst, 'p')
	case 'ς':
		return utf8.AppendRune(dst, 'σ')
	case 'с':
		return append(dst, 'c')
	case 'у', 'υ':
		return append(dst, 'y')
	case 'х', 'χ':
		return append(dst, 'x')
	case 'ѕ':
		return append(dst, 's')
	case 'ј':
		return append(dst, 'j')
	case 'к', 'κ':
		return append(dst, 'k')
	case 'м':
		return append(dst, 'm')
	case 'т', 'τ':
		return append(dst, 't')
	case 'в', 'β':
		return append(dst, 'b')
	case 'н':
		return append(dst, 'h')
	}
	return utf8.AppendRune(dst, r)
}

// invisible characters may stand inside a word without anybody seeing them.
func invisible(r rune) bool {
	switch r {
	case 0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF:
		return true
	}
	return false
}

// unspaced reports letters of scripts that put no space between words, so that a name may begin and end at any.
func unspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
