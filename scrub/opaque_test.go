// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// draw returns n letters of an alphabet.
func draw(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	hexDigits = "0123456789abcdef"
	base64URL = alnum + "-_"
	base64Std = alnum + "+/"
)

func TestRandomRunsGoWithoutAWordBesideThem(t *testing.T) {
	s := newScrubber(t, Config{})
	r := rand.New(rand.NewPCG(5, 6))
	for kind, next := range map[string]func() string{
		"uuid": func() string {
			return draw(r, hexDigits, 8) + "-" + draw(r, hexDigits, 4) + "-4" + draw(r, hexDigits, 3) + "-a" + draw(r, hexDigits, 3) + "-" + draw(r, hexDigits, 12)
		},
		"sha1":      func() string { return draw(r, hexDigits, 40) },
		"md5":       func() string { return strings.ToUpper(draw(r, hexDigits, 32)) },
		"base64":    func() string { return draw(r, base64Std, 43) + "=" },
		"base64url": func() string { return draw(r, base64URL, 32) },
		"base32":    func() string { return draw(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32) },
		"lower":     func() string { return draw(r, "abcdefghijklmnopqrstuvwxyz0123456789", 32) },
	} {
		left := 0
		const n = 400
		for range n {
			v := next()
			for _, carrier := range []string{"%s", "see %s.", "x: \"%s\"\n", "f(\"%s\")", "https://h.example/a/%s/edit", "{\"a\":\"%s\"}", "a\\n%s\\n", "(%s)", "*%s*", "id=%s&b=c"} {
				text := fmt.Sprintf(carrier, v)
				if strings.Contains(scrubbed(t, s, text), v[4:len(v)-4]) {
					left++
				}
			}
		}
		if left > n*10/50 {
			t.Errorf("%d of %d random runs of %s are left", left, n*10, kind)
		}
	}
}

func TestNamesOfCodeAreNotRandom(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"golang.org/x/crypto/blake2b", "TestChunkBoundariesDoNotMatter", "MAX_CONCURRENT_CONNECTIONS_PER_HOST",
		"com.example.internal.AbstractSingletonFactoryBean", "/usr/local/lib/python3/dist-packages", "x86_64-unknown-linux-gnu",
		"2018-05-16T22:32:44.123456789Z", "================================", "--------------------------------", "0xdeadbeefcafe1234",
		"urlsafe_b64encode", "react-dom-server-browser", "12345678901234567890", "v0.0.0-20250218142911", "feature/long-branch-name-of-words",
	} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
}

func TestARandomPartOfAPathGoesWithoutTheWordsAroundIt(t *testing.T) {
	s := newScrubber(t, Config{})
	v := draw(rand.New(rand.NewPCG(1, 1)), hexDigits, 40)
	out := scrubbed(t, s, "https://github.com/owner/name/blob/"+v+"/internal/file.go")
	if strings.Contains(out, v) || !strings.HasPrefix(out, "https://github.com/owner/name/blob/") || !strings.HasSuffix(out, "/internal/file.go") {
		t.Error(out)
	}
}

func TestValuesInCallsListsBlocksAndJoinedLiteralsGo(t *testing.T) {
	s := newScrubber(t, Config{})
	r := rand.New(rand.NewPCG(7, 8))
	for _, carrier := range []string{
		"password = Some(\"%s\")", "val password = StringCredentialValue(\"%s\")", "'password': (None, '%s'),",
		"cred = new GitCredential(\"alice\", \"%s\");", "cipherKey = Base64.decode(\"%s\")", "secret = os.environ.get('SECRET', '%s')",
		"passwords = [\"aaaa1\", \"%s\"]", "SECRET_DICT = {0: \"%s\"}", "password: |\n  %s\nnext: 1", "  password: >-\n    %s\n  next: 1",
		"secret = \"abc1\" +\n    \"%s\"", "secret = 'abc1' \\\n  '%s'", "if [ \"${password}\" == \"%s\" ]; then", "PASSWORD=<<EOF\n%s\nEOF",
		"$pass= ConvertTo-SecureString '%s' -AsPlainText", "const secret = await decode(`%s`)", "password: [%q]",
	} {
		v := draw(r, alnum, 8) + "x7"
		text := fmt.Sprintf(carrier, v)
		if out := scrubbed(t, s, text); strings.Contains(out, v) {
			t.Errorf("%q became %q", text, out)
		}
	}
	for _, text := range []string{"token = config.get(\"API_TOKEN\")", "password = prompt(\"Enter the password\")", "secret := os.Getenv(\"SECRET_NAME\")"} {
		if out := scrubbed(t, s, text); out != text {
			t.Errorf("%q became %q", text, out)
		}
	}
	if out := scrubbed(t, s, "key := []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}"); strings.Contains(out, "0x55") {
		t.Error(out)
	}
}
