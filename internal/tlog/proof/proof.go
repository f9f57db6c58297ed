// SPDX-License-Identifier: Apache-2.0

// Package proof verifies what a hub's log says, without trusting the hub: for edges and auditors.
//
// A hub writes each receipt, release and withdrawal as an entry into an append-only Merkle log (RFC 6962 hashes) and
// signs the log's size and root as a checkpoint (C2SP tlog-checkpoint, a signed note). [Open] checks a checkpoint's
// signature; [Inclusion.Verify] proves that an entry is in the log; [Consistency.Verify] proves that a later checkpoint
// still holds everything that an earlier one held. Whoever keeps the last checkpoint they saw and asks for consistency
// finds out when a hub rewrites its past or shows different people different logs.
//
// It reads bytes from outside, never panics on them, and imports nothing that can write a log.
package proof

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/headrace/headrace/episode"
)

// Sentinels of what a log can get wrong. Both carry a hint for the person.
var (
	ErrCheckpoint = &episode.Problem{Code: "log/checkpoint", Message: "the log's checkpoint is not one that its key signed",
		Hint: "compare the log's key with the one in the invite; if they agree, keep both files and tell the hub's operator"}
	ErrProof = &episode.Problem{Code: "log/proof", Message: "the log's proof does not hold",
		Hint: "keep the checkpoint and the proof: they show that the hub's log does not contain what it promised"}
)

// Checkpoint is the state of a log that its key signed.
type Checkpoint struct {
	Size uint64
	Root []byte
}

// VerifierKey returns the public name of a log's key ("origin+hash+base64"), by which anyone verifies its checkpoints.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	vkey, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return "", fmt.Errorf("log key: %w", err)
	}
	if _, err := note.NewVerifier(vkey); err != nil {
		return "", fmt.Errorf("log key of %q: %w", origin, err)
	}
	return vkey, nil
}

// Open checks a checkpoint's signature and origin against a verifier key and returns what it says.
func Open(checkpoint []byte, vkey string) (Checkpoint, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("log key %.100q: %w", vkey, err)
	}
	cp, _, _, err := log.ParseCheckpoint(checkpoint, v.Name(), v)
	if err != nil {
		return Checkpoint{}, because(ErrCheckpoint, err)
	}
	if len(cp.Hash) != rfc6962.DefaultHasher.Size() {
		return Checkpoint{}, because(ErrCheckpoint, fmt.Errorf("root of %d bytes", len(cp.Hash)))
	}
	return Checkpoint{Size: cp.Size, Root: cp.Hash}, nil
}

// Entry returns the bytes of a log entry: the kind, length-prefixed, then what was committed to, so that an entry of
// one kind can never be read as another.
func Entry(kind string, commitment []byte) []byte {
	b := append([]byte("headrace/1\n"), binary.AppendUvarint(nil, uint64(len(kind)))...)
	b = append(b, kind...)
	return append(b, commitment...)
}

// Inclusion proves that an entry is in a log.
type Inclusion struct {
	Index uint64 `json:"index"`
	// Checkpoint is the signed note that the proof leads to.
	Checkpoint []byte   `json:"checkpoint"`
	Hashes     [][]byte `json:"hashes"`
}

// Verify checks that the entry of this kind and commitment is in the log whose key is vkey, and returns the
// checkpoint that says so: keep it, and ask the next one for consistency.
func (p Inclusion) Verify(vkey, kind string, commitment []byte) (Checkpoint, error) {
	cp, err := Open(p.Checkpoint, vkey)
	if err != nil {
		return Checkpoint{}, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(Entry(kind, commitment))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, leaf, p.Hashes, cp.Root); err != nil {
		return Checkpoint{}, because(ErrProof, fmt.Errorf("entry %d of %d: %w", p.Index, cp.Size, err))
	}
	return cp, nil
}

// Consistency proves that a log only grew.
type Consistency struct {
	// Checkpoint is the newer signed note.
	Checkpoint []byte   `json:"checkpoint"`
	Hashes     [][]byte `json:"hashes"`
}

// Verify checks that the newer checkpoint is signed by vkey and holds everything that old, seen earlier, held.
func (p Consistency) Verify(vkey string, old Checkpoint) (Checkpoint, error) {
	cp, err := Open(p.Checkpoint, vkey)
	if err != nil {
		return Checkpoint{}, err
	}
	if old.Size == 0 {
		return cp, nil // every log continues the empty one
	}
	if old.Size > cp.Size {
		return Checkpoint{}, because(ErrProof, errors.New("the newer checkpoint is smaller: the log lost entries"))
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, cp.Size, p.Hashes, old.Root, cp.Root); err != nil {
		return Checkpoint{}, because(ErrProof, fmt.Errorf("from size %d to %d: %w", old.Size, cp.Size, err))
	}
	return cp, nil
}

func because(p *episode.Problem, err error) error {
	q := *p
	q.Err = err
	return &q
}
