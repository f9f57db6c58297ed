// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const withReleases = `version: 1
recipients:
  - {name: tool-maker, kind: maker}
rules:
  - {name: all, when: "true", level: signal, purposes: [evaluate], retention_days: 1}
releases:
  - {kind: filter, hub: tool-maker, channel: early, hold: 24h, approver: auto}
  - {kind: instructions, hub: tool-maker}
`

func TestReleasesAreTakenUnderARuleOnly(t *testing.T) {
	p, err := DecodePolicy([]byte(withReleases))
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := p.ReleaseRule("filter", "tool-maker"); !ok || !cmp.Equal(r, ReleaseRule{Kind: "filter", Hub: "tool-maker", Channel: "early", Hold: 24 * time.Hour}) {
		t.Errorf("filter: %+v", r)
	}
	if r, ok := p.ReleaseRule("instructions", "tool-maker"); !ok || !r.Person {
		t.Errorf("instructions: %+v: a person must look", r)
	}
	for _, none := range [][2]string{{"route", "tool-maker"}, {"filter", "other"}} {
		if r, ok := p.ReleaseRule(none[0], none[1]); ok {
			t.Errorf("%v: %+v", none, r)
		}
	}
}

func TestARuleForReleasesThatCannotHoldIsRefused(t *testing.T) {
	for was, is := range map[string]string{"kind: filter": "kind: weights", "hub: tool-maker, channel": "hub: nobody, channel", "channel: early": "channel: nightly", "hold: 24h": "hold: soon",
		"hold: 24h,": "hold: -1h,", "approver: auto": "approver: nobody", "kind: instructions, hub: tool-maker": "kind: instructions, hub: tool-maker, approver: auto", "kind: instructions": "kind: filter"} {
		bad := strings.Replace(withReleases, was, is, 1)
		if _, err := DecodePolicy([]byte(bad)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", is, err)
		}
	}
}

func TestWhatBringsReleasesSoonerLoosens(t *testing.T) {
	was, err := DecodePolicy([]byte(withReleases))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to string
		looser   bool
	}{
		{"channel: early", "channel: canary", true}, {"channel: early", "channel: stable", false}, {"hold: 24h", "hold: 1h", true}, {"hold: 24h", "hold: 48h", false},
		{"approver: auto", "approver: person", false}, {"channel: early", "key: ab12, channel: early", true},
		{"  - {kind: instructions, hub: tool-maker}\n", "", false}, {"  - {kind: instructions, hub: tool-maker}\n", "  - {kind: instructions, hub: tool-maker}\n  - {kind: route, hub: tool-maker}\n", true},
	} {
		is, err := DecodePolicy([]byte(strings.Replace(withReleases, c.from, c.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		changes := Compare(was, is)
		if len(changes) != 1 || Looser(changes) != c.looser {
			t.Errorf("%q → %q: %+v, want looser %v", c.from, c.to, changes, c.looser)
		}
		if back := Compare(is, was); len(back) != 1 || c.from != "channel: early" && Looser(back) == c.looser {
			t.Errorf("%q ← %q: %+v", c.from, c.to, back)
		}
		if got := Same(was, is); !cmp.Equal(got, []string{"all"}) {
			t.Errorf("%q → %q: what leaves is screened again; same: %v", c.from, c.to, got)
		}
	}
}
