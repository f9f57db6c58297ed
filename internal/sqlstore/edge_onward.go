// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// OnwardRow is what a hub has passed on of a bundle of ours.
type OnwardRow struct {
	Passed, Bundle string // digests of what was passed on, and of ours
	Hub, Recipient string // who passed it on, to whom
	RecipientKey   []byte
	Records        int
	LogIndex       int64  // in the recipient's log
	Document       []byte // JSON: what was signed, and the proofs
	ToldAt         time.Time
}

// SaveOnward stores what a hub says that it passed on, once.
func (d *DB) SaveOnward(ctx context.Context, o OnwardRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO onward (passed, bundle, hub, recipient, recipient_key, records, log_index, document, told_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
 ON CONFLICT (passed) DO NOTHING`, o.Passed, o.Bundle, o.Hub, o.Recipient, o.RecipientKey, o.Records, o.LogIndex, o.Document, micros(o.ToldAt))
		return err
	})
}

// Onward returns what was passed on, by when we were told: of a bundle, or of all where none is named.
func (d *DB) Onward(ctx context.Context, bundle string) ([]OnwardRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (o OnwardRow, err error) {
		var at int64
		err = r.Scan(&o.Passed, &o.Bundle, &o.Hub, &o.Recipient, &o.RecipientKey, &o.Records, &o.LogIndex, &o.Document, &at)
		o.ToldAt = fromMicros(at)
		return o, err
	}, `SELECT passed, bundle, hub, recipient, recipient_key, records, log_index, document, told_at FROM onward WHERE $1='' OR bundle=$1 ORDER BY told_at, passed`, bundle)
}
