// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/login/logintest"
)

// counter is an edge where machines are enrolled, and the provider with which developers log in; both go by one clock.
type counter struct {
	t        *testing.T
	edge     *edge.Edge
	provider *logintest.Provider
	now      time.Time
}

func newCounter(t *testing.T, every time.Duration) *counter {
	t.Helper()
	c := &counter{t: t, provider: logintest.New(t), now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return c.now }
	c.provider.Now = clock
	var err error
	c.edge, err = edge.New(t.Context(), edge.Config{Dir: filepath.Join(t.TempDir(), "edge"), Hubs: []edge.Hub{{Name: "maker", Contributor: "mill"}}, Now: clock,
		OIDC: edge.OIDC{Issuer: c.provider.URL, ClientID: c.provider.ClientID, LoginEvery: every}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.edge.Close() })
	return c
}

// ask asks the edge as the machine that has a certificate (nil: none), and returns what it answered: a code of a problem, or
// the answer.
func (c *counter) ask(method, path string, cert *x509.Certificate, body any) (status int, code string, ans edge.DeviceAnswer) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(b))
	if cert != nil {
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{cert}}}
	}
	w := httptest.NewRecorder()
	c.edge.DeviceHandler().ServeHTTP(w, r)
	var p episode.Problem
	if json.Unmarshal(w.Body.Bytes(), &p) == nil && p.Code != "" {
		if w.Code == http.StatusOK || p.Hint == "" {
			c.t.Errorf("%s: %d with a problem, or nothing to do about it: %s", path, w.Code, w.Body)
		}
		return w.Code, p.Code, ans
	}
	if err := json.Unmarshal(w.Body.Bytes(), &ans); err != nil {
		c.t.Fatalf("%s: %s", path, w.Body)
	}
	return w.Code, "", ans
}

// request is a machine's, and the name of its key.
func (c *counter) request() (request, nonce string) {
	c.t.Helper()
	_, req, err := device.Request()
	if err == nil {
		nonce, err = device.KeyName(req)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return string(req), nonce
}

// enrol logs in, and returns the certificate that comes of it.
func (c *counter) enrol() (*x509.Certificate, edge.DeviceAnswer) {
	c.t.Helper()
	req, nonce := c.request()
	status, code, ans := c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Login: c.provider.Token(c.t, map[string]any{"nonce": nonce}), Request: req})
	if status != http.StatusOK {
		c.t.Fatalf("%d %s", status, code)
	}
	return c.certificate(ans), ans
}

func (c *counter) certificate(ans edge.DeviceAnswer) *x509.Certificate {
	c.t.Helper()
	block, _ := pem.Decode([]byte(ans.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

func TestALoginEnrolsOneMachineOnce(t *testing.T) {
	c := newCounter(t, 0)
	req, nonce := c.request()
	other, _ := c.request()
	bound, free := c.provider.Token(t, map[string]any{"nonce": nonce}), c.provider.Token(t, nil)
	// The last letter of a signature has bits to spare: the same login, written otherwise.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := len(free) - 1
	otherwise := free[:end] + string(letters[strings.IndexByte(letters, free[end])^1])
	for _, s := range []struct {
		name           string
		token, request string
		status         int
		code           string
	}{
		{"by who has copied it, for another machine", bound, other, 403, "login/refused"},
		{"for the machine that it was made for", bound, req, 200, ""},
		{"a second time", bound, req, 403, "device/login-used"},
		{"of a provider without nonces", free, other, 200, ""},
		{"a second time, by another", free, req, 403, "device/login-used"},
		{"a second time, written otherwise", otherwise, req, 403, "device/login-used"},
		{"for no machine", c.provider.Token(t, nil), "x", 403, "device/bad-request"},
		{"not even a token", "x", req, 403, "login/refused"},
		{"of a name that no record can have", c.provider.Token(t, map[string]any{"email": "a\u0007@example.com"}), req, 403, "device/developer"},
		{"of a name without end", c.provider.Token(t, map[string]any{"email": strings.Repeat("a", 5000) + "@example.com"}), req, 403, "device/developer"},
	} {
		status, code, ans := c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Login: s.token, Request: s.request})
		if status != s.status || code != s.code || status == 200 && ans.Developer != "ada@example.com" {
			t.Errorf("%s: %d %q %+v, want %d %q", s.name, status, code, ans, s.status, s.code)
		}
	}
	if list, err := c.edge.Devices(t.Context()); err != nil || len(list) != 2 {
		t.Errorf("%d machines are enrolled, %v", len(list), err)
	}
}

func TestOfManyWhoSendOneLoginAtOnceOneIsEnrolled(t *testing.T) {
	c := newCounter(t, 0)
	token := c.provider.Token(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		req, _ := c.request()
		wg.Go(func() { c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Login: token, Request: req}) })
	}
	wg.Wait()
	if list, err := c.edge.Devices(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d machines are enrolled, %v", len(list), err)
	}
}

func TestAProviderThatIsAwayUsesNoLoginUp(t *testing.T) {
	c := newCounter(t, 0)
	req, nonce := c.request()
	login := edge.DeviceRequest{Login: c.provider.Token(t, map[string]any{"nonce": nonce}), Request: req}
	c.provider.Set(func(p *logintest.Provider) { p.Away = true })
	if status, code, _ := c.ask("POST", "/v1/device/enrol", nil, login); status != 503 || code != "login/provider-away" {
		t.Errorf("away: %d %s", status, code)
	}
	c.provider.Set(func(p *logintest.Provider) { p.Away = false })
	c.now = c.now.Add(10 * time.Second)
	if status, code, _ := c.ask("POST", "/v1/device/enrol", nil, login); status != 200 {
		t.Errorf("back: %d %s", status, code)
	}
}

func TestWhoHasLeftHasNoCertificateOnceTheLoginIsOver(t *testing.T) {
	const every = 30 * 24 * time.Hour
	c := newCounter(t, every)
	start := c.now
	cert, ans := c.enrol()
	if !ans.LoginUntil.Equal(start.Add(every)) {
		t.Errorf("the login is said to be good until %v", ans.LoginUntil)
	}
	renew := func() (string, edge.DeviceAnswer) {
		req, _ := c.request()
		_, code, ans := c.ask("POST", "/v1/device/renew", cert, edge.DeviceRequest{Request: req})
		return code, ans
	}
	renewed := 0
	for ; c.now.Before(start.Add(every)); c.now = c.now.Add(device.Validity / 2) {
		switch code, ans := renew(); code {
		case "":
			renewed++
			cert = c.certificate(ans)
			if cert.NotAfter.After(start.Add(every)) || !ans.LoginUntil.Equal(start.Add(every)) || cert.Subject.CommonName != "ada@example.com" {
				t.Errorf("a certificate of %s until %v", cert.Subject.CommonName, cert.NotAfter)
			}
		case "device/login-again":
			if !cert.NotAfter.Equal(start.Add(every)) {
				t.Errorf("no other certificate, and this one ends %v before the login", start.Add(every).Sub(cert.NotAfter))
			}
		default:
			t.Fatal(code)
		}
	}
	if renewed < 6 {
		t.Errorf("renewed %d times", renewed)
	}
	c.now = start.Add(every)
	if code, _ := renew(); code != "device/login-again" {
		t.Errorf("when it is over: %q", code)
	}
	// Who is still there logs in again.
	cert, _ = c.enrol()
	if c.now = c.now.Add(device.Validity / 2); cert.NotAfter.Before(c.now) {
		t.Error("another login is worth nothing")
	}
	if code, _ := renew(); code != "" {
		t.Errorf("after another login: %q", code)
	}
	if n, err := c.edge.RevokeDevices(t.Context(), "ada@example.com"); err != nil || n == 0 {
		t.Errorf("%d revoked, %v", n, err)
	}
	if code, _ := renew(); code != "device/not-enrolled" {
		t.Errorf("revoked: %q", code)
	}
}

func TestACodeNeedsNoLoginEver(t *testing.T) {
	c := newCounter(t, time.Hour)
	code, err := c.edge.InviteDevice(t.Context(), "ben")
	if err != nil {
		t.Fatal(err)
	}
	code, _, _ = strings.Cut(code, ".")
	req, _ := c.request()
	_, problem, ans := c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Code: code, Request: req})
	if problem != "" || ans.Developer != "ben" || !ans.LoginUntil.IsZero() {
		t.Fatalf("%q %+v", problem, ans)
	}
	for range 20 {
		c.now = c.now.Add(device.Validity / 2)
		if _, problem, ans = c.ask("POST", "/v1/device/renew", c.certificate(ans), edge.DeviceRequest{Request: req}); problem != "" {
			t.Fatal(problem)
		}
	}
}

func TestAnEdgeWithoutAProviderTakesNoLogin(t *testing.T) {
	c := newCounter(t, 0)
	token := c.provider.Token(t, nil)
	var err error
	c.edge, err = edge.New(t.Context(), edge.Config{Dir: filepath.Join(t.TempDir(), "edge"), Hubs: []edge.Hub{{Name: "maker", Contributor: "mill"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.edge.Close()
	req, _ := c.request()
	if status, code, _ := c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Login: token, Request: req}); status != 403 || code != "device/no-login" {
		t.Errorf("a login: %d %s", status, code)
	}
	if status, code, _ := c.ask("GET", "/v1/device/login", nil, nil); status != 404 || code != "device/no-login" {
		t.Errorf("asked for: %d %s", status, code)
	}
	if pin, err := c.edge.LoginPin(); err == nil {
		t.Errorf("a line for everybody, with %s", pin)
	}
}

func TestARequestWithoutEndIsNotReadToItsEnd(t *testing.T) {
	c := newCounter(t, 0)
	if status, code, _ := c.ask("POST", "/v1/device/enrol", nil, edge.DeviceRequest{Login: strings.Repeat("a", 300<<10)}); status != 400 || code != "device/bad-request" {
		t.Errorf("%d %s", status, code)
	}
}
