// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// ReleaseRule says under what an edge takes releases of a kind from a hub. Where no rule fits none is taken.
type ReleaseRule struct {
	Kind string // "filter", "route" or "instructions"
	Hub  string // a recipient of the policy
	// Key names the key with which the hub must have signed, as headrace hub key prints it; empty: the one that it had when it was
	// joined.
	Key string
	// Channel is the one to follow; empty: the edge's own.
	Channel string
	// Hold is how long a release waits here before it is taken: time to hear of trouble elsewhere.
	Hold time.Duration
	// Person says that a person must approve each release. Of a route or of instructions one always must.
	Person bool
}

// The kinds that can be released and the channels, as package release has them: the policy is read without it.
const (
	kindFilter       = "filter"
	kindRoute        = "route"
	kindInstructions = "instructions"
)

// ReleaseRule returns the rule for releases of a kind from a hub; false for none.
func (p *Policy) ReleaseRule(kind, hub string) (ReleaseRule, bool) {
	i := slices.IndexFunc(p.releases, func(r ReleaseRule) bool { return r.Kind == kind && r.Hub == hub })
	if i < 0 {
		return ReleaseRule{}, false
	}
	return p.releases[i], true
}

func (p *Policy) addReleaseRule(n ast.Node) error {
	var r ReleaseRule
	var hold, approver string
	err := mapping(n, "a rule for releases", map[string]any{"kind": &r.Kind, "hub": &r.Hub, "key": &r.Key, "channel": &r.Channel, "hold": &hold, "approver": &approver})
	if err != nil {
		return err
	}
	if err := oneOf(n, "kind", r.Kind, kindFilter, kindRoute, kindInstructions); err != nil {
		return err
	}
	if p.recipient(r.Hub) == nil {
		return mistakef(n, "releases: hub is %q, and recipients has no such name", r.Hub)
	}
	if _, twice := p.ReleaseRule(r.Kind, r.Hub); twice {
		return mistakef(n, "releases: kind %s of hub %q is there twice", r.Kind, r.Hub)
	}
	if r.Channel != "" {
		if err := oneOf(n, "channel", r.Channel, channels()...); err != nil {
			return err
		}
	}
	if hold != "" {
		if r.Hold, err = time.ParseDuration(hold); err != nil || r.Hold < 0 {
			return mistakef(n, "releases: hold is a time such as 24h, not %q", hold)
		}
	}
	if approver != "" {
		if err := oneOf(n, "approver", approver, "auto", "person"); err != nil {
			return err
		}
	}
	if approver == "auto" && r.Kind != kindFilter {
		return mistakef(n, "releases: of kind %s a person must see what changes: write approver: person", r.Kind)
	}
	r.Person = approver != "auto"
	p.releases = append(p.releases, r)
	return nil
}

// channels are those of releases, the one first that has a release last.
func channels() []string { return []string{"stable", "early", "canary"} }

// releases compares the rules for releases: what others may change here is as much the policy's as what leaves.
func (c *comparison) releases() {
	change := func(r ReleaseRule, looser bool, why, format string, a ...any) {
		ch := Change{Rule: fmt.Sprintf("releases: %s from %s", r.Kind, r.Hub), What: fmt.Sprintf(format, a...), Looser: looser}
		if looser {
			ch.Why = why
		}
		c.changes = append(c.changes, ch)
	}
	for _, was := range c.was.releases {
		is, there := c.is.ReleaseRule(was.Kind, was.Hub)
		if !there {
			change(was, false, "", "removed: none is taken")
			continue
		}
		if was.Key != is.Key {
			change(was, true, "another key may sign them", "key: %s → %s", shown(was.Key), shown(is.Key))
		}
		if was.Channel != is.Channel {
			looser := was.Channel == "" || slices.Index(channels(), is.Channel) > slices.Index(channels(), was.Channel) || is.Channel == ""
			change(was, looser, "they come sooner", "channel: %s → %s", shown(was.Channel), shown(is.Channel))
		}
		if was.Hold != is.Hold {
			change(was, is.Hold < was.Hold, "they are taken sooner", "hold: %s → %s", was.Hold, is.Hold)
		}
		if was.Person != is.Person {
			change(was, !is.Person, "nobody looks any more", "approver: %s → %s", approver(was.Person), approver(is.Person))
		}
	}
	for _, is := range c.is.releases {
		if _, there := c.was.ReleaseRule(is.Kind, is.Hub); !there {
			change(is, true, "what the hub releases changes what developers are shown here", "added (approver %s)", approver(is.Person))
		}
	}
}

func approver(person bool) string {
	if person {
		return "person"
	}
	return "auto"
}
