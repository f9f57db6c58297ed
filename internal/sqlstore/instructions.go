// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The states of a release of instructions at an edge.
const (
	InstructionsOffered  = "offered"  // a person is to look at what it changes
	InstructionsDeclined = "declined" // and has said no
	InstructionsTrying   = "trying"   // some developers have it
	InstructionsPassed   = "passed"   // the gate has said that code lasts longer with it: a person is to say whether all get it
	InstructionsKept     = "kept"     // all developers have it
	InstructionsDropped  = "dropped"  // the gate has not, or the hub has taken it back
	InstructionsStopped  = "stopped"  // a person has
)

// InstructionsRow is one release of instructions.
type InstructionsRow struct {
	ID, Hub, State string
	Sealed         []byte
	Share          float64 // of developers who get it while it is tried
	OfferedAt      time.Time
	From, Until    time.Time // of the trial; zero: not begun, not ended
	KeptAt         time.Time // since when all have it; zero: they have not
	By             string    // who decided last
	Note           string
}

// OfferInstructions stores a release of instructions, unless it is known, and says whether it is new.
func (d *DB) OfferInstructions(ctx context.Context, r InstructionsRow) (fresh bool, err error) {
	err = d.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO instructions (id, recipient, state, sealed, share, offered_at, from_at, until_at, kept_at, decided_by, note)
 VALUES ($1,$2,$3,$4,0,$5,0,0,0,'','') ON CONFLICT (id) DO NOTHING`, r.ID, r.Hub, InstructionsOffered, r.Sealed, micros(r.OfferedAt))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		fresh = n > 0
		return err
	})
	return fresh, err
}

// MoveInstructions stores what was decided about a release that is in the state from; ErrChanged where it is not any more.
func (d *DB) MoveInstructions(ctx context.Context, from string, r InstructionsRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE instructions SET state=$1, sealed=$2, share=$3, from_at=$4, until_at=$5, kept_at=$6, decided_by=$7, note=$8 WHERE id=$9 AND state=$10`,
			r.State, r.Sealed, r.Share, micros(r.From), micros(r.Until), micros(r.KeptAt), r.By, r.Note, r.ID, from)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return ErrChanged
		}
		return nil
	})
}

// Instructions returns all releases of instructions, the newest first.
func (d *DB) Instructions(ctx context.Context) ([]InstructionsRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (i InstructionsRow, err error) {
		var offered, from, until, kept int64
		err = r.Scan(&i.ID, &i.Hub, &i.State, &i.Sealed, &i.Share, &offered, &from, &until, &kept, &i.By, &i.Note)
		i.OfferedAt, i.From, i.Until, i.KeptAt = fromMicros(offered), fromMicros(from), fromMicros(until), fromMicros(kept)
		return i, err
	}, `SELECT id, recipient, state, sealed, share, offered_at, from_at, until_at, kept_at, decided_by, note FROM instructions ORDER BY offered_at DESC, id`)
}

// OffersSeen returns the number of the last offers that were seen of a hub with this key, 0 for none. ours is false where that is
// of before it was kept by which key offers are numbered, or where there is none.
func (d *DB) OffersSeen(ctx context.Context, hub, signer string) (n int64, ours bool, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT sequence, signer<>'' FROM offers_seen WHERE recipient=$1 AND signer IN ($2,'') ORDER BY signer DESC LIMIT 1`, hub, signer).Scan(&n, &ours)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, ours, err
}

// SawOffers keeps the number of offers that were seen of a hub with this key.
func (d *DB) SawOffers(ctx context.Context, hub, signer string, n int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM offers_seen WHERE recipient=$1 AND signer=''`, hub); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO offers_seen (recipient, signer, sequence) VALUES ($1,$2,$3) ON CONFLICT (recipient, signer) DO UPDATE SET sequence=excluded.sequence`, hub, signer, n)
		return err
	})
}
