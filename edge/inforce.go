// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

// versions are the versions of the policy. The one in force is what everything is screened under.
type versions struct {
	deciding sync.Mutex // one proposal, yes or no at a time

	mu    sync.RWMutex // held to read while an answer is stored, so that none is stored under a policy that is past; guards what follows
	force *consent.Policy
	row   sqlstore.PolicyRow
	two   bool   // it takes two people to loosen it, as is signed
	last  string // digest of what is signed of the version that came in force last
	held  error  // the version in force is not the one that came in force last, and nothing leaves under it; nil where it is
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

// PolicyHeld says why nothing leaves although a policy is in force: the database tells of another than was signed last. nil where
// all is well.
func (e *Edge) PolicyHeld() error {
	e.versions.mu.RLock()
	defer e.versions.mu.RUnlock()
	return e.versions.held
}

// openPolicy takes up the version in force. The first is the policy that the edge is configured with.
func (e *Edge) openPolicy(ctx context.Context) error {
	rows, err := e.db.Policies(ctx)
	if err != nil {
		return err
	}
	given := e.cfg.Policy != nil
	if !given {
		e.cfg.Policy = consent.Starter()
	}
	v := &e.versions
	v.force = e.cfg.Policy // until it is known what is in force
	kept, err := e.keptPolicy()
	if err != nil {
		v.held = err
	}
	told, err := e.toldPolicy(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.PolicyRow) bool { return r.State == sqlstore.PolicyInForce })
	if i < 0 {
		if kept == nil && v.held == nil && told == "" {
			return e.start(ctx, sqlstore.PolicyRow{Version: newest(rows) + 1, Why: "the edge's configuration", TwoPeople: e.cfg.TwoPeople}, e.cfg.Policy, "configuration")
		}
		if v.held == nil {
			v.held = rolledBack("no version of the policy is in force, and one was: " + cmp.Or(told, fmt.Sprintf("version %d", kept.Version)))
		}
	} else if err := e.takeUp(ctx, rows, i, kept, told); err != nil {
		return err
	}
	if kept != nil {
		v.two, v.row.Version = v.two || kept.two(), max(v.row.Version, kept.Version)
	}
	if v.held != nil {
		var n int64
		_, _ = fmt.Sscanf(told, "version %d,", &n) // its number is not given again
		v.row.Version = max(v.row.Version, n)
		e.log.Error("nothing leaves: the policy in force is not the one that was signed last", "err", v.held, "hint", episode.HintOf(v.held))
		return nil
	}
	for _, name := range e.recipients() {
		if !slices.Contains(v.force.Recipients(), name) {
			e.log.Warn("the policy in force does not name this hub, and nothing leaves to it: headrace policy propose FILE brings in one that does", "hub", name, "version", v.row.Version)
		}
	}
	differs := given && e.cfg.Policy.Digest() != v.force.Digest()
	switch {
	case e.cfg.TwoPeople && !v.two:
		row := sqlstore.PolicyRow{Version: newest(rows) + 1, Why: "people log in here, and from now on it takes two of them to loosen the policy", Base: v.row.Version, TwoPeople: true}
		if err := e.start(ctx, row, v.force, "configuration"); err != nil {
			return err
		}
	case differs && (e.cfg.Own || e.cfg.Demo) && !v.two: // who starts it is the one person that there is
		row := sqlstore.PolicyRow{Version: newest(rows) + 1, Why: "started with it", Base: v.row.Version, Looser: consent.Looser(consent.Compare(v.force, e.cfg.Policy))}
		return e.start(ctx, row, e.cfg.Policy, "this machine")
	}
	if differs && e.cfg.PolicyFile != "" {
		e.log.Warn(e.PolicyDiffers())
	} else if differs {
		e.log.Warn("the policy that this was started with is not the version in force: headrace policy propose FILE brings it in", "version", v.row.Version)
	}
	return nil
}

// start brings a policy in force as this process starts.
func (e *Edge) start(ctx context.Context, row sqlstore.PolicyRow, p *consent.Policy, by string) error {
	row.Digest, row.Body, row.ProposedBy, row.ProposedAt = p.Digest(), p.Source(), by, e.cfg.Now()
	if err := e.db.AddPolicy(ctx, row); err != nil {
		return err
	}
	return e.enforce(ctx, row, p, by)
}

// takeUp takes up the version rows[i], which the database says is in force, and finds whether it is the one that came in force
// last: kept is what lies beside the database, told what the audit trail has.
func (e *Edge) takeUp(ctx context.Context, rows []sqlstore.PolicyRow, i int, kept *policyDocument, told string) error {
	v, row := &e.versions, rows[i]
	p, err := consent.DecodePolicy([]byte(row.Body))
	if err != nil {
		return err
	}
	doc, err := e.checkPolicy(row, p)
	if err != nil {
		return err
	}
	one, since := e.loosenedAlone(rows)
	v.force, v.row, v.two, v.last = p, row, doc.two() || since > 0, doc.digest
	switch {
	case v.held != nil:
	case !strings.HasPrefix(told, fmt.Sprintf("version %d, ", row.Version)) || !strings.Contains(told, row.Digest):
		v.held = rolledBack(fmt.Sprintf("version %d of the policy is in force, and the audit trail says of what came in force last: %s", row.Version, cmp.Or(told, "nothing")))
	case kept != nil && !e.comesAfter(rows[i:], kept):
		v.held = rolledBack(fmt.Sprintf("version %d of the policy is in force, and version %d was, as the file %s has it", row.Version, kept.Version, policyHeadFile))
	case one > 0:
		v.held = &episode.Problem{Code: "policy/one-person", Message: fmt.Sprintf("version %d of the policy loosens it by one person's word, and since version %d it takes two", one, since),
			Hint: "nothing leaves until two stewards have approved a version anew, on the edge's pages, where they log in: headrace policy propose FILE makes one"}
	case kept == nil:
		if err := e.trailVouches(ctx, row); err != nil {
			v.held = err
			break
		}
		return e.keepPolicy(row.Envelope)
	case v.last != kept.digest: // a crash came between the commit and the file
		return e.keepPolicy(row.Envelope)
	}
	if kept != nil && v.held != nil {
		v.last = kept.digest
	}
	return nil
}

// comesAfter says that the first of rows is the version of which kept was signed, or that it follows it: each names the one
// before.
func (e *Edge) comesAfter(rows []sqlstore.PolicyRow, kept *policyDocument) bool {
	next := episode.Digest(rows[0].Envelope)
	for _, r := range rows {
		if len(r.Envelope) == 0 || episode.Digest(r.Envelope) != next {
			continue // it never came in force
		}
		if next == kept.digest {
			return true
		}
		doc, err := e.openVersion(r.Envelope)
		if err != nil || doc.Version != r.Version {
			return false
		}
		next = doc.Before
	}
	return false
}

// loosenedAlone finds since which version it takes two people to loosen the policy, and whether a later one was loosened by one
// person and two have not looked since: no version comes in force so any more, but an older Headrace let whoever started it
// without sign-in do it. Both are 0 for none.
func (e *Edge) loosenedAlone(rows []sqlstore.PolicyRow) (one, since int64) {
	for _, r := range slices.Backward(rows) {
		doc, err := e.openVersion(r.Envelope)
		if err != nil || doc.Version != r.Version {
			continue // it never came in force
		}
		switch {
		case doc.OnePerson && since > 0:
			one = doc.Version
		case len(doc.ApprovedBy) > 1:
			one = 0
		}
		switch {
		case doc.two() && since == 0:
			since = doc.Version
		case doc.People == 1 && one == 0:
			since = 0
		}
	}
	return one, since
}

// trailVouches says that the audit trail is whole, where the file is gone that says which version came in force last.
func (e *Edge) trailVouches(ctx context.Context, row sqlstore.PolicyRow) error {
	_, err := e.trail.Verify(ctx)
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == "audit/no-head" && row.Version == 1 {
		return nil // the first start was cut off before anything was signed beside the database
	}
	if err == nil {
		return nil
	}
	held := rolledBack(fmt.Sprintf("the file %s is gone, and the audit trail cannot say which version of the policy came in force last", policyHeadFile))
	held.Err = err
	return held
}

func rolledBack(what string) *episode.Problem {
	return &episode.Problem{Code: "policy/rolled-back", Message: what,
		Hint: "somebody has put back or changed the edge's database: nothing leaves. Put back the newest backup of the whole folder, or bring a version in force anew, which takes as many people as to loosen it: headrace policy propose FILE"}
}

// toldPolicy is what the audit trail says of the version that came in force last; empty where none has.
func (e *Edge) toldPolicy(ctx context.Context) (string, error) {
	rows, err := e.db.Trail(ctx, trail.Filter{What: inForceWord, Limit: 1})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].Subject, nil
}

// enforceNow enforces a proposal, and lets what decides follow at once: a release whose rule is gone decides nothing more.
func (e *Edge) enforceNow(ctx context.Context, r sqlstore.PolicyRow, p *consent.Policy, by string) error {
	if err := e.enforce(ctx, r, p, by); err != nil {
		return err
	}
	if err := e.arrange(ctx); err != nil {
		e.log.Error("what decides follows the policy with the next turn only", "err", err)
	}
	return nil
}

// enforce brings a proposal in force. What has not left and may be decided otherwise now is screened again, so that nothing
// leaves that the policy in force forbids.
func (e *Edge) enforce(ctx context.Context, r sqlstore.PolicyRow, p *consent.Policy, by string) error {
	v := &e.versions
	v.mu.Lock()
	defer v.mu.Unlock()
	envelope, words, err := e.signPolicy(r)
	if err != nil {
		return err
	}
	var keep []string
	if v.row.Version > 0 {
		keep = consent.Same(v.force, p)
	} else { // the first: what was decided before there were versions, and before rows named their rule, stays decided
		keep = append(consent.Same(p, p), "")
	}
	if v.held != nil {
		keep = nil // who knows what decided
	}
	now := e.cfg.Now()
	r.Envelope = envelope
	stopped, err := e.db.Noting(e.entry(ctx, by, inForceWord, words)).EnforcePolicy(ctx, r, keep, by, now)
	if err != nil {
		return err
	}
	r.State, r.DecidedBy, r.DecidedAt = sqlstore.PolicyInForce, by, now
	v.force, v.row, v.two, v.last, v.held = p, r, r.TwoPeople, episode.Digest(envelope), nil
	e.explores()
	for _, id := range stopped {
		if err := os.RemoveAll(e.bundleDir(id)); err != nil { // after a crash, sweep does
			return err
		}
	}
	e.Wake()
	return e.keepPolicy(envelope)
}
