// SPDX-License-Identifier: Apache-2.0

package login

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/headrace/headrace/internal/login/logintest"
)

// clock is a time that stands until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// office is a provider and an edge's view of it, with one clock.
func office(t testing.TB, change func(*Config)) (*logintest.Provider, *Verifier, *clock) {
	t.Helper()
	now := &clock{t: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	p := logintest.Unserved(t, issuer)
	p.Now = now.now
	cfg := Config{Issuer: of(p), Now: now.now}
	if change != nil {
		change(&cfg)
	}
	v, err := newVerifier(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	return p, v, now
}

func TestOnlyATokenThatTheProviderMadeForUsJustNowIsTaken(t *testing.T) {
	p, v, now := office(t, nil)
	own, stranger := p.Key(), logintest.NewKey(t, jose.RS256)
	sameName := stranger
	sameName.ID = own.ID
	at := func(d time.Duration) int64 { return now.now().Add(d).Unix() }
	unsigned := func() string {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
		return head + "." + strings.Split(p.Token(t, nil), ".")[1] + "."
	}
	for name, c := range map[string]struct {
		token string
		code  string
	}{
		"as it should be":               {p.Token(t, nil), ""},
		"for this machine":              {p.Token(t, map[string]any{"nonce": "the-key"}), ""},
		"for us among others":           {p.Token(t, map[string]any{"aud": []string{"other", "headrace"}, "azp": "headrace"}), ""},
		"issued in a moment":            {p.Token(t, map[string]any{"iat": at(4 * time.Minute)}), ""},
		"verified, said in a string":    {p.Token(t, map[string]any{"email_verified": "true"}), ""},
		"for another machine":           {p.Token(t, map[string]any{"nonce": "another"}), "login/refused"},
		"for another audience":          {p.Token(t, map[string]any{"aud": "payroll"}), "login/refused"},
		"for none":                      {p.Token(t, map[string]any{"aud": nil}), "login/refused"},
		"by another client":             {p.Token(t, map[string]any{"azp": "payroll"}), "login/refused"},
		"for several, by nobody":        {p.Token(t, map[string]any{"aud": []string{"other", "headrace"}}), "login/refused"},
		"of another issuer":             {p.Token(t, map[string]any{"iss": "https://login.example.org"}), "login/refused"},
		"expired":                       {p.Token(t, map[string]any{"exp": at(-time.Second)}), "login/refused"},
		"that never expires":            {p.Token(t, map[string]any{"exp": nil}), "login/refused"},
		"not good yet":                  {p.Token(t, map[string]any{"nbf": at(time.Hour)}), "login/refused"},
		"issued long ago":               {p.Token(t, map[string]any{"iat": at(-6 * time.Minute)}), "login/refused"},
		"issued in the future":          {p.Token(t, map[string]any{"iat": at(6 * time.Minute)}), "login/refused"},
		"issued at no time":             {p.Token(t, map[string]any{"iat": nil}), "login/refused"},
		"an access token":               {p.Forged(t, nil, own, map[jose.HeaderKey]any{"typ": "at+jwt"}), "login/refused"},
		"an access token of Keycloak's": {p.Token(t, map[string]any{"typ": "Bearer"}), "login/refused"},
		"signed by a stranger":          {p.Forged(t, nil, stranger, nil), "login/refused"},
		"and under the right name":      {p.Forged(t, nil, sameName, nil), "login/refused"},
		"and under none":                {p.Forged(t, nil, stranger, map[jose.HeaderKey]any{"kid": ""}), "login/refused"},
		"with a key that it brings":     {p.Forged(t, nil, stranger, map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: stranger.Private.Public()}}), "login/refused"},
		"not signed":                    {unsigned(), "login/refused"},
		"signed with what is public":    {byPublicKey(t, p), "login/refused"},
		"changed":                       {changed(p.Token(t, nil)), "login/refused"},
		"cut off":                       {strings.Join(strings.Split(p.Token(t, nil), ".")[:2], "."), "login/refused"},
		"nothing":                       {"", "login/refused"},
		"no token":                      {"a.b.c", "login/refused"},
		"without end":                   {strings.Repeat("a", maxToken+1), "login/refused"},
		"an address nobody verified":    {p.Token(t, map[string]any{"email_verified": false}), "login/email-not-verified"},
		"of which nothing is said":      {p.Token(t, map[string]any{"email_verified": nil}), "login/email-not-verified"},
		"verified, in another way":      {p.Token(t, map[string]any{"email_verified": 1}), "login/email-not-verified"},
		"no address":                    {p.Token(t, map[string]any{"email": nil}), "login/no-name"},
		"no address, but a like one":    {p.Token(t, map[string]any{"email": nil, "Email": "eve@example.com"}), "login/no-name"},
	} {
		now.pass(askEvery) // the provider may be asked again
		l, err := v.Verify(t.Context(), c.token, "the-key")
		if code(err) != c.code || err != nil && c.code == "" {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		if err == nil && (l.Developer != "ada@example.com" || l.At != now.now() || l.Digest == "" || l.Until.Before(now.now().Add(Fresh-time.Minute)) || l.Until.After(now.now().Add(24*time.Hour))) {
			t.Errorf("%s: %+v", name, l)
		}
		if err != nil && len(c.token) > 20 && strings.Contains(err.Error(), c.token[:20]) {
			t.Errorf("%s: the token is in what is said: %v", name, err)
		}
		now.pass(-askEvery)
	}
}

// byPublicKey is a token signed with the provider's public key as if it were a secret.
func byPublicKey(t *testing.T, p *logintest.Provider) string {
	t.Helper()
	secret, err := jose.JSONWebKey{Key: p.Key().Private.Public()}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, new(jose.SignerOptions).WithHeader("kid", p.Key().ID))
	if err != nil {
		t.Fatal(err)
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(p.Token(t, nil), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// changed is a token that names somebody else.
func changed(token string) string {
	parts := strings.Split(token, ".")
	b, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(b), "Ada@example.com", "Eve@example.com", 1)))
	return strings.Join(parts, ".")
}

func TestATokenHasOneDigestHoweverItIsWritten(t *testing.T) {
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		p, v, _ := office(t, nil)
		p.Rotate(logintest.NewKey(t, alg))
		token := p.Token(t, nil)
		digests := map[string]bool{}
		// The last letter of a signature has four bits to spare; each way to fill them is the same signature.
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last, n := strings.IndexByte(letters, token[len(token)-1]), 0
		for spare := range 16 {
			l, err := v.Verify(t.Context(), token[:len(token)-1]+letters[last&^15|spare:][:1], "")
			if err == nil {
				n++
				digests[l.Digest] = true
			}
		}
		if n == 0 || len(digests) != 1 {
			t.Errorf("%s: %d ways are taken, with %d digests", alg, n, len(digests))
		}
		if l, err := v.Verify(t.Context(), p.Token(t, nil), ""); err != nil || digests[l.Digest] {
			t.Errorf("%s: another token has the same digest, or: %v", alg, err)
		}
	}
}

func TestADeveloperHasTheNameThatTheFileAsksFor(t *testing.T) {
	for _, c := range []struct {
		claim, want string
		more        map[string]any
		code        string
	}{
		{"", "ada@example.com", nil, ""},
		{"email", "ada@example.com", nil, ""},
		{"preferred_username", "ada", map[string]any{"email_verified": false}, ""},
		{"sub", "u-17", map[string]any{"email": nil}, ""},
		{"preferred_username", "", map[string]any{"preferred_username": " "}, "login/no-name"},
		{"email", "", map[string]any{"email": 7}, "login/refused"},
	} {
		p, v, _ := office(t, func(cfg *Config) { cfg.Claim = c.claim })
		l, err := v.Verify(t.Context(), p.Token(t, c.more), "")
		if l.Developer != c.want || code(err) != c.code {
			t.Errorf("%s of %v: %q, %v", c.claim, c.more, l.Developer, err)
		}
	}
}

func TestOnlyThoseWhoAreAllowedAreLetIn(t *testing.T) {
	for _, c := range []struct {
		allow []string
		more  map[string]any
		want  bool
	}{
		{nil, nil, true},
		{[]string{"example.com"}, nil, true},
		{[]string{"Example.COM"}, nil, true},
		{[]string{"example.org", "example.com"}, nil, true},
		{[]string{"example.org"}, nil, false},
		{[]string{"ample.com"}, nil, false},
		{[]string{"example.com"}, map[string]any{"email": "ada@sub.example.com"}, false},
		{[]string{"example.com"}, map[string]any{"email": "ada@example.com@example.org"}, false},
		{[]string{"example.com"}, map[string]any{"email": "example.com"}, false},
		{[]string{"example.com"}, map[string]any{"email_verified": false}, false},
		{[]string{"group:developers"}, nil, true},
		{[]string{"group:developers"}, map[string]any{"groups": "developers"}, true},
		{[]string{"group:developers"}, map[string]any{"groups": nil}, false},
		{[]string{"group:developers"}, map[string]any{"groups": []string{"developers-of-payroll"}}, false},
		{[]string{"group:developers"}, map[string]any{"groups": map[string]any{"developers": true}}, false},
		{[]string{"example.org", "group:developers"}, nil, true},
	} {
		p, v, _ := office(t, func(cfg *Config) { cfg.Allow, cfg.Claim = c.allow, "sub" })
		_, err := v.Verify(t.Context(), p.Token(t, c.more), "")
		if (err == nil) != c.want || err != nil && code(err) != "login/refused" {
			t.Errorf("%v, %v: %v", c.allow, c.more, err)
		}
	}
}

func TestAnotherAudienceThanTheClientIsTakenWhereTheFileSaysSo(t *testing.T) {
	p, v, _ := office(t, func(cfg *Config) { cfg.Audience = "edge" })
	if _, err := v.Verify(t.Context(), p.Token(t, map[string]any{"aud": "edge", "azp": "headrace"}), ""); err != nil {
		t.Error(err)
	}
	if _, err := v.Verify(t.Context(), p.Token(t, nil), ""); code(err) != "login/refused" {
		t.Errorf("for the client alone: %v", err)
	}
}

func TestAProviderThatIsAwayIsToldFromATokenThatIsBad(t *testing.T) {
	p, v, now := office(t, nil)
	token := p.Token(t, map[string]any{"exp": now.now().Add(time.Hour).Unix()})
	p.Set(func(p *logintest.Provider) { p.Away = true })
	for range 3 {
		if _, err := v.Verify(t.Context(), token, ""); !errors.Is(err, ErrAway) {
			t.Errorf("away: %v", err)
		}
	}
	p.Set(func(p *logintest.Provider) { p.Away = false })
	now.pass(askEvery)
	if _, err := v.Verify(t.Context(), token, ""); err != nil {
		t.Errorf("back: %v", err)
	}
	// It signs with a new key, and is away when we want to see that.
	p.Rotate(logintest.NewKey(t, jose.ES256))
	token = p.Token(t, nil)
	p.Set(func(p *logintest.Provider) { p.Away = true })
	now.pass(askEvery)
	if _, err := v.Verify(t.Context(), token, ""); !errors.Is(err, ErrAway) {
		t.Errorf("away again: %v", err)
	}
	p.Set(func(p *logintest.Provider) { p.Away = false })
	now.pass(askEvery)
	if _, err := v.Verify(t.Context(), token, ""); err != nil {
		t.Errorf("with the new key: %v", err)
	}
}

func TestForgedTokensDoNotFloodTheProvider(t *testing.T) {
	p, v, now := office(t, nil)
	stranger := logintest.NewKey(t, jose.ES256)
	for n := range 100 {
		stranger.ID = fmt.Sprint(n)
		if _, err := v.Verify(t.Context(), p.Forged(t, nil, stranger, nil), ""); code(err) != "login/refused" {
			t.Fatal(err)
		}
	}
	if keys, found := p.Got("/keys"), p.Got("/.well-known/openid-configuration"); keys != 1 || found != 1 {
		t.Errorf("asked %d times for keys, %d for what it is", keys, found)
	}
	if _, err := v.Verify(t.Context(), p.Token(t, nil), ""); err != nil {
		t.Errorf("meanwhile: %v", err)
	}
	now.pass(rediscover)
	if _, err := v.Verify(t.Context(), p.Token(t, nil), ""); err != nil || p.Got("/.well-known/openid-configuration") != 2 {
		t.Errorf("what it says of itself is never read again, or: %v", err)
	}
}

func TestAProviderIsReachedByTLSOnly(t *testing.T) {
	for _, keys := range []string{"http://login.example/keys", "ftp://login.example/keys", "/keys", ""} {
		says := fixed{"/.well-known/openid-configuration": `{"issuer":"` + issuer + `","jwks_uri":"` + keys + `"}`, "/keys": `{"keys":[]}`}
		v, err := newVerifier(Config{Issuer: Issuer{URL: issuer, ClientID: "headrace", Scopes: []string{"openid"}}}, says)
		if err != nil {
			t.Fatal(err)
		}
		p := logintest.Unserved(t, issuer)
		if _, err := v.Verify(t.Context(), p.Token(t, nil), ""); err == nil || errors.Is(err, ErrAway) || keys != "" && !strings.Contains(err.Error(), "https://") {
			t.Errorf("%q: %v", keys, err)
		}
	}
	// Nor does it lead us away from there.
	v, err := newVerifier(Config{Issuer: Issuer{URL: issuer, ClientID: "headrace", Scopes: []string{"openid"}}}, astray{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), "a.b.c", ""); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("%v", err)
	}
}

// astray redirects to where anybody could answer.
type astray struct{}

func (astray) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" {
		return nil, errors.New("asked without TLS")
	}
	return &http.Response{StatusCode: 302, Status: "302 Found", Header: http.Header{"Location": {"http://login.example" + r.URL.Path}}, Body: http.NoBody, Request: r}, nil
}

func TestAConfigurationThatWouldLetStrangersInIsRefused(t *testing.T) {
	good := Config{Issuer: Issuer{URL: issuer, ClientID: "headrace", Scopes: []string{"openid", "email"}}}
	for name, change := range map[string]func(*Config){
		"":                  func(*Config) {},
		"issuer: http:":     func(c *Config) { c.URL = "http://login.example" },
		"issuer: ":          func(c *Config) { c.URL = "login.example" },
		"client_id":         func(c *Config) { c.ClientID = "" },
		"claim":             func(c *Config) { c.Claim = "name" },
		"openid":            func(c *Config) { c.Scopes = []string{"email"} },
		"anybody":           func(c *Config) { c.URL = "https://gitlab.com" },
		"allow has \"\"":    func(c *Config) { c.Allow = []string{""} },
		"allow has \"group": func(c *Config) { c.Allow = []string{"group:"} },
		"allow has \"ada@":  func(c *Config) { c.Allow = []string{"ada@example.com"} },
		"allow has \"dev":   func(c *Config) { c.Allow = []string{"developers"} },
	} {
		cfg := good
		change(&cfg)
		_, err := New(cfg)
		if name == "" && err != nil || name != "" && (code(err) != "config/oidc" || !strings.Contains(err.Error(), name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, open := range []string{"https://gitlab.com", "http://127.0.0.1:5556/dex", "http://localhost:8080/realms/mill"} {
		if _, err := New(Config{Issuer: Issuer{URL: open, ClientID: "headrace", Scopes: good.Scopes}, Allow: []string{"example.com"}}); err != nil {
			t.Errorf("%s: %v", open, err)
		}
	}
}
