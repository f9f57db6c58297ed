// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
)

func shipped(t testing.TB) *Table {
	t.Helper()
	table, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWhatNoRowAllowsIsNotAllowed(t *testing.T) {
	use := shipped(t).By(Maker)
	for _, c := range []struct {
		provider, class string
		level           episode.Level
		purpose         episode.Purpose
		want            bool
	}{
		{"anthropic", "enterprise", "signal", "evaluate", true},
		{"anthropic", "enterprise", "masked", "evaluate", false},
		{"anthropic", "enterprise", "signal", "reward", false},
		{"anthropic", "enterprise", "signal", "finetune", false},
		{"", "", "signal", "distil", false},
		{"meta", "open-license", "clean", "distil", true},
		{"demo", "", "clean", "finetune", true},
		{"demo", "", "clean", "resell", false},
		{"demo", "", "", "evaluate", false},
		{"demo", "", "everything", "evaluate", false},
	} {
		e := &episode.Episode{Model: episode.Model{Provider: "somebody"}, Origin: &episode.Origin{Provider: c.provider, ContractClass: c.class}, Privacy: &episode.Privacy{Level: c.level}}
		if use.Allows(e, c.purpose) != c.want {
			t.Errorf("%+v is not so", c)
		}
	}
	if (Use{}).Allows(&episode.Episode{Model: episode.Model{Provider: "demo"}, Privacy: &episode.Privacy{Level: "signal"}}, "evaluate") {
		t.Error("without a table something is allowed")
	}
	if use.Allows(&episode.Episode{Model: episode.Model{Provider: "demo"}}, "evaluate") {
		t.Error("what has no level is allowed")
	}
}

func TestOfOriginAndModelTheOriginCounts(t *testing.T) {
	e := &episode.Episode{Model: episode.Model{Provider: "demo"}}
	if o := Of(e); o != (Origin{Provider: "demo"}) {
		t.Errorf("%+v", o)
	}
	e.Origin = &episode.Origin{ContractClass: "api"}
	if o := Of(e); o != (Origin{"demo", "api"}) {
		t.Errorf("%+v", o)
	}
	e.Origin.Provider = "openai"
	if o := Of(e); o != (Origin{"openai", "api"}) {
		t.Errorf("%+v", o)
	}
}

const head = "# version: 7\nprovider\tcontract_class\trecipient_kind\tpurpose\tlevel\n"

func TestTheLevelIsWhatAllPurposesAllow(t *testing.T) {
	table, err := Parse(head + "*\t*\t*\tevaluate\tsignal\na\t*\t*\tfinetune\tclean\na\t*\town\tdistil\tmasked\n")
	if err != nil || table.Version() != "7" {
		t.Fatalf("%q, %v", table.Version(), err)
	}
	for _, c := range []struct {
		kind, asked, purposes, level, allowed string
	}{
		{Maker, "clean", "evaluate finetune", "signal", "evaluate finetune"},
		{Maker, "clean", "finetune", "clean", "finetune"},
		{Maker, "clean", "finetune distil", "clean", "finetune"},
		{Own, "clean", "finetune distil", "masked", "finetune distil"},
		{Own, "signal", "distil", "signal", "distil"},
		{Maker, "clean", "distil reward", "clean", ""},
	} {
		var asked []episode.Purpose
		for _, p := range strings.Fields(c.purposes) {
			asked = append(asked, episode.Purpose(p))
		}
		level, allowed := table.Limit(episode.Level(c.asked), Origin{Provider: "a"}, c.kind, asked)
		var got []string
		for _, p := range allowed {
			got = append(got, string(p))
		}
		if string(level) != c.level || strings.Join(got, " ") != c.allowed {
			t.Errorf("%+v: %s %v", c, level, got)
		}
	}
	// Without evaluate, finetune may have clean text.
	if !table.HoldsDown(Maker, "evaluate", []episode.Purpose{"finetune"}) || table.HoldsDown(Maker, "finetune", []episode.Purpose{"evaluate"}) ||
		shipped(t).HoldsDown(Maker, "evaluate", []episode.Purpose{"finetune", "reward", "distil"}) {
		t.Error("what holds the level down is found wrong")
	}
}

func TestATableThatDoesNotReadIsRefused(t *testing.T) {
	for _, bad := range []string{"", "provider\tlevel\n", strings.TrimPrefix(head, "# version: 7\n") + "*\t*\t*\tevaluate\tsignal\n", head + "*\t*\tevaluate\tsignal\n", head + "*\t*\t*\tevaluate\tall\n"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q reads", bad)
		}
	}
	if !slices.ContainsFunc(shipped(t).rows, func(r Row) bool { return r.Provider == "*" && r.Level == episode.LevelSignal }) {
		t.Error("the shipped table has lost its first row")
	}
}
