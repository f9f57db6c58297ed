// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/trail"
)

// Sessions are the rows of who is signed in to a role's pages.
type Sessions struct {
	db    *DB
	table string
}

var _ access.Sessions = Sessions{}

// Sessions are who is signed in to the pages of a role: both may share one database.
func (d *DB) Sessions(role Role) Sessions {
	if role == RoleHub {
		return Sessions{d, "hub_sessions"}
	}
	return Sessions{d, "sessions"}
}

// noting is the store that also notes who came or went. Who is in ctx is that person, with their role.
func (s Sessions) noting(ctx context.Context, at time.Time, who, what, subject string) *DB {
	e := trail.Entry{At: at, Who: who, What: what, Subject: subject}
	if p, in := access.Of(ctx); in && p.Name == who {
		if e.Role = p.Roles.String(); p.Local {
			e.Role = "local"
		}
	}
	return s.db.Noting(e)
}

// by is how somebody came in.
func by(v access.Session) string { return "by " + cmp.Or(v.Issuer, "a link that works once") }

// AddSession keeps one, and forgets those that have ended.
func (s Sessions) AddSession(ctx context.Context, v access.Session) error {
	groups, err := json.Marshal(v.Groups)
	if err != nil {
		return err
	}
	return s.noting(ctx, v.OpenedAt, v.Name, "sign in", by(v)).tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+s.table+` WHERE ends_at <= $1`, micros(v.OpenedAt)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO `+s.table+` (digest, issuer, name, person_groups, opened_at, seen_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.Digest, v.Issuer, v.Name, string(groups), micros(v.OpenedAt), micros(v.SeenAt), micros(v.EndsAt))
		return err
	})
}

// Session returns one; access.ErrNoSession where there is none.
func (s Sessions) Session(ctx context.Context, digest string) (v access.Session, err error) {
	var groups string
	var opened, seen, ends int64
	err = s.db.read.QueryRowContext(ctx, `SELECT digest, issuer, name, person_groups, opened_at, seen_at, ends_at FROM `+s.table+` WHERE digest=$1`, digest).
		Scan(&v.Digest, &v.Issuer, &v.Name, &groups, &opened, &seen, &ends)
	if err == sql.ErrNoRows {
		return v, access.ErrNoSession
	}
	if err != nil {
		return v, err
	}
	v.OpenedAt, v.SeenAt, v.EndsAt = fromMicros(opened), fromMicros(seen), fromMicros(ends)
	return v, json.Unmarshal([]byte(groups), &v.Groups)
}

// SeeSession notes when one was used.
func (s Sessions) SeeSession(ctx context.Context, digest string, at time.Time) error {
	return s.db.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE `+s.table+` SET seen_at=$1 WHERE digest=$2`, micros(at), digest)
		return err
	})
}

// EndSession forgets one.
func (s Sessions) EndSession(ctx context.Context, digest string) error {
	v, err := s.Session(ctx, digest)
	if errors.Is(err, access.ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	now, what := time.Now(), "sign out"
	if good, _ := v.Good(now); !good {
		what = "session over"
	}
	err = s.noting(ctx, now, v.Name, what, by(v)).tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM `+s.table+` WHERE digest=$1`, digest)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
	if errors.Is(err, ErrChanged) {
		return nil // another request has ended it
	}
	return err
}

// RefuseSession notes that somebody was not let in.
func (s Sessions) RefuseSession(ctx context.Context, who, why string) error {
	return s.db.Note(ctx, trail.Entry{At: time.Now(), Who: who, What: "refuse sign-in", Subject: why})
}
