// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

func TestWhatIsDecidedInGoIsWhatCELDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy(t).decode(t)
		for range 8 {
			f := factsOf(anyRecord(t), &p.recipients[rapid.IntRange(0, 1).Draw(t, "to")])
			for _, rules := range [][]*rule{p.off, p.rules} {
				got, gotErr := first(rules, f)
				want, wantErr := slowly(rules, f)
				if got != want || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
					t.Fatalf("in Go %v (%v), in CEL %v (%v)", got, gotErr, want, wantErr)
				}
			}
		}
	})
}

func slowly(rules []*rule, f *facts) (*rule, error) {
	for _, r := range rules {
		if fits, err := r.matches(f); err != nil {
			return nil, err
		} else if fits {
			return r, nil
		}
	}
	return nil, nil
}

// sameAsCEL fails where a rule's condition in Go says something else than in CEL, and reports whether it said anything.
func sameAsCEL(t interface{ Fatalf(string, ...any) }, r *rule, f *facts) (said bool) {
	got := r.quick(f)
	want, err := r.matches(f)
	if got != open && (err != nil || got != sure(want)) {
		t.Fatalf("%s is %v in Go, in CEL %v (%v)", r.condition, got == yes, want, err)
	}
	return got != open
}

func TestAConditionSaysTheSameInGoAsInCEL(t *testing.T) {
	env, err := cel.NewEnv(recordVars()...)
	if err != nil {
		t.Fatal(err)
	}
	to := &Starter().recipients[0]
	rapid.Check(t, func(t *rapid.T) {
		f := factsOf(anyRecord(t), to)
		for range 20 {
			r := &rule{condition: anyCondition(t, 3)}
			if r.compile(env) == nil { // it is not where a macro's variable stands outside of it
				sameAsCEL(t, r, f)
			}
		}
	})
	for _, when := range []string{"findings['jwt'] == 0 || team == 'y'", "team == 'y' || findings['jwt'] == 0", "findings['jwt'] == 0 && team == 'payments'", "paths.all(p, findings['jwt'] == 0)",
		"['x', 'payments'].exists(p, p == 'x' ? findings['jwt'] == 0 : p == 'y')", "paths.exists(team, team == 'pay/card.go')", "paths.exists(team, .team == 'payments')",
		"['a'].all(p, paths.all(q, ['b'].exists(p, p == 'b') && p == 'a' && q != p))", "team.matches('x*payments')", "team.matches('(no such word)?pay')", "team.matches('(no such word)*pay')", "['abc'].exists(paths, paths.size() == 3)", "team.matches('(?i)PAY')",
		"findings[?'jwt'].orValue(3) == 3", "findings[?'email'].orValue(3) == 2", "time == timestamp('2026-03-14T17:09:26+02:00')", "!(findings['jwt'] == 0)", "findings['jwt'] == 0 ? true : true"} {
		r := &rule{condition: when}
		if err := r.compile(env); err != nil {
			t.Fatal(err)
		}
		sameAsCEL(t, r, factsOf(scrubbed(), to))
	}
}

// anyCondition draws a condition of parts that are known in Go, parts that are not, and parts that are errors.
func anyCondition(t *rapid.T, deep int) string {
	text := func() string {
		return one(t, "text", "team", "repository", ".team", "license", "provider", "developer", "tool", "recipient_kind", "x", "team", "'x'", "'a/one'", "''", "'go'", "team + 'x'", "languages[0]", "string(1)", "paths[5]")
	}
	list := func() string {
		return one(t, "list", "paths", "languages", "['x', 'go', 'ada']", "[]", "[team, 'x']", "languages + paths", ".paths", "findings")
	}
	number := func() string {
		return one(t, "number", "0", "1", "-1", "2", "findings.size()", "size(findings)", "paths.size()", "languages.size()", "findings['jwt']", "findings[?'jwt'].orValue(1)",
			"findings[?'none'].orValue(findings['jwt'])", "findings.jwt", "team.size()", "1 + 1", "1 / 0", "['x'].size()")
	}
	moment := func() string {
		return one(t, "moment", "time", "timestamp('2026-03-14T15:09:26Z')", "timestamp('2026-03-15T00:00:00+02:00')", "timestamp('soon')", "timestamp(team)", "time + duration('24h')")
	}
	operator := func() string { return one(t, "operator", "==", "!=", "<", "<=", ">", ">=") }
	kind := rapid.IntRange(0, 14).Draw(t, "kind")
	if deep == 0 {
		kind %= 9
	}
	part := func() string { return "(" + anyCondition(t, deep-1) + ")" }
	switch kind {
	case 0:
		return text() + " " + operator() + " " + text()
	case 1:
		return number() + " " + operator() + " " + number()
	case 2:
		return moment() + " " + operator() + " " + moment()
	case 3:
		return text() + " in " + list()
	case 4:
		return text() + one(t, "test", ".startsWith", ".endsWith", ".contains") + "(" + text() + ")"
	case 5:
		return one(t, "matches", "repository.matches('^a/.*')", "matches(team, 'x|y')", "team.matches(team)", "paths[0].matches('pay')", "developer.matches('a{2}')",
			"repository.matches('.*/(th)?ree')", "repository.matches('(?i)A/ONE')", "repository.matches('(a/)+o.e$|two')", "repository.matches('b/(?:c/)*t')", "matches('\\xff', '\ufffd')")
	case 6:
		return one(t, "bool", "true", "false", "unauthenticated", "unauthenticated == true", "has(findings.jwt)", "optional.of(1).hasValue()")
	case 7:
		return one(t, "odd", "paths.exists_one(p, p == 'doc.md')", "paths.filter(p, p != '').size() == 1", "paths.map(p, p + 'x')[0] == 'doc.mdx'", "time.getHours() > 8", "dyn(team) == 1", "languages == ['go']")
	case 8:
		return one(t, "error", "findings['jwt'] == 0", "languages[0] == 'go'", "1 / 0 == 1", "int(team) == 1")
	case 9, 10:
		return list() + one(t, "macro", ".exists(", ".all(") + one(t, "variable", "x", "team", "p") + ", " + anyCondition(t, deep-1) + ")"
	case 11:
		return "!" + part()
	case 12:
		return part() + " ? " + part() + " : " + part()
	default:
		return part() + one(t, "and", " && ", " || ") + part()
	}
}

// The measure "policy" is worth nothing where CEL is asked after all.
func TestUsualConditionsNeedNoCEL(t *testing.T) {
	p := policy(t, fiftyRules()+rule1("findings[?'jwt'].orValue(0) > 2 || findings['email'] == 2 && recipient_kind in ['maker'] && 'go' in languages", "none", ""))
	for _, e := range variedRecords(100) {
		f := factsOf(e, &p.recipients[0])
		for _, r := range slices.Concat(p.off, p.rules[:len(p.rules)-1]) {
			if !sameAsCEL(t, r, f) {
				t.Fatalf("%s stays open", r.condition)
			}
		}
	}
	f := factsOf(scrubbed(), &p.recipients[0])
	if last := p.rules[len(p.rules)-1]; !sameAsCEL(t, last, f) {
		t.Errorf("%s stays open", last.condition)
	}
}

func TestDecisionsAtOnceAreThoseOneAfterTheOther(t *testing.T) {
	p, records := policy(t, fiftyRules()), variedRecords(200)
	want := make([]Decision, len(records))
	for i, e := range records {
		want[i] = decide(t, p, e, "maker")
	}
	for worker := range 4 {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for i, e := range records {
				if diff := cmp.Diff(want[i], decide(t, p, e, "maker")); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

// fiftyRules are rules of the shapes that policies have.
func fiftyRules() string {
	var s strings.Builder
	add := func(level, when string, a ...any) {
		n := strings.Count(s.String(), "- name:")
		fmt.Fprintf(&s, "  - name: r%d\n    when: %q\n    level: %s\n", n, fmt.Sprintf(when, a...), level)
		if level != "off" && level != "none" {
			s.WriteString("    purposes: [evaluate, reward]\n    retention_days: 90\n")
		}
	}
	for i := range 5 {
		add("off", "repository.startsWith('git.alder.example/vault%d/')", i)
	}
	for i := range 5 {
		add("none", "team == 'incident-%d' || paths.exists(p, p.startsWith('postmortems/%d/'))", i, i)
		add("none", "developer in ['board-%d@alder.example', 'legal-%d@alder.example']", i, i)
		add("none", "findings.size() > %d", 9+i)
		add("none", "tool == 'tool-%d' && surface == 'chat'", i)
		add("clean", "repository.startsWith('git.alder.example/oss%d/') && license in ['MIT', 'Apache-2.0'] && findings.size() == 0", i)
		add("masked", "team == 'open-%d' && languages.all(l, l in ['go', 'rust'])", i)
		add("signal", "provider == 'provider-%d' && contract_class == 'enterprise'", i)
		add("aggregate", "time < timestamp('2020-01-0%dT00:00:00Z')", i+1)
	}
	for i := range 4 {
		add("none", "repository.matches('.*/secret-%d(/.*)?')", i)
	}
	add("signal", "true")
	return s.String()
}

// variedRecords are of many developers in many repositories.
func variedRecords(n int) []*episode.Episode {
	out := make([]*episode.Episode, n)
	for i := range out {
		e := demo()
		e.ID = fmt.Sprint("ep_", i)
		e.StartedAt = day.Add(time.Duration(i) * time.Minute)
		e.Tool.Name = fmt.Sprint("tool-", i%7)
		e.Languages = [][]string{{"go"}, {"python"}, {"go", "rust"}, {"java"}, {"typescript"}}[i%5]
		e.Model.Provider = fmt.Sprint("provider-", i%6)
		e.Local = &episode.Local{Repository: fmt.Sprintf("git.alder.example/oss%d/r%d", i%9, i%3000), Developer: fmt.Sprintf("dev%d@alder.example", i%8000), Team: fmt.Sprint("open-", i%40),
			License: []string{"MIT", "", "proprietary"}[i%3], Paths: []string{fmt.Sprintf("src/%d/main.go", i), "README.md"}, Findings: map[string]int{"email": i % 3}}
		out[i] = e
	}
	return out
}

// BenchmarkDecideFiftyRules is the measure "policy": a million records by fifty rules on one core in under ten seconds.
func BenchmarkDecideFiftyRules(b *testing.B) {
	p, records := policy(b, fiftyRules()), variedRecords(50_000)
	q := Request{Recipient: "maker", Now: day, Audited: 1}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := p.Decide(records[i], q); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(records) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
