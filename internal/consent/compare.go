// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
)

// Change is one difference between two policies.
type Change struct {
	// Rule is the rule that changed, empty for what is the policy's own.
	Rule string `json:"rule,omitzero"`
	// What changed, in words.
	What string `json:"what"`
	// Looser says that more may leave, or that less can be said: all but what surely only takes away.
	Looser bool `json:"looser"`
	// Why says what makes it looser where that is not plain.
	Why string `json:"why,omitzero"`
}

// Looser reports whether any of the changes may let more leave. Where none does, no record leaves at a higher level, for
// more purposes, to more recipients or for longer than before, and nobody stops looking: a test keeps that.
func Looser(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Looser })
}

// Compare lists what changes from one policy to the next. It judges by the texts alone: a condition that reads otherwise
// may let more leave, whatever it means.
func Compare(before, after *Policy) []Change {
	c := &comparison{was: before, is: after}
	c.recipients()
	c.gates()
	c.releases()
	c.counts()
	c.order()
	for _, r := range slices.Concat(before.off, before.rules) {
		if now := after.rule(r.name); now == nil {
			c.removed(r)
		} else {
			c.changed(r, now)
		}
	}
	for _, r := range slices.Concat(after.off, after.rules) {
		if before.rule(r.name) == nil {
			c.added(r)
		}
	}
	return c.changes
}

// Same returns the rules that decide as before: of what one of them decided, the policy after says the same as the policy
// before, because nothing that is asked up to there has changed.
func Same(before, after *Policy) (rules []string) {
	changed := map[string]bool{}
	for _, c := range Compare(before, after) {
		changed[c.Rule] = true
	}
	if changed[""] {
		return nil // recipients, keys or the gate before text are for all rules
	}
	for _, r := range slices.Concat(before.off, after.off) {
		if changed[r.name] {
			return nil // these are asked before all others
		}
	}
	for i, r := range before.rules {
		if i == len(after.rules) || after.rules[i].name != r.name || changed[r.name] {
			break
		}
		rules = append(rules, r.name)
	}
	return rules
}

func (p *Policy) rule(name string) *rule {
	for _, r := range slices.Concat(p.off, p.rules) {
		if r.name == name {
			return r
		}
	}
	return nil
}

type comparison struct {
	was, is *Policy
	changes []Change
}

func (c *comparison) add(r *rule, looser bool, why, format string, a ...any) {
	ch := Change{What: fmt.Sprintf(format, a...), Looser: looser}
	if r != nil {
		ch.Rule = r.name
	}
	if looser {
		ch.Why = why
	}
	c.changes = append(c.changes, ch)
}

// differ adds a change where two values differ.
func differ[T comparable](c *comparison, r *rule, what string, was, is T, looser bool, why string) {
	if was != is {
		c.add(r, looser, why, "%s: %s → %s", what, shown(was), shown(is))
	}
}

func shown(v any) string {
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return "never"
		}
		return v.Format(time.DateOnly)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	if s := fmt.Sprint(v); s != "" {
		return s
	}
	return "none"
}

func (c *comparison) recipients() {
	for _, r := range c.was.recipients {
		now := c.is.recipient(r.name)
		if now == nil {
			c.add(nil, false, "", "recipient %s removed", r.name)
			continue
		}
		differ(c, nil, "kind of recipient "+r.name, r.kind, now.kind, true, "other rows of the rights table fit it")
		differ(c, nil, "region of recipient "+r.name, r.region, now.region, true, "the terms name it, and conditions may read it")
		for _, name := range now.names[1:] {
			if !slices.Contains(r.names, name) {
				c.add(nil, true, "", "recipient %s may pass on to %s", r.name, name)
			}
		}
		for _, name := range r.names[1:] {
			if !slices.Contains(now.names, name) {
				c.add(nil, false, "", "recipient %s may no longer pass on to %s", r.name, name)
			}
		}
		both := func(a, b []string) string { // the names of a that are in b, too
			return strings.Join(slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) }), ", ")
		}
		differ(c, nil, "way of what recipient "+r.name+" may pass on", both(r.names, now.names), both(now.names, r.names), true, "each may pass on to those behind it")
		differ(c, nil, "kinds of those that recipient "+r.name+" may pass on to", fmt.Sprint(r.kinds[1:]), fmt.Sprint(now.kinds[1:]), true, "other rows of the rights table fit it")
	}
	for _, r := range c.is.recipients {
		if c.was.recipient(r.name) == nil {
			c.add(nil, true, "", "recipient %s added", r.name)
		}
	}
}

// gates are what holds for all rules: two keys, exploration, and the gate before text.
func (c *comparison) gates() {
	differ(c, nil, "two_keys", c.was.twoKeys, c.is.twoKeys, !c.is.twoKeys, "the developer is not asked any more")
	differ(c, nil, "explore", c.was.explore, c.is.explore, c.is.explore > c.was.explore, "chance decides more often what developers are shown")
	was, is := c.was.text, c.is.text
	switch {
	case was == nil && is == nil:
	case is == nil:
		c.add(nil, false, "", "text removed: none leaves")
	case was == nil:
		c.add(nil, true, "", "text may leave, from: %s", patterns(is.repositories))
	default:
		differ(c, nil, "text: clean_batches", was.cleanBatches, is.cleanBatches, is.cleanBatches < was.cleanBatches, "")
		for _, g := range was.repositories {
			if !hasPattern(is.repositories, g) {
				c.add(nil, false, "", "text: no longer from %s", g.pattern)
			}
		}
		for _, g := range is.repositories {
			if !hasPattern(was.repositories, g) {
				c.add(nil, true, "", "text: also from %s", g.pattern)
			}
		}
	}
}

func patterns(globs []glob) string {
	var names []string
	for _, g := range globs {
		names = append(names, g.pattern)
	}
	return strings.Join(names, ", ")
}

func hasPattern(globs []glob, g glob) bool {
	return slices.ContainsFunc(globs, func(h glob) bool { return h.pattern == g.pattern })
}

// order: rules that stay must stay in their order, because the first that fits decides.
func (c *comparison) order() {
	last := -1
	for _, r := range c.was.rules {
		at := slices.IndexFunc(c.is.rules, func(n *rule) bool { return n.name == r.name })
		if at < 0 {
			continue
		}
		if at < last {
			c.add(r, true, "the first rule that fits decides", "moved up")
		}
		last = max(last, at)
	}
}

func (c *comparison) removed(r *rule) {
	if r.level == episode.LevelOff {
		c.add(r, true, "what it kept from being recorded is recorded", "removed (level off)")
		return
	}
	next := c.next(r, r.recipients)
	c.add(r, next != "", "rule "+next+" may decide in its place, and lets something leave", "removed (level %s)", r.level)
}

// next returns the first rule after r, in the policy before, that lets anything leave to one of the recipients, or
// nothing. What r decided, or kept from leaving because its condition could not be evaluated, may fall to it.
func (c *comparison) next(r *rule, recipients []string) string {
	after := c.was.rules[slices.Index(c.was.rules, r)+1:]
	for _, n := range after {
		shares := func(name string) bool {
			return c.is.recipient(name) != nil && slices.Contains(n.recipients, name)
		}
		if n.level.Rank() > episode.LevelNone.Rank() && slices.ContainsFunc(recipients, shares) {
			return n.name
		}
	}
	return ""
}

func (c *comparison) added(r *rule) {
	leaves := r.level.Rank() > episode.LevelNone.Rank()
	c.add(r, leaves, "it lets something leave", "added (level %s)", r.level)
}

func (c *comparison) changed(was, is *rule) {
	differ(c, is, "when", was.condition, is.condition, true, "it may fit other records")
	differ(c, is, "level", was.level, is.level, is.level.Rank() > was.level.Rank(), "")
	differ(c, is, "prose", was.prose, is.prose, is.prose && was.level != episode.LevelClean, "")
	c.namedRecipients(was, is)
	if is.level.Rank() <= episode.LevelNone.Rank() || was.level.Rank() <= episode.LevelNone.Rank() {
		return // one of them has no terms: the level says it all
	}
	c.purposes(was, is)
	differ(c, is, "region", was.region, is.region, was.region != "", "")
	differ(c, is, "retention_days", was.retentionDays, is.retentionDays, longer(was.retentionDays, is.retentionDays), "")
	differ(c, is, "expires", was.expires, is.expires, is.expires.IsZero() || !was.expires.IsZero() && is.expires.After(was.expires), "")
	differ(c, is, "approval", was.approval, is.approval, is.approval == ApprovalAuto, "nobody looks any more")
	if was.approval == is.approval {
		differ(c, is, "audit_share", was.auditShare, is.auditShare, is.auditShare < was.auditShare, "fewer are looked at")
	}
}

// longer compares days of retention, where 0 is without an end.
func longer(was, is int) bool { return was > 0 && (is == 0 || is > was) }

func (c *comparison) namedRecipients(was, is *rule) {
	if was.level == episode.LevelOff || is.level == episode.LevelOff {
		return // off is for all
	}
	leaves := is.level.Rank() > episode.LevelNone.Rank()
	for _, name := range is.recipients {
		if c.was.recipient(name) != nil && !slices.Contains(was.recipients, name) {
			c.add(is, leaves, "", "recipients: also %s", name)
		}
	}
	for _, name := range was.recipients {
		if c.is.recipient(name) != nil && !slices.Contains(is.recipients, name) {
			next := c.next(was, []string{name})
			c.add(is, next != "", "rule "+next+" may decide in its place, and lets something leave", "recipients: no longer %s", name)
		}
	}
}

func (c *comparison) purposes(was, is *rule) {
	for _, p := range is.purposes {
		if !slices.Contains(was.purposes, p) {
			c.add(is, true, "", "purposes: also %s", p)
		}
	}
	for _, p := range was.purposes {
		if slices.Contains(is.purposes, p) {
			continue
		}
		// The level is what all purposes allow: without one that allows little, the others may have more.
		looser := is.level.Rank() > episode.LevelSignal.Rank() && slices.ContainsFunc(is.recipients, func(name string) bool {
			return slices.ContainsFunc(c.is.recipient(name).kinds, func(kind string) bool { return c.is.rights.HoldsDown(kind, p, is.purposes) })
		})
		c.add(is, looser, "the rights table keeps the level down for it, and not for the others", "purposes: no longer %s", p)
	}
}
