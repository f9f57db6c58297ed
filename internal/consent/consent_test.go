// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

var day = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// scrubbed is an episode as it comes from scrub.
func scrubbed() *episode.Episode {
	return &episode.Episode{SchemaVersion: "1.0", ID: "ep_1", StartedAt: day, Tool: episode.Tool{Name: "claude-code", Surface: "agent"},
		Model: episode.Model{Provider: "anthropic", Name: "claude-sonnet-4-5"}, Developer: "ada@alder.example", Repository: "git.alder.example/core",
		Privacy: &episode.Privacy{Level: episode.LevelClean, Scrubber: "headrace-scrub/2"},
		Local: &episode.Local{Repository: "git.alder.example/core", Developer: "ada@alder.example", Paths: []string{"pay/card.go"},
			Team: "payments", License: "MIT", Findings: map[string]int{"email": 2}}}
}

func demo() *episode.Episode {
	e := scrubbed()
	e.Model.Provider = "demo"
	return e
}

// textRule opens the gate before text for the repository of scrubbed, once a batch was audited.
const textRule = "text: {repositories: ['git.alder.example/*'], clean_batches: 1}\n"

const head = "version: 1\nrecipients:\n  - {name: maker, kind: maker}\n  - {name: us, kind: own}\nrules:\n"

func policy(t testing.TB, rules string) *Policy {
	t.Helper()
	p, err := DecodePolicy([]byte(head + rules + textRule))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decide(t testing.TB, p *Policy, e *episode.Episode, recipient string) Decision {
	t.Helper()
	d, err := p.Decide(e, Request{Recipient: recipient, Now: day, Audited: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rule1(when, level, more string) string {
	s := fmt.Sprintf("  - name: r%x\n    when: %q\n    level: %s\n", len(when)+len(level)*64, when, level)
	if level != "off" && level != "none" {
		s += "    purposes: [evaluate, finetune]\n    retention_days: 30\n"
	}
	return s + more
}

func TestStarterPolicyLetsEveryRecordLeaveAsSignalToEvaluate(t *testing.T) {
	p := Starter()
	for _, provider := range []string{"anthropic", "demo", "never-heard-of", ""} {
		e := scrubbed()
		e.Model.Provider = provider
		d := decide(t, p, e, p.Recipients()[0])
		if d.Level != episode.LevelSignal || !d.Leaves() || !cmp.Equal(d.Terms.Purposes, []episode.Purpose{"evaluate"}) || d.Approval != ApprovalSteward {
			t.Errorf("provider %q: %+v", provider, d)
		}
	}
}

func TestWithoutAFittingRuleNothingLeaves(t *testing.T) {
	p := policy(t, rule1("team == 'search'", "signal", ""))
	d := decide(t, p, scrubbed(), "maker")
	if d.Leaves() || d.Level != episode.LevelNone || !cmp.Equal(d.Notices, []string{NoticeNoRule}) {
		t.Errorf("%+v", d)
	}
}

func TestTheFirstRuleForTheRecipientThatFitsDecides(t *testing.T) {
	p := policy(t, rule1("repository.endsWith('/core')", "none", "    recipients: [maker]\n")+rule1("true", "clean", ""))
	if d := decide(t, p, demo(), "maker"); d.Leaves() {
		t.Errorf("maker: %+v", d)
	}
	if d := decide(t, p, demo(), "us"); d.Level != episode.LevelClean {
		t.Errorf("us: %+v", d)
	}
}

func TestRulesSeeEveryFactOfTheLocalBlock(t *testing.T) {
	for _, when := range []string{
		"repository == 'git.alder.example/core'", "developer.startsWith('ada@')", "team == 'payments'", "tool == 'claude-code'", "surface == 'agent'",
		"paths.exists(p, p.startsWith('pay/'))", "license == 'MIT'", "provider == 'anthropic'", "model.startsWith('claude')", "contract_class == ''",
		"time < timestamp('2026-04-01T00:00:00Z')", "findings['email'] == 2", "findings[?'jwt'].orValue(0) == 0", "!unauthenticated", "languages.size() == 0", "recipient == 'maker'", "recipient_kind == 'maker'", "recipient_region == ''",
	} {
		if d := decide(t, policy(t, rule1(when, "signal", "")), scrubbed(), "maker"); !d.Leaves() {
			t.Errorf("%s does not hold: %+v", when, d)
		}
	}
}

func TestOffIsAskedBeforeAnythingIsRecordedAndWinsOverEveryRule(t *testing.T) {
	p := policy(t, rule1("true", "signal", "")+rule1("repository.startsWith('git.alder.example/') && tool != 'demo'", "off", ""))
	if ok, err := p.Records(Facts{Tool: "codex", Repository: "git.alder.example/core"}); ok || err != nil {
		t.Errorf("recorded: %v, %v", ok, err)
	}
	if ok, err := p.Records(Facts{Tool: "codex", Repository: "elsewhere"}); !ok || err != nil {
		t.Errorf("not recorded: %v, %v", ok, err)
	}
	for within, want := range map[string]bool{"": false, "git.alder.example/core": false, "elsewhere": true} {
		if ok, err := p.RecordsWithin(Facts{Tool: "codex", Repository: within}); ok != want || err != nil {
			t.Errorf("within %q recorded: %v, %v", within, ok, err)
		}
	}
	if ok, err := policy(t, rule1("tool == 'demo'", "off", "")).RecordsWithin(Facts{Tool: "codex"}); !ok || err != nil {
		t.Errorf("where no rule reads it, not recorded: %v, %v", ok, err)
	}
	if d := decide(t, p, scrubbed(), "maker"); d.Level != episode.LevelOff || d.Leaves() {
		t.Errorf("%+v", d)
	}
}

func TestARuleThatCannotBeEvaluatedLetsNothingLeave(t *testing.T) {
	p := policy(t, rule1("findings['jwt'] == 0", "signal", ""))
	d, err := p.Decide(scrubbed(), Request{Recipient: "maker", Now: day})
	if err == nil || d.Leaves() {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestTheStricterOfRuleAndRightsHolds(t *testing.T) {
	p := policy(t, rule1("true", "clean", ""))
	d := decide(t, p, scrubbed(), "maker")
	if d.Level != episode.LevelSignal || !cmp.Equal(d.Terms.Purposes, []episode.Purpose{"evaluate"}) || !cmp.Equal(d.Notices, []string{NoticeRights}) {
		t.Errorf("a provider without a contract: %+v", d)
	}
	d = decide(t, p, demo(), "maker")
	if d.Level != episode.LevelClean || !cmp.Equal(d.Terms.Purposes, []episode.Purpose{"evaluate", "finetune"}) || d.Notices != nil {
		t.Errorf("the demo: %+v", d)
	}
	onlyFinetune := strings.Replace(rule1("true", "clean", ""), "evaluate, ", "", 1)
	if d = decide(t, policy(t, onlyFinetune), scrubbed(), "maker"); d.Leaves() {
		t.Errorf("no purpose is left, yet it leaves: %+v", d)
	}
}

func TestMaskedLeavesWithoutProseUnlessTheRuleSaysSo(t *testing.T) {
	for more, prose := range map[string]bool{"": false, "    prose: true\n": true} {
		d := decide(t, policy(t, rule1("true", "masked", more)), demo(), "maker")
		if d.Level != episode.LevelMasked || d.Prose != prose || len(d.Notices) > 0 {
			t.Errorf("%q: %+v", more, d)
		}
	}
	if _, err := DecodePolicy([]byte(head + rule1("true", "clean", "    prose: true\n"))); err == nil {
		t.Error("prose at level clean is taken for something")
	}
}

func TestUnprovenIdentityIsNotForTraining(t *testing.T) {
	e := demo()
	e.Local.Unauthenticated = true
	d := decide(t, policy(t, rule1("true", "signal", "")), e, "maker")
	if !cmp.Equal(d.Terms.Purposes, []episode.Purpose{"evaluate"}) || !cmp.Equal(d.Notices, []string{NoticeUnauthenticated}) {
		t.Errorf("%+v", d)
	}
}

func TestAnExpiredRuleLetsNothingLeave(t *testing.T) {
	p := policy(t, rule1("true", "signal", "    expires: 2026-03-14\n"))
	if d := decide(t, p, demo(), "maker"); d.Leaves() || !cmp.Equal(d.Notices, []string{NoticeExpired}) {
		t.Errorf("%+v", d)
	}
	p = policy(t, rule1("true", "signal", "    expires: 2026-03-15\n"))
	if d := decide(t, p, demo(), "maker"); !d.Leaves() || !d.Terms.ExpiresAt.Equal(time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", d)
	}
}

func TestTermsNameOnlyTheOneRecipient(t *testing.T) {
	d := decide(t, policy(t, rule1("true", "signal", "")), demo(), "us")
	if diff := cmp.Diff(&episode.Terms{Purposes: []episode.Purpose{"evaluate", "finetune"}, Recipients: []string{"us"}, RetentionDays: 30}, d.Terms); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDoesNotComeFromScrubIsRefused(t *testing.T) {
	raw, leftover := scrubbed(), scrubbed()
	raw.Privacy = nil
	leftover.Local = nil
	for _, e := range []*episode.Episode{raw, leftover} {
		if _, err := Starter().Decide(e, Request{Recipient: "tool-maker", Now: day}); !errors.Is(err, &episode.Problem{Code: "consent/not-scrubbed"}) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := Starter().Decide(scrubbed(), Request{Recipient: "stranger", Now: day}); !errors.Is(err, &episode.Problem{Code: "consent/unknown-recipient"}) {
		t.Errorf("got %v", err)
	}
}

func TestAPolicyErrorNamesLineKeyAndWhatIsAllowed(t *testing.T) {
	for name, c := range map[string]struct{ policy, want string }{
		"unknown key":        {head + "  - name: a\n    wehn: \"true\"\n", `line 7: unknown key "wehn"; a rule has: approval, audit_share, expires, level, name, prose, purposes, recipients, region, retention_days, when`},
		"unknown top key":    {"versoin: 1\n", `line 1: unknown key "versoin"; a policy has: counts, explore, recipients, releases, rules, text, two_keys, version`},
		"typo in CEL":        {head + rule1("repositry == 'x'", "signal", ""), `line 7: rule "r190": when "repositry == 'x'": at column 1: undeclared reference to 'repositry'`},
		"not a condition":    {head + rule1("tool", "signal", ""), `not true or false`},
		"off sees no path":   {head + rule1("paths.size() > 0", "off", ""), `undeclared reference to 'paths'`},
		"level":              {head + rule1("true", "signals", ""), `level is "signals"; allowed: off, none, aggregate, signal, masked, clean`},
		"recipient":          {head + rule1("true", "signal", "    recipients: [them]\n"), `there is no recipient "them"; recipients lists: maker, us`},
		"for nobody":         {head + rule1("true", "signal", "    recipients: []\n"), `recipients is an empty list`},
		"for whom":           {head + rule1("true", "signal", "    recipients:\n"), `"recipients" has no value`},
		"two keys":           {"two_keys:\n" + head, `"two_keys" has no value`},
		"much by chance":     {"explore: 0.5\n" + head + rule1("true", "none", ""), `explore is 0.5; it is a share between 0 and 0.2`},
		"counts of no time":  {"counts: {epsilon: 1}\n" + head + rule1("true", "none", ""), `period is ""; allowed: month, week`},
		"counts as they are": {"counts: {period: month, epsilon: 0}\n" + head + rule1("true", "none", ""), `epsilon is 0; it is the privacy loss of a period, from 0.01 to 10`},
		"counts for ever":    {"counts: {period: month, budget: 0.5}\n" + head + rule1("true", "none", ""), `budget is 0.5; it is the privacy loss of all periods together`},
		"counts by whom":     {"counts: {period: month, developer: ada}\n" + head + rule1("true", "none", ""), `unknown key "developer"; counts has: budget, epsilon, period`},
		"purpose":            {head + "  - {name: a, when: 'true', level: signal, purposes: [train], retention_days: 1}\n", `purposes is "train"; allowed: evaluate, reward, finetune, distil`},
		"how long":           {head + "  - {name: a, when: 'true', level: signal, purposes: [evaluate]}\n", `give retention_days or expires`},
		"terms for none":     {head + "  - {name: a, when: 'true', level: none, purposes: [evaluate]}\n", `nothing leaves at level none`},
		"type":               {head + "  - {name: a, when: 'true', level: signal, purposes: [evaluate], retention_days: soon}\n", `line 6: `},
		"twice":              {"version: 1\nversion: 1\n", "version"},
		"not YAML":           {"version: [1\n", "line 1"},
		"empty":              {"", "one YAML document"},
		"list":               {"- a\n", "a policy is a mapping"},
		"tag":                {head + "  - name: a\n    when: 'true'\n    level: signal\n    purposes: !x\n0", `line 9: tags, anchors and aliases are not taken here`},
		"alias":              {"version: &v 1\nrecipients: *v\nrules: []\n", `line 1: tags, anchors and aliases`},
		"version":            {strings.Replace(head, "1", "2", 1) + rule1("true", "none", ""), "version is 2"},
		"same name":          {head + rule1("true", "none", "") + rule1("true", "none", ""), "a name of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodePolicy([]byte(c.policy))
			p, ok := errors.AsType[*episode.Problem](err)
			if !ok || p.Code != "consent/policy" || p.Hint == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func FuzzDecodePolicy(f *testing.F) {
	f.Add([]byte(head + rule1("team == 'x'", "signal", "")))
	f.Add([]byte("version: 1\nrecipients: &a [*a]\nrules: {<<: 1}\n---\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePolicy(b)
		if err != nil {
			return
		}
		for _, r := range slices.Concat(p.off, p.rules) {
			sameAsCEL(t, r, factsOf(scrubbed(), &p.recipients[0]))
		}
		for _, r := range p.Recipients() {
			if d, err := p.Decide(scrubbed(), Request{Recipient: r, Now: day}); err != nil && d.Leaves() {
				t.Errorf("an error (%v) lets a record leave", err)
			}
		}
	})
}
