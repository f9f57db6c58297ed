// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
)

// LogEntry is what the hub entered into its log, or is about to.
type LogEntry struct {
	Since uint64 // the log's size before
	Index int64  // -1 until it is known
	New   bool   // nobody asked before
}

// LogEntry returns what is known of an entry, and remembers that it is about to be made, with the log's size before it:
// after a crash it need only be looked for from there on.
func (d *DB) LogEntry(ctx context.Context, kind, digest string, size uint64) (e LogEntry, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO log_entries (kind, digest, since, log_index) VALUES ($1,$2,$3,-1) ON CONFLICT (kind, digest) DO NOTHING`,
			kind, digest, int64(size))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		e.New = n > 0
		return tx.QueryRowContext(ctx, `SELECT since, log_index FROM log_entries WHERE kind=$1 AND digest=$2`, kind, digest).Scan(&e.Since, &e.Index)
	})
	return e, err
}

// SetLogIndex says where an entry is.
func (d *DB) SetLogIndex(ctx context.Context, kind, digest string, index uint64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE log_entries SET log_index=$1 WHERE kind=$2 AND digest=$3`, int64(index), kind, digest)
		return err
	})
}
