// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

// query returns the query of that name.
func query(t *testing.T, name string) Query {
	for _, q := range Queries() {
		if q.Name == name {
			return q
		}
	}
	t.Fatalf("no query %q", name)
	return Query{}
}

// did is an episode in which a developer accepted n suggestions of a tool.
func did(developer, team, tool string, n int) *episode.Episode {
	e := &episode.Episode{ID: developer + tool, Developer: developer, Tool: episode.Tool{Name: tool, Surface: episode.SurfaceAgent}, Local: &episode.Local{Team: team}}
	for i := range n {
		e.Decisions = append(e.Decisions, episode.Decision{Suggestion: fmt.Sprint("s", i), Verdict: episode.Accepted, By: episode.ByPerson})
	}
	return e
}

func crowd(t *testing.T, developers, teams, each int) *Tally {
	ta := NewTally(query(t, "decisions"))
	for i := range developers {
		ta.Add(did(fmt.Sprint("d", i), fmt.Sprint("t", i%teams), "claude-code", each))
	}
	return ta
}

func TestWhatManyStandBehindIsToldNearTheTruth(t *testing.T) {
	for _, m := range []Mechanism{Geometric, Gaussian} {
		p := Params{Mechanism: m, Epsilon: "2"}
		r, err := crowd(t, 2000, 80, 5).report("2026-10", p, seeded(1))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Values) != 1 || !cmp.Equal(r.Values[0].Cell, []string{"claude-code", "agent", "accepted", "person"}) {
			t.Fatalf("%s: %v", m, r.Values)
		}
		if d := r.Values[0].Count - 10_000; max(d, -d) > 3*r.HalfWidth95 || r.HalfWidth95 == 0 || r.HalfWidth95 > 500 {
			t.Errorf("%s: %d is %d from the truth, with a half width of %d", m, r.Values[0].Count, d, r.HalfWidth95)
		}
	}
}

func TestWhatFewStandBehindIsNotTold(t *testing.T) {
	for _, m := range []Mechanism{Geometric, Gaussian} {
		for seed := range byte(50) {
			ta := crowd(t, 5, 5, 20) // many events of few people
			r, err := ta.report("2026-10", Params{Mechanism: m}, seeded(seed))
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Values) > 0 {
				t.Fatalf("%s, seed %d: %v", m, seed, r.Values)
			}
		}
	}
	told := 0
	for seed := range byte(20) { // many people, all of one team
		r, err := crowd(t, 2000, 1, 5).report("2026-10", Params{Epsilon: "10", MinTeams: 20}, seeded(seed))
		if err != nil {
			t.Fatal(err)
		}
		told += len(r.Values)
	}
	if told > 4 {
		t.Errorf("counts of a single team were told %d times of 20", told)
	}
}

func TestOneDeveloperMovesOnlySoMuch(t *testing.T) {
	p, _, _, err := Params{PerDeveloper: 7, CellsPerDeveloper: 3}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	ta := crowd(t, 100, 4, 5)
	before, _ := ta.bounded(p)
	for i := range 50 {
		ta.Add(did("busy", "t1", fmt.Sprint("tool", i), 100))
	}
	ta.Add(did("busy", "t1", "claude-code", 1000))
	after, _ := ta.bounded(p)
	events, cells := int64(0), 0
	for k, c := range after {
		b := before[k]
		if b == nil {
			b = &cell{}
		}
		if c.developers-b.developers > 1 || c.teams-b.teams > 1 {
			t.Errorf("%q moved by more than one person: %+v → %+v", k, b, c)
		}
		if c.events > b.events {
			events, cells = events+c.events-b.events, cells+1
		}
	}
	if events != 7 || cells > 3 {
		t.Errorf("one developer moved %d events in %d cells", events, cells)
	}
}

// With and without one developer, no outcome is more than exp(ε) times as likely: the two-histogram test.
func TestNeighboursAreHardToTellApart(t *testing.T) {
	const n, eps = 4_000, 1.0
	p, e, delta, err := Params{PerDeveloper: 1, CellsPerDeveloper: 1}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	m := plan(p, e, delta, 1)
	z := seeded(9)
	histogram := func(truth int64) map[int64]float64 {
		h := map[int64]float64{}
		for range n {
			x, err := m.counts(z)
			if err != nil {
				t.Fatal(err)
			}
			h[truth+x]++
		}
		return h
	}
	a, b := histogram(100), histogram(101)
	for x, na := range a {
		nb := b[x]
		if na < 100 {
			continue
		}
		// half of the loss is for the counts; four standard errors for chance
		if bound := na * math.Exp(-eps/2); nb < bound-4*math.Sqrt(bound) {
			t.Errorf("%d: %v against %v", x, na, nb)
		}
	}
	if _, ok := a[100]; !ok {
		t.Error("no draw at all at the truth: the test is blind")
	}
}

func TestTheThresholdHoldsBackALoneDeveloper(t *testing.T) {
	for _, mech := range []Mechanism{Geometric, Gaussian} {
		p, e, _, err := Params{Mechanism: mech, Delta: "0.001"}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		m := plan(p, e, 0.001, 1)
		z, over := seeded(4), 0
		const n = 10_000
		for range n {
			x, err := m.people(z)
			if err != nil {
				t.Fatal(err)
			}
			if 1+x >= m.lone {
				over++
			}
		}
		if want := 0.001 / float64(p.CellsPerDeveloper) * n; float64(over) > want+5*math.Sqrt(want) {
			t.Errorf("%s: passed %d times of %d", mech, over, n)
		}
	}
}

func TestUnprovenAndNamelessEpisodesDoNotCount(t *testing.T) {
	ta := NewTally(query(t, "decisions"))
	e := did("d", "t", "codex", 3)
	e.Local.Unauthenticated = true
	ta.Add(e)
	ta.Add(did("", "t", "codex", 3))
	if len(ta.developers) > 0 {
		t.Errorf("%d developers counted", len(ta.developers))
	}
}

func TestAReportIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	open := func() *Ledger {
		l, err := OpenLedger(dir, 2)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	first, err := l.Report(crowd(t, 3000, 80, 5), "maker", "2026-10", Params{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "ledger.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"query":"deci`); err != nil { // as a crash leaves it
		t.Fatal(err)
	}
	f.Close()
	l = open()
	second, err := l.Report(NewTally(query(t, "decisions")), "maker", "2026-10", Params{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}
	if _, err := l.Report(crowd(t, 10, 2, 1), "maker", "2026-11", Params{}, now); code(err) != "aggregate/period" {
		t.Errorf("a period that is not over: %v", err)
	}
	if _, err := l.Report(crowd(t, 10, 2, 1), "maker", "2026-09", Params{}, now); err != nil {
		t.Error(err)
	}
	if _, err := l.Report(crowd(t, 10, 2, 1), "maker", "2026-08", Params{}, now); code(err) != "aggregate/budget" {
		t.Errorf("over the budget: %v", err)
	}
	if got := l.Loss(); got.Epsilon != 2 || got.Reports != 2 {
		t.Errorf("loss %+v", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ledger.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLedger(dir, 2); code(err) != "aggregate/ledger" {
		t.Errorf("a damaged ledger: %v", err)
	}
}

func code(err error) string {
	p, _ := errors.AsType[*episode.Problem](err)
	if p == nil {
		return ""
	}
	return p.Code
}

func TestManyReportsCostLessThanTheirSum(t *testing.T) {
	var rs []Report
	for range 100 {
		rs = append(rs, Report{Query: "q", Epsilon: "0.1", Delta: "0.00000001", Rho: 0.005})
	}
	l := loss(rs, 10)
	if want := 0.5 + 2*math.Sqrt(0.5*math.Log(1e6)); math.Abs(l.Epsilon-want) > 1e-9 || l.Epsilon >= 10 {
		t.Errorf("ε = %v, want %v", l.Epsilon, want)
	}
}

func TestPeriods(t *testing.T) {
	for in, want := range map[string]string{
		"2026-10": "2026-10-01 2026-11-01", "2026-W01": "2025-12-29 2026-01-05", "2026-W53": "2026-12-28 2027-01-04", "2025-W53": "", "2026-13": "",
		"2026": "", "2026-W00": "", "2026-W1": "", "": "",
	} {
		start, end, err := Period(in)
		got := ""
		if err == nil {
			got = start.Format(time.DateOnly) + " " + end.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", in, got, want, err)
		}
	}
}

func TestWrongParametersSaySo(t *testing.T) {
	for _, p := range []Params{{Epsilon: "0"}, {Epsilon: "1e9"}, {Epsilon: "11"}, {Epsilon: "-1"}, {Delta: "0.1"}, {Delta: "x"}, {Mechanism: "none"}, {PerDeveloper: -1}} {
		if _, err := crowd(t, 1, 1, 1).Report("2026-10", p); code(err) != "aggregate/params" {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestNoTextPassesForACategory(t *testing.T) {
	for in, want := range map[string]string{"c++": "c++", "claude-code": "claude-code", "": "unknown", "Jane Doe": "other", strings.Repeat("a", 33): "other", "a.b": "other"} {
		if got := category(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func BenchmarkReport(b *testing.B) {
	scale := big.NewRat(40, 1)
	for b.Loop() {
		if _, err := systemNoise().laplace(scale); err != nil {
			b.Fatal(err)
		}
	}
}
