// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/login/logintest"
)

func TestGroupsOfEveryKindAreReadAndNoneMoreThanItSays(t *testing.T) {
	nested := func(v any) any { return map[string]any{"roles": v} }
	for _, c := range []struct {
		name, claim string
		groups      any
		want        int
	}{
		{"a list", "", []string{"x", "g-stewards"}, 200},
		{"one string", "", "g-stewards", 200},
		{"within another claim", "realm_access.roles", nested([]string{"g-stewards"}), 200},
		{"by a name with dots", "https://corp.example/groups", []string{"g-stewards"}, 200},
		{"none", "", nil, 422},
		{"an empty list", "", []string{}, 422},
		{"a number", "", 7, 422},
		{"true", "", true, 422},
		{"an object", "", map[string]any{"g-stewards": true}, 422},
		{"a list of other things", "", []any{"g-stewards", 7}, 422},
		{"a list of lists", "", []any{[]string{"g-stewards"}}, 422},
		{"names in one string", "", "g-stewards,g-lunch", 422},
		{"a longer name", "", []string{"g-stewards-to-be", "xg-stewards"}, 422},
		{"another case", "", []string{"G-STEWARDS"}, 422},
		{"the empty name", "", []string{""}, 422},
		{"the role's name, which is no group", "", []string{"steward"}, 422},
		{"nothing within", "realm_access.roles", nil, 422},
		{"something else within", "realm_access.roles", "g-stewards", 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t, func(cfg *Config) { cfg.Access.GroupsClaim = c.claim })
			o.provider.Set(func(p *logintest.Provider) {
				name, _, inside := strings.Cut(c.claim, ".roles")
				if !inside {
					name = c.claim
				}
				if name == "" {
					name = "groups"
				}
				delete(p.Claims, "groups")
				p.Claims[name] = c.groups
			})
			code, body := o.get("/login")
			if code != c.want || c.want == 422 && (!strings.Contains(body, "login/no-role") || o.session(o.visitor) != "") {
				t.Errorf("%d, session %q", code, o.session(o.visitor))
			}
		})
	}
}

func TestAProviderThatIsAwayIsSaidToBeAndNobodyIsSignedOut(t *testing.T) {
	o := newOffice(t, nil)
	o.get("/login")
	away := func(is bool) { o.provider.Set(func(p *logintest.Provider) { p.Away = is }) }
	away(true)
	if code, _ := o.get("/episodes"); code != http.StatusOK {
		t.Errorf("who is in: %d", code)
	}
	late := o.browser()
	away(false)
	back := stopAt(late, "/login", "/login/callback")
	away(true)
	if code, body := late.get(back.RequestURI()); code != http.StatusServiceUnavailable || !strings.Contains(body, "login/provider-away") || o.session(late) != "" {
		t.Errorf("who comes back: %d", code)
	}
	o.site = o.open(t) // which knows nothing of the provider yet
	if code, body := o.browser().get("/login"); code != http.StatusServiceUnavailable || !strings.Contains(body, "login/provider-away") {
		t.Errorf("who sets out: %d", code)
	}
	if code, _ := o.get("/episodes"); code != http.StatusOK {
		t.Errorf("who is in, after a restart: %d", code)
	}
}

func TestWhatTheProviderRefusesIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		name, code string
		set        func(*logintest.Provider)
	}{
		{"the person said no", "login/denied", func(p *logintest.Provider) { p.Say = []string{"access_denied"} }},
		{"something else", "login/provider-refused", func(p *logintest.Provider) { p.Say = []string{"<script>alert(1)</script>"} }},
		{"the client's secret is wrong", "login/provider-refused", func(p *logintest.Provider) { p.Secret = "another" }},
		{"a token of another login", "login/other-login", func(p *logintest.Provider) { p.Forgetful = true }},
		{"a token for somebody else", "login/refused", func(p *logintest.Provider) { p.Claims["aud"] = "payroll" }},
		{"an address that nobody verified", "login/email-not-verified", func(p *logintest.Provider) { p.Claims["email_verified"] = false }},
	} {
		o := newOffice(t, nil)
		o.provider.Set(c.set)
		if code, body := o.get("/login"); code != http.StatusUnprocessableEntity || !strings.Contains(body, c.code) || strings.Contains(body, "<script>alert") || o.session(o.visitor) != "" {
			t.Errorf("%s: %d %s", c.name, code, body)
		}
	}
	o := newOffice(t, nil)
	back := stopAt(o.visitor, "/login", "/login/callback")
	if code, body := o.get(back.RequestURI() + "&iss=" + url.QueryEscape("https://login.evil.example")); code != http.StatusUnprocessableEntity || !strings.Contains(body, "login/other-provider") {
		t.Errorf("another provider's answer: %d", code)
	}
}

func TestASessionEndsAfterItsTimeAndWhenNobodyUsesIt(t *testing.T) {
	o := newOffice(t, nil)
	o.get("/login")
	age := func(change func(*access.Session)) {
		t.Helper()
		s, err := o.sessions.Session(t.Context(), digest(o.session(o.visitor)))
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		if err := o.sessions.EndSession(t.Context(), s.Digest); err != nil {
			t.Fatal(err)
		}
		if err := o.sessions.AddSession(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	// Half an hour without a request is noted as use with the next one, so that the hour begins anew.
	age(func(s *access.Session) {
		if left := time.Until(s.EndsAt); left > access.SessionFor || left < access.SessionFor-time.Minute {
			t.Errorf("it lasts %v", left)
		}
		s.SeenAt = s.SeenAt.Add(-access.IdleFor / 2)
	})
	o.get("/episodes")
	age(func(s *access.Session) {
		if time.Since(s.SeenAt) > time.Minute {
			t.Error("its use was not noted")
		}
		s.SeenAt = s.SeenAt.Add(-access.IdleFor + time.Minute)
	})
	// What a page fetches by itself is no use.
	r, _ := http.NewRequest("GET", o.base+"/", nil)
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if code, _ := o.read(o.http.Do(r)); code != http.StatusOK {
		t.Error(code)
	}
	age(func(s *access.Session) {
		if time.Since(s.SeenAt) < access.IdleFor/2 {
			t.Error("a page that refreshes itself keeps somebody signed in")
		}
		s.SeenAt = s.SeenAt.Add(-2 * time.Minute)
	})
	if code, _ := o.get("/episodes"); code != http.StatusUnauthorized {
		t.Errorf("after an hour of nothing: %d", code)
	}
	o.get("/login")
	age(func(s *access.Session) { s.EndsAt = time.Now().Add(-time.Second) })
	if code, _ := o.get("/episodes"); code != http.StatusUnauthorized {
		t.Errorf("after its time: %d", code)
	}
}

func TestARoleThatIsTakenFromAGroupIsGoneAtOnce(t *testing.T) {
	o := newOffice(t, nil)
	o.provider.Set(func(p *logintest.Provider) { p.Claims["groups"] = []string{"g-stewards", "g-audit"} })
	o.get("/login")
	restart := func(change func(*access.Config)) {
		change(&o.cfg.Access)
		o.site = o.open(t)
	}
	restart(func(*access.Config) {})
	if code, _ := o.get("/preview"); code != http.StatusOK {
		t.Fatalf("after a restart: %d", code)
	}
	restart(func(c *access.Config) { c.Roles = map[string][]string{"auditor": {"g-audit"}} })
	if code, _ := o.get("/preview"); code != http.StatusForbidden {
		t.Errorf("the preview of who is an auditor now: %d", code)
	}
	restart(func(c *access.Config) { c.Roles = map[string][]string{"auditor": {"g-others"}} })
	if code, _ := o.get("/bundles"); code != http.StatusUnauthorized {
		t.Errorf("without a role: %d", code)
	}
	restart(func(c *access.Config) {
		c.Roles, c.Issuer = map[string][]string{"auditor": {"g-audit"}}, "https://login.example"
	})
	if code, _ := o.get("/bundles"); code != http.StatusUnauthorized {
		t.Errorf("who came by another provider: %d", code)
	}
}

func TestLimitsAreSaidWithWhenToComeBack(t *testing.T) {
	o := newOffice(t, func(c *Config) {
		c.Access.Raw = true
		c.Access.Limits = access.Limits{Logins: 4, RawLooks: 12, Requests: 100}
	})
	limited := func(what string, v *visitor, path string) {
		t.Helper()
		for range 200 { // on a slow machine some are given back meanwhile
			r, err := v.http.Get(v.base + path)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := strconv.Atoi(r.Header.Get("Retry-After"))
			code, body := v.read(r, nil)
			if code != http.StatusTooManyRequests {
				continue
			}
			if after < 1 || after > 3600 || !strings.Contains(body, "limit/requests") {
				t.Errorf("%s: Retry-After %d", what, after)
			}
			return
		}
		t.Errorf("%s has no limit", what)
	}
	if code, _ := o.get("/login"); code != http.StatusOK { // there and back
		t.Fatal(code)
	}
	if code, body := o.get("/preview/batch%201?raw=1"); code != http.StatusOK || !strings.Contains(body, "kim@corp.example") {
		t.Fatalf("raw where it is configured: %d", code)
	}
	limited("a look at raw text", o.visitor, "/episodes/ep_1")
	limited("a batch with raw text", o.visitor, "/preview/batch%201?raw=1")
	other := o.browser()
	limited("a link", other, "/enter?code=z")
	limited("a login", other, "/login")
	limited("coming back", other, "/login/callback")
	limited("pages", o.visitor, "/episodes")
	if code, _ := other.get("/episodes"); code != http.StatusUnauthorized {
		t.Error(code)
	}
}
