// SPDX-License-Identifier: Apache-2.0

package public

import (
	"unicode"
	"unicode/utf8"
)

// Starts reports whether a sub-word starts at b[i], where none goes on.
func Starts(b []byte, i int) bool {
	return isLower(b[i]) || isUpper(b[i]) || b[i] >= utf8.RuneSelf && wide(b, i, true) > 0
}

// Word returns the end of the sub-word that starts at b[i]: a run of letters of one case, with a capital before small
// ones, and the plural of a run of capitals: HTTP Server, IDs, Fjord Bank. Letters of other alphabets than ASCII have no
// case here, and bytes that are no UTF-8 are letters.
func Word(b []byte, i int) int {
	start := i
	for i < len(b) && isUpper(b[i]) {
		i++
	}
	if i-start > 1 {
		switch {
		case i == len(b) || b[i] < utf8.RuneSelf && !isLower(b[i]):
			return i
		case b[i] == 's' && (i+1 == len(b) || !isLower(b[i+1]) && b[i+1] < utf8.RuneSelf):
			return i + 1
		case isLower(b[i]):
			return i - 1
		}
	}
	for i < len(b) {
		if isLower(b[i]) {
			i++
			continue
		}
		if b[i] < utf8.RuneSelf {
			break
		}
		n := wide(b, i, i == start)
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// wide returns the length of the letter at b[i] outside ASCII, 0 where it is none. What does not print goes on with a
// word: a word cannot be cut in two by what nobody sees.
func wide(b []byte, i int, first bool) int {
	r, n := utf8.DecodeRune(b[i:])
	switch {
	case r == utf8.RuneError && n == 1, unicode.IsLetter(r):
		return n
	case !first && unicode.In(r, unicode.M, unicode.Cf):
		return n
	}
	return 0
}

func isLower(c byte) bool { return c-'a' < 26 }
func isUpper(c byte) bool { return c-'A' < 26 }
