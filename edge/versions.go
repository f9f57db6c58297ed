// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// PolicyDiffers says that the policy file is not what is in force, and what to do; empty where it is, or where there is none.
func (e *Edge) PolicyDiffers() string {
	if e.cfg.PolicyFile == "" || e.cfg.Policy.Digest() == e.policy().Digest() {
		return ""
	}
	return fmt.Sprintf("the policy file %s is not the version in force: to bring it in force, headrace policy propose %s; to follow the versions alone, take policy: out of the configuration", e.cfg.PolicyFile, e.cfg.PolicyFile)
}

func newest(rows []sqlstore.PolicyRow) int64 {
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Version
}

func versionWords(r sqlstore.PolicyRow) string {
	how := "tighter"
	switch {
	case r.Base == 0:
		how = "the first"
	case r.Looser:
		how = "looser"
	}
	return fmt.Sprintf("version %d, %s, %s", r.Version, how, r.Digest)
}

// TwoPeople says that it takes two people to loosen the policy: people log in here, or did once, which is signed with each
// version and stays until two of them end it ([Edge.ProposeOnePerson]). Else nobody can be told from whoever has the machine, and
// one is enough.
func (e *Edge) TwoPeople() bool {
	e.versions.mu.RLock()
	defer e.versions.mu.RUnlock()
	return e.cfg.TwoPeople || e.versions.two
}

// decider is who says something about the policy.
type decider struct {
	name, role string
	counts     bool // as one of the people that it takes to loosen
}

func (e *Edge) decider(ctx context.Context) (decider, error) {
	p, signedIn := access.Of(ctx)
	if !signedIn {
		p = access.Local("this machine")
	}
	if !p.Has(access.Steward) {
		return decider{}, &episode.Problem{Code: "policy/not-yours", Message: p.Name + " does not decide about the policy", Hint: "stewards do"}
	}
	if p.Local {
		return decider{p.Name, "local", !e.TwoPeople()}, nil
	}
	return decider{p.Name, p.Roles.String(), true}, nil
}

// enough says that a proposal has all the yeses that it takes. They are of different people: the store keeps one of each.
func (e *Edge) enough(r sqlstore.PolicyRow) bool {
	n := 0
	for _, v := range r.Votes {
		if !e.TwoPeople() || v.Role != "local" {
			n++
		}
	}
	switch {
	case !r.Looser:
		return true
	case e.TwoPeople():
		return n >= 2
	}
	return n >= 1
}

// ProposePolicy takes a new policy in. One that only tightens is in force at once. One that may loosen waits: for a second
// person where people log in, else for the first to approve it, who then has seen what it changes.
func (e *Edge) ProposePolicy(ctx context.Context, body, why string) (sqlstore.PolicyRow, error) {
	e.versions.deciding.Lock()
	defer e.versions.deciding.Unlock()
	p, err := consent.DecodePolicy([]byte(body))
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	if p.Digest() == e.policy().Digest() && e.PolicyHeld() == nil {
		return sqlstore.PolicyRow{}, &episode.Problem{Code: "policy/same", Message: "this policy is in force already", Hint: "there is nothing to do"}
	}
	return e.propose(ctx, p, why, e.TwoPeople())
}

// ProposeOnePerson proposes the policy in force as one that one person may loosen from then on. That loosens it.
func (e *Edge) ProposeOnePerson(ctx context.Context, why string) (sqlstore.PolicyRow, error) {
	e.versions.deciding.Lock()
	defer e.versions.deciding.Unlock()
	if !e.TwoPeople() {
		return sqlstore.PolicyRow{}, &episode.Problem{Code: "policy/same", Message: "one person may loosen this policy already", Hint: "there is nothing to do"}
	}
	return e.propose(ctx, e.policy(), why, false)
}

func (e *Edge) propose(ctx context.Context, p *consent.Policy, why string, two bool) (sqlstore.PolicyRow, error) {
	who, err := e.decider(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	rows, err := e.db.Policies(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	now, base := e.cfg.Now(), e.base()
	row := sqlstore.PolicyRow{Version: max(newest(rows), base) + 1, Digest: p.Digest(), Body: p.Source(), Why: strings.TrimSpace(why), Base: base,
		TwoPeople: two, State: sqlstore.PolicyProposed, ProposedBy: who.name, ProposedAt: now}
	row.Looser = consent.Looser(e.changes(row, p))
	if who.counts && (e.TwoPeople() || !row.Looser) {
		row.Votes = []sqlstore.PolicyVote{{Who: who.name, Role: who.role, At: now}}
	}
	if err := e.signProposal(&row); err != nil {
		return row, err
	}
	if err := e.db.Noting(e.entry(ctx, who.name, "propose policy", versionWords(row))).AddPolicy(ctx, row); err != nil {
		return sqlstore.PolicyRow{}, err
	}
	if e.enough(row) {
		if err := e.enforceNow(ctx, row, p, who.name); err != nil {
			return sqlstore.PolicyRow{}, err
		}
		row.State = sqlstore.PolicyInForce
	}
	return row, nil
}

// ApprovePolicy says yes to a proposal, and brings it in force where that is enough.
func (e *Edge) ApprovePolicy(ctx context.Context, version int64) (sqlstore.PolicyRow, error) {
	e.versions.deciding.Lock()
	defer e.versions.deciding.Unlock()
	who, err := e.decider(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	row, err := e.proposal(ctx, version)
	if err != nil {
		return row, err
	}
	p, err := e.checkProposal(row)
	if err != nil {
		return row, err
	}
	if base := e.base(); row.Base != base {
		return row, &episode.Problem{Code: "policy/decided", Message: fmt.Sprintf("version %d was compared with version %d, and version %d is in force", version, row.Base, base), Hint: "propose it again"}
	}
	row.Looser = consent.Looser(e.changes(row, p)) // whatever the database says
	if !who.counts {
		return row, &episode.Problem{Code: "policy/not-counted", Message: "whoever has this machine is not one of the two people that it takes to loosen the policy",
			Hint: "stewards approve it on the edge's pages, where they log in: with access: in edge.yaml"}
	}
	said := slices.ContainsFunc(row.Votes, func(v sqlstore.PolicyVote) bool { return v.Who == who.name })
	if said && !e.enough(row) {
		return row, &episode.Problem{Code: "policy/second-person", Message: who.name + " has said yes already, and it takes two people to loosen the policy", Hint: "another steward must approve it"}
	}
	if !said {
		vote := sqlstore.PolicyVote{Who: who.name, Role: who.role, At: e.cfg.Now()}
		if err := e.signVote(row, &vote); err != nil {
			return row, err
		}
		if err := e.db.Noting(e.entry(ctx, who.name, "approve policy", versionWords(row))).VotePolicy(ctx, version, vote); err != nil {
			return row, err
		}
		row.Votes = append(row.Votes, vote)
	}
	if !e.enough(row) {
		return row, nil
	}
	if err := e.enforceNow(ctx, row, p, who.name); err != nil {
		return row, err
	}
	row.State = sqlstore.PolicyInForce
	return row, nil
}

// RefusePolicy says no to a proposal. One person is enough.
func (e *Edge) RefusePolicy(ctx context.Context, version int64) error {
	e.versions.deciding.Lock()
	defer e.versions.deciding.Unlock()
	who, err := e.decider(ctx)
	if err != nil {
		return err
	}
	row, err := e.proposal(ctx, version)
	if err != nil {
		return err
	}
	return e.db.Noting(e.entry(ctx, who.name, "refuse policy", versionWords(row))).RefusePolicy(ctx, version, who.name, e.cfg.Now())
}

// proposal is a version that waits to be decided on.
func (e *Edge) proposal(ctx context.Context, version int64) (sqlstore.PolicyRow, error) {
	rows, err := e.db.Policies(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.PolicyRow) bool { return r.Version == version })
	switch {
	case i < 0:
		return sqlstore.PolicyRow{}, &episode.Problem{Code: "policy/no-version", Message: fmt.Sprintf("there is no version %d", version), Hint: "headrace policy history lists them"}
	case rows[i].State != sqlstore.PolicyProposed:
		return rows[i], &episode.Problem{Code: "policy/decided", Message: fmt.Sprintf("version %d is not waiting: it is %s", version, rows[i].State), Hint: "to bring it back, propose it again"}
	}
	return rows[i], nil
}

// PolicyChanges is what a version changes in the one in force.
func (e *Edge) PolicyChanges(r sqlstore.PolicyRow) ([]consent.Change, error) {
	p, err := consent.DecodePolicy([]byte(r.Body))
	if err != nil {
		return nil, err
	}
	return e.changes(r, p), nil
}

// base is the version that proposals are compared with.
func (e *Edge) base() int64 {
	e.versions.mu.RLock()
	defer e.versions.mu.RUnlock()
	return e.versions.row.Version
}

// changes are those of a policy, and of who may loosen it.
func (e *Edge) changes(r sqlstore.PolicyRow, p *consent.Policy) []consent.Change {
	v := &e.versions
	v.mu.RLock()
	defer v.mu.RUnlock()
	list := consent.Compare(v.force, p)
	if !r.TwoPeople && (v.two || e.cfg.TwoPeople) {
		list = append(list, consent.Change{What: "from here on one person may loosen the policy", Looser: true})
	}
	if v.held != nil {
		list = append(list, consent.Change{What: "nothing leaves now, and what this follows is not sure", Looser: true})
	}
	return list
}

// Policies are all versions, newest first.
func (e *Edge) Policies(ctx context.Context) ([]sqlstore.PolicyRow, error) { return e.db.Policies(ctx) }
