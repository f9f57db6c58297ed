// SPDX-License-Identifier: Apache-2.0

// Package audit reads a hub's whole log and checks it, without trusting the hub: for edges and auditors.
//
// Start from [Verify]. It fetches the signed checkpoint and every entry (C2SP tlog-tiles), computes the Merkle root anew
// and compares. That one pass proves all there is to prove: that the checkpoint is of these entries, that a checkpoint
// seen earlier is of the first of them, so that nothing was rewritten, and what stands at any index. A hub's log has an
// entry a bundle, release or withdrawal, so there is little to fetch; who must not read it all has package proof.
package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Fetch returns the log's file at a path such as "checkpoint" or "tile/entries/000.p/7".
type Fetch func(ctx context.Context, path string) ([]byte, error)

// Log is a log that was verified.
type Log struct {
	Origin string
	proof.Checkpoint
	// Signed is the checkpoint's bytes: keep them, and give them to the next Verify.
	Signed []byte
}

// bundleWidth is how many entries a file of entries holds when it is full.
const bundleWidth = 256

// Verify checks a log that key signs. earlier is a checkpoint kept from before, or nil; entry, where not nil, is called
// with each entry in turn, which counts only once Verify has returned without an error.
func Verify(ctx context.Context, fetch Fetch, key ed25519.PublicKey, earlier []byte, entry func(index uint64, b []byte)) (*Log, error) {
	signed, err := fetch(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	l := &Log{Signed: signed}
	l.Origin, _, _ = strings.Cut(string(signed), "\n")
	vkey, err := proof.VerifierKey(l.Origin, key)
	if err != nil {
		return nil, problem(proof.ErrCheckpoint, err)
	}
	if l.Checkpoint, err = proof.Open(signed, vkey); err != nil {
		return nil, err
	}
	var old proof.Checkpoint
	if earlier != nil {
		if old, err = proof.Open(earlier, vkey); err != nil {
			return nil, fmt.Errorf("the checkpoint kept from before: %w", err)
		}
	}
	if old.Size > l.Size {
		return nil, problem(proof.ErrProof, fmt.Errorf("it had %d entries and now has %d", old.Size, l.Size))
	}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for tree.End() < l.Size {
		entries, err := fetchEntries(ctx, fetch, tree.End(), l.Size)
		if err != nil {
			return nil, err
		}
		for _, b := range entries {
			if entry != nil {
				entry(tree.End(), b)
			}
			if err := tree.Append(rfc6962.DefaultHasher.HashLeaf(b), nil); err != nil {
				return nil, err
			}
			if tree.End() == old.Size {
				if err := sameRoot(tree, old); err != nil {
					return nil, err
				}
			}
		}
	}
	return l, sameRoot(tree, l.Checkpoint)
}

// fetchEntries returns the entries of the file that begins at index from.
func fetchEntries(ctx context.Context, fetch Fetch, from, size uint64) ([][]byte, error) {
	n := min(bundleWidth, size-from)
	path := tilePath(from / bundleWidth)
	if n < bundleWidth {
		path += fmt.Sprintf(".p/%d", n)
	}
	b, err := fetch(ctx, path)
	if err != nil {
		return nil, err
	}
	entries := make([][]byte, 0, n)
	for range n {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, problem(proof.ErrProof, fmt.Errorf("%s ends within entry %d", path, from+uint64(len(entries))))
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		entries, b = append(entries, b[2:end]), b[end:]
	}
	if len(b) > 0 {
		return nil, problem(proof.ErrProof, fmt.Errorf("%s holds more than its %d entries", path, n))
	}
	return entries, nil
}

// tilePath writes a number in groups of three digits, all but the last marked: tile/entries/x001/234.
func tilePath(n uint64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return "tile/entries/" + s
}

func sameRoot(tree *compact.Range, cp proof.Checkpoint) error {
	root := rfc6962.DefaultHasher.EmptyRoot()
	if cp.Size > 0 {
		var err error
		if root, err = tree.GetRootHash(nil); err != nil {
			return err
		}
	}
	if !bytes.Equal(root, cp.Root) {
		return problem(proof.ErrProof, fmt.Errorf("its first %d entries are not those that the checkpoint of that size was signed for", cp.Size))
	}
	return nil
}

func problem(p *episode.Problem, err error) error {
	q := *p
	q.Err = err
	return &q
}
