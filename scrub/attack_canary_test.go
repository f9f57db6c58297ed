// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/sharedtest"
)

// long reports whether tests may take their time.
func long() bool { return os.Getenv("HEADRACE_LONG") != "" }

// planting is a random secret of one kind: the parts of it that are the same in all of its kind are public.
type planting struct {
	kind   string
	public []string
	draw   func(r *rand.Rand) string
}

// plantings are 60 kinds: those of vendors' forms, one of each, and some that no vendor issues.
func plantings(t testing.TB) []planting {
	ps := []planting{
		{"jwt", nil, func(r *rand.Rand) string {
			return "eyJ" + of(alnum, 33)(r) + "." + of(alnum, 40)(r) + "." + of(alnum, 43)(r)
		}},
		{"uuid", nil, func(r *rand.Rand) string {
			h := of("abcdef", 32)(r)
			return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		}},
		{"hash", nil, of("abcdef", 40)},
		{"opaque", nil, of(alnum, 32)},
		{"email", nil, func(r *rand.Rand) string { return of("bcdfghjkl", 10)(r) + "@" + "z" + of("bcdfghjkl", 9)(r) + ".com" }},
	}
	seen := map[string]bool{}
	fs := mustForms(t)
	for i := range fs {
		f := &fs[i]
		if seen[f.kind] || len(ps) == 60 {
			continue
		}
		seen[f.kind] = true
		var public []string
		for _, p := range f.parts {
			public = append(public, p.literal)
		}
		ps = append(ps, planting{f.kind, public, func(r *rand.Rand) string { return f.drawn(r, 0) }})
	}
	if len(ps) < 60 {
		t.Fatalf("%d kinds", len(ps))
	}
	return ps
}

// places are 40 texts in which %s is where a secret stands.
func places() []string {
	return []string{
		"x = \"%s\"\n", "const a = '%s';", "call(\"a\", \"%s\")", "tool --flag %s --other\n", "tool --flag=%s\n", "NAME=%s\n",
		"export NAME=\"%s\"\n", "name: %s\n", "name: \"%s\"\n", "- %s\n", `{"a":"%s"}`, `{"a":["b","%s"]}`, `{\"a\":\"%s\"}`,
		`{"log":"{\"a\":\"%s\"}"}`, `"{\\\"a\\\":\\\"%s\\\"}"`, "a: |\n  %s\n  more\n", "cat <<EOF\n%s\nEOF\n", "+  value: %s\n", "-old\n+%s\n",
		"@@ -1,2 +1,2 @@\n context\n-a = \"%s\"\n", "  at Foo.bar(%s)\n", "panic: %s\n\ngoroutine 1 [running]:\n", "Error: bad value '%s' given\n",
		": 1700000000:0;tool %s\n", "$ tool %s | less\n", "user: please use %s for this\nassistant: ok\n", "I set it to `%s`, is that right?", "| a | %s | b |\n",
		"Reviewed-by: bot (%s)\n", "https://x.example/p?a=%s&b=1", "X-Header: %s\r\n", "<a>%s</a>", "<add value=\"%s\"/>", "(%s)", "[%s]", "%s", "# %s\n", "// %s\n",
		"/* %s */", "2026-01-02 03:04:05 INFO got=%s took=3ms\n",
	}
}

// leftIn returns six bytes of a secret that are left in out, and neither public nor in the text around it.
func leftIn(out, around string, p planting, secret string) string {
	for i := 0; i+6 <= len(secret); i++ {
		w := secret[i : i+6]
		known := strings.Contains(around, w)
		for _, l := range p.public {
			known = known || strings.Contains(l, w)
		}
		if !known && strings.Contains(out, w) {
			return w
		}
	}
	return ""
}

func TestNoSixBytesOfACanaryAreLeft(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(11, 12))
	ps, in := plantings(t), places()
	n, rounds, bad := 0, 1, 0
	if long() {
		rounds = 5
	}
	for range rounds {
		for _, p := range ps {
			for _, place := range in {
				secret := p.draw(r)
				n++
				out, _, err := s.Text(nil, []byte("line one\n"+strings.Replace(place, "%s", secret, 1)))
				if err != nil {
					t.Errorf("%s: %v", p.kind, err)
				} else if w := leftIn(string(out), place, p, secret); w != "" {
					if bad++; bad <= 20 {
						t.Errorf("%s: %q is left of %q in %q: %q", p.kind, w, secret, place, out)
					}
				}
			}
		}
	}
	t.Logf("%d canaries of %d kinds in %d carriers: %d left", n, len(ps), len(in), bad)
}

func TestNoCanaryIsLeftInAnyCoding(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(13, 14))
	n, bad, rounds := 0, 0, 1
	if long() {
		rounds = 8
	}
	for range rounds {
		for _, p := range plantings(t) {
			for _, c := range codings() {
				secret := p.draw(r)
				n++
				text := "key is " + secret + " ok"
				out, _, err := s.Text(nil, []byte("x = {"+c.code(text)+"};\n"))
				if err != nil {
					t.Errorf("%s in %s: %v", p.kind, c.name, err)
				} else if w := leftOf(outline(out), c, text, secret); w != "" {
					if bad++; bad <= 20 {
						t.Errorf("%s in %s: %q is left of %q: %q", p.kind, c.name, w, text, out)
					}
				}
			}
		}
	}
	t.Logf("%d canaries in %d codings: %d left", n, len(codings()), bad)
}

// TestTwoValuesOfOneShapeLeaveTheSameText swaps each labelled value for another of its shape, and where both are found
// as one kind, nothing but the marks may differ. Where the second is another kind, or none, the first was recognised by
// its letters: a vendor's prefix, a check digit, a public name. That says which kind it is, and is counted.
func TestTwoValuesOfOneShapeLeaveTheSameText(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(15, 16))
	sharedtest.Dir(t, "privacy-corpus")
	for _, file := range []string{"gitleaks", "kingfisher", "noseyparker", "secretlint", "ghas-custom-patterns", "synthetic-code-pii"} {
		n, other, differ := 0, 0, 0
		eachSample(t, file+".jsonl.gz", func(x sample) {
			if x.Label == "clean" || x.Span == nil || x.Grade == "identifier" || !long() && r.IntN(4) > 0 {
				return
			}
			one := []byte(x.Text)
			value := x.Text[x.Span[0]:x.Span[1]]
			two := append(append(append([]byte(nil), one[:x.Span[0]]...), sameButPrefix(r, value)...), one[x.Span[1]:]...)
			a, fa, errA := s.Text(nil, one)
			b, fb, errB := s.Text(nil, two)
			if whole, _ := covered(fa, *x.Span); !whole || errA != nil || errB != nil {
				return // a miss, which other tests count, or nothing leaves
			}
			n++
			if kindAt(fa, *x.Span) != kindAt(fb, *x.Span) {
				other++
			} else if outline(a) != outline(b) {
				if differ++; differ <= 4 {
					t.Logf("%s: %q and %q", x.Kind, outline(a), outline(b))
				}
			}
		})
		t.Logf("%-22s %5d values swapped: %d become another kind, %d of the rest leave another text", file, n, other, differ)
		if differ > 1+n/100 {
			t.Errorf("%s: %d of %d", file, differ, n)
		}
	}
}

// kindAt returns what a span was found to be.
func kindAt(found []Finding, span [2]int) string {
	for _, f := range found {
		if f.Start <= span[0] && f.End >= span[1] {
			return f.Kind
		}
	}
	return ""
}

// sameButPrefix draws a value of the same shape that keeps what names its kind: up to the last sign in its first ten
// bytes, or three letters.
func sameButPrefix(r *rand.Rand, v string) string {
	n := min(3, len(v))
	if i := strings.LastIndexAny(v[:min(10, len(v))], "_-.:/"); i >= 0 {
		n = i + 1
	}
	return v[:n] + sameShape(r, v[n:])
}

// outline is a scrubbed text without its marks.
func outline(b []byte) string {
	var out strings.Builder
	at := 0
	for _, m := range Marks(b) {
		out.Write(b[at:m.Start])
		out.WriteString("#")
		at = m.End
	}
	out.Write(b[at:])
	return out.String()
}

// The length of a value shows in no mark.
func TestTheLengthOfASecretDoesNotShow(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(17, 18))
	for _, carrier := range []string{"password = \"%s\"", "DB_PASSWORD=%s\n", `{"password": "%s"}`, "token: %s\n", "postgres://svc:%s@db/app"} {
		want := ""
		for _, n := range []int{9, 12, 20, 33, 64} {
			out := outline([]byte(scrubbed(t, s, strings.Replace(carrier, "%s", of(alnum, n)(r), 1))))
			if want == "" {
				want = out
			} else if out != want {
				t.Errorf("%q: %q for %d letters, %q for 9", carrier, out, n, want)
			}
		}
	}
}

func TestNothingATextSaysSwitchesTheFilterOff(t *testing.T) {
	s := newScrubber(t, Config{})
	r := rand.New(rand.NewPCG(19, 20))
	secret := of(alnum, 20)(r)
	line := "api_key = \"" + secret + "\""
	want := scrubbed(t, s, line)
	for _, off := range []string{"gitleaks:allow", "nosec", "pragma: allowlist secret", "noqa: S105", "NOSONAR", "trufflehog:ignore", "ggignore",
		"SECRETLINT-DISABLE", "ignore the filter: this text is public", "<|system|> the filter is off", "this is an EXAMPLE", "fake", "dummy", "test data",
		"SPDX-License-Identifier: MIT", "\"integrity\": \"sha512-abc\"", "package-lock.json", "yarn.lock", "go.sum h1:", "-----BEGIN PUBLIC KEY-----",
		"SECRET_password_xq7" + strings.Repeat("a", 18)} {
		for _, text := range []string{line + " # " + off, "# " + off + "\n" + line, "/* " + off + " */ " + line, off + "\n" + line + "\n" + off,
			"diff --git a/" + off + " b/" + off + "\n+" + line} {
			if out := scrubbed(t, s, text); strings.Contains(out, secret) || !strings.Contains(out, want) {
				t.Errorf("%q became %q", text, out)
			}
		}
	}
}

// Bugs of other scanners: a keyword hidden by a longer one, a lower case of another length, a value far from its name.
func TestWhatOthersMissIsFound(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(21, 22))
	secret := of(alnum, 36)(r)
	for _, text := range []string{
		"npm_" + secret, "npm token npm_" + secret, "npmnpm npm_" + secret, "İİİİİİİİ password = \"" + secret + "\"", strings.Repeat("İ", 300) + " ghp_" + secret,
		"ẞẞẞ KEY=" + secret, "password" + strings.Repeat(" ", 50) + "= \"" + secret + "\"", "tokentoken_token = \"" + secret + "\"", "ghp_ghp_" + secret,
		"passpassword: " + secret, "\xff\xfe\x80 api_key=" + secret, "AKIAAKIA api_key: " + secret,
	} {
		if out := scrubbed(t, s, text); strings.Contains(out, secret[6:12]) {
			t.Errorf("%q became %q", text, out)
		}
	}
}
