// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/spec"
)

// Policy says what may leave to whom. It is read-only and safe for concurrent use.
//
// Rules are tried in the file's order; the first that names the recipient and whose condition is true decides. Rules of
// level off are the exception: they are asked first and at capture, so they may use only what is known then.
type Policy struct {
	digest     string
	recipients []string
	kinds      map[string]string // recipient → own or maker
	off        []*rule
	rules      []*rule
	rights     rights
}

// Digest names the policy file by its content.
func (p *Policy) Digest() string { return p.digest }

// Recipients returns the names of the recipients, in the file's order.
func (p *Policy) Recipients() []string { return slices.Clone(p.recipients) }

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
	if err != nil {
		if q, ok := errors.AsType[*episode.Problem](err); ok {
			q.Message = path + ": " + q.Message
		}
		return nil, err
	}
	return p, nil
}

// DecodePolicy reads a policy. Each error says the line, what is wrong there and what is allowed.
func DecodePolicy(b []byte) (*Policy, error) {
	rights, err := parseRights(spec.Rights)
	if err != nil {
		return nil, err
	}
	p := &Policy{digest: episode.Digest(b), kinds: map[string]string{}, rights: rights}
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, yamlProblem(err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, policyProblem(1, "a policy is one YAML document with version, recipients and rules")
	}
	var version int
	var recipients, rules ast.Node
	err = mapping(f.Docs[0].Body, "a policy", map[string]any{"version": &version, "recipients": &recipients, "rules": &rules})
	if err != nil {
		return nil, err
	}
	if version != 1 {
		return nil, policyProblem(1, "version is %d; this program reads version 1", version)
	}
	if err := each(recipients, "recipients", p.addRecipient); err != nil {
		return nil, err
	}
	c, err := newCompiler(p)
	if err != nil {
		return nil, err
	}
	return p, each(rules, "rules", c.addRule)
}

func (p *Policy) addRecipient(n ast.Node) error {
	var name, kind string
	if err := mapping(n, "a recipient", map[string]any{"name": &name, "kind": &kind}); err != nil {
		return err
	}
	if name == "" || p.kinds[name] != "" {
		return policyProblem(line(n), "each recipient has a name of its own (%q)", name)
	}
	if err := oneOf(n, "kind", kind, "own", "maker"); err != nil {
		return err
	}
	p.kinds[name] = kind
	p.recipients = append(p.recipients, name)
	return nil
}

func (p *Policy) unknownRecipient(name string) error {
	return &episode.Problem{Code: "consent/unknown-recipient", Message: fmt.Sprintf("the policy has no recipient %q", name),
		Hint: "it knows: " + strings.Join(p.recipients, ", ")}
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
		r                        rule
		when, level, expires, ok string
		whenNode                 ast.Node
	)
	err := mapping(n, "a rule", map[string]any{"name": &r.name, "when": &whenNode, "level": &level, "purposes": &r.purposes, "recipients": &r.recipients,
		"region": &r.region, "retention_days": &r.retentionDays, "expires": &expires, "approval": &ok, "prose": &r.prose})
	if err != nil {
		return err
	}
	if r.name == "" || c.names[r.name] {
		return policyProblem(line(n), "each rule has a name of its own (%q)", r.name)
	}
	c.names[r.name] = true
	if whenNode == nil {
		return policyProblem(line(n), "rule %q has no \"when\": write when: \"true\" for one that always fits", r.name)
	}
	if err := value(whenNode, &when); err != nil {
		return err
	}
	if err := oneOf(n, "level", level, levelNames()...); err != nil {
		return err
	}
	r.level = episode.Level(level)
	if r.prose && r.level != episode.LevelMasked {
		return policyProblem(line(n), "rule %q: prose is for level masked; clean has it, and below there is none", r.name)
	}
	if err := c.terms(n, &r, expires, ok); err != nil {
		return err
	}
	env, names := c.record, recordNames
	if r.level == episode.LevelOff {
		env, names = c.capture, captureNames
	}
	if r.when, err = compile(env, when); err != nil {
		p := policyProblem(line(whenNode), "rule %q: when %q: %v", r.name, when, err)
		p.Hint = "a rule of level " + level + " may use: " + names
		return p
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
		if c.p.kinds[name] == "" {
			return policyProblem(line(n), "rule %q: there is no recipient %q; recipients lists: %s", r.name, name, strings.Join(c.p.recipients, ", "))
		}
	}
	leaves := r.level.Rank() > episode.LevelNone.Rank()
	if !leaves && (len(r.purposes) > 0 || r.region != "" || r.retentionDays != 0 || expires != "" || approval != "") ||
		r.level == episode.LevelOff && len(r.recipients) > 0 {
		return policyProblem(line(n), "rule %q: nothing leaves at level %s, so it has no terms to give", r.name, r.level)
	}
	if len(r.recipients) == 0 {
		r.recipients = c.p.recipients
	}
	if !leaves {
		return nil
	}
	if len(r.purposes) == 0 {
		return policyProblem(line(n), "rule %q names no purposes: evaluate, reward, finetune, distil", r.name)
	}
	for _, p := range r.purposes {
		if err := oneOf(n, "purposes", string(p), "evaluate", "reward", "finetune", "distil"); err != nil {
			return err
		}
	}
	if approval == "" {
		approval = string(ApprovalSteward)
	}
	if err := oneOf(n, "approval", approval, string(ApprovalAuto), string(ApprovalSteward)); err != nil {
		return err
	}
	r.approval = Approval(approval)
	if r.retentionDays < 0 || r.retentionDays == 0 && expires == "" {
		return policyProblem(line(n), "rule %q says not how long the recipient may keep it: give retention_days or expires", r.name)
	}
	if expires != "" {
		day, err := time.Parse(time.DateOnly, expires)
		if err != nil {
			return policyProblem(line(n), "rule %q: expires is a day such as 2027-12-31, not %q", r.name, expires)
		}
		r.expires = day
	}
	return nil
}

const codePolicy = "consent/policy"

func policyProblem(line int, format string, a ...any) *episode.Problem {
	return &episode.Problem{Code: codePolicy, Message: fmt.Sprintf("policy line %d: %s", line, fmt.Sprintf(format, a...)),
		Hint: "spec/examples/policy.yaml is a policy that works"}
}

// mapping reads a YAML mapping into fields by key: a pointer to decode into, or an *ast.Node to take as it is.
func mapping(n ast.Node, what string, fields map[string]any) error {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return policyProblem(line(n), "%s is a mapping of key: value", what)
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	seen := map[string]bool{}
	for _, kv := range m.Values {
		key := kv.Key.GetToken().Value
		dst, known := fields[key]
		if !known {
			return policyProblem(line(kv.Key), "unknown key %q; %s has: %s", key, what, allowed)
		}
		if seen[key] {
			return policyProblem(line(kv.Key), "key %q is there twice", key)
		}
		seen[key] = true
		if node, ok := dst.(*ast.Node); ok {
			*node = kv.Value
		} else if err := value(kv.Value, dst); err != nil {
			return err
		}
	}
	return nil
}

func each(n ast.Node, what string, add func(ast.Node) error) error {
	s, ok := n.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		return policyProblem(line(n), "%s is a list of one or more", what)
	}
	for _, item := range s.Values {
		if err := add(item); err != nil {
			return err
		}
	}
	return nil
}

func value(n ast.Node, dst any) error {
	if err := yaml.NodeToValue(n, dst, yaml.Strict()); err != nil {
		return yamlProblem(err)
	}
	return nil
}

// yamlProblem takes the line and the first sentence from the YAML package's error.
func yamlProblem(err error) error {
	at := 1
	msg, _, _ := strings.Cut(err.Error(), "\n")
	if y, ok := errors.AsType[yaml.Error](err); ok {
		msg = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			at = t.Position.Line
		}
	}
	return policyProblem(at, "%s", msg)
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func oneOf(n ast.Node, key, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return policyProblem(line(n), "%s is %q; allowed: %s", key, got, strings.Join(allowed, ", "))
}

func levelNames() []string {
	var names []string
	for _, l := range episode.Levels() {
		names = append(names, string(l))
	}
	return names
}
