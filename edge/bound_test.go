// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

// change changes an edge's database behind its back.
func (l *loop) change(name, q string, args ...any) {
	l.t.Helper()
	db, err := sql.Open("sqlite", l.path(name, "edge.db"))
	l.ok(err)
	_, err = db.Exec(q, args...)
	l.ok(err)
	l.ok(db.Close())
}

// trailOf is the newest rows of an edge's audit trail of a kind.
func (l *loop) trailOf(e *edge.Edge, what string) []trail.Row {
	l.t.Helper()
	rows, err := e.Trail().Store.Trail(l.t.Context(), trail.Filter{What: what, Limit: 50})
	l.ok(err)
	return rows
}

func (l *loop) stewards() (ada, bob, local access.Person) {
	return access.Person{Name: "ada", Roles: access.Steward}, access.Person{Name: "bob", Roles: access.Steward}, access.Local("root")
}

// TestWhoStartsItWithoutSignInLoosensNothingAlone: that it takes two people is signed with the policy, and outlives a start that says
// nothing of it, on whatever configuration; two people end it.
func TestWhoStartsItWithoutSignInLoosensNothingAlone(t *testing.T) {
	for name, start := range map[string]func(*edge.Config){
		"as an edge":                func(*edge.Config) {},
		"as a person's own machine": func(c *edge.Config) { c.Own = true },
		"as a demo":                 func(c *edge.Config) { c.Demo = true },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			ada, bob, local := l.stewards()
			l.close(l.edge("alder-bank")) // version 1, when nobody logged in
			signIn := func(c *edge.Config) { c.TwoPeople = true }
			l.conf = signIn
			e := l.edge("alder-bank")
			if v := l.inForce(e); v.Version != 2 || !v.TwoPeople || v.Looser {
				t.Errorf("sign-in turned on: %+v", v)
			}
			l.close(e)
			loose, err := consent.DecodePolicy([]byte(policyWith("365", "400")))
			l.ok(err)
			l.conf = func(c *edge.Config) { start(c); c.Policy = loose }
			e = l.edge("alder-bank")
			if v := l.inForce(e); v.Version != 2 || !e.TwoPeople() {
				t.Fatalf("loosened by starting it: %+v", v)
			}
			r, err := e.ProposePolicy(access.With(t.Context(), local), loose.Source(), "")
			l.ok(err)
			if _, err := e.ApprovePolicy(access.With(t.Context(), local), r.Version); problemCode(err) != "policy/not-counted" {
				t.Errorf("one person: %v", err)
			}
			off, err := e.ProposeOnePerson(access.With(t.Context(), local), "sign-in goes")
			l.ok(err)
			if off.State != sqlstore.PolicyProposed || !off.Looser {
				t.Errorf("turned off by one: %+v", off)
			}
			l.close(e)
			l.conf = signIn
			e = l.edge("alder-bank")
			_, err = e.ApprovePolicy(access.With(t.Context(), ada), off.Version)
			l.ok(err)
			if l.inForce(e).Version != 2 {
				t.Error("one steward was enough")
			}
			_, err = e.ApprovePolicy(access.With(t.Context(), bob), off.Version)
			l.ok(err)
			if rows := l.trailOf(e, "policy in force"); !strings.HasSuffix(rows[0].Subject, "; from here on one person may loosen") || rows[0].Who != "bob" {
				t.Errorf("%+v", rows[0])
			}
			l.close(e)
			l.conf = nil
			e = l.edge("alder-bank")
			r, err = e.ProposePolicy(access.With(t.Context(), local), loose.Source(), "")
			l.ok(err)
			_, err = e.ApprovePolicy(access.With(t.Context(), local), r.Version)
			l.ok(err)
			if l.inForce(e).Version != r.Version || e.PolicyHeld() != nil {
				t.Errorf("two have ended it, and one cannot loosen: %+v, %v", l.inForce(e), e.PolicyHeld())
			}
		})
	}
}

// TestAnOlderVersionThatIsPutBackLetsNothingLeave: whatever is done to the database to bring an approved version of before in
// force again, nothing leaves by it, capture goes on, and people bring a version in force anew.
func TestAnOlderVersionThatIsPutBackLetsNothingLeave(t *testing.T) {
	back := `UPDATE policies SET state='in force' WHERE version=1`
	for name, do := range map[string]func(*loop){
		"states": func(l *loop) {
			l.change("alder-bank", `UPDATE policies SET state='past' WHERE version=2`)
			l.change("alder-bank", back)
		},
		"a row is gone": func(l *loop) {
			l.change("alder-bank", `DELETE FROM policies WHERE version=2`)
			l.change("alder-bank", back)
		},
		"all rows are gone": func(l *loop) { l.change("alder-bank", `DELETE FROM policies`) },
		"rows, and the trail's": func(l *loop) {
			l.change("alder-bank", `DELETE FROM policies WHERE version=2`)
			l.change("alder-bank", back)
			l.change("alder-bank", `DELETE FROM edge_trail WHERE seq>1`)
			l.change("alder-bank", `UPDATE edge_trail_head SET seq=1, hash=(SELECT hash FROM edge_trail WHERE seq=1)`)
		},
		"rows, and the file": func(l *loop) {
			l.change("alder-bank", `DELETE FROM policies WHERE version=2`)
			l.change("alder-bank", back)
			l.ok(os.Remove(l.path("alder-bank", "policy.head")))
		},
		"rows, the trail's, and the file": func(l *loop) {
			l.change("alder-bank", `DELETE FROM policies WHERE version=2`)
			l.change("alder-bank", back)
			l.change("alder-bank", `DELETE FROM edge_trail WHERE seq>1`)
			l.change("alder-bank", `UPDATE edge_trail_head SET seq=1, hash=(SELECT hash FROM edge_trail WHERE seq=1)`)
			l.ok(os.Remove(l.path("alder-bank", "policy.head")))
		},
		"another file": func(l *loop) { l.ok(os.WriteFile(l.path("alder-bank", "policy.head"), []byte("{}"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			ada, bob, _ := l.stewards()
			l.conf = func(c *edge.Config) { c.TwoPeople = true }
			e := l.edge("alder-bank")
			_, err := e.ProposePolicy(access.With(t.Context(), ada), policyWith("365", "7"), "")
			l.ok(err)
			approved := one("1", "portal")
			l.send(e, approved)
			l.ok(e.Assemble(t.Context()))
			l.ok(e.Screen(t.Context()))
			l.close(e)
			do(l)
			e = l.edge("alder-bank")
			if code := problemCode(e.PolicyHeld()); code != "policy/rolled-back" {
				t.Fatalf("held: %v", e.PolicyHeld())
			}
			later := one("2", "portal")
			l.send(e, later)
			if err := e.Turn(t.Context()); problemCode(err) != "policy/rolled-back" {
				t.Errorf("turn: %v", err)
			}
			if got := l.atHub("alder-bank"); len(got) != 0 {
				t.Fatalf("%d records left", len(got))
			}
			r, err := e.ProposePolicy(access.With(t.Context(), ada), policyWith("365", "6"), "after the attack")
			l.ok(err)
			if !r.Looser || r.State != sqlstore.PolicyProposed {
				t.Fatalf("one person says what was in force: %+v", r)
			}
			_, err = e.ApprovePolicy(access.With(t.Context(), bob), r.Version)
			l.ok(err)
			l.turn(e)
			if got := l.atHub("alder-bank"); len(got) != 2 {
				t.Errorf("%d records left of 2", len(got))
			}
			l.close(e)
			e = l.edge("alder-bank")
			if err := e.PolicyHeld(); err != nil || l.inForce(e).Version != r.Version {
				t.Errorf("held again: %v", err)
			}
		})
	}
}

// TestACrashBeforeTheFileIsNoRollback: the database was committed, and what lies beside it not written.
func TestACrashBeforeTheFileIsNoRollback(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	before, err := os.ReadFile(l.path("alder-bank", "policy.head"))
	l.ok(err)
	for _, days := range []string{"7", "6"} {
		_, err = e.ProposePolicy(t.Context(), policyWith("365", days), "")
		l.ok(err)
	}
	now, err := os.ReadFile(l.path("alder-bank", "policy.head"))
	l.ok(err)
	l.close(e)
	l.ok(os.WriteFile(l.path("alder-bank", "policy.head"), before, 0o600))
	e = l.edge("alder-bank")
	after, err := os.ReadFile(l.path("alder-bank", "policy.head"))
	l.ok(err)
	if e.PolicyHeld() != nil || string(after) != string(now) {
		t.Errorf("held: %v", e.PolicyHeld())
	}
	// Nor is it one where the file was never written: the trail vouches.
	l.close(e)
	l.ok(os.Remove(l.path("alder-bank", "policy.head")))
	if e = l.edge("alder-bank"); e.PolicyHeld() != nil {
		t.Error(e.PolicyHeld())
	}
}

// TestWhatTheDatabaseSaysOfAProposalCountsForNothing: that it only tightens, who has said yes to it, and what it is.
func TestWhatTheDatabaseSaysOfAProposalCountsForNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		want   string
	}{
		"it tightens":        {`UPDATE policies SET looser=FALSE WHERE version=2`, "policy/second-person"},
		"somebody's yes":     {`INSERT INTO policy_votes (version, who, role, at, envelope) VALUES (2, 'bob', 'steward', 1, (SELECT envelope FROM policy_votes WHERE version=2))`, "policy/proposal"},
		"a yes by nobody":    {`INSERT INTO policy_votes (version, who, role, at) VALUES (2, 'bob', 'steward', 1)`, "policy/proposal"},
		"a yes to another":   {`UPDATE policy_votes SET version=2 WHERE version=3`, "policy/proposal"},
		"another's yes":      {`UPDATE policy_votes SET who='bob' WHERE version=2`, "policy/proposal"},
		"another policy":     {`UPDATE policies SET body=(SELECT body FROM policies WHERE version=3), digest=(SELECT digest FROM policies WHERE version=3) WHERE version=2`, "policy/proposal"},
		"one person from on": {`UPDATE policies SET two_people=FALSE WHERE version=2`, "policy/proposal"},
		"what it follows":    {`UPDATE policies SET base=7 WHERE version=2`, "policy/proposal"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			ada, bob, _ := l.stewards()
			l.conf = func(c *edge.Config) { c.TwoPeople = true }
			e := l.edge("alder-bank")
			_, err := e.ProposePolicy(access.With(t.Context(), ada), policyWith("365", "400"), "")
			l.ok(err)
			_, err = e.ProposePolicy(access.With(t.Context(), bob), policyWith("365", "500"), "")
			l.ok(err)
			l.change("alder-bank", c.change)
			if _, err := e.ApprovePolicy(access.With(t.Context(), ada), 2); problemCode(err) != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if v := l.inForce(e); v.Version != 1 {
				t.Errorf("version %d is in force by the word of one", v.Version)
			}
			l.ok(e.RefusePolicy(access.With(t.Context(), ada), 2))
		})
	}
}
