// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func TestTextLeavesOnlyFromListedRepositoriesAndAfterCleanAudits(t *testing.T) {
	gate := "text: {repositories: ['git.alder.example/oss/**', 'git.alder.example/core'], clean_batches: 3}\n"
	for _, c := range []struct {
		name, gate, repository string
		audited                int
		level                  episode.Level
		notices                []string
	}{
		{"listed and audited", gate, "git.alder.example/core", 3, "clean", nil},
		{"a pattern fits", gate, "git.alder.example/oss/a/b", 9, "clean", nil},
		{"too few audits", gate, "git.alder.example/core", 2, "signal", []string{NoticeTextAudits}},
		{"no audit yet", gate, "git.alder.example/core", 0, "signal", []string{NoticeTextAudits}},
		{"not listed", gate, "git.alder.example/vault", 9, "signal", []string{NoticeTextRepository}},
		{"longer than the pattern", gate, "git.alder.example/core/2", 9, "signal", []string{NoticeTextRepository}},
		{"nobody knows where from", "text: {repositories: ['**'], clean_batches: 1}\n", "", 9, "signal", []string{NoticeTextRepository}},
		{"a policy without a gate", "", "git.alder.example/core", 9, "signal", []string{NoticeTextRepository}},
	} {
		p, err := DecodePolicy([]byte(head + rule1("true", "clean", "") + c.gate))
		if err != nil {
			t.Fatal(err)
		}
		e := demo()
		e.Repository, e.Local.Repository = c.repository, c.repository
		d, err := p.Decide(e, Request{Recipient: "maker", Now: day, Audited: c.audited})
		if err != nil || !d.Leaves() || d.Level != c.level || !cmp.Equal(d.Notices, c.notices) {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}

func TestANewEdgeStartsAtSignalWhateverItsRulesSay(t *testing.T) {
	for _, level := range []string{"masked", "clean"} {
		p := policy(t, rule1("true", level, ""))
		if d, err := p.Decide(demo(), Request{Recipient: "maker", Now: day}); err != nil || d.Level != episode.LevelSignal {
			t.Errorf("%s: %+v, %v", level, d, err)
		}
	}
}

func TestAPatternNamesRepositoriesAndNoOthers(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"git.example/oss/*", "git.example/oss/mill", true},
		{"git.example/oss/*", "git.example/oss/mill/deep", false},
		{"git.example/oss/**", "git.example/oss/mill/deep", true},
		{"git.example/oss/**", "git.example/ossified", false},
		{"git.example/a.b", "git.example/aXb", false},
		{"git.example/*-docs", "git.example/mill-docs", true},
		{"git.example/mill", "other.example/git.example/mill", false},
		{"git.example/mill", "git.example/mill\n", false},
		{"**", "a/b\nc", true},
		{"(", "(", true},
	} {
		if got := newGlob(c.pattern).fits(c.name); got != c.want {
			t.Errorf("%q fits %q: %v", c.pattern, c.name, got)
		}
	}
}
