// SPDX-License-Identifier: Apache-2.0

// Package draw says who falls into which share, by hash: which developers are held out, whom a release reaches, who
// explores, which arm of a trial is whose. The answer is the same on every machine and after every restart, and whoever
// is in a small share is in each larger one.
package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Fraction hashes parts under a key to a number in [0, 1), evenly. Parts do not run together. Where the key is secret
// nobody can choose a part that falls on the side they like.
func Fraction(key []byte, parts ...string) float64 {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		mac.Write(n[:])
		mac.Write([]byte(p))
	}
	return float64(binary.BigEndian.Uint64(mac.Sum(nil))>>11) / (1 << 53)
}
