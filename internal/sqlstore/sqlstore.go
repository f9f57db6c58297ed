// SPDX-License-Identifier: Apache-2.0

// Package sqlstore holds all SQL of Headrace: one text that runs on SQLite (the default: one file, no server) and on
// PostgreSQL (when one machine is not enough).
//
// Start from [Open], which opens a database for one role and brings its tables up to date. Each table group has its
// own file, with its row types beside its queries. To stay within what both engines mean the same by: parameters are
// $1…, types are TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA, times are microseconds since 1970 (UTC) in BIGINT,
// and there is no FOR UPDATE and no JSON operator.
//
// Durability: a method that writes returns only after the commit, and a commit means fsync on both engines
// (synchronous=FULL, synchronous_commit=on). No code here decides what the rows mean.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite" // driver "sqlite"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/trail"
)

//go:embed migrations/edge/*.sql migrations/hub/*.sql
var migrations embed.FS

// Role says whose tables a database holds.
type Role string

// The roles that keep state.
const (
	RoleEdge Role = "edge"
	RoleHub  Role = "hub"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	read  *sql.DB // many connections
	write *sql.DB // SQLite: exactly one connection, so that writers queue here and never see SQLITE_BUSY; else = read

	maxParams int  // of a multi-row statement
	numbered  bool // and whether it calls them $1, $2, … or ?

	role  Role
	notes []trail.Entry // what each write puts into the audit trail
	noted chan struct{} // of all that share the database
}

// Open opens the database that dsn names: "postgres://…" or a path to an SQLite file, made if absent.
func Open(ctx context.Context, dsn string, role Role) (*DB, error) {
	return openAt(ctx, dsn, role, math.MaxInt64)
}

// openAt opens a database whose tables are brought up to a version.
func openAt(ctx context.Context, dsn string, role Role, version int64) (*DB, error) {
	d := &DB{role: role, maxParams: maxParamsSQLite, noted: make(chan struct{}, 1)}
	dialect := database.DialectSQLite3
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		dialect = database.DialectPostgres
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return nil, fmt.Errorf("open database %s: %w", redact(dsn), err)
		}
		db.SetMaxOpenConns(16)
		d.read, d.write, d.maxParams, d.numbered = db, db, maxParamsPostgres, true
	} else {
		if err := os.MkdirAll(filepath.Dir(dsn), 0o700); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		var err error
		if d.write, err = sql.Open("sqlite", sqliteDSN(dsn, "immediate")); err != nil {
			return nil, fmt.Errorf("open database %s: %w", dsn, err)
		}
		d.write.SetMaxOpenConns(1)
		if d.read, err = sql.Open("sqlite", sqliteDSN(dsn, "deferred")); err != nil {
			return nil, fmt.Errorf("open database %s: %w", dsn, err)
		}
		d.read.SetMaxOpenConns(4)
	}
	if err := d.migrate(ctx, dialect, role, version); err != nil {
		d.Close()
		return nil, &episode.Problem{Code: "store/open", Message: "cannot open the database " + redact(dsn), Err: err,
			Hint: "check that the folder can be written and the disk has room; for PostgreSQL, that the server runs and the name and password are right"}
	}
	return d, nil
}

// sqliteDSN sets what durability and erasure rest on: WAL with an fsync at each commit, deleted bytes overwritten.
func sqliteDSN(path, lock string) string {
	q := url.Values{"_txlock": {lock}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "secure_delete(ON)",
		"cache_size(-32768)", "wal_autocheckpoint(8000)", "temp_store(MEMORY)"}}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

func redact(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		return u.Redacted()
	}
	return dsn
}

func (d *DB) migrate(ctx context.Context, dialect goose.Dialect, role Role, version int64) error {
	sub, err := fs.Sub(migrations, "migrations/"+string(role))
	if err != nil {
		return err
	}
	store, err := database.NewStore(dialect, "goose_"+string(role)) // both roles may share one PostgreSQL database
	if err != nil {
		return err
	}
	// Out of order: each migration stands by itself, and a database may come from a build that had a later one first.
	options := []goose.ProviderOption{goose.WithStore(store), goose.WithAllowOutofOrder(true)}
	if role == RoleEdge {
		options = append(options, goose.WithGoMigrations(chainAudit(22)))
	}
	p, err := goose.NewProvider("", d.write, sub, options...)
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}

// Close closes the database.
func (d *DB) Close() error {
	if d.read == d.write {
		return d.write.Close()
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// tx runs f in one transaction, with what there is to note of it: committed when f returns nil, undone otherwise.
func (d *DB) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return diskFull(err)
	}
	err = f(tx)
	if err == nil && len(d.notes) > 0 {
		err = d.role.appendTrail(ctx, tx, d.notes)
	}
	if err != nil {
		tx.Rollback()
		return diskFull(err)
	}
	if err := tx.Commit(); err != nil || len(d.notes) == 0 {
		return diskFull(err)
	}
	select {
	case d.noted <- struct{}{}:
	default:
	}
	return nil
}

// diskFull turns the engines' words for a full disk into a Problem that says what to do.
func diskFull(err error) error {
	if err == nil {
		return nil
	}
	s := err.Error()
	if strings.Contains(s, "database or disk is full") || strings.Contains(s, "SQLSTATE 53100") || strings.Contains(s, "no space left on device") {
		return &episode.Problem{Code: "store/disk-full", Message: "the disk that holds the database is full", Err: err,
			Hint: "free some space; nothing that was acknowledged is lost, and what was refused can be sent again"}
	}
	return err
}

// rowsOf collects the rows of a query.
func rowsOf[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// How many parameters a multi-row statement has at most. PostgreSQL allows 65,535 and gains with each row. SQLite takes
// "$1" for a name and looks each up in a list, so its time grows with the square; "?" has no name, and a few hundred of
// them in a statement that is prepared once are the fastest.
const (
	maxParamsPostgres = 30000
	maxParamsSQLite   = 1000
)

// insertMany inserts n rows. head is up to and including VALUES, tail what follows the rows; args appends a row's values.
func (d *DB) insertMany(ctx context.Context, tx *sql.Tx, head, tail string, cols, n int, args func(i int, dst []any) []any) error {
	per := min(n, max(1, d.maxParams/cols))
	if n == 0 {
		return nil
	}
	var st *sql.Stmt
	buf := make([]any, 0, per*cols)
	for start := 0; start < n; start += per {
		end := min(start+per, n)
		buf = buf[:0]
		for i := start; i < end; i++ {
			buf = args(i, buf)
		}
		var err error
		switch {
		case end-start < per || n == per: // a statement of its own size
			_, err = tx.ExecContext(ctx, head+d.placeholders(end-start, cols)+tail, buf...)
		default:
			if st == nil {
				if st, err = tx.PrepareContext(ctx, head+d.placeholders(per, cols)+tail); err != nil {
					return err
				}
				defer st.Close()
			}
			_, err = st.ExecContext(ctx, buf...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) placeholders(rows, cols int) string {
	var b strings.Builder
	b.Grow(rows * cols * 6)
	k := 1
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range cols {
			if c > 0 {
				b.WriteByte(',')
			}
			if d.numbered {
				fmt.Fprintf(&b, "$%d", k)
			} else {
				b.WriteByte('?')
			}
			k++
		}
		b.WriteByte(')')
	}
	return b.String()
}

// micros is a time as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func anys[T any](v []T) []any {
	out := make([]any, len(v))
	for i := range v {
		out[i] = v[i]
	}
	return out
}

// in returns "($k,$k+1,…)" for n parameters from number k on.
func in(k, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", k+i)
	}
	b.WriteByte(')')
	return b.String()
}
