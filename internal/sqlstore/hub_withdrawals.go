// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/headrace/headrace/bundle"
)

// OpenWithdrawal is a withdrawal that has no certificate yet.
type OpenWithdrawal struct {
	ID, Contributor string // ID is the digest of the envelope
	Reason          string // empty: the contributor asked
	Envelope        []byte // as it was signed; of what the hub takes back itself, the document that it signs once it is erased
	AskedAt         time.Time
	Erased          bool // everything it reached is erased; Records and Fates say what
	Records         int
	Fates           []bundle.Fate
}

// Carrier is an artifact in which a withdrawal came, or is told.
type Carrier struct {
	Contributor, Withdrawal string
	Manifest                string // its digest
	Size                    int64  // of the manifest
}

// AskCertificate stores a withdrawal, the ids it takes back and the manifest that it came in, in one commit.
func (d *DB) AskCertificate(ctx context.Context, w OpenWithdrawal, ids []string, manifest string, size int64) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if err := d.askCertificate(ctx, tx, w, ids); err != nil {
			return err
		}
		return carry(ctx, tx, Carrier{Withdrawal: w.ID, Manifest: manifest, Size: size})
	})
}

func carry(ctx context.Context, tx *sql.Tx, c Carrier) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO carriers (withdrawal, manifest, size) VALUES ($1,$2,$3) ON CONFLICT (withdrawal, manifest) DO NOTHING`, c.Withdrawal, c.Manifest, c.Size)
	return err
}

// Certify stores the certificate of a withdrawal, once, and the artifacts that tell of it beside those in which it came.
func (d *DB) Certify(ctx context.Context, certificate DocumentRow, told ...Carrier) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		for _, c := range told {
			if err := carry(ctx, tx, c); err != nil {
				return err
			}
		}
		return insertDocument(ctx, tx, certificate)
	})
}

// Unanswered returns the artifacts in which a certified withdrawal came, or any where none is named, that have no referrer of the
// certificate's type yet.
func (d *DB) Unanswered(ctx context.Context, withdrawal, certificateType string) ([]Carrier, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c Carrier, err error) {
		return c, r.Scan(&c.Contributor, &c.Withdrawal, &c.Manifest, &c.Size)
	}, `SELECT w.contributor, c.withdrawal, c.manifest, c.size FROM carriers c JOIN hub_withdrawals w ON w.id=c.withdrawal
 WHERE ($1='' OR c.withdrawal=$1) AND EXISTS (SELECT 1 FROM documents WHERE kind='certificate' AND documents.id=c.withdrawal)
 AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.repo=w.contributor || '/withdrawals' AND m.subject=c.manifest AND m.artifact_type=$2)
 ORDER BY c.withdrawal, c.manifest`, withdrawal, certificateType)
}

func (d *DB) askCertificate(ctx context.Context, tx *sql.Tx, w OpenWithdrawal, ids []string) error {
	if err := d.insertMany(ctx, tx, `INSERT INTO withdrawn (contributor, id, withdrawal) VALUES `, ` ON CONFLICT (contributor, id) DO NOTHING`, 3, len(ids),
		func(i int, a []any) []any { return append(a, w.Contributor, ids[i], w.ID) }); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO hub_withdrawals (id, contributor, reason, envelope, asked_at, erased, records, fates) VALUES ($1,$2,$3,$4,$5,$6,0,'[]')
 ON CONFLICT (id) DO NOTHING`, w.ID, w.Contributor, w.Reason, w.Envelope, micros(w.AskedAt), false)
	return err
}

// Expiring returns the admitted bundles of which records must be gone by a time, by contributor.
func (d *DB) Expiring(ctx context.Context, by time.Time) ([]AdmittedRow, error) {
	return rowsOf(ctx, d.read, scanAdmitted, `SELECT `+admittedCols+` FROM admitted WHERE expires_at > 0 AND expires_at <= $1 ORDER BY contributor, seq`, micros(by))
}

// Expire stores in one commit that the terms of these ids have run out, unless there are none, and when the next of each
// bundle's will.
func (d *DB) Expire(ctx context.Context, w OpenWithdrawal, ids []string, next map[string]time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		for bundle, at := range next {
			if _, err := tx.ExecContext(ctx, `UPDATE admitted SET expires_at=$1 WHERE bundle=$2`, micros(at), bundle); err != nil {
				return err
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return d.askCertificate(ctx, tx, w, ids)
	})
}

// Doom says that blobs must go.
func (d *DB) Doom(ctx context.Context, digests ...string) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return d.doom(ctx, tx, digests) })
}

const openCols = `SELECT id, contributor, reason, envelope, asked_at, erased, records, fates FROM hub_withdrawals w`

func scanOpen(r *sql.Rows) (w OpenWithdrawal, err error) {
	var at int64
	var fates string
	if err = r.Scan(&w.ID, &w.Contributor, &w.Reason, &w.Envelope, &at, &w.Erased, &w.Records, &fates); err == nil {
		err = json.Unmarshal([]byte(fates), &w.Fates)
	}
	w.AskedAt = fromMicros(at)
	return w, err
}

// OpenWithdrawals returns those without a certificate, oldest first.
func (d *DB) OpenWithdrawals(ctx context.Context) ([]OpenWithdrawal, error) {
	return rowsOf(ctx, d.read, scanOpen, openCols+` WHERE NOT EXISTS (SELECT 1 FROM documents WHERE kind='certificate' AND documents.id=w.id) ORDER BY asked_at, id`)
}

// Withdrawal returns one, or ErrNotFound.
func (d *DB) Withdrawal(ctx context.Context, id string) (OpenWithdrawal, error) {
	return one(rowsOf(ctx, d.read, scanOpen, openCols+` WHERE id=$1`, id))
}

// Erasure is one thing done for a withdrawal: a shard that has lost records, a snapshot that has lost files, or counts that are gone.
type Erasure struct {
	Withdrawal string
	Fate       bundle.Fate
	Records    int
	Shard      string   // for a bundle: what is left of it
	Leaves     string   // for a bundle that was whole before: the hashes of its records
	Doomed     []string // blobs that must go
}

// Erase stores in one commit that a bundle or snapshot no longer holds what was withdrawn, which blobs must go for it,
// and what the certificate will say.
func (d *DB) Erase(ctx context.Context, e Erasure) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		var err error
		switch e.Fate.Kind {
		case "bundle":
			// Two bundles of the same records share a blob: both point to what is left, before the old one goes.
			_, err = tx.ExecContext(ctx, `UPDATE admitted SET shard=$1, leaves=CASE WHEN leaves='' THEN $3 ELSE leaves END WHERE shard=(SELECT a.shard FROM admitted a WHERE a.bundle=$2)`, e.Shard, e.Fate.Artifact, e.Leaves)
		case DocCounts:
			// With what gates saw by them, or by others of the same contributor.
			_, err = tx.ExecContext(ctx, `DELETE FROM documents WHERE kind=$1 AND contributor IN (SELECT contributor FROM documents WHERE kind=$2 AND id=$3)`, DocSelection, DocCounts, e.Fate.Artifact)
			if err == nil {
				_, err = tx.ExecContext(ctx, `DELETE FROM documents WHERE kind=$1 AND id=$2`, DocCounts, e.Fate.Artifact)
			}
		default:
			_, err = tx.ExecContext(ctx, `UPDATE documents SET note=$1 WHERE kind=$2 AND id=$3`, "incomplete: withdrawal "+e.Withdrawal, DocSnapshot, e.Fate.Artifact)
		}
		if err != nil {
			return err
		}
		if err := d.doom(ctx, tx, e.Doomed); err != nil {
			return err
		}
		var n int
		var old string
		if err := tx.QueryRowContext(ctx, `SELECT records, fates FROM hub_withdrawals WHERE id=$1`, e.Withdrawal).Scan(&n, &old); err != nil {
			return err
		}
		var all []bundle.Fate
		if err := json.Unmarshal([]byte(old), &all); err != nil {
			return err
		}
		b, err := json.Marshal(append(all, e.Fate))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE hub_withdrawals SET records=$1, fates=$2 WHERE id=$3`, n+e.Records, string(b), e.Withdrawal)
		return err
	})
}

func (d *DB) doom(ctx context.Context, tx *sql.Tx, digests []string) error {
	return d.insertMany(ctx, tx, `INSERT INTO doomed (digest) VALUES `, ` ON CONFLICT (digest) DO NOTHING`, 1, len(digests),
		func(i int, a []any) []any { return append(a, digests[i]) })
}

// spare takes a blob off the list of those that must go: it is asked for again.
func (d *DB) spare(ctx context.Context, tx *sql.Tx, digest string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM doomed WHERE digest=$1`, digest)
	return err
}

// SetErased says that nothing that a withdrawal reached holds its records any more.
func (d *DB) SetErased(ctx context.Context, withdrawal string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE hub_withdrawals SET erased=$1 WHERE id=$2`, true, withdrawal)
		return err
	})
}

// Doomed returns the blobs that must go. One that an admitted bundle points to is none of them, whatever the list says.
func (d *DB) Doomed(ctx context.Context) ([]string, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT digest FROM doomed
 WHERE digest NOT IN (SELECT shard FROM admitted) ORDER BY digest`)
}

// Gone says that a doomed blob is deleted.
func (d *DB) Gone(ctx context.Context, digest string) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return d.spare(ctx, tx, digest) })
}
