// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// PrintRow is the lines that an episode suggests, in fingerprints.
type PrintRow struct {
	Episode string
	At      time.Time // of its last suggestion
	// Repository is where lines of it were found; empty while none were.
	Repository string
	// Told is a digest of what was last told of them; empty where nothing was.
	Told   string
	Sealed []byte
}

// CommitRow is what a commit changed, in fingerprints.
type CommitRow struct {
	Repository, ID string
	Made           time.Time
	Sealed         []byte
}

// RepositoryRow is a repository that commits are known of.
type RepositoryRow struct {
	Name, Main string
	// Followed is when it was last worked out what became of suggestions there; zero where it must be again.
	Followed time.Time
}

// ReportRow is what a code forge or a test run says of a repository's commits. ID is the same where that is the same.
type ReportRow struct {
	ID, Repository string
	At             time.Time // when it came in
	Sealed         []byte
}

// StorePrints stores or replaces the fingerprints of episodes; all repositories have to be followed again. What was found
// out of where an episode's lines are stays.
func (d *DB) StorePrints(ctx context.Context, rows []PrintRow) error {
	if len(rows) == 0 {
		return nil
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		err := d.insertMany(ctx, tx, `INSERT INTO prints (episode, at, repository, told, sealed) VALUES `, ` ON CONFLICT (episode) DO UPDATE SET at=excluded.at, sealed=excluded.sealed`,
			5, len(rows), func(i int, a []any) []any {
				return append(a, rows[i].Episode, micros(rows[i].At), rows[i].Repository, rows[i].Told, rows[i].Sealed)
			})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE repositories SET followed_at=0`)
		return err
	})
}

// StoreCommits stores commits, and where a repository's default branch is now; an empty Main leaves that as it was.
func (d *DB) StoreCommits(ctx context.Context, r RepositoryRow, commits []CommitRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO repositories (name, main, followed_at) VALUES ($1, $2, 0)
 ON CONFLICT (name) DO UPDATE SET main=CASE WHEN excluded.main='' THEN repositories.main ELSE excluded.main END, followed_at=0`, r.Name, r.Main); err != nil {
			return err
		}
		return d.insertMany(ctx, tx, `INSERT INTO commits (repository, id, made_at, sealed) VALUES `, ` ON CONFLICT (repository, id) DO UPDATE SET sealed=excluded.sealed`,
			4, len(commits), func(i int, a []any) []any {
				return append(a, commits[i].Repository, commits[i].ID, micros(commits[i].Made), commits[i].Sealed)
			})
	})
}

// StoreReports stores reports that are not stored yet. Their repositories have been followed at a time from then on: if that
// is past, they are followed again as much sooner.
func (d *DB) StoreReports(ctx context.Context, rows []ReportRow, followed time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	return d.tx(ctx, func(tx *sql.Tx) error {
		err := d.insertMany(ctx, tx, `INSERT INTO reports (id, repository, at, sealed) VALUES `, ` ON CONFLICT (id) DO NOTHING`,
			4, len(rows), func(i int, a []any) []any {
				return append(a, rows[i].ID, rows[i].Repository, micros(rows[i].At), rows[i].Sealed)
			})
		if err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := tx.ExecContext(ctx, `UPDATE repositories SET followed_at=$1 WHERE name=$2 AND followed_at > $1`, micros(followed), r.Repository); err != nil {
				return err
			}
		}
		return nil
	})
}

// AnyCommit reports whether there is any repository that commits are known of.
func (d *DB) AnyCommit(ctx context.Context) (found bool, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM repositories)`).Scan(&found)
	return found, err
}

// ToFollow returns the repositories that were last followed before a time.
func (d *DB) ToFollow(ctx context.Context, before time.Time) ([]RepositoryRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (row RepositoryRow, err error) {
		var at int64
		err = r.Scan(&row.Name, &row.Main, &at)
		row.Followed = fromMicros(at)
		return row, err
	}, `SELECT name, main, followed_at FROM repositories WHERE followed_at < $1 AND main <> '' ORDER BY name`, micros(before))
}

// Commits returns what is known of a repository's commits.
func (d *DB) Commits(ctx context.Context, repository string) ([]CommitRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c CommitRow, err error) {
		var at int64
		err = r.Scan(&c.Repository, &c.ID, &at, &c.Sealed)
		c.Made = fromMicros(at)
		return c, err
	}, `SELECT repository, id, made_at, sealed FROM commits WHERE repository=$1 ORDER BY made_at, id`, repository)
}

// Reports returns what was reported of a repository.
func (d *DB) Reports(ctx context.Context, repository string) ([]ReportRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (w ReportRow, err error) {
		var at int64
		err = r.Scan(&w.ID, &w.Repository, &at, &w.Sealed)
		w.At = fromMicros(at)
		return w, err
	}, `SELECT id, repository, at, sealed FROM reports WHERE repository=$1 ORDER BY at, id`, repository)
}

// Prints returns the fingerprints of episodes that a repository's commits may hold: those found there, and those found
// nowhere yet. What was forbidden or withdrawn is not among them.
func (d *DB) Prints(ctx context.Context, repository string) ([]PrintRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (p PrintRow, err error) {
		var at int64
		err = r.Scan(&p.Episode, &at, &p.Repository, &p.Told, &p.Sealed)
		p.At = fromMicros(at)
		return p, err
	}, `SELECT p.episode, p.at, p.repository, p.told, p.sealed FROM prints p JOIN episodes e ON e.id=p.episode
 WHERE p.repository IN ('', $1) AND e.state NOT IN ('vetoed','withdrawn') ORDER BY p.at, p.episode`, repository)
}

// Followed notes that a repository was followed at a time, and of the episodes found there where that was and what was told.
func (d *DB) Followed(ctx context.Context, r RepositoryRow, found []PrintRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE repositories SET followed_at=$1 WHERE name=$2`, micros(r.Followed), r.Name); err != nil {
			return err
		}
		for _, p := range found {
			if _, err := tx.ExecContext(ctx, `UPDATE prints SET repository=$1, told=$2 WHERE episode=$3`, p.Repository, p.Told, p.Episode); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExpireGit forgets fingerprints and reports from before a time, and those of what was forbidden or withdrawn.
func (d *DB) ExpireGit(ctx context.Context, before time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM prints WHERE at < $1`, `DELETE FROM commits WHERE made_at < $1`, `DELETE FROM reports WHERE at < $1`} {
			if _, err := tx.ExecContext(ctx, q, micros(before)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM prints WHERE episode IN (SELECT id FROM episodes WHERE state IN ('vetoed','withdrawn'))
 OR NOT EXISTS (SELECT 1 FROM episodes e WHERE e.id=prints.episode)`)
		return err
	})
}

// RawEpisodes returns episodes whose raw text is still there, in the order of their ids, from the one after last on.
func (d *DB) RawEpisodes(ctx context.Context, last string, n int) ([]EpisodeRow, error) {
	return rowsOf(ctx, d.read, scanEpisode(true), `SELECT `+episodeCols+`, sealed FROM episodes JOIN raw ON episode=id
 WHERE id > $1 AND state NOT IN ('vetoed','withdrawn') ORDER BY id LIMIT $2`, last, n)
}
