// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"
)

// States of what may leave.
const (
	OutAsked    = "asked"    // for its developer, and then goes on as DecidedBy says
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
	Bytes     int64 // of the body
	// Seq is the place in which rows came. The store gives it.
	Seq int64
	// Risk is how much there is to look at, and Why what.
	Risk int
	Why  string
	// Found is what the filter replaced, by kind; Findings is its sum.
	Found map[string]int
	// Note is why the row is held.
	Note string
	// Audited says that a rule would have approved it, and that it was drawn to be looked at.
	Audited bool
	// Names are what the record has in common with others. They are counted when it is stored.
	Names []Name
	Body  []byte
}

// part is how the row counts.
func (o *OutboundRow) part() part {
	p := part{recipient: o.Recipient, level: o.Level, found: encodeFound(o.Found), records: 1, bytes: cmp.Or(o.Bytes, int64(len(o.Body)))}
	if o.Risk > 0 {
		p.flagged = 1
	}
	return p
}

const outboundCols = `episode, revision, recipient, kind, digest, level, rule, findings, state, decided_by, decided_at, bundle, created_at,
 bytes, seq, rank, why, found, note, audited`

func scanOutbound(r *sql.Rows) (o OutboundRow, err error) {
	var decided, created, rank int64
	var found string
	if err := r.Scan(&o.Episode, &o.Revision, &o.Recipient, &o.Kind, &o.Digest, &o.Level, &o.Rule, &o.Findings, &o.State, &o.DecidedBy, &decided,
		&o.Bundle, &created, &o.Bytes, &o.Seq, &rank, &o.Why, &found, &o.Note, &o.Audited, &o.Body); err != nil {
		return o, err
	}
	o.DecidedAt, o.CreatedAt, o.Risk = fromMicros(decided), fromMicros(created), int(-rank)
	o.Found, err = decodeFound(found)
	return o, err
}

const withBody = ` FROM outbound JOIN bodies USING (episode, revision, recipient)`

// Place is a row's place in a list of a state: those with most to look at first. The zero place is before all.
type Place struct {
	Risk int
	Seq  int64
}

// Batch returns a page of what would leave to a recipient next and is in a state, most to look at first, from the place
// after on.
func (d *DB) Batch(ctx context.Context, recipient, state string, after Place, limit int) ([]OutboundRow, error) {
	rank := int64(-after.Risk)
	if after == (Place{}) {
		rank = math.MinInt64
	}
	return rowsOf(ctx, d.read, scanOutbound, `SELECT `+outboundCols+`, body`+withBody+` WHERE recipient=$1 AND state=$2 AND (rank, seq) > ($3, $4) ORDER BY rank, seq LIMIT $5`,
		recipient, state, rank, after.Seq, limit)
}

// Tally is what rows of outbound in one state and level come to.
type Tally struct {
	State, Level   string
	Records, Bytes int64
	Flagged        int64          // records with a reason to look
	Found          map[string]int // what the filter replaced, by kind
}

// Tallies returns what the outgoing batch of a recipient comes to, by state and level, and the number of its last row so
// far: all rows up to it are counted or were decided before.
func (d *DB) Tallies(ctx context.Context, recipient string) (list []Tally, last int64, err error) {
	if err := d.read.QueryRowContext(ctx, `SELECT n FROM outbound_turn WHERE one=1`).Scan(&last); err != nil {
		return nil, 0, err
	}
	type line struct {
		state, level, what string
		n                  int64
	}
	lines, err := rowsOf(ctx, d.read, func(r *sql.Rows) (l line, err error) { return l, r.Scan(&l.state, &l.level, &l.what, &l.n) },
		`SELECT state, level, what, n FROM tallies WHERE recipient=$1 AND state<>'packed' AND n<>0 ORDER BY state, level, what`, recipient)
	for _, l := range lines {
		if k := len(list) - 1; k < 0 || list[k].State != l.state || list[k].Level != l.level {
			list = append(list, Tally{State: l.state, Level: l.level, Found: map[string]int{}})
		}
		t := &list[len(list)-1]
		switch l.what {
		case tallyRecords:
			t.Records = l.n
		case tallyBytes:
			t.Bytes = l.n
		case tallyFlagged:
			t.Flagged = l.n
		default:
			t.Found[strings.TrimPrefix(l.what, tallyFound)] = int(l.n)
		}
	}
	return list, last, err
}

// ByDigest returns the episodes that rows to a recipient of these digests are of.
func (d *DB) ByDigest(ctx context.Context, recipient string, digests []string) (ids []string, err error) {
	err = forParts(digests, func(part []any) error {
		more, err := rowsOf(ctx, d.read, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) },
			`SELECT DISTINCT episode FROM outbound WHERE recipient=$1 AND digest IN `+in(2, len(part))+` ORDER BY episode`, append([]any{recipient}, part...)...)
		ids = append(ids, more...)
		return err
	})
	return ids, err
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
	return counts(ctx, d.read, `SELECT state, SUM(n) FROM tallies WHERE what='records' GROUP BY state HAVING SUM(n) > 0 ORDER BY state`)
}

// Approved returns rows ready to be packed for a recipient, of one kind, episodes before amendments, at most limit. They
// come in no order: a bundle sorts its records.
func (d *DB) Approved(ctx context.Context, recipient string, limit int) ([]OutboundRow, error) {
	var kind string
	const mayLeave = ` AND NOT EXISTS (SELECT 1 FROM episodes WHERE id=outbound.episode AND state IN ('withdrawn','vetoed'))`
	err := d.read.QueryRowContext(ctx, `SELECT kind FROM outbound WHERE state='approved' AND recipient=$1`+mayLeave+` ORDER BY kind DESC LIMIT 1`, recipient).Scan(&kind)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rowsOf(ctx, d.read, func(r *sql.Rows) (OutboundRow, error) {
		o := OutboundRow{Recipient: recipient, Kind: kind, State: OutApproved}
		var found string
		var rank int64
		err := r.Scan(&o.Episode, &o.Revision, &o.Digest, &o.Level, &found, &rank, &o.Body)
		if err != nil {
			return o, err
		}
		o.Risk = int(-rank)
		o.Found, err = decodeFound(found)
		return o, err
	}, `SELECT episode, revision, digest, level, found, rank, body`+withBody+` WHERE state='approved' AND recipient=$1 AND kind=$2`+mayLeave+` LIMIT $3`, recipient, kind, limit)
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
	Sent                bool // it was tried to be sent
}

// Pack records in one commit that a bundle holds these rows: from here on they will leave, once. ErrChanged says that one
// of them is not approved any more.
func (d *DB) Pack(ctx context.Context, b BundleRow, rows []OutboundRow) error {
	return d.change(ctx, func(tx *changing) error {
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
			p := rows[i].part()
			if err := errors.Join(tx.add(p, OutApproved, -1), tx.add(p, OutPacked, 1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ErrChanged says that what was read is no longer so: read it again.
var ErrChanged = errors.New("changed meanwhile")

// Stop keeps approved rows from leaving.
func (d *DB) Stop(ctx context.Context, who string, digests []string, now time.Time) error {
	return d.change(ctx, func(tx *changing) error {
		return forParts(digests, func(part []any) error {
			_, err := tx.move(ctx, said{state: OutRefused, by: who, at: now}, `state='approved' AND digest IN `+in(1, len(part)), part...)
			return err
		})
	})
}

func scanBundle(r *sql.Rows) (b BundleRow, err error) {
	var at int64
	err = r.Scan(&b.ID, &b.Recipient, &b.Kind, &b.Records, &b.Bytes, &b.State, &b.Note, &at, &b.Receipt, &b.Sent)
	b.CreatedAt = fromMicros(at)
	return b, err
}

// Bundles returns bundles, in a state if it is not empty, oldest first: of every recipient.
func (d *DB) Bundles(ctx context.Context, state string) ([]BundleRow, error) {
	return rowsOf(ctx, d.read, scanBundle, `SELECT id, recipient, kind, records, bytes, state, note, created_at, receipt, sent_at>0 FROM bundles
 WHERE $1='' OR state=$1 ORDER BY created_at, id`, state)
}

// Ours counts which of these records, by digest, are among those on which this edge decides.
func (d *DB) Ours(ctx context.Context, digests []string) (n int, err error) {
	err = forParts(digests, func(part []any) error {
		var k int
		err := d.read.QueryRowContext(ctx, `SELECT COUNT(DISTINCT digest) FROM outbound WHERE digest IN `+in(1, len(part)), part...).Scan(&k)
		n += k
		return err
	})
	return n, err
}

// Bundle returns one, or ErrNotFound.
func (d *DB) Bundle(ctx context.Context, id string) (BundleRow, error) {
	return one(rowsOf(ctx, d.read, scanBundle, `SELECT id, recipient, kind, records, bytes, state, note, created_at, receipt, sent_at>0 FROM bundles WHERE id=$1`, id))
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
// receipt would. To other hubs none of it goes either: bundles of which nothing was sent are undone, and returned.
func (d *DB) RefuseBundle(ctx context.Context, id, why string, incident []byte, stay []string, now time.Time) (stopped []string, err error) {
	err = d.change(ctx, func(tx *changing) error {
		episodes, err := idsOf(ctx, tx.Tx, `SELECT DISTINCT episode FROM outbound WHERE bundle=$1`, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE bundles SET state='refused', note='', receipt=$1 WHERE id=$2`, incident, id); err != nil {
			return err
		}
		err = forParts(stay, func(part []any) error {
			if _, err := tx.ExecContext(ctx, `UPDATE episodes SET state='vetoed', note=$1 WHERE state<>'withdrawn' AND id IN (SELECT episode FROM outbound WHERE bundle=$2 AND digest IN `+in(3, len(part))+`)`,
				append([]any{why, id}, part...)...); err != nil {
				return err
			}
			_, err := tx.move(ctx, said{state: OutRefused, by: why, at: now}, `bundle=$1 AND digest IN `+in(2, len(part)), append([]any{id}, part...)...)
			return err
		})
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO held (episode, why) SELECT DISTINCT episode, CAST($1 AS TEXT) FROM outbound WHERE bundle=$2 ON CONFLICT (episode) DO NOTHING`, why, id); err != nil {
			return err
		}
		// What was taken back meanwhile waits for nobody.
		if _, err := tx.move(ctx, said{state: OutRefused, by: why, at: now}, `bundle=$1 AND episode IN (SELECT id FROM episodes WHERE state IN ('withdrawn','vetoed'))`, id); err != nil {
			return err
		}
		if _, err = tx.move(ctx, said{state: OutHeld, by: why, note: why, at: now}, `bundle=$1`, id); err != nil {
			return err
		}
		return forParts(episodes, func(part []any) error {
			undone, err := tx.stopElsewhere(ctx, part, why, now)
			stopped = append(stopped, undone...)
			return err
		})
	})
	return stopped, err
}

// stopElsewhere keeps back what would go to anybody of episodes that an incident is about.
func (c *changing) stopElsewhere(ctx context.Context, episodes []any, why string, now time.Time) ([]string, error) {
	of := `episode IN ` + in(1, len(episodes))
	stopped, err := idsOf(ctx, c.Tx, `DELETE FROM bundles WHERE state='packed' AND sent_at=0 AND id IN (SELECT bundle FROM outbound WHERE state='packed' AND `+of+`) RETURNING id`, episodes...)
	if err != nil {
		return nil, err
	}
	for _, id := range stopped {
		if err := c.unpacked(ctx, id); err != nil {
			return nil, err
		}
	}
	if _, err := c.move(ctx, said{state: OutRefused, by: why, at: now}, `state IN ('asked','waiting','held','approved') AND `+of+` AND episode IN (SELECT id FROM episodes WHERE state IN ('withdrawn','vetoed'))`, episodes...); err != nil {
		return nil, err
	}
	_, err = c.move(ctx, said{state: OutHeld, by: why, note: why, at: now}, `state IN ('waiting','approved') AND `+of, episodes...)
	return stopped, err
}

// NoteBundle says on the page why a bundle has not arrived.
func (d *DB) NoteBundle(ctx context.Context, id, note string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE bundles SET note=$1 WHERE id=$2`, note, id)
		return err
	})
}
