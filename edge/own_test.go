// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

const adas, graces = "ada@alder.example", "grace@alder.example"

// of is an episode of a developer's.
func of(developer, id string) *episode.Episode {
	ep := one(id, "portal")
	ep.Developer = developer
	return ep
}

// ownStates are the states of a developer's records, as they see them.
func (l *loop) ownStates(e *edge.Edge, who string) map[string]string {
	l.t.Helper()
	p, err := e.Own(l.t.Context(), who, "", 100)
	l.ok(err)
	m := map[string]string{}
	for _, r := range p.Rows {
		m[r.ID] = r.State
	}
	return m
}

func (l *loop) prefer(e *edge.Edge, who string, p web.Preferences) {
	l.t.Helper()
	l.ok(e.SetPreferences(l.t.Context(), who, p))
}

func twoKeys(t *testing.T, yes bool) func(*edge.Config) {
	policy, err := consent.DecodePolicy([]byte(policyFile + map[bool]string{true: "two_keys: true\n"}[yes]))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *edge.Config) { c.Policy = policy }
}

func TestWithTwoKeysSilenceIsANo(t *testing.T) {
	l := newLoop(t)
	l.conf = twoKeys(t, true)
	e := l.edge("alder-bank")
	a, g := of(adas, "a"), of(graces, "g")
	l.send(e, a, g)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Fatalf("%d records left of people who said nothing", n)
	}
	yes, no := true, false
	l.prefer(e, adas, web.Preferences{Agree: &yes})
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 1 || eps[l.sentID("alder-bank", a.ID)] != 1 {
		t.Errorf("ada said yes, and %v is at the hub", eps)
	}
	l.prefer(e, adas, web.Preferences{Agree: &no})
	late := of(adas, "late")
	l.send(e, late)
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 1 {
		t.Errorf("after a no %d are at the hub", len(eps))
	}
	if p, err := e.Own(t.Context(), graces, "", 10); err != nil || !p.TwoKeys || p.Agree != nil || len(p.Rows) != 1 || p.Rows[0].State != "stays" {
		t.Errorf("grace sees %+v, %v", p, err)
	}
}

// What waits or is approved falls when its developer wants less, and is made anew under what they say.
func TestPreferencesHoldForAllThatHasNotLeft(t *testing.T) {
	l := newLoop(t)
	l.conf = twoKeys(t, false)
	e := l.edge("alder-bank")
	ep := of(adas, "a")
	ep.Repository = "alder/payments" // for a person
	l.send(e, ep)
	l.turn(e)
	b := l.batchOf(e)
	l.ok(edge.View{Edge: e}.Rule(t.Context(), "steward", web.Ruling{Batch: maker, Choice: web.Approve, Records: []string{b.Records[0].Digest}, Seen: b.Seen}))
	l.prefer(e, adas, web.Preferences{Repositories: []web.RepositoryLimit{{Pattern: "alder/pay*", Level: "none"}}})
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Errorf("%d records left that their developer keeps here", n)
	}
	if got := l.ownStates(e, adas); got[ep.ID] != "stays" {
		t.Errorf("it is %v", got)
	}
	l.prefer(e, adas, web.Preferences{})
	l.turn(e)
	if b := l.batchOf(e); b.Waiting != 1 {
		t.Errorf("after they want less no more, %+v", b.Batch)
	}
}

func (l *loop) batchOf(e *edge.Edge) *web.BatchView {
	l.t.Helper()
	b, err := edge.View{Edge: e}.Batch(l.t.Context(), "steward", maker, web.BatchQuery{Limit: 10})
	l.ok(err)
	return b
}

func TestWhoIsAskedSaysYesToEach(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.prefer(e, adas, web.Preferences{Ask: true})
	byRule, bySteward := of(adas, "auto"), of(adas, "steward")
	bySteward.Repository = "alder/payments"
	l.send(e, byRule, bySteward)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Fatalf("%d left unasked", n)
	}
	if got := l.ownStates(e, adas); got[byRule.ID] != "asks you" || got[bySteward.ID] != "asks you" {
		t.Errorf("they are %v", got)
	}
	rows, err := l.edgeDB("alder-bank").OutboundOf(t.Context(), bySteward.ID)
	l.ok(err)
	err = edge.View{Edge: e}.Rule(t.Context(), "steward", web.Ruling{Batch: maker, Choice: web.Approve, Records: []string{rows[0].Digest}, Seen: l.batchOf(e).Seen})
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "preview/changed" {
		t.Errorf("a steward approves what waits for its developer: %v", err)
	}
	if err := e.OwnAct(t.Context(), adas, byRule.ID, web.OwnSaid{Choice: web.OwnYes}); problemCode(err) != "mine/changed" {
		t.Errorf("a yes to nothing in particular: %v", err)
	}
	l.ok(e.OwnAct(t.Context(), adas, byRule.ID, l.yes(e, adas, byRule.ID)))
	l.ok(e.OwnAct(t.Context(), adas, bySteward.ID, l.yes(e, adas, bySteward.ID)))
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 1 || eps[l.sentID("alder-bank", byRule.ID)] != 1 {
		t.Errorf("after yes %v is at the hub", eps)
	}
	if b := l.batchOf(e); b.Waiting != 1 || b.Records[0].ID != bySteward.ID {
		t.Errorf("for the steward waits %+v", b.Batch)
	}
}

func TestVetoedStaysAndFlaggedIsHeldForTheSteward(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.down.Store(true) // packed, and not sent
	veto, flag, other := of(adas, "veto"), of(adas, "flag"), of(graces, "other")
	l.send(e, veto, flag, other)
	e.Turn(t.Context())
	l.ok(e.OwnAct(t.Context(), adas, flag.ID, web.OwnSaid{Choice: web.OwnFlag, Why: "names a customer"}))
	l.ok(e.OwnAct(t.Context(), adas, veto.ID, web.OwnSaid{Choice: web.OwnVeto}))
	l.down.Store(false)
	l.pass(time.Hour)
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 1 || eps[l.sentID("alder-bank", other.ID)] != 1 {
		t.Errorf("at the hub is %v, want what was beside them alone", eps)
	}
	v := edge.View{Edge: e}
	flags, err := v.Flags(t.Context())
	if err != nil || len(flags) != 1 || flags[0].ID != flag.ID || flags[0].Why != "names a customer" {
		t.Fatalf("the steward is told %+v, %v", flags, err)
	}
	l.ok(v.SeeFlag(t.Context(), "steward", flag.ID))
	if flags, err := v.Flags(t.Context()); err != nil || len(flags) != 0 {
		t.Errorf("it is told again: %+v, %v", flags, err)
	}
	// A record that waits is held.
	next := of(adas, "next")
	next.Repository = "alder/payments"
	l.send(e, next)
	l.turn(e)
	l.ok(e.OwnAct(t.Context(), adas, next.ID, web.OwnSaid{Choice: web.OwnFlag, Why: "wrong"}))
	if b := l.batchOf(e); b.Held != 2 || !slices.ContainsFunc(b.Records, func(r web.BatchRecord) bool { return r.ID == next.ID && r.Note == "its developer: wrong" }) {
		t.Errorf("%+v", b.Batch)
	}
	l.ok(e.OwnAct(t.Context(), adas, next.ID, web.OwnSaid{Choice: web.OwnVeto}))
	if b := l.batchOf(e); b.Held != 1 || b.Refused != 2 {
		t.Errorf("after a veto %+v", b.Batch)
	}
	if err := e.OwnAct(t.Context(), adas, next.ID, web.OwnSaid{Choice: web.OwnVeto}); err == nil {
		t.Error("a second veto says nothing")
	}
}

func TestDeletedIsErasedHereAndTakenBack(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := of(adas, "gone")
	ep.Instruction = "say " + randomText(12)
	l.send(e, ep)
	l.turn(e)
	v, err := e.OwnRecord(t.Context(), adas, ep.ID)
	l.ok(err)
	if !bytes.Contains(v.Captured, []byte(ep.Instruction)) || len(v.Leaves) != 1 || v.Leaves[0].SentAt.IsZero() || v.Leaves[0].Receipt == nil {
		t.Fatalf("ada sees %+v", v)
	}
	l.ok(e.OwnAct(t.Context(), adas, ep.ID, web.OwnSaid{Choice: web.OwnDelete}))
	l.turn(e)
	l.turnHub()
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Errorf("%d records are at the hub", n)
	}
	v, err = e.OwnRecord(t.Context(), adas, ep.ID)
	if err != nil || v.Captured != nil || v.Raw != web.RawExpired || v.Title != "" || v.State != "withdrawn" {
		t.Errorf("of it there is %+v, %v", v, err)
	}
	l.ok(e.OwnAct(t.Context(), adas, ep.ID, web.OwnSaid{Choice: web.OwnDelete})) // a double click
	l.send(e, ep)
	l.turn(e)
	if got := l.ownStates(e, adas); got[ep.ID] != "withdrawn" {
		t.Errorf("it came back: %v", got)
	}
}

// One developer's records are for another as little there as such that never were, by every way there is.
func TestNobodySeesOrMovesAnothersRecords(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	var mine, theirs []*episode.Episode
	for i := range 4 {
		id := string(rune('a' + i))
		mine, theirs = append(mine, of(adas, "mine-"+id)), append(theirs, of(graces, "theirs-"+id))
		theirs[i].Repository = []string{"alder/payments", "alder/portal", "alder/ledger", "alder/portal"}[i]
		theirs[i].Instruction = "grace's own words " + id
	}
	l.send(e, slices.Concat(mine, theirs)...)
	l.turn(e)
	before := l.ownStates(e, graces)
	if len(before) != 4 {
		t.Fatalf("grace has %v", before)
	}
	for _, who := range []string{adas, "", "grace", "GRACE@alder.example", graces + " "} {
		for _, ep := range append(theirs, &episode.Episode{ID: "ep_never"}) {
			for _, do := range []string{"show", "veto", "flag", "delete", "yes", "nonsense"} {
				_, err := e.Mine(t.Context(), who, edge.OwnRequest{Do: do, ID: ep.ID, Why: "mine"})
				if !errors.Is(err, web.ErrNotFound) {
					t.Errorf("%q, %s of %s: %v", who, do, ep.ID, err)
				}
			}
		}
		if p, err := e.Own(t.Context(), who, "", 100); who == adas && (err != nil || len(p.Rows) != 4) || who != adas && len(p.Rows) != 0 {
			t.Errorf("%q is shown %d records, %v", who, len(p.Rows), err)
		}
	}
	for _, text := range []string{"version: 1\ndeveloper: " + graces + "\nagree: false\n", "version: 1\nagree: false\n"} {
		if err := e.SetPreferences(t.Context(), adas, web.Preferences{Text: text}); err == nil {
			t.Errorf("ada sets preferences of another: %q", text)
		}
	}
	if p, err := e.Preferences(t.Context(), graces); err != nil || p.Text != "" {
		t.Errorf("grace's preferences are %+v, %v", p, err)
	}
	if after := l.ownStates(e, graces); !slices.Equal(sortedKeys(after), sortedKeys(before)) {
		t.Errorf("grace's records were %v and are %v", before, after)
	} else {
		for id, s := range after {
			if s != before[id] {
				t.Errorf("%s was %s and is %s", id, before[id], s)
			}
		}
	}
}

// A share that nobody can foresee waits; a refusal of one of it stops the rule, until a steward lets it go on.
func TestARefusalAmongTheDrawnStopsTheRule(t *testing.T) {
	l := newLoop(t)
	policy, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "approval: auto", "approval: auto\n    audit_share: 0.3", 1)))
	l.ok(err)
	l.conf = func(c *edge.Config) { c.Policy = policy }
	e, twin := l.edge("alder-bank"), l.edge("borealis")
	var list []*episode.Episode
	for i := range 60 {
		list = append(list, of(adas, "x"+string(rune('0'+i))))
	}
	l.send(e, list...)
	l.send(twin, list...)
	l.turn(e)
	l.turn(twin)
	drawn := func(name string) (ids []string) {
		rows, err := l.edgeDB(name).Batch(t.Context(), maker, sqlstore.OutWaiting, sqlstore.Place{}, 100)
		l.ok(err)
		for _, r := range rows {
			if !r.Audited {
				t.Errorf("%s waits and was not drawn", r.Episode)
			}
			ids = append(ids, r.Episode)
		}
		slices.Sort(ids)
		return ids
	}
	ours, others := drawn("alder-bank"), drawn("borealis")
	if n := len(ours); n < 6 || n > 32 || len(l.atHub("alder-bank")) != 60-n {
		t.Fatalf("%d of 60 were drawn and %d left, of a share of 0.3", n, len(l.atHub("alder-bank")))
	}
	if slices.Equal(ours, others) {
		t.Error("another edge draws the same: it can be foreseen")
	}
	v := edge.View{Edge: e}
	refuse := l.batchOf(e).Records[0].Digest
	l.ok(v.Rule(t.Context(), "steward", web.Ruling{Batch: maker, Choice: web.Refuse, Records: []string{refuse}, Seen: l.batchOf(e).Seen}))
	left := len(l.atHub("alder-bank"))
	more := of(adas, "more")
	l.send(e, more)
	l.turn(e)
	b := l.batchOf(e)
	if len(b.Stopped) != 1 || b.Stopped[0].Rule != "the-rest-as-signal" || len(l.atHub("alder-bank")) != left {
		t.Errorf("the rule goes on: %+v, %d at the hub", b.Stopped, len(l.atHub("alder-bank")))
	}
	l.ok(v.StartRule(t.Context(), "steward", maker, "the-rest-as-signal"))
	l.ok(v.StartRule(t.Context(), "steward", maker, "the-rest-as-signal")) // a double click
	for i := range 10 {
		l.send(e, of(adas, "later"+string(rune('a'+i))))
	}
	l.turn(e)
	if len(l.batchOf(e).Stopped) != 0 || len(l.atHub("alder-bank")) == left {
		t.Error("the rule approves nothing after it was let")
	}
}

// Who is one of the first is looked at first, and it is said why.
func TestWhatStandsOutComesFirst(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	for i := range 15 {
		ep := of(adas, string(rune('a'+i)))
		ep.Repository = "alder/payments"
		l.send(e, ep)
	}
	strange := of(graces, "strange")
	strange.Repository = "alder/payments"
	strange.Suggestions[0].Features["rare"] = 1
	l.send(e, strange)
	l.turn(e)
	b := l.batchOf(e)
	l.ok(edge.View{Edge: e}.Rule(t.Context(), "steward", web.Ruling{Batch: maker, Choice: web.Approve, Seen: b.Seen, Plain: true}))
	b = l.batchOf(e)
	i := slices.IndexFunc(b.Records, func(r web.BatchRecord) bool { return r.ID == strange.ID })
	if i < 0 || !slices.Contains(b.Records[i].Why, "new developer") || !strings.Contains(strings.Join(b.Records[i].Why, " "), "feature rare") {
		t.Fatalf("the strange one is at %d of %d that wait", i, b.Waiting)
	}
	if b.Waiting != b.Flagged || b.Waiting > 10 || b.Approved+len(l.atHub("alder-bank")) != 16-b.Waiting {
		t.Errorf("%+v", b.Batch)
	}
}

// A rule that is made of records is tried before anybody adopts it, and only of what they share.
func TestARuleFromRecordsSaysWhatItWouldChange(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	var list []*episode.Episode
	for i := range 3 {
		ep := of(adas, string(rune('a'+i)))
		ep.Repository = "alder/payments"
		list = append(list, ep)
	}
	l.send(e, append(list, of(graces, "other"))...)
	l.turn(e)
	b := l.batchOf(e)
	d := web.RuleDraft{Batch: maker, Name: "payments-stay", Level: "none"}
	for _, r := range b.Records {
		d.Records = append(d.Records, r.Digest)
	}
	v := edge.View{Edge: e}
	first, err := v.RuleFrom(t.Context(), "steward", d)
	l.ok(err)
	if !slices.Contains(first.Shared, `repository == "alder/payments"`) || first.Records != 3 || first.Text != "" {
		t.Fatalf("shared: %q", first.Shared)
	}
	d.When = []string{`repository == "alder/payments"`, "true || false"} // the second was never offered
	rule, err := v.RuleFrom(t.Context(), "steward", d)
	l.ok(err)
	if rule.Looser || rule.Tried.Records != 4 || len(rule.Tried.Moved) != 1 || rule.Tried.Moved[0].Records != 3 || rule.Tried.Moved[0].Is != "stays" || strings.Contains(rule.Text, "||") {
		t.Errorf("%+v", rule)
	}
	if after := l.batchOf(e); after.Waiting != 3 || after.Policy != b.Policy {
		t.Errorf("trying it changed %+v", after.Batch)
	}
}
