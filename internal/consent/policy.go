// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/goccy/go-yaml/ast"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/rights"
	"github.com/headrace/headrace/spec"
)

// Policy says what may leave to whom. It is read-only and safe for concurrent use.
//
// Rules are tried in the file's order; the first that names the recipient and whose condition is true decides. Rules of
// level off are the exception: they are asked first and at capture, so they may use only what is known then.
type Policy struct {
	source     string // the file
	digest     string
	recipients []recipient
	off        []*rule
	rules      []*rule
	rights     *rights.Table
	text       *textGate // nil: no text leaves
	twoKeys    bool
	releases   []ReleaseRule
	explore    float64
	counts     *Counts // nil: none are told
	firstRule  int     // the line of source on which it begins
}

// recipient is somebody to whom records may go.
type recipient struct {
	name, kind, region string
	names              []string // as terms list them: its own, then those that it may pass records on to
	kinds              []string // of these: what leaves must be right for all
	rules              []*rule  // those that name it
}

// Digest names the policy file by its content.
func (p *Policy) Digest() string { return p.digest }

// Source is the policy file as it was read.
func (p *Policy) Source() string { return p.source }

// TwoKeys reports whether each record needs its developer's yes, too.
func (p *Policy) TwoKeys() bool { return p.twoKeys }

// MaxExplore is the largest share of decisions that may be left to chance.
const MaxExplore = 0.2

// Explore is the share of the decisions of releases that chance makes, so that what would have come of the others can be
// learned: 0 where the policy does not say.
func (p *Policy) Explore() float64 { return p.explore }

// Recipients returns the names of the recipients, in the file's order.
func (p *Policy) Recipients() []string {
	var names []string
	for _, r := range p.recipients {
		names = append(names, r.name)
	}
	return names
}

func (p *Policy) recipient(name string) *recipient {
	for i := range p.recipients {
		if p.recipients[i].name == name {
			return &p.recipients[i]
		}
	}
	return nil
}

// Starter returns the policy to start from, spec/examples/policy.yaml: all as signal, to evaluate, to one recipient.
func Starter() *Policy {
	p, err := DecodePolicy([]byte(spec.StarterPolicy))
	if err != nil {
		panic(err) // embedded, and read by the tests
	}
	return p
}

// ReadPolicy reads the policy file at path.
func ReadPolicy(path string) (*Policy, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &episode.Problem{Code: codePolicy, Message: "read policy", Err: err, Hint: "give the policy with --policy FILE; spec/examples/policy.yaml is one to start from"}
	}
	p, err := DecodePolicy(b)
	return p, inFile(path, err)
}

const codePolicy = "consent/policy"

// DecodePolicy reads a policy. Each error says the line, what is wrong there and what is allowed.
func DecodePolicy(b []byte) (*Policy, error) {
	p, err := decodePolicy(b)
	if err != nil {
		return nil, kindOfFile{"policy", codePolicy, "spec/examples/policy.yaml is a policy that works"}.problem(err)
	}
	return p, nil
}

func decodePolicy(b []byte) (*Policy, error) {
	table, err := rights.Shipped()
	if err != nil {
		return nil, err
	}
	p := &Policy{source: string(b), digest: episode.Digest(b), rights: table}
	var version int
	var recipients, rules, text, releases, counts ast.Node
	err = document(b, "a policy", map[string]any{"version": &version, "recipients": &recipients, "rules": &rules, "text": &text, "two_keys": &p.twoKeys, "explore": &p.explore, "releases": &releases, "counts": &counts})
	if err != nil {
		return nil, err
	}
	if !(p.explore >= 0 && p.explore <= MaxExplore) {
		return nil, mistakef(nil, "explore is %v; it is a share between 0 and %v, such as 0.02", p.explore, MaxExplore)
	}
	if version != 1 {
		return nil, mistakef(nil, "version is %d; this program reads version 1", version)
	}
	if err := each(recipients, "recipients", p.addRecipient); err != nil {
		return nil, err
	}
	for _, r := range p.recipients {
		for _, name := range r.names[1:] {
			if to := p.recipient(name); to != nil && r.region != "" && to.region != "" && r.region != to.region {
				return nil, mistakef(recipients, "recipient %q is in %q, and may not pass on to %q, which is in %q", r.name, r.region, name, to.region)
			}
		}
	}
	if releases != nil {
		if err := each(releases, "releases", p.addReleaseRule); err != nil {
			return nil, err
		}
	}
	if counts != nil {
		if p.counts, err = readCounts(counts); err != nil {
			return nil, err
		}
	}
	if text != nil {
		if p.text, err = readTextGate(text); err != nil {
			return nil, err
		}
	}
	c, err := newCompiler(p)
	if err != nil {
		return nil, err
	}
	if err := each(rules, "rules", c.addRule); err != nil {
		return nil, err
	}
	p.firstRule = lineOf(rules)
	p.arrange()
	return p, nil
}

// arrange sorts the rules by recipient, and finds out of which kinds those are to whom its records come.
func (p *Policy) arrange() {
	for i := range p.recipients {
		to := &p.recipients[i]
		to.kinds = []string{to.kind}
		for _, name := range to.names[1:] {
			kind := rights.Maker // what a recipient counts as of whom the policy does not say
			if r := p.recipient(name); r != nil {
				kind = r.kind
			}
			if !slices.Contains(to.kinds, kind) {
				to.kinds = append(to.kinds, kind)
			}
		}
		for _, r := range p.rules {
			if slices.Contains(r.recipients, to.name) {
				to.rules = append(to.rules, r)
			}
		}
	}
}

func (p *Policy) addRecipient(n ast.Node) error {
	var r recipient
	var onward []string
	if err := mapping(n, "a recipient", map[string]any{"name": &r.name, "kind": &r.kind, "region": &r.region, "passes_on": &onward}); err != nil {
		return err
	}
	if r.name == "" || p.recipient(r.name) != nil {
		return mistakef(n, "each recipient has a name of its own (%q)", r.name)
	}
	if err := oneOf(n, "kind", r.kind, rights.Own, rights.Maker); err != nil {
		return err
	}
	if slices.Contains(onward, r.name) || slices.Contains(onward, "") || len(slices.Compact(slices.Sorted(slices.Values(onward)))) < len(onward) {
		return mistakef(n, "recipient %q: passes_on names each of the others once to whom it may pass records on", r.name)
	}
	r.names = append([]string{r.name}, onward...)
	p.recipients = append(p.recipients, r)
	return nil
}

func (p *Policy) unknownRecipient(name string) error {
	return &episode.Problem{Code: "consent/unknown-recipient", Message: fmt.Sprintf("the policy has no recipient %q", name),
		Hint: "it knows: " + strings.Join(p.Recipients(), ", ")}
}

// compiler adds rules to a policy.
type compiler struct {
	p               *Policy
	capture, record *cel.Env
	names           map[string]bool
}

func newCompiler(p *Policy) (*compiler, error) {
	capture, err := cel.NewEnv(captureVars()...)
	if err != nil {
		return nil, err
	}
	record, err := cel.NewEnv(recordVars()...)
	return &compiler{p, capture, record, map[string]bool{}}, err
}

func (c *compiler) addRule(n ast.Node) error {
	var (
		r                  rule
		level, expires, ok string
		when               ast.Node
	)
	err := mapping(n, "a rule", map[string]any{"name": &r.name, "when": &when, "level": &level, "purposes": &r.purposes, "recipients": &r.recipients,
		"region": &r.region, "retention_days": &r.retentionDays, "expires": &expires, "approval": &ok, "prose": &r.prose, "audit_share": &r.auditShare})
	if err != nil {
		return err
	}
	if r.name == "" || c.names[r.name] {
		return mistakef(n, "each rule has a name of its own (%q)", r.name)
	}
	c.names[r.name] = true
	if when == nil {
		return mistakef(n, "rule %q has no \"when\": write when: \"true\" for one that always fits", r.name)
	}
	if err := value(when, &r.condition); err != nil {
		return err
	}
	if err := oneOf(n, "level", level, levelNames()...); err != nil {
		return err
	}
	r.level = episode.Level(level)
	if r.prose && r.level != episode.LevelMasked {
		return mistakef(n, "rule %q: prose is for level masked; clean has it, and below there is none", r.name)
	}
	if err := c.terms(n, &r, expires, ok); err != nil {
		return err
	}
	env, names := c.record, recordNames()
	if r.level == episode.LevelOff {
		env, names = c.capture, captureNames()
	}
	if err := r.compile(env); err != nil {
		m := mistakef(when, "rule %q: when %q: %v", r.name, r.condition, err)
		m.hint = "a rule of level " + level + " may use: " + strings.Join(names, ", ")
		return m
	}
	if r.level == episode.LevelOff {
		c.p.off = append(c.p.off, &r)
	} else {
		c.p.rules = append(c.p.rules, &r)
	}
	return nil
}

// terms checks what a rule grants: all of it where something leaves, nothing where nothing does.
func (c *compiler) terms(n ast.Node, r *rule, expires, approval string) error {
	for _, name := range r.recipients {
		if c.p.recipient(name) == nil {
			return mistakef(n, "rule %q: there is no recipient %q; recipients lists: %s", r.name, name, strings.Join(c.p.Recipients(), ", "))
		}
	}
	leaves := r.level.Rank() > episode.LevelNone.Rank()
	if !leaves && (len(r.purposes) > 0 || r.region != "" || r.retentionDays != 0 || expires != "" || approval != "" || r.auditShare != 0) ||
		r.level == episode.LevelOff && len(r.recipients) > 0 {
		return mistakef(n, "rule %q: nothing leaves at level %s, so it has no terms to give", r.name, r.level)
	}
	if r.recipients != nil && len(r.recipients) == 0 {
		return mistakef(n, "rule %q: recipients is an empty list: name one or more, or take the key out for all", r.name)
	}
	if len(r.recipients) == 0 {
		r.recipients = c.p.Recipients()
	}
	for _, name := range r.recipients {
		for _, name := range c.p.recipient(name).names { // to whom it may pass on, too
			if to := c.p.recipient(name); to != nil && r.region != "" && to.region != "" && r.region != to.region {
				return mistakef(n, "rule %q: region is %q, but recipient %q is in %q", r.name, r.region, name, to.region)
			}
		}
	}
	if !leaves {
		return nil
	}
	if len(r.purposes) == 0 {
		return mistakef(n, "rule %q names no purposes: evaluate, reward, finetune, distil", r.name)
	}
	if err := purposesIn(n, r.purposes); err != nil {
		return err
	}
	if approval == "" {
		approval = string(ApprovalSteward)
	}
	if err := oneOf(n, "approval", approval, string(ApprovalAuto), string(ApprovalSteward)); err != nil {
		return err
	}
	r.approval = Approval(approval)
	if !(r.auditShare >= 0 && r.auditShare <= 1) || r.auditShare > 0 && r.approval != ApprovalAuto {
		return mistakef(n, "rule %q: audit_share is the share, from 0 to 1, of what approval: auto lets go that a person looks at all the same", r.name)
	}
	if r.retentionDays < 0 || r.retentionDays == 0 && expires == "" {
		return mistakef(n, "rule %q says not how long the recipient may keep it: give retention_days or expires", r.name)
	}
	if expires != "" {
		day, err := time.Parse(time.DateOnly, expires)
		if err != nil {
			return mistakef(n, "rule %q: expires is a day such as 2027-12-31, not %q", r.name, expires)
		}
		r.expires = day
	}
	return nil
}

// inFile names the file in an error about what it holds.
func inFile(path string, err error) error {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		p.Message = path + ": " + p.Message
	}
	return err
}

func levelNames() []string {
	var names []string
	for _, l := range episode.Levels() {
		names = append(names, string(l))
	}
	return names
}
