// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	firstLook = 28 // how many days a first pass goes back
	maxBack   = 90 // and at most
)

// daily is what servers that report by day have in common: a position is the next day to ask for.
type daily struct {
	since int64 // the first day to ask for; 0: firstLook days ago
	late  int64 // for how many days a report may still change
	step  int64 // how many days are asked for at a time
	// complete says that there is a report of a day only when it is over.
	complete bool
}

func (d *daily) start(position string, now time.Time) string {
	today := dayOf(now)
	from := d.since
	if from == 0 {
		from = today - firstLook
	}
	if p, ok := parseDay(position); ok {
		from = max(from, min(p, today-d.late))
	}
	return formatDay(max(from, today-maxBack))
}

// span is the days to ask for at a position, both included, and whether they are the last. It may be empty.
func (d *daily) span(at string, now time.Time) (from, to int64, last bool) {
	end := dayOf(now)
	if d.complete {
		end--
	}
	from, ok := parseDay(at)
	if !ok {
		from = end // a position is our own word: this one cannot happen
	}
	to = min(from+d.step-1, end)
	return from, to, to == end
}

// page begins the page about a span.
func (d *daily) page(from, to int64, last bool) Page {
	p := Page{Next: formatDay(max(from, to+1)), Last: last || to < from}
	for day := from; day <= to; day++ {
		p.Days = append(p.Days, day)
	}
	return p
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

func formatDay(day int64) string { return time.Unix(day*86400, 0).UTC().Format(time.DateOnly) }

// parseDay reads a day at the beginning of s, which may go on with a time.
func parseDay(s string) (int64, bool) {
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
		s = s[:len(time.DateOnly)]
	}
	t, err := time.Parse(time.DateOnly, s)
	return t.Unix() / 86400, err == nil && t.Year() >= 1970
}

// Tally adds up by team what a server tells of people, and of the people keeps how many they are.
type Tally struct {
	teams *Teams
	at    map[tallyKey]*tallied
}

type tallyKey struct {
	day        int64
	tool, team string
}

type tallied struct {
	counts map[string]float64
	users  map[string]bool
	told   int // how many users the server itself says there are
}

// NewTally begins with nothing.
func NewTally(teams *Teams) *Tally { return &Tally{teams: teams, at: map[tallyKey]*tallied{}} }

func (t *Tally) of(day int64, tool, team string) *tallied {
	k := tallyKey{day, tool, team}
	if t.at[k] == nil {
		t.at[k] = &tallied{counts: map[string]float64{}, users: map[string]bool{}}
	}
	return t.at[k]
}

// Person adds what one user did on a day; an empty name is nobody in particular.
func (t *Tally) Person(day int64, tool, user string, counts map[string]float64) {
	of := t.of(day, tool, t.teams.Of(user))
	if user = strings.ToLower(strings.TrimSpace(user)); of.add(counts) && user != "" {
		of.users[user] = true
	}
}

// all adds what everybody did on a day, of whom there are developers; 0 where the server does not say.
func (t *Tally) all(day int64, tool string, developers int64, counts map[string]float64) {
	of := t.of(day, tool, "")
	of.told = max(of.told, int(min(developers, 1<<30)))
	of.add(counts)
}

// add reports whether there was anything to add.
func (t *tallied) add(counts map[string]float64) (any bool) {
	for measure, n := range counts {
		if n > 0 {
			t.counts[measure] += n
			any = true
		}
	}
	return any
}

// Figures returns the sums, in the order of days, tools and teams.
func (t *Tally) Figures() []Figure {
	keys := slices.SortedFunc(maps.Keys(t.at), func(a, b tallyKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.tool, b.tool), cmp.Compare(a.team, b.team))
	})
	var list []Figure
	for _, k := range keys {
		if v := t.at[k]; len(v.counts) > 0 {
			list = append(list, Figure{Day: k.day, Tool: k.tool, Team: k.team, Developers: max(len(v.users), v.told), Counts: v.counts})
		}
	}
	return list
}
