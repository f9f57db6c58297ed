// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// contribute pushes what is packed and fetches the hub's signed receipts. A push that was cut off is done again: blobs
// that arrived are not sent twice, and the hub admits a bundle once.
func (h *hub) contribute(ctx context.Context) error {
	if err := h.PolicyHeld(); err != nil {
		return err
	}
	if now := h.cfg.Now(); now.Before(h.waitUntil) && h.waitUntil.Sub(now) <= link.LongestWait {
		return nil // the hub asked for it; the pages say so
	}
	rows, err := h.db.Bundles(ctx, "packed")
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range rows {
		if b.Recipient != h.link.Name {
			continue // it was made for another hub
		}
		start := time.Now()
		err := h.unpackExpired(ctx, b)
		if err == nil {
			err = h.db.Sending(ctx, b.ID, h.cfg.Now())
		}
		if errors.Is(err, sqlstore.ErrChanged) {
			continue // a withdrawal stopped it, or its terms have expired
		}
		if err == nil {
			err = h.push(ctx, b)
		}
		if err == nil && h.link.Visit != nil {
			continue // its receipt comes with a later visit
		}
		if inc, ok := errors.AsType[*link.IncidentError](err); ok {
			if err = h.refuse(ctx, b, inc.Envelope); err == nil {
				continue
			}
		}
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			errs = append(errs, err)
			// One bundle that does not arrive holds up no other; the page shows why.
			if err := h.db.NoteBundle(ctx, b.ID, err.Error()); err != nil {
				return err
			}
			if w, ok := errors.AsType[*link.WaitError](err); ok {
				h.waitUntil = h.cfg.Now().Add(w.After) // for all of them: a quota is the contributor's
				break
			}
			continue
		}
		h.stats.Push.add(b.Records, start)
	}
	return errors.Join(errs...)
}

// unpackExpired undoes a bundle whose terms have run out before the hub had it, and says [sqlstore.ErrChanged]: what may still
// leave is packed anew.
func (h *hub) unpackExpired(ctx context.Context, b sqlstore.BundleRow) error {
	m, _, _, err := bundle.ReadManifest(h.bundleDir(b.ID), h.ownTrust())
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	expired := m.Expired(h.cfg.Now())
	if expired == nil {
		return nil
	}
	if h.link.Visit != nil && b.Sent {
		return sqlstore.ErrChanged // it lies in this exchange, or in another that is under way: it is not left once more
	}
	if arrived, err := h.link.Holds(ctx, b.ID); arrived || err != nil {
		return err // it arrived in time: only its receipt is missing
	}
	h.log.Warn("terms expired before a bundle was sent; it is packed anew without them", "bundle", b.ID, "err", expired)
	if err := h.db.Unpack(ctx, b.ID); err != nil {
		return err
	}
	return sqlstore.ErrChanged
}

func (h *hub) push(ctx context.Context, b sqlstore.BundleRow) error {
	layout, root, err := openLayout(ctx, h.bundleDir(b.ID), b.ID)
	if err != nil {
		return err
	}
	if h.link.Visit != nil {
		fresh, err := h.link.LeaveBundle(ctx, layout, root)
		if fresh {
			h.done.Bundles++
		}
		return err
	}
	m, _, _, err := bundle.ReadManifest(h.bundleDir(b.ID), h.ownTrust())
	if err != nil {
		return fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	r, err := h.link.Push(ctx, layout, root, m)
	if err != nil {
		return err
	}
	return h.received(ctx, b.ID, r)
}

// received writes a receipt down before the commit that says that the bundle was received.
func (h *hub) received(ctx context.Context, id string, r *link.Receipt) error {
	if err := h.link.Keep(id, r); err != nil {
		return err
	}
	return h.db.SetReceipt(ctx, id, r.Receipt)
}

// openLayout opens the folder of a bundle for what carries it.
func openLayout(ctx context.Context, dir, id string) (content.ReadOnlyStorage, ocispec.Descriptor, error) {
	layout, err := oci.NewFromFS(ctx, os.DirFS(dir))
	if err != nil {
		return nil, ocispec.Descriptor{}, fmt.Errorf("open bundle %s: %w", id, err)
	}
	root, err := layout.Resolve(ctx, id)
	if err != nil {
		return nil, root, fmt.Errorf("open bundle %s: %w", id, err)
	}
	return layout, root, nil
}
