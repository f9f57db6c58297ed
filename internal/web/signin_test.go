// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/login/logintest"
)

// office is a site with a provider, and what may be changed of both before the doors open.
type office struct {
	*visitor
	provider *logintest.Provider
	world    *world
	sessions *access.Memory
	cfg      Config
	served   *httptest.Server
}

func newOffice(t *testing.T, change func(*Config)) *office {
	t.Helper()
	o := &office{provider: logintest.New(t), world: full(plain), sessions: access.NewMemory()}
	o.served = httptest.NewUnstartedServer(nil)
	_, port, _ := net.SplitHostPort(o.served.Listener.Addr().String())
	base := "http://localhost:" + port // for a browser another site than the provider, which has an address
	o.provider.Set(func(p *logintest.Provider) {
		p.Redirect = base + "/login/callback"
		p.Claims["groups"] = []string{"g-stewards", "g-lunch"}
	})
	o.cfg = Config{Edge: o.world, Hub: o.world, Sessions: o.sessions, Access: access.Config{Issuer: o.provider.URL, ClientID: o.provider.ClientID, URL: base,
		Roles: map[string][]string{"steward": {"g-stewards"}, "developer": {"g-developers", "g-all"}, "auditor": {"g-audit"}, "operator": {"g-ops"}}}}
	if change != nil {
		change(&o.cfg)
	}
	s := o.open(t)
	o.served.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.site.ServeHTTP(w, r) })
	o.visitor = &visitor{t, base, nil, s}
	o.served.Start()
	t.Cleanup(o.served.Close)
	o.visitor = o.browser()
	return o
}

// open makes the site of the configuration.
func (o *office) open(t *testing.T) *Site {
	t.Helper()
	if err := o.cfg.Access.Check(true); err != nil {
		t.Fatal(err)
	}
	s, err := New(o.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// browser is a new one, without cookies.
func (o *office) browser() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{o.t, o.base, &http.Client{Jar: jar}, o.site}
}

// stopAt makes a browser stop before it opens an address with that path, and returns it.
func stopAt(v *visitor, from, path string) *url.URL {
	v.t.Helper()
	var at *url.URL
	v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == path {
			at = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	v.get(from)
	v.http.CheckRedirect = nil
	if at == nil {
		v.t.Fatalf("%s does not lead to %s", from, path)
	}
	return at
}

// session is the cookie of a browser's session.
func (o *office) session(v *visitor) string {
	u, _ := url.Parse(o.base)
	for _, c := range v.http.Jar.Cookies(u) {
		if c.Name == "headrace_"+u.Port() {
			return c.Value
		}
	}
	return ""
}

func TestAPersonSignsInAtTheirProviderAndIsWhatTheirGroupsSay(t *testing.T) {
	o := newOffice(t, nil)
	code, body := o.get("/preview/batch%201?after=2")
	if code != http.StatusUnauthorized || !strings.Contains(body, "/login?to=%2fpreview%2fbatch%25201%3fafter%3d2") {
		t.Fatalf("%d %s", code, body)
	}
	code, body = o.get("/login?to=" + url.QueryEscape("/preview/batch%201?after=2"))
	if code != http.StatusOK || !strings.Contains(body, "For maker.example") || !strings.Contains(body, "ada@example.com") {
		t.Fatalf("%d %s", code, body)
	}
	for path, want := range map[string]int{"/episodes": 200, "/bundles": 200, "/start": 403, "/gates": 200, "/nowhere": 404} {
		if code, body := o.get(path); code != want || want == 403 && !strings.Contains(body, "Yours here: <strong>steward</strong>") {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	// Raw text is a steward's only where that is configured.
	if _, body := o.get("/preview/batch%201?raw=1"); !strings.Contains(body, "not for you to see") || strings.Contains(body, "kim@corp.example") {
		t.Error("raw text is shown to a steward without raw: true")
	}
	if code, body := o.post("/logout", nil); code != http.StatusUnauthorized || !strings.Contains(body, "Sign in") {
		t.Errorf("after signing out: %d", code)
	}
	if code, _ := o.get("/episodes"); code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", code)
	}
}

func TestALinkOpensNothingWherePeopleLogIn(t *testing.T) {
	o := newOffice(t, nil)
	if l := o.site.Link("kim"); l != "/" {
		t.Errorf("a link %q", l)
	}
	o.site.door.links[digest("c")] = link{"kim", time.Now().Add(time.Hour)}
	if code, _ := o.get("/enter?code=c"); code != http.StatusUnauthorized || o.session(o.visitor) != "" {
		t.Errorf("%d", code)
	}
	// Nor does what one opened before there was a provider.
	o.local(t, "s")
	if code, _ := o.get("/episodes"); code != http.StatusUnauthorized {
		t.Errorf("%d", code)
	}
}

// local puts a session of the person at the machine into the browser.
func (o *office) local(t *testing.T, secret string) {
	now := time.Now()
	if err := o.sessions.AddSession(t.Context(), access.Session{Digest: digest(secret), Name: "kim", OpenedAt: now, SeenAt: now, EndsAt: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(o.base)
	o.http.Jar.SetCookies(u, []*http.Cookie{{Name: "headrace_" + u.Port(), Value: secret}})
}

// TestALoginCountsOnlyInTheBrowserThatBeganIt: else somebody could have another work under their own name, or as themselves
// with a login that another began.
func TestALoginCountsOnlyInTheBrowserThatBeganIt(t *testing.T) {
	o := newOffice(t, nil)
	attacker, victim := o.browser(), o.browser()
	back := stopAt(attacker, "/login", "/login/callback")
	refused := func(what, path string) {
		t.Helper()
		if code, body := victim.get(path); code != http.StatusUnprocessableEntity || !strings.Contains(body, "login/not-begun") || o.session(victim) != "" {
			t.Errorf("%s: %d, session %q", what, code, o.session(victim))
		}
	}
	refused("another's login", back.RequestURI())
	own := stopAt(victim, "/login", "/login/callback")
	q := own.Query()
	q.Set("state", back.Query().Get("state"))
	refused("another's state in a browser with a login of its own", "/login/callback?"+q.Encode())
	refused("no state", "/login/callback?code="+back.Query().Get("code"))
	refused("an empty state", "/login/callback?state=&code="+back.Query().Get("code"))
	u, _ := url.Parse(o.base)
	victim.http.Jar.SetCookies(u, []*http.Cookie{{Name: "headrace_login_" + u.Port(), Value: "planted"}})
	refused("a cookie that somebody planted", "/login/callback?state="+digest("planted")+"&code="+back.Query().Get("code"))
	// The state alone is no cookie: who reads it in a log can do nothing with it.
	victim.http.Jar.SetCookies(u, []*http.Cookie{{Name: "headrace_login_" + u.Port(), Value: back.Query().Get("state")}})
	refused("the state as the cookie", back.RequestURI())

	// Another's code with one's own state is refused by its PKCE challenge, and by the nonce in its token.
	o.provider.Set(func(p *logintest.Provider) { p.Sloppy = true })
	victim = o.browser()
	own = stopAt(victim, "/login", "/login/callback")
	q = own.Query()
	q.Set("code", back.Query().Get("code"))
	if code, body := victim.get("/login/callback?" + q.Encode()); code != http.StatusUnprocessableEntity || !strings.Contains(body, "login/used") || o.session(victim) != "" {
		t.Errorf("another's code: %d", code)
	}
	// And the login itself is good in its own browser.
	if code, _ := attacker.get(back.RequestURI()); code != http.StatusOK {
		t.Errorf("its own: %d", code)
	}
}

func TestALoginIsGoodOnce(t *testing.T) {
	o := newOffice(t, nil)
	o.provider.Set(func(p *logintest.Provider) { p.Sloppy = true }) // it would take the code again
	back := stopAt(o.visitor, "/login", "/login/callback")
	u, _ := url.Parse(o.base)
	kept := o.http.Jar.Cookies(u)
	if code, _ := o.get(back.RequestURI()); code != http.StatusOK {
		t.Fatal(code)
	}
	again := o.browser()
	again.http.Jar.SetCookies(u, kept)
	if code, body := again.get(back.RequestURI()); code != http.StatusUnprocessableEntity || !strings.Contains(body, "login/not-begun") || o.session(again) != "" {
		t.Errorf("a second time: %d", code)
	}
}

func TestASessionIsNeverTakenOver(t *testing.T) {
	o := newOffice(t, nil)
	u, _ := url.Parse(o.base)
	o.http.Jar.SetCookies(u, []*http.Cookie{{Name: "headrace_" + u.Port(), Value: "planted"}})
	o.get("/login")
	first := o.session(o.visitor)
	if first == "" || first == "planted" {
		t.Fatalf("the session is %q", first)
	}
	o.get("/login")
	if second := o.session(o.visitor); second == first || second == "" {
		t.Error("a second login goes on with the first one's session")
	}
	for _, old := range []string{first, "planted"} {
		v := o.browser()
		v.http.Jar.SetCookies(u, []*http.Cookie{{Name: "headrace_" + u.Port(), Value: old}})
		if code, _ := v.get("/episodes"); code != http.StatusUnauthorized {
			t.Errorf("%q is still a session: %d", old, code)
		}
	}
}

func TestCookiesAreOfOnePortAndOutOfReach(t *testing.T) {
	o := newOffice(t, nil)
	o.get("/login")
	u, _ := url.Parse(o.base)
	value := o.session(o.visitor)
	for _, name := range []string{"headrace", "headrace_1", "headrace_login_" + u.Port(), "Headrace_" + u.Port(), "__Host-headrace_" + u.Port()} {
		v := o.browser()
		v.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value}})
		if code, _ := v.get("/episodes"); code != http.StatusUnauthorized {
			t.Errorf("the cookie %s lets in: %d", name, code)
		}
	}
	for _, c := range []struct {
		url    string
		prefix string
		secure bool
	}{{"http://127.0.0.1:8400", "headrace_8400", false}, {"https://edge.example", "__Host-headrace", true}, {"https://edge.example:8443", "__Host-headrace_8443", true}} {
		d, err := newDoor(access.Config{Issuer: o.provider.URL, ClientID: "headrace", URL: c.url}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", strings.Replace(c.url, "https", "http", 1)+"/", nil) // as a proxy with TLS passes it on
		got := d.cookie(r, "", "v", time.Hour)
		if got.Name != c.prefix || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.MaxAge != 3600 {
			t.Errorf("%s: %v", c.url, got)
		}
	}
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	for to, want := range map[string]string{"/episodes?tool=a&after=b": "/episodes?tool=a&after=b", "/preview/batch%201": "/preview/batch%201", "/": "/", "/bundles/b%2F1": "/bundles/b%2F1",
		"": "/", "episodes": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example/": "/", "https:evil.example": "/", "javascript:alert(1)": "/",
		"/%2fevil.example": "/", "/%5cevil.example": "/", "/\tevil": "/", "/%09/evil.example": "/", "//user@evil.example": "/", "/..//evil.example": "/..//evil.example", "%2f%2fevil.example": "/", "%2f0": "/", "/a\nb": "/", "?to=x": "/"} {
		if got := within(to); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
	o := newOffice(t, nil)
	for _, to := range []string{"//evil.example", "https://evil.example", "/\\evil.example"} {
		v := o.browser()
		var last *url.URL
		v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error { last = r.URL; return nil }
		if code, _ := v.get("/login?to=" + url.QueryEscape(to)); code != http.StatusOK || last.Host != strings.TrimPrefix(o.base, "http://") || last.Path != "/" {
			t.Errorf("%s: %d at %s", to, code, last)
		}
	}
}

// FuzzWithin: whatever somebody wants to go to, a browser that is sent there stays here.
func FuzzWithin(f *testing.F) {
	for _, s := range []string{"/episodes?after=b", "//evil.example", "/\\evil.example", "/%2fevil.example", "https:evil", "/..//evil.example/../x", "/.//evil"} {
		f.Add(s)
	}
	here, _ := url.Parse("https://edge.example/login")
	f.Fuzz(func(t *testing.T, to string) {
		got := within(to)
		u, err := here.Parse(got)
		if err != nil || u.Host != here.Host || u.Scheme != here.Scheme || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n\x00") {
			t.Errorf("%q leads to %q: %v, %v", to, got, u, err)
		}
		if again := within(got); again != got {
			t.Errorf("%q, then %q", got, again)
		}
	})
}

func TestEveryFormOfAnotherSiteIsRefused(t *testing.T) {
	o := newOffice(t, func(c *Config) { c.Access.Roles["developer"] = []string{"g-stewards"} })
	o.get("/login")
	n := 0
	for _, route := range o.site.Routes() {
		method, path := addressOf(route)
		if method != http.MethodPost {
			continue
		}
		n++
		for _, h := range []http.Header{{"Origin": {"http://evil.example"}}, {"Origin": {"null"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}} {
			r, _ := http.NewRequest(method, o.base+path, strings.NewReader("choice=approve&digest=x&session=s1"))
			r.Header = h
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if code, _ := o.read(o.http.Do(r)); code != http.StatusForbidden {
				t.Errorf("%s with %v: %d", route, h, code)
			}
		}
	}
	if n < 3 || len(o.world.rulings)+len(o.world.takenBack) > 0 {
		t.Errorf("%d forms; came through: %v %v", n, o.world.rulings, o.world.takenBack)
	}
	if code, _ := o.get("/episodes"); code != http.StatusOK {
		t.Error("somebody was signed out by another site")
	}
}
