// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/access"
)

// Estimate is a number that says how sure it is, and from how much. Pages withhold one from fewer than 10 developers.
type Estimate struct {
	Value, Lower, Upper float64 // two-sided 95 %
	Developers          int
	Decisions           int
}

// Shown reports whether the estimate stems from enough developers to be shown.
func (e Estimate) Shown() bool { return e.Developers >= FewDevelopers && !math.IsNaN(e.Value) }

// Gate is one gate report.
type Gate struct {
	ID        string
	At        time.Time
	Kind      string // what the candidate moves: "filter", "route", "instructions"; empty is a filter
	Candidate string
	Snapshot  string
	Released  bool   // false: refused
	Release   string // id of the release it made, if any
	Design    string // "logged", "randomised", "paired"
	Method    string // "doubly robust, cluster-robust by developer", …
	Reward    string // reward spec
	Gain      Estimate
	Bound     float64 // one-sided lower bound of the gain: what the rule looks at
	Sure      float64 // how sure that bound is, such as 0.95; more the more often was looked
	Look      int     // which look it was at candidates for the same; 0 where there is no other
	HasGain   bool    // false when there was too little to estimate at all
	Old, New  Estimate
	Slices    []Slice // the same gain by part, for instance by language
	Checks    []Check
	// Guardrails are what must not become much worse, whatever the reward says.
	Guardrails []Guardrail
	// Components are the parts of the reward, under the old policy and the new.
	Components []Component
	// Worst is what the tenth of developers fare like for whom the new policy does least; nil where it is not known.
	Worst *Estimate
	// Withheld says what contributors counted at home beside what came; WithheldNote of how many nothing is known, and why.
	Withheld     []Withheld
	WithheldNote string
	// More is how many more developers it would take to tell a gain such as this from none, four times of five; 0: not known.
	More int
	// Curve is the gain at other thresholds.
	Curve []CurvePoint
	// Choices is how often each action is taken, under the old policy and the new.
	Choices []ActionShare
}

// ActionShare is an action's share of the decisions, before and now.
type ActionShare struct {
	Action      string
	Before, Now float64
}

// Slice is the gain in one part of the data.
type Slice struct {
	By   string // "language", "contributor", "experience"
	Name string
	Gain Estimate
}

// Label names the part with what it is a part by.
func (s Slice) Label() string { return strings.TrimSpace(s.By + " " + s.Name) }

// Check is one thing the gate looked at. Where Need is above zero the page shows how much is missing.
type Check struct {
	Name       string
	OK         bool
	Detail     string
	Have, Need float64
	Unit       string
}

// Guardrail is a rate that must not become worse by more than a margin. Those without a margin are shown, and bind nothing.
type Guardrail struct {
	Name       string
	Part       string    // of the data, or empty for all of it
	Old, New   *Estimate // shares in [0, 1]; nil where not known
	Difference *Estimate // New − Old; nil where not known
	Margin     float64   // how much worse it may be at most, in the unit of Difference; 0: it binds nothing
	More       bool      // more is better; else less is
	OK         bool
}

// Label names the guardrail with the part.
func (g Guardrail) Label() string {
	if g.Part == "" {
		return g.Name
	}
	return g.Name + ", " + g.Part
}

// Component is one part of the reward, reward per decision.
type Component struct {
	Name     string
	Old, New Estimate
}

// Withheld is the share that was taken of what a contributor showed: of what came, and of all, as it counted at home with noise.
type Withheld struct {
	Contributor, Language string // of all languages where it is empty
	Came                  Estimate
	Counted               float64
	Within                float64   // how far the noise moves Counted at most, in 95 of 100
	Difference            *Estimate // Came less Counted, with the spread of developers and the noise
	Apart                 bool      // Difference is surely not 0
}

// CurvePoint is the gain at another threshold.
type CurvePoint struct {
	Threshold, ShowRate float64
	Gain                Estimate
	Own                 bool // the candidate's own
}

// Trial says that developers were drawn to have a change of instructions or not: there is no policy that replaces another.
func (g *Gate) Trial() bool { return g.Kind == "instructions" }

// Before and After name what is compared.
func (g *Gate) Before() string {
	if g.Trial() {
		return "Without the change"
	}
	return "Old policy"
}

// After is the other side.
func (g *Gate) After() string {
	if g.Trial() {
		return "With the change"
	}
	return "New policy"
}

type gateData struct {
	*Gate
	Worth  *plot  // old and new; nil when there is nothing to draw
	Plot   *plot  // the gain and its parts
	Rails  *plot  // guardrails
	Sweep  *chart // over thresholds
	Signer string
}

func (s *Site) gatePages(m *access.Mux, p Published) {
	m.Handle("GET /gates", s.page("gates", func(r *http.Request) (view, error) {
		l, err := p.Gates(r.Context())
		return view{Title: "Gate reports", Data: l}, err
	}))
	m.Handle("GET /gates/{id}", s.page("gate", func(r *http.Request) (view, error) {
		g, err := p.Gate(r.Context(), r.PathValue("id"))
		if err != nil {
			return view{}, err
		}
		return view{Title: "Gate report", Data: gateData{Gate: g, Worth: worthPlot(g), Plot: gainPlot(g), Rails: railPlot(g), Sweep: sweep(g)}}, nil
	}))
	m.HandleFunc("GET /gates/{id}/report.json", func(w http.ResponseWriter, r *http.Request) {
		b, err := p.GateDocument(r.Context(), r.PathValue("id"))
		if err != nil {
			s.problem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "gate-"+unsafeName.ReplaceAllString(short(r.PathValue("id")), "-")+".json"))
		w.Write(b)
	})
}

func worthPlot(g *Gate) *plot {
	if !g.HasGain {
		return nil
	}
	note := "Reward per decision under each. Both are of the same decisions, so that their difference, below, is surer than either."
	if g.Trial() {
		note = "Reward per decision of the developers on each side of the trial."
	}
	return newPlot(plotOf{ID: "worth", Title: "Reward per decision: " + g.Before() + ", " + g.After(), Rows: []plotted{{Name: g.Before(), E: g.Old}, {Name: g.After(), E: g.New, Main: true}}, Say: unsigned, Note: note})
}

func gainPlot(g *Gate) *plot {
	var rows []plotted
	if g.HasGain {
		rows = append(rows, plotted{Name: "All", E: g.Gain, Main: true})
	}
	for _, s := range g.Slices {
		rows = append(rows, plotted{Name: s.Label(), E: s.Gain})
	}
	return newPlot(plotOf{ID: "gained", Title: "Gain in reward per decision, with its 95 % interval", Rows: rows, Say: signed,
		Note: "Reward per decision, " + strings.ToLower(g.After()) + " less " + strings.ToLower(g.Before()) + ". Right of the line at 0 is better; the bar is the two-sided 95 % interval."})
}

// railPlot draws how each guardrail moved, in percentage points, with the margin it must stay within.
func railPlot(g *Gate) *plot {
	var rows []plotted
	for _, r := range g.Guardrails {
		if r.Difference == nil {
			continue
		}
		e := points(*r.Difference)
		row := plotted{Name: r.Label(), E: e}
		if r.Margin > 0 {
			m := -100 * r.Margin
			if !r.More {
				m = -m
			}
			row.Limit = &m
		}
		rows = append(rows, row)
	}
	return newPlot(plotOf{ID: "rails", Title: "How the guardrails moved, in percentage points", Rows: rows, Say: signed,
		Note: "Percentage points, " + strings.ToLower(g.After()) + " less " + strings.ToLower(g.Before()) + ", with 95 % intervals. The upright stroke is the limit that the interval must not lie beyond; a row without one binds nothing."})
}

// points writes a difference of shares in percentage points.
func points(e Estimate) Estimate {
	e.Value, e.Lower, e.Upper = 100*e.Value, 100*e.Lower, 100*e.Upper
	return e
}

// sweep draws the gain over thresholds.
func sweep(g *Gate) *chart {
	c := chartOf{ID: "sweep", Title: "Gain at other thresholds", Height: 170, Zero: true,
		Note: "Gain in reward per decision, were the candidate to show what it expects to be taken with at least this probability. The verdict looks at its own threshold only.",
		Say:  signed, At: func(x float64) string { return unsigned(x, 2) }, Ticks: 4}
	for _, p := range g.Curve {
		c.Points = append(c.Points, charted{X: p.Threshold, E: p.Gain})
		if p.Own {
			c.Marks = append(c.Marks, mark{X: p.Threshold, Label: "its own"})
		}
	}
	return newChart(c)
}

// verdict says a gate report's verdict in one sentence.
func verdict(g *Gate) string {
	if !g.Released {
		for _, c := range g.Checks {
			if m := missing(c); m != "" {
				return "Refused: too little to tell. " + m
			}
		}
		for _, c := range g.Checks {
			if !c.OK {
				return "Refused: " + strings.TrimSuffix(c.Detail, ".") + "."
			}
		}
		return "Refused."
	}
	if !g.HasGain || !g.Gain.Shown() {
		return "Released."
	}
	s := "Released: the new policy earns " + likely(g.Gain) + " more reward per decision than the old one"
	if g.Trial() {
		s = "Passed: with the change a decision earns " + likely(g.Gain) + " more reward than without it"
	}
	if g.Old.Shown() && g.Old.Value > 0 {
		s += fmt.Sprintf(", about %s %%", signed(100*g.Gain.Value/g.Old.Value, 0))
	}
	return s + "."
}

// likely says a difference with its interval in words.
func likely(e Estimate) string {
	d := digits(e)
	return fmt.Sprintf("%s (nineteen times of twenty between %s and %s)", signed(e.Value, d), signed(e.Lower, d), signed(e.Upper, d))
}

// bound writes the number that the release rule looks at, as finely as the gain.
func bound(g *Gate) string { return signed(g.Bound, digits(g.Gain)) }

// sure writes how sure a bound is, with as many digits as tell it from certain.
func sure(share float64) string { return strconv.FormatFloat(100*share, 'g', 5, 64) + " %" }

// missing says how much a check lacks, or nothing.
func missing(c Check) string {
	if c.OK || c.Need <= 0 || c.Have >= c.Need {
		return ""
	}
	return fmt.Sprintf("It has %s of the %s it needs: %s missing.", amount(c.Have, ""), amount(c.Need, c.Unit), amount(c.Need-c.Have, ""))
}

// measured says how much a check that passed had.
func measured(c Check) string {
	if !c.OK || c.Need <= 0 {
		return ""
	}
	return fmt.Sprintf("%s, at least %s needed.", amount(c.Have, c.Unit), amount(c.Need, ""))
}

func amount(v float64, unit string) string {
	n := strconv.FormatFloat(v, 'g', 3, 64)
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		n = num(int(v))
	}
	return strings.TrimSpace(n + " " + unit)
}
