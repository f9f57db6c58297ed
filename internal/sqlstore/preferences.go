// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// PreferencesOf returns what those of developers have said of their own records who have said anything.
func (d *DB) PreferencesOf(ctx context.Context, developers ...string) (map[string]string, error) {
	out := map[string]string{}
	err := forParts(developers, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (p [2]string, err error) {
			var body []byte
			err = r.Scan(&p[0], &body)
			p[1] = string(body)
			return p, err
		}, `SELECT developer, body FROM preferences WHERE developer IN `+in(1, len(part)), part...)
		for _, p := range rows {
			out[p[0]] = p[1]
		}
		return err
	})
	return out, err
}

// SetPreferences stores what a developer says, and has all of theirs that has not left screened again under it, in one
// commit. It returns the bundles that it stopped: they are no more, and their other records wait to be packed again.
// ErrChanged says that they have said just this before.
func (d *DB) SetPreferences(ctx context.Context, developer, body string, now time.Time) (stopped []string, err error) {
	err = d.change(ctx, func(tx *changing) error {
		var was []byte
		err := tx.QueryRowContext(ctx, `SELECT body FROM preferences WHERE developer=$1`, developer).Scan(&was)
		if err == nil && string(was) == body {
			return ErrChanged
		}
		if err != nil && err != sql.ErrNoRows {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO preferences (developer, body, set_at) VALUES ($1,$2,$3)
 ON CONFLICT (developer) DO UPDATE SET body=excluded.body, set_at=excluded.set_at`, developer, []byte(body), micros(now)); err != nil {
			return err
		}
		// Whatever the clock says: what is screened again is counted again.
		if _, err := tx.ExecContext(ctx, `DELETE FROM counted WHERE developer=$1`, developer); err != nil {
			return err
		}
		stopped, err = tx.rescreen(ctx, Scope{Developer: developer}, developer, now)
		return err
	})
	return stopped, err
}

// rescreen has a scope's episodes screened again: what waits, is held, approved or packed and not sent falls, and each gets
// a new revision, so that an answer under way counts for nothing. What has lost its raw text cannot be made again, and is refused.
// What was kept here is asked about again only where the policy that kept it is the one in force: a looser one since then holds for
// what is recorded since, and no preference brings it to bear on what was before.
func (c *changing) rescreen(ctx context.Context, s Scope, by string, now time.Time) (stopped []string, err error) {
	if stopped, err = c.unpackUnsent(ctx, s); err != nil {
		return nil, err
	}
	q, args := s.episodes(1)
	again := `SELECT id FROM episodes WHERE (state IN ('assembled','ready') OR state='kept' AND policy IN
 (SELECT version FROM policies WHERE digest=(SELECT digest FROM policies WHERE state='in force'))) AND id IN (` + q + `) AND EXISTS (SELECT 1 FROM raw WHERE raw.episode=episodes.id)`
	if err := c.drop(ctx, `outbound.state<>'packed' AND outbound.episode IN (`+again+`)`, args...); err != nil {
		return nil, err
	}
	if _, err := c.move(ctx, said{state: OutRefused, by: by, at: now, note: "the raw text had expired when it was to be screened again"},
		`state IN ('asked','waiting','held','approved') AND episode IN (`+q+`)`, args...); err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, `UPDATE episodes SET state='assembled', note='', revision=revision+1 WHERE id IN (`+again+`)`, args...)
	return stopped, err
}
