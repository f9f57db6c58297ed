// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// DecisionRow is one decision of Headrace's own policy, as logged.
type DecisionRow struct {
	ID, Release, Developer string
	At                     time.Time
	Shown                  bool
	Propensity             float64 // of what was chosen
	Explore                bool
	Sealed                 []byte // what was asked and what could have been done
	Episode                string // by which it was closed; empty: it is open
	Told                   string // what a person said came of it: "taken" or "passed"; empty: nothing
}

// LogDecisions stores decisions and the number of the last spooled payload they came from, in one commit.
func (d *DB) LogDecisions(ctx context.Context, rows []DecisionRow, done uint64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		err := d.insertMany(ctx, tx, `INSERT INTO decisions (id, release, developer, at, shown, propensity, explore, sealed) VALUES `,
			` ON CONFLICT (id) DO NOTHING`, 8, len(rows), func(i int, a []any) []any {
				r := &rows[i]
				return append(a, r.ID, r.Release, r.Developer, micros(r.At), r.Shown, r.Propensity, r.Explore, r.Sealed)
			})
		if err != nil {
			return err
		}
		return setSpoolDone(ctx, tx, "decisions", done)
	})
}

const decisionColumns = `SELECT id, release, developer, at, shown, propensity, explore, sealed, episode, told FROM decisions `

func scanDecision(r *sql.Rows) (row DecisionRow, err error) {
	var at int64
	err = r.Scan(&row.ID, &row.Release, &row.Developer, &at, &row.Shown, &row.Propensity, &row.Explore, &row.Sealed, &row.Episode, &row.Told)
	row.At = fromMicros(at)
	return row, err
}

// Decision returns a logged decision, or ErrNotFound.
func (d *DB) Decision(ctx context.Context, id string) (DecisionRow, error) {
	return one(rowsOf(ctx, d.read, scanDecision, decisionColumns+`WHERE id = $1`, id))
}

// OpenDecisions returns up to n decisions that are open and were made before a time, the oldest first.
func (d *DB) OpenDecisions(ctx context.Context, before time.Time, n int) ([]DecisionRow, error) {
	return rowsOf(ctx, d.read, scanDecision, decisionColumns+`WHERE episode = '' AND at < $1 ORDER BY at, id LIMIT $2`, micros(before), n)
}

// CloseDecisions closes decisions: by id, the episode that each is part of. One that is closed stays as it is.
func (d *DB) CloseDecisions(ctx context.Context, by map[string]string) error {
	if len(by) == 0 {
		return nil
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		st, err := tx.PrepareContext(ctx, `UPDATE decisions SET episode = $1 WHERE id = $2 AND episode = ''`)
		if err != nil {
			return err
		}
		defer st.Close()
		for id, episode := range by {
			if _, err := st.ExecContext(ctx, episode, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetDecisions deletes closed decisions that were made before a time, some thousands in each commit.
func (d *DB) ForgetDecisions(ctx context.Context, before time.Time) error {
	const most = 5000
	for n := int64(most); n == most; {
		err := d.tx(ctx, func(tx *sql.Tx) error {
			r, err := tx.ExecContext(ctx, `DELETE FROM decisions WHERE id IN (SELECT id FROM decisions WHERE at < $1 AND episode <> '' ORDER BY at LIMIT $2)`, micros(before), most)
			if err == nil {
				n, err = r.RowsAffected()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TellDecisions keeps what came of decisions, by id. What was told first stays.
func (d *DB) TellDecisions(ctx context.Context, told map[string]string) error {
	if len(told) == 0 {
		return nil
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		st, err := tx.PrepareContext(ctx, `UPDATE decisions SET told = $1 WHERE id = $2 AND told = ''`)
		if err != nil {
			return err
		}
		defer st.Close()
		for id, what := range told {
			if _, err := st.ExecContext(ctx, what, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// DecisionsFrom returns up to n decisions from a time on, those of that very time after an id, the oldest first.
func (d *DB) DecisionsFrom(ctx context.Context, at time.Time, id string, n int) ([]DecisionRow, error) {
	return rowsOf(ctx, d.read, scanDecision, decisionColumns+`WHERE at > $1 OR at = $1 AND id > $2 ORDER BY at, id LIMIT $3`, micros(at), id, n)
}

// LastDecisions returns up to n decisions, the newest first.
func (d *DB) LastDecisions(ctx context.Context, n int) ([]DecisionRow, error) {
	return rowsOf(ctx, d.read, scanDecision, decisionColumns+`ORDER BY at DESC, id DESC LIMIT $1`, n)
}

// DecisionCount counts logged decisions.
func (d *DB) DecisionCount(ctx context.Context) (n int, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM decisions`).Scan(&n)
	return n, err
}
