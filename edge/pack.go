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

// pack makes bundles of what is approved, for each hub its own. What one hub's cannot be packed for holds up no other's.
func (e *Edge) pack(ctx context.Context) error {
	if err := e.PolicyHeld(); err != nil {
		return err
	}
	var errs []error
	for _, h := range e.hubs {
		if !h.link.Left {
			errs = append(errs, h.pack(ctx))
		}
	}
	return errors.Join(errs...)
}

// pack makes the hub's bundles. Each is whole and synced on disk before the commit that says it exists, so a crash leaves at most
// a folder that nothing names; sweep removes it.
func (h *hub) pack(ctx context.Context) error {
	for {
		rows, err := h.db.Approved(ctx, h.link.Name, maxBundle)
		if err != nil || len(rows) == 0 {
			return err
		}
		if stopped, err := h.stopExpired(ctx, rows); err != nil {
			return err
		} else if stopped {
			continue
		}
		err = h.packBundle(ctx, rows)
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // somebody took one of them back meanwhile: what is still approved is read again
		}
		if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == bundle.CodeCanary {
			if err := h.stopCanaries(ctx, rows); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
	}
}

func (h *hub) packBundle(ctx context.Context, rows []sqlstore.OutboundRow) error {
	defer h.stats.Pack.add(len(rows), time.Now())
	records := make([][]byte, len(rows))
	for i, r := range rows {
		records[i] = r.Body
	}
	tmp := filepath.Join(h.cfg.Dir, "bundles", packing)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	checkpoint, err := h.link.LastSeen()
	if err != nil {
		return err
	}
	m, digest, err := bundle.Pack(tmp, records, bundle.Options{Signer: h.ring.Signing(), Contributor: h.link.Contributor,
		Recipient: h.link.Name, Checkpoint: checkpoint, Canaries: h.cfg.Canaries})
	if err != nil {
		return err
	}
	dir := h.bundleDir(digest)
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, statErr := os.Stat(dir); statErr != nil {
			return fmt.Errorf("keep bundle %s: %w", digest, err)
		}
	}
	if err := statedir.Sync(filepath.Dir(dir)); err != nil {
		return err
	}
	return h.db.Pack(ctx, sqlstore.BundleRow{ID: digest, Recipient: h.link.Name, Kind: string(m.Kind), Records: m.Records,
		Bytes: m.PayloadBytes, CreatedAt: h.cfg.Now()}, rows)
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
