// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// InboxItem is one acknowledged payload that waits for assembly.
type InboxItem struct {
	// ID rises with the time of arrival and is unique.
	ID string
	// Kind is what Sealed holds: "episodes" (JSON Lines) or "otlp-logs" (protobuf).
	Kind string
	// Principal is who sent it, proven by token or certificate; it is not the payload's word.
	Principal     string
	Authenticated bool
	ReceivedAt    time.Time
	Sealed        []byte
}

// Receive stores an item and returns after the fsync. The same payload twice is stored twice: assembly is what makes it one.
func (d *DB) Receive(ctx context.Context, it InboxItem) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.inbox.do(it)
}

func (d *DB) insertInbox(items []InboxItem) error {
	ctx := context.Background() // the batch belongs to many callers: one who leaves must not undo the others
	return d.tx(ctx, func(tx *sql.Tx) error {
		return d.insertMany(ctx, tx, `INSERT INTO inbox (id, kind, principal, authenticated, received_at, sealed) VALUES `,
			` ON CONFLICT (id) DO NOTHING`, 6, len(items), func(i int, a []any) []any {
				it := &items[i]
				return append(a, it.ID, it.Kind, it.Principal, it.Authenticated, micros(it.ReceivedAt), it.Sealed)
			})
	})
}

// Inbox returns the oldest items, at most limit.
func (d *DB) Inbox(ctx context.Context, limit int) ([]InboxItem, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (it InboxItem, err error) {
		var at int64
		err = r.Scan(&it.ID, &it.Kind, &it.Principal, &it.Authenticated, &at, &it.Sealed)
		it.ReceivedAt = fromMicros(at)
		return it, err
	}, `SELECT id, kind, principal, authenticated, received_at, sealed FROM inbox ORDER BY id LIMIT $1`, limit)
}

// InboxLen counts what waits.
func (d *DB) InboxLen(ctx context.Context) (n int, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM inbox`).Scan(&n)
	return n, err
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

// ExpireVault deletes the keys and sealed bytes of days before day and returns how many episodes lost their raw text.
func (d *DB) ExpireVault(ctx context.Context, day int64) (n int64, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM vault_keys WHERE day < $1`, day)
		if err != nil {
			return err
		}
		if keys, err := r.RowsAffected(); err != nil || keys == 0 {
			return err // the key and what it sealed go together: without one to delete there is nothing to look for
		}
		r, err = tx.ExecContext(ctx, `UPDATE episodes SET sealed = NULL WHERE vault_day < $1 AND sealed IS NOT NULL`, day)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}
