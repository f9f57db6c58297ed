// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Counts says that the edge tells hubs how many suggestions were shown and taken here, with noise, once for each period that is over: so
// that a hub sees how far what is contributed stands for the rest. What a rule or a developer keeps below level aggregate is not
// counted.
type Counts struct {
	// Period is month or week.
	Period string
	// Epsilon is the privacy loss of a developer for one recipient and period.
	Epsilon float64
	// Budget is the most that all counts which were ever told may cost a developer together, as ε; then no more are told.
	Budget float64
}

// What holds where counts does not say it, and the bounds of what it may say.
const (
	countsEpsilon, countsBudget = 1, 10

	leastEpsilon, mostEpsilon = 0.01, 10
	mostBudget                = 1000
)

// Counts is what the policy says of counts; nil where it says nothing, and none are told.
func (p *Policy) Counts() *Counts { return p.counts }

func readCounts(n ast.Node) (*Counts, error) {
	c := Counts{Epsilon: countsEpsilon, Budget: countsBudget}
	if err := mapping(n, "counts", map[string]any{"period": &c.Period, "epsilon": &c.Epsilon, "budget": &c.Budget}); err != nil {
		return nil, err
	}
	if err := oneOf(n, "period", c.Period, "month", "week"); err != nil {
		return nil, err
	}
	if !(c.Epsilon >= leastEpsilon && c.Epsilon <= mostEpsilon) {
		return nil, mistakef(n, "counts: epsilon is %v; it is the privacy loss of a period, from %v to %v, such as 1", c.Epsilon, leastEpsilon, mostEpsilon)
	}
	if !(c.Budget >= c.Epsilon && c.Budget <= mostBudget) {
		return nil, mistakef(n, "counts: budget is %v; it is the privacy loss of all periods together, from epsilon to %v, such as 10", c.Budget, mostBudget)
	}
	return &c, nil
}

// counts compares what may be told in counts. It changes nothing of what a rule says of a record.
func (c *comparison) counts() {
	change := func(looser bool, why, what string) {
		ch := Change{Rule: "counts", What: what, Looser: looser}
		if looser {
			ch.Why = why
		}
		c.changes = append(c.changes, ch)
	}
	was, is := c.was.counts, c.is.counts
	switch {
	case was == nil && is == nil:
	case is == nil:
		change(false, "", "removed: none are told")
	case was == nil:
		change(true, "numbers of what was shown and taken leave, with noise, for the hub's operator to see", "added (each "+is.Period+", epsilon "+shown(is.Epsilon)+", budget "+shown(is.Budget)+")")
	default:
		if was.Period != is.Period {
			change(is.Period == "week", "they are told more often", "period: "+was.Period+" → "+is.Period)
		}
		if was.Epsilon != is.Epsilon {
			change(is.Epsilon > was.Epsilon, "there is less noise", "epsilon: "+shown(was.Epsilon)+" → "+shown(is.Epsilon))
		}
		if was.Budget != is.Budget {
			change(is.Budget > was.Budget, "more may be told in all", "budget: "+shown(was.Budget)+" → "+shown(is.Budget))
		}
	}
}

// Lapsed says that a rule that let something leave does so no more: its time is over, or it is none of the policy's.
func (p *Policy) Lapsed(rule string, now time.Time) bool {
	r := p.rule(rule)
	return r == nil || !r.expires.IsZero() && !now.Before(r.expires)
}
