// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
)

// SpoolDone returns the number of the last payload of a spool (package spool) of which rows were made, 0 before the first.
func (d *DB) SpoolDone(ctx context.Context, spool string) (n uint64, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(done), 0) FROM spools WHERE name=$1`, spool).Scan(&n)
	return n, err
}

func setSpoolDone(ctx context.Context, tx *sql.Tx, spool string, done uint64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO spools (name, done) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET done=excluded.done`, spool, int64(done))
	return err
}

// VaultKeys returns the wrapped keys of developers on one day. Where there is none yet it stores fresh[i]: whoever comes
// first wins. With fresh nil it stores nothing, and a key that is gone is not in the answer.
func (d *DB) VaultKeys(ctx context.Context, day int64, developers []string, fresh [][]byte) (map[string][]byte, error) {
	out := make(map[string][]byte, len(developers))
	err := d.tx(ctx, func(tx *sql.Tx) error {
		if err := d.insertMany(ctx, tx, `INSERT INTO vault_keys (developer, day, wrapped) VALUES `, ` ON CONFLICT (developer, day) DO NOTHING`, 3, len(fresh),
			func(i int, a []any) []any { return append(a, developers[i], day, fresh[i]) }); err != nil {
			return err
		}
		for start := 0; start < len(developers); start += inPart {
			part := developers[start:min(start+inPart, len(developers))]
			rows, err := tx.QueryContext(ctx, `SELECT developer, wrapped FROM vault_keys WHERE day=$1 AND developer IN `+in(2, len(part)),
				append([]any{day}, anys(part)...)...)
			if err != nil {
				return err
			}
			for rows.Next() {
				var dev string
				var w []byte
				if err := rows.Scan(&dev, &w); err != nil {
					rows.Close()
					return err
				}
				out[dev] = w
			}
			if err := rows.Err(); err != nil {
				return err
			}
			rows.Close()
		}
		return nil
	})
	return out, err
}

// keepJoins is how many days joins are kept beyond raw text: what becomes of a suggestion shows within a month.
const keepJoins = 30

// ExpireVault deletes the keys and sealed bytes of days before day and returns how many episodes lost their raw text.
func (d *DB) ExpireVault(ctx context.Context, day int64) (n int64, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM joins WHERE day < $1`, day-keepJoins); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM vault_keys WHERE day < $1`, day)
		if err != nil {
			return err
		}
		if keys, err := r.RowsAffected(); err != nil || keys == 0 {
			return err // the key and what it sealed go together: without one to delete there is nothing to look for
		}
		r, err = tx.ExecContext(ctx, `DELETE FROM raw WHERE episode IN (SELECT id FROM episodes WHERE vault_day < $1)`, day)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}
