// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/sqlstore"
)

// What is counted of a tool's decisions.
const (
	countsEdits       = "edits"       // on code, but completions
	countsCompletions = "completions" // as one types
	countsCode        = "code"        // both
	countsCalls       = "calls"       // of tools of every kind, commands and reading among them
)

// CountedByTelemetry is who counted where it was the tool itself.
const CountedByTelemetry = "telemetry"

// family is the name under which a tool is counted by its maker, however it was captured.
func family(tool string) string {
	if tool == "copilot" || strings.HasPrefix(tool, "copilot-") {
		return "copilot"
	}
	return tool
}

// count is what somebody counted of a tool, by day and team.
type count struct {
	tool, decisions, by string
	rejections          bool // whether they are counted at all
	days                map[int64]bool
	teams               map[string]*tallied
}

// tallied is a count in one team.
type tallied struct {
	accepted, rejected float64
	developers         map[int64]int // by day
}

type countKey struct{ tool, decisions, by string }

// counts gathers them.
type counts map[countKey]*count

func (all counts) add(k countKey, day int64, team string, developers int, accepted bool, n float64) {
	c := all[k]
	if c == nil {
		c = &count{tool: k.tool, decisions: k.decisions, by: k.by, days: map[int64]bool{}, teams: map[string]*tallied{}}
		all[k] = c
	}
	if c.teams[team] == nil {
		c.teams[team] = &tallied{developers: map[int64]int{}}
	}
	of := c.teams[team]
	c.days[day] = true
	of.developers[day] = max(of.developers[day], developers)
	if accepted {
		of.accepted += n
	} else {
		of.rejected += n
		c.rejections = true
	}
}

// counted is what tools' telemetry and servers counted of decisions. Of who sent telemetry it is known at most how many.
func counted(totals []sqlstore.Total, senders map[string]int, polled []sqlstore.Polled) counts {
	all := counts{}
	for _, t := range totals {
		k := countKey{family(t.Tool), countsCalls, CountedByTelemetry}
		if k.tool == "claude-code" || k.tool == "copilot" { // they count edits; others every call
			k.decisions = countsEdits
		}
		switch t.Measure {
		case "accepted", "modified":
			all.add(k, t.Day, "", senders[t.Tool], true, t.N)
		case "rejected":
			all.add(k, t.Day, "", senders[t.Tool], false, t.N)
		}
	}
	for _, p := range polled {
		k := countKey{family(p.Tool), countsEdits, p.Source}
		switch {
		case strings.HasPrefix(p.Measure, "completions_"):
			k.decisions = countsCompletions
		case k.tool == "copilot":
			k.decisions = countsCode
		}
		switch p.Measure {
		case "accepted", "completions_accepted":
			all.add(k, p.Day, p.Team, p.Developers, true, p.N)
		case "rejected":
			all.add(k, p.Day, p.Team, p.Developers, false, p.N)
		}
	}
	return all
}

// figures are what was captured and counted of some teams.
type figures struct {
	captured, counted [2]int // accepted, rejected
	who               map[string]bool
	developers        map[int64]int // who stand behind what was counted, by day
}

func (f *figures) add(g *figures) {
	for i := range f.captured {
		f.captured[i] += g.captured[i]
		f.counted[i] += g.counted[i]
	}
	maps.Copy(f.who, g.who)
	for day, n := range g.developers {
		f.developers[day] += n // nobody is in two teams
	}
}

// most is how many developers stand behind what was counted, at least: who they are is not known, so two days' are not added.
func (f *figures) most() int {
	n := 0
	for _, d := range f.developers {
		n = max(n, d)
	}
	return n
}

// enough reports whether the figures are from enough developers to be shown: each, but for one that is nothing.
func (f *figures) enough() bool {
	return (f.captured == [2]int{} || len(f.who) >= poll.MinDevelopers) && (f.counted == [2]int{} || f.most() >= poll.MinDevelopers)
}

// empty reports whether there is nothing to tell.
func (f *figures) empty() bool { return f.captured == [2]int{} && f.counted == [2]int{} }

// compare puts what was captured beside what was counted, like with like, and on the days alone of which there is a count. Tools
// of which there is none come last. own says that all figures are about who sees them.
func compare(captured []sqlstore.Captured, all counts, teams *poll.Teams, own bool) []Covered {
	var rows []Covered
	known := map[string]bool{}
	keys := slices.SortedFunc(maps.Keys(all), func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.tool, b.tool), cmp.Compare(a.decisions, b.decisions), cmp.Compare(a.by, b.by))
	})
	for _, k := range keys {
		c := all[k]
		known[k.tool] = true
		byTeam := map[string]*figures{}
		at := func(team string) *figures {
			if byTeam[team] == nil {
				byTeam[team] = &figures{who: map[string]bool{}, developers: map[int64]int{}}
			}
			return byTeam[team]
		}
		for team, n := range c.teams {
			f := at(team)
			f.counted = [2]int{int(math.Round(min(n.accepted, 1e15))), int(math.Round(min(n.rejected, 1e15)))}
			maps.Copy(f.developers, n.developers)
		}
		byTelemetry := c.by == CountedByTelemetry // which knows no teams
		for i := range captured {
			r := &captured[i]
			if family(r.Tool) != c.tool || !c.days[r.Day] {
				continue
			}
			accepted, rejected := decisions(r, c.decisions)
			if !c.rejections {
				rejected = 0
			}
			if accepted+rejected == 0 {
				continue
			}
			team := ""
			if !byTelemetry {
				team = teams.Of(r.Developer)
			}
			f := at(team)
			f.captured[0] += accepted
			f.captured[1] += rejected
			f.who[r.Developer] = true
		}
		for _, part := range split(byTeam, own) {
			rows = append(rows, part.row(c, own))
		}
	}
	return append(rows, uncounted(captured, known, own)...)
}

// decisions are those of a developer's that count as what.
func decisions(r *sqlstore.Captured, what string) (accepted, rejected int) {
	completion := r.Surface == string(episode.SurfaceCompletion) || r.Surface == string(episode.SurfaceNextEdit)
	switch {
	case what == countsCalls:
		return r.Verdicts.Accepted + r.Verdicts.Modified, r.Verdicts.Rejected
	case what == countsEdits && completion || what == countsCompletions && !completion:
		return 0, 0
	}
	return r.CodeAccepted, r.CodeRejected
}

// part is a line of the comparison.
type part struct {
	team string
	*figures
}

// split names the teams whose figures may be shown and puts the others together. Should those be too few still, the
// smallest team that has a name joins them: what is left when one takes all named figures from a sum may not be about few.
func split(byTeam map[string]*figures, own bool) []part {
	rest := &figures{who: map[string]bool{}, developers: map[int64]int{}}
	var named []part
	for _, team := range slices.Sorted(maps.Keys(byTeam)) {
		if f := byTeam[team]; team == "" || !own && !f.enough() {
			rest.add(f)
		} else {
			named = append(named, part{team, f})
		}
	}
	slices.SortStableFunc(named, func(a, b part) int { return cmp.Compare(a.most(), b.most()) })
	for !own && !rest.empty() && !rest.enough() && len(named) > 0 {
		rest.add(named[0].figures)
		named = named[1:]
	}
	slices.SortFunc(named, func(a, b part) int { return cmp.Compare(a.team, b.team) })
	switch {
	case rest.empty():
	case len(named) == 0:
		named = append(named, part{"all", rest})
	default:
		named = append(named, part{"others", rest})
	}
	return named
}

func (p part) row(c *count, own bool) Covered {
	row := Covered{Tool: c.tool, Team: p.team, Decisions: c.decisions, CountedBy: c.by, Days: len(c.days)}
	if !own && !p.enough() {
		row.Withheld = true
		return row
	}
	row.Developers = p.most()
	if p.captured != [2]int{} && (row.Developers == 0 || len(p.who) < row.Developers) {
		row.Developers = len(p.who)
	}
	row.Captured.Accepted, row.Counted.Accepted = p.captured[0], p.counted[0]
	if c.rejections {
		row.Captured.Rejected, row.Counted.Rejected = &p.captured[1], &p.counted[1]
	}
	return row
}

// uncounted are tools that nobody counts: what was captured of them is told, and compared with nothing.
func uncounted(captured []sqlstore.Captured, known map[string]bool, own bool) (rows []Covered) {
	all := map[string]*figures{}
	for i := range captured {
		r := &captured[i]
		accepted, rejected := decisions(r, countsCalls)
		if tool := family(r.Tool); !known[tool] && accepted+rejected > 0 {
			if all[tool] == nil {
				all[tool] = &figures{who: map[string]bool{}}
			}
			all[tool].captured[0] += accepted
			all[tool].captured[1] += rejected
			all[tool].who[r.Developer] = true
		}
	}
	for _, tool := range slices.Sorted(maps.Keys(all)) {
		f := all[tool]
		row := Covered{Tool: tool, Team: "all", Decisions: countsCalls}
		if row.Withheld = !own && !f.enough(); !row.Withheld {
			row.Developers, row.Captured = len(f.who), Tally{Accepted: f.captured[0], Rejected: &f.captured[1]}
		}
		rows = append(rows, row)
	}
	return rows
}
