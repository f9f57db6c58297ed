// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// A mark is a head, the anchor "xq7", and 18 letters of base32:
//
//	SECRET_password_xq7 abcdefghijkl mnop qr      (without the spaces)
//	head                anchor  id   tag  check
//
// The id (60 bits) is an HMAC of the entity's family and canonical form: the same entity has the same id whatever the
// head says about where it was found, and a person's handle is the same in an address and in a path. The tag (20 bits)
// is an HMAC of head and id, by which the holder of the key knows its own marks. The check (10 bits) is a CRC that
// anyone can verify: [Count] counts marks without a key. What has the form of a mark but not the tag is not ours: it
// is replaced like any other finding, so nobody can smuggle text past the filter by dressing it as a mark.
//
// Heads: SECRET_<kind>_ for secrets and cards, user_ for people, host- for one label of a host name, and project_,
// customer_, ticket_ from the dictionary. An address stays one: user_…@host-….host-….example, each host label keyed
// together with the labels after it, so that two hosts of one domain share its marks.
const (
	anchor  = "xq7"
	idLen   = 12
	tagLen  = 4
	bodyLen = idLen + tagLen + 2
	letters = "abcdefghijklmnopqrstuvwxyz234567"
	secret  = "SECRET_"
	maxHead = 48
)

// plainHeads are the heads of marks that are no secrets, by family.
func plainHeads() [5]string { return [...]string{"user_", "host-", "project_", "customer_", "ticket_"} }

// appendMark appends the mark of an entity; canonical is its form without case, quoting and escapes where those do not
// matter.
func (w *worker) appendMark(dst []byte, head, family string, canonical []byte) []byte {
	dst = append(dst, head...)
	dst = append(dst, anchor...)
	at := len(dst)
	w.mac.Reset()
	w.tmp = append(append(append(w.tmp[:0], "id\x00"...), family...), 0)
	w.mac.Write(append(w.tmp, canonical...))
	dst = appendLetters(dst, binary.BigEndian.Uint64(w.mac.Sum(w.sum[:0])), idLen)
	dst = appendLetters(dst, w.tag(head, dst[at:]), tagLen)
	return appendLetters(dst, check(head, dst[at:]), 2)
}

// appendLetters appends the n highest groups of five bits.
func appendLetters(dst []byte, v uint64, n int) []byte {
	for range n {
		dst = append(dst, letters[v>>59])
		v <<= 5
	}
	return dst
}

func (w *worker) tag(head string, id []byte) uint64 {
	w.mac.Reset()
	w.tmp = append(append(append(w.tmp[:0], "tag\x00"...), head...), 0)
	w.mac.Write(append(w.tmp, id...))
	return binary.BigEndian.Uint64(w.mac.Sum(w.sum[:0]))
}

func check(head string, body []byte) uint64 {
	c := crc32.Update(crc32.ChecksumIEEE([]byte(head)), crc32.IEEETable, body)
	return uint64(c) << 32
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
	i := bytes.LastIndex(before, []byte(secret))
	if i < 0 || !strings.HasSuffix(string(before), "_") || len(before)-i <= len(secret)+1 {
		return 0, 0, "", false
	}
	for _, c := range before[i+len(secret):] {
		if (c < 'a' || c > 'z') && c != '_' {
			return 0, 0, "", false
		}
	}
	return at - (len(before) - i), end, string(before[i:]), true
}

// isOwn reports whether the mark with this head, whose body ends at end, was made with our key.
func (w *worker) isOwn(b []byte, end int, head string) bool {
	body := b[end-bodyLen : end]
	want := appendLetters(w.letters[:0], w.tag(head, body[:idLen]), tagLen)
	if !bytes.Equal(want, body[idLen:idLen+tagLen]) {
		return false
	}
	want = appendLetters(w.letters[:0], check(head, body[:idLen+tagLen]), 2)
	return bytes.Equal(want, body[idLen+tagLen:])
}

// ownAt reports whether b[start:end] is exactly one mark made with our key.
func (w *worker) ownAt(b []byte, start, end int) bool {
	at := end - bodyLen - len(anchor)
	if at <= start {
		return false
	}
	s, e, head, ok := markAt(b, at)
	return ok && s == start && e == end && w.isOwn(b, end, head)
}

// Count counts what has the form of a mark, check included, by head ("SECRET_password", "user", …). It needs no key: a
// recipient compares the sum with the manifest.
func Count(b []byte) map[string]int {
	n := map[string]int{}
	for _, m := range Marks(b) {
		n[m.Kind]++
	}
	return n
}
