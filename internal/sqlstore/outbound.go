// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// States of what may leave.
const (
	OutWaiting  = "waiting"  // for a person
	OutHeld     = "held"     // a person has seen it and wants to think
	OutApproved = "approved" // will be packed
	OutRefused  = "refused"  // stays
	OutPacked   = "packed"   // in a bundle
)

// OutboundRow is the exact bytes that may leave, for one recipient.
type OutboundRow struct {
	Episode   string
	Revision  int
	Recipient string
	Kind      string // "episodes" or "amendments"
	Digest    string
	Level     string
	Rule      string
	Findings  int
	State     string
	DecidedBy string
	DecidedAt time.Time
	Bundle    string
	CreatedAt time.Time
	Body      []byte
}

const outboundCols = `episode, revision, recipient, kind, digest, level, rule, findings, state, decided_by, decided_at, bundle, created_at`

func scanOutbound(r *sql.Rows) (o OutboundRow, err error) {
	var decided, created int64
	err = r.Scan(&o.Episode, &o.Revision, &o.Recipient, &o.Kind, &o.Digest, &o.Level, &o.Rule, &o.Findings, &o.State, &o.DecidedBy, &decided,
		&o.Bundle, &created, &o.Body)
	o.DecidedAt, o.CreatedAt = fromMicros(decided), fromMicros(created)
	return o, err
}

const withBody = ` FROM outbound JOIN bodies USING (episode, revision, recipient)`

// unpacked are the rows of the outgoing batch: what has not been packed yet.
const unpacked = ` WHERE recipient=$1 AND state IN ('waiting','held','approved','refused')`

// Batch returns a page of what would leave to a recipient next, most findings first.
func (d *DB) Batch(ctx context.Context, recipient string, offset, limit int) ([]OutboundRow, error) {
	return rowsOf(ctx, d.read, scanOutbound, `SELECT `+outboundCols+`, body`+withBody+unpacked+` ORDER BY state DESC, findings DESC, episode, revision LIMIT $2 OFFSET $3`,
		recipient, limit, offset)
}

// BatchCount is a part of the outgoing batch.
type BatchCount struct {
	State, Level, Kind string
	Records, Findings  int
	Bytes              int64
	First              time.Time
}

// BatchCounts sums up the outgoing batch of a recipient.
func (d *DB) BatchCounts(ctx context.Context, recipient string) ([]BatchCount, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c BatchCount, err error) {
		var first int64
		err = r.Scan(&c.State, &c.Level, &c.Kind, &c.Records, &c.Findings, &c.Bytes, &first)
		c.First = fromMicros(first)
		return c, err
	}, `SELECT state, level, kind, COUNT(*), SUM(findings), SUM(bytes), MIN(created_at) FROM outbound`+unpacked+` GROUP BY state, level, kind ORDER BY state, level, kind`, recipient)
}

// WaitingDigests returns the digests of what waits for a person, sorted.
func (d *DB) WaitingDigests(ctx context.Context, recipient string) ([]string, error) {
	list, err := rowsOf(ctx, d.read, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) },
		`SELECT digest FROM outbound WHERE recipient=$1 AND state='waiting'`, recipient)
	slices.Sort(list)
	return list, err
}

// OutboundOf returns all that left or may leave of episodes, by revision.
func (d *DB) OutboundOf(ctx context.Context, ids ...string) (out []OutboundRow, err error) {
	err = forParts(ids, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, scanOutbound, `SELECT `+outboundCols+`, body`+withBody+` WHERE episode IN `+in(1, len(part))+` ORDER BY episode, recipient, revision`, part...)
		out = append(out, rows...)
		return err
	})
	return out, err
}

// OutboundCounts counts by state.
func (d *DB) OutboundCounts(ctx context.Context) ([]Count, error) {
	return counts(ctx, d.read, `SELECT state, COUNT(*) FROM outbound GROUP BY state ORDER BY state`)
}

// Decide moves rows that wait or are held to approved, refused or held, and returns how many. They are named by digest;
// with none named it moves all that wait.
func (d *DB) Decide(ctx context.Context, who, recipient, state string, digests []string, now time.Time) (n int64, err error) {
	if state != OutApproved && state != OutRefused && state != OutHeld {
		return 0, fmt.Errorf("decide: %q is not a decision", state)
	}
	err = d.tx(ctx, func(tx *sql.Tx) error {
		do := func(more string, args ...any) error {
			r, err := tx.ExecContext(ctx, `UPDATE outbound SET state=$1, decided_by=$2, decided_at=$3 WHERE recipient=$4 AND `+more,
				append([]any{state, who, micros(now), recipient}, args...)...)
			if err != nil {
				return err
			}
			k, err := r.RowsAffected()
			n += k
			return err
		}
		if digests == nil {
			return do(`state='waiting'`)
		}
		return forParts(digests, func(part []any) error {
			if err := do(`state IN ('waiting','held') AND digest IN `+in(5, len(part)), part...); err != nil || state != OutApproved {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM held WHERE episode IN (SELECT episode FROM outbound WHERE state='approved' AND recipient=$1 AND digest IN `+in(2, len(part))+`)`,
				append([]any{recipient}, part...)...)
			return err
		})
	})
	return n, err
}

// Approved returns rows ready to be packed for a recipient, of one kind, episodes before amendments, at most limit. They
// come in no order: a bundle sorts its records.
func (d *DB) Approved(ctx context.Context, recipient string, limit int) ([]OutboundRow, error) {
	var kind string
	err := d.read.QueryRowContext(ctx, `SELECT kind FROM outbound WHERE state='approved' AND recipient=$1 ORDER BY kind DESC LIMIT 1`, recipient).Scan(&kind)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rowsOf(ctx, d.read, func(r *sql.Rows) (OutboundRow, error) {
		o := OutboundRow{Recipient: recipient, Kind: kind, State: OutApproved}
		return o, r.Scan(&o.Episode, &o.Revision, &o.Digest, &o.Body)
	}, `SELECT episode, revision, digest, body`+withBody+` WHERE state='approved' AND recipient=$1 AND kind=$2 LIMIT $3`, recipient, kind, limit)
}

// BundleRow is a bundle at the edge.
type BundleRow struct {
	ID, Recipient, Kind string
	Records             int
	Bytes               int64
	State               string // packed, received, refused
	Note                string
	CreatedAt           time.Time
	Receipt             []byte
}

// Pack records in one commit that a bundle holds these rows: from here on they will leave, once. ErrChanged says that one
// of them is not approved any more.
func (d *DB) Pack(ctx context.Context, b BundleRow, rows []OutboundRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO bundles (id, recipient, kind, records, bytes, state, note, created_at) VALUES ($1,$2,$3,$4,$5,'packed','',$6)
 ON CONFLICT (id) DO NOTHING`, b.ID, b.Recipient, b.Kind, b.Records, b.Bytes, micros(b.CreatedAt)); err != nil {
			return err
		}
		st, err := tx.PrepareContext(ctx, `UPDATE outbound SET state='packed', bundle=$1 WHERE episode=$2 AND revision=$3 AND recipient=$4 AND state='approved'`)
		if err != nil {
			return err
		}
		defer st.Close()
		for i := range rows {
			r, err := st.ExecContext(ctx, b.ID, rows[i].Episode, rows[i].Revision, rows[i].Recipient)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil || n != 1 {
				return cmp.Or(err, error(ErrChanged)) // somebody took it back while the bundle was made
			}
		}
		return nil
	})
}

// ErrChanged says that what was read is no longer so: read it again.
var ErrChanged = errors.New("changed meanwhile")

// Stop keeps approved rows from leaving.
func (d *DB) Stop(ctx context.Context, who string, digests []string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		return forParts(digests, func(part []any) error {
			_, err := tx.ExecContext(ctx, `UPDATE outbound SET state='refused', decided_by=$1, decided_at=$2 WHERE state='approved' AND digest IN `+in(3, len(part)),
				append([]any{who, micros(now)}, part...)...)
			return err
		})
	})
}

func scanBundle(r *sql.Rows) (b BundleRow, err error) {
	var at int64
	err = r.Scan(&b.ID, &b.Recipient, &b.Kind, &b.Records, &b.Bytes, &b.State, &b.Note, &at, &b.Receipt)
	b.CreatedAt = fromMicros(at)
	return b, err
}

// Bundles returns bundles, in a state if it is not empty, oldest first: of every recipient.
func (d *DB) Bundles(ctx context.Context, state string) ([]BundleRow, error) {
	return rowsOf(ctx, d.read, scanBundle, `SELECT id, recipient, kind, records, bytes, state, note, created_at, receipt FROM bundles
 WHERE $1='' OR state=$1 ORDER BY created_at, id`, state)
}

// SetReceipt stores the hub's signed answer to a bundle.
func (d *DB) SetReceipt(ctx context.Context, id string, receipt []byte) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE bundles SET state='received', note='', receipt=$1 WHERE id=$2`, receipt, id)
		return err
	})
}

// RefuseBundle records in one commit that the hub has refused a bundle: the records of these digests stay here for good, the
// others wait for a person again, and so does whatever else comes of their episodes. The hub's signed word stands where a
// receipt would.
func (d *DB) RefuseBundle(ctx context.Context, id, why string, incident []byte, stay []string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE bundles SET state='refused', note='', receipt=$1 WHERE id=$2`, incident, id); err != nil {
			return err
		}
		err := forParts(stay, func(part []any) error {
			if _, err := tx.ExecContext(ctx, `UPDATE episodes SET state='vetoed', note=$1 WHERE state<>'withdrawn' AND id IN (SELECT episode FROM outbound WHERE bundle=$2 AND digest IN `+in(3, len(part))+`)`,
				append([]any{why, id}, part...)...); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE outbound SET state='refused', bundle='', decided_by=$1, decided_at=$2 WHERE bundle=$3 AND digest IN `+in(4, len(part)),
				append([]any{why, micros(now), id}, part...)...)
			return err
		})
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO held (episode, why) SELECT DISTINCT episode, CAST($1 AS TEXT) FROM outbound WHERE bundle=$2 ON CONFLICT (episode) DO NOTHING`, why, id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE outbound SET state=CASE WHEN episode IN (SELECT id FROM episodes WHERE state='withdrawn') THEN 'refused' ELSE 'held' END,
 bundle='', decided_by=$1, decided_at=$2 WHERE bundle=$3`, why, micros(now), id) // what was taken back meanwhile waits for nobody
		return err
	})
}

// NoteBundle says on the page why a bundle has not arrived.
func (d *DB) NoteBundle(ctx context.Context, id, note string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE bundles SET note=$1 WHERE id=$2`, note, id)
		return err
	})
}
