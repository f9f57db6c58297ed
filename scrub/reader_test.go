// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// What a second reader found leaving, each with its class.
func TestTheColoursOfATerminalHideNothing(t *testing.T) {
	s := newScrubber(t, Config{})
	secret := of(alnum, 12)(rand.New(rand.NewPCG(5, 6)))
	for _, value := range []string{"4111 1111 1111 1111", "10.20.30.40", "+49 170 1234567", "/home/karl/src", "karl@build07.corp", "password=" + secret} {
		for _, c := range []string{"\x1b[32m", "\x1b[1;31m", `\u001b[32m`, "\x1b[K"} {
			if out := scrubbed(t, s, "start "+c+value+"\x1b[0m end"); strings.Contains(out, value) || strings.Contains(out, secret) {
				t.Errorf("%q became %q", c+value, out)
			}
		}
	}
}

func TestWhereAFallbackStandsAPasswordStands(t *testing.T) {
	s := newScrubber(t, Config{})
	secret := of(alnum, 11)(rand.New(rand.NewPCG(7, 8)))
	for _, text := range []string{
		"process.env.DB_PASSWORD || '%s'", "process.env.DB_PASSWORD ?? '%s'", "os.getenv('DB_PASSWORD') or '%s'", "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-%s}",
		"**Password:** %s", "**Password**: %s", "Das Passwort lautet %s", "le mot de passe est %s", "I changed the password to %s", "password is now %s", "dbpass=%s",
	} {
		if out := scrubbed(t, s, strings.Replace(text, "%s", secret, 1)); strings.Contains(out, secret) {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestTypesAndDatesStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{"27 Nov 2026", "-rw-r--r-- 1 root root 4096 Nov 27 10:28 x", "var uid uint32 = 1; x := uint32(2)"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	if out := scrubbed(t, s, "call +33 6 12 34 56 78"); strings.Contains(out, "12 34 56") {
		t.Errorf("a number in pairs stays: %q", out)
	}
}

func TestOneEntityIsOneMarkInEveryEscape(t *testing.T) {
	s := newScrubber(t, Config{Dictionary: readDictionary(t, "customer,Heron Shipping\nperson,Petra Müller\n")})
	for _, forms := range [][]string{
		{"mail bob@corp.io now", "mail bob%40corp.io now", `mail bob\u0040corp.io now`},
		{"for Petra Müller now", `for Petra M\u00fcller now`, "for Petra%20M%C3%BCller now"},
		{"for Heron Shipping now", "for Heron%20Shipping now"},
	} {
		want := ""
		for _, text := range forms {
			out := scrubbed(t, s, text)
			id := anyMark.FindString(out)
			if len(id) < 3+idLen {
				t.Fatalf("%q became %q", text, out)
			}
			if id = id[:3+idLen]; want == "" {
				want = id
			} else if id != want {
				t.Errorf("%q became %q, with another id", text, out)
			}
		}
	}
}

func TestACanaryAcrossTwoWindowsIsSeen(t *testing.T) {
	canary := "blue heron at dawn"
	s := newScrubber(t, Config{Canaries: [][]byte{[]byte(canary)}})
	for at := window - lookahead - 40; at < window-lookahead+40; at += 7 { // where a first window is cut
		text := append(bytes.Repeat([]byte("word "), at/5), canary...)
		text = append(text, bytes.Repeat([]byte(" word"), lookahead/4)...)
		if _, _, err := s.Text(nil, text); err == nil {
			t.Fatalf("a canary at %d of %d bytes left", at, len(text))
		}
	}
}
