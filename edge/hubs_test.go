// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// twoRecipients keeps numbers of most for the maker, and lets the enterprise's own hub have more, for longer and for more purposes.
const twoRecipients = `version: 1
recipients:
  - {name: loop-maker, kind: maker, region: us}
  - {name: own-models, kind: own, region: eu}
rules:
  - name: ledger-stays-in-the-house
    when: repository.contains("ledger")
    level: signal
    purposes: [evaluate, reward, finetune]
    recipients: [own-models]
    retention_days: 700
    approval: auto
  - name: ledger-goes-nowhere-else
    when: repository.contains("ledger")
    level: none
  - name: payments-for-the-maker-wait
    when: repository.contains("payments")
    level: signal
    purposes: [evaluate]
    recipients: [loop-maker]
    retention_days: 30
    approval: steward
  - name: the-rest
    when: "true"
    level: signal
    purposes: [evaluate, reward]
    retention_days: 365
    approval: auto
releases:
  - {kind: filter, hub: loop-maker, channel: early, approver: auto}
  - {kind: filter, hub: own-models, channel: stable, approver: auto}
`

// twoHubs is an edge that has joined two hubs, each with a loop of its own.
func twoHubs(t *testing.T) (l, own *loop, open func() *edge.Edge) {
	l, own = newLoop(t), newLoopOf(t, "own-models")
	p, err := consent.DecodePolicy([]byte(twoRecipients))
	l.ok(err)
	l.conf = func(c *edge.Config) {
		c.Policy = p
		c.Hubs = append(c.Hubs, edge.Hub{Name: own.name, Contributor: "the-bank", Channel: "stable"})
	}
	return l, own, func() *edge.Edge {
		e := l.edge("alder-bank")
		ans, err := own.hub.Enlist(t.Context(), "the-bank", e.Public(), false)
		l.ok(err)
		l.ok(e.Connect(t.Context(), edge.Hub{Name: own.name, URL: own.url, Token: ans.Token, Public: own.hub.Public()}))
		return e
	}
}

// Each hub gets what the policy lets it have, under terms that name it alone and ids that the other's cannot be joined with.
func TestEachHubGetsItsOwnUnderItsOwnTerms(t *testing.T) {
	l, own, open := twoHubs(t)
	e := open()
	l.send(e, one("1", "ledger"), one("2", "payments"), one("3", "portal"))
	l.turn(e)
	batches, err := edge.View{Edge: e}.Batches(t.Context())
	l.ok(err)
	if len(batches) != 1 || batches[0].Recipient != maker || batches[0].Waiting != 1 {
		t.Fatalf("what waits: %+v", batches)
	}
	view, err := edge.View{Edge: e}.Batch(t.Context(), "steward", maker, web.BatchQuery{Limit: 10})
	l.ok(err)
	l.ok(edge.View{Edge: e}.Rule(t.Context(), "steward", web.Ruling{Batch: maker, Choice: web.Approve, Records: []string{view.Records[0].Digest}, Seen: view.Seen}))
	l.turn(e)

	ids := map[string]bool{}
	for _, hub := range []struct {
		*loop
		contributor, region string
		records             int
		purposes            []episode.Purpose
	}{{l, "alder-bank", "us", 2, []episode.Purpose{episode.PurposeEvaluate}}, {own, "the-bank", "eu", 3, nil}} {
		got := hub.atHub(hub.contributor)
		if len(got) != hub.records {
			t.Errorf("%s has %d records, want %d", hub.name, len(got), hub.records)
		}
		for _, ep := range got {
			if !slices.Equal(ep.Terms.Recipients, []string{hub.name}) || ep.Terms.Region != hub.region {
				t.Errorf("%s has a record under %+v", hub.name, ep.Terms)
			}
			for _, id := range []string{ep.ID, ep.Developer, ep.Repository, ep.Session} {
				if ids[hub.name+id] = true; ids[maker+id] && ids[own.name+id] {
					t.Errorf("both hubs know %q", id)
				}
			}
		}
	}
	bundles, err := edge.View{Edge: e}.Bundles(t.Context())
	l.ok(err)
	for _, b := range bundles {
		if v, err := (edge.View{Edge: e}).Bundle(t.Context(), b.ID); err != nil || !v.SignedOK || v.Receipt == nil {
			t.Errorf("bundle for %s: %+v, %v", b.Recipient, v, err)
		}
	}
}

// What is taken back is taken back from every hub that has it, and each certifies for itself. A hub that is away holds up no other.
func TestAHubThatIsAwayHoldsUpNoOther(t *testing.T) {
	l, own, open := twoHubs(t)
	e := open()
	l.send(e, one("1", "portal"))
	l.down.Store(true)
	if err := e.Turn(t.Context()); err == nil || !strings.Contains(err.Error(), maker+": ") {
		t.Errorf("a hub that is away: %v", err)
	}
	if n := len(own.atHub("the-bank")); n != 1 {
		t.Fatalf("the other hub has %d records", n)
	}
	l.down.Store(false)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Fatalf("the hub that was away has %d records", n)
	}

	reach, err := e.WouldWithdraw(t.Context(), web.Scope{Session: "s-1"})
	l.ok(err)
	if reach.Records != 2 || len(reach.Bundles) != 2 || len(reach.Elsewhere) != 0 {
		t.Errorf("a withdrawal would reach %+v", reach)
	}
	asked, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	if len(asked) != 2 {
		t.Fatalf("%d withdrawals were asked", len(asked))
	}
	own.down.Store(true)
	_ = e.Turn(t.Context())
	l.turnHub()
	_ = e.Turn(t.Context())
	states := func() (list []string) {
		rows, err := l.edgeDB("alder-bank").Withdrawals(t.Context())
		l.ok(err)
		for _, w := range rows {
			list = append(list, w.Recipient+" "+w.State)
		}
		slices.Sort(list)
		return list
	}
	if got := states(); !slices.Equal(got, []string{maker + " certified", own.name + " asked"}) {
		t.Errorf("while one is away: %v", got)
	}
	own.down.Store(false)
	l.turn(e)
	own.turnHub()
	l.turn(e)
	if got := states(); !slices.Equal(got, []string{maker + " certified", own.name + " certified"}) {
		t.Errorf("once it is back: %v", got)
	}
	if a, b := len(l.atHub("alder-bank")), len(own.atHub("the-bank")); a+b != 0 {
		t.Errorf("%d and %d records are still there", a, b)
	}
	list, err := edge.View{Edge: e}.Withdrawals(t.Context())
	l.ok(err)
	if len(list) != 2 || list[0].State != "done" || list[1].State != "done" || list[0].Signer == list[1].Signer {
		t.Errorf("%+v", list)
	}
}

// An episode that changes later leaves as an amendment where it has left, and whole where it has not.
func TestAChangedEpisodeIsAmendedWhereItHasLeft(t *testing.T) {
	l, own, open := twoHubs(t)
	e := open()
	ep := one("1", "payments")
	l.send(e, ep)
	l.turn(e) // it waits for a person before it goes to the maker
	if n := len(own.atHub("the-bank")); n != 1 {
		t.Fatalf("the other hub has %d records", n)
	}
	l.pass(time.Hour)
	l.send(e, outcome(ep, episode.OutcomeKept, "24h"))
	l.turn(e)
	_, err := e.ApproveAll(context.Background(), "steward")
	l.ok(err)
	l.turn(e)
	whole, amended := own.count("the-bank")
	if len(whole) != 1 || len(amended) != 1 {
		t.Errorf("where it had left: %v and %v", whole, amended)
	}
	got := l.atHub("alder-bank")
	if len(got) != 1 || got[0].Amends != "" || len(got[0].Outcomes) != 1 {
		t.Errorf("where it had not: %+v", got)
	}
}

// Without a hub nothing is screened: the first to be joined gets what waited, and not only what comes after.
func TestWhatWasCapturedBeforeAHubWasJoinedWaitsForIt(t *testing.T) {
	l := newLoop(t)
	p, err := consent.DecodePolicy([]byte(policyFile))
	l.ok(err)
	alone := edge.Config{Dir: l.path("alder-bank"), Policy: p, Now: l.clock}
	e, err := edge.New(t.Context(), alone)
	l.ok(err)
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.ok(e.Close())
	e = l.edge("alder-bank")
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		rows, _, _ := l.edgeDB("alder-bank").ListEpisodes(t.Context(), sqlstore.EpisodeFilter{Limit: 10})
		t.Errorf("the hub has %d records: %+v", n, rows)
	}
}

// released stores a release that the hub signed at an edge, as one that it fetched before.
func (l *loop) released(db *sqlstore.DB, snapshot string) string {
	l.t.Helper()
	filter := learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{1}}
	model, err := filter.MarshalBinary()
	l.ok(err)
	bound := &ope.Interval{Estimate: 0.02, Lower: 0.005, Bound: 0.01, Upper: 0.03, Developers: 100}
	gate, err := bundle.SealDocument(bundle.TypeGateReport, gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Gain: bound}, l.hubKey())
	l.ok(err)
	r := release.New(release.Release{Kind: release.Filter, Payload: episode.Digest(model), Gate: episode.Digest(gate), Snapshot: snapshot})
	envelope, err := bundle.SealDocument(bundle.TypeRelease, r, l.hubKey())
	l.ok(err)
	on, err := release.Start(release.Filter, r.ID, release.Rollout{}, "", l.clock()).Widen(release.Stages, "", "for all", l.clock())
	l.ok(err)
	signed, err := bundle.SealDocument(bundle.TypeRollout, on, l.hubKey())
	l.ok(err)
	l.ok(db.SaveRollout(l.t.Context(), sqlstore.PulledRollout{Hub: l.name, Kind: "filter", Sequence: on.Sequence, Envelope: signed, PulledAt: l.clock()}, nil,
		sqlstore.PulledRelease{ID: r.ID, Hub: l.name, Kind: "filter", Envelope: envelope, Payload: model, Gate: gate, PulledAt: l.clock()}))
	return r.ID
}

// back stores a roll-out at an edge by which a release went back.
func (l *loop) back(db *sqlstore.DB, id string) {
	l.t.Helper()
	on := release.Start(release.Filter, id, release.Rollout{}, "", l.clock()).GoBack("", "", "harm", l.clock())
	on.Sequence = 9
	signed, err := bundle.SealDocument(bundle.TypeRollout, on, l.hubKey())
	l.ok(err)
	l.ok(db.SaveRollout(l.t.Context(), sqlstore.PulledRollout{Hub: l.name, Kind: "filter", Sequence: on.Sequence, Envelope: signed, PulledAt: l.clock()}, nil))
}

// One release decides: that of the hub that is configured, else that of the first hub that has one, after a restart as before. Where the
// configured hub retires its own, no other's takes its place.
func TestTheReleaseOfOneHubDecides(t *testing.T) {
	l, own, open := twoHubs(t)
	conf, from := l.conf, ""
	l.conf = func(c *edge.Config) { conf(c); c.DecidesFrom = from }
	e := open()
	makers, owns := l.released(l.edgeDB("alder-bank"), "sha256:a"), own.released(l.edgeDB("alder-bank"), "sha256:b")
	decides := func() string { return e.Decide(edge.Principal{Name: "ada"}, edge.DecideRequest{}).Release }
	again := func(name string) string {
		l.close(e)
		from = name
		e = open()
		return decides()
	}
	if got := again(own.name); got != owns {
		t.Errorf("%s decides: %q, want %q", own.name, got, owns)
	}
	if got := again(maker); got != makers {
		t.Errorf("%s decides: %q, want %q", maker, got, makers)
	}
	if got := again(""); got != makers {
		t.Errorf("the first that has one decides: %q, want %q", got, makers)
	}
	list, err := edge.View{Edge: e}.Releases(t.Context())
	l.ok(err)
	if len(list) != 2 || list[0].InUse == list[1].InUse || list[0].Hub == list[1].Hub || list[0].Hub == "" {
		t.Errorf("the page: %+v", list)
	}
	// The maker's hub takes its own back. The other is away and says nothing of the kind.
	own.down.Store(true)
	l.back(l.edgeDB("alder-bank"), makers)
	_ = e.Turn(t.Context())
	if got := decides(); got != owns {
		t.Errorf("the maker retired its release: %q decides, want %q", got, owns)
	}
	if got := again(maker); got != "" {
		t.Errorf("%s decides, and has none: %q", maker, got)
	}
}

// A hub that was left is asked nothing and gets nothing, what it signed is still shown, and nobody is asked to approve for it.
func TestAHubThatWasLeftGetsNothing(t *testing.T) {
	l, own, open := twoHubs(t)
	conf, left := l.conf, false
	l.conf = func(c *edge.Config) {
		conf(c)
		if left {
			c.Hubs[0].Left, c.Hubs[0].Public = true, l.hub.Public()
		}
	}
	e := open()
	l.send(e, one("1", "payments"), one("2", "portal"))
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Fatalf("the maker has %d records", n)
	}
	l.close(e)
	left = true
	e = l.edge("alder-bank", joinedAlready)
	ans, err := own.hub.Enlist(t.Context(), "the-bank", e.Public(), false)
	l.ok(err)
	l.ok(e.Connect(t.Context(), edge.Hub{Name: own.name, URL: own.url, Token: ans.Token, Public: own.hub.Public()}))
	_, err = e.ApproveAll(t.Context(), "steward")
	l.ok(err)
	l.send(e, one("3", "portal"))
	l.turn(e)
	if a, b := len(l.atHub("alder-bank")), len(own.atHub("the-bank")); a != 1 || b != 3 {
		t.Errorf("the hub that was left has %d records, the other %d", a, b)
	}
	if batches, err := (edge.View{Edge: e}).Batches(t.Context()); err != nil || len(batches) != 0 {
		t.Errorf("somebody is asked for a hub that was left: %+v, %v", batches, err)
	}
	if _, err := e.Leave(t.Context(), maker, edge.Exchange{Place: t.TempDir()}, ""); problemCode(err) != "hub/unknown" {
		t.Errorf("carried to a hub that was left: %v", err)
	}
	bundles, err := edge.View{Edge: e}.Bundles(t.Context())
	l.ok(err)
	for _, b := range bundles {
		if b.Receipt == nil {
			t.Errorf("the receipt of %s is not shown", b.Recipient)
		}
	}
	_, err = e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-2"})
	if problemCode(err) != "withdraw/elsewhere" || !strings.Contains(err.Error(), maker) {
		t.Errorf("taken back from a hub that was left: %v", err)
	}
}
