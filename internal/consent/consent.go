// SPDX-License-Identifier: Apache-2.0

// Package consent decides what of an episode may leave, to whom and for what, and cuts the episode down to it.
//
// A [Policy] is a YAML file of rules in CEL over the facts that scrub left in the local block; where no rule fits, nothing
// leaves. [Policy.Records] is asked at capture, before anything is written; [Policy.Decide] before an episode goes to one
// recipient. What a rule allows others can lower and nobody raises: the developer's [Preferences], the policy's gate before
// text, the shipped rights table (package rights). [Policy.Explain] says which of them did, [Compare] whether a change of
// policy can let more leave. [Lowerer.Lower] then makes the copy that leaves, field by field as spec/levels.tsv says:
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
	NoticeNoRule          = "no-rule"                 // no rule fits: default deny
	NoticeRights          = "rights"                  // the rights table lowered the level or struck purposes
	NoticeExpired         = "expired"                 // the rule's expiry has passed
	NoticeUnauthenticated = "unauthenticated"         // of unproven identity: for evaluation only
	NoticeTextRepository  = "text-repository"         // no text: the repository is not on the policy's list
	NoticeTextAudits      = "text-audits"             // no text yet: too few batches were audited and found clean
	NoticeDeveloper       = "developer"               // the developer's preferences allow less
	NoticeWaits           = "waits-for-the-developer" // the policy has two keys, and the developer has not said yes
)

// Decision is what a policy says about one episode and one recipient.
type Decision struct {
	Level episode.Level
	// Prose says that at level masked prose leaves, too: instructions, reasoning, what people and tools wrote in sentences.
	Prose bool
	// Terms are nil where nothing leaves.
	Terms *episode.Terms
	// Judges says that a gate may judge releases by it, as counts with noise, too: it may be evaluated at level aggregate or above.
	Judges bool
	// Rule is the name of the rule that decided, empty where none fits; Policy is the policy's digest.
	Rule     string
	Policy   string
	Approval Approval
	// AuditShare is, where a rule is the approval, the share of its records that a person looks at all the same.
	AuditShare float64
	// Ask says that the developer is to be asked first, about this record: silence is a no.
	Ask     bool
	Notices []string
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

// Request says for whom a policy decides, and what is known beside the episode.
type Request struct {
	Recipient string
	// Now is for expiry alone.
	Now time.Time
	// Audited is how many batches have been audited so far and found clean.
	Audited int
	// Preferences are those of the episode's developer; nil where they have said nothing.
	Preferences *Preferences
}

// Records reports whether an event of these facts is recorded at all: false where a rule of level off fits. On an error
// the answer is no.
func (p *Policy) Records(f Facts) (bool, error) {
	off, err := first(p.off, &facts{Facts: f})
	return off == nil && err == nil, err
}

// RecordsWithin is Records for sources that know in which repository an event happened, or ought to: what they do not know the repository of
// is not recorded where any rule of level off reads it, as it might be of one that fits.
func (p *Policy) RecordsWithin(f Facts) (bool, error) {
	if f.Repository == "" && slices.ContainsFunc(p.off, func(r *rule) bool { return slices.Contains(r.reads, "repository") }) {
		return false, nil
	}
	return p.Records(f)
}

// Decide says what of e may leave for the recipient. It wants the episode as scrub leaves it: of level clean, with its
// local block.
func (p *Policy) Decide(e *episode.Episode, q Request) (Decision, error) {
	d := Decision{Level: episode.LevelNone, Policy: p.digest}
	to, err := p.check(e, q)
	if err != nil {
		return d, err
	}
	f := factsOf(e, to)
	if r, err := first(p.off, f); err != nil || r != nil {
		d.Level = episode.LevelOff
		return d, err
	}
	r, err := first(to.rules, f)
	if err != nil {
		return d, err
	}
	if r == nil {
		return d.deny(NoticeNoRule), nil
	}
	return p.grant(d, r, f, q), nil
}

// check refuses what cannot be decided about, and returns the recipient.
func (p *Policy) check(e *episode.Episode, q Request) (*recipient, error) {
	if e.Local == nil || e.Privacy == nil || e.Privacy.Level != episode.LevelClean {
		return nil, &episode.Problem{Code: "consent/not-scrubbed", Message: fmt.Sprintf("episode %s does not come from scrub: it has no local block or is not of level clean", e.ID),
			Hint: "pipe it through headrace scrub first"}
	}
	to := p.recipient(q.Recipient)
	if to == nil {
		return nil, p.unknownRecipient(q.Recipient)
	}
	if who := q.Preferences; who != nil && who.Developer != DeveloperOf(e) {
		return nil, fmt.Errorf("episode %s is not of the developer whose preferences came with it", e.ID)
	}
	return to, nil
}

// grant is what leaves where rule r decides: what it says, less what developer, text gate, identity and rights take away.
// None of them can raise what another left.
func (p *Policy) grant(d Decision, r *rule, f *facts, q Request) Decision {
	d.Rule, d.Approval, d.AuditShare, d.Level, d.Prose = r.name, r.approval, r.auditShare, r.level, r.prose
	switch {
	case d.Level.Rank() < episode.LevelAggregate.Rank():
		return d
	case !r.expires.IsZero() && !q.Now.Before(r.expires):
		return d.deny(NoticeExpired)
	case q.Preferences.refuses():
		return d.deny(NoticeDeveloper)
	case p.twoKeys && !q.Preferences.agrees():
		return d.deny(NoticeWaits)
	}
	d, purposes := q.Preferences.apply(d, r.purposes, f)
	if d.Level.Rank() < episode.LevelAggregate.Rank() {
		return d
	}
	if d.Level.Rank() > episode.LevelSignal.Rank() {
		if why := p.text.refuses(f.Repository, q.Audited); why != "" {
			d.Level, d.Prose, d.Notices = episode.LevelSignal, false, append(d.Notices, why)
		}
	}
	if f.e.Local.Unauthenticated {
		if proven := intersect(purposes, episode.PurposeEvaluate); len(proven) < len(purposes) {
			purposes, d.Notices = proven, append(d.Notices, NoticeUnauthenticated)
		}
	}
	level, allowed := d.Level, purposes
	for _, kind := range f.to.kinds {
		level, allowed = p.rights.Limit(level, f.origin, kind, allowed)
	}
	if level != d.Level || len(allowed) < len(purposes) {
		d.Notices = append(d.Notices, NoticeRights)
	}
	if d.Level = level; len(allowed) == 0 {
		d.Level = episode.LevelNone
		return d
	}
	d.Judges = slices.Contains(allowed, episode.PurposeEvaluate)
	if d.Level == episode.LevelAggregate {
		return d // reports leave, under terms of their own
	}
	region := r.region
	if region == "" {
		region = f.to.region
	}
	d.Terms = &episode.Terms{Purposes: allowed, Recipients: f.to.names, Region: region, RetentionDays: r.retentionDays, ExpiresAt: r.expires}
	return d
}

func (d Decision) deny(notice string) Decision {
	d.Level, d.Notices = episode.LevelNone, append(d.Notices, notice)
	return d
}

func intersect(purposes []episode.Purpose, only episode.Purpose) []episode.Purpose {
	if slices.Contains(purposes, only) {
		return []episode.Purpose{only}
	}
	return nil
}
