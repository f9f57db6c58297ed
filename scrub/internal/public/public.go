// SPDX-License-Identifier: Apache-2.0

// Package public knows the words that everybody's code is made of.
//
// [Word] cuts names into sub-words: FjordbankLedgerClient is Fjordbank, Ledger, Client. [Has] says whether a sub-word is
// public: whether it stands in the standard library of a common language, or in packages of at least five independent
// publishers. A word that names a company, a product or a person of one enterprise is in neither, so what [Has] does not
// know is private.
//
// The list is words.txt, made by the program in gather from packages as they lie on a developer's machine; NOTICE says
// which, and under what licences. A line taken out of it makes a word private at the next "go generate". What is linked
// into the program is not the list but a filter made from it (filter.go), a third of its size, which takes one private
// word in 65,536 for a public one.
package public

//go:generate go run ./gather -filter words.txt

import "unicode/utf8"

// longest is the length of the longest word listed.
const longest = 24

// Has reports whether a sub-word is public, in any case. One or two letters are: they name nothing.
func Has(word []byte) bool {
	if len(word) <= 2 && isASCII(word) {
		return true
	}
	if len(word) > longest {
		return false
	}
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range word {
		if c >= utf8.RuneSelf {
			return utf8.RuneCount(word) == 1
		}
		h = (h ^ uint64(c|0x20)) * 1099511628211
	}
	return contains(filter, h)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
