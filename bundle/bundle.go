// SPDX-License-Identifier: Apache-2.0

// Package bundle packs episodes into a signed, content-addressed package and verifies one.
//
// A bundle is an OCI image layout of three blobs: the payload (the records' canonical JSON, RFC 8785, one a line, sorted
// by digest, zstd), the envelope (DSSE, ed25519, around an in-toto statement whose predicate is the [Manifest]) and the
// OCI manifest that names both. The digest of the OCI manifest is the bundle's digest. There is no clock and no chance in
// it: the same records, key and checkpoint give the same bytes.
//
// [Pack] writes a bundle, [Verify] reads one from a folder and [VerifyFrom] from wherever its blobs are. Verifying means
// building every byte again that no signature covers and comparing, so that nothing can hide between the signed parts.
// [SealDocument] and [OpenDocument] do the same for everything else that is signed: receipts, releases, gate reports,
// statements, withdrawals.
//
// Nothing here decides what may leave, talks to a network or reads a clock.
package bundle

import (
	"iter"

	"github.com/headrace/headrace/episode"
)

// Kind is what a bundle's records are; a bundle never mixes them.
type Kind string

// The kinds of bundle.
const (
	KindEpisodes   Kind = "episodes"
	KindAmendments Kind = "amendments"
)

// Manifest says what a bundle holds. It is the signed predicate; all but the names and the checkpoint is counted from the
// records, by Pack and again by Verify.
type Manifest struct {
	Version     string `json:"version"`
	Kind        Kind   `json:"kind"`
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	Records     int    `json:"records"`
	// PayloadBytes is the size of the lines before compression.
	PayloadBytes int64                 `json:"payload_bytes"`
	MerkleRoot   string                `json:"merkle_root"`
	Levels       map[episode.Level]int `json:"levels"`
	// Terms lists each set of terms once with the number of records under it.
	Terms []TermsCount `json:"terms"`
	// Policies and Scrubbers are the digests of the policies and the versions of the scrubber that made the records.
	Policies  []string `json:"policies"`
	Scrubbers []string `json:"scrubbers"`
	// Findings counts what scrub replaced in these records, by kind.
	Findings map[string]int `json:"findings"`
	// Checkpoint is the last one of the recipient's log that the contributor had checked when the bundle was packed, signed by
	// that log; empty where it had seen none. The receipt must prove that the log goes on from it.
	Checkpoint string `json:"checkpoint"`
}

// TermsCount is one set of terms and how many records are under it.
type TermsCount struct {
	Terms   *episode.Terms `json:"terms"`
	Records int            `json:"records"`
}

// Bundle is a verified bundle.
type Bundle struct {
	// Digest of the OCI manifest: the bundle's name everywhere.
	Digest   string
	Manifest Manifest
	// Signer is the key that signed it and SignerName the name under which it is trusted.
	Signer     KeyID
	SignerName string

	lines [][]byte
}

// Len is the number of records.
func (b *Bundle) Len() int { return len(b.lines) }

// Record returns the canonical JSON of record i, in the bundle's order. It must not be changed.
func (b *Bundle) Record(i int) []byte { return b.lines[i] }

// Records iterates over the records' canonical JSON, in the bundle's order.
func (b *Bundle) Records() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i, l := range b.lines {
			if !yield(i, l) {
				return
			}
		}
	}
}
