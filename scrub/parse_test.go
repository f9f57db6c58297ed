// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sensitive makes values of every form that stands in code: those in strings, and numbers.
func sensitive(r *rand.Rand) (texts, numbers []string) {
	hexes := "0123456789abcdef"
	card := canaries()[len(canaries())-1].make(r)
	texts = []string{of(alnum, 20)(r), "ghp_" + of(alnum, 36)(r), of("abcdefghijkl", 7)(r) + "@" + of("mnopqrst", 6)(r) + ".com", "/home/" + of("abcdefg", 6)(r) + "/src",
		"https://svc:" + of(alnum, 12)(r) + "@db1.prod.corp:5432/x?token=" + of(alnum, 24)(r), of(hexes, 8)(r) + "-" + of(hexes, 4)(r) + "-4" + of(hexes, 3)(r) + "-a" + of(hexes, 3)(r) + "-" + of(hexes, 12)(r),
		fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)), card, of(hexes, 40)(r), of(hexes, 64)(r), "JIRA-" + of("123456789", 4)(r), "+49 30 " + of("0123456789", 7)(r),
		`C:\\Users\\` + of("abcdefg", 6)(r) + `\\x`, `say \"` + of(alnum, 20)(r) + `\"`, `line\npassword=` + of(alnum, 16)(r) + `\n`, `\u00e9` + of(alnum, 20)(r), of(alnum, 30)(r),
		"Bearer " + of(alnum, 30)(r), "password: " + of(alnum, 10)(r), "00:1a:2b:" + of(hexes, 2)(r) + ":4d:5e", `\x41` + of(alnum, 20)(r), `\n` + of("nrtabc", 7)(r) + "@corp.com"}
	numbers = []string{card, "0x" + of(hexes, 16)(r), "0x" + of(hexes, 40)(r), of("123456789", 12)(r), of("123456789", 18)(r), "1" + of("0123456789", 10)(r), of("123456789", 6)(r) + "." + of("123456789", 6)(r),
		"0b1010", "1e9", "0o755", "4_111_111_111_111_111"}
	return texts, numbers
}

// goFile is Go with a place for every kind of literal: ‹t› for a text in quotes, ‹n› for a number.
const goFile = `// Package p was written by ‹t›.
package p

import "fmt" // ‹t›

/* ‹t› */
const (
	password = "‹t›"
	apiKey, token = "‹t›", ‹n›
	Account  = ‹n›
)

var secrets = map[string]string{"password": "‹t›", "‹t›": "x"}

var list = []any{"‹t›", ‹n›, 'x', [...]string{"‹t›"}, struct{ Secret string ` + "`json:\"‹r›\"`" + ` }{Secret: "‹t›"}}

func f(secret string, pin int) error {
	switch secret {
	case "‹t›", "a" + "‹t›":
		pin = ‹n›+‹n›*2 - list[‹n›-1].(int)
	}
	if pin == ‹n› && secret != "‹t›" || token > ‹n› {
		return fmt.Errorf("password %s: ‹t› %d", "‹t›", ‹n›)
	}
	raw := ` + "`‹r›\n\tpassword: ‹r›\n`" + `
	user_password := "‹t›" // token=‹t›
	var key = [2]uint64{‹n›, ‹n›}
	return f("‹t›", ‹n›)
}
`

// filled puts values in the places of a template.
func filled(r *rand.Rand, template string) string {
	texts, numbers := sensitive(r)
	for _, p := range []struct {
		place  string
		values []string
	}{{"‹t›", texts}, {"‹r›", texts}, {"‹n›", numbers}} {
		for strings.Contains(template, p.place) {
			template = strings.Replace(template, p.place, p.values[r.IntN(len(p.values))], 1)
		}
	}
	return template
}

func TestCodeStillParsesWithAFindingInEveryLiteral(t *testing.T) {
	for _, s := range []*Scrubber{newScrubber(t, Config{}), newScrubber(t, Config{Profile: Balanced})} {
		rapid.Check(t, func(t *rapid.T) {
			text := filled(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7)), goFile)
			if _, err := parser.ParseFile(token.NewFileSet(), "before.go", text, 0); err != nil {
				t.Fatalf("the template: %v\n%s", err, text)
			}
			out, found, err := s.Text(nil, []byte(text))
			if err != nil || len(found) == 0 {
				t.Fatalf("%d found: %v", len(found), err)
			}
			if _, err := parser.ParseFile(token.NewFileSet(), "after.go", out, 0); err != nil {
				t.Fatalf("%v\nbefore\n%s\nafter\n%s", err, text, out)
			}
		})
	}
}

func TestJSONStaysJSON(t *testing.T) {
	s := newScrubber(t, Config{})
	const template = `{"password":"‹t›","n":[‹n›,"‹t›"],"‹t›":{"secret":"‹t›","text":"a ‹t› b\nc ‹t›"},"log":"{\"token\":\"‹t›\"}"}`
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7))
		texts, _ := sensitive(r)
		text := template
		for strings.Contains(text, "‹t›") {
			if v := texts[r.IntN(len(texts))]; !strings.Contains(v, `\x`) && !strings.Contains(v, `\"`) {
				text = strings.Replace(text, "‹t›", v, 1)
			}
		}
		text = strings.Replace(text, "‹n›", "1.5", 1)
		if !json.Valid([]byte(text)) {
			t.Fatalf("the template is no JSON: %s", text)
		}
		out, _, err := s.Text(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(out) {
			t.Fatalf("no longer JSON\nbefore %s\nafter  %s", text, out)
		}
	})
}
