// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// randomPolicy is one that can be changed and written down again.
type randomPolicy struct {
	recipients []randomRecipient
	rules      []randomRule
	text       string // flow YAML, or empty
	twoKeys    bool
}

type randomRecipient struct {
	name, kind, region string
	onward             string // a flow sequence
}

type randomRule struct {
	name, when, level, approval, region, expires, share string
	purposes, recipients                                []string
	days                                                int
	prose                                               bool
}

func (p randomPolicy) yaml() string {
	var s strings.Builder
	s.WriteString("version: 1\nrecipients:\n")
	for _, r := range p.recipients {
		fmt.Fprintf(&s, "  - {name: %s, kind: %s, region: %q, passes_on: [%s]}\n", r.name, r.kind, r.region, r.onward)
	}
	s.WriteString("rules:\n")
	for _, r := range p.rules {
		fmt.Fprintf(&s, "  - name: %s\n    when: %q\n    level: %s\n", r.name, r.when, r.level)
		if len(r.recipients) > 0 && r.level != "off" {
			fmt.Fprintf(&s, "    recipients: [%s]\n", strings.Join(r.recipients, ", "))
		}
		if r.level == "off" || r.level == "none" {
			continue
		}
		fmt.Fprintf(&s, "    purposes: [%s]\n    approval: %s\n    region: %q\n    retention_days: %d\n", strings.Join(r.purposes, ", "), r.approval, r.region, r.days)
		if r.share != "" && r.approval == "auto" {
			fmt.Fprintf(&s, "    audit_share: %s\n", r.share)
		}
		if r.expires != "" {
			fmt.Fprintf(&s, "    expires: %s\n", r.expires)
		}
		if r.prose && r.level == "masked" {
			s.WriteString("    prose: true\n")
		}
	}
	if p.text != "" {
		fmt.Fprintf(&s, "text: %s\n", p.text)
	}
	fmt.Fprintf(&s, "two_keys: %v\n", p.twoKeys)
	return s.String()
}

func (p randomPolicy) decode(t *rapid.T) *Policy {
	got, err := DecodePolicy([]byte(p.yaml()))
	if err != nil {
		t.Fatalf("%v\n%s", err, p.yaml())
	}
	return got
}

func one(t *rapid.T, label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

// some draws a part of the list in its order; least is how many at least.
func some(t *rapid.T, label string, least int, from ...string) []string {
	var out []string
	for i, x := range from {
		if len(from)-i <= least-len(out) || rapid.Bool().Draw(t, label) {
			out = append(out, x)
		}
	}
	return out
}

func anyPolicy(t *rapid.T) randomPolicy {
	p := randomPolicy{recipients: []randomRecipient{{name: "maker", kind: "maker"}, {name: "us", kind: "own", onward: one(t, "onward", "", "", "maker", "other")}}, twoKeys: rapid.IntRange(0, 4).Draw(t, "keys") == 0,
		text: anyText(t)}
	for i := range rapid.IntRange(1, 5).Draw(t, "rules") {
		p.rules = append(p.rules, anyRule(t, fmt.Sprintf("r%d", i)))
	}
	return p
}

func anyText(t *rapid.T) string {
	return one(t, "text", "", "{repositories: ['a/*'], clean_batches: 2}", "{repositories: ['a/*', 'b/**'], clean_batches: 2}", "{repositories: ['**'], clean_batches: 1}")
}

func anyRule(t *rapid.T, name string) randomRule {
	return randomRule{name: name, level: one(t, "level", "off", "none", "aggregate", "signal", "signal", "masked", "clean"),
		when: one(t, "when", "true", "true", "team == 'x'", "repository.startsWith('a/')", "tool == 'codex' || developer == 'ada'",
			// Of these, some need facts of the record's own and some cannot be evaluated; a rule of level off gets none of them.
			"tool in ['codex', 'cursor'] && team != 'x'"),
		purposes: some(t, "purpose", 1, "evaluate", "reward", "finetune", "distil"), recipients: some(t, "recipient", 0, "maker", "us"),
		approval: one(t, "approval", "auto", "steward"), share: one(t, "share", "", "0.02", "0.5"), region: one(t, "region", "", "eu", "us"), days: rapid.IntRange(1, 3).Draw(t, "days") * 30,
		expires: one(t, "expires", "", "2026-03-01", "2027-01-01", "2028-01-01"), prose: rapid.Bool().Draw(t, "prose")}.orOfTheRecord(t)
}

// orOfTheRecord gives rules that are not of level off a condition on the record's own facts, at times.
func (r randomRule) orOfTheRecord(t *rapid.T) randomRule {
	if r.level != "off" && rapid.Bool().Draw(t, "own facts") {
		r.when = one(t, "own when", "findings.size() == 0", "findings['jwt'] == 0", "team == 'x' && findings['jwt'] > 1", "paths.exists(p, p.startsWith('pay/'))",
			"time < timestamp('2026-03-15T00:00:00Z') && license == 'MIT'", "languages.exists(l, l == 'go') || paths.size() > 1", "recipient == 'us'", "languages[0] == 'go'",
			"unauthenticated && recipient_kind == 'maker'", "provider == 'demo' ? paths.size() > 0 : team == 'x'")
	}
	return r
}

func anyRecord(t *rapid.T) *episode.Episode {
	e := scrubbed()
	e.Model.Provider = one(t, "provider", "demo", "anthropic", "")
	if rapid.Bool().Draw(t, "origin") {
		e.Origin = &episode.Origin{Provider: one(t, "of", "", "meta", "demo"), ContractClass: one(t, "class", "", "open-license")}
	}
	e.Repository, e.Developer, e.Languages = "", "", some(t, "language", 0, "c", "go")
	e.Tool.Name = one(t, "tool", "codex", "cursor", "claude-code")
	e.StartedAt = day.AddDate(0, 0, rapid.IntRange(-2, 2).Draw(t, "day"))
	e.Local = &episode.Local{Repository: one(t, "repository", "", "a/one", "b/two", "b/c/three"), Developer: one(t, "developer", "ada", "grace"), Team: one(t, "team", "x", "y"),
		License: one(t, "license", "", "MIT"), Paths: some(t, "path", 0, "pay/card.go", "doc.md"), Unauthenticated: rapid.IntRange(0, 3).Draw(t, "proven") == 0,
		Findings: map[string]int{}}
	if rapid.Bool().Draw(t, "found") {
		e.Local.Findings["jwt"] = rapid.IntRange(0, 2).Draw(t, "jwt")
	}
	return e
}

func anyRequest(t *rapid.T) Request {
	return Request{Recipient: one(t, "for", "maker", "us"), Now: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC).AddDate(rapid.IntRange(0, 2).Draw(t, "year"), 0, 0),
		Audited: rapid.IntRange(0, 3).Draw(t, "audited")}
}

func anyPreferences(t *rapid.T, developer string) *Preferences {
	if rapid.IntRange(0, 3).Draw(t, "silent") == 0 {
		return nil
	}
	says := "version: 1\ndeveloper: " + developer + "\n" + one(t, "agree", "", "agree: true\n", "agree: true\n", "agree: false\n")
	if rapid.Bool().Draw(t, "limited") {
		says += "limits:\n"
		for range rapid.IntRange(1, 2).Draw(t, "limits") {
			says += fmt.Sprintf("  - {tool: %q, repository: %q, level: %s%s}\n", one(t, "on tool", "", "codex"), one(t, "on repository", "", "a/*", "**"),
				one(t, "at most", "none", "aggregate", "signal", "masked", "clean"), one(t, "only for", "", ", purposes: [evaluate]", ", purposes: [finetune]", ", approval: steward", ", approval: developer"))
		}
	}
	p, err := DecodePreferences([]byte(says))
	if err != nil {
		t.Fatalf("%v\n%s", err, says)
	}
	return p
}

// looser says in what respect the second decision lets more leave than the first, or nothing.
func looser(was, is Decision) string {
	if is.Level.Rank() > was.Level.Rank() {
		return "a higher level"
	}
	if was.Ask && !is.Ask && is.Level.Rank() > episode.LevelNone.Rank() {
		return "the developer is not asked any more"
	}
	if was.Approval == ApprovalAuto && is.Approval == ApprovalAuto && is.AuditShare < was.AuditShare && is.Level.Rank() > episode.LevelNone.Rank() {
		return "fewer are looked at"
	}
	if was.Approval == ApprovalSteward && is.Approval == ApprovalAuto && is.Level.Rank() > episode.LevelNone.Rank() {
		return "nobody looks any more"
	}
	if !is.Leaves() {
		return ""
	}
	switch {
	case !was.Leaves():
		return "it leaves"
	case is.Level == episode.LevelMasked && is.Prose && was.Level == episode.LevelMasked && !was.Prose:
		return "prose"
	case slices.ContainsFunc(is.Terms.Purposes, func(p episode.Purpose) bool { return !slices.Contains(was.Terms.Purposes, p) }):
		return "more purposes"
	case slices.ContainsFunc(is.Terms.Recipients, func(r string) bool { return !slices.Contains(was.Terms.Recipients, r) }):
		return "more recipients"
	case was.Terms.RetentionDays > 0 && (is.Terms.RetentionDays == 0 || is.Terms.RetentionDays > was.Terms.RetentionDays):
		return "kept longer"
	case !was.Terms.ExpiresAt.IsZero() && (is.Terms.ExpiresAt.IsZero() || is.Terms.ExpiresAt.After(was.Terms.ExpiresAt)):
		return "expires later"
	case was.Terms.Region != "" && is.Terms.Region != was.Terms.Region:
		return "another region"
	}
	return ""
}
