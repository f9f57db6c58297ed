// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// typePolicy is the payload type of a version of the policy that came in force, signed.
const typePolicy = "application/vnd.headrace.policy.v1+json"

// policyDocument is what the edge signs of a version that comes in force.
type policyDocument struct {
	Version    int64     `json:"version"`
	Digest     string    `json:"digest"`
	ProposedBy string    `json:"proposed_by"`
	ApprovedBy []string  `json:"approved_by"`
	OnePerson  bool      `json:"one_person,omitzero"` // it loosens, and one person was enough
	InForce    time.Time `json:"in_force"`
}

// versions are the versions of the policy. The one in force is what everything is screened under.
type versions struct {
	deciding sync.Mutex // one proposal, yes or no at a time

	mu    sync.RWMutex // held to read while an answer is stored, so that none is stored under a policy that is past; guards what follows
	force *consent.Policy
	row   sqlstore.PolicyRow
}

// policy is the one in force.
func (e *Edge) policy() *consent.Policy {
	e.versions.mu.RLock()
	defer e.versions.mu.RUnlock()
	return e.versions.force
}

// underPolicy does f if p is still in force when it ends, and reports whether it was.
func (e *Edge) underPolicy(p *consent.Policy, f func() error) (bool, error) {
	e.versions.mu.RLock()
	defer e.versions.mu.RUnlock()
	if e.versions.force != p {
		return false, nil
	}
	return true, f()
}

// openPolicy takes up the version in force. The first is the policy that the edge is configured with.
func (e *Edge) openPolicy(ctx context.Context) error {
	rows, err := e.db.Policies(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.PolicyRow) bool { return r.State == sqlstore.PolicyInForce })
	given := e.cfg.Policy != nil
	if !given {
		e.cfg.Policy = consent.Starter()
	}
	if i < 0 {
		row := sqlstore.PolicyRow{Version: newest(rows) + 1, Digest: e.cfg.Policy.Digest(), Body: e.cfg.Policy.Source(), Why: "the edge's configuration", ProposedBy: "configuration", ProposedAt: e.cfg.Now()}
		if err := e.db.AddPolicy(ctx, row); err != nil {
			return err
		}
		return e.enforce(ctx, row, e.cfg.Policy, "configuration")
	}
	p, err := consent.DecodePolicy([]byte(rows[i].Body))
	if err != nil {
		return err
	}
	if err := e.checkPolicy(rows[i], p); err != nil {
		return err
	}
	e.versions.force, e.versions.row = p, rows[i]
	for _, name := range e.recipients() {
		if !slices.Contains(p.Recipients(), name) {
			e.log.Warn("the policy in force does not name this hub, and nothing leaves to it: headrace policy propose FILE brings in one that does", "hub", name, "version", rows[i].Version)
		}
	}
	switch {
	case !given || e.cfg.Policy.Digest() == p.Digest():
	case e.cfg.Own || e.cfg.Demo: // who starts it is the one person that there is
		row := sqlstore.PolicyRow{Version: newest(rows) + 1, Digest: e.cfg.Policy.Digest(), Body: e.cfg.Policy.Source(), Why: "started with it", Base: rows[i].Version,
			Looser: consent.Looser(consent.Compare(p, e.cfg.Policy)), ProposedBy: "this machine", ProposedAt: e.cfg.Now()}
		if err := e.db.AddPolicy(ctx, row); err != nil {
			return err
		}
		return e.enforce(ctx, row, e.cfg.Policy, "this machine")
	case e.cfg.PolicyFile != "":
		e.log.Warn(e.PolicyDiffers())
	}
	return nil
}

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

// checkPolicy makes sure that a version is the one that the edge signed when it came in force.
func (e *Edge) checkPolicy(r sqlstore.PolicyRow, p *consent.Policy) error {
	var doc policyDocument
	payload, _, err := bundle.OpenDocument(r.Envelope, typePolicy, bundle.NewTrust(bundle.TrustedKey{Name: "this edge", Key: e.policyKey().Public().(ed25519.PublicKey)}))
	if err == nil {
		err = bundle.DecodeDocument(payload, &doc)
	}
	if err == nil && (doc.Version != r.Version || doc.Digest != r.Digest || p.Digest() != r.Digest) {
		err = errors.New("it was signed for another policy")
	}
	if err == nil {
		return nil
	}
	return &episode.Problem{Code: "policy/signature", Message: fmt.Sprintf("version %d of the policy, which is in force, is not what this edge signed", r.Version), Err: err,
		Hint: "somebody has changed the database, or keys/root.key is another one: put back the one or the other from a backup"}
}

// policyKey signs versions. It is made from the root key, which stays when the key that others know is replaced.
func (e *Edge) policyKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(e.ring.Derive("policy")) }

func (e *Edge) signPolicy(r sqlstore.PolicyRow, approved []string) ([]byte, error) {
	doc := policyDocument{Version: r.Version, Digest: r.Digest, ProposedBy: r.ProposedBy, ApprovedBy: append([]string{}, approved...), OnePerson: r.Looser && len(approved) < 2, InForce: e.cfg.Now().UTC()}
	return bundle.SealDocument(typePolicy, doc, e.policyKey())
}

// enforce brings a proposal in force. What has not left and may be decided otherwise now is screened again, so that nothing
// leaves that the policy in force forbids.
func (e *Edge) enforce(ctx context.Context, r sqlstore.PolicyRow, p *consent.Policy, by string) error {
	var approved []string
	for _, v := range r.Votes {
		approved = append(approved, v.Who)
	}
	envelope, err := e.signPolicy(r, approved)
	if err != nil {
		return err
	}
	words := versionWords(r)
	if r.Looser && len(approved) < 2 {
		words += ", by one person"
	}
	e.versions.mu.Lock()
	defer e.versions.mu.Unlock()
	var keep []string
	if e.versions.force != nil {
		keep = consent.Same(e.versions.force, p)
	} else { // the first: what was decided before there were versions, and before rows named their rule, stays decided
		keep = append(consent.Same(p, p), "")
	}
	now := e.cfg.Now()
	stopped, err := e.db.Noting(e.entry(ctx, by, "policy in force", words)).EnforcePolicy(ctx, r.Version, envelope, keep, by, now)
	if err != nil {
		return err
	}
	r.State, r.DecidedBy, r.DecidedAt, r.Envelope = sqlstore.PolicyInForce, by, now, envelope
	e.versions.force, e.versions.row = p, r
	for _, id := range stopped {
		if err := os.RemoveAll(e.bundleDir(id)); err != nil { // after a crash, sweep does
			return err
		}
	}
	e.Wake()
	return nil
}

// TwoPeople says that it takes two people to loosen the policy: people log in here. Without that nobody can be told from
// whoever has the machine, and one is enough.
func (e *Edge) TwoPeople() bool { return e.cfg.TwoPeople }

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
	who, err := e.decider(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	p, err := consent.DecodePolicy([]byte(body))
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	before, now := e.policy(), e.cfg.Now()
	if p.Digest() == before.Digest() {
		return sqlstore.PolicyRow{}, &episode.Problem{Code: "policy/same", Message: "this policy is in force already", Hint: "there is nothing to do"}
	}
	rows, err := e.db.Policies(ctx)
	if err != nil {
		return sqlstore.PolicyRow{}, err
	}
	row := sqlstore.PolicyRow{Version: newest(rows) + 1, Digest: p.Digest(), Body: body, Why: strings.TrimSpace(why), Base: e.versions.row.Version,
		Looser: consent.Looser(consent.Compare(before, p)), State: sqlstore.PolicyProposed, ProposedBy: who.name, ProposedAt: now}
	if who.counts && (e.TwoPeople() || !row.Looser) {
		row.Votes = []sqlstore.PolicyVote{{Who: who.name, Role: who.role, At: now}}
	}
	if err := e.db.Noting(e.entry(ctx, who.name, "propose policy", versionWords(row))).AddPolicy(ctx, row); err != nil {
		return sqlstore.PolicyRow{}, err
	}
	if e.enough(row) {
		if err := e.enforce(ctx, row, p, who.name); err != nil {
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
	if !who.counts {
		return row, &episode.Problem{Code: "policy/not-counted", Message: "whoever has this machine is not one of the two people that it takes to loosen the policy",
			Hint: "stewards approve it on the edge's pages, where they log in"}
	}
	said := slices.ContainsFunc(row.Votes, func(v sqlstore.PolicyVote) bool { return v.Who == who.name })
	if said && !e.enough(row) {
		return row, &episode.Problem{Code: "policy/second-person", Message: who.name + " has said yes already, and it takes two people to loosen the policy", Hint: "another steward must approve it"}
	}
	if !said {
		vote := sqlstore.PolicyVote{Who: who.name, Role: who.role, At: e.cfg.Now()}
		if err := e.db.Noting(e.entry(ctx, who.name, "approve policy", versionWords(row))).VotePolicy(ctx, version, vote); err != nil {
			return row, err
		}
		row.Votes = append(row.Votes, vote)
	}
	if !e.enough(row) {
		return row, nil
	}
	p, err := consent.DecodePolicy([]byte(row.Body))
	if err != nil {
		return row, err
	}
	if err := e.enforce(ctx, row, p, who.name); err != nil {
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
	return consent.Compare(e.policy(), p), nil
}

// Policies are all versions, newest first.
func (e *Edge) Policies(ctx context.Context) ([]sqlstore.PolicyRow, error) { return e.db.Policies(ctx) }
