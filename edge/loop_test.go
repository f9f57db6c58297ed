// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/web"
)

func TestTwoEdgesOneHubAReleaseBack(t *testing.T) {
	l := newLoop(t)
	names := []string{"alder-bank", "birch-telecom"}
	var edges []*edge.Edge
	for _, name := range names {
		e := l.edge(name)
		edges = append(edges, e)
		_, episodes, late := world(t, sim.Config{Seed: 3, Gain: 0.8, Decisions: 26000, Developers: 900}, name)
		l.send(e, episodes...)
		l.ok(e.Assemble(t.Context()))
		l.ok(e.Screen(t.Context()))
		_, err := e.ApproveAll(context.Background(), "steward")
		l.ok(err)
		l.turn(e)
		l.send(e, late...)
		l.turn(e)
		_, err = e.ApproveAll(context.Background(), "steward")
		l.ok(err)
		l.turn(e)
	}
	ask := edge.DecideRequest{Developer: "ada", Features: map[string]any{"language": "rust"}}
	if a := edges[0].Decide(edge.Principal{}, ask); a.Release != "" || !a.Shown || a.Propensity() != 1 {
		t.Errorf("before the first release everything is shown, got %+v", a)
	}
	l.turnHub()
	report, rel, err := l.hub.LatestGate(t.Context())
	l.ok(err)
	if rel == nil {
		t.Fatalf("no release: %+v", report.Reasons)
	}
	l.toAll()
	for i, e := range edges {
		l.turn(e)
		a := e.Decide(edge.Principal{}, ask)
		if a.Release != rel.ID {
			t.Errorf("%s decides by %q, the hub released %q", names[i], a.Release, rel.ID)
		}
		statements, err := edge.View{Edge: e}.Statements(t.Context())
		l.ok(err)
		if len(statements) != 1 {
			t.Errorf("%s has %d statements, want 1", names[i], len(statements))
		}
		bundles, err := l.edgeDB(names[i]).Bundles(t.Context(), "")
		l.ok(err)
		for _, b := range bundles {
			if b.State != "received" || b.Receipt == nil {
				t.Errorf("bundle %s of %s has no receipt", b.ID, names[i])
			}
		}
		eps, amendments := l.count(names[i])
		for id, n := range eps {
			if n != 1 {
				t.Errorf("%s is %d times at the hub", id, n)
			}
		}
		if len(eps) == 0 || len(amendments) == 0 {
			t.Errorf("%s: %d episodes and %d amendments reached the hub", names[i], len(eps), len(amendments))
		}
		// What is in force survives a restart of edge and hub.
		l.close(e)
		e = l.edge(names[i])
		l.turn(e)
		if a := e.Decide(edge.Principal{}, ask); a.Release != rel.ID {
			t.Errorf("after a restart %s decides by %q", names[i], a.Release)
		}
		edges[i] = e
	}
	// Nothing changed: another turn makes nothing.
	l.turnHub()
	if again, _, err := l.hub.LatestGate(t.Context()); err != nil || again.Snapshot != report.Snapshot {
		t.Errorf("a turn without news made snapshot %s of %s, %v", again.Snapshot, report.Snapshot, err)
	}
	// One session is taken back: the release goes with what it was learned from.
	sent := l.atHub("alder-bank")
	_, episodes, _ := world(t, sim.Config{Seed: 3, Gain: 0.8, Decisions: 26000, Developers: 900}, "alder-bank")
	if len(sent) == 0 {
		t.Fatal("nothing at the hub")
	}
	_, err = edges[0].Withdraw(t.Context(), "steward", web.Scope{Session: episodes[0].Session})
	l.ok(err)
	edges[0].Turn(t.Context())
	l.turnHub()
	l.turn(edges[0])
	retired := false
	for _, f := range l.certificate("alder-bank").Fates {
		retired = retired || f.Kind == "release" && f.Artifact == rel.ID && strings.HasPrefix(f.Fate, "retired")
	}
	if !retired {
		t.Errorf("the certificate does not say that %s was retired", rel.ID)
	}
	if a := edges[0].Decide(edge.Principal{}, ask); a.Release == rel.ID {
		t.Error("a retired release still decides")
	}
}

// toAll lets the hub roll its filter out to everybody.
func (l *loop) toAll() {
	l.t.Helper()
	_, err := l.hub.Steer(context.Background(), "operator", release.Filter, "widen", true)
	l.ok(err)
}

func TestApprovedRecordIsContributedExactlyOnce(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	free, asked, local, off := one("1", "portal"), one("2", "payments"), one("3", "ledger"), one("4", "skunkworks")
	all := []*episode.Episode{free, asked, local, off}
	for range 3 { // the history is read again and again, the process restarted in between
		l.send(e, all...)
		l.turn(e)
		l.close(e)
		e = l.edge("alder-bank")
	}
	want := func(ids ...*episode.Episode) {
		t.Helper()
		eps, amendments := l.count("alder-bank")
		for _, ep := range ids {
			if n := eps[l.sentID("alder-bank", ep.ID)]; n != 1 {
				t.Errorf("%s is %d times at the hub, want once", ep.Repository, n)
			}
		}
		if len(eps) != len(ids) || len(amendments) != 0 {
			t.Errorf("%d episodes and %d amendments at the hub, want %d and 0", len(eps), len(amendments), len(ids))
		}
	}
	want(free)
	n, err := e.ApproveAll(context.Background(), "steward")
	if err != nil || n != 1 {
		t.Errorf("%d approved, %v; want the one that waits", n, err)
	}
	l.turn(e)
	l.turn(e)
	want(free, asked)
	if r := row(l, "alder-bank", off.ID); r.ID != "" {
		t.Errorf("level off, and it is recorded: %+v", r)
	}
	if r := row(l, "alder-bank", local.ID); r.State != "kept" {
		t.Errorf("level none is in state %q, want kept", r.State)
	}
}

func TestNoPlantedSecretRestsOrLeaves(t *testing.T) {
	l := newLoop(t)
	var log bytes.Buffer
	l.conf = func(c *edge.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e := l.edge("alder-bank")
	w, episodes, late := world(t, sim.Config{Gain: 0.2, Decisions: 1500, Developers: 60}, "alder-bank")
	l.send(e, episodes...)
	l.turn(e)
	l.send(e, late...)
	l.turn(e)
	_, err := e.ApproveAll(context.Background(), "steward")
	l.ok(err)
	l.turn(e)
	l.turnHub()
	var secrets, people []string
	raw := lines(t, episodes...)
	there := 0
	for _, s := range w.Planted() {
		if bytes.Contains(raw, []byte(s)) {
			there++
		}
		if strings.Contains(s, "@") && !strings.Contains(s, "customer-") || strings.HasPrefix(s, "/home/") {
			people = append(people, s)
		} else {
			secrets = append(secrets, s)
		}
	}
	if there < 20 {
		t.Fatalf("only %d planted strings are in the episodes", there)
	}
	// The edge knows its own people, in its own tables; what they wrote is sealed.
	if found := traces(t, l.path("alder-bank"), secrets); len(found) > 0 {
		t.Errorf("in the edge's folder:%s", show(found))
	}
	if found := traces(t, l.path("alder-bank", "bundles"), people); len(found) > 0 {
		t.Errorf("in a bundle:%s", show(found))
	}
	if found := traces(t, l.path("hub"), append(secrets, people...)); len(found) > 0 {
		t.Errorf("at the hub:%s", show(found))
	}
	for _, s := range append(secrets, people...) {
		if strings.Contains(log.String(), s) {
			t.Errorf("%q stands in the log", s)
		}
	}
}

func TestHubThatIsDownGetsEverythingLater(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.down.Store(true)
	l.send(e, one("1", "portal"))
	err := e.Turn(t.Context())
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "hub/unreachable" || p.Hint == "" {
		t.Errorf("got %v, want hub/unreachable with a hint", err)
	}
	l.send(e, one("2", "portal"))
	e.Turn(t.Context())
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Fatalf("%d records at a hub that is down", n)
	}
	l.close(e)
	e = l.edge("alder-bank")
	l.down.Store(false)
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 2 {
		t.Errorf("%d records came later, want 2", len(eps))
	}
}

func TestAnswerThatAnotherKeySignedIsRefused(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	other, err := keyring.Open(t.TempDir())
	l.ok(err)
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", e.Public(), false)
	l.ok(err)
	if err := e.Connect(t.Context(), edge.Hub{Name: maker, URL: l.url, Token: ans.Token, Public: other.Public()}); err != nil {
		t.Fatal(err)
	}
	l.send(e, one("1", "portal"))
	err = e.Turn(t.Context())
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != proof.ErrCheckpoint.Code || p.Hint == "" {
		t.Errorf("got %v, want %v with a hint", err, proof.ErrCheckpoint)
	}
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "")
	l.ok(err)
	if len(rows) != 1 || rows[0].Receipt != nil || len(l.atHub("alder-bank")) > 0 {
		t.Error("something was sent to a hub that has another key, or a receipt that somebody else signed was kept")
	}
}

func TestStrangersBundleIsRefused(t *testing.T) {
	l := newLoop(t)
	a, b := l.edge("alder-bank"), l.edge("birch-telecom")
	// The hub knows alder-bank under another key by now: what this edge signs is a stranger's.
	_, err := l.hub.Enlist(t.Context(), "alder-bank", b.Public(), false)
	l.ok(err)
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", b.Public(), false)
	l.ok(err)
	if err := a.Connect(t.Context(), edge.Hub{Name: maker, URL: l.url, Token: ans.Token, Public: l.hub.Public()}); err != nil {
		t.Fatal(err)
	}
	l.send(a, one("1", "portal"))
	if err := a.Turn(t.Context()); err == nil || !strings.Contains(err.Error(), "trust") && !strings.Contains(err.Error(), "signer") {
		t.Errorf("got %v, want to hear that the signer is not trusted", err)
	}
	// And who has no token gets nothing at all.
	if err := a.Connect(t.Context(), edge.Hub{Name: maker, URL: l.url, Token: "guessed", Public: l.hub.Public()}); err != nil {
		t.Fatal(err)
	}
	if err := a.Turn(t.Context()); err == nil {
		t.Error("a guessed token works")
	}
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Errorf("%d records of a stranger were admitted", n)
	}
}

func TestTooLittleDataEarnsTheFlatFloorOnly(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"), one("2", "portal"))
	l.turn(e)
	l.turnHub()
	report, rel, err := l.hub.LatestGate(t.Context())
	l.ok(err)
	if rel != nil || report.Verdict == gate.Released || len(report.Reasons) == 0 {
		t.Errorf("two decisions led to %+v", report)
	}
	for _, r := range report.Reasons {
		if r.Missing <= 0 {
			t.Errorf("%q does not say how much is missing", r.Message)
		}
	}
	list, err := l.hub.LatestStatements(t.Context())
	l.ok(err)
	if len(list) != 1 || list[0].Value != nil || list[0].Certified != 0 {
		t.Fatalf("want one statement without a value, got %+v", list)
	}
	for _, line := range list[0].Lines {
		if (line.Kind == "flat-floor") != (line.Percent > 0) {
			t.Errorf("want the flat floor alone, got %+v", line)
		}
	}
}

func TestTurnGoesOnAfterAStopAtAnyStep(t *testing.T) {
	steps := []struct {
		name string
		do   func(*edge.Edge, context.Context) error
	}{{"assemble", (*edge.Edge).Assemble}, {"screen", (*edge.Edge).Screen}, {"pack", (*edge.Edge).Pack}, {"contribute", (*edge.Edge).Contribute}}
	for stop := range len(steps) + 1 {
		name := "receive"
		if stop > 0 {
			name = steps[stop-1].name
		}
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			e := l.edge("alder-bank")
			ep := one("1", "portal")
			l.send(e, ep)
			for _, s := range steps[:stop] {
				l.ok(s.do(e, t.Context()))
			}
			l.close(e)
			l.restartHub()
			e = l.edge("alder-bank")
			l.send(e, ep, one("2", "portal"))
			l.turn(e)
			l.turnHub()
			eps, amendments := l.count("alder-bank")
			if len(eps) != 2 || eps[l.sentID("alder-bank", ep.ID)] != 1 || len(amendments) != 0 {
				t.Errorf("at the hub: %v and amendments %v, want each of two once", eps, amendments)
			}
		})
	}
}

func TestOutcomesFoldInOnce(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	l.send(e, ep)
	l.turn(e)
	for _, kind := range []episode.OutcomeKind{episode.OutcomeMerged, episode.OutcomeReverted, episode.OutcomeMerged} {
		l.send(e, outcome(ep, kind, "10d"))
		l.turn(e)
		l.pass(time.Minute)
	}
	seen := map[episode.OutcomeKind]int{}
	for _, r := range l.atHub("alder-bank") {
		for _, o := range r.Outcomes {
			seen[o.Kind]++
		}
	}
	if len(seen) != 2 || seen[episode.OutcomeMerged] != 1 || seen[episode.OutcomeReverted] != 1 {
		t.Errorf("outcomes at the hub: %v, want each once", seen)
	}
	l.turnHub()
	// An outcome that changes its mind travels again.
	changed := outcome(ep, episode.OutcomeMerged, "10d")
	changed.Outcomes[0].Value = 0
	l.send(e, changed)
	l.turn(e)
	if _, amendments := l.count("alder-bank"); amendments[l.sentID("alder-bank", ep.ID)] != 3 {
		t.Errorf("amendments: %v, want 3", amendments)
	}
}

func TestTornLineIsSetAsideAndTheRestGoesOn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	body := append(lines(t, one("1", "portal")), []byte(`{"schema_version":"1.0","id":"ep_to`+"\n")...)
	body = append(body, lines(t, one("2", "portal"))...)
	ans, err := e.Receive(t.Context(), edge.Principal{Authenticated: true}, body)
	l.ok(err)
	if ans.Accepted != 2 || len(ans.SetAside) != 1 || ans.SetAside[0].Line != 2 {
		t.Errorf("got %+v, want two taken and line 2 set aside", ans)
	}
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 2 {
		t.Errorf("%d records at the hub, want 2", len(eps))
	}
}

func TestSecondProcessOnTheSameFolderIsTold(t *testing.T) {
	l := newLoop(t)
	l.edge("alder-bank")
	_, err := edge.New(t.Context(), edge.Config{Dir: l.path("alder-bank"), Hubs: []edge.Hub{{Name: maker, Contributor: "alder-bank"}}})
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "state/in-use" || p.Hint == "" {
		t.Errorf("got %v, want state/in-use with a hint", err)
	}
}
