// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring/keyringtest"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

func TestNobodyIsCountedWhoIsToBeAskedFirst(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	who := "d3@alder.example"
	l.ok(e.SetPreferences(t.Context(), who, web.Preferences{Text: "version: 1\ndeveloper: " + who + "\nlimits:\n  - approval: developer\n"}))
	l.pass(time.Minute) // what is screened after they said so
	l.send(e, crowd(5, "mill", september())...)
	l.turn(e)
	n, err := l.edgeDB("alder-bank").CountedOf(t.Context(), maker, september().AddDate(0, -1, 0), september().AddDate(0, 1, 0), func(_ string, body []byte) error {
		ep, err := episode.Decode(body)
		if err == nil && ep.Local.Developer == who {
			t.Error("who was asked and has not answered is counted")
		}
		return err
	})
	if l.ok(err); n != 4*4 {
		t.Errorf("%d episodes may be counted, want those of four people", n)
	}
}

func TestOnlyWhatMayJudgeReleasesIsCounted(t *testing.T) {
	l := counting(t, monthly)
	conf := l.conf
	l.conf = func(c *edge.Config) {
		conf(c)
		p, err := consent.DecodePolicy([]byte(strings.ReplaceAll(c.Policy.Source(), "purposes: [evaluate, reward]", "purposes: [reward]")))
		l.ok(err)
		c.Policy = p
	}
	e := l.edge("alder-bank")
	l.send(e, append(crowd(2, "mill", september()), crowd(3, "private", september())...)...)
	l.turn(e)
	n, err := l.edgeDB("alder-bank").CountedOf(t.Context(), maker, september().AddDate(0, -1, 0), september().AddDate(0, 1, 0), func(string, []byte) error { return nil })
	if l.ok(err); n != 3*4 {
		t.Errorf("%d episodes may be counted, want those of three people, whose rule lets them be evaluated", n)
	}
}

func TestCountsThatASigningKeyDoesNotSignWait(t *testing.T) {
	l := counting(t, monthly)
	vault, signing := keyringtest.New(t)
	conf := l.conf
	l.conf = func(c *edge.Config) { conf(c); c.Signing = signing }
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "private", september())...)
	l.turn(e)
	l.closed()
	vault.Set(func(v *keyringtest.Vault) { v.Away = true })
	unsigned(t, "tell counts", e.Turn(t.Context()))
	if n := len(l.told("alder-bank")); n != 0 {
		t.Fatalf("the hub was told %d times without a signature", n)
	}
	vault.Set(func(v *keyringtest.Vault) { v.Away = false })
	l.eventually("tell counts", e.Turn)
	if shown, _, ok := l.shown("alder-bank"); !ok || !near(shown, 800) {
		t.Errorf("the hub was told of %v", shown)
	}
}

func TestCountsThatAHubRefusesForNowAreSentAgain(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "private", september())...)
	l.turn(e)
	l.closed()
	l.ok(l.hub.Close()) // its clock is behind: September is not over there
	behind, err := hub.New(t.Context(), hub.Config{Dir: l.path("hub"), Name: l.name, Now: september})
	l.ok(err)
	l.hub = behind
	if err := e.Turn(t.Context()); code(err) != "counts/period" {
		t.Fatalf("%v", err)
	}
	l.restartHub()
	l.turn(e) // a minute later it is left alone
	if n := len(l.told("alder-bank")); n != 0 {
		t.Errorf("the hub was told %d times at once", n)
	}
	l.pass(2 * time.Hour)
	l.turn(e)
	if n := len(l.told("alder-bank")); n != 1 {
		t.Errorf("the hub was told %d times", n)
	}
}

func TestWhatWasDrawnBeforeACrashIsNotTold(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "mill", september())...)
	l.turn(e)
	l.close(e)
	// As a crash leaves it: the ledger has what was drawn, and nothing says that it is to be told.
	ledger, err := aggregate.OpenLedger(l.path("alder-bank", "aggregate"), 100)
	l.ok(err)
	l.closed()
	for _, q := range aggregate.Shares() {
		_, err := ledger.Report(aggregate.NewTally(q), maker, "2026-09", aggregate.SharesParams(10), l.clock())
		l.ok(err)
	}
	l.ok(ledger.Close())
	e = l.edge("alder-bank")
	l.turn(e)
	page, err := edge.View{Edge: e}.Counts(t.Context())
	l.ok(err)
	if len(page) != 1 || page[0].State != "stays" || page[0].Note == "" || len(l.told("alder-bank")) != 0 {
		t.Errorf("%+v", page)
	}
	if _, err := l.edgeDB("alder-bank").OldestCounted(t.Context(), maker); !errors.Is(err, sqlstore.ErrNotFound) {
		t.Errorf("what was counted is kept: %v", err)
	}
}

func TestAMonthOfNothingIsToldOfAsAnyOther(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	l.turn(e)
	if n := len(l.told("alder-bank")); n != 0 {
		t.Fatalf("the hub was told of %d months that were closed before", n)
	}
	for i := range 3 {
		l.closed()
		l.turn(e)
		list := l.told("alder-bank")
		if len(list) != i+1 || len(list[0].Reports) != 2 || len(list[0].Reports[0].Values) != 0 {
			t.Fatalf("after %d months the hub was told %+v", i+1, list)
		}
		l.turn(e) // once
		l.pass(27 * 24 * time.Hour)
	}
}

func TestASpentBudgetTellsNothingAndSaysSo(t *testing.T) {
	l := counting(t, "counts: {period: week, epsilon: 1, budget: 1.2}")
	e := l.edge("alder-bank")
	l.pass(-4 * 24 * time.Hour)
	l.send(e, append(crowd(150, "mill", september().AddDate(0, 0, 7)), crowd(150, "weir", september().AddDate(0, 0, 8))...)...)
	l.turn(e)
	l.pass(21 * 24 * time.Hour)
	l.turn(e)
	page, err := edge.View{Edge: e}.Counts(t.Context())
	l.ok(err)
	// The third week is over, too, and nothing was done in it.
	if len(page) != 3 || page[0].State != "stays" || page[1].State != "stays" || !strings.Contains(page[1].Note, "over the budget") || page[2].State != "sent" {
		t.Errorf("%+v", page)
	}
	if n := len(l.told("alder-bank")); n != 1 {
		t.Errorf("the hub was told of %d weeks", n)
	}
}
