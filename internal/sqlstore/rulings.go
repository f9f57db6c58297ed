// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Ruling is what a person says to rows that wait or are held.
type Ruling struct {
	Who, Recipient string
	State          string // approved, refused, held; waiting releases what is held
	Note           string // why it is held
	At             time.Time
	// Digests name the rows; nil is all that wait.
	Digests []string
	// Last is what [DB.Tallies] called the last row when the person looked: what has come since, or into another state, is not
	// decided on. 0: no such bound.
	Last int64
	// Plain, where all that wait are meant, is those without a reason to look.
	Plain bool
}

// Decide carries out a ruling, with what it means for what comes of the same episodes later, and returns how many rows it
// moved, or, where it would be noted and moved none, ErrChanged: what is approved needs nobody to look again, what is held or refused leaves by no rule.
func (d *DB) Decide(ctx context.Context, r Ruling) (n int64, err error) {
	from := `state IN ('waiting','held')`
	switch r.State {
	case OutApproved, OutRefused, OutHeld:
	case OutWaiting:
		from = `state='held'`
	default:
		return 0, fmt.Errorf("decide: %q is not a decision", r.State)
	}
	err = d.change(ctx, func(tx *changing) error {
		if r.Digests != nil {
			err = forParts(r.Digests, func(part []any) error {
				where, args := from+` AND recipient=$1`, []any{r.Recipient}
				if r.Last > 0 {
					where, args = where+` AND seq <= $2 AND moved <= $2`, append(args, r.Last)
				}
				k, err := tx.decide(ctx, r, where+` AND digest IN `+in(len(args)+1, len(part)), append(args, part...)...)
				n += k
				return err
			})
			return cmp.Or(err, d.nothing(n))
		}
		where, args := `state='waiting' AND recipient=$1`, []any{r.Recipient}
		if r.Last > 0 {
			args = append(args, r.Last)
			where += ` AND seq <= $2 AND moved <= $2`
		}
		if r.Plain {
			where += ` AND rank >= 0`
		}
		n, err = tx.decide(ctx, r, where, args...)
		return cmp.Or(err, d.nothing(n))
	})
	return n, err
}

// nothing undoes, where there is something to note, what moved no row: it is not noted.
func (d *DB) nothing(n int64) error {
	if n == 0 && len(d.notes) > 0 {
		return ErrChanged
	}
	return nil
}

// decide rules on the rows for which a condition holds.
func (c *changing) decide(ctx context.Context, r Ruling, where string, args ...any) (int64, error) {
	// Before the rows move: the condition names them by their state.
	if err := c.remember(ctx, r, where, args); err != nil {
		return 0, err
	}
	to := said{state: r.State, by: r.Who, at: r.At}
	var drawn []string // rules of whose records one was drawn to be looked at, and is refused
	switch r.State {
	case OutHeld:
		to.note = r.Note
	case OutRefused:
		var err error
		if drawn, err = idsOf(ctx, c.Tx, `SELECT DISTINCT rule FROM outbound WHERE audited AND `+where, args...); err != nil {
			return 0, err
		}
	}
	n, err := c.move(ctx, to, where, args...)
	if err != nil {
		return 0, err
	}
	return n, c.stopRules(ctx, r, drawn)
}

// remember keeps, or forgets, that nothing more of these episodes leaves by a rule.
func (c *changing) remember(ctx context.Context, r Ruling, where string, args []any) error {
	why := r.Note
	switch r.State {
	case OutApproved, OutWaiting:
		var some bool
		if err := c.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM held)`).Scan(&some); err != nil || !some {
			return err
		}
		_, err := c.ExecContext(ctx, `DELETE FROM held WHERE episode IN (SELECT episode FROM outbound WHERE `+where+`)`, args...)
		return err
	case OutRefused:
		why = "refused by " + r.Who
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf(`INSERT INTO held (episode, why) SELECT DISTINCT episode, CAST($%d AS TEXT) FROM outbound WHERE %s
 ON CONFLICT (episode) DO UPDATE SET why=excluded.why`, len(args)+1, where), append(args[:len(args):len(args)], why)...)
	return err
}

// holdBack holds what is to leave of episodes that a person holds, or has to look at again.
func holdBack(ctx context.Context, tx *sql.Tx, out []*OutboundRow) error {
	var some bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM held)`).Scan(&some); err != nil || !some {
		return err
	}
	ids := make([]string, len(out))
	for i, o := range out {
		ids[i] = o.Episode
	}
	held := map[string]string{}
	err := forParts(ids, func(part []any) error {
		rows, err := tx.QueryContext(ctx, `SELECT episode, why FROM held WHERE episode IN `+in(1, len(part)), part...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, why string
			if err := rows.Scan(&id, &why); err != nil {
				return err
			}
			held[id] = why
		}
		return rows.Err()
	})
	for _, o := range out {
		if why := held[o.Episode]; why != "" && o.State != OutAsked { // without its developer's yes nobody can let it go
			o.State, o.DecidedBy, o.Note = OutHeld, why, why
		}
	}
	return err
}
