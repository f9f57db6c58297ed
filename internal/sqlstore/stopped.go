// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// StoppedRule is a rule that approves nothing until a steward says so.
type StoppedRule struct {
	Recipient, Rule, Why string
	At                   time.Time
}

// StoppedRules returns those of a recipient.
func (d *DB) StoppedRules(ctx context.Context, recipient string) ([]StoppedRule, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (s StoppedRule, err error) {
		var at int64
		err = r.Scan(&s.Recipient, &s.Rule, &s.Why, &at)
		s.At = fromMicros(at)
		return s, err
	}, `SELECT recipient, rule, why, at FROM stopped_rules WHERE recipient=$1 ORDER BY rule`, recipient)
}

// StartRule lets a rule approve again; what waits meanwhile waits on. ErrChanged says that it was
// not stopped.
func (d *DB) StartRule(ctx context.Context, recipient, rule string) error {
	return d.change(ctx, func(tx *changing) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM stopped_rules WHERE recipient=$1 AND rule=$2`, recipient, rule)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

// anyRow makes ErrChanged of a statement that found no row: what it would have done was done, and nothing is noted.
func anyRow(r sql.Result) error {
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return ErrChanged
}

// ByRule is who approved what a rule lets go by itself.
func ByRule(rule string) string { return "rule " + rule }

// stopRules stops rules of whose records one was drawn and refused: what they have approved and has not been packed waits
// for a person.
func (c *changing) stopRules(ctx context.Context, r Ruling, rules []string) error {
	for _, rule := range rules {
		why := "a record that was drawn to be looked at was refused by " + r.Who
		if _, err := c.ExecContext(ctx, `INSERT INTO stopped_rules (recipient, rule, why, at) VALUES ($1,$2,$3,$4) ON CONFLICT (recipient, rule) DO NOTHING`,
			r.Recipient, rule, why, micros(r.At)); err != nil {
			return err
		}
		if _, err := c.move(ctx, said{state: OutWaiting, by: "rule " + rule + " was stopped", at: r.At},
			`state='approved' AND recipient=$1 AND rule=$2 AND decided_by=$3`, r.Recipient, rule, ByRule(rule)); err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `UPDATE outbound SET decided_by='' WHERE state='asked' AND recipient=$1 AND rule=$2`, r.Recipient, rule); err != nil {
			return err
		}
	}
	return nil
}

// stopBack makes wait what stopped rules have approved.
func stopBack(ctx context.Context, tx *sql.Tx, out []*OutboundRow) error {
	rows, err := tx.QueryContext(ctx, `SELECT recipient, rule FROM stopped_rules`)
	if err != nil {
		return err
	}
	defer rows.Close()
	stopped := map[[2]string]bool{}
	for rows.Next() {
		var k [2]string
		if err := rows.Scan(&k[0], &k[1]); err != nil {
			return err
		}
		stopped[k] = true
	}
	for _, o := range out {
		if !stopped[[2]string{o.Recipient, o.Rule}] || o.DecidedBy != ByRule(o.Rule) {
			continue
		}
		if o.DecidedBy, o.DecidedAt = "", (time.Time{}); o.State == OutApproved {
			o.State = OutWaiting
		}
	}
	return rows.Err()
}
