// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/registry/registrytest"
	"github.com/headrace/headrace/internal/sqlstore"
)

// engines runs a test on SQLite always, and on PostgreSQL where $HEADRACE_TEST_POSTGRES names a server on which
// databases may be made. open gives an empty database, or opens the same one again.
func engines(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "x.db")) })
	t.Run("postgres", func(t *testing.T) { f(t, postgres(t)) })
}

func postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("HEADRACE_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("HEADRACE_TEST_POSTGRES names no server")
	}
	admin, err := sql.Open("pgx", dsn)
	ok(t, err)
	name := "headrace_" + strings.ToLower(rand.Text())
	_, err = admin.Exec("CREATE DATABASE " + name)
	ok(t, err)
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(dsn)
	ok(t, err)
	u.Path = "/" + name
	return u.String()
}

func open(t testing.TB, dsn string, role sqlstore.Role) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(context.Background(), dsn, role)
	ok(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpeningAgainKeepsEverything(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		ok(t, db.Assemble(t.Context(), []sqlstore.EpisodeRow{episodeRow("ep_1")}, sqlstore.Joins{}, 1))
		ok(t, db.Close())
		db = open(t, dsn, sqlstore.RoleEdge)
		if rows, err := db.EpisodesByID(t.Context(), []string{"ep_1"}); err != nil || len(rows) != 1 {
			t.Errorf("%d episodes, %v; want 1", len(rows), err)
		}
	})
}

// One PostgreSQL database may hold an edge's tables and a hub's.
func TestBothRolesMayShareADatabase(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		open(t, dsn, sqlstore.RoleEdge)
		db, err := sqlstore.Open(t.Context(), dsn, sqlstore.RoleHub)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	})
}

func TestPasswordsAreInNoError(t *testing.T) {
	_, err := sqlstore.Open(t.Context(), "postgres://me:"+"top"+"secret@127.0.0.1:1/x?connect_timeout=1", sqlstore.RoleEdge)
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
}

func TestRegistryIndexPassesTheSuite(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		pg := strings.HasPrefix(dsn, "postgres")
		registrytest.Index(t, func(t *testing.T) registry.Index {
			if pg {
				dsn = postgres(t)
			} else {
				dsn = filepath.Join(t.TempDir(), "x.db")
			}
			return open(t, dsn, sqlstore.RoleHub).RegistryIndex()
		})
	})
}
