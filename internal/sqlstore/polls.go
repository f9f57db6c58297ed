// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"
)

// Poll is how far the edge has come with the report of a tool's server.
type Poll struct {
	Source string
	// Position is where to go on, in the words of who asks; empty before the first answer.
	Position string
	// PolledAt is when an answer was last stored.
	PolledAt time.Time
	// Problem is what was wrong at ProblemAt; empty where the last time went well.
	Problem   string
	ProblemAt time.Time
}

// Polled is what a tool's server counted of a team on a day (in days since 1970).
type Polled struct {
	Source     string
	Day        int64
	Tool, Team string
	Measure    string
	N          float64
	Developers int // who stand behind it
}

// keepPolled is how many days a server's counts are kept: longer than any report that is made of them looks back.
const keepPolled = 100

// Poll returns how far a source has come; all but Source is zero where it was never asked.
func (d *DB) Poll(ctx context.Context, source string) (Poll, error) {
	rows, err := d.polls(ctx, ` WHERE source=$1`, source)
	if err != nil || len(rows) == 0 {
		return Poll{Source: source}, err
	}
	return rows[0], nil
}

// Polls returns how far all sources have come, in the order of their names.
func (d *DB) Polls(ctx context.Context) ([]Poll, error) { return d.polls(ctx, ` ORDER BY source`) }

func (d *DB) polls(ctx context.Context, which string, args ...any) ([]Poll, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (p Poll, err error) {
		var polled, problem int64
		err = r.Scan(&p.Source, &p.Position, &polled, &p.Problem, &problem)
		p.PolledAt, p.ProblemAt = fromMicros(polled), fromMicros(problem)
		return p, err
	}, `SELECT source, position, polled_at, problem, problem_at FROM polls`+which, args...)
}

// StorePolled stores one answer of a source and where to go on from there, in one commit: whatever was stored of these days
// before gives way to rows.
func (d *DB) StorePolled(ctx context.Context, source, position string, at time.Time, days []int64, rows []Polled) error {
	slices.SortFunc(rows, func(a, b Polled) int { return cmp.Compare(a.Day, b.Day) })
	return d.tx(ctx, func(tx *sql.Tx) error {
		for _, day := range days {
			if _, err := tx.ExecContext(ctx, `DELETE FROM polled WHERE source=$1 AND day=$2`, source, day); err != nil {
				return err
			}
		}
		for _, q := range []string{`DELETE FROM polled WHERE day < $1`, `DELETE FROM senders WHERE day < $1`} {
			if _, err := tx.ExecContext(ctx, q, at.Unix()/86400-keepPolled); err != nil {
				return err
			}
		}
		err := d.insertMany(ctx, tx, `INSERT INTO polled (source, day, tool, team, measure, n, developers) VALUES `, ``, 7, len(rows), func(i int, a []any) []any {
			r := &rows[i]
			return append(a, source, r.Day, r.Tool, r.Team, r.Measure, r.N, r.Developers)
		})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO polls (source, position, polled_at, problem, problem_at) VALUES ($1, $2, $3, '', 0)
 ON CONFLICT (source) DO UPDATE SET position=excluded.position, polled_at=excluded.polled_at, problem='', problem_at=0`, source, position, micros(at))
		return err
	})
}

// PollFailed notes what was wrong when a source was asked; where it had come to stays.
func (d *DB) PollFailed(ctx context.Context, source string, at time.Time, problem string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO polls (source, position, polled_at, problem, problem_at) VALUES ($1, '', 0, $2, $3)
 ON CONFLICT (source) DO UPDATE SET problem=excluded.problem, problem_at=excluded.problem_at`, source, problem, micros(at))
		return err
	})
}

// Polled returns what servers counted from one day to another, both included.
func (d *DB) Polled(ctx context.Context, from, to int64) ([]Polled, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (p Polled, err error) {
		return p, r.Scan(&p.Source, &p.Day, &p.Tool, &p.Team, &p.Measure, &p.N, &p.Developers)
	}, `SELECT source, day, tool, team, measure, n, developers FROM polled WHERE day >= $1 AND day <= $2 ORDER BY source, day, tool, team, measure`, from, to)
}

// addSenders notes who sent totals.
func (d *DB) addSenders(ctx context.Context, tx *sql.Tx, totals []Total) error {
	type sender struct {
		day       int64
		tool, who string
	}
	seen := map[sender]bool{}
	var rows []sender // PostgreSQL inserts no row twice in one statement
	for _, t := range totals {
		if s := (sender{t.Day, t.Tool, t.Sender}); t.Sender != "" && !seen[s] {
			seen[s] = true
			rows = append(rows, s)
		}
	}
	return d.insertMany(ctx, tx, `INSERT INTO senders (day, tool, sender) VALUES `, ` ON CONFLICT (day, tool, sender) DO NOTHING`, 3, len(rows),
		func(i int, a []any) []any { return append(a, rows[i].day, rows[i].tool, rows[i].who) })
}

// Senders returns how many developers are known to have sent totals of each tool, on the day from one to another on which
// there were most.
func (d *DB) Senders(ctx context.Context, from, to int64) (map[string]int, error) {
	list, err := counts(ctx, d.read, `SELECT tool, MAX(n) FROM (SELECT tool, day, COUNT(*) AS n FROM senders WHERE day >= $1 AND day <= $2 GROUP BY tool, day) daily
 GROUP BY tool`, from, to)
	all := map[string]int{}
	for _, c := range list {
		all[c.Key] = c.N
	}
	return all, err
}

// Captured is how many decisions of one developer with one tool are known of a day (in days since 1970).
type Captured struct {
	Day                      int64
	Tool, Surface, Developer string
	Verdicts                 Verdicts
	CodeAccepted             int
	CodeRejected             int
}

// Captured returns what was captured from one day to another, both included.
func (d *DB) Captured(ctx context.Context, from, to int64) ([]Captured, error) {
	const perDay = 86400 * 1000000 // as in the statement, which no parameter can give: it groups by it
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c Captured, err error) {
		v := &c.Verdicts
		return c, r.Scan(&c.Day, &c.Tool, &c.Surface, &c.Developer, &v.Accepted, &v.Modified, &v.Rejected, &v.Ignored, &c.CodeAccepted, &c.CodeRejected)
	}, `SELECT started_at / 86400000000 AS day, tool, surface, developer, SUM(accepted), SUM(modified), SUM(rejected), SUM(ignored), SUM(code_accepted), SUM(code_rejected)
 FROM episodes WHERE started_at >= $1 AND started_at < $2 GROUP BY started_at / 86400000000, tool, surface, developer ORDER BY 1, 2, 3, 4`, from*perDay, (to+1)*perDay)
}
