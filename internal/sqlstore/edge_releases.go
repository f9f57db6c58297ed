// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// PulledRelease is a release as the edge has verified and stored it.
type PulledRelease struct {
	Hub, ID, Kind           string
	Envelope, Payload, Gate []byte
	PulledAt                time.Time
	ApprovedBy              string // empty: nobody has
	ApprovedAt              time.Time
	BackAt                  time.Time // from when on it decides nothing any more; zero: it may
	BackWhy                 string    // empty where another took its place
}

// PulledRollout is a roll-out as the edge has verified and stored it.
type PulledRollout struct {
	Hub, Kind string
	Signer    string // id of the hub's key, by which roll-outs are numbered; empty where it was stored before that was kept
	Sequence  int64
	Envelope  []byte
	PulledAt  time.Time
}

// Gone is a release that decides nothing any more, for good, whether it ever was here or not.
type Gone struct {
	Hub, ID string
	Why     string // for people; empty where another has taken its place
	At      time.Time
	Own     string // in a word why this edge took it back; empty where its hub has said so
}

// insertGone returns ErrChanged where it is gone already: what was said first stays.
func insertGone(ctx context.Context, tx *sql.Tx, g Gone) error {
	r, err := tx.ExecContext(ctx, `INSERT INTO gone (recipient, id, why, at, own) VALUES ($1,$2,$3,$4,$5) ON CONFLICT (recipient, id) DO NOTHING`, g.Hub, g.ID, g.Why, micros(g.At), g.Own)
	if err != nil {
		return err
	}
	return anyRow(r)
}

// SaveRollout stores a roll-out, the releases that it names, and what is gone by it, in one commit. What is there already stays as it is.
func (d *DB) SaveRollout(ctx context.Context, r PulledRollout, gone []Gone, releases ...PulledRelease) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		for _, g := range gone {
			if err := insertGone(ctx, tx, g); err != nil && !errors.Is(err, ErrChanged) {
				return err
			}
		}
		for _, p := range releases {
			_, err := tx.ExecContext(ctx, `INSERT INTO releases (recipient, id, kind, envelope, payload, gate, pulled_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
 ON CONFLICT (recipient, id) DO NOTHING`, p.Hub, p.ID, p.Kind, p.Envelope, p.Payload, p.Gate, micros(p.PulledAt))
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO rollouts (recipient, signer, kind, sequence, envelope, pulled_at) VALUES ($1,$2,$3,$4,$5,$6)
 ON CONFLICT (recipient, signer, kind, sequence) DO NOTHING`, r.Hub, r.Signer, r.Kind, r.Sequence, r.Envelope, micros(r.PulledAt))
		return err
	})
}

const rolloutCols = `SELECT recipient, signer, kind, sequence, envelope, pulled_at FROM rollouts`

// LastRollout returns the highest of a kind that was seen of a hub with this key, or else the highest that was stored before keys were kept,
// or ErrNotFound.
func (d *DB) LastRollout(ctx context.Context, hub, signer, kind string) (PulledRollout, error) {
	return one(rowsOf(ctx, d.read, scanRollout, rolloutCols+` WHERE recipient=$1 AND signer IN ($2,'') AND kind=$3 ORDER BY signer DESC, sequence DESC LIMIT 1`, hub, signer, kind))
}

// Rollouts returns all that were seen, newest first.
func (d *DB) Rollouts(ctx context.Context) ([]PulledRollout, error) {
	return rowsOf(ctx, d.read, scanRollout, rolloutCols+` ORDER BY pulled_at DESC, recipient, kind, sequence DESC`)
}

func scanRollout(r *sql.Rows) (p PulledRollout, err error) {
	var at int64
	err = r.Scan(&p.Hub, &p.Signer, &p.Kind, &p.Sequence, &p.Envelope, &at)
	p.PulledAt = fromMicros(at)
	return p, err
}

const releaseCols = `SELECT recipient, id, kind, envelope, payload, gate, pulled_at, approved_by, approved_at, COALESCE(at, 0), COALESCE(why, '') FROM releases LEFT JOIN gone USING (recipient, id)`

func scanRelease(r *sql.Rows) (p PulledRelease, err error) {
	var pulled, approved, back int64
	err = r.Scan(&p.Hub, &p.ID, &p.Kind, &p.Envelope, &p.Payload, &p.Gate, &pulled, &p.ApprovedBy, &approved, &back, &p.BackWhy)
	p.PulledAt, p.ApprovedAt, p.BackAt = fromMicros(pulled), fromMicros(approved), fromMicros(back)
	return p, err
}

// PulledReleases returns those of a hub, or of all where none is named, newest first.
func (d *DB) PulledReleases(ctx context.Context, hub string) ([]PulledRelease, error) {
	return rowsOf(ctx, d.read, scanRelease, releaseCols+` WHERE $1='' OR recipient=$1 ORDER BY pulled_at DESC, id`, hub)
}

// PulledRelease returns one, or ErrNotFound.
func (d *DB) PulledRelease(ctx context.Context, hub, id string) (PulledRelease, error) {
	return one(rowsOf(ctx, d.read, scanRelease, releaseCols+` WHERE recipient=$1 AND id=$2`, hub, id))
}

// ApproveRelease says that a person has approved a release. ErrChanged says that there is none that waits for it.
func (d *DB) ApproveRelease(ctx context.Context, hub, id, who string, at time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE releases SET approved_by=$1, approved_at=$2 WHERE recipient=$3 AND id=$4 AND approved_by=''
 AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.recipient=releases.recipient AND gone.id=releases.id)`, who, micros(at), hub, id)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

// TakeReleaseBack says that a release is gone. ErrChanged says that it was already.
func (d *DB) TakeReleaseBack(ctx context.Context, g Gone) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return insertGone(ctx, tx, g) })
}

// Untold returns what this edge took back and has not told the hub of, the oldest first.
func (d *DB) Untold(ctx context.Context, hub string) ([]Gone, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (g Gone, err error) {
		var at int64
		err = r.Scan(&g.Hub, &g.ID, &g.Why, &at, &g.Own)
		g.At = fromMicros(at)
		return g, err
	}, `SELECT recipient, id, why, at, own FROM gone WHERE recipient=$1 AND own<>'' AND told=0 ORDER BY at, id`, hub)
}

// ToldGone says that the hub has been told.
func (d *DB) ToldGone(ctx context.Context, hub, id string, at time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE gone SET told=$1 WHERE recipient=$2 AND id=$3`, micros(at), hub, id)
		return err
	})
}

// IsGone says that a release decides nothing any more.
func (d *DB) IsGone(ctx context.Context, hub, id string) (is bool, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM gone WHERE recipient=$1 AND id=$2)`, hub, id).Scan(&is)
	return is, err
}

// Brake is what a person has decided of releases, whatever hubs say.
type Brake struct {
	Kind    string // that is pinned; empty: nothing of any kind is taken
	Hub, ID string // of the release that it is pinned to
	Who     string
	At      time.Time
	Failed  time.Time // when the model of that release failed, since when nothing of the kind decides; zero: it has not
}

// Brakes returns all, by kind.
func (d *DB) Brakes(ctx context.Context) ([]Brake, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (b Brake, err error) {
		var at, failed int64
		err = r.Scan(&b.Kind, &b.Hub, &b.ID, &b.Who, &at, &failed)
		b.At, b.Failed = fromMicros(at), fromMicros(failed)
		return b, err
	}, `SELECT kind, recipient, release, who, at, failed FROM brakes ORDER BY kind`)
}

// SetBrake puts a brake on, in the place of one of the same kind.
func (d *DB) SetBrake(ctx context.Context, b Brake) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO brakes (kind, recipient, release, who, at) VALUES ($1,$2,$3,$4,$5)
 ON CONFLICT (kind) DO UPDATE SET recipient=excluded.recipient, release=excluded.release, who=excluded.who, at=excluded.at, failed=0`, b.Kind, b.Hub, b.ID, b.Who, micros(b.At))
		return err
	})
}

// FailBrake says that the model of what is pinned has failed. ErrChanged says that it was said before, or is pinned no more.
func (d *DB) FailBrake(ctx context.Context, b Brake) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE brakes SET failed=$1 WHERE kind=$2 AND recipient=$3 AND release=$4 AND at=$5 AND failed=0`, micros(b.Failed), b.Kind, b.Hub, b.ID, micros(b.At))
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}

// LiftBrakes takes all brakes off. ErrChanged says that there was none.
func (d *DB) LiftBrakes(ctx context.Context) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM brakes`)
		if err != nil {
			return err
		}
		return anyRow(r)
	})
}
