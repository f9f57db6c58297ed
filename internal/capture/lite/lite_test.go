// SPDX-License-Identifier: Apache-2.0

package lite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// live makes a database as a running tool keeps it: open, its last commits in the log only, and one not committed.
func live(t testing.TB) (path string, tool *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tool.db")
	tool, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tool.Close() })
	tool.SetMaxOpenConns(1)
	for _, q := range []string{"CREATE TABLE said (id INTEGER PRIMARY KEY, words TEXT)", "INSERT INTO said(words) VALUES ('in the file')", "PRAGMA wal_checkpoint(TRUNCATE)",
		"INSERT INTO said(words) VALUES ('in the log')", "INSERT INTO said(words) SELECT printf('%0500d', value) FROM generate_series(1, 0)"} {
		if _, err := tool.Exec(q); err != nil && !strings.Contains(err.Error(), "generate_series") {
			t.Fatal(err)
		}
	}
	return path, tool
}

func words(t testing.TB, db *DB) (all []string) {
	t.Helper()
	rows, err := db.Query("SELECT words FROM said ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return all
}

func TestWhatIsCommittedIsReadFromFileAndLogWithoutTouchingEither(t *testing.T) {
	path, tool := live(t)
	tx, err := tool.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("INSERT INTO said(words) VALUES ('not committed')"); err != nil {
		t.Fatal(err)
	}
	folder := func() (all string) {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			all += e.Name() + " " + info.ModTime().String() + "\n"
		}
		return all
	}
	before := folder()
	db, tables, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(words(t, db), ", "); got != "in the file, in the log" {
		t.Errorf("read %s", got)
	}
	if tables != "CREATE TABLE said (id INTEGER PRIMARY KEY, words TEXT)\n" {
		t.Errorf("tables %q", tables)
	}
	if _, err := db.Exec("DELETE FROM said"); err == nil {
		t.Error("the database can be written to")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if after := folder(); after != before {
		t.Errorf("the folder was\n%s and is\n%s", before, after)
	}
}

func TestATornLogEndsAtItsLastWholeCommit(t *testing.T) {
	path, tool := live(t)
	if _, err := tool.Exec("INSERT INTO said(words) VALUES ('torn')"); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	for cut := len(log) - 1; cut >= 0; cut -= 997 {
		for name, b := range map[string][]byte{copied: base, copied + "-wal": log[:cut]} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		db, _, err := Open(context.Background(), copied)
		if err != nil {
			t.Fatal(err)
		}
		if got := words(t, db); len(got) < 1 || len(got) > 2 || got[0] != "in the file" {
			t.Errorf("cut at %d: %v", cut, got)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzOpen puts damaged databases and logs before the reader: it may refuse them, and must neither crash nor hang.
func FuzzOpen(f *testing.F) {
	path, _ := live(f)
	base, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base, log)
	f.Add(base[:100], []byte{})
	f.Add([]byte("SQLite format 3\x00"), log)
	f.Fuzz(func(t *testing.T, base, log []byte) {
		path := filepath.Join(t.TempDir(), "x.db")
		if os.WriteFile(path, base, 0o600) != nil || os.WriteFile(path+"-wal", log, 0o600) != nil {
			t.Skip()
		}
		db, _, err := Open(context.Background(), path)
		if err != nil {
			return
		}
		defer db.Close()
		rows, err := db.Query("SELECT words FROM said LIMIT 100")
		if err != nil {
			return
		}
		defer rows.Close()
		for rows.Next() {
			var w sql.NullString
			_ = rows.Scan(&w) // whatever it holds
		}
	})
}
