// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"maps"
	"slices"
)

// checked is what checks and tests say of one commit: of each name the last word.
type checked struct {
	at     int // in the order of commits
	checks map[check]*Notice
	suites map[uint64]tally
	groups map[uint64]bool // of which the parts are known
}

type check struct {
	name  uint64
	whole bool
}

type tally struct {
	Tally
	at int64
}

// check gathers what was said of each commit, and puts it where the commits are that it is about.
func (r *Reports) check() {
	all := map[string]*checked{}
	for i := range r.notices {
		n := &r.notices[i]
		if n.Kind != ReportCheck && n.Kind != ReportTests {
			continue
		}
		id := r.commit(n)
		if !r.spans.has(id) {
			continue
		}
		c := all[id]
		if c == nil {
			c = &checked{r.spans.at[id], map[check]*Notice{}, map[uint64]tally{}, map[uint64]bool{}}
			all[id] = c
		}
		for _, s := range n.Suites {
			c.suites[s.Name] = tally{s, n.At}
		}
		if n.Kind == ReportCheck && (n.Said == Passed || n.Said == Failed) {
			c.checks[check{n.Check, n.Whole}] = n
			if !n.Whole && n.Group != 0 {
				c.groups[n.Group] = true
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		for about := range r.spans.of(id) {
			r.checks[about] = append(r.checks[about], all[id])
		}
	}
	for _, list := range r.checks {
		slices.SortFunc(list, func(a, b *checked) int { return a.at - b.at })
	}
}

// result is what the first commit that says anything says of what came in with the commits first and landed.
func (r *Reports) result(first, landed string, of func(*checked) (float64, int64, bool)) (value float64, at int64, ok bool) {
	for _, id := range [...]string{first, landed} { // what has landed was somewhere before
		for _, c := range r.checks[id] {
			if value, at, ok = of(c); ok {
				return value, at, ok
			}
		}
	}
	return 0, 0, false
}

// build is 0 where a check failed that runs no tests, else 1 where one passed, or a whole run did. A whole run that failed
// counts where its parts are not known: else they say which it was.
func (c *checked) build() (value float64, at int64, ok bool) {
	var passed, failed []int64
	for _, n := range c.checks {
		switch {
		case !n.Whole && n.Test, n.Whole && n.Said == Failed && (n.Test || c.groups[n.Group]):
		case n.Said == Failed:
			failed = append(failed, n.At)
		default:
			passed = append(passed, n.At)
		}
	}
	switch {
	case len(failed) > 0:
		return 0, slices.Max(failed), true
	case len(passed) > 0:
		return 1, slices.Max(passed), true
	}
	return 0, 0, false
}

// tests is the share of tests that passed, of those that were run; where none were counted, of the checks that run tests.
func (c *checked) tests() (share float64, at int64, ok bool) {
	run, failed := 0, 0
	for _, s := range c.suites {
		ran := max(0, s.Tests-s.Skipped)
		run, failed, at = run+ran, failed+min(s.Failed, ran), max(at, s.at)
	}
	if run > 0 {
		return float64(run-failed) / float64(run), at, true
	}
	at = 0
	for _, n := range c.checks {
		if !n.Test || n.Whole && c.groups[n.Group] {
			continue
		}
		if run++; n.Said == Failed {
			failed++
		}
		at = max(at, n.At)
	}
	if run == 0 {
		return 0, 0, false
	}
	return float64(run-failed) / float64(run), at, true
}
