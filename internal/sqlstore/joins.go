// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
)

// Join says that what is known by a key belongs to an episode.
type Join struct{ Key, Episode string }

// Joins is what there is to remember of a batch: keys, and episodes that turned out to be part of another, in whose parts
// all that they held now is.
type Joins struct {
	Keys   []Join
	Folded []string
	Day    int64
}

// Joined returns the episodes that the keys were joined to, by key.
func (d *DB) Joined(ctx context.Context, keys []string) (map[string]string, error) {
	out := map[string]string{}
	err := forParts(keys, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (j Join, err error) { return j, r.Scan(&j.Key, &j.Episode) },
			`SELECT key, episode FROM joins WHERE key IN `+in(1, len(part)), part...)
		for _, j := range rows {
			out[j.Key] = j.Episode
		}
		return err
	})
	return out, err
}

// AnyJoin reports whether there is any join at all.
func (d *DB) AnyJoin(ctx context.Context) (found bool, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM joins)`).Scan(&found)
	return found, err
}

// Standing is what a stored episode may become part of.
type Standing struct {
	Developer string
	// Fixed says that it can no longer become part of another: it has left, or it is held, or the developer or the steward
	// said no to it.
	Fixed bool
}

// Standing tells of those of the episodes that are stored.
func (d *DB) Standing(ctx context.Context, ids []string) (map[string]Standing, error) {
	type row struct {
		id string
		Standing
	}
	out := map[string]Standing{}
	err := forParts(ids, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (w row, err error) { return w, r.Scan(&w.id, &w.Developer, &w.Fixed) },
			`SELECT id, developer, state IN ('vetoed','withdrawn') OR EXISTS (SELECT 1 FROM outbound o WHERE o.episode=e.id AND o.state='packed')
 OR EXISTS (SELECT 1 FROM held h WHERE h.episode=e.id) FROM episodes e WHERE id IN `+in(1, len(part)), part...)
		for _, w := range rows {
			out[w.id] = w.Standing
		}
		return err
	})
	return out, err
}

func (d *DB) storeJoins(ctx context.Context, tx *sql.Tx, joins Joins) error {
	seen := map[string]bool{}
	var keys []Join
	for i := len(joins.Keys) - 1; i >= 0; i-- { // PostgreSQL updates no row twice in one statement; the last one counts
		if k := joins.Keys[i]; !seen[k.Key] {
			seen[k.Key] = true
			keys = append(keys, k)
		}
	}
	if err := d.insertMany(ctx, tx, `INSERT INTO joins (key, episode, day) VALUES `, ` ON CONFLICT (key) DO UPDATE SET episode=excluded.episode, day=excluded.day`,
		3, len(keys), func(i int, a []any) []any { return append(a, keys[i].Key, keys[i].Episode, joins.Day) }); err != nil {
		return err
	}
	return forParts(joins.Folded, func(part []any) error {
		list := in(1, len(part))
		for _, q := range []string{`DELETE FROM raw WHERE episode IN `, `DELETE FROM outbound WHERE episode IN `, `DELETE FROM bodies WHERE episode IN `, `DELETE FROM episodes WHERE id IN `} {
			if _, err := tx.ExecContext(ctx, q+list, part...); err != nil {
				return err
			}
		}
		return nil
	})
}
