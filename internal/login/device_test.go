// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/login/logintest"
)

const issuer = "https://login.example"

// of is how we know a provider.
func of(p *logintest.Provider) Issuer {
	return Issuer{URL: p.URL, ClientID: p.ClientID, Scopes: []string{"openid", "email", "profile"}}
}

// attempt logs in with p, in a world where nobody waits for real.
func attempt(ctx context.Context, p http.RoundTripper, is Issuer, show func(Ask)) (string, error) {
	return (&flow{Issuer: is, client: newClient(p), verifier: oauth2.GenerateVerifier()}).run(ctx, "the-key", show)
}

func code(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p.Code
	}
	return ""
}

func TestAPersonIsShownWhereToLogInAndTheTokenComesOfIt(t *testing.T) {
	p := logintest.New(t)
	var shown []Ask
	token, err := Device(t.Context(), of(p), "the-key", func(a Ask) { shown = append(shown, a) })
	if err != nil {
		t.Fatal(err)
	}
	if len(shown) != 1 || shown[0].Address != p.URL+"/device" || shown[0].Code == "" || !strings.HasSuffix(shown[0].Whole, shown[0].Code) || time.Until(shown[0].Until) < 4*time.Minute {
		t.Errorf("shown %+v", shown)
	}
	v, err := New(Config{Issuer: of(p)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := v.Verify(t.Context(), token, "the-key")
	if err != nil || l.Developer != "ada@example.com" {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestItAsksAsOftenAsItMay(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval int
		say      []string
		want     []time.Duration // between questions
	}{
		{"as it says", 3, []string{"authorization_pending", "authorization_pending"}, []time.Duration{3, 3, 3}},
		{"every five seconds where it does not", 0, []string{"authorization_pending"}, []time.Duration{5, 5}},
		{"never so seldom that a person waits for nothing", 86400, nil, []time.Duration{60}},
		{"five seconds slower from then on", 2, []string{"slow_down", "authorization_pending", "slow_down"}, []time.Duration{2, 7, 7, 12}},
		{"less often while it does not answer", 2, []string{"503", "503", "authorization_pending"}, []time.Duration{2, 4, 8, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := logintest.Unserved(t, issuer)
				p.Interval, p.Say = c.interval, c.say
				start := time.Now()
				if token, err := attempt(t.Context(), p, of(p), func(Ask) {}); err != nil || token == "" {
					t.Fatalf("%q, %v", token, err)
				}
				var got []time.Duration
				for _, at := range p.Asked() {
					got = append(got, at.Sub(start)/time.Second)
					start = at
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestEachWayToFailIsToldInWords(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*logintest.Provider, *Issuer)
		code string
		word string
	}{
		{"refused by the person", func(p *logintest.Provider, _ *Issuer) { p.Say = []string{"authorization_pending", "access_denied"} }, "login/denied", "refused"},
		{"the code is over", func(p *logintest.Provider, _ *Issuer) { p.Say = []string{"expired_token"} }, "login/too-late", "nobody logged in"},
		{"nobody comes, and the provider does not end it", func(p *logintest.Provider, _ *Issuer) {
			p.Expires, p.Say = 20, slices.Repeat([]string{"authorization_pending"}, 100)
		}, "login/too-late", "nobody logged in"},
		{"nobody comes, and it says nothing of an end", func(p *logintest.Provider, _ *Issuer) {
			p.Expires, p.Say = 0, slices.Repeat([]string{"authorization_pending"}, 4000)
		}, "login/too-late", "nobody logged in"},
		{"it goes away for good", func(p *logintest.Provider, _ *Issuer) { p.Expires, p.Say = 60, slices.Repeat([]string{"503"}, 100) }, "login/too-late", "nobody"},
		{"it is away", func(p *logintest.Provider, _ *Issuer) { p.Away = true }, "login/provider-away", "does not answer"},
		{"another client", func(_ *logintest.Provider, is *Issuer) { is.ClientID = "stranger" }, "login/provider-refused", "invalid_client"},
		{"the provider calls itself otherwise", func(_ *logintest.Provider, is *Issuer) { is.URL += "/" }, "login/provider", "not the identity provider of that name"},
		{"no login for devices", func(p *logintest.Provider, _ *Issuer) { p.Mute = true }, "login/no-device-login", "RFC 8628"},
		{"no ID token", func(_ *logintest.Provider, is *Issuer) { is.Scopes = []string{"email"} }, "login/no-id-token", "who you are"},
		{"an address that anybody could answer", func(_ *logintest.Provider, is *Issuer) { is.URL = "http://login.example" }, "login/provider", "not an https:// address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := logintest.Unserved(t, issuer)
				is := of(p)
				c.set(p, &is)
				token, err := attempt(t.Context(), p, is, func(Ask) {})
				if code(err) != c.code || token != "" || !strings.Contains(err.Error(), c.word) {
					t.Errorf("%q, %v", token, err)
				}
				if p, _ := errors.AsType[*episode.Problem](err); p != nil && p.Hint == "" {
					t.Errorf("%v: nothing to do about it", err)
				}
			})
		})
	}
}

func TestCtrlCEndsALoginAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := logintest.Unserved(t, issuer)
		p.Say = slices.Repeat([]string{"authorization_pending"}, 100)
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		_, err := attempt(ctx, p, of(p), func(Ask) { time.AfterFunc(3500*time.Millisecond, cancel) })
		if !errors.Is(err, context.Canceled) || time.Since(start) != 3500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := attempt(ctx, p, of(p), func(Ask) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("after Ctrl-C: %v", err)
		}
	})
}

func TestWhatCannotBeShownIsNotShown(t *testing.T) {
	good := map[string]any{"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": issuer + "/device", "expires_in": 300}
	if _, err := answer(body(t, good, nil), time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]map[string]any{
		"no device code":        {"device_code": nil},
		"no user code":          {"user_code": ""},
		"no address":            {"verification_uri": nil},
		"not encrypted":         {"verification_uri": "http://login.example/device"},
		"not a web page":        {"verification_uri": "file:///etc/passwd"},
		"a whole that is not":   {"verification_uri_complete": "javascript:alert(1)"},
		"a terminal's controls": {"user_code": "\x1b]0;x\x07"},
		"right to left":         {"user_code": "ab\u202ecd"},
		"a second line":         {"verification_uri": issuer + "/device\nEnter your password:"},
		"no end":                {"user_code": strings.Repeat("A", 1<<16)},
	} {
		if da, err := answer(body(t, good, change), time.Now()); err == nil {
			t.Errorf("%s: %+v", name, da)
		}
	}
	for _, b := range []string{"", "null", "[]", "7", `{"expires_in":"soon"}`, "<html>"} {
		if da, err := answer([]byte(b), time.Now()); err == nil {
			t.Errorf("%q: %+v", b, da)
		}
	}
	if da, err := answer([]byte(`{"device_code":"d","user_code":"u","verification_url":"https://a.example/device","expires_in":"900","interval":"7"}`), time.Now()); err != nil || da.Interval != 7 || da.VerificationURI != "https://a.example/device" {
		t.Errorf("as some say it: %+v, %v", da, err)
	}
	// Numbers without reason are brought within it.
	for _, n := range []int64{-1, 0, 1, 1 << 40, -1 << 62, 1<<63 - 1} {
		now := time.Now()
		da, err := answer(body(t, good, map[string]any{"interval": n, "expires_in": n}), now)
		if err != nil || da.Interval < 1 || da.Interval > asksAtLatest || !da.Expiry.After(now) || da.Expiry.After(now.Add(takesAtMost*time.Second)) {
			t.Errorf("%d: %+v, %v", n, da, err)
		}
	}
}

func body(t *testing.T, all, change map[string]any) []byte {
	t.Helper()
	m := map[string]any{}
	for k, v := range all {
		m[k] = v
	}
	for k, v := range change {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixed answers each path with a fixed body.
type fixed map[string]string

func (f fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	w.WriteString(f[r.URL.Path])
	return w.Result(), nil
}

// FuzzDevice: whatever a provider answers, it ends with a token or a reason.
func FuzzDevice(f *testing.F) {
	const start = `{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://login.example/device","expires_in":30,"interval":1}`
	for _, s := range []string{start, "null", "{}", `{"device_code":"d","user_code":"u","verification_url":"https://a/","interval":-9223372036854775808}`} {
		for _, token := range []string{`{"access_token":"a","id_token":"i"}`, `{"error":"slow_down"}`, "null", `{"access_token":"a","id_token":7}`, "error=access_denied"} {
			f.Add(s, token)
		}
	}
	says := `{"issuer":"` + issuer + `","device_authorization_endpoint":"` + issuer + `/start","token_endpoint":"` + issuer + `/token"}`
	f.Fuzz(func(t *testing.T, start, token string) {
		synctest.Test(t, func(t *testing.T) {
			p := fixed{"/.well-known/openid-configuration": says, "/start": start, "/token": token}
			id, err := attempt(t.Context(), p, Issuer{URL: issuer, ClientID: "headrace", Scopes: []string{"openid"}}, func(Ask) {})
			if (id == "") == (err == nil) {
				t.Errorf("%q, %v", id, err)
			}
		})
	})
}
