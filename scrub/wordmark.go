// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/binary"
	"hash/crc32"
	"unicode"
	"unicode/utf8"
)

// A private sub-word of code becomes a mark that is itself a word: the anchor "xq5" and 12 letters of base32.
//
//	xq5 abcdefgh ijk l      (without the spaces)
//	anchor  id   tag check
//
// It has no head, so that it fits into any name, and takes the case of the word that it stands for: xq5…, Xq5… or XQ5….
// The id (40 bits) is an HMAC of the word in small letters: FjordbankClient, FJORDBANK_URL and fjordbank.go share it. Tag
// (15 bits) and check (5 bits) are as in other marks, for the holder of the key and for anyone.
const (
	wordAnchor = "xq5"
	wordIDLen  = 8
	wordTagLen = 3
	wordLen    = len(wordAnchor) + wordIDLen + wordTagLen + 1
	maxWords   = 1 << 13 // marks that are remembered
)

type wordBody [wordLen - len(wordAnchor)]byte

// appendWord appends the mark of a private word.
func (m *marking) appendWord(dst, word []byte) []byte {
	first, n := utf8.DecodeRune(word)
	second, _ := utf8.DecodeRune(word[n:])
	m.word = append(m.word[:0], lower(word)...)
	body, ok := m.worded[string(m.word)]
	if !ok {
		body = m.wordBody(m.word)
		if len(m.worded) >= maxWords {
			clear(m.worded)
		}
		if m.worded == nil {
			m.worded = map[string]wordBody{}
		}
		m.worded[string(m.word)] = body
	}
	at := len(dst)
	dst = append(append(dst, wordAnchor...), body[:]...)
	switch mark := dst[at:]; {
	case !unicode.IsUpper(first):
	case unicode.IsUpper(second):
		for i, c := range mark {
			if class[c]&isLower != 0 {
				mark[i] = c - 'a' + 'A'
			}
		}
	default:
		mark[0] -= 'a' - 'A'
	}
	return dst
}

func (m *marking) wordBody(canonical []byte) (body wordBody) {
	out := appendLetters(body[:0], binary.BigEndian.Uint64(m.id(kindWord, canonical)), wordIDLen)
	out = m.appendWordTag(out, out)
	appendLetters(out, wordCheck(out), 1)
	return body
}

func (m *marking) appendWordTag(dst, id []byte) []byte {
	return appendLetters(dst, m.tag(kindWord, id), wordTagLen)
}

func wordCheck(body []byte) uint64 {
	c := crc32.Update(crc32.ChecksumIEEE([]byte("word")), crc32.IEEETable, body)
	return uint64(c) << 32
}

// wordAt reads the mark of a word that starts at b[at]; ok says that it has the form of one, check included, whoever
// made it.
func wordAt(b []byte, at int) (body wordBody, ok bool) {
	if at < 0 || at+wordLen > len(b) || b[at]|0x20 != wordAnchor[0] || b[at+1]|0x20 != wordAnchor[1] || b[at+2] != wordAnchor[2] {
		return body, false
	}
	upper := class[b[at+1]]&isUpper != 0
	if upper && class[b[at]]&isUpper == 0 {
		return body, false
	}
	for i := range body {
		c := b[at+len(wordAnchor)+i]
		if class[c]&isUpper != 0 != upper && class[c]&isAlpha != 0 {
			return body, false
		}
		if body[i] = c | 0x20; class[body[i]]&isBase32 == 0 {
			return body, false
		}
	}
	last := len(body) - 1
	return body, letters[wordCheck(body[:last])>>59] == body[last]
}

// isOwnWord reports whether a mark of this body was made with our key.
func (m *marking) isOwnWord(body wordBody) bool {
	m.word = m.appendWordTag(m.word[:0], body[:wordIDLen])
	return string(m.word) == string(body[wordIDLen:wordIDLen+wordTagLen])
}

// wordMark looks at what may be the mark of a word: ours is noted, and what only looks like one recorded.
func (w *worker) wordMark(start int) {
	body, ok := wordAt(w.buf, start)
	switch {
	case !ok:
	case w.isOwnWord(body):
		if n := len(w.own); n == 0 || w.own[n-1].end <= start {
			w.own = append(w.own, span{start: start, end: start + wordLen, kind: kindWord})
		}
	default:
		w.add(start, start+wordLen, "mark")
	}
}
