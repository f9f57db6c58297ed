// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// kindsAt returns the kinds found in text, each with its value.
func kindsAt(t *testing.T, s *Scrubber, text string) []string {
	t.Helper()
	_, found, err := s.Text(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, f.Kind+" "+text[f.Start:f.End])
	}
	return all
}

func TestWhatIsPersonalIsFoundWithoutADictionary(t *testing.T) {
	s := newScrubber(t, Config{})
	for text, want := range map[string]string{
		"// fixed by Ingrid Kowalska":                             "person Ingrid Kowalska",
		"Reviewed-by: Thabo de la Cruz <thabo@corp.com>":          "person Thabo de la Cruz",
		"my name is Piet Havenaar and it fails":                   "person Piet Havenaar",
		"{\"name\": \"O'Brien\", \"owner\": \"Siobhán O'Brien\"}": "person Siobhán O'Brien",
		"Ask Ju\u0308rgen Lindqvist about it":                     "person Ju\u0308rgen Lindqvist",
		"username: goran.kim\n":                                   "user goran.kim",
		"ssh jdoe@10.11.12.13 uptime":                             "user jdoe",
		"sudo -u svc-ledger ls":                                   "user svc-ledger",
		"Failed password for invalid user kimg from 10.1.2.3":     "user kimg",
		"// TODO(kimg): remove":                                   "user kimg",
		"connect to db-prod-03.fra1.corp now":                     "host db-prod-03.fra1.corp",
		"Server=wks48211;User Id=x":                               "host wks48211",
		"see https://wiki.fjord.internal/x/Runbook today":         "url https://wiki.fjord.internal/x/Runbook",
		"cp x s3://fjord-ledger-prod/a/b":                         "bucket s3://fjord-ledger-prod/a/b",
		"peer 10.20.30.40 is down":                                "ip 10.20.30.40",
		"peer fd12:3456:789a::1f is down":                         "ip fd12:3456:789a::1f",
		"eth0 00:1a:2b:3c:4d:5e up":                               "mac 00:1a:2b:3c:4d:5e",
		`open \\fs2\finance\plan.xlsx`:                            `path \\fs2\finance\plan.xlsx`,
		"at /home/kimg/src/ledger/main.go:4":                      "path /src/ledger/main.go",
		"PAY-4711 is broken":                                      "ticket PAY-4711",
		"INC0012345 is broken":                                    "ticket INC0012345",
		"call me at +49 30 7654321 today":                         "phone +49 30 7654321",
		"tel: (212) 555-0187":                                     "phone (212) 555-0187",
		"ssn 219-09-9999":                                         "national_id 219-09-9999",
		"her DNI is 12345678Z":                                    "national_id 12345678Z",
		"pesel 44051401458":                                       "national_id 44051401458",
		"pay to DE89 3704 0044 0532 0130 00 now":                  "iban DE89 3704 0044 0532 0130 00",
		`"dob": "1987-04-03"`:                                     "birth_date 1987-04-03",
		"born 3. April 1987 in":                                   "birth_date 3. April 1987",
		"arn:aws:iam::123456780123:role/x":                        "account 123456780123",
		"employee no 48213":                                       "user 48213",
		"lives at 12 Maple Avenue, Springfield, IL 62704 since":   "address 12 Maple Avenue, Springfield, IL 62704",
		"ul. Długa 12/3, 00-238 Warszawa":                         "address ul. Długa 12/3, 00-238 Warszawa",
		"I am flying to Sri Lanka soon":                           "location Sri Lanka",
		"invoice for Fjord Maritime GmbH is late":                 "organisation Fjord Maritime GmbH",
		`{"customer": "Volta Energía"}`:                           "customer Volta Energía",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
}

func TestWhatOnlyLooksPersonalStays(t *testing.T) {
	s := newScrubber(t, Config{Profile: Balanced})
	for _, text := range []string{
		"UTF-8, SHA-256, ISO-8859-1, HTTP-2, GPT-4 and CVE-2024-12345", "std::vector<int> a::b; x.y::z()", "version 1.2.3.4 of 127.0.0.1",
		"for (int i = 0; i < 1000000000; i++) {}", "import com.sun.internal.Foo; self.local.x = 1", "type Dev Container struct { Name string }",
		"user: User; owner = getOwner(); host := cfg.Host", "12:34:56 2026-11-27 1700000000", "77 90 144 0 3 0 0 0 4 0 0 0 255 255 0 0 184", "width: 1200px; 10 Items; 100 000 000 bytes",
		"Server Error: Internal", "\\n\\tfoo \\\\n\\\\tbar", "0x0000024C X509v3 extensions",
	} {
		if got := kindsAt(t, s, text); len(got) > 0 {
			t.Errorf("%q: found %q", text, got)
		}
	}
}

func TestWhatIsPersonalIsFoundInLinearTime(t *testing.T) {
	s := newScrubber(t, Config{Budget: time.Minute})
	for _, unit := range []string{"1 ", "1-", "+1 ", "(1) ", "1.1.", "a:", "::", "A ", "Jane ", "Jane-", "O'", "ul. ", "\\\\", "a.corp ", ".corp.", "://a.corp/", "host=", "by ", "Mr. ", "phone ", "12 Rue ", "A-1 ", "DE89 ", "<a@b.co", "Ä ", "user \"a\", ",
		"-rw-r--r-- 1 a b ", "uid=1(ab),", "ab:x:111:", "@ab ", "/ @ab ", " 1111-11-11", "[11:11] ", "regards\n", "origin/ab/", "ssh a@b ", "chown -a ", "a pts/1 ", "a@b:~",
		"arn:aws:s3:::ab/", "arn:aws:sns:a:1:b:", "uid=1001(jdoe) gid=", "/subscriptions/ab/resourceGroups/cd", "projects/ab/topics/"} {
		took := func(n int) time.Duration {
			w := s.worker()
			defer s.done(w)
			text := []byte(strings.Repeat(unit, n/len(unit)))
			start := time.Now()
			w.scan(text)
			return time.Since(start)
		}
		short, long := took(1<<16), took(1<<18)
		for try := 0; try < 5 && long > 12*short+300*time.Millisecond; try++ { // others may have had the machine
			long = min(long, took(1<<18))
		}
		if long > 12*short+300*time.Millisecond {
			t.Errorf("%q: %v, four times as many %v", unit, short, long)
		}
	}
}

// TestWhatLiesInsideIsNotRecordedAgain: the work after the search is by finding, so there must be few of them for each byte.
func TestWhatLiesInsideIsNotRecordedAgain(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, unit := range []string{"arn:aws:s3:::ab/", "arn:aws:sns:a:1:bc:", "uid=1001(jdoe) gid=", "uid=1001(jdoe),", "/subscriptions/ab/resourceGroups/cd", "projects/ab/topics/"} {
		w := s.worker()
		const times = 2000
		w.scan([]byte(strings.Repeat(unit, times)))
		if n := len(w.hits); n > 6*times {
			t.Errorf("%q: %d findings, %d each", unit, n, n/times)
		}
		s.done(w)
	}
}

func FuzzTheWalkStaysInsideTheText(f *testing.F) {
	s, err := New(Config{Key: make([]byte, 32)})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"Jane Doe, 12 Rue X 3\n", "+49 (30) 1", "fe80::1%eth0", "DE89 3704 0044", `\\a\b`, "user: \"x", "http://a.corp:1/?", "A.\xc3\x28 1", "Mr. \xffA",
		"-rw-r--r--  1 ab cd 1", "uid=1(ab),2(cd)", "ab:x:111:cd,", "/a @ab @cd/e", "(ab 1111-11-11 11:11", "[11:11] Ab: x", "Regards,\nAb", "origin/users/ab/c", "chown -R ab:ab", "ab pts/1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := s.worker()
		defer s.done(w)
		w.scan(text)
		for _, h := range w.hits {
			if h.start < 0 || h.start >= h.end || h.end > len(text) {
				t.Fatalf("%s from %d to %d of %d", h.kind, h.start, h.end, len(text))
			}
		}
	})
}

func TestAnAddressEndsWithItsSentence(t *testing.T) {
	s := newScrubber(t, Config{})
	for text, kept := range map[string]string{
		"We moved to Hauptstrasse 12, 60311 Frankfurt.\nThe tests pass.\n": "The tests pass.",
		"Ship to 12 Baker Street, London NW1 6XE.\nThanks a lot\n":         "Thanks a lot",
	} {
		out := scrubbed(t, s, text)
		if !strings.HasSuffix(out, ".\n"+kept+"\n") || strings.Contains(out, "Frankfurt") || strings.Contains(out, "6XE") {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestAMachineIsFoundByItsFirstName(t *testing.T) {
	s := newScrubber(t, Config{})
	out := scrubbed(t, s, "psql -h pg-prod-03.ledger.internal\nconnect: pg-prod-03 does not answer\n")
	if strings.Contains(out, "pg-prod-03") || !strings.Contains(out, "does not answer") {
		t.Errorf("became %q", out)
	}
	if text := "ssh deploy@10.20.31.44 ./deploy.sh\n"; !strings.HasSuffix(scrubbed(t, s, text), " ./deploy.sh\n") {
		t.Errorf("%q became %q", text, scrubbed(t, s, text))
	}
}
