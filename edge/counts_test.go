// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/web"
)

// countsPolicy counts what is private and contributes the rest; counts is what it says of counts.
func countsPolicy(t testing.TB, counts string) *consent.Policy {
	t.Helper()
	p, err := consent.DecodePolicy([]byte(`version: 1
` + counts + `
recipients:
  - {name: loop-maker, kind: maker}
rules:
  - {name: board, when: repository.contains("board"), level: none}
  - {name: private, when: repository.contains("private"), level: aggregate, purposes: [evaluate], retention_days: 365}
  - {name: the-rest, when: "true", level: signal, purposes: [evaluate, reward], retention_days: 365, approval: auto}
`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const monthly = "counts: {period: month, epsilon: 10, budget: 100}"

// counting is a loop on the day after the simulated weeks, with edges under a policy that says this of counts.
func counting(t testing.TB, counts string) *loop {
	l := newLoop(t)
	l.now.Store(time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC).UnixNano())
	l.conf = func(c *edge.Config) { c.Policy = countsPolicy(t, counts) }
	return l
}

// closed lets the time pass until September is closed.
func (l *loop) closed() { l.pass(4 * 24 * time.Hour) }

// keeps makes private what a person did not take.
func keeps(episodes []*episode.Episode) {
	for _, ep := range episodes {
		if d := ep.Decisions[0]; !d.Verdict.Taken(d.By) && (d.Shown == nil || *d.Shown) {
			ep.Repository = "alder/private"
		}
	}
}

// told are the counts that the hub holds of a contributor.
func (l *loop) told(contributor string) []*aggregate.Counts {
	l.t.Helper()
	db, err := sqlstore.Open(context.Background(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer db.Close()
	docs, err := db.DocumentsOf(context.Background(), sqlstore.DocCounts, contributor)
	l.ok(err)
	var list []*aggregate.Counts
	for _, doc := range docs {
		if doc.ID == "unreadable" {
			continue
		}
		payload, _, err := bundle.OpenDocument(doc.Envelope, bundle.TypeCounts, bundle.NewTrust(bundle.TrustedKey{Key: l.keys[contributor]}))
		l.ok(err)
		c, err := aggregate.DecodeCounts(payload)
		l.ok(err)
		list = append(list, c)
	}
	return list
}

func TestTheHubAloneSeesWhoContributesOnlyWhatItTakes(t *testing.T) {
	l := counting(t, monthly)
	shares := map[string]float64{}
	for _, name := range []string{"alder-bank", "birch-telecom"} {
		e := l.edge(name)
		_, episodes, _ := world(t, sim.Config{Seed: 3, Gain: 0.8, Decisions: 26_000, Developers: 900}, name)
		shown, taken := 0.0, 0.0
		for _, ep := range episodes {
			if d := ep.Decisions[0]; d.Shown == nil || *d.Shown {
				shown++
				if d.Verdict.Taken(d.By) {
					taken++
				}
			}
		}
		shares[name] = taken / shown
		if name == "alder-bank" {
			keeps(episodes)
		}
		l.send(e, episodes...)
		l.turn(e)
		if list := l.told(name); len(list) != 0 {
			t.Fatalf("%s told of a month that is not closed", name)
		}
		l.closed()
		l.turn(e)
		l.now.Add(-int64(4 * 24 * time.Hour))
	}
	l.closed()
	db, err := sqlstore.Open(t.Context(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	l.ok(db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocCounts, ID: "unreadable", Parent: "2026-08", Contributor: "alder-bank", Envelope: []byte("{}"), LogIndex: -1, MadeAt: l.clock()}))
	l.ok(db.Close()) // what cannot be read any more holds up no gate
	l.turnHub()
	pages, err := hub.View{Hub: l.hub}.Gates(t.Context())
	l.ok(err)
	if len(pages) == 0 || !strings.Contains(pages[0].WithheldNote, "sent no counts of that time") /* what came of other months */ {
		t.Fatalf("the hub's page shows %+v", pages)
	}
	of := func(contributor string) *web.Withheld {
		i := slices.IndexFunc(pages[0].Withheld, func(s web.Withheld) bool { return s.Contributor == contributor && s.Language == "" })
		if i < 0 {
			t.Fatalf("nothing is said of %s: %+v", contributor, pages[0].Withheld)
		}
		return &pages[0].Withheld[i]
	}
	for name, share := range shares {
		s := of(name)
		if math.Abs(s.Counted-share) > 3*s.Within+0.03 || s.Within <= 0 || s.Within > 0.04 {
			t.Errorf("%s counted %.3f ± %.3f, and took %.3f", name, s.Counted, s.Within, share)
		}
	}
	if s := of("alder-bank"); s.Came.Value < s.Counted+0.3 || !s.Apart {
		t.Errorf("what alder-bank contributes looks like the rest: %+v", s)
	}
	if s := of("birch-telecom"); s.Apart {
		t.Errorf("birch-telecom contributes all, and looks as if it did not: %+v, %+v", s, s.Difference)
	}
	// The report that every contributor may read has none of it.
	signed, err := hub.View{Hub: l.hub}.GateDocument(t.Context(), pages[0].ID)
	l.ok(err)
	report := map[string]any{}
	payload, _, err := bundle.OpenDocument(signed, bundle.TypeGateReport, bundle.NewTrust(bundle.TrustedKey{Key: l.hub.Public()}))
	l.ok(err)
	l.ok(json.Unmarshal(payload, &report))
	for _, name := range []string{"selection", "counts"} {
		if report[name] != nil {
			t.Errorf("every contributor reads %s: %v", name, report[name])
		}
	}
	// What is told later changes nothing of what was signed.
	statements, err := hub.View{Hub: l.hub}.Statements(t.Context())
	l.ok(err)
	again := func() error {
		_, err := hub.Recompute(t.Context(), hub.Config{Dir: l.path("hub"), Name: l.name, Now: l.clock}, statements[0].ID)
		return err
	}
	l.ok(again())
	l.pass(31 * 24 * time.Hour)
	l.turn(l.open[0])
	if n := len(l.told("alder-bank")); n != 2 {
		t.Errorf("alder-bank told of %d months", n)
	}
	l.ok(again())
}

// crowd is what n developers decided at a time: of four suggestions each, one was taken.
func crowd(n int, repository string, at time.Time) (list []*episode.Episode) {
	for i := range n {
		for k := range 4 {
			ep := one(fmt.Sprint(repository, i, "-", k), repository)
			ep.Developer, ep.StartedAt, ep.EndedAt = fmt.Sprintf("d%d@alder.example", i), at, at.Add(time.Minute)
			if ep.Decisions[0].At = at; k > 0 {
				ep.Decisions[0].Verdict = episode.Rejected
			}
			list = append(list, ep)
		}
	}
	return list
}

// september is a time of the month that the loop counts.
func september() time.Time { return time.Date(2026, 9, 20, 9, 0, 0, 0, time.UTC) }

// shown is how many suggestions were shown, of all languages, as the last counts say.
func (l *loop) shown(contributor string) (shown, taken float64, ok bool) {
	l.t.Helper()
	for _, c := range l.told(contributor) {
		for _, s := range c.Shares("filter") {
			if s.Language == "" {
				return s.Shown, s.Taken, true
			}
		}
	}
	return 0, 0, false
}

func near(got, want float64) bool { return math.Abs(got-want) <= 150 } // noise does more once in some millions of times, with ε = 5 for each report

func TestCountsAreOffUntilThePolicySaysSo(t *testing.T) {
	l := counting(t, "")
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "mill", september())...)
	l.turn(e)
	l.closed()
	l.turn(e)
	if list := l.told("alder-bank"); len(list) != 0 {
		t.Errorf("the hub was told %+v", list)
	}
	if _, err := l.edgeDB("alder-bank").OldestCounted(t.Context(), maker); !errors.Is(err, sqlstore.ErrNotFound) {
		t.Errorf("something is kept to be counted: %v", err)
	}
}

func TestNobodyIsCountedWhoSaysNo(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	free, board := crowd(200, "mill", september()), crowd(200, "board", september())
	l.send(e, append(free, board...)...) // of the board nothing is counted
	before := "d0@alder.example"
	l.ok(e.SetPreferences(t.Context(), before, web.Preferences{Text: "version: 1\ndeveloper: " + before + "\nlimits:\n  - level: none\n"}))
	l.turn(e)
	l.pass(time.Hour)
	for i := 1; i <= 40; i++ { // who says so later, when what they did has left
		who := fmt.Sprintf("d%d@alder.example", i)
		l.ok(e.SetPreferences(t.Context(), who, web.Preferences{Text: "version: 1\ndeveloper: " + who + "\nlimits:\n  - level: none\n"}))
	}
	for _, ep := range free { // and what they take back, one by one or altogether
		if ep.Developer == "d50@alder.example" {
			if err := e.OwnAct(t.Context(), ep.Developer, ep.ID, web.OwnSaid{Choice: web.OwnVeto}); err != nil && !strings.Contains(err.Error(), "left") {
				t.Fatal(err)
			}
		}
	}
	l.turn(e)
	rows, err := l.edgeDB("alder-bank").Counts(t.Context(), "")
	l.ok(err)
	if len(rows) != 0 {
		t.Fatalf("told of a month that is not closed: %+v", rows)
	}
	n := 0
	_, err = l.edgeDB("alder-bank").CountedOf(t.Context(), maker, september().AddDate(0, -1, 0), september().AddDate(0, 1, 0), func(_ string, body []byte) error {
		ep, err := episode.Decode(body)
		for i := range 41 {
			if who := fmt.Sprintf("d%d@alder.example", i); err == nil && (ep.Local.Developer == who || ep.Developer == who) {
				t.Errorf("%s is counted", who)
			}
		}
		n++
		return err
	})
	l.ok(err)
	if n != 158*4 { // d51 to d199, and d41 to d49: neither those who said no, nor what was vetoed
		t.Errorf("%d episodes may be counted, want %d", n, 158*4)
	}
	l.closed()
	l.turn(e)
	if shown, taken, ok := l.shown("alder-bank"); !ok || !near(shown, 158*4) || !near(taken, 158) {
		t.Errorf("%v of %v taken, %v", taken, shown, ok)
	}
	if _, err := l.edgeDB("alder-bank").OldestCounted(t.Context(), maker); !errors.Is(err, sqlstore.ErrNotFound) {
		t.Errorf("what was counted is kept: %v", err)
	}
}

func TestAPeriodIsToldOfOnceWithTheSameNoise(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "mill", september())...)
	l.turn(e)
	l.closed()
	l.down.Store(true)
	if err := e.Turn(t.Context()); err == nil {
		t.Fatal("the hub is down, and nobody says so")
	}
	l.close(e)
	l.down.Store(false)
	e = l.edge("alder-bank")
	l.turn(e)
	first := l.told("alder-bank")
	if len(first) != 1 {
		t.Fatalf("the hub was told %d times", len(first))
	}
	// More of the same month comes late, and the edge forgets what it told.
	l.send(e, crowd(200, "weir", september())...)
	l.turn(e)
	db := l.edgeDB("alder-bank")
	rows, err := db.Counts(t.Context(), "")
	l.ok(err)
	if len(rows) != 1 || rows[0].State != sqlstore.CountsSent {
		t.Fatalf("%+v", rows)
	}
	ledger, err := os.ReadFile(l.path("alder-bank", "aggregate", "ledger.jsonl"))
	l.ok(err)
	if n := bytes.Count(ledger, []byte("\n")); n != 2 {
		t.Errorf("%d reports were made of one month", n)
	}
	if again := l.told("alder-bank"); !cmp.Equal(again, first) {
		t.Error("the month is told of otherwise")
	}
	noted, err := db.Trail(t.Context(), trail.Filter{Limit: 100})
	l.ok(err)
	for _, what := range []string{"counts made", "counts sent"} {
		if !slices.ContainsFunc(noted, func(r trail.Row) bool { return r.What == what && strings.Contains(r.Subject, rows[0].ID) }) {
			t.Errorf("the audit trail does not have %q", what)
		}
	}
	page, err := edge.View{Edge: e}.Counts(t.Context())
	l.ok(err)
	mine, err := e.Own(t.Context(), "d7@alder.example", "", 1)
	l.ok(err)
	if len(page) != 1 || len(page[0].Reports) != 2 || len(page[0].Reports[0].Values) != 2 || !cmp.Equal(page, mine.Counts) {
		t.Errorf("the pages show %+v", page)
	}
}

func TestEverythingTakenBackTakesCountsBack(t *testing.T) {
	l := counting(t, monthly)
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "private", september())...) // no record leaves, and counts do
	l.turn(e)
	l.closed()
	l.turn(e)
	list := l.told("alder-bank")
	if len(list) != 1 {
		t.Fatalf("the hub was told %d times", len(list))
	}
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{All: true, Confirm: "alder-bank"})
	l.ok(err)
	e.Turn(t.Context()) // the certificate comes with the next
	l.turnHub()
	l.turn(e)
	if list := l.told("alder-bank"); len(list) != 0 {
		t.Errorf("the hub still has %d", len(list))
	}
	if fates := l.certificate("alder-bank").Fates; len(fates) != 1 || fates[0].Kind != "counts" || fates[0].Fate != "erased" {
		t.Errorf("the certificate says %+v", fates)
	}
	if page, err := (edge.View{Edge: e}).Counts(t.Context()); err != nil || len(page) != 1 || page[0].State != "withdrawn" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestCountsGoByAFolder(t *testing.T) {
	l := counting(t, monthly)
	place := filepath.Join(t.TempDir(), "carried")
	conf := l.conf
	l.conf = func(c *edge.Config) { conf(c); c.Hubs[0].Exchange = edge.Exchange{Place: place} }
	e := l.edge("alder-bank")
	l.send(e, crowd(200, "private", september())...)
	l.turn(e)
	l.closed()
	l.turn(e)
	for i, want := range []int{1, 0} { // the second time there is nothing new
		r, err := l.hub.Receive(t.Context(), hub.Exchange{Place: place})
		l.ok(err)
		if r.Counts != want || len(r.Refused) > 0 || r.Waiting > 0 {
			t.Errorf("visit %d: %+v", i, r)
		}
		l.turn(e)
	}
	if shown, _, ok := l.shown("alder-bank"); !ok || !near(shown, 800) {
		t.Errorf("the hub was told of %v", shown)
	}
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{All: true, Confirm: "alder-bank"})
	l.ok(err)
	l.turn(e)
	_, err = l.hub.Receive(t.Context(), hub.Exchange{Place: place})
	l.ok(err)
	if list := l.told("alder-bank"); len(list) != 0 {
		t.Error("counts that were taken back are still there")
	}
}
