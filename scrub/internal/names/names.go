// SPDX-License-Identifier: Apache-2.0

// Package names knows the given and family names of some seventy locales, cities, countries, nationalities, and the
// ordinary words of English: what a capitalised word in prose may be.
//
// Start with [Load] and [Set.Of]. A word is looked up in any case and with or without its accents; phrases ("sri
// lanka") are entries, too. The list is a packed file (NOTICE says from what; gen.mjs writes it), held in memory as a
// table of hashes: one megabyte, one probe a look-up, and one false answer in some ten million.
package names

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// Class says what a word may be: a set of bits.
type Class uint8

// The classes.
const (
	Given   Class = 1 << iota // a given name
	Family                    // a family name
	Place                     // a city or region
	Country                   // a country, in some language
	Nation                    // a nationality, a faith
	Word                      // an ordinary word of English or of the trade
)

//go:embed names.bin
var packed []byte

const slots = 1 << 18 // about half are taken

// Set is the list, read. It is safe for concurrent use.
type Set struct {
	table []uint32 // 24 bits of a hash, 8 of class; 0 is free
}

// Load returns the one Set.
var Load = sync.OnceValue(func() *Set {
	s := &Set{table: make([]uint32, slots)}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(fmt.Sprintf("names.bin: %v", err)) // a broken build
	}
	var word []byte
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte{'\n'})
		var class Class
		var n int
		if _, err := fmt.Sscanf(string(line), "%d %d", &class, &n); err != nil {
			panic(fmt.Sprintf("names.bin: %v", err))
		}
		for range n {
			line, rest, _ = bytes.Cut(rest, []byte{'\n'})
			word = append(word[:line[0]-' '], line[1:]...)
			s.add(hash(word), class)
		}
		raw = rest
	}
	return s
})

func (s *Set) add(h uint64, c Class) {
	i := h & (slots - 1)
	for s.table[i] != 0 {
		i = (i + 1) & (slots - 1)
	}
	s.table[i] = uint32(h>>40)<<8 | uint32(c)
}

// Of returns the classes of a word or a phrase, in any case.
func (s *Set) Of(word []byte) Class {
	h := hash(word)
	for i := h & (slots - 1); ; i = (i + 1) & (slots - 1) {
		e := s.table[i]
		if e == 0 {
			return 0
		}
		if e>>8 == uint32(h>>40) {
			return Class(e)
		}
	}
}

// hash is FNV-1a over the folded word: lower case, no accents.
func hash(word []byte) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := 0; i < len(word); {
		c := word[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			h = (h ^ uint64(c)) * prime
			i++
			continue
		}
		r, n := utf8.DecodeRune(word[i:])
		i += n
		if r >= 0x300 && r < 0x370 { // a combining accent
			continue
		}
		for _, b := range utf8.AppendRune(make([]byte, 0, utf8.UTFMax), Fold(r)) {
			h = (h ^ uint64(b)) * prime
		}
	}
	return h ^ h>>29
}
