// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/headrace/headrace/episode"
)

// Shared returns, as conditions, what all of these records have in common that a rule may read: what a person who has
// chosen them may have meant. It is empty where they share nothing.
func Shared(records []*episode.Episode) []string {
	if len(records) == 0 {
		return nil
	}
	var list []string
	same := func(name string, of func(*facts) string) {
		first := ""
		for i, e := range records {
			switch v := of(factsOf(e, &recipient{})); {
			case i == 0:
				first = v
			case v != first:
				return
			}
		}
		if first != "" {
			list = append(list, name+" == "+quoted(first))
		}
	}
	for _, name := range []string{"repository", "team", "developer", "tool", "surface", "license", "provider", "model"} {
		same(name, textFact(name))
	}
	list = append(list, common(records, func(e *episode.Episode) []string { return e.Languages }, func(v string) string { return quoted(v) + " in languages" })...)
	list = append(list, common(records, func(e *episode.Episode) []string { return folders(e.Local.Paths) }, func(v string) string { return "paths.exists(p, p.startsWith(" + quoted(v) + "))" })...)
	return append(list, common(records, func(e *episode.Episode) []string {
		var kinds []string
		for kind := range e.Local.Findings {
			kinds = append(kinds, kind)
		}
		return kinds
	}, func(v string) string { return quoted(v) + " in findings" })...)
}

// common returns a condition for each value that all records have.
func common(records []*episode.Episode, of func(*episode.Episode) []string, condition func(string) string) (list []string) {
	all := slices.Clone(of(records[0]))
	for _, e := range records[1:] {
		has := of(e)
		all = slices.DeleteFunc(all, func(v string) bool { return !slices.Contains(has, v) })
	}
	slices.Sort(all)
	for _, v := range slices.Compact(all) {
		list = append(list, condition(v))
	}
	return list
}

// folders are the first folders of paths.
func folders(paths []string) (list []string) {
	for _, p := range paths {
		if i := strings.IndexByte(p, '/'); i > 0 {
			list = append(list, p[:i+1])
		}
	}
	return list
}

// NewRule is a rule that a person makes from records.
type NewRule struct {
	Name string
	// When are conditions that must all hold.
	When []string
	// Level is none, which keeps here what fits, or signal, to evaluate and once a person has looked.
	Level episode.Level
}

// Text is the rule as it stands in a policy's list, without the indent.
func (r NewRule) Text() string {
	s := fmt.Sprintf("- name: %s\n  when: %s\n  level: %s\n", quoted(r.Name), quoted(strings.Join(r.When, " && ")), r.Level)
	if r.Level.Rank() > episode.LevelNone.Rank() {
		s += "  purposes: [evaluate]\n  retention_days: 180\n  approval: steward\n"
	}
	return s
}

// With returns the policy with a rule before all others, so that it decides wherever it fits, and its text.
func (p *Policy) With(r NewRule) (*Policy, []byte, error) {
	lines := strings.SplitAfter(p.source, "\n")
	at := p.firstRule - 1
	if at < 0 || at >= len(lines) || !strings.HasPrefix(strings.TrimLeft(lines[at], " "), "- ") {
		return nil, nil, mistakef(nil, "the rules are not written a line for each: add the rule by hand")
	}
	indent := lines[at][:strings.IndexByte(lines[at], '-')]
	rule := indent + strings.ReplaceAll(strings.TrimSuffix(r.Text(), "\n"), "\n", "\n"+indent) + "\n"
	text := []byte(strings.Join(slices.Insert(slices.Clone(lines), at, rule), ""))
	next, err := DecodePolicy(text)
	return next, text, err
}

// lineOf is the line on which the first item of a list begins.
func lineOf(list ast.Node) int {
	if s, ok := list.(*ast.SequenceNode); ok && len(s.Values) > 0 {
		return s.Values[0].GetToken().Position.Line
	}
	return 0
}
