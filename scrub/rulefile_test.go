// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func ownRules(t testing.TB, toml string) *Rules {
	t.Helper()
	rs, err := ReadRules(nil, strings.NewReader(toml), "own.toml")
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

const tomlRules = `
title = "ours"
[extend]
useDefault = true
[allowlist]
regexes = ["widget.*"]
[[rules]]
id = "Widget-Serial 2"
regex = '''widget~([0-9]{3})~[a-z]+'''
keywords = ["Widget~"]
[[rules]]
id = "lot"
regex = '''lot (no|nr) (\w+)'''
secretGroup = 2
entropy = 1.5
keywords = ["lot "]
[[rules.allowlists]]
stopwords = ["lot"]
[[rules]]
id = "slow"
regex = '''#\+\+[a-z]{4}\+\+'''
path = '''\.go$'''
`

func TestAnAdministratorsRulesAddToTheFilter(t *testing.T) {
	rs := ownRules(t, tomlRules)
	s := newScrubber(t, Config{Rules: rs})
	out := scrubbed(t, s, "see widget~123~abc, Lot no x, lot nr abcdef, and "+strings.Repeat("-", 5000)+" #++abcd++ end")
	for _, gone := range []string{"~123~", "abcdef", "#++abcd"} {
		if strings.Contains(out, gone) {
			t.Errorf("%q is left in %.200q", gone, out)
		}
	}
	for _, kept := range []string{"widget~SECRET_widget_serial", "~abc, Lot no x, lot nr SECRET_lot_", " end"} {
		if !strings.Contains(out, kept) {
			t.Errorf("%q is not in %.200q", kept, out)
		}
	}
	if n := len(rs.Notices); n != 3 {
		t.Errorf("%d notices: %q", n, rs.Notices)
	}
	if twice := scrubbed(t, s, out); twice != out {
		t.Errorf("%q became %q", out, twice)
	}
}

func TestARuleThatCannotBeReadIsNamed(t *testing.T) {
	for toml, want := range map[string]string{
		"[[rules]]\nid='a'\nregex='('":                `own.toml: rule "a": error parsing regexp: missing closing )`,
		"[[rules]]\nid='a'\nregex='x'\nsecretGroup=2": "0 groups", "[[rules]]\nregex='x'": "rule 1 has no id", "[[rules": "own.toml", "rules=3": "own.toml",
		"[[rules]]\nid='a'\nregex='(?=x)'": "invalid or unsupported Perl syntax",
		"[[rules]]\nid='a'\nregex='x*'":    "matches where nothing stands",
	} {
		if _, err := ReadRules(nil, strings.NewReader(toml), "own.toml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", toml, err)
		}
	}
}

func TestAMatchLongerThanAWindowIsWhole(t *testing.T) {
	s := newScrubber(t, Config{Rules: ownRules(t, "[[rules]]\nid='block'\nregex='<<[b c]+'\nkeywords=['<<']\n")})
	if out := scrubbed(t, s, "a <<"+strings.Repeat("b c ", 2000)+">> d"); strings.Contains(out, "b c") {
		t.Errorf("%.100q", out)
	}
}

func TestKeywordsEverywhereTakeLinearTime(t *testing.T) {
	s := newScrubber(t, Config{Budget: time.Minute, Rules: ownRules(t, "[[rules]]\nid='a'\nregex='a+b[a-z]{1,100}$'\nkeywords=['a']\n")})
	took := func(n int) time.Duration {
		return quickest(func() {
			if _, _, err := s.Text(nil, bytes.Repeat([]byte("a"), n)); err != nil {
				t.Error(err)
			}
		})
	}
	if short, long := took(1<<16), took(1<<18); long > 12*short+time.Second {
		t.Errorf("%v, four times as many %v", short, long)
	}
}

func FuzzRules(f *testing.F) {
	f.Add([]byte(tomlRules), []byte("widget~123~abc lot no abcdef"))
	f.Fuzz(func(t *testing.T, toml, text []byte) {
		if len(toml) > 1<<10 || len(text) > 1<<12 {
			return
		}
		rs, err := ReadRules(nil, bytes.NewReader(toml), "f")
		if err != nil {
			return
		}
		w := &worker{buf: text}
		newAutomaton(rs.table()).each(&w.places, text, func(r *rule, start, end int) { r.detect(w, r, start, end) })
		rs.all(w)
		for _, h := range w.hits {
			if h.start < 0 || h.start >= h.end || h.end > len(text) || h.kind == "" {
				t.Fatalf("%+v in %d bytes", h, len(text))
			}
		}
	})
}
