// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"time"
)

// States of a passage.
const (
	PassageNone     = "none"     // the source has nothing for the recipient
	PassageSending  = "sending"  // it counts as having left
	PassageReceived = "received" // the recipient has signed for it
	PassageRefused  = "refused"  // by the recipient, for good
)

// PassageRow is what a hub passes on of one bundle to one recipient.
type PassageRow struct {
	Source, Recipient, Contributor string
	Bundle                         string // digest of what is passed on
	Manifest, Passage              []byte // signed
	State, Note                    string
	MadeAt                         time.Time
}

const passageCols = `SELECT source, recipient, contributor, bundle, manifest, passage, state, note, made_at FROM passages`

func scanPassage(r *sql.Rows) (p PassageRow, err error) {
	var at int64
	err = r.Scan(&p.Source, &p.Recipient, &p.Contributor, &p.Bundle, &p.Manifest, &p.Passage, &p.State, &p.Note, &at)
	p.MadeAt = fromMicros(at)
	return p, err
}

// Passages returns those to a recipient that are in a state.
func (d *DB) Passages(ctx context.Context, recipient, state string) ([]PassageRow, error) {
	return rowsOf(ctx, d.read, scanPassage, passageCols+` WHERE recipient=$1 AND state=$2 ORDER BY made_at, source`, recipient, state)
}

// Unpassed returns the admitted bundles of which it is not said yet what a recipient gets of them, in the order of admission.
func (d *DB) Unpassed(ctx context.Context, recipient string) ([]AdmittedRow, error) {
	return rowsOf(ctx, d.read, scanAdmitted, `SELECT `+admittedCols+` FROM admitted WHERE NOT EXISTS (SELECT 1 FROM passages WHERE source=admitted.bundle AND recipient=$1) ORDER BY seq`, recipient)
}

// Pass says what a recipient gets of a bundle: from this commit on the episodes of these ids count as passed on to it.
func (d *DB) Pass(ctx context.Context, p PassageRow, ids []string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if err := d.insertMany(ctx, tx, `INSERT INTO passed (contributor, id, recipient) VALUES `, ` ON CONFLICT (contributor, id, recipient) DO NOTHING`, 3, len(ids),
			func(i int, a []any) []any { return append(a, p.Contributor, ids[i], p.Recipient) }); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO passages (source, recipient, contributor, bundle, manifest, passage, state, note, made_at) VALUES ($1,$2,$3,$4,$5,$6,$7,'',$8)`,
			p.Source, p.Recipient, p.Contributor, p.Bundle, p.Manifest, p.Passage, p.State, micros(p.MadeAt))
		return err
	})
}

// SetPassage says what became of a passage.
func (d *DB) SetPassage(ctx context.Context, p PassageRow, state, note string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE passages SET state=$1, note=$2 WHERE source=$3 AND recipient=$4`, state, note, p.Source, p.Recipient)
		return err
	})
}

// DropPassage forgets a passage that did not arrive: it is made anew. Its episodes still count as passed on.
func (d *DB) DropPassage(ctx context.Context, p PassageRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM passages WHERE source=$1 AND recipient=$2 AND state=$3`, p.Source, p.Recipient, PassageSending)
		return err
	})
}

// PassedOn returns to whom which of a contributor's ids were passed on, in order.
func (d *DB) PassedOn(ctx context.Context, contributor string, ids []string) (map[string][]string, error) {
	out := map[string][]string{}
	err := forParts(ids, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) },
			`SELECT recipient, id FROM passed WHERE contributor=$1 AND id IN `+in(2, len(part))+` ORDER BY recipient, id`, append([]any{contributor}, part...)...)
		for _, p := range rows {
			out[p[0]] = append(out[p[0]], p[1])
		}
		return err
	})
	return out, err
}

// PassagesOf returns the passages of a contributor's bundles to a recipient that have arrived or may have.
func (d *DB) PassagesOf(ctx context.Context, contributor, recipient string) ([]PassageRow, error) {
	return rowsOf(ctx, d.read, scanPassage, passageCols+` WHERE contributor=$1 AND recipient=$2 AND state IN ('sending','received') ORDER BY made_at, source`, contributor, recipient)
}

// OnwardWithdrawal is what a hub takes back from a recipient because a contributor has taken it back.
type OnwardWithdrawal struct {
	Withdrawal, Recipient, ID string // Withdrawal is the contributor's, ID the digest of Envelope
	Envelope                  []byte
	Certificate               []byte // JSON, with its proofs; nil while there is none
	Key                       []byte // that signed it
}

// OnwardWithdrawals returns those of one of a contributor's withdrawals, by recipient.
func (d *DB) OnwardWithdrawals(ctx context.Context, withdrawal string) ([]OnwardWithdrawal, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (w OnwardWithdrawal, err error) {
		return w, r.Scan(&w.Withdrawal, &w.Recipient, &w.ID, &w.Envelope, &w.Certificate, &w.Key)
	}, `SELECT withdrawal, recipient, id, envelope, certificate, recipient_key FROM onward_withdrawals WHERE withdrawal=$1 ORDER BY recipient`, withdrawal)
}

// OpenOnward returns those to a recipient that have no certificate.
func (d *DB) OpenOnward(ctx context.Context, recipient string) ([]OnwardWithdrawal, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (w OnwardWithdrawal, err error) {
		return w, r.Scan(&w.Withdrawal, &w.Recipient, &w.ID, &w.Envelope)
	}, `SELECT withdrawal, recipient, id, envelope FROM onward_withdrawals WHERE recipient=$1 AND certificate IS NULL ORDER BY withdrawal`, recipient)
}

// AskOnward stores a withdrawal before it is sent, once.
func (d *DB) AskOnward(ctx context.Context, w OnwardWithdrawal) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO onward_withdrawals (withdrawal, recipient, id, envelope) VALUES ($1,$2,$3,$4) ON CONFLICT (withdrawal, recipient) DO NOTHING`,
			w.Withdrawal, w.Recipient, w.ID, w.Envelope)
		return err
	})
}

// CertifyOnward stores what the recipient certified.
func (d *DB) CertifyOnward(ctx context.Context, w OnwardWithdrawal, certificate, key []byte) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE onward_withdrawals SET certificate=$1, recipient_key=$2 WHERE withdrawal=$3 AND recipient=$4`, certificate, key, w.Withdrawal, w.Recipient)
		return err
	})
}
