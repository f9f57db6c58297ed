// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/binary"
	"slices"
)

// recallMax is how much of a value is compared: it bounds the work for each position.
const recallMax = 128

// recall remembers the secrets found in a record, to find them again where they stand bare: in another field, in a
// log, without the word that gave them away. It looks at four bytes a position in a small bit set first, so one pass
// serves any number of secrets.
type recall struct {
	seen    [1 << 10]uint64  // a bit for each hash of four bytes
	lengths map[uint32][]int // by the first four bytes, longest first
	values  map[string]known
}

// known is a remembered finding.
type known struct {
	kind string
	word bool // only between other than letters and digits
}

// forget makes r as good as new. Where nothing was remembered, which is most often, it costs nothing.
func (r *recall) forget() {
	if len(r.values) > 0 {
		*r = recall{}
	}
}

// add remembers a value where finding it elsewhere means something: not the shortest ones, not plain short words.
func (r *recall) add(kind string, value []byte) {
	least := 6
	if lettersOnly(value) {
		least = 8
	}
	word := false
	switch kind {
	case "user":
		least, word = 5, true
	case "email", "person", "host", "project", "customer", "ticket", "mark", "private_key", "uuid", "hash", "opaque":
		return // found by their own form anywhere
	}
	if len(value) < least || stopword(value) || common(value) {
		return
	}
	value = value[:min(len(value), recallMax)]
	if _, ok := r.values[string(value)]; ok {
		return
	}
	if r.values == nil {
		r.lengths, r.values = map[uint32][]int{}, map[string]known{}
	}
	r.values[string(value)] = known{kind, word}
	h := binary.LittleEndian.Uint32(value)
	r.seen[slot(h)>>6] |= 1 << (slot(h) & 63)
	if !slices.Contains(r.lengths[h], len(value)) {
		r.lengths[h] = append(r.lengths[h], len(value))
		slices.SortFunc(r.lengths[h], func(a, b int) int { return b - a })
	}
}

func slot(h uint32) uint32 { return h * 0x9E3779B1 >> 16 }

// find records a hit for each known value in b. A nil recall knows nothing.
func (r *recall) find(w *worker, b []byte) {
	if r == nil || len(r.values) == 0 {
		return
	}
	for i := 0; i+4 <= len(b); i++ {
		h := binary.LittleEndian.Uint32(b[i:])
		if s := slot(h); r.seen[s>>6]&(1<<(s&63)) == 0 {
			continue
		}
		for _, n := range r.lengths[h] {
			if i+n > len(b) {
				continue
			}
			k, ok := r.values[string(b[i:i+n])]
			if !ok || k.word && (at(b, i-1)&isAlnum != 0 || at(b, i+n)&isAlnum != 0) {
				continue
			}
			end := i + n
			if n == recallMax {
				end = run(b, end, len(b), isBase64)
			}
			w.add(i, end, k.kind)
			if n == recallMax {
				i = end - 1 // so that no byte of a long run is looked at twice
			}
			break
		}
	}
}

func lettersOnly(b []byte) bool {
	for _, c := range b {
		if class[c]&isAlpha == 0 && c < 0x80 {
			return false
		}
	}
	return true
}

// common reports whether a value is itself a word that often stands beside secrets.
func common(b []byte) bool {
	switch string(lower(b)) {
	case "password", "username", "postgres", "localhost", "passphrase", "credential", "credentials", "administrator",
		"authorization", "function", "undefined", "required", "optional", "changeme", "anonymous", "production", "development":
		return true
	}
	return false
}
