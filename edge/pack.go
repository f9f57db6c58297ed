// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
)

const (
	// maxBundle is how many records go into one bundle: its payload stays small enough to send again after a failure.
	maxBundle = 50_000
	packing   = ".packing"
)

// pack makes bundles of what is approved. The bundle is whole and synced on disk before the commit that says it exists,
// so a crash leaves at most a folder that nothing names; sweep removes it.
func (e *Edge) pack(ctx context.Context) error {
	if err := e.PolicyHeld(); err != nil {
		return err
	}
	for {
		rows, err := e.db.Approved(ctx, e.cfg.Recipient, maxBundle)
		if err != nil || len(rows) == 0 {
			return err
		}
		if stopped, err := e.stopExpired(ctx, rows); err != nil {
			return err
		} else if stopped {
			continue
		}
		err = e.packBundle(ctx, rows)
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // somebody took one of them back meanwhile: what is still approved is read again
		}
		if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == bundle.CodeCanary {
			if err := e.stopCanaries(ctx, rows); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
	}
}

func (e *Edge) packBundle(ctx context.Context, rows []sqlstore.OutboundRow) error {
	defer e.stats.Pack.add(len(rows), time.Now())
	records := make([][]byte, len(rows))
	for i, r := range rows {
		records[i] = r.Body
	}
	tmp := filepath.Join(e.cfg.Dir, "bundles", packing)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	checkpoint, err := e.lastSeen()
	if err != nil {
		return err
	}
	m, digest, err := bundle.Pack(tmp, records, bundle.Options{Signer: e.ring.Signing(), Contributor: e.cfg.Contributor,
		Recipient: rows[0].Recipient, Checkpoint: checkpoint, Canaries: e.cfg.Canaries})
	if err != nil {
		return err
	}
	dir := e.bundleDir(digest)
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, statErr := os.Stat(dir); statErr != nil {
			return fmt.Errorf("keep bundle %s: %w", digest, err)
		}
	}
	if err := statedir.Sync(filepath.Dir(dir)); err != nil {
		return err
	}
	return e.db.Pack(ctx, sqlstore.BundleRow{ID: digest, Recipient: rows[0].Recipient, Kind: string(m.Kind), Records: m.Records,
		Bytes: m.PayloadBytes, CreatedAt: e.cfg.Now()}, rows)
}

// stopExpired refuses the records whose terms have expired since they were approved.
func (e *Edge) stopExpired(ctx context.Context, rows []sqlstore.OutboundRow) (stopped bool, err error) {
	now := e.cfg.Now()
	var held []string
	for _, r := range rows {
		if !bytes.Contains(r.Body, []byte(`"expires_at"`)) {
			continue // most have no day, but a time to keep
		}
		left, err := episode.Decode(r.Body)
		if err != nil {
			return false, err
		}
		if t := left.Terms; t != nil && !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
			held = append(held, r.Digest)
		}
	}
	if len(held) == 0 {
		return false, nil
	}
	e.log.Warn("terms expired before the records were packed; they stay", "records", len(held))
	return true, e.db.Noting(e.entry(ctx, "expired terms", "refuse", allDigest(held))).Stop(ctx, "expired terms", held, now)
}

// stopCanaries refuses the records that hold a planted string: the filter has let it through, so they stay and somebody
// must look. The rest goes on.
func (e *Edge) stopCanaries(ctx context.Context, rows []sqlstore.OutboundRow) error {
	var held []string
	for _, r := range rows {
		if bundle.CheckCanaries(r.Body, e.cfg.Canaries) != nil {
			held = append(held, r.Digest)
		}
	}
	if len(held) == 0 {
		return errors.New("a canary is in the bundle, but in none of its records")
	}
	e.log.Error("the filter let a planted string through; its records stay", "records", len(held))
	e.stats.Dropped.Add(int64(len(held)))
	return e.db.Noting(e.entry(ctx, "canary check", "refuse", allDigest(held))).Stop(ctx, "canary check", held, e.cfg.Now())
}

func (e *Edge) bundleDir(digest string) string {
	return filepath.Join(e.cfg.Dir, "bundles", strings.TrimPrefix(digest, "sha256:"))
}

// sweep removes what a crash left between writing a bundle and saying so.
func (e *Edge) sweep(ctx context.Context) error {
	dir := filepath.Join(e.cfg.Dir, "bundles")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	rows, err := e.db.Bundles(ctx, "")
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, b := range rows {
		named[filepath.Base(e.bundleDir(b.ID))] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range entries {
		if !named[f.Name()] {
			if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
