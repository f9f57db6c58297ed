// SPDX-License-Identifier: Apache-2.0

// Package audit reads a hub's whole log and checks it, without trusting the hub: for auditors.
//
// Start from [Verify]. It fetches every entry (C2SP tlog-tiles), computes the Merkle root anew and compares. That one pass
// proves all there is to prove: that a signed checkpoint is of these entries, that a checkpoint seen earlier is of the
// first of them, so that nothing was rewritten, and what stands at any index. A hub's log has an entry a bundle or
// document, so there is little to fetch; who must not read it all has package tiles.
package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// bundleWidth is how many entries a file of entries holds when it is full.
const bundleWidth = 256

// Verify checks that a log's entries are those that the checkpoint now was signed for, and the first of them those of old,
// seen earlier, if its size is not 0. entry, where not nil, is called with each entry in turn, which counts only once
// Verify has returned without an error.
func Verify(ctx context.Context, fetch tiles.Fetch, old, now proof.Checkpoint, entry func(index uint64, b []byte)) error {
	if old.Size > now.Size {
		return proof.RolledBack(old, now)
	}
	forked := false // said only once it is certain that these are the entries
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for tree.End() < now.Size {
		entries, err := fetchEntries(ctx, fetch, tree.End(), now.Size)
		if err != nil {
			return err
		}
		for _, b := range entries {
			if entry != nil {
				entry(tree.End(), b)
			}
			if err := tree.Append(rfc6962.DefaultHasher.HashLeaf(b), nil); err != nil {
				return err
			}
			if tree.End() == old.Size && !bytes.Equal(rootOf(tree), old.Root) {
				forked = true
			}
		}
	}
	switch {
	case !bytes.Equal(rootOf(tree), now.Root):
		return proof.NotProven("its %d entries are not those that the checkpoint was signed for", now.Size)
	case forked:
		return proof.Forked(old, now)
	}
	return nil
}

// fetchEntries returns the entries of the file that begins at index from.
func fetchEntries(ctx context.Context, fetch tiles.Fetch, from, size uint64) ([][]byte, error) {
	n := min(bundleWidth, size-from)
	path := tilePath(from / bundleWidth)
	if n < bundleWidth {
		path += fmt.Sprintf(".p/%d", n)
	}
	b, grown, err := tiles.Partial(ctx, fetch, path)
	if err != nil {
		return nil, err
	}
	entries := make([][]byte, 0, n)
	for range n {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, proof.NotProven("%s ends within entry %d", path, from+uint64(len(entries)))
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		entries, b = append(entries, b[2:end]), b[end:]
	}
	if len(b) > 0 && !grown {
		return nil, proof.NotProven("%s holds more than its %d entries", path, n)
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

func rootOf(tree *compact.Range) []byte {
	if tree.End() == 0 {
		return rfc6962.DefaultHasher.EmptyRoot()
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return nil // a range that begins at 0 always has one
	}
	return root
}
