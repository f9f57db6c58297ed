// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

const (
	// tagExpired starts the tags under which a contributor finds what has expired, in its repository of withdrawals.
	tagExpired = "expired-"
	// expiryLag is how long what has expired may wait for more, so that a certificate covers many bundles.
	expiryLag = time.Hour
	// maxExpired is how many ids one certificate is about, at about: the document must be of a size that every reader takes.
	maxExpired = 50_000
)

// ending is as much of a record as says when it must be gone.
type ending struct {
	ID     string         `json:"id"`
	Amends string         `json:"amends"`
	Terms  *episode.Terms `json:"terms"`
}

func (e ending) episode() string {
	if e.Amends != "" {
		return e.Amends
	}
	return e.ID
}

// firstEnd is when the first of these records must be gone, or zero.
func firstEnd(records []ending, received time.Time) (first time.Time) {
	for _, r := range records {
		if r.Terms == nil {
			continue
		}
		if t := r.Terms.Until(received); !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// expire finds the records whose terms have run out and has the hub itself withdraw them: what follows is the same as
// where a contributor does. Where one record of an episode has expired, all of the episode goes.
func (h *Hub) expire(ctx context.Context) error {
	now := h.cfg.Now()
	due, err := h.db.Expiring(ctx, now)
	if err != nil || !slices.ContainsFunc(due, func(a sqlstore.AdmittedRow) bool { return !a.ExpiresAt.After(now.Add(-expiryLag)) }) {
		return err
	}
	var errs []error // a bundle that cannot be read is asked again, and holds up no other
	for len(due) > 0 {
		contributor, ids, next := due[0].Contributor, map[string]bool{}, map[string]time.Time{}
		for len(due) > 0 && due[0].Contributor == contributor && len(ids) < maxExpired {
			a := due[0]
			due = due[1:]
			records, err := h.endings(ctx, a.Shard)
			if err != nil {
				errs = append(errs, fmt.Errorf("terms of bundle %s: %w", a.Bundle, err))
				continue
			}
			records = slices.DeleteFunc(records, func(r ending) bool {
				if r.Terms == nil {
					return true
				}
				until := r.Terms.Until(a.Received())
				over := !until.IsZero() && !now.Before(until)
				if over {
					ids[r.episode()] = true
				}
				return over
			})
			next[a.Bundle] = firstEnd(records, a.Received())
		}
		if err := h.withdrawExpired(ctx, contributor, slices.Sorted(maps.Keys(ids)), next); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) endings(ctx context.Context, shard string) ([]ending, error) {
	lines, err := h.lines(ctx, shard)
	if err != nil {
		return nil, err
	}
	records := make([]ending, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal(line, &records[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// withdrawExpired needs no signature: what must be gone by its terms goes while the key is away, too. The document is signed with its
// certificate.
func (h *Hub) withdrawExpired(ctx context.Context, contributor string, ids []string, next map[string]time.Time) error {
	b, err := json.Marshal(bundle.Withdrawal{Contributor: contributor, Recipient: h.cfg.Name, IDs: ids, Reason: bundle.ReasonExpired})
	if err != nil {
		return err
	}
	doc := jsontext.Value(b) // as every document is written
	if err := doc.Canonicalize(); err != nil {
		return err
	}
	// While no bundle is being admitted, as with a contributor's own.
	h.admitting.Lock()
	defer h.admitting.Unlock()
	return h.db.Expire(ctx, sqlstore.OpenWithdrawal{ID: episode.Digest(doc), Contributor: contributor, Reason: bundle.ReasonExpired, Envelope: doc, AskedAt: h.cfg.Now()}, ids, next)
}

// endOf is when the first of a bundle's records must be gone, or zero.
func endOf(m bundle.Manifest, received time.Time) time.Time {
	var all []ending
	for _, t := range m.Terms {
		all = append(all, ending{Terms: t.Terms})
	}
	return firstEnd(all, received)
}
