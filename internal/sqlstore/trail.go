// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/headrace/headrace/internal/trail"
)

// Noting returns the same store, each of whose writes also puts these entries into the audit trail: in the commit of what
// they tell of, or not at all.
func (d *DB) Noting(entries ...trail.Entry) *DB {
	noting := *d
	noting.notes = entries
	return &noting
}

// Note puts entries into the audit trail that tell of no change: a look, a refusal.
func (d *DB) Note(ctx context.Context, entries ...trail.Entry) error {
	return d.Noting(entries...).tx(ctx, func(*sql.Tx) error { return nil })
}

// Audit notes who did what to what, where nothing in the store changes by it.
func (d *DB) Audit(ctx context.Context, at time.Time, who, what, subject string) error {
	return d.Note(ctx, trail.Entry{At: at, Who: who, What: what, Subject: subject})
}

// Noted says that there are new rows in the audit trail. One reader may wait for it.
func (d *DB) Noted() <-chan struct{} { return d.noted }

// own names the trail's tables in q as they are called: with the role before them, because a PostgreSQL database may be shared.
func (r Role) own(q string) string { return strings.ReplaceAll(q, "TRAIL", string(r)+"_trail") }

// appendTrail makes rows of entries. It comes last in its transaction: the row of the head is held until the commit, so that
// rows follow each other on PostgreSQL, too, and who holds it waits for nothing.
func (role Role) appendTrail(ctx context.Context, tx *sql.Tx, entries []trail.Entry) error {
	var r trail.Row
	err := tx.QueryRowContext(ctx, role.own(`UPDATE TRAIL_head SET seq=seq+$1 WHERE id=1 RETURNING seq, hash`), len(entries)).Scan(&r.Seq, &r.Hash)
	if err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	r.Seq -= int64(len(entries))
	for _, e := range entries {
		r = trail.Next(r.Seq, r.Hash, e)
		if _, err := tx.ExecContext(ctx, role.own(`INSERT INTO TRAIL (seq, at, who, role, what, subject, hash) VALUES ($1,$2,$3,$4,$5,$6,$7)`),
			r.Seq, r.At.UnixMicro(), r.Who, r.Role, r.What, r.Subject, r.Hash); err != nil {
			return fmt.Errorf("audit trail: %w", err)
		}
	}
	if _, err = tx.ExecContext(ctx, role.own(`UPDATE TRAIL_head SET hash=$1 WHERE id=1`), r.Hash); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	return nil
}

// TrailHead returns how far the audit trail has come, as the store itself says.
func (d *DB) TrailHead(ctx context.Context) (h trail.Head, err error) {
	var at int64
	err = d.read.QueryRowContext(ctx, d.role.own(`SELECT h.seq, h.hash, COALESCE(t.at, 0) FROM TRAIL_head h LEFT JOIN TRAIL t ON t.seq=h.seq WHERE h.id=1`)).Scan(&h.Seq, &h.Hash, &at)
	h.At = time.UnixMicro(at).UTC()
	return h, err
}

// Trail returns rows, newest first.
func (d *DB) Trail(ctx context.Context, f trail.Filter) ([]trail.Row, error) {
	where, args := []string{"1=1"}, []any{}
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf("%s$%d", cond, len(args)))
	}
	if f.Who != "" {
		add("who=", f.Who)
	}
	if f.What != "" {
		add("what=", f.What)
	}
	if !f.From.IsZero() {
		add("at>=", f.From.UnixMicro())
	}
	if !f.Before.IsZero() {
		add("at<", f.Before.UnixMicro())
	}
	if f.Below > 0 {
		add("seq<", f.Below)
	}
	args = append(args, f.Limit)
	return rowsOf(ctx, d.read, scanTrail, fmt.Sprintf(d.role.own(`SELECT `+trailCols+` FROM TRAIL WHERE %s ORDER BY seq DESC LIMIT $%d`), strings.Join(where, " AND "), len(args)), args...)
}

// TrailWords returns the names and the actions that are in the audit trail, to choose from.
func (d *DB) TrailWords(ctx context.Context) (who, what []string, err error) {
	word := func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }
	if who, err = rowsOf(ctx, d.read, word, d.role.own(`SELECT DISTINCT who FROM TRAIL ORDER BY who`)); err != nil {
		return nil, nil, err
	}
	what, err = rowsOf(ctx, d.read, word, d.role.own(`SELECT DISTINCT what FROM TRAIL ORDER BY what`))
	return who, what, err
}

const trailCols = `seq, at, who, role, what, subject, hash`

func scanTrail(r *sql.Rows) (t trail.Row, err error) {
	var at int64
	err = r.Scan(&t.Seq, &at, &t.Who, &t.Role, &t.What, &t.Subject, &t.Hash)
	t.At = time.UnixMicro(at).UTC()
	return t, err
}

// trailPart is how many rows of the audit trail are read at once.
const trailPart = 5000

// TrailAfter yields the rows after the one numbered seq, oldest first.
func (d *DB) TrailAfter(ctx context.Context, seq int64) iter.Seq2[trail.Row, error] {
	return func(yield func(trail.Row, error) bool) {
		for {
			rows, err := rowsOf(ctx, d.read, scanTrail, d.role.own(`SELECT `+trailCols+` FROM TRAIL WHERE seq>$1 ORDER BY seq LIMIT $2`), seq, trailPart)
			if err != nil {
				yield(trail.Row{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
				seq = r.Seq
			}
			if len(rows) < trailPart {
				return
			}
		}
	}
}

// TrailSent returns the last row that was handed on to a syslog server, as far as it is known; number 0 for none.
func (d *DB) TrailSent(ctx context.Context, server string) (h trail.Head, err error) {
	err = d.read.QueryRowContext(ctx, d.role.own(`SELECT seq, hash FROM TRAIL_sent WHERE server=$1`), server).Scan(&h.Seq, &h.Hash)
	if err == sql.ErrNoRows {
		err = nil
	}
	return h, err
}

// SetTrailSent keeps it.
func (d *DB) SetTrailSent(ctx context.Context, server string, last trail.Head) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, d.role.own(`INSERT INTO TRAIL_sent (server, seq, hash) VALUES ($1,$2,$3) ON CONFLICT (server) DO UPDATE SET seq=excluded.seq, hash=excluded.hash`), server, last.Seq, last.Hash)
		return err
	})
}

// chainAudit is the migration that makes a trail of the rows an edge had before there was one.
func chainAudit(version int64) *goose.Migration {
	return goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT at, who, what, subject FROM audit ORDER BY at, id`)
		if err != nil {
			return err
		}
		var list []trail.Entry
		for rows.Next() {
			var e trail.Entry
			var at int64
			if err := rows.Scan(&at, &e.Who, &e.What, &e.Subject); err != nil {
				rows.Close()
				return err
			}
			e.At = fromMicros(at)
			list = append(list, e)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(list) > 0 {
			err = RoleEdge.appendTrail(ctx, tx, list)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DROP TABLE audit`)
		}
		return err
	}}, nil)
}
