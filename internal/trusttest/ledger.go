// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/audit"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// Ledger is what contributors sent to a hub and were given a receipt for. It is kept apart from the hub, so that what the hub
// holds can be counted against it.
type Ledger struct {
	hub string            // its name
	key ed25519.PublicKey // that its receipts and its log are signed with

	mu       sync.Mutex           // guards what follows
	records  map[recordKey]string // digests of the bytes as they were sent
	receipts map[string]string    // by bundle: the file that holds what "headrace push" printed
}

// newLedger is an empty one of the hub that a contributor has joined.
func newLedger(c *contributor) *Ledger {
	return &Ledger{hub: hubName, key: c.PublicKey, records: map[recordKey]string{}, receipts: map[string]string{}}
}

// recordKey names a record among all that a hub learns from: an episode or an amendment.
type recordKey struct {
	contributor, id, amends string
	revision                int
}

func keyOf(contributor string, e *episode.Episode) recordKey {
	return recordKey{contributor, e.ID, e.Amends, e.Revision}
}

func (k recordKey) String() string {
	return fmt.Sprintf("%s of %s, revision %d", cmp.Or(k.amends, k.id), k.contributor, k.revision)
}

// enter notes a bundle whose receipt has come.
func (l *Ledger) enter(contributor, digest, receipt string, lines [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		e, err := episode.Decode(line)
		if err != nil {
			return err
		}
		l.records[keyOf(contributor, e)] = episode.Digest(line)
	}
	l.receipts[digest] = receipt
	return nil
}

// Held is what a hub holds of what a ledger says.
type Held struct {
	Bundles, Records int      // with a receipt, and there
	Proven           int      // receipts whose bundle the log shows
	Entries, LogSize int      // of these bundles, and all, in the log
	Lost             []string // bundles and records with a receipt that are not there
	Twice            []string // records and entries of the log that are there more than once
	Changed          []string // records that are not byte for byte what was sent
	Stray            []string // bundles, records and entries of bundles that nobody has a receipt for
	Unproven         []string // receipts that the log does not bear out
}

// Wrong is all that is not as it must be.
func (h *Held) Wrong() (all []string) {
	for _, list := range []struct {
		how  string
		what []string
	}{{"lost", h.Lost}, {"twice", h.Twice}, {"changed", h.Changed}, {"stray", h.Stray}, {"unproven", h.Unproven}} {
		for _, w := range list.what {
			all = append(all, list.how+": "+w)
		}
	}
	return all
}

// Count reads the folder of a hub that does not run: each record out of the blobs from which curation takes it, and the log out
// of its files. Nothing that the hub says about itself is counted, but which bundles it admitted.
func (l *Ledger) Count(ctx context.Context, dir string) (h Held, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = errors.Join(l.countRecords(ctx, dir, &h), l.countLog(ctx, dir, &h))
	return h, err
}

func (l *Ledger) countRecords(ctx context.Context, dir string, h *Held) error {
	times, here := map[recordKey]int{}, map[string]bool{}
	rows, err := eachRecord(ctx, dir, func(row sqlstore.AdmittedRow, line []byte) error {
		l.countRecord(row.Contributor, line, times, h)
		return nil
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		here[row.Bundle] = true
		if l.receipts[row.Bundle] == "" {
			h.Stray = append(h.Stray, "bundle "+row.Bundle)
		}
	}
	for digest := range l.receipts {
		if here[digest] {
			h.Bundles++
		} else {
			h.Lost = append(h.Lost, "bundle "+digest)
		}
	}
	for k := range l.records {
		if times[k] > 0 {
			h.Records++
		} else {
			h.Lost = append(h.Lost, "record "+k.String())
		}
	}
	return nil
}

func (l *Ledger) countRecord(contributor string, line []byte, times map[recordKey]int, h *Held) {
	e, err := episode.Decode(line)
	if err != nil {
		h.Stray = append(h.Stray, fmt.Sprintf("a record of %s: %v", contributor, err))
		return
	}
	k := keyOf(contributor, e)
	sent, known := l.records[k]
	switch times[k]++; {
	case !known:
		h.Stray = append(h.Stray, "record "+k.String())
	case times[k] > 1:
		h.Twice = append(h.Twice, "record "+k.String())
	case sent != episode.Digest(line):
		h.Changed = append(h.Changed, "record "+k.String())
	}
}

// eachRecord shows each record that a hub would learn from, out of the blobs from which curation takes it, and returns the bundles that
// it admitted. A blob that is not there has no records.
func eachRecord(ctx context.Context, dir string, see func(row sqlstore.AdmittedRow, line []byte) error) ([]sqlstore.AdmittedRow, error) {
	db, err := sqlstore.Open(ctx, filepath.Join(dir, "hub.db"), sqlstore.RoleHub)
	if err != nil {
		return nil, err
	}
	rows, err := db.Admitted(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	blobs, err := blob.View(filepath.Join(dir, "blobs"), filepath.Join(dir, "keys", "blobs"))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		packed, err := blobs.Get(ctx, row.Shard)
		if errors.Is(err, blob.ErrNotFound) {
			continue
		}
		var raw []byte
		if err == nil {
			raw, err = unpack(packed)
		}
		for line := range bytes.Lines(raw) {
			err = errors.Join(err, see(row, bytes.TrimSuffix(line, []byte("\n"))))
		}
		if err != nil {
			return nil, fmt.Errorf("records of bundle %s: %w", row.Bundle, err)
		}
	}
	return rows, nil
}

// countLog reads the whole log as an auditor does, who has the hub's public key alone, and looks for each receipt's bundle in
// it: at the index that the receipt names, and nowhere else.
func (l *Ledger) countLog(ctx context.Context, dir string, h *Held) error {
	known, err := proof.Of(l.hub, l.key)
	if err != nil {
		return err
	}
	fetch := tiles.At(filepath.Join(dir, "log"))
	signed, err := fetch(ctx, "checkpoint")
	if err != nil {
		return err
	}
	now, err := known.Open(signed)
	if err != nil {
		return err
	}
	ofBundle := proof.Entry(proof.KindBundle, nil)
	var entries []string
	times, bundles := map[string]int{}, map[string]bool{}
	if err := audit.Verify(ctx, fetch, proof.Checkpoint{}, now, func(i uint64, b []byte) {
		e := string(b)
		entries = append(entries, e)
		if times[e]++; times[e] > 1 {
			h.Twice = append(h.Twice, fmt.Sprintf("entry %d of the log", i))
		}
		if bytes.HasPrefix(b, ofBundle) {
			bundles[e] = true
		}
	}); err != nil {
		return err
	}
	h.LogSize = len(entries)
	trust := bundle.NewTrust(bundle.TrustedKey{Key: l.key})
	for digest, path := range l.receipts {
		r, err := openReceipt(path, digest, known, trust)
		if err == nil && (r.index >= uint64(len(entries)) || entries[r.index] != r.entry) {
			err = fmt.Errorf("entry %d of the log is another", r.index)
		}
		if err == nil {
			err = tiles.Holds(ctx, fetch, r.checkpoint, now)
		}
		if err != nil {
			h.Unproven = append(h.Unproven, fmt.Sprintf("%s: %v", digest, err))
			continue
		}
		h.Proven++
		h.Entries += times[r.entry]
		delete(bundles, r.entry)
	}
	for e := range bundles {
		h.Stray = append(h.Stray, fmt.Sprintf("log entry %x", e[len(ofBundle):]))
	}
	return nil
}
