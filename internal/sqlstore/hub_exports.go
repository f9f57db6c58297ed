// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// ExportRow is a file that was made of a snapshot, and who has it.
type ExportRow struct {
	ID, Snapshot, Format, Holder string
	Digest                       string // of the file; empty until it was whole
	MadeAt                       time.Time
}

// BookExport notes an export before it is made, and again, with its digest, once it is whole.
func (d *DB) BookExport(ctx context.Context, e ExportRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO exports (id, snapshot, format, holder, digest, made_at) VALUES ($1,$2,$3,$4,$5,$6)
 ON CONFLICT (id) DO UPDATE SET digest=excluded.digest`, e.ID, e.Snapshot, e.Format, e.Holder, e.Digest, micros(e.MadeAt))
		return err
	})
}

// Exports returns all, oldest first.
func (d *DB) Exports(ctx context.Context) ([]ExportRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (e ExportRow, err error) {
		var at int64
		err = r.Scan(&e.ID, &e.Snapshot, &e.Format, &e.Holder, &e.Digest, &at)
		e.MadeAt = fromMicros(at)
		return e, err
	}, `SELECT id, snapshot, format, holder, digest, made_at FROM exports ORDER BY made_at, id`)
}
