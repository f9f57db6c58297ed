// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
)

// A mark is a head, the anchor "xq7", and 18 letters of base32:
//
//	SECRET_password_xq7 abcdefghijkl mnop qr      (without the spaces)
//	head                anchor  id   tag  check
//
// The id (60 bits) is an HMAC of the entity's family and canonical form (canonical.go): the same entity has the same id
// whatever the head says about where it was found, and a person's name is the same as their handle in an address and
// in a path. The tag (20 bits) is an HMAC of head and id, by which the holder of the key knows its own marks. The check
// (10 bits) is a CRC that anyone can verify: [Count] counts marks without a key. What has the form of a mark but not
// the tag is not ours: it is replaced like any other finding, so nobody can smuggle text past the filter by dressing
// it as a mark.
//
// The heads are in kinds.go: SECRET_<kind>_ for secrets, PRIVATE_<kind>_ for numbers and names of people's own, user_
// for people, host- for one label of a host name, and project_, customer_, ticket_. An address stays one:
// user_…@host-….host-….example, each host label keyed together with the labels after it, so that two hosts of one
// domain share its marks. A mark is letters, digits and _ from its first byte (a host label has a dash): where an
// identifier may stand, it parses. A UUID and an IP address become another that carries the same parts (number.go).
const (
	anchor  = "xq7"
	idLen   = 12
	tagLen  = 4
	bodyLen = idLen + tagLen + 2
	letters = "abcdefghijklmnopqrstuvwxyz234567"
	secret  = "SECRET_"
	private = "PRIVATE_"
	maxKind = 32 // letters of a kind in a head
	maxHead = len(private) + maxKind + 1
)

// plainHeads are the heads without a kind.
func plainHeads() [5]string { return [...]string{"user_", "host-", "project_", "customer_", "ticket_"} }

// id is the HMAC of an entity: of its family and canonical form. It is in m.sum.
func (m *marking) id(family string, canonical []byte) []byte {
	m.mac.Reset()
	m.tmp = append(append(append(m.tmp[:0], "id\x00"...), family...), 0)
	m.mac.Write(append(m.tmp, canonical...))
	return m.mac.Sum(m.sum[:0])
}

// tag is the HMAC of what a mark says, by which we know our own.
func (m *marking) tag(head string, id []byte) uint64 {
	m.mac.Reset()
	m.tmp = append(append(append(m.tmp[:0], "tag\x00"...), head...), 0)
	m.mac.Write(append(m.tmp, id...))
	return binary.BigEndian.Uint64(m.mac.Sum(m.sum[:0]))
}

// check is the CRC of what a mark says, in the highest of 64 bits.
func check(head string, body []byte) uint64 {
	c := crc32.Update(crc32.ChecksumIEEE([]byte(head)), crc32.IEEETable, body)
	return uint64(c) << 32
}

// appendMark appends the mark of an entity.
func (m *marking) appendMark(dst []byte, head, family string, canonical []byte) []byte {
	dst = append(dst, head...)
	dst = append(dst, anchor...)
	m.tmp = append(append(append(append(append(m.tmp[:0], head...), 0), family...), 0), canonical...)
	if body, ok := m.made[string(m.tmp)]; ok {
		return append(dst, body[:]...)
	}
	of, at := string(m.tmp), len(dst)
	dst = appendLetters(dst, binary.BigEndian.Uint64(m.id(family, canonical)), idLen)
	dst = appendLetters(dst, m.tag(head, dst[at:]), tagLen)
	dst = appendLetters(dst, check(head, dst[at:]), bodyLen-idLen-tagLen)
	m.keep(of, head, markBody(dst[at:]))
	return dst
}

// marking makes marks under one key, and knows them again. It remembers those that it made or proved to be its own: a
// value comes many times, and each mark is looked at again in the output. One goroutine uses it at a time.
type marking struct {
	mac  hash.Hash
	sum  [32]byte // scratch space
	tmp  []byte
	word []byte

	made   map[string]markBody // by head, family and canonical form
	proven map[markBody]string // the heads
	worded map[string]wordBody // those of words, by the word in small letters
}

func newMarking(key []byte) marking { return marking{mac: hmac.New(sha256.New, key)} }

type markBody [bodyLen]byte

// maxMarks is how many are remembered: it bounds the memory.
const maxMarks = 1 << 12

func (m *marking) keep(of, head string, body markBody) {
	if len(m.proven) >= maxMarks {
		m.forgetMarks()
	}
	if m.proven == nil {
		m.made, m.proven = map[string]markBody{}, map[markBody]string{}
	}
	if of != "" {
		m.made[of] = body
	}
	m.proven[body] = head
}

// forgetMarks drops what was remembered: it holds secrets.
func (m *marking) forgetMarks() {
	switch n := len(m.proven); {
	case n > 64:
		m.made, m.proven = nil, nil
	case n > 0:
		clear(m.made)
		clear(m.proven)
	}
}

// appendLetters appends the n highest groups of five bits.
func appendLetters(dst []byte, v uint64, n int) []byte {
	for range n {
		dst = append(dst, letters[v>>59])
		v <<= 5
	}
	return dst
}

// markAt reads the mark whose anchor starts at b[at] and returns where it starts and ends; ok says that it has the
// form of one, whoever made it.
func markAt(b []byte, at int) (start, end int, head string, ok bool) {
	end = at + len(anchor) + bodyLen
	if end > len(b) || string(b[at:at+len(anchor)]) != anchor {
		return 0, 0, "", false
	}
	for _, c := range b[at+len(anchor) : end] {
		if class[c]&isBase32 == 0 {
			return 0, 0, "", false
		}
	}
	before := b[max(0, at-maxHead):at]
	for _, h := range plainHeads() {
		if bytes.HasSuffix(before, []byte(h)) {
			return at - len(h), end, h, true
		}
	}
	i := len(before)
	for i > 0 && (before[i-1] >= 'a' && before[i-1] <= 'z' || before[i-1] == '_') {
		i--
	}
	for _, h := range [...]string{secret, private} {
		// The run of small letters and _ holds the _ that ends the first word.
		first := h[:len(h)-1]
		if bytes.HasSuffix(before[:i], []byte(first)) && len(before)-i > 2 && before[i] == '_' && before[len(before)-1] == '_' {
			return at - (len(before) - i) - len(first), end, string(before[i-len(first):]), true
		}
	}
	return 0, 0, "", false
}

// isOwn reports whether the mark with this head, whose body ends at end, was made with our key.
func (m *marking) isOwn(b []byte, end int, head string) bool {
	body := b[end-bodyLen : end]
	if known, ok := m.proven[markBody(body)]; ok && known == head {
		return true
	}
	var want [tagLen]byte
	appendLetters(want[:0], m.tag(head, body[:idLen]), tagLen)
	if !bytes.Equal(want[:], body[idLen:idLen+tagLen]) || !checked(body, head) {
		return false
	}
	m.keep("", head, markBody(body))
	return true
}

// checked reports whether the check of a body is right.
func checked(body []byte, head string) bool {
	var want [bodyLen - idLen - tagLen]byte
	return bytes.Equal(appendLetters(want[:0], check(head, body[:idLen+tagLen]), len(want)), body[idLen+tagLen:])
}

// ownAt reports whether b[start:end] is exactly one mark made with our key.
func (m *marking) ownAt(b []byte, start, end int) bool {
	at := end - bodyLen - len(anchor)
	if at <= start {
		return false
	}
	s, e, head, ok := markAt(b, at)
	return ok && s == start && e == end && m.isOwn(b, end, head)
}
