// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

// shownTo is an episode in which a policy showed a developer n suggestions of a language, of which they took some.
func shownTo(developer, language string, n, taken int) *episode.Episode {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: developer + language, Developer: developer, Local: &episode.Local{Team: "team of " + developer}}
	for i := range n {
		d := episode.Decision{Suggestion: fmt.Sprint("s", i), Verdict: episode.Rejected, By: episode.ByPerson, Actions: []episode.Action{{ID: "show"}, {ID: "hide"}}}
		if i < taken {
			d.Verdict = episode.Modified
		}
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: d.Suggestion, Features: map[string]any{"language": language}})
		e.Decisions = append(e.Decisions, d)
	}
	return e
}

func TestWhatAGateCannotJudgeByIsNotCounted(t *testing.T) {
	e := shownTo("ada", "go", 6, 1)
	hidden := false
	e.Decisions[1].Actions = nil                                          // no policy chose
	e.Decisions[2].Shown = &hidden                                        // nobody saw it
	e.Decisions[3].By = episode.ByHook                                    // no person rejected it
	e.Decisions[4].Verdict, e.Decisions[4].By = episode.Accepted, "model" // nor took it
	e.Decisions[5].Verdict, e.Decisions[5].By = episode.Ignored, episode.ByUnknown
	tally := NewTally(Shares()[1])
	tally.Add(e)
	cells, _ := tally.bounded(Params{PerDeveloper: 20, CellsPerDeveloper: 4})
	got := map[string]int64{}
	for k, c := range cells {
		got[k] = c.events
	}
	if diff := cmp.Diff(map[string]int64{"filter\x00go\x00yes": 1, "filter\x00go\x00no": 1}, got); diff != "" {
		t.Error(diff)
	}
}

// What is kept until the period is over counts as the episode would have.
func TestWhatIsKeptCountsAsTheEpisode(t *testing.T) {
	e := shownTo("ada", "go", 7, 3)
	e.Instruction, e.Repository = "what was asked", "where"
	e.Decisions[2].Features = map[string]any{"language": "rust"}
	b, err := episode.Append(nil, Bare(e))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "asked") || strings.Contains(string(b), "where") {
		t.Errorf("more is kept than is counted: %s", b)
	}
	kept, err := episode.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range Shares() {
		of := func(e *episode.Episode) any {
			tally := NewTally(q)
			tally.Add(e)
			cells, _ := tally.bounded(Params{PerDeveloper: 5, CellsPerDeveloper: 4})
			return cells
		}
		if diff := cmp.Diff(of(e), of(kept), cmp.AllowUnexported(cell{})); diff != "" {
			t.Errorf("%s: %s", q.Name, diff)
		}
	}
	unproven := shownTo("ada", "go", 1, 1)
	unproven.Local.Unauthenticated = true
	if Bare(unproven) != nil || Bare(shownTo("", "go", 1, 1)) != nil || Bare(shownTo("ada", "go", 0, 0)) != nil {
		t.Error("something is kept of what is not counted")
	}
}

// However many languages somebody writes, what they took of one counts beside what they did not take of it.
func TestSharesAreNotBentByBounds(t *testing.T) {
	tally := NewTally(Shares()[1])
	for i := range 4000 {
		for _, language := range []string{"go", "rust", "python", "java", "c"} {
			tally.Add(shownTo(fmt.Sprint("d", i), language, 8, 1))
		}
	}
	r, err := tally.report("2026-10", Params{Epsilon: "5"}, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	c := Counts{Format: CountsFormat, Period: "2026-10", Reports: []Report{*r}}
	list := c.Shares("filter")
	if len(list) != 5 || len(c.Shares("route")) != 0 {
		t.Fatalf("%+v", list)
	}
	for _, s := range list {
		if share := s.Taken / s.Shown; math.Abs(share-1.0/8) > 0.01 || s.Variance < 2*8*8-1 {
			t.Errorf("%s: %.4f taken of %.0f, want an eighth; variance %.0f", s.Language, share, s.Shown, s.Variance)
		}
	}
}

func TestPeriodsAreReadAsTheyAreNamed(t *testing.T) {
	for day := time.Date(2024, 12, 20, 23, 0, 0, 0, time.UTC); day.Year() < 2027; day = day.AddDate(0, 0, 1) {
		for _, length := range Lengths() {
			start, end, err := Period(PeriodOf(length, day))
			if err != nil || day.Before(start) || !day.Before(end) {
				t.Fatalf("%s is in no %s: %v", day, length, err)
			}
		}
	}
}

func example(t testing.TB) []byte {
	b, err := os.ReadFile("../../spec/examples/counts.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCountsThatContradictThemselvesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Counts){
		"":                   func(*Counts) {},
		"another format":     func(c *Counts) { c.Format = "headrace-counts/2" },
		"no period":          func(c *Counts) { c.Period = "last month" },
		"of another period":  func(c *Counts) { c.Reports[0].Period = "2026-09" },
		"for another":        func(c *Counts) { c.Reports[1].Recipient = "other" },
		"one report":         func(c *Counts) { c.Reports = c.Reports[:1] },
		"the same twice":     func(c *Counts) { c.Reports[1] = c.Reports[0] },
		"no noise":           func(c *Counts) { c.Reports[0].HalfWidth95 = 0 },
		"less noise":         func(c *Counts) { c.Reports[0].Epsilon = "1" },
		"endless epsilon":    func(c *Counts) { c.Reports[0].Epsilon = "Infinity" },
		"no number":          func(c *Counts) { c.Reports[0].Rho = math.NaN() },
		"no bound":           func(c *Counts) { c.Reports[0].PerDeveloper = 0 },
		"another mechanism":  func(c *Counts) { c.Reports[0].Mechanism = "none" },
		"a word of a person": func(c *Counts) { c.Reports[1].Values[0].Cell[1] = "Ada Lovelace" },
		"no kind":            func(c *Counts) { c.Reports[0].Values[0].Cell[0] = "secret" },
		"perhaps":            func(c *Counts) { c.Reports[0].Values[0].Cell[1] = "maybe" },
		"out of order":       func(c *Counts) { v := c.Reports[0].Values; v[0], v[1] = v[1], v[0] },
		"one cell twice":     func(c *Counts) { c.Reports[0].Values[1].Cell[1] = "no" },
		"too long a cell":    func(c *Counts) { v := &c.Reports[0].Values[0]; v.Cell = append(v.Cell, "no") },
		"too many":           func(c *Counts) { c.Reports[0].Values[0].Count = 1 << 41 },
		"too many cells":     func(c *Counts) { c.Reports[0].Values = make([]Value, 1001) },
	} {
		c := new(Counts)
		if err := json.Unmarshal(example(t), c); err != nil {
			t.Fatal(err)
		}
		change(c)
		err := c.Check()
		var p *episode.Problem
		if name == "" && err != nil || name != "" && (!errors.As(err, &p) || p.Code != "counts/bad" || p.Hint == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecodeCounts: what is taken says nothing but listed categories and finite shares.
func FuzzDecodeCounts(f *testing.F) {
	var c Counts
	if err := json.Unmarshal(example(f), &c); err != nil {
		f.Fatal(err)
	}
	for range 2 {
		b, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		canonical := jsontext.Value(b)
		if err := canonical.Canonicalize(); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(canonical))
		c.Reports[0].Mechanism, c.Reports[0].Epsilon = Gaussian, "0.25"
	}
	f.Add([]byte(`{"format":"headrace-counts/1","period":"2026-10","reports":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCounts(b)
		if err != nil {
			return
		}
		for _, kind := range []string{"filter", "route", "instructions"} {
			for _, s := range c.Shares(kind) {
				if category(s.Language) != s.Language && s.Language != "" || math.IsNaN(s.Shown+s.Taken) || math.IsInf(s.Shown+s.Taken, 0) || !(s.Variance > 0) || math.IsInf(s.Variance, 0) {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}

// BenchmarkAMonth is what an edge does with 100,000 episodes of 5,000 developers once a month, but for reading the rows.
func BenchmarkAMonth(b *testing.B) {
	var kept [][]byte
	for i := range 100_000 {
		e := Bare(shownTo(fmt.Sprint("d", i%5000), []string{"go", "rust", "python"}[i%3], 4, 1))
		e.ID = fmt.Sprint(i)
		line, err := episode.Append(nil, e)
		if err != nil {
			b.Fatal(err)
		}
		kept = append(kept, line)
	}
	for b.Loop() {
		tallies := []*Tally{NewTally(Shares()[0]), NewTally(Shares()[1])}
		for _, line := range kept {
			e, err := episode.Decode(line)
			if err != nil {
				b.Fatal(err)
			}
			for _, t := range tallies {
				t.Add(e)
			}
		}
		for _, t := range tallies {
			if _, err := t.Report("2026-10", SharesParams(1)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
