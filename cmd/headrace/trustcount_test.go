// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/trusttest"
)

// findsWhatIsPlanted does to copies of a hub's folder what must never happen to it: a trial that cannot fail shows nothing.
func findsWhatIsPlanted(t *testing.T, dir string, r trusttest.IntakeReport) {
	rows := admittedIn(t, dir)
	first := rows[0]
	more := slices.IndexFunc(rows[1:], func(a sqlstore.AdmittedRow) bool { return a.Contributor == first.Contributor })
	second := rows[1+more] // of the same contributor
	for _, c := range []struct {
		name string
		do   func(t *testing.T, dir string)
		want []string // each found once
	}{
		{"a record less", func(t *testing.T, dir string) {
			rewriteShard(t, dir, first, func(lines [][]byte) [][]byte { return lines[1:] })
		}, []string{"lost: record"}},
		{"another bundle's record, too", func(t *testing.T, dir string) {
			var other [][]byte
			rewriteShard(t, dir, first, func(lines [][]byte) [][]byte { other = slices.Clone(lines); return lines })
			rewriteShard(t, dir, second, func(lines [][]byte) [][]byte { return append(lines, other[0]) })
		}, []string{"twice: record"}},
		{"a record twice in a bundle", func(t *testing.T, dir string) {
			rewriteShard(t, dir, first, func(lines [][]byte) [][]byte { return append(lines, lines[0]) })
		}, []string{"twice: record"}},
		{"a word of a record", func(t *testing.T, dir string) {
			rewriteShard(t, dir, first, func(lines [][]byte) [][]byte {
				lines[0] = bytes.Replace(lines[0], []byte(`"retention_days":30`), []byte(`"retention_days":31`), 1)
				return lines
			})
		}, []string{"changed: record"}},
		{"a record that nobody sent", func(t *testing.T, dir string) {
			rewriteShard(t, dir, first, func(lines [][]byte) [][]byte {
				return append(lines, bytes.Replace(lines[0], []byte(`"id":"ep_`), []byte(`"id":"ep_more_`), 1))
			})
		}, []string{"stray: record"}},
		{"the blob of a bundle", func(t *testing.T, dir string) {
			blobs, err := blob.Open(filepath.Join(dir, "blobs"), filepath.Join(dir, "keys", "blobs"))
			if err := errors.Join(err, blobs.Delete(first.Shard)); err != nil {
				t.Fatal(err)
			}
		}, []string{"lost: record", "lost: record", "lost: record"}},
		{"the row of a bundle", func(t *testing.T, dir string) { execIn(t, dir, `DELETE FROM admitted WHERE bundle=?`, first.Bundle) },
			[]string{"lost: bundle", "lost: record", "lost: record", "lost: record"}},
		{"an entry of the log twice", func(t *testing.T, dir string) { enterAgain(t, dir, first.Bundle, nil) }, []string{"twice: entry"}},
		{"an entry of the log under another salt", func(t *testing.T, dir string) { enterAgain(t, dir, first.Bundle, []byte("other")) }, []string{"stray: log entry"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "hub")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			c.do(t, copied)
			h, err := r.Ledger.Count(t.Context(), copied)
			if err != nil {
				t.Fatal(err)
			}
			found := h.Wrong()
			slices.Sort(found)
			ok := len(found) == len(c.want)
			for i := 0; ok && i < len(found); i++ {
				ok = strings.HasPrefix(found[i], c.want[i])
			}
			if !ok {
				t.Errorf("found %q, planted %q", found, c.want)
			}
		})
	}
}

func admittedIn(t *testing.T, dir string) []sqlstore.AdmittedRow {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), filepath.Join(dir, "hub.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Admitted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func execIn(t *testing.T, dir, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

// rewriteShard lets a bundle's records be others, in a sealed blob of their own.
func rewriteShard(t *testing.T, dir string, row sqlstore.AdmittedRow, change func(lines [][]byte) [][]byte) {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), filepath.Join(dir, "keys", "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := blobs.Get(t.Context(), row.Shard)
	if err != nil {
		t.Fatal(err)
	}
	open, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	raw, err := open.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")))
	shut, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := blobs.PutBytes(t.Context(), shut.EncodeAll(append(bytes.Join(lines, []byte("\n")), '\n'), nil))
	if err != nil {
		t.Fatal(err)
	}
	execIn(t, dir, `UPDATE admitted SET shard=? WHERE bundle=?`, digest, row.Bundle)
}

// enterAgain puts a bundle into the log once more, with its own salt or another.
func enterAgain(t *testing.T, dir, digest string, salt []byte) {
	t.Helper()
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if salt == nil {
		salt = ring.Derive("log salt", proof.KindBundle, digest)
	}
	l, err := tlog.Open(t.Context(), tlog.Config{Dir: filepath.Join(dir, "log"), Origin: "trial-maker", Key: ring.Signing()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Append(t.Context(), proof.KindBundle, proof.Commit(salt, digest))
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
}
