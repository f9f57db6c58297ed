// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ErrRevoked says that a key was revoked and counts for nothing any more.
var ErrRevoked = errors.New("revoked")

func notRevoked(ctx context.Context, tx *sql.Tx, key string) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM revoked_keys WHERE public_key=$1`, key).Scan(&n)
	if err == nil && n > 0 {
		err = ErrRevoked
	}
	return err
}

// endKeys makes the certificates of a contributor and its signing key, unless it is keep, good for nothing.
func endKeys(ctx context.Context, tx *sql.Tx, name, keep string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE contributor_certificates SET revoked=$1 WHERE contributor=$2`, true, name); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO revoked_keys (public_key, contributor, revoked_at) SELECT public_key, name, CAST($1 AS BIGINT) FROM contributors WHERE name=$2 AND public_key<>$3
 ON CONFLICT (public_key) DO NOTHING`, micros(now), name, keep)
	return err
}

// RevokeContributor ends a contributor's token, key and certificates in one commit, or says ErrNotFound. What it gave and the
// receipts for that stay.
func (d *DB) RevokeContributor(ctx context.Context, name string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if err := endKeys(ctx, tx, name, "", now); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `UPDATE contributors SET revoked_at=$1 WHERE name=$2`, micros(now), name)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return nil
	})
}

// FormerKeys returns the signing keys that a contributor had: what it signed before they ended was taken in as its own.
func (d *DB) FormerKeys(ctx context.Context, name string) ([]string, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (k string, err error) { return k, r.Scan(&k) }, `SELECT public_key FROM revoked_keys WHERE contributor=$1 ORDER BY revoked_at`, name)
}

// AddCertificate notes a certificate that was issued to a contributor.
func (d *DB) AddCertificate(ctx context.Context, serial, contributor string, expires time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO contributor_certificates (serial, contributor, expires_at, revoked) VALUES ($1,$2,$3,$4)`, serial, contributor, micros(expires), false)
		return err
	})
}

// CertificateOf returns whose certificate has a serial number, or ErrNotFound where none that is good has.
func (d *DB) CertificateOf(ctx context.Context, serial string, now time.Time) (contributor string, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT contributor FROM contributor_certificates WHERE serial=$1 AND revoked=$2 AND expires_at>$3`, serial, false, micros(now)).Scan(&contributor)
	if err == sql.ErrNoRows {
		err = ErrNotFound
	}
	return contributor, err
}
