// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// Explanation says how a policy came to its decision. It holds facts that rules read, and no text of the record.
type Explanation struct {
	Episode   string `json:"episode"`
	Recipient string `json:"recipient"`
	Policy    string `json:"policy"`
	// Rules are those that were asked, in the order in which they were; Unasked is how many come after the one that decided.
	Rules   []Asked `json:"rules"`
	Unasked int     `json:"unasked"`
	// Taken is what others took away from what the rule says, in order.
	Taken []Taken `json:"taken,omitempty"`
	// Rights are the rows of the rights table for the purposes that were left to ask about.
	Rights []RightsRow `json:"rights,omitempty"`
	// Outcome is the decision in a sentence.
	Outcome  string   `json:"outcome"`
	Decision Decision `json:"-"`
	// Error is why there is no decision; the record stays.
	Error string `json:"error,omitzero"`
}

// Asked is a rule and what its condition said.
type Asked struct {
	Rule  string        `json:"rule"`
	Level episode.Level `json:"level"`
	When  string        `json:"when"`
	// Facts are the values that the condition reads, by name.
	Facts map[string]string `json:"facts,omitempty"`
	// Fits is yes, no, or error.
	Fits string `json:"fits"`
}

// Taken is what somebody took away from what a rule says.
type Taken struct {
	By   string `json:"by"`
	What string `json:"what"`
}

// RightsRow is what the rights table says of a purpose.
type RightsRow struct {
	Purpose episode.Purpose `json:"purpose"`
	Level   episode.Level   `json:"level"`
	// Line is where in the table, of Version, the row stands; 0 where none fits.
	Line    int    `json:"line,omitzero"`
	Version string `json:"version"`
}

// Explain decides as Decide does and says how.
func (p *Policy) Explain(e *episode.Episode, q Request) (Explanation, error) {
	x := Explanation{Episode: e.ID, Recipient: q.Recipient, Policy: p.digest}
	to, err := p.check(e, q)
	if err != nil {
		return x, err
	}
	f := factsOf(e, to)
	var decided *rule
	for i, r := range slices.Concat(p.off, to.rules) {
		fits, err := r.matches(f)
		x.ask(r, f, fits, err)
		if fits || err != nil {
			x.Unasked = len(p.off) + len(to.rules) - i - 1
			decided = r
			break
		}
	}
	if x.Decision, err = p.Decide(e, q); err != nil {
		x.Error, x.Outcome = err.Error(), "stays: a condition cannot be evaluated"
		return x, nil
	}
	if decided != nil && decided.level.Rank() > episode.LevelNone.Rank() {
		x.takeFrom(p, decided, f, q)
	}
	x.Outcome = outcome(x.Decision)
	if p.counts != nil && x.Decision.Level.Rank() >= episode.LevelAggregate.Rank() {
		x.Outcome += "; counted with noise once its " + p.counts.Period + " is over"
	}
	return x, nil
}

func (x *Explanation) ask(r *rule, f *facts, fits bool, err error) {
	a := Asked{Rule: r.name, Level: r.level, When: r.condition, Fits: "no"}
	switch {
	case err != nil:
		a.Fits = "error"
	case fits:
		a.Fits = "yes"
	}
	for _, name := range r.reads {
		if a.Facts == nil {
			a.Facts = map[string]string{}
		}
		a.Facts[name] = showFact(f.fact(name))
	}
	x.Rules = append(x.Rules, a)
}

// showFact writes a value down, of long lists the beginning.
func showFact(v any) string {
	const most = 5
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case []string:
		shown, more := v, ""
		if len(v) > most {
			shown, more = v[:most], fmt.Sprintf(" and %d more", len(v)-most)
		}
		return fmt.Sprintf("%q%s", shown, more)
	case map[string]int:
		var all []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, fmt.Sprintf("%s: %d", k, v[k]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// takeFrom lists what came between rule r and the decision.
func (x *Explanation) takeFrom(p *Policy, r *rule, f *facts, q Request) {
	d := x.Decision
	by := map[string]string{NoticeExpired: "expiry", NoticeDeveloper: "the developer", NoticeWaits: "two keys", NoticeTextRepository: "the gate before text",
		NoticeTextAudits: "the gate before text", NoticeUnauthenticated: "identity", NoticeRights: "the rights table"}
	for _, n := range d.Notices {
		x.Taken = append(x.Taken, Taken{by[n], p.said(n, r, f, q)})
	}
	if slices.Contains(d.Notices, NoticeExpired) || slices.Contains(d.Notices, NoticeWaits) || q.Preferences.refuses() {
		return
	}
	for _, purpose := range r.purposes {
		row, _ := p.rights.Best(f.origin, f.to.kind, purpose)
		for _, kind := range f.to.kinds[1:] { // of those to whom the recipient may pass on
			if other, _ := p.rights.Best(f.origin, kind, purpose); other.Level.Rank() < row.Level.Rank() {
				row = other
			}
		}
		x.Rights = append(x.Rights, RightsRow{purpose, row.Level, row.Line, p.rights.Version()})
	}
}

// said is what a notice means for this record.
func (p *Policy) said(notice string, r *rule, f *facts, q Request) string {
	switch notice {
	case NoticeExpired:
		return "the rule has expired, on " + r.expires.Format(time.DateOnly)
	case NoticeWaits:
		return "the developer has not said yes"
	case NoticeTextRepository:
		return fmt.Sprintf("no text leaves from %q: the policy's text does not list it", f.Repository)
	case NoticeTextAudits:
		return fmt.Sprintf("no text yet: %d batches were audited and clean, the policy wants %d", q.Audited, p.text.cleanBatches)
	case NoticeUnauthenticated:
		return "whose it is is not proven: for evaluate only"
	case NoticeDeveloper:
		if q.Preferences.refuses() {
			return "the developer says no"
		}
		d, purposes := q.Preferences.apply(Decision{Level: r.level, Approval: r.approval}, r.purposes, f)
		asked := ""
		if d.Ask {
			asked = ", and they are asked first"
		}
		return fmt.Sprintf("at most level %s, for %s, approval %s%s", d.Level, listed(purposes), d.Approval, asked)
	}
	return fmt.Sprintf("version %s, for output of %s under contract class %s: see rights", p.rights.Version(), named(f.origin.Provider), named(f.origin.ContractClass))
}

func named(s string) string {
	if s == "" {
		return "nobody named"
	}
	return s
}

func listed(purposes []episode.Purpose) string {
	var names []string
	for _, p := range purposes {
		names = append(names, string(p))
	}
	if names == nil {
		return "no purpose"
	}
	return strings.Join(names, ", ")
}

// outcome is a decision in a sentence.
func outcome(d Decision) string {
	switch {
	case d.Leaves():
		s := fmt.Sprintf("leaves at level %s, for %s, to %s, approval %s", d.Level, listed(d.Terms.Purposes), strings.Join(d.Terms.Recipients, ", "), d.Approval)
		if d.Terms.RetentionDays > 0 {
			s += fmt.Sprintf(", kept for %d days", d.Terms.RetentionDays)
		}
		if !d.Terms.ExpiresAt.IsZero() {
			s += ", until " + d.Terms.ExpiresAt.Format(time.DateOnly)
		}
		if d.Terms.Region != "" {
			s += ", in " + d.Terms.Region
		}
		return s
	case d.Level == episode.LevelAggregate:
		return "counts in reports with noise; the record itself stays"
	}
	return "stays: " + d.Why()
}

// Why says in a few words why nothing leaves.
func (d Decision) Why() string {
	switch {
	case d.Level == episode.LevelOff:
		return "not even recorded, by a rule of level off"
	case slices.Contains(d.Notices, NoticeWaits):
		return "it waits for the developer"
	case d.Rule == "":
		return "no rule fits"
	case slices.Contains(d.Notices, NoticeExpired):
		return "rule " + d.Rule + " has expired"
	case d.Level == episode.LevelAggregate:
		return "rule " + d.Rule + ", at level aggregate"
	case slices.Contains(d.Notices, NoticeRights):
		return "rule " + d.Rule + ", but the rights table allows none of its purposes"
	case slices.Contains(d.Notices, NoticeUnauthenticated):
		return "rule " + d.Rule + ", but whose it is is not proven"
	case slices.Contains(d.Notices, NoticeDeveloper):
		return "rule " + d.Rule + ", but the developer says no"
	}
	return "rule " + d.Rule
}
