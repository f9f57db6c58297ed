// SPDX-License-Identifier: Apache-2.0

package spec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// tried is a record for the example policies to decide about.
type tried struct {
	what string
	of   func(*episode.Episode)
}

func records() []tried {
	in := func(repository string) func(*episode.Episode) {
		return func(e *episode.Episode) { e.Local.Repository = "git.alder-bank.example/" + repository }
	}
	also := func(fs ...func(*episode.Episode)) func(*episode.Episode) {
		return func(e *episode.Episode) {
			for _, f := range fs {
				f(e)
			}
		}
	}
	open := func(e *episode.Episode) {
		e.Local.License = "MIT"
		e.Origin = &episode.Origin{Provider: "meta", ContractClass: "open-license"}
	}
	return []tried{
		{"an edit in payments", in("payments")},
		{"an edit in the vault", in("vault/keys")},
		{"an edit by incident response", also(in("payments"), func(e *episode.Episode) { e.Local.Team = "incident-response" })},
		{"an edit in which a token was found", also(in("payments"), func(e *episode.Episode) { e.Local.Findings = map[string]int{"jwt": 1} })},
		{"an edit in oss/mill, by an open model", also(in("oss/mill"), open)},
		{"an edit in oss/mill, by another maker's model", also(in("oss/mill"), func(e *episode.Episode) { e.Local.License = "MIT" })},
		{"an edit in tools/build, by an open model", also(in("tools/build"), open)},
		{"an edit of the works council", also(in("payments"), func(e *episode.Episode) { e.Local.Team = "works-council" })},
		{"an edit in a hobby project, on the free tier", func(e *episode.Episode) {
			e.Local.Repository, e.Origin = "git.example/ada/moths", &episode.Origin{Provider: "anthropic", ContractClass: "free"}
		}},
		{"an edit of nobody proven", also(in("payments"), func(e *episode.Episode) { e.Local.Unauthenticated = true })},
	}
}

// TestWhatTheExamplePoliciesDecide keeps what they do to ten records beside them, in words.
func TestWhatTheExamplePoliciesDecide(t *testing.T) {
	preferences, err := consent.ReadPreferences(filepath.Join("examples", "more", "preferences.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	got.WriteString("What the example policies decide, on 20 March 2026. Made by go test ./spec -update.\n")
	const audited, agreed = "after ten clean audits", "after ten clean audits, of a developer with preferences.yaml"
	for _, c := range []struct{ policy, when string }{
		{"policy-nothing-but-signal", "at a new edge"}, {"policy-two-open-repositories", "at a new edge"}, {"policy-two-open-repositories", audited},
		{"policy-two-keys", audited}, {"policy-two-keys", agreed}, {"policy-free-tier", "at a new edge"},
	} {
		p, err := consent.ReadPolicy(filepath.Join("examples", "more", c.policy+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		q := consent.Request{Now: day}
		if c.when != "at a new edge" {
			q.Audited = 10
		}
		if c.when == agreed {
			q.Preferences = preferences
		}
		fmt.Fprintf(&got, "\n%s, %s\n", c.policy, c.when)
		for _, r := range records() {
			e := &episode.Episode{SchemaVersion: "1.0", ID: "ep_1", StartedAt: day, Tool: episode.Tool{Name: "claude-code", Surface: "agent"}, Model: episode.Model{Provider: "anthropic"},
				Privacy: &episode.Privacy{Level: episode.LevelClean}, Local: &episode.Local{Developer: preferences.Developer, Team: "payments", Paths: []string{"main.go"}}}
			r.of(e)
			for _, to := range p.Recipients() {
				q.Recipient = to
				x, err := p.Explain(e, q)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "  %s, for %s: %s\n", r.what, to, x.Outcome)
			}
		}
	}
	path := filepath.Join("examples", "more", "policies.txt")
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is not what they decide (-file +policies); if that is meant, run go test ./spec -update\n%s", path, diff)
	}
}

// TestThePoliciesOfTheManualAreTheExamples: what people copy from docs/policy.md is what the tests try.
func TestThePoliciesOfTheManualAreTheExamples(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "docs", "policy.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"policy-nothing-but-signal", "policy-two-open-repositories", "policy-two-keys", "policy-free-tier", "preferences"} {
		file, err := os.ReadFile(filepath.Join("examples", "more", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var rules []string // comments that say what the manual says are left out there
		for line := range strings.Lines(string(file)) {
			if !strings.HasPrefix(line, "#") {
				rules = append(rules, line)
			}
		}
		if block := "```yaml\n" + strings.TrimLeft(strings.Join(rules, ""), "\n") + "```\n"; !strings.Contains(string(manual), block) {
			t.Errorf("docs/policy.md does not hold %s.yaml as it is:\n%s", name, block)
		}
	}
}
