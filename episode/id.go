// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"crypto/sha256"
	"encoding/hex"
)

// NewID derives an episode's stable local id from the tool's name and the native id of the person's prompt; where the
// tool has none, native is the session's id and the prompt's ordinal, joined by "#".
func NewID(tool, native string) string {
	h := sha256.New()
	h.Write([]byte(tool))
	h.Write([]byte{0})
	h.Write([]byte(native))
	return "ep_" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Digest names bytes by their content: "sha256:" and 64 hex digits.
func Digest(b []byte) string {
	s := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(s[:])
}

const (
	maxText  = 1 << 20   // a longer string is cut
	keepText = 256 << 10 // bytes kept at either end
)

// Truncate cuts a string above 1 MiB to its first and last 256 KiB, on character borders, and reports whether it did.
// The caller marks the part that held it as truncated.
func Truncate(s string) (string, bool) {
	if len(s) <= maxText {
		return s, false
	}
	head, tail := keepText, len(s)-keepText
	for head > 0 && s[head]&0xC0 == 0x80 {
		head--
	}
	for tail < len(s) && s[tail]&0xC0 == 0x80 {
		tail++
	}
	return s[:head] + "\n…\n" + s[tail:], true
}
