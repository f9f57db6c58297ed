// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
)

// Usage is what a contributor has sent on a day.
type Usage struct {
	Bundles int
	Bytes   int64
}

// Usage returns what a contributor has sent on a day (2006-01-02).
func (d *DB) Usage(ctx context.Context, contributor, day string) (u Usage, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT bundles, bytes FROM usage_days WHERE contributor=$1 AND day=$2`, contributor, day).Scan(&u.Bundles, &u.Bytes)
	if err == sql.ErrNoRows {
		err = nil
	}
	return u, err
}

// Spend adds to it.
func (d *DB) Spend(ctx context.Context, contributor, day string, more Usage) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO usage_days (contributor, day, bundles, bytes) VALUES ($1,$2,$3,$4)
 ON CONFLICT (contributor, day) DO UPDATE SET bundles=usage_days.bundles+excluded.bundles, bytes=usage_days.bytes+excluded.bytes`, contributor, day, more.Bundles, more.Bytes)
		return err
	})
}
