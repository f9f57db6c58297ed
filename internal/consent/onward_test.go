// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
)

// What a recipient may pass on leaves under terms that name everybody to whom it may come, and for what is right for all of them.
func TestTermsNameThoseToWhomARecipientMayPassOn(t *testing.T) {
	policy := func(onward string) *Policy {
		p, err := DecodePolicy([]byte("version: 1\nrecipients: [{name: us, kind: own" + onward + "}]\nrules:\n" +
			"  - {name: all, when: 'true', level: signal, purposes: [evaluate, finetune], retention_days: 30}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	e := &episode.Episode{ID: "ep_1", Model: episode.Model{Provider: "anthropic"}, Local: &episode.Local{}, Privacy: &episode.Privacy{Level: episode.LevelClean}}
	terms := func(p *Policy) *episode.Terms {
		d, err := p.Decide(e, Request{Recipient: "us"})
		if err != nil || !d.Leaves() {
			t.Fatalf("%+v, %v", d, err)
		}
		return d.Terms
	}
	alone, onward := terms(policy("")), terms(policy(", passes_on: [other-maker]"))
	if !slices.Equal(alone.Recipients, []string{"us"}) || !slices.Equal(onward.Recipients, []string{"us", "other-maker"}) {
		t.Errorf("recipients are %v and %v", alone.Recipients, onward.Recipients)
	}
	if len(onward.Purposes) > len(alone.Purposes) {
		t.Errorf("for more purposes, %v, than %v", onward.Purposes, alone.Purposes)
	}
	for _, p := range onward.Purposes {
		if row, ok := policy("").rights.Best(factsOf(e, &recipient{}).origin, "maker", p); !ok || row.Level.Rank() < episode.LevelSignal.Rank() {
			t.Errorf("a maker gets it for %s, which the rights table does not let it", p)
		}
	}
}

func TestARecipientPassesOnToOthers(t *testing.T) {
	if _, err := DecodePolicy([]byte("version: 1\nrecipients: [{name: us, kind: own, region: eu, passes_on: [them]}, {name: them, kind: own, region: us}]\nrules:\n  - {name: all, when: 'true', level: none}\n")); err == nil {
		t.Error("it may be passed on out of its region")
	}
	for _, onward := range []string{"[us]", "[other, other]", "['']"} {
		_, err := DecodePolicy([]byte("version: 1\nrecipients: [{name: us, kind: own, passes_on: " + onward + "}]\nrules:\n  - {name: all, when: 'true', level: none}\n"))
		if p, ok := errors.AsType[*episode.Problem](err); !ok || !strings.Contains(p.Message, "passes_on") {
			t.Errorf("%s: %v", onward, err)
		}
	}
}
