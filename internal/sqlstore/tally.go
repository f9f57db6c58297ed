// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// changing is a transaction that changes outbound, and the only way to do so: it keeps the tallies.
type changing struct {
	*sql.Tx
	seq     int64 // of the last row
	tallies map[tally]int64
}

type tally struct{ recipient, state, level, what string }

// What is tallied beside what was found.
const (
	tallyRecords = "records"
	tallyBytes   = "bytes"
	tallyFlagged = "flagged"
	tallyFound   = "found "
)

// change runs f in a transaction that may change outbound. Such follow one another, on PostgreSQL too, because each writes
// the one row of outbound_turn first: what f counts is what it then changes.
func (d *DB) change(ctx context.Context, f func(*changing) error) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		c := &changing{Tx: tx, tallies: map[tally]int64{}}
		if err := tx.QueryRowContext(ctx, `UPDATE outbound_turn SET n=n+1 WHERE one=1 RETURNING n`).Scan(&c.seq); err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
		return c.store(ctx)
	})
}

// store writes down what has changed.
func (c *changing) store(ctx context.Context) error {
	if _, err := c.ExecContext(ctx, `UPDATE outbound_turn SET n=$1 WHERE one=1`, c.seq); err != nil {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(c.tallies), func(a, b tally) int {
		return strings.Compare(a.recipient+a.state+a.level+a.what, b.recipient+b.state+b.level+b.what)
	})
	for _, k := range keys {
		if n := c.tallies[k]; n != 0 {
			if _, err := c.ExecContext(ctx, `INSERT INTO tallies (recipient, state, level, what, n) VALUES ($1,$2,$3,$4,$5)
 ON CONFLICT (recipient, state, level, what) DO UPDATE SET n=tallies.n+excluded.n`, k.recipient, k.state, k.level, k.what, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// part is rows that count alike.
type part struct {
	recipient, state, level, found string
	records, bytes, flagged        int64
}

// add counts a part in the state that it is in now; sign is -1 where it is no longer.
func (c *changing) add(p part, state string, sign int64) error {
	key := func(what string) tally { return tally{p.recipient, state, p.level, what} }
	c.tallies[key(tallyRecords)] += sign * p.records
	c.tallies[key(tallyBytes)] += sign * p.bytes
	c.tallies[key(tallyFlagged)] += sign * p.flagged
	found, err := decodeFound(p.found)
	for kind, n := range found {
		c.tallies[key(tallyFound+kind)] += sign * p.records * int64(n)
	}
	return err
}

func encodeFound(found map[string]int) string {
	if len(found) == 0 {
		return ""
	}
	b, err := json.Marshal(found)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(b)
}

func decodeFound(s string) (found map[string]int, err error) {
	if s == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(s), &found); err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	return found, nil
}

// parts counts the rows that a condition holds for.
func (c *changing) parts(ctx context.Context, where string, args ...any) ([]part, error) {
	rows, err := c.QueryContext(ctx, `SELECT recipient, state, level, found, COUNT(*), SUM(bytes), SUM(CASE WHEN rank < 0 THEN 1 ELSE 0 END) FROM outbound
 WHERE `+where+` GROUP BY recipient, state, level, found`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []part
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.recipient, &p.state, &p.level, &p.found, &p.records, &p.bytes, &p.flagged); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// said is a state that rows come into, by whom and why; without By it stays noted who decided before.
type said struct {
	state, by, note string
	at              time.Time
}

// move brings the rows for which a condition holds into a state, out of any bundle, and returns how many.
func (c *changing) move(ctx context.Context, to said, where string, args ...any) (n int64, err error) {
	list, err := c.parts(ctx, where, args...)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	for _, p := range list {
		if err := c.add(p, p.state, -1); err != nil {
			return 0, err
		}
		if err := c.add(p, to.state, 1); err != nil {
			return 0, err
		}
		n += p.records
	}
	k := len(args)
	set := fmt.Sprintf(`state=$%d, note=$%d, moved=$%d, bundle=''`, k+1, k+2, k+3)
	args = append(slices.Clone(args), to.state, to.note, c.seq)
	if to.by != "" {
		set += fmt.Sprintf(`, decided_by=$%d, decided_at=$%d`, k+4, k+5)
		args = append(args, to.by, micros(to.at))
	}
	r, err := c.ExecContext(ctx, `UPDATE outbound SET `+set+` WHERE `+where, args...)
	return n, asMany(r, n, err)
}

// asMany makes sure that what was changed is what was counted.
func asMany(r sql.Result, n int64, err error) error {
	if err != nil {
		return err
	}
	if k, err := r.RowsAffected(); err != nil || k != n {
		return fmt.Errorf("%d rows of outbound were counted and %d changed: %w", n, k, err)
	}
	return nil
}

// drop deletes the rows for which a condition holds, with their bodies.
func (c *changing) drop(ctx context.Context, where string, args ...any) error {
	list, err := c.parts(ctx, where, args...)
	if err != nil || len(list) == 0 {
		return err
	}
	var n int64
	for _, p := range list {
		if err := c.add(p, p.state, -1); err != nil {
			return err
		}
		n += p.records
	}
	if _, err := c.ExecContext(ctx, `DELETE FROM bodies WHERE (episode, revision, recipient) IN (SELECT outbound.episode, outbound.revision, outbound.recipient FROM outbound WHERE `+where+`)`, args...); err != nil {
		return err
	}
	r, err := c.ExecContext(ctx, `DELETE FROM outbound WHERE `+where, args...)
	return asMany(r, n, err)
}

// insert adds rows, with their bodies. A row of the same episode, revision and recipient must not be there: who has an
// episode screened again raises its revision.
func (d *DB) insertOutbound(ctx context.Context, c *changing, out []*OutboundRow) error {
	if err := d.insertMany(ctx, c.Tx, `INSERT INTO bodies (episode, revision, recipient, body) VALUES `, ``,
		4, len(out), func(i int, a []any) []any {
			return append(a, out[i].Episode, out[i].Revision, out[i].Recipient, out[i].Body)
		}); err != nil {
		return err
	}
	for _, o := range out {
		c.seq++
		o.Seq = c.seq
		if err := c.add(o.part(), o.State, 1); err != nil {
			return err
		}
	}
	return d.insertMany(ctx, c.Tx, `INSERT INTO outbound (`+outboundCols+`) VALUES `, ``,
		20, len(out), func(i int, a []any) []any {
			o := out[i]
			return append(a, o.Episode, o.Revision, o.Recipient, o.Kind, o.Digest, o.Level, o.Rule, o.Findings, o.State, o.DecidedBy,
				micros(o.DecidedAt), o.Bundle, micros(o.CreatedAt), len(o.Body), o.Seq, -int64(o.Risk), o.Why, encodeFound(o.Found), o.Note, o.Audited)
		})
}
