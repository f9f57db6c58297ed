// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Scope says which episodes a withdrawal takes back: those for which all that is given holds, and none where nothing is.
type Scope struct {
	Records                        []string // ids of episodes
	Session, Developer, Repository string
	From, Before                   time.Time // of their start
	All                            bool
}

// episodes is a query for the ids of a scope's episodes, with its parameters numbered from k on.
func (s Scope) episodes(k int) (string, []any) {
	var where []string
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf("%s$%d", cond, k+len(args)-1))
	}
	if len(s.Records) > 0 {
		where = append(where, "id IN "+in(k, len(s.Records)))
		args = anys(s.Records)
	}
	for _, c := range [][2]string{{"session", s.Session}, {"developer", s.Developer}, {"repository", s.Repository}} {
		if c[1] != "" {
			add(c[0]+"=", c[1])
		}
	}
	if !s.From.IsZero() {
		add("started_at>=", micros(s.From))
	}
	if !s.Before.IsZero() {
		add("started_at<", micros(s.Before))
	}
	if len(where) == 0 && !s.All {
		where = append(where, "1=0") // a scope that says nothing takes nothing
	}
	q := `SELECT id FROM episodes`
	if len(where) > 0 {
		q += ` WHERE ` + strings.Join(where, " AND ")
	}
	return q, args
}

// wasSent is true of a packed row that has left, or may have: once a bundle was tried to be sent, nobody knows how much of
// it arrived.
const wasSent = ` state='packed' AND EXISTS (SELECT 1 FROM bundles WHERE bundles.id=outbound.bundle AND sent_at > 0)`

// Sent is one record that left.
type Sent struct {
	Episode           string
	Revision          int
	Recipient, Bundle string
}

// SentOf returns what has left of a scope, for every recipient.
func (d *DB) SentOf(ctx context.Context, s Scope) ([]Sent, error) {
	q, args := s.episodes(1)
	return rowsOf(ctx, d.read, func(r *sql.Rows) (s Sent, err error) {
		return s, r.Scan(&s.Episode, &s.Revision, &s.Recipient, &s.Bundle)
	},
		`SELECT episode, revision, recipient, bundle FROM outbound WHERE`+wasSent+` AND episode IN (`+q+`) ORDER BY recipient, episode, revision`, args...)
}

// UnsentOf counts what of a scope may leave still: waiting, held or approved, or in a bundle of which nothing has left.
func (d *DB) UnsentOf(ctx context.Context, s Scope) (waiting, packed int, err error) {
	q, args := s.episodes(1)
	list, err := counts(ctx, d.read, `SELECT state, COUNT(*) FROM outbound WHERE state IN ('asked','waiting','held','approved','packed') AND NOT (`+wasSent+`) AND episode IN (`+q+`) GROUP BY state`, args...)
	for _, c := range list {
		if c.Key == OutPacked {
			packed += c.N
		} else {
			waiting += c.N
		}
	}
	return waiting, packed, err
}

// HeldAt counts what a recipient holds: records that have left to it and are not taken back, and withdrawals that it has not certified.
func (d *DB) HeldAt(ctx context.Context, recipient string) (n int, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM outbound WHERE`+wasSent+` AND recipient=$1 AND NOT EXISTS (SELECT 1 FROM episodes WHERE id=outbound.episode AND episodes.state='withdrawn')) +
 (SELECT COUNT(*) FROM withdrawals WHERE recipient=$1 AND state<>'certified')`, recipient).Scan(&n)
	return n, err
}

// Sending says that a bundle is about to be sent: from this commit on it counts as having left. ErrChanged says that it was
// stopped meanwhile.
func (d *DB) Sending(ctx context.Context, bundle string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE bundles SET sent_at=$1 WHERE id=$2`, micros(now), bundle)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return ErrChanged
	})
}

// Unpack undoes a bundle that the hub has not: its records are approved as before, but those of episodes that were taken back or
// held since they were packed.
func (d *DB) Unpack(ctx context.Context, bundle string) error {
	return d.change(ctx, func(tx *changing) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM bundles WHERE state='packed' AND id=$1`, bundle); err != nil {
			return err
		}
		return tx.unpacked(ctx, bundle)
	})
}

// unpacked gives the rows of a bundle that is no more the state that they would have without it.
func (c *changing) unpacked(ctx context.Context, bundle string) error {
	const of = `state='packed' AND bundle=$1`
	if _, err := c.move(ctx, said{state: OutRefused, by: "taken back"}, of+` AND episode IN (SELECT id FROM episodes WHERE state IN ('withdrawn','vetoed'))`, bundle); err != nil {
		return err
	}
	if _, err := c.move(ctx, said{state: OutHeld, by: "held"}, of+` AND episode IN (SELECT episode FROM held)`, bundle); err != nil {
		return err
	}
	_, err := c.move(ctx, said{state: OutApproved}, of, bundle)
	return err
}

// WithdrawalRow is a withdrawal as the edge asked for it.
type WithdrawalRow struct {
	ID, Scope, Recipient  string
	Records               int
	State                 string // unsigned, asked, certified
	Unsigned              bool   // Envelope is what is to be signed, and ID its digest
	RequestedBy           string
	RequestedAt           time.Time
	Envelope, Certificate []byte
}

// Asked is a scope that is taken back, by whom, and the signed withdrawals of what has left of it: none where nothing has.
type Asked struct {
	Scope Scope
	Sent  int // records that had left when the withdrawals were made
	// Counts is how many counts are taken back with everything.
	Counts int
	By     string
	At     time.Time
	Rows   []WithdrawalRow
	// Unsigned is why some of the rows are not signed.
	Unsigned error
}

// AskWithdrawal journals withdrawals before they are sent, keeps back what has not left yet, and marks the episodes, in one
// commit. It returns the bundles that it stopped: they are no more, and their other records wait to be packed again.
// ErrChanged says that more left meanwhile: make it again.
func (d *DB) AskWithdrawal(ctx context.Context, a Asked) (stopped []string, err error) {
	err = d.change(ctx, func(tx *changing) error {
		// Keep back first, then stop, then count: on PostgreSQL a record that is packed or sent in between is then in the count.
		if err := keepBack(ctx, tx, a, EpisodeWithdrawn, "withdrawn by "+a.By); err != nil {
			return err
		}
		var err error
		if stopped, err = stopBundles(ctx, tx, a); err != nil {
			return err
		}
		q, args := a.Scope.episodes(1)
		var left int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbound WHERE`+wasSent+` AND episode IN (`+q+`)`, args...).Scan(&left); err != nil {
			return err
		}
		if left != a.Sent {
			return ErrChanged // more left while the withdrawal was made
		}
		if a.Scope.All {
			if err := takeCountsBack(ctx, tx.Tx, a.Counts); err != nil {
				return err
			}
		}
		for _, w := range a.Rows {
			state := withdrawalAsked
			if w.Unsigned {
				state = withdrawalUnsigned
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO withdrawals (id, scope, recipient, records, state, requested_by, requested_at, envelope)
 VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT (id) DO NOTHING`, w.ID, w.Scope, w.Recipient, w.Records, state, w.RequestedBy, micros(w.RequestedAt), w.Envelope); err != nil {
				return err
			}
		}
		return nil
	})
	return stopped, err
}

const (
	withdrawalUnsigned = "unsigned"
	withdrawalAsked    = "asked"
)

// SignWithdrawal puts the signed withdrawal in the place of the one that was not. The same may have been asked again and signed
// meanwhile: then it is there once.
func (d *DB) SignWithdrawal(ctx context.Context, was string, w WithdrawalRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE withdrawals SET id=$2, envelope=$3, state=$4 WHERE id=$1 AND NOT EXISTS (SELECT 1 FROM withdrawals WHERE id=$2)`,
			was, w.ID, w.Envelope, withdrawalAsked); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM withdrawals WHERE id=$1`, was)
		return err
	})
}

// keepBack brings a scope's episodes into a state and keeps what waits of them from leaving. The episodes come first: what is being
// screened is then either refused here or not stored there.
func keepBack(ctx context.Context, tx *changing, a Asked, state, note string) error {
	q, args := a.Scope.episodes(3)
	if _, err := tx.ExecContext(ctx, `UPDATE episodes SET state=$1, note=$2 WHERE id IN (`+q+`)`, append([]any{state, note}, args...)...); err != nil {
		return err
	}
	q, args = a.Scope.episodes(1)
	_, err := tx.move(ctx, said{state: OutRefused, by: a.By, at: a.At}, `state IN ('asked','waiting','held','approved') AND episode IN (`+q+`)`, args...)
	return err
}

// stopBundles undoes the bundles that hold a scope's records and of which nothing has left.
func stopBundles(ctx context.Context, tx *changing, a Asked) ([]string, error) {
	stopped, err := tx.unpackUnsent(ctx, a.Scope)
	if err != nil || len(stopped) == 0 {
		return nil, err
	}
	q, args := a.Scope.episodes(1)
	_, err = tx.move(ctx, said{state: OutRefused, by: a.By, at: a.At}, `state='approved' AND episode IN (`+q+`)`, args...)
	return stopped, err
}

func idsOf(ctx context.Context, tx *sql.Tx, query string, args ...any) (ids []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// SaveExpiry stores what the hub erased by itself, with its certificate.
func (d *DB) SaveExpiry(ctx context.Context, w WithdrawalRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO withdrawals (id, scope, recipient, records, state, requested_by, requested_at, envelope, certificate)
 VALUES ($1,$2,$3,$4,'certified',$5,$6,$7,$8) ON CONFLICT (id) DO NOTHING`, w.ID, w.Scope, w.Recipient, w.Records, w.RequestedBy, micros(w.RequestedAt), w.Envelope, w.Certificate)
		return err
	})
}

// CertifyWithdrawal stores the hub's certificate.
func (d *DB) CertifyWithdrawal(ctx context.Context, id string, certificate []byte) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE withdrawals SET state='certified', certificate=$1 WHERE id=$2`, certificate, id)
		return err
	})
}

// Withdrawals returns all, oldest first.
func (d *DB) Withdrawals(ctx context.Context) ([]WithdrawalRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (w WithdrawalRow, err error) {
		var at int64
		err = r.Scan(&w.ID, &w.Scope, &w.Recipient, &w.Records, &w.State, &w.RequestedBy, &at, &w.Envelope, &w.Certificate)
		w.RequestedAt, w.Unsigned = fromMicros(at), w.State == withdrawalUnsigned
		return w, err
	}, `SELECT id, scope, recipient, records, state, requested_by, requested_at, envelope, certificate FROM withdrawals ORDER BY requested_at, id`)
}
