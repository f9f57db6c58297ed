// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// OwnEpisodes returns a page of a developer's episodes without their seals, newest first, with State as people see it, from
// after the one that started then and has that id; the zero time is the beginning.
func (d *DB) OwnEpisodes(ctx context.Context, developer string, started time.Time, id string, limit int) ([]EpisodeRow, error) {
	where, args := `e.developer=$1`, []any{developer, limit}
	if !started.IsZero() {
		where += ` AND (e.started_at, e.id) < ($3, $4)`
		args = append(args, micros(started), id)
	}
	return rowsOf(ctx, d.read, scanEpisode(false), `SELECT `+strings.Replace(episodeCols, " state,", " "+shownState+",", 1)+` FROM episodes e WHERE `+where+`
 ORDER BY e.started_at DESC, e.id DESC LIMIT $2`, args...)
}

// SentAt returns when bundles were first tried to be sent; those of which nothing has left are not in it.
func (d *DB) SentAt(ctx context.Context, bundles ...string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := forParts(bundles, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (b BundleRow, err error) {
			var at int64
			err = r.Scan(&b.ID, &at)
			b.CreatedAt = fromMicros(at)
			return b, err
		}, `SELECT id, sent_at FROM bundles WHERE sent_at > 0 AND id IN `+in(1, len(part)), part...)
		for _, b := range rows {
			out[b.ID] = b.CreatedAt
		}
		return err
	})
	return out, err
}

// Veto keeps here for good what has not left of an episode, and whatever comes of it later, and returns the bundles that it
// stopped. left says that some of it had left before.
func (d *DB) Veto(ctx context.Context, id, by string, now time.Time) (stopped []string, left bool, err error) {
	err = d.change(ctx, func(tx *changing) error {
		a := Asked{Scope: Scope{Records: []string{id}}, By: by, At: now}
		if err := keepBack(ctx, tx, a, EpisodeVetoed, "its developer said no"); err != nil {
			return err
		}
		var err error
		if stopped, err = stopBundles(ctx, tx, a); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbound WHERE`+wasSent+` AND episode=$1)`, id).Scan(&left)
	})
	return stopped, left, err
}

// AnswerAsked says a developer's yes to what is to leave of an episode, which they have seen: these digests and nothing else. It
// goes on as it would have without being asked. ErrChanged says that nothing of it waits for them.
func (d *DB) AnswerAsked(ctx context.Context, id string, seen []string, now time.Time) error {
	if len(seen) == 0 {
		return ErrChanged
	}
	asked, args := `state='asked' AND episode=$1 AND digest IN `+in(2, len(seen)), append([]any{id}, anys(seen)...)
	return d.change(ctx, func(tx *changing) error {
		n, err := tx.move(ctx, said{state: OutHeld, by: "held", note: "held; its developer has said yes"}, asked+` AND episode IN (SELECT episode FROM held)`, args...)
		if err != nil {
			return err
		}
		// Who would have approved it was noted when it was screened.
		for where, to := range map[string]string{`decided_by=''`: OutWaiting, `decided_by<>''`: OutApproved} {
			k, err := tx.move(ctx, said{state: to}, asked+` AND `+where, args...)
			if n += k; err != nil {
				return err
			}
		}
		if n == 0 {
			return ErrChanged
		}
		return nil
	})
}

// EraseEpisode deletes an episode's raw text and what else tells of its contents but has not left: no page shows it again.
func (d *DB) EraseEpisode(ctx context.Context, id string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM raw WHERE episode=$1`, `DELETE FROM prints WHERE episode=$1`, `DELETE FROM counted WHERE episode=$1`, `UPDATE episodes SET title='' WHERE id=$1`} {
			if _, err := tx.ExecContext(ctx, q, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Flag is a developer's word that a record is wrong or sensitive.
type Flag struct {
	Episode, Why string
	At           time.Time
	SeenBy       string // the steward who has seen to it; empty: nobody yet
}

// AddFlag stores a flag and holds what waits, or is packed and not sent, of the episode, and what comes of it later. What asks
// its developer goes on asking: a yes then takes it to the steward. It returns the bundles that it stopped.
func (d *DB) AddFlag(ctx context.Context, f Flag) (stopped []string, err error) {
	why := "its developer: " + f.Why
	err = d.change(ctx, func(tx *changing) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO flags (episode, why, at, seen_by, seen_at) VALUES ($1,$2,$3,'',0)
 ON CONFLICT (episode) DO UPDATE SET why=excluded.why, at=excluded.at, seen_by='', seen_at=0`, f.Episode, f.Why, micros(f.At)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO held (episode, why) VALUES ($1,$2) ON CONFLICT (episode) DO UPDATE SET why=excluded.why`, f.Episode, why); err != nil {
			return err
		}
		var err error
		if stopped, err = tx.unpackUnsent(ctx, Scope{Records: []string{f.Episode}}); err != nil {
			return err
		}
		_, err = tx.move(ctx, said{state: OutHeld, by: "its developer", note: why, at: f.At}, `state IN ('waiting','held','approved') AND episode=$1`, f.Episode)
		return err
	})
	return stopped, err
}

// SeeFlag notes that a steward has seen to a flag. ErrChanged says that one has.
func (d *DB) SeeFlag(ctx context.Context, episode, who string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE flags SET seen_by=$1, seen_at=$2 WHERE episode=$3 AND seen_at=0`, who, micros(now), episode)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

const flagCols = `SELECT episode, why, at, seen_by FROM flags `

func scanFlag(r *sql.Rows) (f Flag, err error) {
	var at int64
	err = r.Scan(&f.Episode, &f.Why, &at, &f.SeenBy)
	f.At = fromMicros(at)
	return f, err
}

// OpenFlags returns flags to which no steward has seen, oldest first.
func (d *DB) OpenFlags(ctx context.Context, limit int) ([]Flag, error) {
	return rowsOf(ctx, d.read, scanFlag, flagCols+`WHERE seen_at=0 ORDER BY at, episode LIMIT $1`, limit)
}

// FlagOf returns the flag of an episode, or ErrNotFound.
func (d *DB) FlagOf(ctx context.Context, episode string) (Flag, error) {
	return one(rowsOf(ctx, d.read, scanFlag, flagCols+`WHERE episode=$1`, episode))
}

// unpackUnsent undoes the bundles that hold a scope's records and of which nothing has left: all that is in them is
// approved as before.
func (c *changing) unpackUnsent(ctx context.Context, s Scope) ([]string, error) {
	q, args := s.episodes(1)
	stopped, err := idsOf(ctx, c.Tx, `DELETE FROM bundles WHERE state='packed' AND sent_at=0 AND id IN
 (SELECT bundle FROM outbound WHERE state='packed' AND episode IN (`+q+`)) RETURNING id`, args...)
	if err != nil {
		return nil, fmt.Errorf("stop bundles: %w", err)
	}
	for _, id := range stopped {
		if err := c.unpacked(ctx, id); err != nil {
			return nil, err
		}
	}
	return stopped, nil
}
