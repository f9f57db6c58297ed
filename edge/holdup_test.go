// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// exec changes an edge's database behind its back.
func (l *loop) exec(name, query string, args ...any) {
	l.t.Helper()
	db, err := sql.Open("sqlite", "file:"+l.path(name, "edge.db")+"?_pragma=busy_timeout(10000)")
	l.ok(err)
	defer db.Close()
	_, err = db.Exec(query, args...)
	l.ok(err)
}

func TestDamagedPayloadHoldsUpNoOther(t *testing.T) {
	for _, place := range []string{"inbox", "vault"} {
		t.Run(place, func(t *testing.T) {
			l := newLoop(t)
			e := l.edge("alder-bank")
			bad, good := one("bad", "portal"), one("good", "portal")
			l.send(e, bad)
			if place == "inbox" {
				files, err := filepath.Glob(l.path("alder-bank", "inbox", "*"))
				l.ok(err)
				b, err := os.ReadFile(files[0])
				l.ok(err)
				b[len(b)-1] ^= 1
				l.ok(os.WriteFile(files[0], b, 0o600))
			} else {
				l.ok(e.Assemble(t.Context()))
				l.exec("alder-bank", `UPDATE raw SET sealed = x'00010203040506070809'`)
			}
			l.send(e, good)
			e.Turn(t.Context())
			e.Turn(t.Context())
			if eps, _ := l.count("alder-bank"); eps[l.sentID("alder-bank", good.ID)] != 1 {
				t.Errorf("one damaged %s entry holds up every other record", place)
			}
		})
	}
}

func TestCanaryHoldsUpOnlyTheBundleItIsIn(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Canaries = []string{"9.8.7654"} } // what stands in a field that signal lets through
	e := l.edge("alder-bank")
	bad, good := one("bad", "portal"), one("good", "portal")
	bad.Tool.Version = "9.8.7654"
	l.send(e, bad, good)
	if err := e.Turn(t.Context()); err == nil {
		t.Log("the turn itself does not say so")
	}
	e.Turn(t.Context())
	if found := traces(t, l.path("hub"), []string{"9.8.7654"}); len(found) > 0 {
		t.Errorf("the canary left:%s", show(found))
	}
	if eps, _ := l.count("alder-bank"); eps[l.sentID("alder-bank", good.ID)] != 1 {
		t.Error("one record with a canary holds up every other record")
	}
}

func TestWhatExpiredBeforeItWasPackedStays(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "retention_days: 365", "retention_days: 365\n    expires: 2026-11-05", -1)))
		l.ok(err)
		c.Policy = p
	}
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	l.send(e, ep)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.pass(4 * 24 * time.Hour)
	l.ok(e.Pack(t.Context()))
	if out, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), ep.ID); err != nil || len(out) != 1 || out[0].State != sqlstore.OutRefused || out[0].DecidedBy != "expired terms" {
		t.Errorf("%+v, %v", out, err)
	}
}

// The hub was away while the terms ran out: not a byte of the record is sent to it, and the rest goes anew.
func TestWhatExpiredBeforeItWasSentStays(t *testing.T) {
	l := newLoop(t)
	rule := "  - name: soon\n    when: repository.endsWith(\"portal\")\n    level: signal\n    purposes: [evaluate]\n    recipients: [loop-maker]\n    retention_days: 365\n    expires: 2026-11-05\n    approval: auto\n"
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "rules:\n", "rules:\n"+rule, 1)))
		l.ok(err)
		c.Policy = p
	}
	e := l.edge("alder-bank")
	ends, lasts := one("1", "portal"), one("2", "core")
	l.send(e, ends, lasts)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	l.pass(4 * 24 * time.Hour)
	l.turn(e)
	l.turn(e)
	eps, _ := l.count("alder-bank")
	if eps[l.sentID("alder-bank", ends.ID)] != 0 || eps[l.sentID("alder-bank", lasts.ID)] != 1 {
		t.Errorf("the hub has %v: want the record that lasts, and not the other", eps)
	}
	if out, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), ends.ID); err != nil || len(out) != 1 || out[0].State != sqlstore.OutRefused {
		t.Errorf("%+v, %v", out, err)
	}
}

// A bundle that the hub will never take must not keep withdrawals, releases and statements from travelling.
func TestRefusedBundleHoldsUpNoWithdrawal(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	first := one("1", "portal")
	l.send(e, first)
	l.turn(e)
	l.turnHub()
	l.send(e, one("2", "portal"))
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	// The newest bundle loses a file, as a damaged disk would have it.
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
	l.ok(err)
	if len(rows) != 1 {
		t.Fatalf("%d bundles wait, want 1", len(rows))
	}
	l.ok(os.RemoveAll(l.path("alder-bank", "bundles", strings.TrimPrefix(rows[0].ID, "sha256:"), "blobs")))
	_, err = e.Withdraw(t.Context(), "steward", web.Scope{Session: first.Session})
	l.ok(err)
	if err := e.Turn(t.Context()); err == nil {
		t.Error("a bundle that cannot be read is not told")
	}
	l.turnHub()
	e.Turn(t.Context())
	list, err := l.edgeDB("alder-bank").Withdrawals(t.Context())
	l.ok(err)
	if len(list) != 1 || list[0].State != "certified" {
		t.Errorf("the withdrawal waits behind a bundle that cannot leave: %+v", list[0].State)
	}
}

// What a person takes back while a bundle is being made must not leave with it.
func TestWithdrawalBetweenReadingAndPackingWins(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	old, young := one("1", "portal"), one("2", "portal")
	young.Session = old.Session
	l.send(e, old)
	l.turn(e)
	l.send(e, young)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	db := l.edgeDB("alder-bank")
	rows, err := db.Approved(t.Context(), maker, 10) // what pack reads first
	l.ok(err)
	if len(rows) != 1 {
		t.Fatalf("%d rows approved", len(rows))
	}
	_, err = e.Withdraw(t.Context(), "steward", web.Scope{Session: old.Session})
	l.ok(err)
	err = edge.PackRows(e, t.Context(), rows) // what pack does with them
	t.Log("pack:", err)
	e.Turn(t.Context())
	l.turnHub()
	e.Turn(t.Context())
	if eps, _ := l.count("alder-bank"); len(eps) != 0 {
		t.Errorf("%d records of a withdrawn session are at the hub", len(eps))
	}
}

func TestUnauthenticatedMarkIsNeverWashedOff(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "payments-core")
	l.send(e, ep)
	l.turn(e)
	forged := outcome(ep, episode.OutcomeReverted, "30d")
	_, err := e.Receive(t.Context(), edge.Principal{}, lines(t, forged))
	l.ok(err)
	l.turn(e)
	_, err = e.ApproveAll(context.Background(), "steward")
	l.ok(err)
	l.turn(e)
	for _, r := range l.atHub("alder-bank") {
		if len(r.Outcomes) > 0 {
			t.Error("what nobody authenticated was added to an authenticated episode and left under its name")
		}
	}
}

// Repository addresses may hold credentials; a table is not the vault.
func TestNoCredentialsRestBesideTheVault(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	secret := "hunter2-" + strings.Repeat("x9", 12)
	ep := one("1", "portal")
	ep.Repository = "https://build:" + secret + "@git.alder.example/portal.git"
	ep.Session = "token=" + secret
	l.send(e, ep)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	if found := traces(t, l.path("alder-bank"), []string{secret}); len(found) > 0 {
		t.Errorf("a credential rests in the clear:%s", show(found))
	}
}

func TestHostileIdsAreSetAsideOrStored(t *testing.T) {
	for name, change := range map[string]func(*episode.Episode){
		"NUL in the id":        func(ep *episode.Episode) { ep.ID = "ep_\x00" },
		"NUL in the session":   func(ep *episode.Episode) { ep.Session = "\x00" },
		"NUL in the developer": func(ep *episode.Episode) { ep.Developer = "a\x00b" },
		"NUL in instruction":   func(ep *episode.Episode) { ep.Instruction = "a\x00b" },
		"an endless id":        func(ep *episode.Episode) { ep.ID = strings.Repeat("ep1_", 1<<14) },
		"an endless session":   func(ep *episode.Episode) { ep.Session = randomText(1 << 15) },
		"a year 10000":         func(ep *episode.Episode) { ep.EndedAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) },
		"a year 1":             func(ep *episode.Episode) { ep.StartedAt = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			if dsn := postgres(t); dsn != "" {
				l.conf = func(c *edge.Config) { c.Database = dsn }
			}
			e := l.edge("alder-bank")
			bad, good := one("bad", "portal"), one("good", "portal")
			change(bad)
			_, err := e.Receive(t.Context(), edge.Principal{Authenticated: true}, lines(t, bad))
			if err != nil {
				if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Hint == "" {
					t.Errorf("refused without a hint: %v", err)
				}
			}
			l.send(e, good)
			if err := e.Turn(t.Context()); err != nil {
				t.Errorf("one record stops the turn: %v", err)
			}
			if eps, _ := l.count("alder-bank"); eps[l.sentID("alder-bank", good.ID)] != 1 {
				t.Error("one record holds up every other")
			}
		})
	}
}
