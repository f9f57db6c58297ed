// SPDX-License-Identifier: Apache-2.0

// Package dataset keeps snapshots: immutable versions of what was curated, as Parquet files in a blob store.
//
// Start from [Write], which stores curated [Row]s and a [Manifest] that names everything that went in (bundles, code,
// counts, files by digest), and [Open], which reads a snapshot back, every file checked against its digest. A
// snapshot's id is the digest of its manifest in canonical form; there is no clock in it, so the same rows from the
// same inputs are the same snapshot, whenever and in whatever order they were curated. Rows of different contributors
// never share a file, so that a withdrawal touches one contributor's files only; nor do rows of different months, and a
// file that the snapshot before had is not written again: what a new snapshot costs follows from what is new in it.
//
// The Parquet columns mirror the record for other people's engines; the column "record" holds it whole, as canonical
// JSON, and is what Open reads. [Decisions] flattens rows into what a learner reads. Who may use a snapshot for what is
// in each record's terms and in the rights table: this package counts purposes, and package export enforces them.
package dataset

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/rights"
)

// Row is one curated episode.
type Row struct {
	Contributor string
	// Bundles are the digests of the bundles that the record and its amendments came in, sorted.
	Bundles []string
	// ExpiresAt is when the row must be gone: by its terms or by their retention, whichever is first; zero is never.
	ExpiresAt time.Time
	Episode   *episode.Episode
	// Record is the episode in canonical form.
	Record []byte
}

// NewRow returns the row of an episode, with its canonical form and the expiry that its terms name.
func NewRow(contributor string, bundles []string, e *episode.Episode) (Row, error) {
	rec, err := episode.AppendCanonical(nil, e)
	if err != nil {
		return Row{}, fmt.Errorf("row of contributor %s: %w", contributor, err)
	}
	r := Row{Contributor: contributor, Bundles: bundles, Episode: e, Record: rec}
	if e.Terms != nil {
		r.ExpiresAt = e.Terms.ExpiresAt
	}
	return r, nil
}

// Compare orders rows by contributor, then by the day they started, so that what comes in later mostly comes last, then by
// episode and record.
func (r *Row) Compare(o *Row) int {
	if c := cmp.Or(cmp.Compare(r.Contributor, o.Contributor), cmp.Compare(r.started(), o.started()), cmp.Compare(r.Episode.ID, o.Episode.ID)); c != 0 {
		return c
	}
	return bytes.Compare(r.Record, o.Record)
}

// Sort sorts rows by [Row.Compare].
func Sort(rows []Row) {
	SortFunc(rows, func(r *Row) (string, int64, string) { return r.Contributor, r.started(), r.Episode.ID }, (*Row).Compare)
}

// started is the day of the episode, since 1970-01-01; 0 where it is not known.
func (r Row) started() int64 {
	if r.Episode.StartedAt.IsZero() {
		return 0
	}
	return UnixDay(r.Episode.StartedAt.Unix())
}

// month is the month of the episode, counted through.
func (r Row) month() int {
	y, m, _ := r.Episode.StartedAt.UTC().Date()
	return y*12 + int(m)
}

// Permit reports whether recipient may use the row for purpose p at the time now: by its terms, and by the rights table, which
// says whose output may serve what. Whoever trains, exports or learns asks it of every row.
func (r Row) Permit(u rights.Use, recipient string, p episode.Purpose, now time.Time) bool {
	return u.Allows(r.Episode, p) && r.Episode.Terms.Allow(recipient, p, now) && (r.ExpiresAt.IsZero() || now.Before(r.ExpiresAt))
}
