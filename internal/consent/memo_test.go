// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

func TestWhatIsRememberedIsWhatTheConditionsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy(t).decode(t)
		m := newMemo(p)
		for range 8 {
			e, to := anyRecord(t), &p.recipients[rapid.IntRange(0, 1).Draw(t, "to")]
			m.facts.set(e, to)
			for _, rules := range [][]*rule{p.off, to.rules} {
				got, gotErr := m.first(rules)
				want, wantErr := slowly(rules, &m.facts)
				if got != want || (gotErr == nil) != (wantErr == nil) {
					t.Fatalf("remembered %v (%v), evaluated %v (%v)", got, gotErr, want, wantErr)
				}
			}
			m.forget()
		}
	})
}

func slowly(rules []*rule, f *facts) (*rule, error) {
	for _, r := range rules {
		if fits, err := r.matches(f); err != nil || fits {
			return r, err
		}
	}
	return nil, nil
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
