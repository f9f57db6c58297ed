// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"iter"
	"math"
	"time"
)

// ContributorRow is an enterprise, seen from the hub.
type ContributorRow struct {
	Name        string
	PublicKey   string // base64 of the raw ed25519 key
	TokenDigest string
	Channel     string // what it is entitled to: early or stable
	Demo        bool
	JoinedAt    time.Time
	Subject     string    // what the tokens of its workload say who it is; empty for none
	RevokedAt   time.Time // zero where it is not
}

// AddInvite stores the digest of a one-time code.
func (d *DB) AddInvite(ctx context.Context, codeDigest, name, subject string, expires time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invites (code_digest, name, subject, expires_at, used_at) VALUES ($1,$2,$3,$4,0)`, codeDigest, name, subject, micros(expires))
		return err
	})
}

// Invite returns an invite as it stands, or ErrNotFound: for whom it is, until when, and when it was used (zero: it was not).
func (d *DB) Invite(ctx context.Context, codeDigest string) (name string, expires, used time.Time, err error) {
	var e, u int64
	err = d.read.QueryRowContext(ctx, `SELECT name, expires_at, used_at FROM invites WHERE code_digest=$1`, codeDigest).Scan(&name, &e, &u)
	if err == sql.ErrNoRows {
		err = ErrNotFound
	}
	return name, fromMicros(e), fromMicros(u), err
}

// Join uses up an invite and adds the contributor it names, in one commit. An unknown, used or expired code is
// ErrNotFound, and ErrRevoked says that the key was revoked. A name that exists already gets the new key and token: whoever
// holds the invite is the contributor; its old certificates and its old key are good for nothing then.
func (d *DB) Join(ctx context.Context, codeDigest string, c ContributorRow, now time.Time) (ContributorRow, error) {
	err := d.tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE invites SET used_at=$1 WHERE code_digest=$2 AND used_at=0 AND expires_at > $1 RETURNING name, subject`,
			micros(now), codeDigest).Scan(&c.Name, &c.Subject)
		if err == sql.ErrNoRows {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := notRevoked(ctx, tx, c.PublicKey); err != nil {
			return err
		}
		if err := endKeys(ctx, tx, c.Name, c.PublicKey, now); err != nil {
			return err
		}
		return addContributor(ctx, tx, c)
	})
	return c, err
}

// AddContributor adds a contributor without an invite: the same process runs both roles. ErrRevoked says that the key was
// revoked: a restart gives nothing back.
func (d *DB) AddContributor(ctx context.Context, c ContributorRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if err := notRevoked(ctx, tx, c.PublicKey); err != nil {
			return err
		}
		return addContributor(ctx, tx, c)
	})
}

func addContributor(ctx context.Context, tx *sql.Tx, c ContributorRow) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO contributors (name, public_key, token_digest, channel, demo, joined_at, subject) VALUES ($1,$2,$3,$4,$5,$6,$7)
 ON CONFLICT (name) DO UPDATE SET public_key=excluded.public_key, token_digest=excluded.token_digest, subject=excluded.subject, revoked_at=0`,
		c.Name, c.PublicKey, c.TokenDigest, c.Channel, c.Demo, micros(c.JoinedAt), c.Subject)
	return err
}

// Contributors returns all, by name.
func (d *DB) Contributors(ctx context.Context) ([]ContributorRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (c ContributorRow, err error) {
		var at, revoked int64
		err = r.Scan(&c.Name, &c.PublicKey, &c.TokenDigest, &c.Channel, &c.Demo, &at, &c.Subject, &revoked)
		c.JoinedAt, c.RevokedAt = fromMicros(at), fromMicros(revoked)
		return c, err
	}, `SELECT name, public_key, token_digest, channel, demo, joined_at, subject, revoked_at FROM contributors ORDER BY name`)
}

// AdmittedRow is a bundle that the hub has verified, logged and answered.
type AdmittedRow struct {
	Bundle, Contributor, Kind string
	Records                   int
	Bytes                     int64
	Shard                     string // digest of the blob with the usable records
	Seq                       int64
	LogIndex                  int64
	Receipt                   []byte
	AdmittedAt                time.Time
	ExpiresAt                 time.Time // the first end of its records' terms; zero: none ends
	FirstAt                   time.Time // when the first of several hubs received the records; zero: this one is
	Passage                   string    // blob that says how the bundle was passed on to here; empty: its contributor gave it
	Leaves                    string    // JSON: the hashes of all its records, once some of them were taken back; else empty
	Doomed                    []string  // blobs that must go, because what they hold was withdrawn; for Admit only
}

// Received is when the first hub received the records: retention counts from it.
func (a AdmittedRow) Received() time.Time {
	if a.FirstAt.IsZero() {
		return a.AdmittedAt
	}
	return a.FirstAt
}

// Admit stores a bundle once; the second time it changes nothing.
func (d *DB) Admit(ctx context.Context, a AdmittedRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO admitted (bundle, contributor, kind, records, bytes, shard, seq, log_index, receipt, admitted_at, expires_at, first_at, passage, leaves)
 VALUES ($1,$2,$3,$4,$5,$6,(SELECT COALESCE(MAX(seq),0)+1 FROM admitted),$7,$8,$9,$10,$11,$12,$13) ON CONFLICT (bundle) DO NOTHING`,
			a.Bundle, a.Contributor, a.Kind, a.Records, a.Bytes, a.Shard, a.LogIndex, a.Receipt, micros(a.AdmittedAt), micros(a.ExpiresAt), micros(a.FirstAt), a.Passage, a.Leaves)
		if err != nil {
			return err
		}
		// What it points to from now on may have been doomed when nothing did.
		if err := d.spare(ctx, tx, a.Shard); err != nil {
			return err
		}
		return d.doom(ctx, tx, a.Doomed)
	})
}

const admittedCols = `bundle, contributor, kind, records, bytes, shard, seq, log_index, receipt, admitted_at, expires_at, first_at, passage, leaves`

func scanAdmitted(r *sql.Rows) (a AdmittedRow, err error) {
	var at, until, first int64
	err = r.Scan(&a.Bundle, &a.Contributor, &a.Kind, &a.Records, &a.Bytes, &a.Shard, &a.Seq, &a.LogIndex, &a.Receipt, &at, &until, &first, &a.Passage, &a.Leaves)
	a.AdmittedAt, a.ExpiresAt, a.FirstAt = fromMicros(at), fromMicros(until), fromMicros(first)
	return a, err
}

// Admitted returns all admitted bundles in the order of admission.
func (d *DB) Admitted(ctx context.Context) ([]AdmittedRow, error) {
	return rowsOf(ctx, d.read, scanAdmitted, `SELECT `+admittedCols+` FROM admitted ORDER BY seq`)
}

// AdmittedOf returns those of one contributor, in the order of admission.
func (d *DB) AdmittedOf(ctx context.Context, contributor string) ([]AdmittedRow, error) {
	return rowsOf(ctx, d.read, scanAdmitted, `SELECT `+admittedCols+` FROM admitted WHERE contributor=$1 ORDER BY seq`, contributor)
}

// AdmittedBundle returns one, or ErrNotFound.
func (d *DB) AdmittedBundle(ctx context.Context, bundle string) (AdmittedRow, error) {
	return one(rowsOf(ctx, d.read, scanAdmitted, `SELECT `+admittedCols+` FROM admitted WHERE bundle=$1`, bundle))
}

// Kinds of document.
const (
	DocSnapshot     = "snapshot"
	DocGate         = "gate"
	DocRelease      = "release"
	DocRollout      = "rollout"
	DocStatement    = "statement"
	DocCertificate  = "certificate"
	DocIncident     = "incident"
	DocReward       = "reward"       // what a snapshot's decisions were worth, for the pages
	DocInstructions = "instructions" // offered to a contributor
	DocTrial        = "trial"        // a gate report on a trial of instructions
	DocLook         = "look"         // what was seen of a roll-out in a snapshot
	DocTakenBack    = "taken-back"   // a contributor's word that it decides by a release no more
	DocCounts       = "counts"       // a contributor's, of what was shown and taken at home in a period
	DocSelection    = "selection"    // what a gate saw by a contributor's counts, for the hub's own pages
	DocTrialLook    = "trial-look"   // where one stood on a day, for its contributor
)

// DocumentRow is a document the hub made, signed where it leaves.
type DocumentRow struct {
	Kind, ID, Parent, Contributor string
	Envelope                      []byte
	LogIndex                      int64 // -1 where it is not in the log
	Seq                           int64
	Note                          string
	MadeAt                        time.Time
}

// SaveDocument stores a document once; the second time it changes nothing.
func (d *DB) SaveDocument(ctx context.Context, doc DocumentRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return insertDocument(ctx, tx, doc) })
}

func insertDocument(ctx context.Context, tx *sql.Tx, doc DocumentRow) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO documents (kind, id, parent, contributor, envelope, log_index, seq, note, made_at)
 VALUES ($1,$2,$3,$4,$5,$6,(SELECT COALESCE(MAX(seq),0)+1 FROM documents),$7,$8) ON CONFLICT (kind, id) DO NOTHING`,
		doc.Kind, doc.ID, doc.Parent, doc.Contributor, doc.Envelope, doc.LogIndex, doc.Note, micros(doc.MadeAt))
	return err
}

// NoteDocument changes what stands beside a document, such as that a snapshot is incomplete now.
func (d *DB) NoteDocument(ctx context.Context, kind, id, note string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE documents SET note=$1 WHERE kind=$2 AND id=$3`, note, kind, id)
		return err
	})
}

// DeleteDocument deletes one that nothing rests on.
func (d *DB) DeleteDocument(ctx context.Context, kind, id string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM documents WHERE kind=$1 AND id=$2`, kind, id)
		return err
	})
}

// DeleteDocumentsBefore deletes those of a kind that were made before a time, and that nothing rests on.
func (d *DB) DeleteDocumentsBefore(ctx context.Context, kind string, before time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM documents WHERE kind=$1 AND made_at<$2`, kind, micros(before))
		return err
	})
}

const documentCols = `kind, id, parent, contributor, envelope, log_index, seq, note, made_at`

func scanDocument(r *sql.Rows) (doc DocumentRow, err error) {
	var at int64
	err = r.Scan(&doc.Kind, &doc.ID, &doc.Parent, &doc.Contributor, &doc.Envelope, &doc.LogIndex, &doc.Seq, &doc.Note, &at)
	doc.MadeAt = fromMicros(at)
	return doc, err
}

// Documents returns all of a kind, newest first.
func (d *DB) Documents(ctx context.Context, kind string) ([]DocumentRow, error) {
	return rowsOf(ctx, d.read, scanDocument, `SELECT `+documentCols+` FROM documents WHERE kind=$1 ORDER BY seq DESC`, kind)
}

// DocumentsOf returns those of a kind that are one contributor's, newest first.
func (d *DB) DocumentsOf(ctx context.Context, kind, contributor string) ([]DocumentRow, error) {
	return rowsOf(ctx, d.read, scanDocument, `SELECT `+documentCols+` FROM documents WHERE kind=$1 AND contributor=$2 ORDER BY seq DESC`, kind, contributor)
}

// DocumentsBelow returns those of a kind that have this parent, newest first: n at most, or all where n is 0.
func (d *DB) DocumentsBelow(ctx context.Context, kind, parent string, n int) ([]DocumentRow, error) {
	if n == 0 {
		n = math.MaxInt32
	}
	return rowsOf(ctx, d.read, scanDocument, `SELECT `+documentCols+` FROM documents WHERE kind=$1 AND parent=$2 ORDER BY seq DESC LIMIT $3`, kind, parent, n)
}

// NewestDocuments goes through all of a kind, newest first, and reads little more of them than is asked for. An error ends it.
func (d *DB) NewestDocuments(ctx context.Context, kind string) iter.Seq2[DocumentRow, error] {
	const page = 8
	return func(yield func(DocumentRow, error) bool) {
		for before := int64(math.MaxInt64); ; {
			docs, err := rowsOf(ctx, d.read, scanDocument, `SELECT `+documentCols+` FROM documents WHERE kind=$1 AND seq<$2 ORDER BY seq DESC LIMIT $3`, kind, before, page)
			if err != nil {
				yield(DocumentRow{}, err)
				return
			}
			for _, doc := range docs {
				if before = doc.Seq; !yield(doc, nil) {
					return
				}
			}
			if len(docs) < page {
				return
			}
		}
	}
}

// Document returns one, or ErrNotFound.
func (d *DB) Document(ctx context.Context, kind, id string) (DocumentRow, error) {
	return one(rowsOf(ctx, d.read, scanDocument, `SELECT `+documentCols+` FROM documents WHERE kind=$1 AND id=$2`, kind, id))
}

// WithdrawnBy returns the ids that one contributor took back.
func (d *DB) WithdrawnBy(ctx context.Context, contributor string) (map[string]bool, error) {
	ids, err := rowsOf(ctx, d.read, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT id FROM withdrawn WHERE contributor=$1`, contributor)
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// Withdrawn returns the ids that each contributor took back.
func (d *DB) Withdrawn(ctx context.Context) (map[string]map[string]bool, error) {
	out := map[string]map[string]bool{}
	rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (k [2]string, err error) { return k, r.Scan(&k[0], &k[1]) }, `SELECT contributor, id FROM withdrawn`)
	for _, k := range rows {
		if out[k[0]] == nil {
			out[k[0]] = map[string]bool{}
		}
		out[k[0]][k[1]] = true
	}
	return out, err
}
