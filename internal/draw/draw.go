// SPDX-License-Identifier: Apache-2.0

// Package draw says who falls into which share, by hash: which developers are held out, whom a release reaches, who
// explores, which arm of a trial is whose. The answer is the same on every machine and after every restart, and whoever
// is in a small share is in each larger one.
package draw

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fraction hashes parts under a key to a number in [0, 1), evenly. Parts do not run together. Where the key is secret
// nobody can choose a part that falls on the side they like. It does not allocate where the parts are short.
//
// The hash is HMAC-SHA-256 (RFC 2104), written out: a keyed hash of the library would be made anew for each draw, and thrown away.
func Fraction(key []byte, parts ...string) float64 {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	var room [512]byte
	b := append(room[:0], make([]byte, sha256.BlockSize)...)
	pad(b, key, 0x36)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	inner := sha256.Sum256(b)
	var outer [sha256.BlockSize + sha256.Size]byte
	pad(outer[:sha256.BlockSize], key, 0x5c)
	copy(outer[sha256.BlockSize:], inner[:])
	sum := sha256.Sum256(outer[:])
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// pad fills a block with a key, each byte of it and of the rest changed by x.
func pad(block, key []byte, x byte) {
	for i := range block {
		block[i] = x
	}
	for i, k := range key {
		block[i] = k ^ x
	}
}
