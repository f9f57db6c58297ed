// SPDX-License-Identifier: Apache-2.0

// Package proof verifies what a hub's log says, without trusting the hub: for edges, auditors and witnesses.
//
// A hub enters each bundle, snapshot, release, statement, withdrawal and certificate into an append-only Merkle log (RFC
// 6962 hashes) and signs the log's size and root as a checkpoint (C2SP tlog-checkpoint, a signed note). A [Log] is how to
// know one: [Log.Open] checks a checkpoint's signature and says which witnesses cosigned it; [Inclusion.Verify] proves that
// an entry is in the log; [Consistency.Verify] proves that a later checkpoint still holds everything that an earlier one
// held. Whoever keeps the last checkpoint they saw and asks for consistency finds out when a hub rewrites its past or shows
// different people different logs.
//
// It reads bytes from outside, never panics on them, and imports nothing that can write a log.
package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/headrace/headrace/episode"
)

// Sentinels of what a log can get wrong. Each carries a hint for the person.
var (
	ErrCheckpoint = &episode.Problem{Code: "log/checkpoint", Message: "the log's checkpoint is not one that its key signed",
		Hint: "compare the log's key with the one in the invite; if they agree, keep both files and tell the hub's operator"}
	ErrProof = &episode.Problem{Code: "log/proof", Message: "the log's proof does not hold",
		Hint: "keep the checkpoint and the proof: they show that the hub's log does not contain what it promised"}
	ErrFork = &episode.Problem{Code: "log/fork", Message: "the log's key signed two checkpoints that are not of one log",
		Hint: "both are kept: together they prove it to anybody. Send nothing more there until the hub's operator has explained it"}
	ErrRollback = &episode.Problem{Code: "log/rollback", Message: "the log shows fewer entries than it had",
		Hint: "both checkpoints are kept. It may be an old copy: ask the hub's operator, and send nothing more there until it is explained"}
)

// What a log has entries of.
const (
	KindBundle       = "bundle"
	KindSnapshot     = "snapshot"
	KindRelease      = "release"
	KindRollout      = "rollout"
	KindStatement    = "statement"
	KindWithdrawal   = "withdrawal"
	KindCertificate  = "certificate"
	KindPassage      = "passage"
	KindInstructions = "instructions"
)

// SaltSize is the length of a salt.
const SaltSize = 32

// Commit hides a digest behind a salt: who has both can check an entry, who reads the log alone learns nothing of it, not
// even by guessing what was sent.
func Commit(salt []byte, digest string) []byte {
	h := sha256.New()
	h.Write(salt) // always SaltSize bytes, so that salt and digest cannot change places
	h.Write([]byte(digest))
	return h.Sum(nil)
}

// Entry returns the bytes of a log entry: the kind, length-prefixed, then the commitment, so that an entry of one kind
// can never be read as another.
func Entry(kind string, commitment []byte) []byte {
	b := append([]byte("headrace/2\n"), binary.AppendUvarint(nil, uint64(len(kind)))...)
	b = append(b, kind...)
	return append(b, commitment...)
}

// Inclusion proves that an entry is in a log. It goes to whom the entry concerns, and to nobody else.
type Inclusion struct {
	Index uint64 `json:"index"`
	// Salt opens the entry's commitment.
	Salt []byte `json:"salt"`
	// Checkpoint is the signed note that the proof leads to.
	Checkpoint []byte   `json:"checkpoint"`
	Hashes     [][]byte `json:"hashes"`
}

// Verify checks that the entry of this kind and digest is in the log, and returns the checkpoint that says so: keep it,
// and ask the next one for consistency.
func (p Inclusion) Verify(l *Log, kind, digest string) (Checkpoint, error) {
	cp, err := l.Open(p.Checkpoint)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(p.Salt) != SaltSize {
		return Checkpoint{}, because(ErrProof, fmt.Errorf("a salt of %d bytes", len(p.Salt)))
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(Entry(kind, Commit(p.Salt, digest)))
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

// Verify checks that the newer checkpoint is the log's and holds everything that old, seen earlier, held.
func (p Consistency) Verify(l *Log, old Checkpoint) (Checkpoint, error) {
	cp, err := l.Open(p.Checkpoint)
	if err != nil {
		return Checkpoint{}, err
	}
	return cp, Grown(old, cp, p.Hashes)
}

// Grown checks that the tree of now holds everything that the tree of old held. Two trees of one size that differ are a
// fork; hashes that lead nowhere only fail to prove anything.
func Grown(old, now Checkpoint, hashes [][]byte) error {
	switch {
	case old.Size > now.Size:
		return because(ErrProof, fmt.Errorf("the newer checkpoint has %d entries, the older %d: the log lost some", now.Size, old.Size))
	case old.Size == 0 && len(hashes) > 0:
		return because(ErrProof, errors.New("a proof from nothing is empty"))
	case old.Size == 0:
		return nil // every log continues the empty one
	case old.Size == now.Size && !bytes.Equal(old.Root, now.Root):
		return Forked(old, now)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, now.Size, hashes, old.Root, now.Root); err != nil {
		return because(ErrProof, fmt.Errorf("from size %d to %d: %w", old.Size, now.Size, err))
	}
	return nil
}

// Forked is [ErrFork] with the sizes of the two checkpoints.
func Forked(a, b Checkpoint) error {
	return because(ErrFork, fmt.Errorf("one is of %d entries, the other of %d", a.Size, b.Size))
}

// RolledBack is [ErrRollback] with the sizes of the two checkpoints.
func RolledBack(old, now Checkpoint) error {
	return because(ErrRollback, fmt.Errorf("%d, and there were %d", now.Size, old.Size))
}

// NotProven is [ErrProof] with what was wrong.
func NotProven(format string, a ...any) error { return because(ErrProof, fmt.Errorf(format, a...)) }

// Broken reports whether an error says that a log breaks its promise, and not that it could not be read.
func Broken(err error) bool {
	for _, p := range []error{ErrCheckpoint, ErrProof, ErrFork, ErrRollback} {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

func because(p *episode.Problem, err error) error {
	q := *p
	q.Err = err
	return &q
}
