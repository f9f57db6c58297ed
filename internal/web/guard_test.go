// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyNamedHostsAreAnswered(t *testing.T) {
	s, err := New(Config{Hosts: []string{"Edge.corp.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"localhost:8400": 401, "LOCALHOST": 401, "127.0.0.1:8400": 401, "[::1]:8400": 401, "[::1]": 401, "edge.corp.example": 401,
		"evil.example": 421, "localhost.evil.example:8400": 421, "127.0.0.1.evil.example": 421, "": 421, "10.0.0.1": 421, "localhost:8400:1": 421} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestNothingIsShownWithoutSigningIn(t *testing.T) {
	w := full(plain)
	v := serve(t, Config{Edge: w, Hub: w})
	for _, path := range []string{"/", "/episodes", "/episodes/ep_1", "/preview/batch%201?raw=1", "/snapshots/snap%2F1/export/trl-kto", "/nowhere"} {
		code, body := v.get(path)
		if code != http.StatusUnauthorized || strings.Contains(body, "payments") || !strings.Contains(body, "Sign in") {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := v.post("/preview/batch%201", url.Values{"choice": {"approve"}, "digest": {"x"}}); code != http.StatusUnauthorized || len(w.rulings) > 0 {
		t.Errorf("a ruling by nobody: %d %v", code, w.rulings)
	}
	if code, _ := v.get("/static/headrace.css"); code != http.StatusOK {
		t.Errorf("style sheet: %d", code)
	}
	if code, _ := v.get("/static/"); code != http.StatusNotFound {
		t.Errorf("listing of static files: %d", code)
	}
}

func TestLinkWorksOnce(t *testing.T) {
	v := serve(t, Config{Edge: full(plain)})
	link := v.site.Link("kim")
	if code, _ := v.get(link); code != http.StatusOK {
		t.Fatalf("first use: %d", code)
	}
	if code, _ := v.get("/episodes"); code != http.StatusOK {
		t.Errorf("after signing in: %d", code)
	}
	other := *v
	other.http = &http.Client{}
	for _, path := range []string{link, "/enter", "/enter?code=", "/enter?code=AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if code, body := other.get(path); code != http.StatusUnauthorized || !strings.Contains(body, "used before") {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestSessionCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	v := serve(t, Config{Edge: full(plain)})
	v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := v.http.Get(v.base + v.site.Link("kim"))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	c := r.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || len(c[0].Value) < 26 {
		t.Errorf("cookies %v", c)
	}
}

func TestLinksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		code := func(link string) string { u, _ := url.Parse(link); return u.Query().Get("code") }
		late, soon := code(s.Link("kim")), code(s.Link("kim"))
		if who, ok := s.door.use(soon); !ok || who != "kim" {
			t.Fatal("a fresh link does not open")
		}
		time.Sleep(codeLife + time.Second)
		if _, ok := s.door.use(late); ok {
			t.Error("an old link opens")
		}
		s.Link("kim")
		s.Link("kim")
		if len(s.door.links) != 2 {
			t.Errorf("%d links are remembered", len(s.door.links))
		}
	})
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	for _, h := range []http.Header{{"Origin": {"http://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}} {
		r, _ := http.NewRequest("POST", v.base+"/preview/batch%201", strings.NewReader("choice=approve&digest=x"))
		r.Header = h
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if code, _ := v.read(v.http.Do(r)); code != http.StatusForbidden {
			t.Errorf("%v: %d", h, code)
		}
	}
	if len(w.rulings) > 0 {
		t.Errorf("a ruling came through: %v", w.rulings)
	}
}

func TestHeadersKeepPagesToThemselves(t *testing.T) {
	v := visit(t, Config{Edge: full(plain)})
	r, err := v.http.Get(v.base + "/episodes")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	for h, want := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8"} {
		if got := r.Header.Get(h); !strings.Contains(got, want) {
			t.Errorf("%s: %q", h, got)
		}
	}
	if p := r.Header.Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || strings.Contains(p, "*") || !strings.Contains(p, "default-src 'none'") {
		t.Errorf("policy %q", p)
	}
}

func TestBearerLetsOnlyTheTokenThrough(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, c := range []struct {
		token, header string
		want          int
	}{{"t0k", "Bearer t0k", 204}, {"t0k", "bearer t0k", 204}, {"t0k", "Bearer t0", 401}, {"t0k", "Bearer t0kk", 401}, {"t0k", "", 401}, {"t0k", "Basic t0k", 401},
		{"", "Bearer ", 401}, {"", "", 401}, {"t0k", "t0k", 401}} {
		r := httptest.NewRequest("POST", "/v1/episodes", nil)
		r.Header.Set("Authorization", c.header)
		w := httptest.NewRecorder()
		Bearer(c.token, ok).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("token %q, header %q: %d, want %d", c.token, c.header, w.Code, c.want)
		}
	}
}
