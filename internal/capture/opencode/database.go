// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"context"
	"database/sql"
	"errors"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	maxMessages = 50_000 // of one session
	maxSessions = 100_000
)

// database is opencode.db. Its columns repeat what the files had in their names; data is the JSON.
type database struct {
	db *sql.DB
	c  *capture.Counts
}

// read gives the episodes of each session in the order of its id, and holds one message at a time.
func (d *database) read(ctx context.Context, emit func(*episode.Episode) error) error {
	sids, err := d.ids(ctx, "SELECT DISTINCT session_id FROM message WHERE length(session_id) <= 256 ORDER BY session_id LIMIT ?", maxSessions)
	if err != nil {
		return err
	}
	for _, sid := range sids {
		doc, err := d.session(ctx, sid)
		if err != nil {
			return err
		}
		s := newSession(d.c, doc, emit)
		if err := d.messages(ctx, s); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
	return nil
}

// session reads the session's own row, as far as this version has the table and its columns.
func (d *database) session(ctx context.Context, sid string) (*document, error) {
	doc := &document{ID: lax.String(sid)}
	for column, to := range map[string]*lax.String{"directory": &doc.Directory, "version": &doc.Version, "parent_id": &doc.ParentID} {
		if err := d.column(ctx, column, sid, to); err != nil {
			return nil, err
		}
	}
	var back lax.String
	if err := d.column(ctx, "revert", sid, &back); err != nil {
		return nil, err
	}
	if lax.Decode([]byte(back), &doc.Revert.V) {
		doc.Revert.OK = true
	}
	return doc, nil
}

func (d *database) column(ctx context.Context, name, sid string, to *lax.String) error {
	var has int
	if err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info('session') WHERE name = ?", name).Scan(&has); err != nil || has == 0 {
		return err
	}
	var value sql.NullString
	err := d.db.QueryRowContext(ctx, "SELECT CASE WHEN length("+name+") <= 65536 THEN "+name+" END FROM session WHERE id = ?", sid).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	*to = lax.String(value.String)
	return err
}

// ids runs a query for ids; there is one connection, so a list is closed before the next query.
func (d *database) ids(ctx context.Context, query string, args ...any) (ids []string, err error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id sql.NullString
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id.String)
	}
	return ids, rows.Err()
}

func (d *database) messages(ctx context.Context, s *session) error {
	ids, err := d.ids(ctx, "SELECT id FROM message WHERE session_id = ? AND length(id) <= 256 ORDER BY time_created, id LIMIT ?", string(s.doc.ID), maxMessages)
	if err != nil {
		return err
	}
	for _, id := range ids {
		var m message
		_, ok, err := d.decode(ctx, "SELECT CASE WHEN length(data) <= ? THEN data END FROM message WHERE id = ?", id, &m)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		d.c.Kind("message/" + string(m.Role))
		m.ID = lax.String(id)
		of, err := d.ids(ctx, "SELECT id FROM part WHERE message_id = ? AND length(id) <= 256 ORDER BY id LIMIT ?", id, maxMessages)
		if err != nil {
			return err
		}
		parts, err := d.parts(ctx, of)
		if err != nil {
			return err
		}
		if err := s.message(&m, parts); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) parts(ctx context.Context, ids []string) (parts []part, err error) {
	size := 0
	for _, id := range ids {
		var p part
		n, ok, err := d.decode(ctx, "SELECT CASE WHEN length(data) <= ? THEN data END FROM part WHERE id = ?", id, &p)
		if err != nil {
			return nil, err
		}
		if size += n; size > maxParts {
			break
		}
		if ok {
			d.c.Kind("part/" + string(p.Type))
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// decode reads one row's JSON, which counts as a line, and reports its size and whether it is what the format says.
func (d *database) decode(ctx context.Context, query, id string, v any) (n int, ok bool, err error) {
	var data []byte
	err = d.db.QueryRowContext(ctx, query, maxFile, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	d.c.Lines++
	if ok = lax.Decode(data, v); !ok {
		d.c.Unparsable++
	}
	return len(data), ok, nil
}
