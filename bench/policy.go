// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// policyRule is a rule of the measured policy.
type policyRule struct{ level, when string }

// fiftyRules are rules of the shapes that policies have: of repositories, teams, people, paths, findings, licences, languages,
// providers and times, and one at the end for the rest.
func fiftyRules() (rules []policyRule) {
	add := func(level, when string, a ...any) { rules = append(rules, policyRule{level, fmt.Sprintf(when, a...)}) }
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
	return rules
}

// policyFile is the policy of these rules as an edge reads it.
func policyFile(rules []policyRule) string {
	var s strings.Builder
	s.WriteString("version: 1\nrecipients:\n  - {name: maker, kind: maker}\nrules:\n")
	for i, r := range rules {
		fmt.Fprintf(&s, "  - name: r%d\n    when: %q\n    level: %s\n", i, r.when, r.level)
		if r.level != "off" && r.level != "none" {
			s.WriteString("    purposes: [evaluate, reward]\n    retention_days: 90\n    recipients: [maker]\n")
		}
	}
	return s.String()
}

// policyRecord is record i of many developers in many repositories, with what scrub leaves for rules.
func policyRecord(i int) *episode.Episode {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
	return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: fmt.Sprint("ep_", i), StartedAt: at,
		Tool: episode.Tool{Name: fmt.Sprint("tool-", i%7), Surface: "agent"}, Model: episode.Model{Provider: fmt.Sprint("provider-", i%6), Name: "model-1"},
		Languages: [][]string{{"go"}, {"python"}, {"go", "rust"}, {"java"}, {"typescript"}}[i%5],
		Privacy:   &episode.Privacy{Level: episode.LevelClean, Scrubber: "headrace-scrub/2"},
		Local: &episode.Local{Repository: fmt.Sprintf("git.alder.example/oss%d/r%d", i%9, i%3000), Developer: fmt.Sprintf("dev%d@alder.example", i%8000), Team: fmt.Sprint("open-", i%40),
			License: []string{"MIT", "", "proprietary"}[i%3], Paths: []string{fmt.Sprintf("src/%d/main.go", i), "README.md"}, Findings: map[string]int{"email": i % 3}}}
}

// someRecords makes records part by part: a million at once would measure the collector.
func someRecords(n int, do func([]*episode.Episode) error) error {
	const together = 20_000
	for from := 0; from < n; from += together {
		part := make([]*episode.Episode, 0, together)
		for i := from; i < min(n, from+together); i++ {
			part = append(part, policyRecord(i))
		}
		if err := do(part); err != nil {
			return err
		}
	}
	return nil
}

// decideAll asks the policy about n records.
func decideAll(n int, w *watch) error {
	p, err := consent.DecodePolicy([]byte(policyFile(fiftyRules())))
	if err != nil {
		return err
	}
	by := map[string]int{}
	err = someRecords(n, func(part []*episode.Episode) error {
		return w.time(func() error {
			for _, e := range part {
				d, err := p.Decide(e, consent.Request{Recipient: "maker", Now: e.StartedAt, Audited: 1})
				if err != nil {
					return err
				}
				by[d.Rule]++
			}
			return nil
		})
	})
	w.Note = fmt.Sprintf("%d rules decided", len(by))
	return err
}

// decideAllPlainly is the peer: the same conditions, compiled with the same CEL and its optimiser, asked one after the other
// until one holds. It has no terms, rights and preferences to look at.
func decideAllPlainly(n int, w *watch) error {
	text := []string{"tool", "surface", "repository", "developer", "team", "license", "provider", "model", "contract_class"}
	options := []cel.EnvOption{cel.Variable("languages", cel.ListType(cel.StringType)), cel.Variable("paths", cel.ListType(cel.StringType)),
		cel.Variable("time", cel.TimestampType), cel.Variable("findings", cel.MapType(cel.StringType, cel.IntType))}
	for _, v := range text {
		options = append(options, cel.Variable(v, cel.StringType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return err
	}
	var programs []cel.Program
	for _, r := range fiftyRules() {
		ast, issues := env.Compile(r.when)
		if issues.Err() != nil {
			return issues.Err()
		}
		p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return err
		}
		programs = append(programs, p)
	}
	by := map[int]int{}
	err = someRecords(n, func(part []*episode.Episode) error {
		return w.time(func() error {
			for _, e := range part {
				vars := map[string]any{"tool": e.Tool.Name, "surface": string(e.Tool.Surface), "repository": e.Local.Repository, "developer": e.Local.Developer, "team": e.Local.Team,
					"license": e.Local.License, "provider": e.Model.Provider, "model": e.Model.Name, "contract_class": "", "languages": e.Languages, "paths": e.Local.Paths,
					"time": e.StartedAt, "findings": e.Local.Findings}
				for i, p := range programs {
					v, _, err := p.Eval(vars)
					if err != nil {
						return err
					}
					if v.Value() == true {
						by[i]++
						break
					}
				}
			}
			return nil
		})
	})
	w.Note = fmt.Sprintf("%d rules decided", len(by))
	return err
}

// measurePolicy decides about a million records by fifty rules on one core, and so does the peer about a part of them.
func measurePolicy(ctx context.Context, b *bench) ([]row, error) {
	n, part := 1_000_000, 100_000
	if b.quick {
		n, part = 100_000, 20_000
	}
	ours, err := b.alone(ctx, "policy", n)
	if err != nil {
		return nil, err
	}
	million := 1e6 / float64(n)
	r := row{ID: "policy", Ours: figure(ours.CPU * million), Unit: "s of processor time for 1,000,000 records", PeerName: "the same conditions in cel-go 0.33.2, one after the other", N: n,
		Note: fmt.Sprintf("50 rules, one core, a process of its own; %.2f s of wall time; %s", ours.Wall*million, ours.Note)}
	peer, err := b.alone(ctx, "policy-cel", part)
	if err != nil {
		r.Note += "; peer not measured: " + err.Error()
		return []row{r}, nil
	}
	r.Peer = figure(peer.CPU * 1e6 / float64(part))
	r.Note += fmt.Sprintf("; peer on %d of them: %s", part, peer.Note)
	return []row{r}, nil
}
