// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/sqlstore"
)

// TestSessionsAreKeptAlike runs the same on each engine, for both roles, and on what is kept in memory.
func TestSessionsAreKeptAlike(t *testing.T) {
	suite := func(t *testing.T, s access.Sessions) {
		want := access.Session{Digest: "d1", Issuer: "https://login.example", Name: "ada@example.com", Groups: []string{"a", "b \"c\""}, OpenedAt: day1, SeenAt: day1, EndsAt: day1.Add(time.Hour)}
		ok(t, s.AddSession(t.Context(), want))
		ok(t, s.SeeSession(t.Context(), "d1", day1.Add(time.Minute)))
		want.SeenAt = day1.Add(time.Minute)
		got, err := s.Session(t.Context(), "d1")
		ok(t, err)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		// Another's beginning forgets those that have ended.
		ok(t, s.AddSession(t.Context(), access.Session{Digest: "d2", Name: "kim", OpenedAt: day1.Add(time.Hour), SeenAt: day1.Add(time.Hour), EndsAt: day1.Add(2 * time.Hour)}))
		if _, err := s.Session(t.Context(), "d1"); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("one that ended: %v", err)
		}
		if got, err := s.Session(t.Context(), "d2"); err != nil || got.Name != "kim" || len(got.Groups) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		for range 2 {
			ok(t, s.EndSession(t.Context(), "d2"))
		}
		if _, err := s.Session(t.Context(), "d2"); !errors.Is(err, access.ErrNoSession) {
			t.Errorf("one that was ended: %v", err)
		}
		ok(t, s.SeeSession(t.Context(), "d2", day1))
	}
	t.Run("memory", func(t *testing.T) { suite(t, access.NewMemory()) })
	engines(t, func(t *testing.T, dsn string) {
		for _, role := range []sqlstore.Role{sqlstore.RoleEdge, sqlstore.RoleHub} {
			suite(t, open(t, dsn, role).Sessions(role))
		}
	})
}
