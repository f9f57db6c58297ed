// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// coding is a way to write a text so that it stands elsewhere under another form.
type coding struct {
	name string
	code func(string) string
}

func each(s string, f func(r rune) string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(f(r))
	}
	return b.String()
}

func wide(s string, order func(b []byte, v uint16)) string {
	var out []byte
	for _, v := range utf16.Encode([]rune(s)) {
		var b [2]byte
		order(b[:], v)
		out = append(out, b[:]...)
	}
	return string(out)
}

func packedBy(s string, zip bool) []byte {
	var b bytes.Buffer
	if zip {
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
	} else {
		z := zlib.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
	}
	return b.Bytes()
}

// lookAlikes writes the letters that have one in Cyrillic with it.
func lookAlikes(s string) string {
	return strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с", "x", "х", "s", "ѕ", "A", "А", "B", "В").Replace(s)
}

func codings() []coding {
	b64 := base64.StdEncoding.EncodeToString
	list := func(format, sep string) func(string) string {
		return func(s string) string {
			var parts []string
			for _, c := range []byte(s) {
				parts = append(parts, fmt.Sprintf(format, c))
			}
			return strings.Join(parts, sep)
		}
	}
	le := func(b []byte, v uint16) { b[0], b[1] = byte(v), byte(v>>8) }
	be := func(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }
	quoted := func(s string) string {
		q := strconv.Quote(s)
		return q[1 : len(q)-1]
	}
	return []coding{
		{"base64", func(s string) string { return b64([]byte(s)) }},
		{"base64, second phase", func(s string) string { return b64([]byte(" " + s)) }},
		{"base64, third phase", func(s string) string { return b64([]byte("\n " + s)) }},
		{"base64 url", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
		{"base64 in lines", func(s string) string {
			e := b64([]byte(strings.Repeat("plain words, ", 9) + s + strings.Repeat(" and more", 9)))
			var lines []string
			for len(e) > 64 {
				lines, e = append(lines, e[:64]), e[64:]
			}
			return strings.Join(append(lines, e), "\n  ")
		}},
		{"base64 twice", func(s string) string { return b64([]byte(b64([]byte(s)))) }},
		{"base64 of UTF-16", func(s string) string { return b64([]byte(wide(s, le))) }},
		{"base64 of percent", func(s string) string { return b64([]byte(url.QueryEscape(s))) }},
		{"base32", func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) }},
		{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
		{"HEX", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
		{"0x", func(s string) string { return "0x" + hex.EncodeToString([]byte(s)) }},
		{"hex dump", list("%02x", " ")},
		{"hex with colons", list("%02X", ":")},
		{"bytes in hex", list("0x%02x", ", ")},
		{"bytes in decimal", list("%d", ", ")},
		{"bytes in decimal, tight", list("%d", ",")},
		{"characters", list("'%c'", ", ")},
		{"percent", list("%%%02X", "")},
		{"percent, where needed", url.QueryEscape},
		{"percent twice", func(s string) string { return url.QueryEscape(list("%%%02x", "")(s)) }},
		{`\x`, list(`\x%02x`, "")},
		{`\u`, list(`\u%04x`, "")},
		{`\u{}`, list(`\u{%x}`, "")},
		{`\U`, list(`\U%08x`, "")},
		{"octal", list(`\%03o`, "")},
		{`\u in JSON in JSON`, func(s string) string { return quoted(quoted(list(`\u%04x`, "")(s))) }},
		{"JSON in JSON in JSON", func(s string) string { return quoted(quoted(quoted(`{"a":"` + s + `"}`))) }},
		{"HTML decimal", list("&#%d;", "")},
		{"HTML hex", list("&#x%x;", "")},
		{"HTML names", func(s string) string {
			return strings.NewReplacer("@", "&commat;", ":", "&colon;").Replace(html.EscapeString(html.EscapeString(s)))
		}},
		{"quoted-printable", func(s string) string {
			var b bytes.Buffer
			w := quotedprintable.NewWriter(&b)
			w.Write([]byte(strings.Repeat("=words ", 8) + "and also " + s))
			w.Close()
			return b.String()
		}},
		{"quoted-printable, all", list("=%02X", "")},
		{"UTF-16 LE", func(s string) string { return wide(s, le) }},
		{"UTF-16 BE", func(s string) string { return wide(s, be) }},
		{"gzip", func(s string) string { return b64(packedBy(s, true)) }},
		{"gzip in hex", func(s string) string { return hex.EncodeToString(packedBy(s, true)) }},
		{"zlib", func(s string) string { return b64(packedBy(s, false)) }},
		{"zero width", func(s string) string { return strings.Join(strings.Split(s, ""), "\u200b") }},
		{"soft hyphens", func(s string) string { return strings.Join(strings.Split(s, ""), "\u00ad") }},
		{"right to left", func(s string) string { return strings.Join(strings.Split(s, ""), "\u200f") }},
		{"combining", func(s string) string { return strings.Join(strings.Split(s, ""), "\u0336") }},
		{"full width", func(s string) string {
			return each(s, func(r rune) string {
				if r > ' ' && r < 0x7f {
					r += 0xfee0
				}
				return string(r)
			})
		}},
		{"mathematical", func(s string) string {
			return each(s, func(r rune) string {
				switch {
				case r >= 'a' && r <= 'z':
					r += 0x1d41a - 'a'
				case r >= 'A' && r <= 'Z':
					r += 0x1d400 - 'A'
				case r >= '0' && r <= '9':
					r += 0x1d7ce - '0'
				}
				return string(r)
			})
		}},
		{"look-alikes", lookAlikes},
		{"split", func(s string) string { return `"` + s[:len(s)/2] + `"+"` + s[len(s)/2:] + `"` }},
		{"split with spaces", func(s string) string { return `'` + s[:len(s)/2] + `' + '` + s[len(s)/2:] + `'` }},
		{"split over lines", func(s string) string { return `"` + s[:len(s)/3] + "\" +\n  \"" + s[len(s)/3:] + `"` }},
		{"side by side", func(s string) string { return `"` + s[:len(s)/2] + `" "` + s[len(s)/2:] + `"` }},
		{"joined by a dot", func(s string) string { return `"` + s[:len(s)/2] + `" . "` + s[len(s)/2:] + `"` }},
		{"continued", func(s string) string { return s[:len(s)/2] + "\\\n" + s[len(s)/2:] }},
		{"continued literals", func(s string) string { return `"` + s[:len(s)/2] + "\" \\\n   \"" + s[len(s)/2:] + `"` }},
		{"every letter by itself", func(s string) string { return `"` + strings.Join(strings.Split(s, ""), `" + "`) + `"` }},
	}
}

// hidable are texts of which every letter is covered wherever they stand, so that only the coding can hide them.
func hidable(r *rand.Rand) [][2]string {
	pw, token, name := of(alnum, 14)(r), of(alnum, 36)(r), of("abcdefghijklm", 9)(r)
	return [][2]string{
		{"ghp_" + token, token},
		{"password=" + pw + "&a=b", pw},
		{"https://svc:" + pw + "@db.example.com/x", pw},
		{`{"password": "` + pw + `", "a": 1}`, pw},
		{name + ".smith@" + "mcorp.com", name},
	}
}

// leftOf returns a part of the coded secret that is in out: as much as six letters of it, whatever the coding makes of
// them.
func leftOf(out string, c coding, text, secret string) string {
	gone := strings.NewReplacer("\"", "", "'", "", "+", "", ".", "", "\\", "", "\n", "", " ", "")
	if whole := c.code(text); gone.Replace(whole) == gone.Replace(text) { // split
		return windows(gone.Replace(out), secret)
	}
	if c.name == "quoted-printable" {
		return windows(strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(out), secret)
	}
	whole, part := c.code(text), c.code(secret)
	if !strings.Contains(whole, part) {
		part = whole // nothing of a run that changes as a whole
	}
	if strings.Contains(whole, secret) {
		part = secret
	}
	n := 6 * len(whole) / len(text)
	for i := 0; i+n <= len(part); i++ {
		if strings.Contains(out, part[i:i+n]) {
			return part[i : i+n]
		}
	}
	return ""
}

func TestWhatIsEncodedIsFoundInEveryCoding(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, profile := range []Profile{Strict, Balanced} {
		s := newScrubber(t, Config{Profile: profile})
		for _, c := range codings() {
			for _, text := range hidable(r) {
				if c.name == "every letter by itself" && strings.Contains(text[0], `"`) {
					continue // no literal: a quote in quotes
				}
				for _, around := range []string{"%s", "before %s after", "x = {%s};", "data: \"%s\"\nnext: 1\n"} {
					in := strings.ReplaceAll(around, "%s", c.code(text[0]))
					out, _, err := s.Text(nil, []byte(in))
					if err != nil {
						t.Errorf("%s: %q: %v", c.name, in, err)
					} else if left := leftOf(string(out), c, text[0], text[1]); left != "" {
						t.Errorf("%s %s: %q is left of %q: %q", profile, c.name, left, in, out)
					}
				}
			}
		}
	}
}

// Codes stand in long lines, and in text that has escaped quotes itself, which is read as literals first.
func TestWhatStandsAroundACodeDoesNotHideIt(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	s := newScrubber(t, Config{})
	words := strings.Repeat("plain words and ", 40)
	for _, c := range codings() {
		for _, text := range hidable(r) {
			code := c.code(text[0])
			if code == text[0] || strings.ContainsAny(code, "\"\n\x00") {
				continue
			}
			for _, around := range []string{words + "%s " + words, `{"a": "` + words + `%s ` + words + `"}`, `{"a": "{\"b\": \"%s\", \"c\": 1}"}`,
				`{"a": "he said \"` + words + `\" and %s"}`, `"{\"b\": \"%41 ` + words + `%s\"}"`} {
				in := strings.ReplaceAll(around, "%s", code)
				out, _, err := s.Text(nil, []byte(in))
				if err != nil {
					t.Errorf("%s: %q: %v", c.name, in, err)
				} else if left := leftOf(string(out), c, text[0], text[1]); left != "" {
					t.Errorf("%s: %q is left of %q: %q", c.name, left, in, out)
				}
			}
		}
	}
	quote := strings.NewReplacer(`"`, `%5C%22`, `{`, `%7B`, `}`, `%7D`, `:`, `%3A`)
	for _, inner := range []string{`{"password": "%s"}`, `{"note": "the password is %s", "b": ""}`} {
		secret := of(alnum, 14)(r)
		in := `{"a": "{\"b\": \"` + quote.Replace(strings.ReplaceAll(inner, "%s", secret)) + `\"}"}`
		if out := scrubbed(t, s, in); strings.Contains(out, secret) {
			t.Errorf("%q became %q", in, out)
		}
	}
}

// FuzzDecode scrubs texts full of codes: no panic, nothing left to find, and never more work than the bounds allow.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, c := range codings() {
		f.Add([]byte(c.code(hidable(r)[1][0])))
	}
	f.Add([]byte(`\\\\u0041\ud83d\ude00 %2525 &amp;amp;#65; =3D= =` + "\n\xff\x00\xc2\x00 '+' \"\" \"a\"\"b\" 0x41,0x 41 4 41:42:"))
	s := newScrubber(f, Config{Dictionary: dictionary(f)})
	f.Fuzz(func(t *testing.T, text []byte) {
		w := s.worker()
		w.scan(text)
		if *w.decoded > maxDecoded {
			t.Fatalf("%d bytes decoded", *w.decoded)
		}
		for _, h := range w.hits {
			if h.start < 0 || h.start >= h.end || h.end > len(text) {
				t.Fatalf("%v of %d bytes", h, len(text))
			}
		}
		s.done(w)
		once, _, err := s.Text(nil, text)
		if err != nil {
			if strings.Contains(err.Error(), "stopped") {
				t.Fatal(err)
			}
			return
		}
		if twice, _, err := s.Text(nil, once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q, then %q (%v)", text, once, twice, err)
		}
	})
}

// A value in base64 ends with = and its line: what follows is the next document, or the next line of code.
func TestWhatFollowsAPaddedLineStays(t *testing.T) {
	s := newScrubber(t, Config{})
	out := scrubbed(t, s, "kind: Secret\nmetadata:\n  name: ledger\ndata:\n  password: V2ludDNyITIwMjY=\n---\nserver:\n  a: b\n")
	if !strings.HasSuffix(out, "\n---\nserver:\n  a: b\n") {
		t.Errorf("became %q", out)
	}
	code := "// token=" + strings.Repeat("28ccbebc039d740c", 4) + "\n\tvar key = [2]uint64{1, 2}\n"
	if out := scrubbed(t, s, code); !strings.HasSuffix(out, "\n\tvar key = [2]uint64{1, 2}\n") {
		t.Errorf("became %q", out)
	}
}
