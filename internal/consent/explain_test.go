// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

func TestAnExplanationEndsInTheDecisionAndNamesTheRuleThatMadeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, e, q := anyPolicy(t).decode(t), anyRecord(t), anyRequest(t)
		q.Preferences = anyPreferences(t, DeveloperOf(e))
		d, err := p.Decide(e, q)
		x, xErr := p.Explain(e, q)
		if xErr != nil {
			t.Fatal(xErr)
		}
		last := Asked{Fits: "no"}
		for i, a := range x.Rules {
			if last = a; i < len(x.Rules)-1 && a.Fits != "no" {
				t.Fatalf("rule %d decides, and another is asked after it: %+v", i, x.Rules)
			}
		}
		switch {
		case err != nil:
			if last.Fits != "error" || x.Error == "" {
				t.Fatalf("%v: %+v", err, x)
			}
		case d.Level == episode.LevelOff, d.Rule != "":
			if last.Fits != "yes" || d.Rule != "" && d.Rule != last.Rule {
				t.Fatalf("%+v: %+v", d, x)
			}
		case last.Fits != "no" || x.Unasked != 0:
			t.Fatalf("no rule fits, and yet: %+v", x)
		}
		if d.Leaves() != strings.HasPrefix(x.Outcome, "leaves at level ") || len(d.Notices) != len(x.Taken) && d.Rule != "" {
			t.Fatalf("%+v: %+v", d, x)
		}
	})
}

func TestAnExplanationHoldsNoTextOfTheRecord(t *testing.T) {
	e := demo()
	e.Instruction = "the quick brown fox"
	e.Suggestions = []episode.Suggestion{{ID: "s1", Before: "jumps over", After: "the lazy dog"}}
	x, err := policy(t, fiftyRules()).Explain(e, Request{Recipient: "maker", Now: day})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(x)
	if err != nil || len(x.Rules) < 10 {
		t.Fatalf("%d rules, %v", len(x.Rules), err)
	}
	for _, s := range []string{"fox", "jumps", "lazy"} {
		if strings.Contains(string(b), s) {
			t.Errorf("%q is in it", s)
		}
	}
}

func TestATrialCountsEveryRecordOnceForEachRecipient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, against := anyPolicy(t).decode(t), anyPolicy(t).decode(t)
		trial, err := NewTrial(p, against, p.Recipients(), func(to string) (*Lowerer, error) { return NewLowerer(to, derive) })
		if err != nil {
			t.Fatal(err)
		}
		records := rapid.IntRange(1, 12).Draw(t, "records")
		for range records {
			e := anyRecord(t)
			if err := trial.Add(e, Request{Now: day, Audited: 2, Preferences: anyPreferences(t, DeveloperOf(e))}); err != nil {
				t.Fatal(err)
			}
		}
		r := trial.Report()
		n := 0
		for _, l := range r.Leaves {
			if n += l.Records; l.Bytes < int64(l.Records) {
				t.Errorf("%+v", l)
			}
		}
		for _, s := range r.Stays {
			n += s.Records
		}
		if n != 2*records || r.Records != records {
			t.Errorf("%d records for two recipients, and %d are told of: %+v", records, n, r)
		}
	})
	trial, err := NewTrial(Starter(), nil, Starter().Recipients(), func(to string) (*Lowerer, error) { return NewLowerer(to, derive) })
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.Add(&episode.Episode{ID: "raw"}, Request{}); err == nil || trial.Report().SetAside != 1 {
		t.Errorf("what is not scrubbed is tried: %+v", trial.Report())
	}
}
