// SPDX-License-Identifier: Apache-2.0

// Package consent decides what of an episode may leave, to whom and for what, and cuts the episode down to it.
//
// A [Policy] is a YAML file of rules in CEL over the facts that scrub left in the local block; where no rule fits, nothing
// leaves. [Policy.Records] is asked at capture, before anything is written; [Policy.Decide] before an episode goes to one
// recipient. The shipped rights table (which provider's output may serve which purpose for whom) can lower what a rule
// allows and never raises it. [Lowerer.Lower] then makes the copy that leaves, field by field as spec/levels.tsv says:
// ids keyed and names made pseudonyms per recipient, times and numbers made coarse, the local block gone. A field that is
// not in the table does not leave. At level masked its texts go through package scrub once more, which makes every word
// that is not public a mark; prose leaves only under a rule that says prose: true. Marks leave keyed for the recipient and
// the year, whatever the level.
//
// Nothing here approves, packs or sends; the keys come from the caller.
package consent

import (
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
)

// Approval is who must say yes before a record leaves.
type Approval string

// The ways of approval.
const (
	ApprovalAuto    Approval = "auto"    // the rule itself is the approval
	ApprovalSteward Approval = "steward" // a person looks first
)

// The notices: why less leaves than the rule says.
const (
	NoticeNoRule          = "no-rule"         // no rule fits: default deny
	NoticeRights          = "rights"          // the rights table lowered the level or struck purposes
	NoticeExpired         = "expired"         // the rule's expiry has passed
	NoticeUnauthenticated = "unauthenticated" // of unproven identity: for evaluation only
)

// Decision is what a policy says about one episode and one recipient.
type Decision struct {
	Level episode.Level
	// Prose says that at level masked prose leaves, too: instructions, reasoning, what people and tools wrote in sentences.
	Prose bool
	// Terms are nil where nothing leaves.
	Terms *episode.Terms
	// Rule is the name of the rule that decided, empty where none fits; Policy is the policy's digest.
	Rule     string
	Policy   string
	Approval Approval
	Notices  []string
}

// Leaves reports whether an episode leaves under this decision. Aggregate is no: it is reports that leave, not episodes.
func (d Decision) Leaves() bool {
	return d.Terms != nil && d.Level.Rank() >= episode.LevelSignal.Rank()
}

// Facts is what is known of an event before it is recorded.
type Facts struct {
	Tool       string
	Surface    string
	Repository string
	Developer  string
	Team       string
}

// Records reports whether an event of these facts is recorded at all: false where a rule of level off fits. On an error
// the answer is no.
func (p *Policy) Records(f Facts) (bool, error) {
	for _, r := range p.off {
		off, err := r.matches(&f)
		if err != nil || off {
			return false, err
		}
	}
	return true, nil
}

// Decide says what of e may leave for recipient. It wants the episode as scrub leaves it: of level clean, with its local
// block. now is for expiry alone.
func (p *Policy) Decide(e *episode.Episode, recipient string, now time.Time) (Decision, error) {
	d := Decision{Level: episode.LevelNone, Policy: p.digest}
	if e.Local == nil || e.Privacy == nil || e.Privacy.Level != episode.LevelClean {
		return d, &episode.Problem{Code: "consent/not-scrubbed", Message: fmt.Sprintf("episode %s does not come from scrub: it has no local block or is not of level clean", e.ID),
			Hint: "pipe it through headrace scrub first"}
	}
	kind, known := p.kinds[recipient]
	if !known {
		return d, p.unknownRecipient(recipient)
	}
	facts := factsOf(e)
	if records, err := p.Records(facts.Facts); err != nil || !records {
		d.Level = episode.LevelOff
		return d, err
	}
	r, err := p.match(facts, recipient)
	if err != nil {
		return d, err
	}
	if r == nil {
		d.Notices = append(d.Notices, NoticeNoRule)
		return d, nil
	}
	d.Rule, d.Approval, d.Level, d.Prose = r.name, r.approval, r.level, r.prose
	if d.Level.Rank() < episode.LevelAggregate.Rank() {
		return d, nil
	}
	if !r.expires.IsZero() && !now.Before(r.expires) {
		return d.deny(NoticeExpired), nil
	}
	if d.Level == episode.LevelAggregate {
		return d, nil
	}
	purposes := r.purposes
	if e.Local.Unauthenticated {
		if purposes = intersect(purposes, episode.PurposeEvaluate); len(purposes) < len(r.purposes) {
			d.Notices = append(d.Notices, NoticeUnauthenticated)
		}
	}
	level, allowed := p.rights.limit(d.Level, facts.provider, facts.contractClass, kind, purposes)
	if level != d.Level || len(allowed) < len(purposes) {
		d.Notices = append(d.Notices, NoticeRights)
	}
	if d.Level = level; len(allowed) == 0 {
		d.Level = episode.LevelNone
		return d, nil
	}
	d.Terms = &episode.Terms{Purposes: allowed, Recipients: []string{recipient}, Region: r.region, RetentionDays: r.retentionDays, ExpiresAt: r.expires}
	return d, nil
}

func (d Decision) deny(notice string) Decision {
	d.Level, d.Notices = episode.LevelNone, append(d.Notices, notice)
	return d
}

// match returns the first rule for recipient that fits, or nil.
func (p *Policy) match(f *facts, recipient string) (*rule, error) {
	for _, r := range p.rules {
		if !slices.Contains(r.recipients, recipient) {
			continue
		}
		if ok, err := r.matches(f); err != nil || ok {
			return r, err
		}
	}
	return nil, nil
}

func intersect(purposes []episode.Purpose, only episode.Purpose) []episode.Purpose {
	if slices.Contains(purposes, only) {
		return []episode.Purpose{only}
	}
	return nil
}
