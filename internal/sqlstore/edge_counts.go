// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// CountedRow is what may be counted of an episode for a recipient, until its period is over.
type CountedRow struct {
	Recipient, Episode, Developer, Rule string
	StartedAt, CountedAt                time.Time
	Body                                []byte // what is counted of it, as an episode
}

// recount puts what may be counted of screened episodes in the place of what was counted of them before.
func (d *DB) recount(ctx context.Context, tx *sql.Tx, answers []Screened) error {
	var rows []CountedRow
	for _, s := range answers {
		if !s.Recounted {
			continue
		}
		if s.Revision > 1 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM counted WHERE episode=$1`, s.ID); err != nil {
				return err
			}
		}
		rows = append(rows, s.Counted...)
	}
	return d.insertMany(ctx, tx, `INSERT INTO counted (recipient, episode, developer, rule, started_at, counted_at, body) VALUES `,
		` ON CONFLICT (episode, recipient) DO UPDATE SET developer=excluded.developer, rule=excluded.rule, started_at=excluded.started_at, counted_at=excluded.counted_at, body=excluded.body`,
		7, len(rows), func(i int, a []any) []any {
			c := &rows[i]
			return append(a, c.Recipient, c.Episode, c.Developer, c.Rule, micros(c.StartedAt), micros(c.CountedAt), c.Body)
		})
}

// OldestCounted is when the oldest of what may be counted for a recipient, or for any where none is named, began, or ErrNotFound.
func (d *DB) OldestCounted(ctx context.Context, recipient string) (time.Time, error) {
	var at sql.NullInt64
	if err := d.read.QueryRowContext(ctx, `SELECT MIN(started_at) FROM counted WHERE $1='' OR recipient=$1`, recipient).Scan(&at); err != nil {
		return time.Time{}, err
	}
	if !at.Valid {
		return time.Time{}, ErrNotFound
	}
	return fromMicros(at.Int64), nil
}

// mayCount are the rows that may be counted for a recipient ($1) of a time (from $2 to before $3). What was vetoed, taken back or waits
// to be screened again is not among them, nor what is of a developer who has said anything since.
const mayCount = ` FROM counted c JOIN episodes e ON e.id=c.episode WHERE c.recipient=$1 AND c.started_at>=$2 AND c.started_at<$3
 AND e.state IN ('ready','kept') AND NOT EXISTS (SELECT 1 FROM preferences p WHERE p.developer=c.developer AND p.set_at>=c.counted_at)`

// CountedOf hands over what may be counted for a recipient of the time from start to before end, and by which rule, and says how much
// it was.
func (d *DB) CountedOf(ctx context.Context, recipient string, start, end time.Time, one func(rule string, body []byte) error) (n int, err error) {
	rows, err := d.read.QueryContext(ctx, `SELECT c.rule, c.body`+mayCount, recipient, micros(start), micros(end))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var rule string
		var body []byte
		if err := rows.Scan(&rule, &body); err != nil {
			return n, err
		}
		if err := one(rule, body); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

// ForgetCounted forgets what might have been counted for a recipient, or for all where none is named, and began before a time.
func (d *DB) ForgetCounted(ctx context.Context, recipient string, before time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return forgetCounted(ctx, tx, recipient, before) })
}

func forgetCounted(ctx context.Context, tx *sql.Tx, recipient string, before time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM counted WHERE ($1='' OR recipient=$1) AND started_at<$2`, recipient, micros(before))
	return err
}

// States of counts.
const (
	CountsMade    = "made"
	CountsSent    = "sent"
	CountsRefused = "refused" // by the hub
	CountsSpent   = "spent"   // the budget: none were made
	CountsBack    = "back"    // taken back
)

// CountsRow is what a recipient is told of a period.
type CountsRow struct {
	Recipient, Period string
	ID                string // digest of the envelope; empty where none was made, or it is not signed yet
	Envelope          []byte
	State, Note       string
	MadeAt, SentAt    time.Time
}

// SaveCounts stores what a recipient is told of a period, from start to before end, once, and forgets what it was made of, in one
// commit. ErrChanged says that not all of what it was made of may still be counted: then nothing is stored.
func (d *DB) SaveCounts(ctx context.Context, c CountsRow, start, end time.Time, of int) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		// First it is taken out of everybody's reach: who takes it back meanwhile waits, or came first.
		r, err := tx.ExecContext(ctx, `DELETE FROM counted WHERE recipient=$1 AND episode IN (SELECT c.episode`+mayCount+`)`, c.Recipient, micros(start), micros(end))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		if n != int64(of) {
			return ErrChanged
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO counts (recipient, period, id, envelope, state, note, made_at, sent_at) VALUES ($1,$2,$3,$4,$5,$6,$7,0)
 ON CONFLICT (recipient, period) DO NOTHING`, c.Recipient, c.Period, c.ID, c.Envelope, c.State, c.Note, micros(c.MadeAt)); err != nil {
			return err
		}
		return forgetCounted(ctx, tx, c.Recipient, end)
	})
}

// SignCounts puts other counts, signed, in the place of those that wait with the id was. ErrChanged says that they are not to be told
// any more.
func (d *DB) SignCounts(ctx context.Context, was string, c CountsRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE counts SET id=$1, envelope=$2 WHERE recipient=$3 AND period=$4 AND state=$5 AND id=$6`, c.ID, c.Envelope, c.Recipient, c.Period, CountsMade, was)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

// MoveCounts says what became of counts that were made. ErrChanged says that they are not to be told any more.
func (d *DB) MoveCounts(ctx context.Context, c CountsRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE counts SET state=$1, note=$2, sent_at=$3 WHERE recipient=$4 AND period=$5 AND state=$6`, c.State, c.Note, micros(c.SentAt), c.Recipient, c.Period, CountsMade)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

// Counts returns what a recipient was told, or all where none is named, newest first.
func (d *DB) Counts(ctx context.Context, recipient string) ([]CountsRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c CountsRow, err error) {
		var made, sent int64
		err = r.Scan(&c.Recipient, &c.Period, &c.ID, &c.Envelope, &c.State, &c.Note, &made, &sent)
		c.MadeAt, c.SentAt = fromMicros(made), fromMicros(sent)
		return c, err
	}, `SELECT recipient, period, id, envelope, state, note, made_at, sent_at FROM counts WHERE $1='' OR recipient=$1 ORDER BY made_at DESC, recipient, period DESC`, recipient)
}

// takeCountsBack says that all counts are taken back, and forgets what may be counted. ErrChanged says that there are more than the
// withdrawal names.
func takeCountsBack(ctx context.Context, tx *sql.Tx, named int) error {
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM counts WHERE state IN ($1,$2)`, CountsMade, CountsSent).Scan(&n); err != nil {
		return err
	}
	if n != named {
		return ErrChanged
	}
	if _, err := tx.ExecContext(ctx, `UPDATE counts SET state=$1 WHERE state IN ($2,$3)`, CountsBack, CountsMade, CountsSent); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM counted`)
	return err
}
