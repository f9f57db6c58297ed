// SPDX-License-Identifier: Apache-2.0

// Package aggregate makes what may leave at the level aggregate: noised counts, no episodes.
//
// [Tally.Add] counts what developers did in one period, at most so many events of each; [Tally.Report] adds noise to the
// counts and keeps only those that enough people and teams stand behind. What one developer did in a period changes the
// distribution of a report by little: it is (ε, δ)-differentially private for the developer as a whole, not for one event.
// [Ledger] draws the noise of a query and period once, keeps it, and books what it cost, so that asking again gives the same
// numbers and the sum of all that was ever told stays under a budget.
//
// The queries are a closed list of categories: no text takes part, and no category of a single person's making is told.
package aggregate

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// Query is one thing that can be asked: how many events there are of each combination of categories.
type Query struct {
	Name string
	By   []string // the categories
	// halves says that the last category is yes or no, and that the share of yes is what is asked: of each developer both halves count
	// or neither does.
	halves bool
	// events calls one for each event of an episode, with its categories.
	events func(e *episode.Episode, one func(id string, cell ...string))
}

// Queries lists what a person can ask; [Shares] is what a hub's gate needs.
func Queries() []Query {
	return []Query{
		{"decisions", []string{"tool", "surface", "verdict", "by"}, false, func(e *episode.Episode, one func(string, ...string)) {
			for _, d := range e.Decisions {
				one(d.Suggestion, e.Tool.Name, string(e.Tool.Surface), string(d.Verdict), string(d.By))
			}
		}},
		{"languages", []string{"language", "verdict"}, false, func(e *episode.Episode, one func(string, ...string)) {
			language := map[string]string{}
			for _, s := range e.Suggestions {
				language[s.ID] = s.Language
			}
			for _, d := range e.Decisions {
				one(d.Suggestion, language[d.Suggestion], string(d.Verdict))
			}
		}},
		{"outcomes", []string{"tool", "outcome", "held"}, false, func(e *episode.Episode, one func(string, ...string)) {
			for _, o := range e.Outcomes {
				held := "no"
				if o.Value >= 0.5 {
					held = "yes"
				}
				one(o.Suggestion+string(o.Kind)+o.Window, e.Tool.Name, string(o.Kind), held)
			}
		}},
	}
}

// Mechanism is how noise is drawn.
type Mechanism string

// The mechanisms.
const (
	Geometric Mechanism = "geometric" // pure ε; best for few counts
	Gaussian  Mechanism = "gaussian"  // zero-concentrated: better for many
)

// Params are the promises of a report. The zero value of each field stands for what [Params.withDefaults] says.
type Params struct {
	Mechanism Mechanism
	// Epsilon is the privacy loss for a developer, a decimal number such as "0.5"; "1" by default. Under Gaussian it is
	// the loss at Delta, and what is drawn is zero-concentrated with the ρ that amounts to it.
	Epsilon string
	// Delta is the chance that something is told that only one developer stands behind; "0.000001" by default.
	Delta string
	// PerDeveloper is the most events of one developer that count in a period; 20 by default. Which ones, the ids say.
	PerDeveloper int
	// CellsPerDeveloper is to how many counts one developer adds at most; 4 by default.
	CellsPerDeveloper int
	// MinDevelopers and MinTeams are how many must stand behind a count, noise included; 20 and 3 by default. Where no
	// developer has a team, teams are not asked for.
	MinDevelopers, MinTeams int
}

func (p Params) withDefaults() (Params, *big.Rat, float64, error) {
	p.Mechanism, p.Epsilon, p.Delta = cmp.Or(p.Mechanism, Geometric), cmp.Or(p.Epsilon, "1"), cmp.Or(p.Delta, "0.000001")
	p.PerDeveloper, p.MinDevelopers, p.MinTeams = cmp.Or(p.PerDeveloper, 20), cmp.Or(p.MinDevelopers, 20), cmp.Or(p.MinTeams, 3)
	p.CellsPerDeveloper = cmp.Or(p.CellsPerDeveloper, 4)
	eps, ok := decimal(p.Epsilon)
	delta, okDelta := decimal(p.Delta)
	d := 0.0
	if okDelta {
		d, _ = delta.Float64()
	}
	switch {
	case p.Mechanism != Geometric && p.Mechanism != Gaussian:
		return p, nil, 0, problem(fmt.Sprintf("mechanism %q is neither %q nor %q", p.Mechanism, Geometric, Gaussian))
	case !ok || eps.Cmp(big.NewRat(10, 1)) > 0 || eps.Cmp(big.NewRat(1, 1000)) < 0:
		return p, nil, 0, problem(fmt.Sprintf("epsilon %q is no number from 0.001 to 10", p.Epsilon))
	case d <= 0 || d > 1e-3:
		return p, nil, 0, problem(fmt.Sprintf("delta %q is no number above 0 and at most 0.001", p.Delta))
	case p.PerDeveloper < 1 || p.PerDeveloper > 10_000 || p.CellsPerDeveloper < 1 || p.CellsPerDeveloper > 10_000 || p.MinDevelopers < 1 || p.MinTeams < 1:
		return p, nil, 0, problem("events per developer go from 1 to 10,000, and at least one developer and team must stand behind a count")
	}
	return p, eps, d, nil
}

// decimal reads a positive number such as 0.25.
func decimal(s string) (*big.Rat, bool) {
	if len(s) > 20 || strings.Trim(s, "0123456789.") != "" {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(s)
	return r, ok && r.Sign() > 0
}

func problem(what string) error {
	return &episode.Problem{Code: "aggregate/params", Message: what, Hint: "see headrace aggregate --help"}
}

// Tally counts the events of one query.
type Tally struct {
	query      Query
	developers map[string]*developer
}

type developer struct {
	team   string
	events []event
}

type event struct {
	order [sha256.Size]byte // by which the ones that count are chosen
	cell  string            // categories, joined by NUL
}

// NewTally returns an empty tally.
func NewTally(q Query) *Tally { return &Tally{q, map[string]*developer{}} }

// Add counts the events of an episode. An episode of no known developer is left out, since nothing bounds what one person
// adds to it; so is one not proven to be its sender's.
func (t *Tally) Add(e *episode.Episode) {
	who, team := e.Developer, ""
	if l := e.Local; l != nil {
		if l.Unauthenticated {
			return
		}
		who, team = cmp.Or(l.Developer, who), l.Team
	}
	if who == "" {
		return
	}
	t.query.events(e, func(id string, cell ...string) {
		d := t.developers[who]
		if d == nil {
			d = &developer{}
			t.developers[who] = d
		}
		d.team = cmp.Or(d.team, team)
		for i := range cell {
			cell[i] = category(cell[i])
		}
		d.events = append(d.events, event{sha256.Sum256([]byte(e.ID + "\x00" + id)), strings.Join(cell, "\x00")})
	})
}

// category keeps short words of plain letters: what is none is "other". That it is not one person's word, [Tally.Report] sees to.
func category(s string) string {
	if s == "" {
		return "unknown"
	}
	if len(s) > 32 {
		return "other"
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '+' && c != '#' {
			return "other"
		}
	}
	return s
}

// cell is what stands behind one count.
type cell struct{ events, developers, teams int64 }

// stratum is what a cell is one half of, or the cell itself.
func (q Query) stratum(cell string) string {
	if q.halves {
		return cell[:strings.LastIndexByte(cell, 0)+1]
	}
	return cell
}

// bounded returns the cells with at most p.PerDeveloper events of each developer, in at most p.CellsPerDeveloper of them, and
// whether teams are known. Of halves both take part, however few are in one: else shares would lean to the larger.
func (t *Tally) bounded(p Params) (cells map[string]*cell, teams bool) {
	cells = map[string]*cell{}
	byTeam, most := map[string]map[string]bool{}, p.CellsPerDeveloper
	if t.query.halves {
		most /= 2
	}
	for _, d := range t.developers {
		slices.SortFunc(d.events, func(a, b event) int { return slices.Compare(a.order[:], b.order[:]) })
		seen, strata, n := map[string]bool{}, map[string]bool{}, 0
		for _, e := range d.events {
			if n == p.PerDeveloper {
				break
			}
			s := t.query.stratum(e.cell)
			if !strata[s] && len(strata) == most {
				continue
			}
			strata[s] = true
			n++
			c := cells[e.cell]
			if c == nil {
				c = &cell{}
				cells[e.cell], byTeam[e.cell] = c, map[string]bool{}
			}
			c.events++
			if !seen[e.cell] {
				seen[e.cell] = true
				c.developers++
				if d.team != "" {
					teams = true
					byTeam[e.cell][d.team] = true
				}
			}
		}
	}
	for k, c := range cells {
		c.teams = int64(len(byTeam[k]))
	}
	return cells, teams
}

// Report is what leaves: counts with noise, and how much noise there is.
type Report struct {
	Query     string    `json:"query"`
	Period    string    `json:"period"`
	Recipient string    `json:"recipient,omitzero"`
	By        []string  `json:"by"`
	Mechanism Mechanism `json:"mechanism"`
	Epsilon   string    `json:"epsilon"`
	Delta     string    `json:"delta"`
	// Rho is the loss as zero-concentrated differential privacy, by which many reports add up to less.
	Rho           float64 `json:"rho"`
	PerDeveloper  int     `json:"per_developer"`
	Cells         int     `json:"cells_per_developer"`
	MinDevelopers int     `json:"min_developers"`
	MinTeams      int     `json:"min_teams,omitzero"`
	// HalfWidth95 is how far the noise moves a count at most, in 95 of 100.
	HalfWidth95 int64   `json:"half_width_95"`
	Values      []Value `json:"values"`
}

// Value is one count. It can be below zero: cutting it off there would make sums too large.
type Value struct {
	Cell  []string `json:"cell"`
	Count int64    `json:"count"`
}

// Report draws the noise. Half of the loss goes to the counts; the other half decides, on the noised number of developers
// (and of teams, where they are known) behind a count, whether it is told at all.
func (t *Tally) Report(period string, p Params) (*Report, error) {
	return t.report(period, p, systemNoise())
}

func (t *Tally) report(period string, p Params, z noise) (*Report, error) {
	if _, _, err := Period(period); err != nil {
		return nil, err
	}
	p, eps, delta, err := p.withDefaults()
	if err != nil {
		return nil, err
	}
	cells, teams := t.bounded(p)
	r := &Report{Query: t.query.Name, Period: period, By: t.query.By, Mechanism: p.Mechanism, Epsilon: p.Epsilon, Delta: p.Delta,
		PerDeveloper: p.PerDeveloper, Cells: p.CellsPerDeveloper, MinDevelopers: p.MinDevelopers, Values: []Value{}}
	parts := int64(1)
	if teams {
		r.MinTeams, parts = p.MinTeams, 2
	}
	m := plan(p, eps, delta, parts)
	r.Rho, r.HalfWidth95 = m.rho, m.halfWidth
	threshold := max(int64(p.MinDevelopers), m.lone)
	for _, k := range slices.Sorted(maps.Keys(cells)) {
		c := cells[k]
		count, err := m.counts(z)
		if err != nil {
			return nil, err
		}
		people, err := m.people(z)
		if err != nil {
			return nil, err
		}
		shown := c.developers+people >= threshold
		if teams {
			n, err := m.people(z)
			if err != nil {
				return nil, err
			}
			shown = shown && c.teams+n >= int64(p.MinTeams)
		}
		if shown {
			r.Values = append(r.Values, Value{strings.Split(k, "\x00"), c.events + count})
		}
	}
	return r, nil
}

// mechanism is noise for counts, of which a developer moves PerDeveloper events in all, and for numbers of people, which a
// developer moves by one in at most CellsPerDeveloper cells.
type mechanism struct {
	counts, people func(noise) (int64, error)
	variance       float64 // of counts
	rho            float64
	halfWidth      int64
	lone           int64 // no count that one developer alone stands behind passes it, but with the probability of delta
}

// plan divides the loss: half for the counts, half for the parts questions of how many stand behind them.
func plan(p Params, eps *big.Rat, delta float64, parts int64) mechanism {
	m, c := int64(p.PerDeveloper), int64(p.CellsPerDeveloper)
	e, _ := eps.Float64()
	if p.Mechanism == Gaussian {
		delta /= 2 // one half for the noise, one for the threshold
		rho := rhoOf(e, delta)
		// σ² = Δ²/2ρ' with Δ the most that the numbers move in the Euclidean norm, and ρ' the share of ρ.
		varCounts, varPeople := float64(m*m)/rho, float64(c*parts)/rho
		return mechanism{
			counts:   func(z noise) (int64, error) { return z.gaussian(ratio(varCounts)) },
			people:   func(z noise) (int64, error) { return z.gaussian(ratio(varPeople)) },
			variance: varCounts, rho: rho, halfWidth: int64(math.Ceil(1.96 * math.Sqrt(varCounts))),
			lone: 1 + int64(math.Ceil(math.Sqrt(2*varPeople*math.Log(float64(c)/delta)))), // P(X ≥ λ) ≤ exp(-λ²/2σ²)
		}
	}
	scale := float64(2*m) / e
	counts, people := new(big.Rat).Quo(big.NewRat(2*m, 1), eps), new(big.Rat).Quo(big.NewRat(2*parts*c, 1), eps)
	return mechanism{
		counts:   func(z noise) (int64, error) { return z.laplace(counts) },
		people:   func(z noise) (int64, error) { return z.laplace(people) },
		variance: 2 * scale * scale, rho: e * e / 8 * (1 + 1/float64(parts)), halfWidth: int64(math.Ceil(scale * math.Log(20))),
		lone: 1 + int64(math.Ceil(float64(2*parts*c)/e*math.Log(float64(c)/delta))), // P(X ≥ λ) ≤ exp(-λ/scale)
	}
}

// rhoOf is the ρ of zero-concentrated differential privacy that amounts to (ε, δ): ε = ρ + 2√(ρ ln 1/δ) (Bun and Steinke
// 2016, proposition 1.3).
func rhoOf(eps, delta float64) float64 {
	l := math.Log(1 / delta)
	s := math.Sqrt(l+eps) - math.Sqrt(l)
	return s * s
}

// ratio rounds a variance up to thousandths: more noise, never less.
func ratio(f float64) *big.Rat { return big.NewRat(int64(math.Ceil(f*1000)), 1000) }

// Period reads a month (2026-11) or an ISO week (2026-W48), in UTC.
func Period(s string) (start, end time.Time, err error) {
	if t, err := time.Parse("2006-01", s); err == nil {
		return t, t.AddDate(0, 1, 0), nil
	}
	var year, week int
	if n, err := fmt.Sscanf(s, "%4d-W%2d", &year, &week); err == nil && n == 2 && len(s) == len("2026-W48") && year > 0 && week > 0 {
		t := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1
		t = t.AddDate(0, 0, -(int(t.Weekday())+6)%7+7*(week-1))
		if y, w := t.ISOWeek(); y == year && w == week {
			return t, t.AddDate(0, 0, 7), nil
		}
	}
	return start, end, problem(fmt.Sprintf("period %q is neither a month (2026-11) nor a week (2026-W48)", s))
}
