// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
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

// TestWhoComesAndGoesIsInTheTrail: each sign-in, refusal and sign-out is a row, once, with role and provider.
func TestWhoComesAndGoesIsInTheTrail(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		for _, role := range []sqlstore.Role{sqlstore.RoleEdge, sqlstore.RoleHub} {
			db := open(t, dsn, role)
			s := db.Sessions(role)
			now := time.Now()
			ada := access.With(t.Context(), access.Person{Name: "ada", Roles: access.Steward})
			ok(t, s.AddSession(ada, access.Session{Digest: "d1", Issuer: "https://login.example", Name: "ada", OpenedAt: now, SeenAt: now, EndsAt: now.Add(time.Hour)}))
			ok(t, s.AddSession(access.With(t.Context(), access.Local("kim")), access.Session{Digest: "d2", Name: "kim", OpenedAt: now, SeenAt: now, EndsAt: now.Add(time.Hour)}))
			ok(t, s.RefuseSession(t.Context(), "eve", "none of their groups has a role here, from 192.0.2.1"))
			ok(t, s.SeeSession(t.Context(), "d1", now.Add(-2*access.IdleFor)))
			for range 2 {
				ok(t, s.EndSession(ada, "d1"))
				ok(t, s.EndSession(t.Context(), "d2"))
			}
			rows, err := db.Trail(t.Context(), trail.Filter{Limit: 100})
			ok(t, err)
			var got []string
			for _, r := range rows {
				got = append(got, strings.Join([]string{r.Who, r.Role, r.What, r.Subject}, "|"))
			}
			want := []string{"kim||sign out|by a link that works once", "ada|steward|session over|by https://login.example", "eve||refuse sign-in|none of their groups has a role here, from 192.0.2.1",
				"kim|local|sign in|by a link that works once", "ada|steward|sign in|by https://login.example"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", role, diff)
			}
		}
	})
}
