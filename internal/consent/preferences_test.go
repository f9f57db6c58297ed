// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
)

const ada = "version: 1\ndeveloper: ada@alder.example\n"

func preferences(t testing.TB, more string) *Preferences {
	t.Helper()
	p, err := DecodePreferences([]byte(ada + more))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheStricterOfOrganisationAndDeveloperWins(t *testing.T) {
	p := policy(t, rule1("true", "clean", "    approval: auto\n"))
	for _, c := range []struct {
		says, level string
		purposes    []episode.Purpose
		approval    Approval
		notices     []string
	}{
		{"", "clean", []episode.Purpose{"evaluate", "finetune"}, "auto", nil},
		{"agree: true\n", "clean", []episode.Purpose{"evaluate", "finetune"}, "auto", nil},
		{"limits: [{level: masked}]\n", "masked", []episode.Purpose{"evaluate", "finetune"}, "auto", []string{NoticeDeveloper}},
		{"limits: [{level: masked}, {repository: 'git.alder.example/*', level: signal}]\n", "signal", []episode.Purpose{"evaluate", "finetune"}, "auto", []string{NoticeDeveloper}},
		{"limits: [{repository: 'elsewhere/*', level: none}]\n", "clean", []episode.Purpose{"evaluate", "finetune"}, "auto", nil},
		{"limits: [{tool: codex, level: none}]\n", "clean", []episode.Purpose{"evaluate", "finetune"}, "auto", nil},
		{"limits: [{tool: claude-code, purposes: [evaluate, distil]}]\n", "clean", []episode.Purpose{"evaluate"}, "auto", []string{NoticeDeveloper}},
		{"limits: [{approval: steward}]\n", "clean", []episode.Purpose{"evaluate", "finetune"}, "steward", []string{NoticeDeveloper}},
	} {
		d, err := p.Decide(demo(), Request{Recipient: "maker", Now: day, Audited: 1, Preferences: preferences(t, c.says)})
		if err != nil || string(d.Level) != c.level || d.Terms == nil || !cmp.Equal(d.Terms.Purposes, c.purposes) || d.Approval != c.approval || !cmp.Equal(d.Notices, c.notices) {
			t.Errorf("%s: %+v %+v, %v", c.says, d, d.Terms, err)
		}
	}
	for _, says := range []string{"agree: false\n", "limits: [{level: none}]\n", "limits: [{purposes: [distil]}]\n", "limits: [{level: aggregate}]\n"} {
		if d, err := p.Decide(demo(), Request{Recipient: "maker", Now: day, Audited: 1, Preferences: preferences(t, says)}); err != nil || d.Leaves() {
			t.Errorf("%s: %+v, %v", says, d, err)
		}
	}
}

func TestWithTwoKeysSilenceMeansNo(t *testing.T) {
	p := policy(t, "  - {name: a, when: 'true', level: signal, purposes: [evaluate], retention_days: 9}\ntwo_keys: true\n")
	for _, c := range []struct {
		prefs   *Preferences
		leaves  bool
		notices []string
	}{
		{nil, false, []string{NoticeWaits}},
		{preferences(t, "limits: [{level: clean}]\n"), false, []string{NoticeWaits}},
		{preferences(t, "agree: false\n"), false, []string{NoticeDeveloper}},
		{preferences(t, "agree: true\n"), true, nil},
	} {
		d, err := p.Decide(demo(), Request{Recipient: "maker", Now: day, Preferences: c.prefs})
		if err != nil || d.Leaves() != c.leaves || !cmp.Equal(d.Notices, c.notices) {
			t.Errorf("%+v: %+v, %v", c.prefs, d, err)
		}
	}
}

func TestPreferencesOfOneAreNotTakenForAnother(t *testing.T) {
	who := preferences(t, "agree: true\n")
	who.Developer = "grace@alder.example"
	if d, err := policy(t, rule1("true", "signal", "")).Decide(demo(), Request{Recipient: "maker", Now: day, Preferences: who}); err == nil || d.Leaves() {
		t.Errorf("%+v", d)
	}
}

func TestARecordFromNobodyKnowsWhereFitsEveryLimit(t *testing.T) {
	e := demo()
	e.Repository, e.Local.Repository = "", ""
	q := Request{Recipient: "maker", Now: day, Preferences: preferences(t, "limits: [{repository: 'elsewhere/*', level: none}]\n")}
	if d, err := policy(t, rule1("true", "signal", "")).Decide(e, q); err != nil || d.Leaves() {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPreferencesNeverLetMoreLeave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, e, q := anyPolicy(t).decode(t), anyRecord(t), anyRequest(t)
		q.Preferences = nil
		p.twoKeys = false
		without, err := p.Decide(e, q)
		if err != nil {
			t.Skip()
		}
		q.Preferences = anyPreferences(t, DeveloperOf(e))
		p.twoKeys = rapid.Bool().Draw(t, "two keys")
		with, err := p.Decide(e, q)
		if err != nil {
			t.Fatal(err)
		}
		if why := looser(without, with); why != "" {
			t.Errorf("%s: without %+v, with %+v", why, without, with)
		}
	})
}

func TestAMistakeInPreferencesNamesLineAndWhatIsAllowed(t *testing.T) {
	for says, want := range map[string]string{
		"version: 2\ndeveloper: a\n":                      "preferences line 1: version is 2",
		"version: 1\n":                                    "developer is missing",
		ada + "share: true\n":                             `line 3: unknown key "share"; a developer's preferences has: agree, developer, limits, version`,
		ada + "agree: perhaps\n":                          "line 3: ",
		ada + "limits: [{level: off}]\n":                  `level is "off"; allowed: none, aggregate, signal, masked, clean`,
		ada + "limits: [{tool: codex}]\n":                 "level, purposes, approval",
		ada + "limits: [{purposes: [sell]}]\n":            `purposes is "sell"; allowed: evaluate, reward, finetune, distil`,
		ada + "limits: [{approval: auto}]\n":              `approval is "auto"; allowed: steward, developer`,
		ada + "limits: []\n":                              "limits is a list of one or more",
		ada + "limits: [{repositories: a, level: off}]\n": `unknown key "repositories"`,
	} {
		_, err := DecodePreferences([]byte(says))
		p, ok := errors.AsType[*episode.Problem](err)
		if !ok || p.Code != codePreferences || p.Hint == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", says, err, want)
		}
	}
}

func FuzzDecodePreferences(f *testing.F) {
	f.Add([]byte(ada + "agree: false\n"))
	f.Add([]byte(ada + "limits: [{repository: 'a/**', tool: codex, level: none, purposes: [evaluate], approval: steward}]\n"))
	p := policy(f, rule1("true", "clean", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		who, err := DecodePreferences(b)
		if err != nil {
			return
		}
		e := demo()
		e.Developer, e.Local.Developer = who.Developer, who.Developer
		q := Request{Recipient: "maker", Now: day, Audited: 1}
		without, err := p.Decide(e, q)
		if err != nil {
			t.Fatal(err)
		}
		q.Preferences = who
		with, err := p.Decide(e, q)
		if err != nil {
			t.Fatal(err)
		}
		if why := looser(without, with); why != "" {
			t.Errorf("%s: without %+v, with %+v", why, without, with)
		}
	})
}
