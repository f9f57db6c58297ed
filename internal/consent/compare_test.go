// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestWhatOnlyTightensLetsNoRecordLeaveMore is the promise of Compare: random policies, random changes to them, and of
// those that it says only tighten, every record as before or less.
func TestWhatOnlyTightensLetsNoRecordLeaveMore(t *testing.T) {
	judged, tightened := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		was := anyPolicy(t)
		is := edited(t, was)
		before, after := was.decode(t), is.decode(t)
		changes := Compare(before, after)
		judged++
		if Looser(changes) {
			return
		}
		tightened++
		for range 12 {
			e, q := anyRecord(t), anyRequest(t)
			old, oldErr := before.Decide(e, q)
			now, nowErr := after.Decide(e, q)
			if nowErr != nil {
				continue // it stays
			}
			if oldErr != nil && before.recipient(q.Recipient) != nil {
				old.Level = "none"
			}
			if why := looser(old, now); why != "" {
				t.Fatalf("%s\nchanges %+v\nwas %+v (%v)\nis  %+v\nbefore\n%s\nafter\n%s", why, changes, old, oldErr, now, was.yaml(), is.yaml())
			}
		}
	})
	if tightened < judged/20 {
		t.Errorf("of %d changes only %d were found to tighten: the test says nothing", judged, tightened)
	}
}

// TestWhatARuleThatStandsDecidedIsDecidedTheSame: random policies and changes, and of each record that a rule of Same decided, the
// same decision.
func TestWhatARuleThatStandsDecidedIsDecidedTheSame(t *testing.T) {
	stood := 0
	rapid.Check(t, func(t *rapid.T) {
		was := anyPolicy(t)
		is := edited(t, was)
		before, after := was.decode(t), is.decode(t)
		same := Same(before, after)
		for range 12 {
			e, q := anyRecord(t), anyRequest(t)
			old, err := before.Decide(e, q)
			if err != nil || !slices.Contains(same, old.Rule) {
				continue
			}
			now, err := after.Decide(e, q)
			old.Policy = now.Policy
			if diff := cmp.Diff(old, now); err != nil || diff != "" {
				t.Fatalf("rules that stand %v\n%s%v\nbefore\n%s\nafter\n%s", same, diff, err, was.yaml(), is.yaml())
			}
			stood++
		}
	})
	if stood == 0 {
		t.Error("no rule stood in any change: the test says nothing")
	}
}

// edited changes a policy in one to three places.
func edited(t *rapid.T, p randomPolicy) randomPolicy {
	p.rules, p.recipients = slices.Clone(p.rules), slices.Clone(p.recipients)
	for n := range rapid.IntRange(1, 3).Draw(t, "edits") {
		at := rapid.IntRange(0, len(p.rules)-1).Draw(t, "rule")
		r := &p.rules[at]
		other := anyRule(t, r.name)
		switch one(t, "edit", "level", "level", "purposes", "purposes", "recipients", "days", "expires", "region", "approval", "prose", "when", "insert", "remove", "remove last", "swap", "text", "keys", "onward") {
		case "level":
			if other.level != "off" || r.when == other.when {
				r.level = other.level
			}
		case "purposes":
			r.purposes = other.purposes
		case "recipients":
			r.recipients = other.recipients
		case "days":
			r.days = other.days
		case "expires":
			r.expires = other.expires
		case "region":
			r.region = other.region
		case "approval":
			r.approval, r.share = other.approval, other.share
		case "prose":
			r.prose = other.prose
		case "when":
			if r.level != "off" || other.level == "off" {
				r.when = other.when
			}
		case "insert":
			p.rules = slices.Insert(p.rules, at, anyRule(t, fmt.Sprint("new", n)))
		case "remove":
			if len(p.rules) > 1 {
				p.rules = slices.Delete(p.rules, at, at+1)
			}
		case "remove last":
			if len(p.rules) > 1 {
				p.rules = p.rules[:len(p.rules)-1]
			}
		case "swap":
			p.rules[0], p.rules[at] = p.rules[at], p.rules[0]
		case "text":
			p.text = anyText(t)
		case "onward":
			p.recipients[1].onward = one(t, "onward", "", "maker", "other", "other, maker")
		case "keys":
			p.twoKeys = !p.twoKeys
		}
	}
	return p
}

func TestEachChangeIsTighterOrLooser(t *testing.T) {
	base := "version: 1\nrecipients: [{name: maker, kind: maker}, {name: us, kind: own}, {name: them, kind: maker, passes_on: [x, y]}]\ntext: {repositories: [a, b], clean_batches: 3}\ntwo_keys: true\n" +
		"rules:\n" +
		"  - {name: vault, when: 'team == \"v\"', level: 'off'}\n" +
		"  - {name: stays, when: 'team == \"s\"', level: none}\n" +
		"  - {name: some, when: 'team == \"x\"', level: masked, prose: true, purposes: [evaluate, reward], recipients: [maker], retention_days: 30, expires: 2027-01-01, region: eu}\n" +
		"  - {name: rest, when: 'true', level: signal, purposes: [evaluate], retention_days: 90, approval: auto}\n"
	for _, c := range []struct {
		from, to string
		looser   bool
		says     string
	}{
		{"level: masked, prose: true", "level: signal", false, "level: masked → signal"},
		{"level: masked, prose: true", "level: clean", true, "level: masked → clean"},
		{"masked, prose: true", "masked", false, "prose: yes → no"},
		{"[evaluate, reward]", "[evaluate]", false, "purposes: no longer reward"},
		{"[evaluate, reward]", "[evaluate, reward, distil]", true, "purposes: also distil"},
		{"retention_days: 30", "retention_days: 7", false, "retention_days: 30 → 7"},
		{"retention_days: 30", "retention_days: 31", true, "retention_days: 30 → 31"},
		{"retention_days: 30, ", "", true, "retention_days: 30 → 0"},
		{"expires: 2027-01-01", "expires: 2026-12-01", false, "expires: 2027-01-01 → 2026-12-01"},
		{"expires: 2027-01-01, ", "", true, "expires: 2027-01-01 → never"},
		{"region: eu", "region: us", true, "region: eu → us"},
		{", region: eu", "", true, "region: eu → none"},
		{"approval: auto", "approval: auto, audit_share: 0.02", false, "audit_share: 0 → 0.02"},
		{"approval: auto", "approval: steward", false, "approval: auto → steward"},
		{"expires: 2027-01-01,", "expires: 2027-01-01, approval: auto,", true, "approval: steward → auto"},
		{"recipients: [maker],", "recipients: [maker, us],", true, "recipients: also us"},
		{"level: signal, purposes: [evaluate], retention", "level: signal, purposes: [evaluate], recipients: [us], retention", false, "recipients: no longer maker"},
		{"'team == \"x\"'", "'team == \"x\" && tool == \"y\"'", true, "when: "},
		{"  - {name: vault, when: 'team == \"v\"', level: 'off'}\n", "", true, "removed (level off)"},
		{"  - {name: stays, when: 'team == \"s\"', level: none}\n", "", true, "removed (level none)"},
		{"  - {name: rest, when: 'true', level: signal, purposes: [evaluate], retention_days: 90, approval: auto}\n", "", false, "removed (level signal)"},
		{"  - {name: stays,", "  - {name: more, when: 'tool == \"z\"', level: none}\n  - {name: stays,", false, "added (level none)"},
		{"  - {name: stays,", "  - {name: more, when: 'tool == \"z\"', level: 'off'}\n  - {name: stays,", false, "added (level off)"},
		{"  - {name: stays,", "  - {name: more, when: 'false', level: aggregate, purposes: [evaluate], retention_days: 1}\n  - {name: stays,", true, "added (level aggregate)"},
		{"two_keys: true", "two_keys: false", true, "two_keys: yes → no"},
		{"two_keys: true", "two_keys: true\nexplore: 0.02", true, "explore: 0 → 0.02"},
		{"two_keys: true", "two_keys: true\ncounts: {period: month}", true, "added (each month, epsilon 1, budget 10)"},
		{"[a, b]", "[a]", false, "text: no longer from b"},
		{"[a, b]", "[a, b, c]", true, "text: also from c"},
		{"clean_batches: 3", "clean_batches: 2", true, "text: clean_batches: 3 → 2"},
		{"clean_batches: 3", "clean_batches: 4", false, "text: clean_batches: 3 → 4"},
		{"text: {repositories: [a, b], clean_batches: 3}\n", "", false, "text removed: none leaves"},
		{"{name: us, kind: own}", "{name: us, kind: maker}", true, "kind of recipient us: own → maker"},
		{"{name: us, kind: own}", "{name: us, kind: own}, {name: others, kind: own}", true, "recipient others added"},
		{", {name: us, kind: own}", "", false, "recipient us removed"},
		{"{name: maker, kind: maker}", "{name: maker, kind: maker, passes_on: [other]}", true, "recipient maker may pass on to other"},
		{"{name: us, kind: own}", "{name: us, kind: own, passes_on: [maker]}", true, "recipient us may pass on to maker"},
		{"{name: them, kind: maker, passes_on: [x, y]}", "{name: them, kind: maker, passes_on: [y, x]}", true, "way of what recipient them may pass on: them, x, y → them, y, x"},
		{"{name: them, kind: maker, passes_on: [x, y]}", "{name: them, kind: maker, passes_on: [x]}", false, "recipient them may no longer pass on to y"},
	} {
		before, err := DecodePolicy([]byte(base))
		if err != nil {
			t.Fatal(err)
		}
		after, err := DecodePolicy([]byte(strings.Replace(base, c.from, c.to, 1)))
		if err != nil {
			t.Fatalf("%s: %v", c.to, err)
		}
		changes := Compare(before, after)
		if Looser(changes) != c.looser || !slices.ContainsFunc(changes, func(x Change) bool { return strings.HasPrefix(x.What, c.says) }) {
			t.Errorf("%s → %s: looser is not %v, or %q is missing: %+v", c.from, c.to, c.looser, c.says, changes)
		}
	}
	p, _ := DecodePolicy([]byte(base))
	if again, _ := DecodePolicy([]byte(base + "# a comment\n")); len(Compare(p, again)) > 0 {
		t.Errorf("a comment is a change: %+v", Compare(p, again))
	}
}

func TestRulesThatSwapPlacesMayLetMoreLeave(t *testing.T) {
	a, b := rule1("team == 'x'", "none", ""), rule1("true", "signal", "")
	if !Looser(Compare(policy(t, a+b), policy(t, b+a))) || Looser(Compare(policy(t, a+b), policy(t, a+b))) {
		t.Error("order counts for nothing, or for too much")
	}
}
