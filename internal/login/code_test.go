// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/login/logintest"
)

const backTo = "https://edge.example/login/callback"

// come logs in with p as a browser would: it opens the address and is sent back.
func come(t *testing.T, p *logintest.Provider, c *Code) (Begun, url.Values) {
	t.Helper()
	b, err := c.Begin(t.Context(), "the-state")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest("GET", b.Address, nil)
	res, err := p.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	to, err := res.Location()
	if err != nil {
		t.Fatalf("%s: %v", res.Status, err)
	}
	if !strings.HasPrefix(to.String(), backTo+"?") || to.Query().Get("state") != "the-state" {
		t.Errorf("sent back to %s", to)
	}
	return b, to.Query()
}

func newFront(t *testing.T, change func(*logintest.Provider, *CodeConfig)) (*logintest.Provider, *Code) {
	t.Helper()
	p := logintest.Unserved(t, issuer)
	p.Redirect = backTo
	cfg := CodeConfig{Issuer: of(p), Redirect: backTo}
	if change != nil {
		change(p, &cfg)
	}
	c, err := newCode(cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func TestTheClientProvesItselfAsItsProviderTakesIt(t *testing.T) {
	for name, c := range map[string]struct {
		atProvider, ours string
		code             string
	}{"a public client": {"", "", ""}, "a secret": {"s3", "s3", ""}, "a wrong one": {"s3", "s4", "login/provider-refused"}, "none where one is needed": {"s3", "", "login/provider-refused"}} {
		p, front := newFront(t, func(p *logintest.Provider, cfg *CodeConfig) { p.Secret, cfg.Secret = c.atProvider, c.ours })
		b, back := come(t, p, front)
		who, err := front.Finish(t.Context(), b, back)
		if code(err) != c.code || err == nil && (who.Name != "ada@example.com" || !slices.Equal(who.Groups, []string{"developers"})) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if err != nil && c.ours != "" && strings.Contains(err.Error(), c.ours) {
			t.Errorf("%s: the secret is in what is said: %v", name, err)
		}
	}
}

func TestWhatComesBackMustBeOfTheSameLogin(t *testing.T) {
	p, front := newFront(t, func(p *logintest.Provider, _ *CodeConfig) { p.Sloppy = true })
	b, back := come(t, p, front)
	other, otherBack := come(t, p, front)
	for name, c := range map[string]struct {
		b    Begun
		back url.Values
		code string
	}{
		"its own":                  {b, back, ""},
		"another's code":           {b, otherBack, "login/used"},
		"another's verifier":       {Begun{Nonce: b.Nonce, Verifier: other.Verifier}, back, "login/used"},
		"another's nonce":          {Begun{Nonce: other.Nonce, Verifier: b.Verifier}, back, "login/other-login"},
		"no nonce":                 {Begun{Verifier: b.Verifier}, back, "login/other-login"},
		"no code":                  {b, url.Values{}, "login/used"},
		"another provider's":       {b, url.Values{"code": back["code"], "iss": {"https://evil.example"}}, "login/other-provider"},
		"its own, said by name":    {b, url.Values{"code": back["code"], "iss": {issuer}}, ""},
		"a no, and a code with it": {b, url.Values{"code": back["code"], "error": {"access_denied"}}, "login/denied"},
	} {
		if _, err := front.Finish(t.Context(), c.b, c.back); code(err) != c.code || err != nil && c.code == "" {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

// leads is a provider that says something else of where to log in.
type leads struct {
	*logintest.Provider
	to string
}

func (l leads) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.Provider.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "openid-configuration") {
		res.Body = replaced(res.Body, `"authorization_endpoint":"`+l.URL+`/auth"`, `"authorization_endpoint":"`+l.to+`"`)
	}
	return res, err
}

func TestNobodyIsSentToLogInWhereOthersListen(t *testing.T) {
	p := logintest.Unserved(t, issuer)
	for to, want := range map[string]string{issuer + "/auth": "", "http://login.example/auth": "login/provider", "javascript:alert(1)": "login/provider", "": "login/provider", "/auth": "login/provider"} {
		c, err := newCode(CodeConfig{Issuer: of(p), Redirect: backTo}, leads{p, to})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := c.Begin(context.Background(), "s"); code(err) != want || err == nil && !strings.HasPrefix(b.Address, to) {
			t.Errorf("%q: %+v, %v", to, b, err)
		}
	}
}

// FuzzGroups: what a provider says of groups names those that stand there as strings, and no other.
func FuzzGroups(f *testing.F) {
	for _, s := range []string{`{"groups":["a","b"]}`, `{"groups":"a"}`, `{"groups":{"roles":["a"]}}`, `{"groups.roles":["a"],"groups":{"roles":["b"]}}`, `{"groups":[["a"]]}`, `null`, `{"groups":["a",1]}`} {
		f.Add([]byte(s), "groups")
		f.Add([]byte(s), "groups.roles")
	}
	f.Fuzz(func(t *testing.T, raw []byte, claim string) {
		for _, g := range groupsOf(jsontext.Value(raw), claim) {
			var any map[string]any
			if err := json.Unmarshal(raw, &any); err != nil {
				t.Fatalf("%q is a group of what is no JSON", g)
			}
			if !holds(any, g) {
				t.Errorf("%q is a group of %s", g, raw)
			}
		}
	})
}

// holds says that a string stands somewhere in v as a value.
func holds(v any, s string) bool {
	switch v := v.(type) {
	case string:
		return v == s
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return holds(x, s) })
	case map[string]any:
		for _, x := range v {
			if holds(x, s) {
				return true
			}
		}
	}
	return false
}

// replaced is a body with one text in place of another.
func replaced(body io.ReadCloser, old, new string) io.ReadCloser {
	b, _ := io.ReadAll(body)
	body.Close()
	return io.NopCloser(strings.NewReader(strings.ReplaceAll(string(b), old, new)))
}
