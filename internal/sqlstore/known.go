// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
)

// Name is something that records have in common with others.
type Name struct{ What, Name string }

// Known returns in how many records each of names has been seen; those never seen are not in it.
func (d *DB) Known(ctx context.Context, names []Name) (map[Name]int, error) {
	byWhat := map[string][]string{}
	for _, n := range names {
		byWhat[n.What] = append(byWhat[n.What], n.Name)
	}
	out := map[Name]int{}
	for what, names := range byWhat {
		err := forParts(names, func(part []any) error {
			list, err := counts(ctx, d.read, `SELECT name, n FROM known WHERE what=$1 AND name IN `+in(2, len(part)), append([]any{what}, part...)...)
			for _, c := range list {
				out[Name{what, c.Key}] = c.N
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addKnown counts the names of records that were stored.
func (d *DB) addKnown(ctx context.Context, tx *sql.Tx, out []*OutboundRow) error {
	n := map[Name]int{}
	for _, o := range out {
		for _, name := range o.Names {
			n[name]++
		}
	}
	keys := slices.SortedFunc(maps.Keys(n), func(a, b Name) int { return strings.Compare(a.What+" "+a.Name, b.What+" "+b.Name) })
	return d.insertMany(ctx, tx, `INSERT INTO known (what, name, n) VALUES `, ` ON CONFLICT (what, name) DO UPDATE SET n=known.n+excluded.n`,
		3, len(keys), func(i int, a []any) []any { return append(a, keys[i].What, keys[i].Name, n[keys[i]]) })
}
