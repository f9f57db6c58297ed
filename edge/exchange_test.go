// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// gap is a hub and an edge that cannot reach each other.
type gap struct {
	*loop
	e *edge.Edge
}

// newGap joins alder to the hub and cuts the wire.
func newGap(t *testing.T) gap {
	l := newLoop(t)
	g := gap{l, l.edge("alder")}
	l.down.Store(true)
	return g
}

// leave leaves all in a place.
func (g gap) leave(place string) edge.Carried {
	g.t.Helper()
	c, err := g.e.Leave(context.Background(), "", edge.Exchange{Place: place}, "")
	g.ok(err)
	return c
}

// back takes back.
func (g gap) back(place string) edge.Carried {
	g.t.Helper()
	c, err := g.e.TakeBack(context.Background(), "", edge.Exchange{Place: place})
	g.ok(err)
	return c
}

// receive is the hub's visit.
func (g gap) receive(place string) hub.Received {
	g.t.Helper()
	r, err := g.hub.Receive(context.Background(), hub.Exchange{Place: place})
	g.ok(err)
	return r
}

// pack packs episodes; what is packed cannot be sent over the wire.
func (g gap) pack(list ...*episode.Episode) {
	g.t.Helper()
	g.send(g.e, list...)
	if err := g.e.Turn(context.Background()); err == nil {
		g.t.Fatal("the wire is not cut")
	}
}

func (g gap) states() (states []string) {
	g.t.Helper()
	b, err := edge.View{Edge: g.e}.Bundles(context.Background())
	g.ok(err)
	for _, x := range b {
		states = append(states, x.State)
	}
	return states
}

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	p, ok := errors.AsType[*episode.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// TestAFolderCarriesABundleItsReceiptAWithdrawalAndItsCertificate: the whole way, twice, without a wire.
func TestAFolderCarriesABundleItsReceiptAWithdrawalAndItsCertificate(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	for round, repository := range []string{"web", "shop"} {
		g.pack(one("first "+repository, repository), one("second "+repository, repository))
		if c := g.leave(stick); c.Bundles != 1 {
			t.Fatalf("round %d: left %+v", round, c)
		}
		if c := g.leave(stick); c.Bundles != 0 {
			t.Fatalf("left twice: %+v", c)
		}
		if c := g.back(stick); c.Waiting != 1 || c.Receipts != 0 {
			t.Fatalf("before the hub was there: %+v", c)
		}
		if r := g.receive(stick); r.Bundles != 1 || r.Answers != 1 || len(r.Refused) != 0 {
			t.Fatalf("received %+v", r)
		}
		if r := g.receive(stick); r.Bundles != 0 || len(r.Refused) != 0 {
			t.Fatalf("received twice: %+v", r)
		}
		if c := g.back(stick); c.Receipts != 1 || c.Waiting != 0 {
			t.Fatalf("taken back: %+v", c)
		}
		if n := len(g.atHub("alder")); n != 2+round {
			t.Fatalf("the hub holds %d records", n)
		}
		_, err := g.e.Withdraw(context.Background(), "steward", web.Scope{Session: "s-first " + repository})
		g.ok(err)
		if c := g.leave(stick); c.Withdrawals != 1 || c.Bundles != 0 {
			t.Fatalf("withdrawal left: %+v", c)
		}
		if r := g.receive(stick); r.Withdrawals != 1 || r.Answers == 0 {
			t.Fatalf("withdrawal received: %+v", r)
		}
		if c := g.back(stick); c.Certificates != 1 {
			t.Fatalf("certificate taken back: %+v", c)
		}
		g.pass(1)
	}
	if got := strings.Join(g.states(), " "); got != "received received" {
		t.Errorf("bundles are %s", got)
	}
}

// TestAnExchangeInTheConfigurationIsVisitedWithEachTurn by both sides.
func TestAnExchangeInTheConfigurationIsVisitedWithEachTurn(t *testing.T) {
	l := newLoop(t)
	place := l.path("exchange")
	l.conf = func(c *edge.Config) { c.Hubs[0].Exchange.Place = place }
	l.ok(l.hub.Close())
	h, err := hub.New(context.Background(), hub.Config{Dir: l.path("hub"), Name: maker, Now: l.clock, Intake: l.in, Exchanges: []hub.Exchange{{Place: place}}})
	l.ok(err)
	l.hub = h
	e := l.edge("alder")
	l.down.Store(true)
	l.send(e, one("first", "web"), one("second", "web"))
	l.turn(e)
	l.turnHub()
	l.turn(e)
	_, err = e.Withdraw(context.Background(), "steward", web.Scope{Session: "s-first"})
	l.ok(err)
	l.turn(e)
	l.turnHub()
	l.turn(e)
	v := edge.View{Edge: e}
	b, err := v.Bundles(context.Background())
	l.ok(err)
	w, err := v.Withdrawals(context.Background())
	l.ok(err)
	if len(b) != 1 || b[0].State != "received" || len(w) != 1 || w[0].State != "done" {
		t.Fatalf("bundle %s, withdrawal %s", b[0].State, w[0].State)
	}
}

// TestAWithdrawnRecordLeavesByNoCarrier: neither in a bundle that was packed and not sent, nor in a copy of it.
func TestAWithdrawnRecordLeavesByNoCarrier(t *testing.T) {
	g := newGap(t)
	g.pack(one("first", "web"))
	dirs, err := filepath.Glob(g.path("alder", "bundles", "[0-9a-f]*"))
	g.ok(err)
	if len(dirs) != 1 {
		t.Fatalf("bundles: %v", dirs)
	}
	copied := g.path("copy")
	g.ok(os.CopyFS(copied, os.DirFS(dirs[0])))
	_, err = g.e.Withdraw(context.Background(), "steward", web.Scope{Session: "s-first"})
	wantProblem(t, err, "withdraw/nothing-left")
	if c := g.leave(g.path("stick")); c.Bundles != 0 || c.Withdrawals != 0 {
		t.Fatalf("left %+v", c)
	}
	_, err = g.e.Leave(context.Background(), "", edge.Exchange{Place: g.path("stick")}, copied)
	wantProblem(t, err, "exchange/not-packed")
	_, err = g.e.Push(context.Background(), copied)
	wantProblem(t, err, "exchange/not-packed")
}

// TestAFolderCarriesThatAReleaseWasTakenBack, however often, and whichever folder is lost on its way.
func TestAFolderCarriesThatAReleaseWasTakenBack(t *testing.T) {
	l := newLoop(t)
	id := l.offer(1)
	l.toAll()
	g := gap{l, l.edge("alder")}
	l.turn(g.e) // fetched over the wire, before the gap
	l.down.Store(true)
	if ids, err := g.e.StopReleases(t.Context(), "operator", false); err != nil || len(ids) != 1 || ids[0] != id {
		t.Fatalf("%v %v", ids, err)
	}
	returned := func() int {
		list, err := hub.View{Hub: l.hub}.Releases(t.Context())
		l.ok(err)
		return list[0].Returned
	}
	if c := g.leave(g.path("lost")); c.Returns != 1 {
		t.Fatalf("left %+v", c)
	}
	for round, stick := range []string{g.path("stick"), g.path("another")} {
		if c := g.leave(stick); c.Returns != 1 {
			t.Fatalf("round %d: left %+v", round, c)
		}
		if c := g.leave(stick); c.Returns != 0 {
			t.Fatalf("left twice: %+v", c)
		}
		if r := g.receive(stick); r.Returns != 1-round || r.Waiting != 0 || len(r.Refused) != 0 {
			t.Fatalf("round %d: received %+v", round, r)
		}
		if r := g.receive(stick); r.Returns != 0 || len(r.Refused) != 0 || returned() != 1 {
			t.Fatalf("received twice: %+v, %d took it back", r, returned())
		}
		if c := g.back(stick); len(c.Refused) != 0 || c.Others != 0 {
			t.Fatalf("taken back: %+v", c)
		}
	}
	l.down.Store(false)
	l.turn(g.e) // the wire says it, too
	if c := g.leave(g.path("third")); c.Returns != 0 || returned() != 1 {
		t.Errorf("told over the wire, and left again: %+v, %d took it back", c, returned())
	}
}

// TestAWordAboutAReleaseOfSomebodyElseIsRefused: whose release it is, and who says so, is looked at as over the wire.
func TestAWordAboutAReleaseOfSomebodyElseIsRefused(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.ok(g.edgeDB("alder").TakeReleaseBack(t.Context(), sqlstore.Gone{Hub: maker, ID: "rel_00000000000000000000000000000000", Why: "x", Own: bundle.BackByPerson, At: g.clock()}))
	if c := g.leave(stick); c.Returns != 1 {
		t.Fatalf("left %+v", c)
	}
	if r := g.receive(stick); r.Returns != 0 || len(r.Refused) != 1 || r.Refused[0].Code != "returns/not-ours" {
		t.Fatalf("received %+v", r)
	}
	if c := g.back(stick); len(c.Refused) != 0 {
		t.Fatalf("taken back: %+v", c)
	}
}
