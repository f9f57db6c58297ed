// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// replaced returns what stands for a value found as one kind.
func replaced(t testing.TB, s *Scrubber, kind, value string) string {
	t.Helper()
	return replacedIn(t, s, "", kind, value, "")
}

// replacedIn does the same with text around it.
func replacedIn(t testing.TB, s *Scrubber, before, kind, value, after string) string {
	t.Helper()
	w := s.worker()
	defer s.done(w)
	b := []byte(before + value + after)
	w.hits = append(w.hits[:0], span{start: len(before), end: len(before) + len(value), kind: kind})
	w.own = w.own[:0]
	w.spans = w.found(w.spans[:0], b)
	return string(w.render(nil, b, 0, len(b)))
}

func TestOneEntityHasOneIdInEveryWriting(t *testing.T) {
	s := newScrubber(t, Config{})
	id := func(mark string) string {
		if m := anyMark.FindString(mark); m != "" {
			return m[:len(anchor)+idLen]
		}
		return mark
	}
	type as struct{ kind, value string }
	for name, same := range map[string][]as{
		"a person": {{"person", "Jane Doe"}, {"person", "Doe, Jane"}, {"person", "JANE DOE"}, {"user", "jane.doe"}, {"user", "jane_doe"}, {"user", "JaneDoe"},
			{"email", "jane.doe@corp.example"}, {"email", "Jane.Doe+lists@other.example"}},
		"an accent":   {{"person", "José Nuñez"}, {"person", norm.NFD.String("José Nuñez")}, {"user", "jose.nunez"}, {"user", "JOSÉ_NUÑEZ"}},
		"full width":  {{"user", "ｂｏｂ７"}, {"user", "bob7"}},
		"a secret":    {{"password", `a"b\c/d é%x`}, {"secret", `a\"b\\c\/d \u00e9%x`}, {"token", "a%22b%5Cc%2fd%20%C3%A9%x"}, {"secret", norm.NFD.String(`a"b\c/d é%x`)}},
		"a digest":    {{"hash", "0123456789abcdef01"}, {"hash", "0123456789ABCDEF01"}},
		"a key":       {{"private_key", "-----BEGIN KEY-----\nab+c\nde\n-----END KEY-----"}, {"private_key", `-----BEGIN KEY-----\nab+cde\n-----END KEY-----\n`}},
		"a host":      {{"host", "db1.prod.corp"}, {"host", "DB1.Prod.Corp."}},
		"a UUID":      {{"uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff"}, {"uuid", "6F9619FF8B86D011B42D00C04FC964FF"}, {"uuid", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}"}},
		"an address":  {{"ip", "10.1.2.3"}, {"ip", "::ffff:10.1.2.3"}},
		"a phone":     {{"phone", "+49 30 1234567"}, {"phone", "0049-30-1234567"}, {"phone", "+49301234567"}},
		"an IBAN":     {{"iban", "DE02 1203 0000 0000 2020 51"}, {"iban", "de02120300000000202051"}},
		"a card":      {{"card", "4111 1111 1111 1111"}, {"card", "4111-1111-1111-1111"}},
		"a MAC":       {{"mac", "00:1A:2B:3C:4D:5E"}, {"mac", "00-1a-2b-3c-4d-5e"}, {"mac", "001a.2b3c.4d5e"}},
		"a customer":  {{"customer", "Volta Energía"}, {"customer", "volta-energia"}, {"organisation", "VoltaEnergía"}},
		"one by id":   {{"ticket", "ABC-12"}, {"ticket", "abc_12"}},
		"no letters":  {{"user", "___"}, {"user", "___"}},
		"a long name": {{"user", strings.Repeat("a", 500)}, {"user", strings.Repeat("A", 500)}},
	} {
		want := id(replaced(t, s, same[0].kind, same[0].value))
		for _, x := range same[1:] {
			if got := id(replaced(t, s, x.kind, x.value)); got != want {
				t.Errorf("%s: %v has %s, %v has %s", name, same[0], want, x, got)
			}
		}
		if other := id(replaced(t, s, same[0].kind, same[0].value+"9")); other == want && name != "a card" {
			t.Errorf("%s: another has its id %s", name, want)
		}
	}
}

func TestAnEntityOfTheDictionaryHasOneMarkWhateverItsLetters(t *testing.T) {
	w := newScrubber(t, Config{}).worker()
	b := []byte("jdoe7 is Jane Doe is jane.doe@corp.example")
	w.hits = []span{{start: 0, end: 5, kind: "user", entity: "p1"}, {start: 9, end: 17, kind: "person", entity: "p1"},
		{start: 21, end: 42, kind: "email"}, {start: 21, end: 42, kind: "person", entity: "p1"}}
	w.spans = w.found(nil, b)
	if marks := anyMark.FindAllString(string(w.render(nil, b, 0, len(b))), -1); len(marks) != 4 || marks[0] != marks[1] || marks[1] != marks[2] {
		t.Errorf("%v", marks)
	}
}

func TestStructureStaysAndNothingPrivateDoes(t *testing.T) {
	s := newScrubber(t, Config{})
	shape := func(text string) string { return anyMark.ReplaceAllString(text, "#") }
	for _, c := range [][3]string{
		{"host", "db1.prod.acme.co.uk", "host-#.host-#.host-#.host-#.example"}, {"host", "db1", "host-#"}, {"host", "db1.corp:5432", "host-#.example:5432"},
		{"url", "https://wiki.acme.corp:8443/src/ledger/v2/notes.md?q=acme#part", "https://host-#.host-#.example:8443/src/PRIVATE_path_#/v2/PRIVATE_path_#.md?PRIVATE_path_#"},
		{"url", "git+ssh://jane:pw@acme.corp/x", "git+ssh://user_#:SECRET_url_password_#@host-#.example/PRIVATE_path_#"},
		{"path", "/home/jane/src/ledger/main.go", "/home/user_#/src/PRIVATE_path_#/main.go"},
		{"path", `C:\Users\jane\Documents\acme plan.docx`, `C:\Users\user_#\Documents\PRIVATE_path_#.docx`},
		{"path", "node_modules/.acme/x.tar.gz", "node_modules/.PRIVATE_path_#/PRIVATE_path_#.tar.gz"},
		{"path", "/usr/lib/python/3.11/site-packages", "/usr/lib/python/3.11/site-packages"},
		{"branch", "feature/acme-rounding", "feature/PRIVATE_branch_#"},
		{"email", "jane@mail.acme.de", "user_#@host-#.host-#.example"},
		{"ticket", "ACME-12", "ticket_#"}, {"github_token", "ghp_x", "SECRET_github_token_#"}, {"Odd kind 7", "x1", "SECRET_odd_kind___#"},
		{"mac", "00:1a:2b:3c:4d:5e", "PRIVATE_mac_#"}, {"hash", "deadbeef", "SECRET_hash_#"},
	} {
		if got := shape(replaced(t, s, c[0], c[1])); got != c[2] {
			t.Errorf("%s %q became %q, not %q", c[0], c[1], got, c[2])
		}
	}
}

func TestAddressesOfOneSubnetShareGroups(t *testing.T) {
	s := newScrubber(t, Config{})
	groups := func(ip string) []string { return strings.Split(replaced(t, s, "ip", ip), ":") }
	common := func(a, b string) (n int) {
		for x, y := groups(a), groups(b); n < len(x) && x[n] == y[n]; n++ {
		}
		return n
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"10.1.2.3", "10.1.2.4", 4}, {"10.1.2.3", "10.1.9.3", 3}, {"10.1.2.3", "10.9.2.3", 2}, {"2001:470:1:2::5", "2001:470:1:2::6", 4},
		{"2001:470:1:2::5", "2001:470:1:3::5", 3}, {"2001:470:1:2::5", "2001:470:2:2::5", 2}, {"10.1.2.3", "10.1.2.3", 8}} {
		if got := common(c.a, c.b); got != c.want {
			t.Errorf("%s and %s share %d groups, not %d", c.a, c.b, got, c.want)
		}
	}
	for in, want := range map[string]string{"10.0.0.0/8": "#/8", "10.0.0.1:80": "[#]:80", "[2001:470::1]:80": "[#]:80", "fe80::1%eth0": "#", "10.0.0.300": "PRIVATE_ip_"} {
		got := replaced(t, s, "ip", in)
		if want == "PRIVATE_ip_" {
			got = got[:min(len(want), len(got))]
		} else if i := strings.Index(got, docNet); i >= 0 {
			got = got[:i] + "#" + got[i+addressLen:]
		}
		if got != want {
			t.Errorf("%s became %s, not %s", in, got, want)
		}
	}
	if got := replacedIn(t, s, "http://", "ip", "10.1.2.3", ":8080/x"); !strings.HasPrefix(got, "http://["+docNet) || !strings.HasSuffix(got, "]:8080/x") {
		t.Error(got)
	}
}

// Every form of mark: counted without a key, proven with it, replaced where another key made it, kept where ours did.
func TestEveryFormIsCountedByAllAndProvenByItsKeyAlone(t *testing.T) {
	s, other := newScrubber(t, Config{}), newScrubber(t, Config{Key: bytes.Repeat([]byte{9}, 32)})
	values := map[string]string{"person": "Jane Doe", "host": "db1.prod.corp", "email": "jane@prod.corp", "url": "https://a.corp/acme/b", "ip": "10.1.2.3",
		"uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "path": "/home/jane/acme", "some_token": "x"}
	for kind := range kinds() {
		if values[kind] == "" {
			values[kind] = "Value7 of " + kind
		}
	}
	for kind, value := range values {
		theirs := replaced(t, other, kind, value)
		if n := len(Marks([]byte(theirs))); n == 0 {
			t.Errorf("%s: no mark counted in %q", kind, theirs)
		}
		text := "a " + theirs + " b"
		for _, s := range []*Scrubber{other, s} {
			out := scrubbed(t, s, text)
			if kept := out == text; kept != (s == other) {
				t.Errorf("%s: kept is %t for %q, which became %q", kind, kept, text, out)
			}
		}
		if m := Marks([]byte(theirs)); len(m) > 0 {
			for _, m := range m {
				if out := scrubbed(t, s, text); strings.Contains(out, theirs[m.Start:m.End]) {
					t.Errorf("%s: another's %s is left in %q", kind, theirs[m.Start:m.End], out)
				}
			}
		}
	}
}

func TestCountKnowsEveryFormAndNothingElse(t *testing.T) {
	s := newScrubber(t, Config{})
	text := replaced(t, s, "password", "a") + " " + replaced(t, s, "ip", "10.1.2.3") + replaced(t, s, "uuid", "6f9619ff-8b86-d011-b42d-00c04fc964ff") + " " +
		replaced(t, s, "email", "a@b.corp") + " " + replaced(t, s, "phone", "1234567")
	want := map[string]int{"SECRET_password": 1, "ip": 1, "uuid": 1, "user": 1, "host": 1, "PRIVATE_phone": 1}
	if got := Count([]byte(text)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v in %q", got, text)
	}
	tried, counted := 0, 0
	for _, m := range Marks([]byte(text)) {
		for at := m.Start; at < m.End; at++ {
			for _, c := range []byte("a7fx_-") {
				b := []byte(text)
				if b[at] == c {
					continue
				}
				b[at], tried = c, tried+1
				for _, n := range Marks(b) {
					if n.Start <= at && at < n.End {
						counted++
					}
				}
			}
		}
	}
	if counted > tried/100 { // the check is of ten bits or more
		t.Errorf("%d of %d marks with a wrong byte are counted", counted, tried)
	}
}

// Ids are cut to 60 bits (UUIDs the same, addresses 64 in three parts): two of a million entities must not share one.
func TestIdsDoNotCollideAtTheirLength(t *testing.T) {
	w := newScrubber(t, Config{}).worker()
	const n = 200_000 // the chance of one shared id is n²/2^61, below one in fifty million
	seen := make(map[string]int, n)
	var b []byte
	for i := range n {
		b = w.appendMark(b[:0], "user_", "person", fmt.Append(nil, "p", i))
		id := string(b[len("user_")+len(anchor):][:idLen])
		if j, ok := seen[id]; ok {
			t.Fatalf("%d and %d share %s", i, j, id)
		}
		seen[id] = i
	}
	uuids, addresses := map[string]bool{}, map[string]bool{}
	for i := range 50_000 {
		uuids[string(w.appendUUID(nil, fmt.Append(nil, i)))] = true
		addresses[string(w.appendAddress(nil, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})))] = true
	}
	if len(uuids) != 50_000 || len(addresses) != 50_000 {
		t.Errorf("%d UUIDs and %d addresses of 50,000", len(uuids), len(addresses))
	}
}

// An attacker who knows how often each of a hundred people is named, and all their names, sees the marks. Without the
// key nothing in a mark says whose it is: guessing by what its letters share with a name's is no better than chance,
// and neither is joining marks across a rotation. (How often a mark stands somewhere is seen by design: it is why
// epochs end.)
func TestWithoutTheKeyAMarkSaysNothing(t *testing.T) {
	const people = 100
	r := rand.New(rand.NewPCG(5, 6))
	name := func(i int) []byte { return fmt.Appendf(nil, "person%02d", i) }
	key := func() []byte {
		k := make([]byte, 32)
		for i := range k {
			k[i] = byte(r.Uint32())
		}
		return k
	}
	right, joined, shared := 0, 0, 0
	const epochs = 40
	for range epochs {
		a, b := newScrubber(t, Config{Key: key()}).worker(), newScrubber(t, Config{Key: key()}).worker()
		guess := newScrubber(t, Config{Key: key()}).worker() // a dictionary attack with a key of the attacker's own
		for i := range people {
			m := a.appendMark(nil, "user_", "person", name(i))
			best, most, bestJoin, mostJoin := 0, -1, 0, -1
			for j := range people {
				if n := alike(m, guess.appendMark(nil, "user_", "person", name(j))); n > most {
					best, most = j, n
				}
				if n := alike(m, b.appendMark(nil, "user_", "person", name(j))); n > mostJoin {
					bestJoin, mostJoin = j, n
				}
			}
			if best == i {
				right++
			}
			if bestJoin == i {
				joined++
			}
			if bytes.Equal(m, b.appendMark(nil, "user_", "person", name(i))) {
				shared++
			}
		}
	}
	// Chance is 40 right of 4,000, with a standard deviation of 6.3: five of them are a bound that noise does not reach.
	if right > 72 || joined > 72 || shared > 0 {
		t.Errorf("%d guessed, %d joined of %d where chance is %d; %d marks the same under two keys", right, joined, epochs*people, epochs, shared)
	}
}

// alike counts the places in which two marks have the same letter.
func alike(a, b []byte) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}
