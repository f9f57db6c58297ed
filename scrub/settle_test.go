// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// settles reports whether text can be proven clean as the field of a record, and stays the same when it is scrubbed again.
func settles(t *testing.T, s *Scrubber, text string) (once string, ok bool) {
	t.Helper()
	line, err := jsontext.AppendQuote([]byte(`{"text":`), text)
	if err != nil {
		t.Fatal(err)
	}
	if out, _, err := s.Field(nil, append(line, '}'), "text"); err != nil || !jsontext.Value(out).IsValid() {
		t.Errorf("%q: %v %s", text, err, out)
		return "", false
	}
	once = scrubbed(t, s, text)
	if twice := scrubbed(t, s, once); twice != once {
		t.Errorf("%q became\n%q and then\n%q", text, once, twice)
		return once, false
	}
	return once, true
}

// TestWhatAnAddressKeepsSettles: what stays of an address beside its marks (a scheme, an ending, a public folder) may look
// like the value of the word before it, once the rest is marks.
func TestWhatAnAddressKeepsSettles(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(11, 12))
	const lower = "abcdefghijklmnopqrstuvwxyz"
	for range 300 {
		pick := func(of ...string) string { return of[r.IntN(len(of))] }
		host := some(r, lower, 7) + pick(".corp", ".internal", ".acme.com", ".example.com:8080", "")
		address := pick("http://", "https://", "ssh://", "") + pick("", "", some(r, lower, 5)+"@", some(r, lower, 6)+":"+some(r, lower+"0123456789", 9)+"@") + host +
			pick("", "/", "/v2/", "/example/") + some(r, lower, 6) + pick("", "/"+some(r, lower, 8)) + pick("", ".git", ".zip", ".md", ".yaml")
		text := pick("with_credentials", "Credential", "auth", "sig", "[sig-rules.md]", "cookie", "x-auth.trusted-uris", "curl -k --user a:b") +
			pick(": ", " = ", "=", "(c, ", " ") + pick(`"`, "'", "") + address
		text = strings.Repeat("nothing of note\n", r.IntN(2)*600) + text + pick("\"\n", "'\n", "\n", "\", ")
		settles(t, s, text+text)
	}
}

// TestNoLetterIsCutInTwo: a record whose text ends up with half a letter in it cannot be written.
func TestNoLetterIsCutInTwo(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(13, 14))
	for range 2000 { // words with capitals amid letters of other alphabets
		var text strings.Builder
		for range 2 + r.IntN(12) {
			text.WriteString([]string{"在", "不", "用", "，使用", "情況下", "佔用伺服器", "Remote ", "Code ", "Execution", "Kepler ", "Works ", "。", "é", "да", "\"", " "}[r.IntN(16)])
		}
		settles(t, s, "A sentence that goes before it so that this is taken for prose. "+text.String())
	}
	for _, letter := range []string{"é", "д", "密", "🔑"} {
		for _, head := range []string{"@", "Author: ", "password = \"", "token: x", "/home/", "user=", "https://", "-----BEGIN PRIVATE KEY-----\n"} {
			for shift := range 4 {
				text := head + some(r, "abcdefghij", shift) + strings.Repeat(letter, 70) + some(r, "abcdefghij0123456789", r.IntN(20)) + "\n"
				if once, ok := settles(t, s, text); ok && !utf8.ValidString(once) {
					t.Errorf("%q became %q", text, once)
				}
			}
		}
	}
}
