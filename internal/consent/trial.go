// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
)

// Trial runs a policy over records without anything leaving, and counts what would. It is not safe for concurrent use.
type Trial struct {
	policy, against *Policy // against may be nil
	lowerers        map[string]*Lowerer
	names           []string
	line            []byte

	report  Report
	leaving map[string]*Leaving
	staying map[Staying]int
	moved   map[Moved]int
}

// Report is what a trial found.
type Report struct {
	Policy  string `json:"policy"`
	Against string `json:"against,omitzero"`
	Records int    `json:"records"`
	// SetAside are records that could not be decided about at all.
	SetAside int       `json:"set_aside"`
	Leaves   []Leaving `json:"leaves"`
	Stays    []Staying `json:"stays"`
	// Changes are what would be otherwise than under the policy Against.
	Changes []Moved `json:"changes,omitempty"`
}

// Leaving is what would leave to one recipient by one rule under the same terms.
type Leaving struct {
	Rule          string            `json:"rule"`
	Recipient     string            `json:"recipient"`
	Level         episode.Level     `json:"level"`
	Purposes      []episode.Purpose `json:"purposes"`
	Approval      Approval          `json:"approval"`
	Region        string            `json:"region,omitzero"`
	RetentionDays int               `json:"retention_days,omitzero"`
	Expires       string            `json:"expires,omitzero"`
	// Less says what took away from what the rule says, as notices.
	Less    []string `json:"less,omitempty"`
	Records int      `json:"records"`
	// Bytes are those that would leave, before they are packed.
	Bytes int64 `json:"bytes"`
}

// Staying is how many records would not leave for a recipient, and why.
type Staying struct {
	Recipient string `json:"recipient"`
	Why       string `json:"why"`
	Records   int    `json:"records"`
}

// Moved is how many records would fare otherwise for a recipient than under the policy that a trial goes against.
type Moved struct {
	Recipient string `json:"recipient"`
	// How is "more" where in any respect more would leave than did, else "less".
	How     string `json:"how"`
	Was     string `json:"was"`
	Is      string `json:"is"`
	Records int    `json:"records"`
}

// NewTrial returns a trial of a policy for these recipients; against, which may be nil, is the policy to compare with.
// lowerer gives what makes the bytes that would leave.
func NewTrial(p, against *Policy, recipients []string, lowerer func(recipient string) (*Lowerer, error)) (*Trial, error) {
	t := &Trial{policy: p, against: against, lowerers: map[string]*Lowerer{}, names: recipients, leaving: map[string]*Leaving{}, staying: map[Staying]int{}, moved: map[Moved]int{}}
	t.report.Policy = p.digest
	if against != nil {
		t.report.Against = against.digest
	}
	for _, name := range recipients {
		if p.recipient(name) == nil {
			return nil, p.unknownRecipient(name)
		}
		var err error
		if t.lowerers[name], err = lowerer(name); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Add runs the policy over one scrubbed episode; q is what is known beside it, the recipient apart. An error is that the
// episode is none to decide about, and it is counted as set aside.
func (t *Trial) Add(e *episode.Episode, q Request) error {
	t.report.Records++
	for _, name := range t.names {
		q.Recipient = name
		if _, err := t.policy.check(e, q); err != nil {
			t.report.SetAside++
			return err
		}
		d, why := t.decide(e, q)
		if why != "" {
			t.staying[Staying{Recipient: name, Why: why}]++
		}
		if t.against != nil {
			t.compare(e, q, d)
		}
	}
	return nil
}

// SetAside counts a record that could not even be read.
func (t *Trial) SetAside() {
	t.report.Records++
	t.report.SetAside++
}

// decide returns what would leave, or why nothing would.
func (t *Trial) decide(e *episode.Episode, q Request) (Decision, string) {
	d, err := t.policy.Decide(e, q)
	if err != nil {
		return Decision{Level: episode.LevelNone}, "rule error: " + ruleError(err)
	}
	if !d.Leaves() {
		return d, d.Why()
	}
	out, err := t.lowerers[q.Recipient].Lower(e, d)
	if err == nil {
		t.line, err = episode.AppendCanonical(t.line[:0], out)
	}
	if err != nil {
		return Decision{Level: episode.LevelNone}, "it cannot be lowered to level " + string(d.Level)
	}
	l := leavingUnder(d)
	key := fmt.Sprint(l)
	if t.leaving[key] == nil {
		t.leaving[key] = &l
	}
	t.leaving[key].Records++
	t.leaving[key].Bytes += int64(len(t.line)) + 1
	return d, ""
}

// ruleError leaves out what the values were that a condition stumbled over.
func ruleError(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p.Message
	}
	return err.Error()
}

func leavingUnder(d Decision) Leaving {
	l := Leaving{Rule: d.Rule, Recipient: d.Terms.Recipients[0], Level: d.Level, Purposes: d.Terms.Purposes, Approval: d.Approval, Region: d.Terms.Region,
		RetentionDays: d.Terms.RetentionDays, Less: d.Notices}
	if x := d.Terms.ExpiresAt; !x.IsZero() {
		l.Expires = x.Format("2006-01-02")
	}
	return l
}

// compare counts what fares otherwise.
func (t *Trial) compare(e *episode.Episode, q Request, d Decision) {
	old, err := Decision{Level: episode.LevelNone}, error(nil)
	if t.against.recipient(q.Recipient) != nil {
		if old, err = t.against.Decide(e, q); err != nil {
			old = Decision{Level: episode.LevelNone}
		}
	}
	was, is := brief(old), brief(d)
	if was == is {
		return
	}
	how := "less"
	if more(old, d) { // in whatever else it may be less
		how = "more"
	}
	t.moved[Moved{Recipient: q.Recipient, How: how, Was: was, Is: is}]++
}

// brief is what of a decision matters to those whom it is about.
func brief(d Decision) string {
	if !d.Leaves() {
		if d.Level.Rank() < episode.LevelAggregate.Rank() {
			return "stays"
		}
		return string(d.Level)
	}
	s := fmt.Sprintf("%s for %s", d.Level, listed(d.Terms.Purposes))
	if d.Level == episode.LevelMasked && d.Prose {
		s += " with prose"
	}
	if d.Terms.RetentionDays > 0 {
		s += fmt.Sprintf(", %d days", d.Terms.RetentionDays)
	}
	if !d.Terms.ExpiresAt.IsZero() {
		s += ", until " + d.Terms.ExpiresAt.Format("2006-01-02")
	}
	if d.Terms.Region != "" {
		s += ", in " + d.Terms.Region
	}
	if s += ", " + string(d.Approval); d.AuditShare > 0 && d.Approval == ApprovalAuto {
		s += fmt.Sprintf(" but for %g %%", 100*d.AuditShare)
	}
	if d.Ask {
		s += ", the developer asked"
	}
	return s
}

// more reports whether the second decision lets more leave than the first in any respect.
func more(was, is Decision) bool {
	if is.Level.Rank() != was.Level.Rank() || !is.Leaves() || !was.Leaves() {
		return is.Level.Rank() > was.Level.Rank()
	}
	a, b := was.Terms, is.Terms
	return is.Prose && !was.Prose ||
		slices.ContainsFunc(b.Purposes, func(p episode.Purpose) bool { return !slices.Contains(a.Purposes, p) }) ||
		longer(a.RetentionDays, b.RetentionDays) ||
		!a.ExpiresAt.IsZero() && (b.ExpiresAt.IsZero() || b.ExpiresAt.After(a.ExpiresAt)) ||
		a.Region != "" && a.Region != b.Region ||
		was.Approval == ApprovalSteward && is.Approval == ApprovalAuto || was.Ask && !is.Ask ||
		was.Approval == ApprovalAuto && is.Approval == ApprovalAuto && is.AuditShare < was.AuditShare
}

// Report returns what was found so far, most records first.
func (t *Trial) Report() Report {
	r := t.report
	r.Leaves, r.Stays = []Leaving{}, []Staying{}
	for _, l := range t.leaving {
		r.Leaves = append(r.Leaves, *l)
	}
	slices.SortFunc(r.Leaves, func(a, b Leaving) int {
		return cmp.Or(strings.Compare(a.Recipient, b.Recipient), cmp.Compare(b.Records, a.Records), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	for s, n := range t.staying {
		s.Records = n
		r.Stays = append(r.Stays, s)
	}
	slices.SortFunc(r.Stays, func(a, b Staying) int {
		return cmp.Or(strings.Compare(a.Recipient, b.Recipient), cmp.Compare(b.Records, a.Records), strings.Compare(a.Why, b.Why))
	})
	for m, n := range t.moved {
		m.Records = n
		r.Changes = append(r.Changes, m)
	}
	slices.SortFunc(r.Changes, func(a, b Moved) int {
		return cmp.Or(strings.Compare(a.Recipient, b.Recipient), strings.Compare(b.How, a.How), cmp.Compare(b.Records, a.Records), strings.Compare(a.Was+a.Is, b.Was+b.Is))
	})
	return r
}
