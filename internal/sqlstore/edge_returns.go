// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Document is a signed document that came from the other side.
type Document struct {
	ID       string
	Hub      string // that signed it
	Envelope []byte
	At       time.Time
}

// SaveStatement stores a statement that a hub sent.
func (d *DB) SaveStatement(ctx context.Context, doc Document) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO statements (id, recipient, envelope, pulled_at) VALUES ($1,$2,$3,$4) ON CONFLICT (id) DO UPDATE SET recipient=excluded.recipient`,
			doc.ID, doc.Hub, doc.Envelope, micros(doc.At))
		return err
	})
}

// Statements returns all, newest first.
func (d *DB) Statements(ctx context.Context) ([]Document, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (doc Document, err error) {
		var at int64
		err = r.Scan(&doc.ID, &doc.Hub, &doc.Envelope, &at)
		doc.At = fromMicros(at)
		return doc, err
	}, `SELECT id, recipient, envelope, pulled_at FROM statements ORDER BY pulled_at DESC, id`)
}

// Owed reports whether a receipt or a certificate is still to come.
func (d *DB) Owed(ctx context.Context, recipient string) (bool, error) {
	var n int
	err := d.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM bundles WHERE state='packed' AND recipient=$1) +
 (SELECT COUNT(*) FROM withdrawals WHERE state='asked' AND recipient=$1)`, recipient).Scan(&n)
	return n > 0, err
}

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("not found")

// one returns the first row of a query, or ErrNotFound.
func one[T any](rows []T, err error) (T, error) {
	var zero T
	switch {
	case err != nil:
		return zero, err
	case len(rows) == 0:
		return zero, ErrNotFound
	}
	return rows[0], nil
}
