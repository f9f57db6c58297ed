// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func TestWhatChosenRecordsShareIsConditionsThatFitThemAll(t *testing.T) {
	a, b := scrubbed(), scrubbed()
	a.Local.Paths, b.Local.Paths = []string{"pay/a.go", "doc/x"}, []string{"pay/b.go"}
	a.Local.Findings, b.Local.Findings = map[string]int{"jwt": 1, "email": 2}, map[string]int{"jwt": 3}
	b.Tool.Name = "another"
	got := Shared([]*episode.Episode{a, b})
	text := strings.Join(got, "\n")
	for _, want := range []string{`paths.exists(p, p.startsWith("pay/"))`, `"jwt" in findings`, `repository == "`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among\n%s", want, text)
		}
	}
	if strings.Contains(text, "tool ==") || strings.Contains(text, "email") {
		t.Errorf("what they do not share is among\n%s", text)
	}
	p, _, err := policy(t, rule1("true", "signal", "")).With(NewRule{Name: "these \"stay\"", When: got, Level: "none"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*episode.Episode{a, b} {
		if d, err := p.Decide(e, Request{Recipient: "maker", Now: day}); err != nil || d.Rule != "these \"stay\"" || d.Leaves() {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if Shared(nil) != nil {
		t.Error("nothing shares something")
	}
}

func TestARuleIsPutBeforeAllOthersOfAnyPolicyAndChangesNothingElse(t *testing.T) {
	files, err := filepath.Glob("../../spec/examples/more/policy-*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, path := range append(files, "../../spec/examples/policy.yaml") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := DecodePolicy(b)
		if err != nil {
			t.Fatal(err)
		}
		next, text, err := p.With(NewRule{Name: "new", When: []string{`team == "x"`}, Level: "none"})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		changes := Compare(p, next)
		if diff := cmp.Diff([]Change{{Rule: "new", What: "added (level none)"}}, changes); diff != "" || next.rules[0].name != "new" || len(text) <= len(b) {
			t.Errorf("%s: %s", path, diff)
		}
	}
	flow := strings.Replace(head, "rules:\n", "rules: [{name: a, when: 'true', level: none}]\n", 1)
	p, err := DecodePolicy([]byte(flow))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.With(NewRule{Name: "new", When: []string{"true"}, Level: "none"}); err == nil {
		t.Error("a list in one line takes a rule")
	}
}
