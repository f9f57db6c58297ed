// SPDX-License-Identifier: Apache-2.0

package copilototel

import (
	"context"
	"database/sql"
	"errors"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/otlp"
)

const (
	maxTraces = 100_000
	maxSpans  = 10_000  // of one trace
	maxRows   = 1_000   // of attributes, and of events, of one span
	maxValue  = 8 << 20 // bytes of one attribute
	maxName   = 256     // bytes of an id or a name
)

// database is VS Code's database of spans. Its columns repeat what is in the attributes, but for those that are read here.
type database struct {
	db *sql.DB
	c  *capture.Counts
	s  *otlp.Stream
}

// read maps one trace after the other, in the order in which they began, and holds one at a time.
func (d *database) read(ctx context.Context) error {
	traces, err := d.ids(ctx, `SELECT trace_id FROM spans WHERE length(trace_id) <= ? GROUP BY trace_id ORDER BY min(start_time_ms), trace_id LIMIT ?`, maxName, maxTraces)
	if err != nil {
		return err
	}
	for _, trace := range traces {
		spans, err := d.ids(ctx, "SELECT span_id FROM spans WHERE trace_id = ? AND length(span_id) <= ? ORDER BY start_time_ms, span_id LIMIT ?", trace, maxName, maxSpans)
		if err != nil {
			return err
		}
		for _, id := range spans {
			if err := d.span(ctx, trace, id); err != nil {
				return err
			}
		}
		if err := d.s.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// ids runs a query for ids; there is one connection, so a list is closed before the next query.
func (d *database) ids(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = d.rows(ctx, func(rows *sql.Rows) error {
		var id sql.NullString
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id.String)
		return nil
	}, query, args...)
	return ids, err
}

func (d *database) rows(ctx context.Context, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// span maps one span, with its attributes and the events on it.
func (d *database) span(ctx context.Context, trace, id string) error {
	tr, s := newSpan(service)
	var parent, name, note sql.NullString
	var from, to sql.NullFloat64
	var status sql.NullInt64
	err := d.db.QueryRowContext(ctx, `SELECT substr(parent_span_id, 1, ?), substr(name, 1, ?), CAST(start_time_ms AS REAL), CAST(end_time_ms AS REAL), CAST(status_code AS INTEGER),
		substr(status_message, 1, ?) FROM spans WHERE span_id = ?`, maxName, maxName, maxValue, id).Scan(&parent, &name, &from, &to, &status, &note)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	d.c.Lines++
	d.c.Kind("spans")
	s.SetTraceID(traceID(trace))
	s.SetSpanID(spanID(id))
	s.SetParentSpanID(spanID(parent.String))
	s.SetName(name.String)
	s.SetStartTimestamp(milliseconds(from.Float64))
	s.SetEndTimestamp(milliseconds(to.Float64))
	s.Status().SetCode(ptrace.StatusCode(status.Int64 & 3))
	s.Status().SetMessage(note.String)
	if err := d.attributes(ctx, id, s.Attributes()); err != nil {
		return err
	}
	if err := d.events(ctx, id, s); err != nil {
		return err
	}
	return d.s.Traces(tr)
}

// attributes reads those of a span. Large ones of which nothing comes stay where they are.
func (d *database) attributes(ctx context.Context, id string, to pcommon.Map) error {
	return d.rows(ctx, func(rows *sql.Rows) error {
		var key, value sql.NullString
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		d.c.Kind("span_attributes")
		if key.String == "gen_ai.input.messages" {
			d.c.Kind("span_attributes/gen_ai.input.messages")
		}
		if value.Valid {
			to.PutStr(key.String, value.String)
		}
		return nil
	}, `SELECT substr(key, 1, ?), CASE WHEN length(value) <= ? AND key NOT IN ('gen_ai.tool.definitions', 'gen_ai.tool.description', 'gen_ai.system_instructions',
		'copilot_chat.request.options') THEN CAST(value AS TEXT) END FROM span_attributes WHERE span_id = ? ORDER BY key LIMIT ?`, maxName, maxValue, id, maxRows)
}

func (d *database) events(ctx context.Context, id string, s ptrace.Span) error {
	return d.rows(ctx, func(rows *sql.Rows) error {
		var name, list sql.NullString
		var at sql.NullFloat64
		if err := rows.Scan(&name, &at, &list); err != nil {
			return err
		}
		d.c.Lines++
		d.c.Kind("span_events")
		e := s.Events().AppendEmpty()
		e.SetName(name.String)
		e.SetTimestamp(milliseconds(at.Float64))
		var in struct {
			A attributes `json:"a"`
		}
		if list.Valid && !lax.Decode([]byte(`{"a":`+list.String+`}`), &in) {
			d.c.Unparsable++
		}
		in.A.put(e.Attributes())
		return nil
	}, `SELECT substr(name, 1, ?), CAST(timestamp_ms AS REAL), CASE WHEN length(attributes) <= ? AND name <> 'tools_available' THEN CAST(attributes AS TEXT) END
		FROM span_events WHERE span_id = ? ORDER BY timestamp_ms, id LIMIT ?`, maxName, maxValue, id, maxRows)
}
