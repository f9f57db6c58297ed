// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// States of a version of the policy.
const (
	PolicyProposed  = "proposed"
	PolicyInForce   = "in force"
	PolicyPast      = "past"      // was in force
	PolicyRefused   = "refused"   // by a person
	PolicyOvertaken = "overtaken" // another came in force while it waited
)

// PolicyRow is a version of the policy.
type PolicyRow struct {
	Version    int64
	Digest     string
	Body       string
	Why        string // in the words of who proposed it
	Base       int64  // the version that was in force when it was proposed; 0 for the first
	Looser     bool   // than that
	State      string
	ProposedBy string
	ProposedAt time.Time
	DecidedBy  string // who brought it in force or refused it
	DecidedAt  time.Time
	TwoPeople  bool   // it takes two people to loosen what it says
	Envelope   []byte // signed: what is proposed, and, once it has come in force, that it has
	Votes      []PolicyVote
}

// PolicyVote is somebody's yes.
type PolicyVote struct {
	Who, Role string
	At        time.Time
	Envelope  []byte // signed
}

// Policies returns all versions, newest first.
func (d *DB) Policies(ctx context.Context) ([]PolicyRow, error) {
	list, err := rowsOf(ctx, d.read, func(r *sql.Rows) (p PolicyRow, err error) {
		var proposed, decided int64
		err = r.Scan(&p.Version, &p.Digest, &p.Body, &p.Why, &p.Base, &p.Looser, &p.State, &p.ProposedBy, &proposed, &p.DecidedBy, &decided, &p.TwoPeople, &p.Envelope)
		p.ProposedAt, p.DecidedAt = fromMicros(proposed), fromMicros(decided)
		return p, err
	}, `SELECT version, digest, body, why, base, looser, state, proposed_by, proposed_at, decided_by, decided_at, two_people, envelope FROM policies ORDER BY version DESC`)
	if err != nil {
		return nil, err
	}
	byVersion := map[int64]*PolicyRow{}
	for i := range list {
		byVersion[list[i].Version] = &list[i]
	}
	_, err = rowsOf(ctx, d.read, func(r *sql.Rows) (v PolicyVote, err error) {
		var version, at int64
		err = r.Scan(&version, &v.Who, &v.Role, &at, &v.Envelope)
		v.At = fromMicros(at)
		if p := byVersion[version]; p != nil {
			p.Votes = append(p.Votes, v)
		}
		return v, err
	}, `SELECT version, who, role, at, envelope FROM policy_votes ORDER BY at, who`)
	return list, err
}

// AddPolicy stores a version, with the yes of who proposed it where that counts.
func (d *DB) AddPolicy(ctx context.Context, p PolicyRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO policies (version, digest, body, why, base, looser, state, proposed_by, proposed_at, decided_by, decided_at, two_people, envelope)
 VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,'',0,$10,$11)`, p.Version, p.Digest, p.Body, p.Why, p.Base, p.Looser, PolicyProposed, p.ProposedBy, micros(p.ProposedAt), p.TwoPeople, p.Envelope); err != nil {
			return err
		}
		// Of rows that somebody has deleted, yeses may be left.
		if _, err := tx.ExecContext(ctx, `DELETE FROM policy_votes WHERE version=$1`, p.Version); err != nil {
			return err
		}
		for _, v := range p.Votes {
			if err := addVote(ctx, tx, p.Version, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func addVote(ctx context.Context, tx *sql.Tx, version int64, v PolicyVote) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_votes (version, who, role, at, envelope) VALUES ($1,$2,$3,$4,$5)`, version, v.Who, v.Role, micros(v.At), v.Envelope)
	return err
}

// VotePolicy stores a yes to a version that is proposed; ErrChanged says that it is not any more.
func (d *DB) VotePolicy(ctx context.Context, version int64, v PolicyVote) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if err := stillProposed(ctx, tx, version, PolicyProposed, "", time.Time{}); err != nil {
			return err
		}
		return addVote(ctx, tx, version, v)
	})
}

// RefusePolicy ends a proposal; ErrChanged says that it is none any more.
func (d *DB) RefusePolicy(ctx context.Context, version int64, by string, now time.Time) error {
	return d.tx(ctx, func(tx *sql.Tx) error { return stillProposed(ctx, tx, version, PolicyRefused, by, now) })
}

// stillProposed brings a proposal into a state.
func stillProposed(ctx context.Context, tx *sql.Tx, version int64, state, by string, now time.Time) error {
	r, err := tx.ExecContext(ctx, `UPDATE policies SET state=$1, decided_by=$2, decided_at=$3 WHERE version=$4 AND state=$5`, state, by, micros(now), version, PolicyProposed)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return ErrChanged
}

// EnforcePolicy brings a proposal in force, in one commit, with what is signed of that and whether it loosens: what was in force
// is past, what was proposed beside it is overtaken, and all that has not left is screened again, but for what the rules of keep
// decided, which decide the same as before. It returns the bundles that it stopped: they are no more.
func (d *DB) EnforcePolicy(ctx context.Context, p PolicyRow, keep []string, by string, now time.Time) (stopped []string, err error) {
	version := p.Version
	err = d.change(ctx, func(tx *changing) error {
		if _, err := tx.ExecContext(ctx, `UPDATE policies SET state=$1 WHERE state=$2`, PolicyPast, PolicyInForce); err != nil {
			return err
		}
		if err := stillProposed(ctx, tx.Tx, version, PolicyInForce, by, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE policies SET envelope=$1, looser=$2 WHERE version=$3`, p.Envelope, p.Looser, version); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE policies SET state=$1, decided_by=$2, decided_at=$3 WHERE state=$4`, PolicyOvertaken, fmt.Sprintf("version %d", version), micros(now), PolicyProposed); err != nil {
			return err
		}
		var err error
		stopped, err = tx.screenAgain(ctx, keep, fmt.Sprintf("version %d of the policy", version), now)
		return err
	})
	return stopped, err
}

// screenAgain has what has not left screened again, but for what some rules decided. Each episode gets a new revision, so that
// its rows do not meet those that stay. What has lost its raw text cannot be made again, and is refused.
func (c *changing) screenAgain(ctx context.Context, keep []string, by string, now time.Time) (stopped []string, err error) {
	other := func(k int) string { // rules; their parameters are numbered from k on
		if len(keep) == 0 {
			return `1=1`
		}
		return `rule NOT IN ` + in(k, len(keep))
	}
	rules := anys(keep)
	if _, err := c.ExecContext(ctx, `DELETE FROM counted WHERE `+other(1), rules...); err != nil { // what is screened again is counted again
		return nil, err
	}
	stopped, err = idsOf(ctx, c.Tx, `DELETE FROM bundles WHERE state='packed' AND sent_at=0 AND id IN (SELECT bundle FROM outbound WHERE state='packed' AND `+other(1)+`) RETURNING id`, rules...)
	if err != nil {
		return nil, err
	}
	for _, id := range stopped {
		if err := c.unpacked(ctx, id); err != nil {
			return nil, err
		}
	}
	// The note marks them until their rows are gone: these are what tells which episodes they are.
	note := "screened again under " + by
	if _, err := c.ExecContext(ctx, `UPDATE episodes SET state='assembled', note=$1, revision=revision+1 WHERE state IN ('ready','assembled')
 AND EXISTS (SELECT 1 FROM raw WHERE raw.episode=episodes.id) AND id IN (SELECT episode FROM outbound WHERE state NOT IN ('packed','refused') AND `+other(2)+`)`,
		append([]any{note}, rules...)...); err != nil {
		return nil, err
	}
	if err := c.drop(ctx, `outbound.state NOT IN ('packed','refused') AND outbound.episode IN (SELECT id FROM episodes WHERE state='assembled' AND note=$1)`, note); err != nil {
		return nil, err
	}
	_, err = c.move(ctx, said{state: OutRefused, by: by, at: now, note: "the raw text had expired when it was to be screened again"},
		`state NOT IN ('packed','refused') AND `+other(1), rules...)
	return stopped, err
}
