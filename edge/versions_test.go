// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

// signedIn is a context in which a person of this name is signed in.
func signedIn(ctx context.Context, name string, roles access.Roles) context.Context {
	return access.With(ctx, access.Person{Name: name, Roles: roles})
}

// inForce is the version in force.
func (l *loop) inForce(e *edge.Edge) sqlstore.PolicyRow {
	l.t.Helper()
	rows, err := e.Policies(l.t.Context())
	l.ok(err)
	i := slices.IndexFunc(rows, func(r sqlstore.PolicyRow) bool { return r.State == sqlstore.PolicyInForce })
	if i < 0 {
		l.t.Fatal("no version is in force")
	}
	return rows[i]
}

// TestNobodyLoosensThePolicyAlone: random people propose, approve and refuse policies of all kinds; of whatever comes in force
// and is looser than what was, two different stewards had said yes.
func TestNobodyLoosensThePolicyAlone(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.TwoPeople = true }
	e := l.edge("alder-bank")
	people := map[string]context.Context{"machine": t.Context(), "local": access.With(t.Context(), access.Local("root"))}
	for _, name := range []string{"ada", "bob", "eve"} {
		people[name] = signedIn(t.Context(), name, access.Steward)
	}
	people["dan"] = signedIn(t.Context(), "dan", access.Developer|access.Auditor|access.Operator)
	names := []string{"machine", "local", "ada", "bob", "eve", "dan"}
	said := map[int64]map[string]bool{} // which stewards said yes to which version, by this test's own account
	loosened, tightened := 0, 0
	steps := func(t *rapid.T) {
		for range rapid.IntRange(3, 6).Draw(t, "steps") {
			who := rapid.SampledFrom(names).Draw(t, "who")
			ctx := people[who]
			before := l.inForce(e)
			rows, err := e.Policies(ctx)
			if err != nil {
				t.Fatal(err)
			}
			version := rows[rapid.IntRange(0, min(3, len(rows)-1)).Draw(t, "version")].Version
			switch rapid.SampledFrom([]string{"propose", "approve", "approve", "approve", "refuse"}).Draw(t, "do") {
			case "propose":
				body := strings.NewReplacer("retention_days: 365", fmt.Sprint("retention_days: ", rapid.IntRange(1, 9).Draw(t, "days")),
					"approval: auto", "approval: "+rapid.SampledFrom([]string{"auto", "steward"}).Draw(t, "approval")).Replace(policyFile)
				r, err := e.ProposePolicy(ctx, body, "")
				if err == nil && slices.Contains([]string{"ada", "bob", "eve"}, who) {
					said[r.Version] = map[string]bool{who: true}
				}
			case "approve":
				if _, err := e.ApprovePolicy(ctx, version); err == nil && slices.Contains([]string{"ada", "bob", "eve"}, who) {
					if said[version] == nil {
						said[version] = map[string]bool{}
					}
					said[version][who] = true
				}
			case "refuse":
				_ = e.RefusePolicy(ctx, version) // it may be none that waits
			}
			after := l.inForce(e)
			if after.Version == before.Version {
				continue
			}
			was, err := consent.DecodePolicy([]byte(before.Body))
			if err != nil {
				t.Fatal(err)
			}
			is, err := consent.DecodePolicy([]byte(after.Body))
			if err != nil {
				t.Fatal(err)
			}
			if !consent.Looser(consent.Compare(was, is)) {
				tightened++
				continue
			}
			loosened++
			if len(said[after.Version]) < 2 {
				t.Fatalf("version %d loosened the policy by the word of %v alone, last %s", after.Version, said[after.Version], who)
			}
		}
	}
	for rounds := 0; rounds == 0 || rounds < 50 && (loosened == 0 || tightened == 0); rounds++ { // few steps come across both by chance
		rapid.Check(t, steps)
	}
	if loosened == 0 || tightened == 0 {
		t.Errorf("%d versions loosened and %d tightened: the test says too little", loosened, tightened)
	}
	l.ok(e.Trail().Sign(t.Context()))
	if _, err := e.Trail().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// policyWith is the test's policy with something replaced.
func policyWith(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(policyFile) }

func TestOnePersonLoosensWhereNobodyLogsInAndItIsSaid(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	r, err := e.ProposePolicy(access.With(t.Context(), access.Local("root")), policyWith("365", "400"), "longer")
	l.ok(err)
	if r.State != sqlstore.PolicyProposed || !r.Looser || l.inForce(e).Version != 1 {
		t.Fatalf("%+v", r)
	}
	r, err = e.ApprovePolicy(access.With(t.Context(), access.Local("root")), r.Version)
	l.ok(err)
	if now := l.inForce(e); r.State != sqlstore.PolicyInForce || now.Version != 2 {
		t.Fatalf("%+v, in force %d", r, now.Version)
	}
	rows, err := e.Trail().Store.Trail(t.Context(), trail.Filter{What: "policy in force", Limit: 9})
	l.ok(err)
	if len(rows) != 2 || !strings.HasSuffix(rows[0].Subject, ", by one person") || rows[0].Who != "root" || rows[0].Role != "local" {
		t.Errorf("%+v", rows)
	}
}

// TestAProposalIsJudgedByWhatIsInForce: what was proposed beside a version that has come in force meanwhile was compared with
// something else, and is not brought in force by yeses that were given to that.
func TestAProposalIsJudgedByWhatIsInForce(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.TwoPeople = true }
	e := l.edge("alder-bank")
	ada, bob := signedIn(t.Context(), "ada", access.Steward), signedIn(t.Context(), "bob", access.Steward)
	r, err := e.ProposePolicy(ada, policyWith("365", "366"), "")
	l.ok(err)
	if _, err := e.ApprovePolicy(ada, r.Version); problemCode(err) != "policy/second-person" {
		t.Errorf("ada twice: %v", err)
	}
	if _, err := e.ApprovePolicy(access.With(t.Context(), access.Local("root")), r.Version); problemCode(err) != "policy/not-counted" {
		t.Errorf("the machine: %v", err)
	}
	tight, err := e.ProposePolicy(bob, policyWith("365", "7"), "")
	l.ok(err)
	if tight.State != sqlstore.PolicyInForce {
		t.Errorf("what tightens waits: %+v", tight)
	}
	if _, err := e.ApprovePolicy(bob, r.Version); problemCode(err) != "policy/decided" {
		t.Errorf("overtaken, and approved: %v", err)
	}
	if now := l.inForce(e); now.Version != tight.Version {
		t.Errorf("version %d is in force", now.Version)
	}
}

// TestNothingLeavesThatTheNewVersionForbids: what is approved, or packed and not sent, when a tighter version comes in force, is
// screened again; what a rule that stands decided stays approved as it is.
func TestNothingLeavesThatTheNewVersionForbids(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	packed, approved, stands, expired := one("1", "portal"), one("2", "portal"), one("3", "payments"), one("4", "wallet")
	l.send(e, packed, expired)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	l.send(e, approved, stands)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	_, err := e.ApproveAll(t.Context(), "steward")
	l.ok(err)
	before, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), stands.ID)
	l.ok(err)
	rest := strings.Index(policyFile, "  - name: the-rest-as-signal")
	r, err := e.ProposePolicy(t.Context(), policyFile[:rest], "nothing but payments")
	l.ok(err)
	if r.State != sqlstore.PolicyInForce {
		t.Fatalf("%+v", r)
	}
	l.turn(e)
	eps, _ := l.count("alder-bank")
	for _, ep := range []string{packed.ID, approved.ID, expired.ID} {
		if eps[l.sentID("alder-bank", ep)] != 0 {
			t.Errorf("%s left, and the policy in force forbids it", ep)
		}
	}
	if eps[l.sentID("alder-bank", stands.ID)] != 1 {
		t.Error("what the policy in force allows and a person had approved did not leave")
	}
	after, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), stands.ID)
	l.ok(err)
	if len(after) != 1 || !bytes.Equal(before[0].Body, after[0].Body) || after[0].DecidedBy != "steward" {
		t.Errorf("an approval fell that did not have to: %+v", after)
	}
}

// TestWhatHasLostItsTextIsRefusedWhenThePolicyTightens: it cannot be screened again.
func TestWhatHasLostItsTextIsRefusedWhenThePolicyTightens(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "payments") // waits for a person
	l.send(e, ep)
	l.turn(e)
	l.pass(20 * 24 * time.Hour)
	l.turn(e) // the raw text goes
	_, err := e.ProposePolicy(t.Context(), policyWith("365", "7"), "")
	l.ok(err)
	out, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), ep.ID)
	l.ok(err)
	if len(out) != 1 || out[0].State != sqlstore.OutRefused || out[0].DecidedBy != "version 2 of the policy" {
		t.Errorf("%+v", out)
	}
	l.turn(e)
}

// TestAPolicyThatWasNotSignedHereIsNotTakenUp: whoever can write the database cannot bring another policy in force.
func TestAPolicyThatWasNotSignedHereIsNotTakenUp(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	_, err := e.ProposePolicy(t.Context(), policyWith("365", "7"), "")
	l.ok(err)
	l.close(e)
	loose, err := consent.DecodePolicy([]byte(policyWith("ledger", "nothing-at-all")))
	l.ok(err)
	db, err := sql.Open("sqlite", l.path("alder-bank", "edge.db"))
	l.ok(err)
	change := func(q string, args ...any) {
		t.Helper()
		_, err := db.Exec(q, args...)
		l.ok(err)
	}
	var digest, body string
	var envelope []byte
	l.ok(db.QueryRow(`SELECT digest, body, envelope FROM policies WHERE version=2`).Scan(&digest, &body, &envelope))
	start := func() error {
		p, err := consent.DecodePolicy([]byte(policyFile))
		l.ok(err)
		e, err := edge.New(t.Context(), edge.Config{Dir: l.path("alder-bank"), Hubs: []edge.Hub{{Name: maker, Contributor: "alder-bank"}}, Policy: p, Now: l.clock})
		if err == nil {
			l.ok(e.Close())
		}
		return err
	}
	l.ok(start())
	change(`UPDATE policies SET body=$1 WHERE version=2`, loose.Source())
	if err := start(); problemCode(err) != "policy/signature" {
		t.Errorf("another text: %v", err)
	}
	change(`UPDATE policies SET digest=$1 WHERE version=2`, loose.Digest())
	if err := start(); problemCode(err) != "policy/signature" {
		t.Errorf("another text and digest: %v", err)
	}
	change(`UPDATE policies SET body=$1, digest=$2, envelope=(SELECT envelope FROM policies WHERE version=1) WHERE version=2`, body, digest)
	if err := start(); problemCode(err) != "policy/signature" {
		t.Errorf("the signature of another version: %v", err)
	}
	change(`UPDATE policies SET envelope=$1 WHERE version=2`, envelope)
	l.ok(errors.Join(start(), db.Close()))
}

// TestAFileThatDiffersIsReportedAndNotTakenUp: once there are versions these decide.
func TestAFileThatDiffersIsReportedAndNotTakenUp(t *testing.T) {
	l := newLoop(t)
	l.close(l.edge("alder-bank"))
	var said bytes.Buffer
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(policyWith("365", "7")))
		l.ok(err)
		c.Policy, c.PolicyFile, c.Log = p, "policy.yaml", slog.New(slog.NewTextHandler(&said, nil))
	}
	e := l.edge("alder-bank")
	if l.inForce(e).Version != 1 || !strings.Contains(e.PolicyDiffers(), "headrace policy propose policy.yaml") || !strings.Contains(said.String(), "policy.yaml is not the version in force") {
		t.Errorf("version %d, %q, log %s", l.inForce(e).Version, e.PolicyDiffers(), said.String())
	}
	l.close(e)
	// On a person's own machine, whoever starts it with another policy means it.
	own := l.conf
	l.conf = func(c *edge.Config) { own(c); c.Own = true }
	e = l.edge("alder-bank")
	if l.inForce(e).Version != 2 || e.PolicyDiffers() != "" {
		t.Errorf("version %d, %q", l.inForce(e).Version, e.PolicyDiffers())
	}
}
