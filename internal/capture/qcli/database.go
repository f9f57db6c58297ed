// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"context"
	"database/sql"
	"errors"
	"io"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	maxRows  = 100_000
	maxValue = capture.MaxDocument
)

// row is where a conversation is.
type row struct{ folder, id string }

// Database reads the conversations of a database for one of the tools, those saved last first: saved under several
// folders, a conversation counts as it was saved last. Each is a line, as far as the counts go.
func Database(ctx context.Context, db *sql.DB, tool string, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	seen := map[string]bool{} // conversations, in either table
	for _, table := range [...]struct{ name, rows, value string }{
		{"conversations_v2", "SELECT key, conversation_id FROM conversations_v2 ORDER BY updated_at DESC, key, conversation_id LIMIT ?",
			"SELECT CASE WHEN length(CAST(value AS BLOB)) <= ? THEN value END FROM conversations_v2 WHERE key = ? AND conversation_id = ?"},
		{"conversations", "SELECT key, '' FROM conversations ORDER BY rowid DESC LIMIT ?",
			"SELECT CASE WHEN length(CAST(value AS BLOB)) <= ? THEN value END FROM conversations WHERE key = ? AND '' = ?"},
	} {
		var there int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", table.name).Scan(&there); err != nil {
			return c, err
		}
		if there == 0 {
			continue
		}
		rows, err := list(ctx, db, table.rows)
		if err != nil {
			return c, err
		}
		for _, r := range rows {
			if r.id != "" && seen[r.id] {
				continue
			}
			var value []byte
			if err := db.QueryRowContext(ctx, table.value, maxValue, r.folder, r.id).Scan(&value); errors.Is(err, sql.ErrNoRows) {
				continue // the tool has just removed it
			} else if err != nil {
				return c, err
			}
			c.Lines++
			var conv conversation
			if !lax.Decode(value, &conv) {
				c.Unparsable++
				continue
			}
			if r.id == "" {
				r.id = string(conv.ID)
			}
			if r.id != "" && seen[r.id] {
				continue
			}
			seen[r.id] = true
			c.Kind("conversation")
			s := Session{Tool: tool, ID: r.id, Repository: r.folder, Counts: &c}
			conv.read(&s)
			if err := s.Flush(emit); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// list reads a table's keys; there is one connection, so a list is closed before the next query.
func list(ctx context.Context, db *sql.DB, query string) (all []row, err error) {
	rows, err := db.QueryContext(ctx, query, maxRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var folder, id sql.NullString
		if err := rows.Scan(&folder, &id); err != nil {
			return nil, err
		}
		if len(folder.String) <= 4096 && len(id.String) <= 256 {
			all = append(all, row{folder.String, id.String})
		}
	}
	return all, rows.Err()
}

// IsDocument reports whether a file's names are those of a conversation.
func IsDocument(keys map[string]string) bool {
	_, history := keys["history"]
	_, next := keys["next_message"]
	_, valid := keys["valid_history_range"]
	_, transcript := keys["transcript"]
	return keys["conversation_id"] != "" && history && (next || valid || transcript)
}

// Document reads a conversation that was saved as a file.
func Document(r io.Reader, tool string, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var conv conversation
	ok, err := capture.Document(r, &c, &conv)
	if err != nil || !ok {
		return c, err
	}
	c.Kind("conversation")
	s := Session{Tool: tool, ID: string(conv.ID), Counts: &c}
	conv.read(&s)
	return c, s.Flush(emit)
}
