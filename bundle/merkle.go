// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"strings"
)

// The tree is that of RFC 6962, section 2.1, over the records' SHA-256 digests: a leaf is SHA-256(0 ‖ digest), a node
// SHA-256(1 ‖ left ‖ right), and the left half of a tree of n leaves has the largest power of two below n.

type hash = [sha256.Size]byte

func leaf(digest hash) hash {
	var b [1 + sha256.Size]byte
	copy(b[1:], digest[:])
	return sha256.Sum256(b[:])
}

func node(left, right hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// half is the largest power of two below n, for n > 1.
func half(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// root returns the root of one leaf or more.
func root(leaves []hash) hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := half(len(leaves))
	return node(root(leaves[:k]), root(leaves[k:]))
}

// path appends the siblings of leaf i, from the leaf up.
func path(dst []hash, leaves []hash, i int) []hash {
	if len(leaves) == 1 {
		return dst
	}
	if k := half(len(leaves)); i < k {
		return append(path(dst, leaves[:k], i), root(leaves[k:]))
	} else {
		return append(path(dst, leaves[k:], i-k), root(leaves[:k]))
	}
}

// climb returns the root that leaf i of n leads to with these siblings.
func climb(at hash, n, i int, siblings []hash) (hash, bool) {
	if n == 1 {
		return at, len(siblings) == 0
	}
	if len(siblings) == 0 {
		return at, false
	}
	last := len(siblings) - 1
	if k := half(n); i < k {
		left, ok := climb(at, k, i, siblings[:last])
		return node(left, siblings[last]), ok
	} else {
		right, ok := climb(at, n-k, i-k, siblings[:last])
		return node(siblings[last], right), ok
	}
}

// Prove returns the Merkle path of record i, which with the manifest's root proves that the record is in the bundle.
func (b *Bundle) Prove(i int) []string {
	leaves := make([]hash, len(b.lines))
	for j, l := range b.lines {
		leaves[j] = leaf(sha256.Sum256(l))
	}
	var proof []string
	for _, h := range path(nil, leaves, i) {
		proof = append(proof, format(h))
	}
	return proof
}

// CheckInclusion checks that record (canonical JSON) is number index of the size records under root.
func CheckInclusion(root string, size, index int, record []byte, proof []string) error {
	not := problem(CodeInclusion, "check that root, index and proof are of the same bundle", "the proof does not show record %d of %d under %s", index, size, root)
	if size < 1 || index < 0 || index >= size || len(proof) > 64 {
		return not
	}
	siblings := make([]hash, len(proof))
	for i, s := range proof {
		h, ok := parse(s)
		if !ok {
			return not
		}
		siblings[i] = h
	}
	if got, ok := climb(leaf(sha256.Sum256(record)), size, index, siblings); !ok || format(got) != root {
		return not
	}
	return nil
}

func format(h hash) string { return "sha256:" + hex.EncodeToString(h[:]) }

// parse takes "sha256:" and 64 lower-case hex digits, nothing else.
func parse(s string) (h hash, ok bool) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(digits) != 2*len(h) || strings.ToLower(digits) != digits {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(digits))
	return h, err == nil
}
