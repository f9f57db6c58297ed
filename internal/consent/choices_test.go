// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

// What a form asks for is a file that says the same, whatever stands in its fields.
func TestChoicesComeBackFromTheirFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want Choices
		if rapid.Bool().Draw(t, "said") {
			want.Agree = new(bool)
			*want.Agree = rapid.Bool().Draw(t, "agree")
		}
		want.Level = episode.Level(one(t, "level", "", "none", "signal", "masked"))
		want.Ask = rapid.Bool().Draw(t, "ask")
		for range rapid.IntRange(0, 2).Draw(t, "repositories") {
			want.Repositories = append(want.Repositories, RepositoryChoice{rapid.StringMatching(`[ -~é]{1,20}`).Draw(t, "pattern"), "none"})
		}
		p, err := DecodePreferences(want.Text("o'ada: \"x\" #1"))
		if err != nil {
			t.Fatalf("%v\n%s", err, want.Text("o"))
		}
		got, all := p.Choices()
		if diff := cmp.Diff(want, got); diff != "" || !all || p.Developer != "o'ada: \"x\" #1" {
			t.Errorf("%s %v %q", diff, all, p.Developer)
		}
	})
}

func TestAFileThatSaysMoreThanAFormIsKnown(t *testing.T) {
	for _, more := range []string{"{tool: codex, level: none}", "{purposes: [evaluate]}", "{repository: a, approval: developer}", "{approval: steward}", "{level: none}, {level: signal}"} {
		if _, all := preferences(t, "limits: ["+more+"]\n").Choices(); all {
			t.Errorf("%s is said to be all that a form asks for", more)
		}
	}
}

func TestWhoWantsToBeAskedIsAsked(t *testing.T) {
	q := Request{Recipient: "maker", Now: day, Preferences: preferences(t, "limits: [{approval: developer, repository: 'git.alder.example/*'}]\n")}
	d, err := policy(t, rule1("true", "signal", "    approval: auto\n")).Decide(demo(), q)
	if err != nil || !d.Ask || d.Approval != ApprovalAuto || !d.Leaves() {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAShareOfWhatGoesByItselfIsLookedAt(t *testing.T) {
	d, err := policy(t, rule1("true", "signal", "    approval: auto\n    audit_share: 0.02\n")).Decide(demo(), Request{Recipient: "maker", Now: day})
	if err != nil || d.AuditShare != 0.02 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, bad := range []string{"    audit_share: 0.02\n", "    approval: auto\n    audit_share: 1.5\n", "    approval: auto\n    audit_share: -1\n", "    approval: auto\n    audit_share: .nan\n"} {
		if _, err := DecodePolicy([]byte(head + rule1("true", "signal", bad))); err == nil || !strings.Contains(err.Error(), "audit_share") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
