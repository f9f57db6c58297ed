// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
)

// Total is how much of something a tool counted on a day (in days since 1970): of nobody in particular.
type Total struct {
	Day                            int64
	Tool, Measure, Language, Model string
	// Series is empty where N was added on that day. Else N is how far a count that only grows had come, and Series says
	// which count and since when.
	Series string
	N      float64
	// Sender is who sent it, as a keyed digest: kept apart from what was counted, to know from how many it is. Empty where that is unknown.
	Sender string
}

func (t Total) compare(u Total) int {
	return cmp.Or(cmp.Compare(t.Day, u.Day), cmp.Compare(t.Tool, u.Tool), cmp.Compare(t.Measure, u.Measure), cmp.Compare(t.Language, u.Language),
		cmp.Compare(t.Model, u.Model), cmp.Compare(t.Series, u.Series))
}

// addTotals adds to the totals of their days.
func (d *DB) addTotals(ctx context.Context, tx *sql.Tx, totals []Total) error {
	slices.SortFunc(totals, Total.compare)
	var rows []Total // PostgreSQL updates no row twice in one statement
	for _, t := range totals {
		n := len(rows) - 1
		switch {
		case n < 0 || rows[n].compare(t) != 0:
			rows = append(rows, t)
		case t.Series == "":
			rows[n].N += t.N
		default:
			rows[n].N = max(rows[n].N, t.N)
		}
	}
	if err := d.addSenders(ctx, tx, totals); err != nil {
		return err
	}
	return d.insertMany(ctx, tx, `INSERT INTO totals (day, tool, measure, language, model, series, n) VALUES `,
		` ON CONFLICT (day, tool, measure, language, model, series) DO UPDATE SET n = CASE
 WHEN excluded.series = '' THEN totals.n + excluded.n WHEN excluded.n > totals.n THEN excluded.n ELSE totals.n END`,
		7, len(rows), func(i int, a []any) []any {
			t := &rows[i]
			return append(a, t.Day, t.Tool, t.Measure, t.Language, t.Model, t.Series, t.N)
		})
}

// Totals returns what tools counted from one day to another, both included, in the order of days: for each day, tool,
// measure, language and model one row, without a series. Of a count that grows, a day's part is what it grew by since the
// day before on which it was heard of.
func (d *DB) Totals(ctx context.Context, from, to int64) ([]Total, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (t Total, err error) {
		return t, r.Scan(&t.Day, &t.Tool, &t.Measure, &t.Language, &t.Model, &t.N)
	}, `SELECT day, tool, measure, language, model, SUM(part) FROM (
  SELECT day, tool, measure, language, model, CASE WHEN series = '' THEN n
   ELSE n - COALESCE(LAG(n) OVER (PARTITION BY tool, measure, language, model, series ORDER BY day), 0) END AS part FROM totals) grown
 WHERE day >= $1 AND day <= $2 GROUP BY day, tool, measure, language, model HAVING SUM(part) > 0 ORDER BY day, tool, measure, language, model`, from, to)
}
