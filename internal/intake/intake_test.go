// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/scrub"
)

// made draws n signs of an alphabet: nothing that looks like a secret stands in the source.
func made(rng *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	hexes   = digits + "abcdef"
	letters = upper + lower + digits
)

func card(rng *rand.Rand) string {
	for {
		s := "4" + made(rng, digits, 15)
		d := make([]byte, len(s))
		for i := range s {
			d[i] = s[i] - '0'
		}
		if _, ok := cardAt([]byte(s), 0); ok && luhn(d) {
			return s
		}
	}
}

func iban(rng *rand.Rand) string {
	for {
		if s := "DE" + made(rng, digits, 20); ibanAt([]byte(s)) {
			return s
		}
	}
}

// planted are values that must not arrive, by their kind.
func planted(rng *rand.Rand) map[string]string {
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	var pem strings.Builder
	for range 5 {
		pem.WriteString(made(rng, letters+"+/", 64) + "\n")
	}
	n := card(rng)
	return map[string]string{
		"aws-key":        "AKIA" + made(rng, upper+"234567", 16),
		"github-token":   "ghp_" + made(rng, letters, 36),
		"gitlab-token":   "glpat-" + made(rng, letters, 20),
		"google-key":     "AI" + "za" + made(rng, letters, 35),
		"anthropic-key":  "sk-ant-api03-" + made(rng, letters, 93) + "AA",
		"stripe-key":     "sk_" + "live_" + made(rng, letters, 24),
		"mailchimp-key":  made(rng, hexes, 32) + "-us12",
		"telegram-token": made(rng, "123456789", 9) + ":AA" + made(rng, letters, 33),
		"azure-secret":   made(rng, letters, 3) + "8Q~" + made(rng, letters, 34),
		"private-key":    "-----BEGIN EC PRIVATE" + " KEY-----\n" + pem.String() + "-----END EC PRIVATE" + " KEY-----",
		"jwt":            b64(`{"alg":"HS256","typ":"JWT"}`) + "." + b64(`{"sub":"42","n":1}`) + "." + made(rng, letters, 43),
		"basic-auth":     "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+made(rng, letters, 14))),
		"url-password":   "postgres://ledger:" + made(rng, lower, 12) + "@db7/main",
		"email":          made(rng, lower, 7) + "@" + made(rng, lower, 9) + ".com",
		"card":           n[:4] + " " + n[4:8] + " " + n[8:12] + " " + n[12:],
		"iban":           iban(rng),
		"private-host":   "https://build-7.fjord.internal/job",
	}
}

var scanner = sync.OnceValue(New)

func scanned(t testing.TB, record any) Found {
	t.Helper()
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	f, err := scanner().Record(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatMustNotArriveIsFoundWhereverItStands(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		for kind, value := range planted(rng) {
			inner, err := json.Marshal(map[string]string{"command": "run '" + value + "' now"})
			if err != nil {
				t.Fatal(err)
			}
			for name, record := range map[string]any{
				"/instruction":               map[string]any{"instruction": "use " + value + "."},
				"/steps/1/message":           map[string]any{"steps": []any{map[string]any{}, map[string]any{"message": "x\n\t\"" + value + "\"\n"}}},
				"/steps/0/arguments/*":       map[string]any{"steps": []any{map[string]any{"arguments": map[string]any{value: 1}}}},
				"/steps/0/arguments/command": map[string]any{"steps": []any{map[string]any{"arguments": string(inner)}}},
			} {
				found := false
				for _, h := range scanned(t, record).Hits {
					found = found || h.Kind == kind && h.Field == name
				}
				if !found {
					t.Errorf("%s at %s is not found: %+v", kind, name, scanned(t, record).Hits)
				}
			}
		}
	}
}

func TestAHitSaysNothingOfTheValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for kind, value := range planted(rng) {
		f := scanned(t, map[string]any{value: value, "text": map[string]any{value: []any{value}}})
		said := fmt.Sprintf("%+v", f)
		for i := 0; i+10 <= len(value); i++ {
			if strings.Contains(said, value[i:i+10]) {
				t.Errorf("%s: %s", kind, said)
				break
			}
		}
	}
}

func TestMarksOfAnEdgeAreCountedAndNoHits(t *testing.T) {
	s, err := scrub.New(scrub.Config{Key: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for kind, value := range planted(rng) {
		text := "it said: " + value + " and host 10.31.7.9, id " + uuid(rng) + "\n"
		out, _, err := s.Text(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, n := range scrub.Count(out) {
			want += n
		}
		f := scanned(t, map[string]string{"text": string(out)})
		if diff := cmp.Diff(Found{Marks: want}, f); diff != "" || want == 0 {
			t.Errorf("%s: %s\n%s", kind, out, diff)
		}
	}
}

func uuid(rng *rand.Rand) string {
	h := made(rng, hexes, 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func TestAMarkWithAWrongCheckIsNone(t *testing.T) {
	f := scanned(t, map[string]string{"text": "SECRET_key_xq7" + strings.Repeat("a", 18) + " xq5aaaaaaaaaaaa"})
	if f.Marks != 0 {
		t.Errorf("%+v", f)
	}
}

func TestOrdinaryTextHasNoHits(t *testing.T) {
	for _, text := range []string{
		"mail ada@example.com, git@github.com:acme/app.git, 12345+ada@users.noreply.github.com",
		"const getErrorMessagesFromRelayMutationError2 = require('@scope/name@1.2.3')",
		"postgres://user:password@localhost/db and https://${USER}:${TOKEN}@host/x",
		"listen on 127.0.0.1:80, 10.0.0.0/8, 192.168.0.1, 172.17.0.2 and v10.2.33.4",
		"import com.acme.internal.Widget; kubernetes.docker.internal; a.b.internal()",
		`"integrity": "sha512-` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7, 99, 200, 31}, 16)) + `"`,
		"4111 1111 1111 1111 and 4242424242424242 are for tests",
		"key AKIA" + "IOSFODNN7EXAMPLE from the documentation",
		"-----BEGIN PRIVATE" + " KEY-----\n...\n",
		"2026-09-07T10:00:00.123456789Z 1757239200123456789 0.30000000000000004",
	} {
		if f := scanned(t, map[string]string{"text": text}); len(f.Hits)+f.Opaque > 0 {
			t.Errorf("%s: %+v", text, f)
		}
	}
}

func TestRandomRunsAreOpaqueAndTheRecordsOwnIdsAreNot(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	missed := 0
	for range 200 {
		for _, run := range []string{made(rng, letters, 40), made(rng, hexes, 64), made(rng, letters, 64)} {
			if f := scanned(t, map[string]string{"text": "k=" + run + ";"}); f.Opaque != 1 || len(f.Runs) != 1 || len(f.Hits) > 0 {
				missed++
			}
		}
		digest := make([]byte, 32)
		for i := range digest {
			digest[i] = byte(rng.Uint32())
		}
		f := scanned(t, map[string]any{"id": "ep_" + hex.EncodeToString(digest[:16]), "privacy": map[string]string{"policy": "sha256:" + hex.EncodeToString(digest)}})
		if len(f.Hits)+f.Opaque > 0 {
			t.Errorf("%+v", f)
		}
	}
	if missed > 12 {
		t.Errorf("%d of 600 random runs are not seen", missed)
	}
}

func TestRandomRunsDoNotHideASecret(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var noise []string
	sure := ""
	for len(noise) < 300 {
		if run := made(rng, letters, 40); scanned(t, run).Opaque == 1 {
			noise, sure = append(noise, run), run
		}
	}
	text := strings.Join(noise, " ") + " AKIA" + made(rng, upper+"234567", 16)
	f := scanned(t, map[string]any{"before": strings.Join(noise, " "), "more": noise, "text": text, "then": "glpat-" + made(rng, letters, 20)})
	slices.SortFunc(f.Hits, func(a, b Hit) int { return strings.Compare(a.Field, b.Field) })
	want := []Hit{{"/text", "aws-key"}, {"/then", "gitlab-token"}}
	if diff := cmp.Diff(want, f.Hits); diff != "" || f.Opaque < 900 || len(f.Runs) != maxHits {
		t.Errorf("%s, %d runs in %d fields", diff, f.Opaque, len(f.Runs))
	}
	if f := scanned(t, map[string]string{"text": sure + " " + sure}); f.Opaque != 2 || len(f.Runs) != 1 {
		t.Errorf("two runs of one field: %+v", f)
	}
}

func TestOnlyIdsOfTheRecordAreTakenWithoutALook(t *testing.T) {
	digits := strings.Repeat("3f9a07c1d2e84b56", 2)
	for _, record := range []any{
		map[string]any{"instruction": "ab_" + digits},
		map[string]any{"instruction": "ep_" + digits},
		map[string]any{"id": "sk_" + digits},
		map[string]any{"developer": "repo_" + digits},
		map[string]any{"steps": []any{map[string]any{"tool_calls": []any{map[string]any{"arguments": map[string]any{"session": "se_" + digits}}}}}},
	} {
		if f := scanned(t, record); f.Opaque == 0 {
			t.Errorf("%v is not looked at", record)
		}
	}
	for prefix, field := range map[string]string{"ep_": "amends", "se_": "session", "co_": "commit", "pr_": "pull_request", "ar_": "digest", "de_": "decision_id",
		"su_": "target", "ca_": "call", "dev_": "developer", "repo_": "repository"} {
		if f := scanned(t, map[string]string{field: prefix + digits}); len(f.Hits)+f.Opaque > 0 {
			t.Errorf("%s%s in %s: %+v", prefix, digits, field, f)
		}
	}
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	for _, bad := range []string{"", "{", `{"a"}`, `["a",]`, `{"a":1}x`, `"a`, `"\`, strings.Repeat("[", 300)} {
		if _, err := scanner().Record([]byte(bad)); err == nil {
			t.Errorf("%.20q is taken", bad)
		}
	}
}

// FuzzRecord: whatever arrives neither stops the scan nor hides a string from it.
func FuzzRecord(f *testing.F) {
	s := scanner()
	for _, seed := range []string{`{"a":"b\"c","d":["e",{"f":"\u0041\\"}],"g":-1.5e7}`, `"{\"x\":\"y\"}"`, `["xq7","AKIA","://a:b@c","eyJ.","@","10.1.2.3"]`, "[\"\\ud800\"]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := s.Record(b)
		if !jsontext.Value(b).IsValid() {
			return
		}
		if err != nil && bytes.Count(b, []byte{'['})+bytes.Count(b, []byte{'{'}) < maxNesting {
			t.Fatalf("valid JSON is refused: %v", err)
		}
		var got, want []string
		walk(b, func(_ *path, raw []byte, escaped bool) error {
			text, err := unquote(nil, raw)
			got = append(got, string(text))
			return err
		})
		dec := jsontext.NewDecoder(bytes.NewReader(b))
		for {
			tok, err := dec.ReadToken()
			if err != nil {
				break
			}
			if tok.Kind() == '"' {
				if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 && len(rawKey(tok)) < shortest {
					continue // short keys are passed over
				}
				want = append(want, tok.String())
			}
		}
		if err == nil {
			long := func(list []string) (out []string) {
				for _, s := range list {
					if len(s) >= 6*shortest {
						out = append(out, s)
					}
				}
				return out
			}
			if diff := cmp.Diff(long(want), long(got)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func rawKey(tok jsontext.Token) string { return tok.String() }
