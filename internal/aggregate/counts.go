// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
)

// Shares are the queries that a hub's gate needs to see what contributors withhold: of the suggestions that were shown where a
// policy chose, how many were taken, by what it chose among, and by language as well. The categories of what was taken are yes and no.
func Shares() []Query {
	return []Query{
		{"taken", []string{"kind", "taken"}, true, func(e *episode.Episode, one func(string, ...string)) {
			answered(e, func(d *episode.Decision, kind, _, taken string) { one(cmp.Or(d.DecisionID, d.Suggestion), kind, taken) })
		}},
		{"taken_by_language", []string{"kind", "language", "taken"}, true, func(e *episode.Episode, one func(string, ...string)) {
			answered(e, func(d *episode.Decision, kind, language, taken string) {
				one(cmp.Or(d.DecisionID, d.Suggestion), kind, language, taken)
			})
		}},
	}
}

// answered calls one for each decision of an episode that a gate can judge by: a suggestion was shown, a policy chose among what kind
// says, and somebody took it or did not.
func answered(e *episode.Episode, one func(d *episode.Decision, kind, language, taken string)) {
	features := map[string]map[string]any{}
	for i := range e.Suggestions {
		features[e.Suggestions[i].ID] = e.Suggestions[i].Features
	}
	for i := range e.Decisions {
		d := &e.Decisions[i]
		kind, taken := kindOf(d), "no"
		if kind == "" || d.Shown != nil && !*d.Shown || !d.Verdict.Answers(d.By) {
			continue
		}
		if d.Verdict.Taken(d.By) {
			taken = "yes"
		}
		of := d.Features
		if of == nil {
			of = features[d.Suggestion]
		}
		language, _ := of["language"].(string) // as a gate reads it
		one(d, kind, language, taken)
	}
}

// kinds are what a decision can be a choice among, as releases are called that make such choices: what is shown, which way a question
// goes, and, drawn for a trial, instructions.
const (
	kindFilter       = "filter"
	kindRoute        = "route"
	kindInstructions = "instructions"
)

// kindOf is what a decision was a choice among, by its actions; empty where it does not say. What arrives at a hub says the same
// (dataset.Decision.Choice): a test there keeps it.
func kindOf(d *episode.Decision) (kind string) {
	for i := range d.Actions {
		switch d.Actions[i].ID {
		case "show", "hide":
			return kindFilter
		case "with", "without":
			kind = cmp.Or(kind, kindInstructions)
		default:
			kind = kindRoute
		}
	}
	return kind
}

// Bare is what [Shares] count of an episode and nothing else, to be kept until the period is over; nil where they count nothing of it.
func Bare(e *episode.Episode) *episode.Episode {
	l := e.Local
	if l == nil || l.Unauthenticated || cmp.Or(l.Developer, e.Developer) == "" {
		return nil
	}
	b := &episode.Episode{SchemaVersion: e.SchemaVersion, ID: e.ID, StartedAt: e.StartedAt, Developer: e.Developer, Local: &episode.Local{Developer: l.Developer, Team: l.Team}}
	answered(e, func(d *episode.Decision, _, language, _ string) {
		bare := episode.Decision{Suggestion: d.Suggestion, DecisionID: d.DecisionID, Verdict: d.Verdict, By: d.By, Features: map[string]any{"language": language}}
		for _, a := range d.Actions {
			bare.Actions = append(bare.Actions, episode.Action{ID: a.ID})
		}
		b.Decisions = append(b.Decisions, bare)
	})
	if len(b.Decisions) == 0 {
		return nil
	}
	return b
}

// Lengths are how long a period can be.
func Lengths() []string { return []string{"month", "week"} }

// PeriodOf is the period of a length that holds a time, in UTC, as [Period] reads it.
func PeriodOf(length string, at time.Time) string {
	if length == "week" {
		year, week := at.UTC().ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	}
	return at.UTC().Format("2006-01")
}

// SharesParams are the promises of each of the reports that [Shares] make, so that together they cost epsilon.
func SharesParams(epsilon float64) Params {
	return Params{Epsilon: strconv.FormatFloat(epsilon/float64(len(Shares())), 'f', -1, 64)}
}

// Counts is what a contributor tells a recipient of a period: the reports that [Shares] make. It travels sealed as
// [bundle.TypeCounts], signed by the contributor.
type Counts struct {
	Format      string   `json:"format"`
	Contributor string   `json:"contributor"`
	Recipient   string   `json:"recipient"`
	Period      string   `json:"period"`
	Reports     []Report `json:"reports"`
}

// CountsFormat is the format of [Counts].
const CountsFormat = "headrace-counts/1"

// maxCells and maxCount bound a report of outside: there are some dozens of languages, and no enterprise takes so many suggestions.
const (
	maxCells = 1000
	maxCount = 1 << 40
)

// DecodeCounts reads an opened payload and checks it.
func DecodeCounts(payload []byte) (*Counts, error) {
	c := new(Counts)
	if err := bundle.DecodeDocument(payload, c); err != nil {
		return nil, err
	}
	return c, c.Check()
}

// Check says what is wrong with it: each report answers one of [Shares], for the same period and recipient, and its noise is what
// its own promises come to. Whether the period may be told of now is for the recipient to say.
func (c *Counts) Check() error {
	if c.Format != CountsFormat {
		return badCounts("the format is %.40q, not %s", c.Format, CountsFormat)
	}
	if _, _, err := Period(c.Period); err != nil {
		return badCounts("%v", err)
	}
	queries := Shares()
	if len(c.Reports) != len(queries) {
		return badCounts("there are %d reports, not %d", len(c.Reports), len(queries))
	}
	for i := range c.Reports {
		r, q := &c.Reports[i], queries[i]
		if r.Query != q.Name || !slices.Equal(r.By, q.By) || r.Period != c.Period || r.Recipient != c.Recipient {
			return badCounts("report %d is of %.40q for period %.20q", i+1, r.Query, r.Period)
		}
		if err := r.checkNoise(); err != nil {
			return err
		}
		if err := r.checkValues(); err != nil {
			return err
		}
	}
	return nil
}

func badCounts(format string, a ...any) error {
	return &episode.Problem{Code: "counts/bad", Message: "no counts of a period: " + fmt.Sprintf(format, a...), Hint: "send them with the version of headrace that this hub runs"}
}

// mechanism is the noise that a report's promises come to.
func (r *Report) mechanism() (mechanism, error) {
	p, eps, delta, err := Params{Mechanism: r.Mechanism, Epsilon: r.Epsilon, Delta: r.Delta, PerDeveloper: r.PerDeveloper, CellsPerDeveloper: r.Cells,
		MinDevelopers: r.MinDevelopers, MinTeams: r.MinTeams}.withDefaults()
	if err != nil {
		return mechanism{}, err
	}
	parts := int64(1)
	if r.MinTeams > 0 {
		parts = 2
	}
	return plan(p, eps, delta, parts), nil
}

func (r *Report) checkNoise() error {
	if r.Mechanism == "" || r.Epsilon == "" || r.Delta == "" || r.PerDeveloper == 0 || r.Cells == 0 || r.MinDevelopers == 0 {
		return badCounts("report %s does not say how much noise there is", r.Query)
	}
	m, err := r.mechanism()
	if err != nil {
		return badCounts("%v", err)
	}
	if near := math.Abs(r.Rho-m.rho) <= 1e-9*m.rho; !near || r.HalfWidth95 != m.halfWidth { // logarithms differ in the last bits
		return badCounts("report %s says another amount of noise than its mechanism has", r.Query)
	}
	return nil
}

func (r *Report) checkValues() error {
	if len(r.Values) > maxCells {
		return badCounts("report %s has %d counts; at most %d are taken", r.Query, len(r.Values), maxCells)
	}
	for i, v := range r.Values {
		if len(v.Cell) != len(r.By) || v.Count > maxCount || v.Count < -maxCount || i > 0 && slices.Compare(r.Values[i-1].Cell, v.Cell) >= 0 {
			return badCounts("count %d of report %s is none of its", i+1, r.Query)
		}
		last := len(v.Cell) - 1
		for k, word := range v.Cell {
			if known := k > 0 || word == kindFilter || word == kindRoute || word == kindInstructions; !known || category(word) != word || k == last && word != "yes" && word != "no" {
				return badCounts("count %d of report %s has a category that is none", i+1, r.Query)
			}
		}
	}
	return nil
}

// Share is how many suggestions were shown in a stratum, and how many of them were taken.
type Share struct {
	Language     string // empty for all of them
	Shown, Taken float64
	Variance     float64 // of the noise of what was taken, and of what was not
	PerDeveloper int     // the most decisions of one developer among them
}

// Shares are those of a kind of release. What was told of one half only is in none: its share is not known.
func (c *Counts) Shares(kind string) (list []Share) {
	for i := range c.Reports {
		r := &c.Reports[i]
		m, err := r.mechanism()
		if err != nil {
			continue // Check has said so
		}
		for k := 1; k < len(r.Values); k++ {
			no, yes := r.Values[k-1], r.Values[k] // in order, the halves of a stratum are beside each other
			last := len(yes.Cell) - 1
			if !slices.Equal(no.Cell[:last], yes.Cell[:last]) || yes.Cell[0] != kind {
				continue
			}
			s := Share{Shown: float64(no.Count + yes.Count), Taken: float64(yes.Count), Variance: m.variance, PerDeveloper: r.PerDeveloper}
			if last == 2 {
				s.Language = yes.Cell[1]
			}
			list = append(list, s)
		}
	}
	return list
}
