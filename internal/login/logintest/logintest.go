// SPDX-License-Identifier: Apache-2.0

// Package logintest is an identity provider for tests: OpenID Connect discovery, keys, the authorization code grant and the
// device authorization grant (RFC 8628), both with PKCE, over real HTTP and with real signatures. What it says, and who logs in, is for the test to set.
//
// Start from [New]. It checks what it is asked as a strict provider does, and fails the test's request where the RFC says so.
package logintest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is one identity provider. Its exported fields are changed by way of [Provider.Set].
type Provider struct {
	URL      string // the issuer
	ClientID string

	mu sync.Mutex // guards what follows
	// Claims are what it says of who logs in, over what every token holds; nil takes one out.
	Claims map[string]any
	// Say is what the token endpoint answers before it gives a token: errors of RFC 8628, or "503".
	Say []string
	// Interval and Expires are what a login begins with, in seconds; 0 leaves them out.
	Interval, Expires int
	// Away makes it answer nothing but 503; Mute takes its device login away, Forgetful the nonce.
	Away, Mute, Forgetful bool
	// Secret is the client's, where it has one; Redirect the only address to which people are sent back with a code.
	Secret, Redirect string
	// Sloppy makes it take a code more than once.
	Sloppy bool
	// Now is its clock.
	Now func() time.Time

	keys   []Key    // the last one signs
	issued []string // ID tokens that came of logins
	logins map[string]*login
	asked  []time.Time
	got    map[string]int // requests by path
}

// login is one code, of a device or of a browser.
type login struct{ nonce, scope, challenge, redirect string }

// Key is a key with its name.
type Key struct {
	ID      string
	Alg     jose.SignatureAlgorithm
	Private crypto.Signer
}

// NewKey makes a key for RS256 or ES256.
func NewKey(t testing.TB, alg jose.SignatureAlgorithm) Key {
	t.Helper()
	k := Key{ID: rand.Text(), Alg: alg}
	var err error
	if alg == jose.ES256 {
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		k.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// New is a provider on a loopback port until the test ends. Ada logs in with it at once.
func New(t testing.TB) *Provider {
	t.Helper()
	p := Unserved(t, "")
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	p.URL = srv.URL
	return p
}

// Unserved is a provider that is reached by [Provider.RoundTrip] alone.
func Unserved(t testing.TB, url string) *Provider {
	t.Helper()
	return &Provider{URL: url, ClientID: "headrace", Interval: 1, Expires: 300, Now: time.Now, logins: map[string]*login{}, got: map[string]int{},
		keys:   []Key{NewKey(t, jose.RS256)},
		Claims: map[string]any{"sub": "u-17", "email": "Ada@example.com", "email_verified": true, "preferred_username": "ada", "groups": []string{"developers"}}}
}

// Set changes it.
func (p *Provider) Set(change func(*Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// Rotate makes it sign with another key, and forget the last one.
func (p *Provider) Rotate(k Key) { p.Set(func(p *Provider) { p.keys = []Key{k} }) }

// Asked is when its token endpoint was asked.
func (p *Provider) Asked() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// Issued are the ID tokens that came of logins.
func (p *Provider) Issued() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.issued)
}

// Got is how often a path was asked for.
func (p *Provider) Got(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[path]
}

// RoundTrip answers as if over a network.
func (p *Provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// ServeHTTP answers.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[r.URL.Path]++
	if p.Away {
		http.Error(w, "closed for today", http.StatusServiceUnavailable)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/openid-configuration":
		says := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}}
		if !p.Mute {
			says["device_authorization_endpoint"] = p.URL + "/device/code"
		}
		reply(w, http.StatusOK, says)
	case "GET /keys":
		var set jose.JSONWebKeySet
		for _, k := range p.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: string(k.Alg), Use: "sig"})
		}
		reply(w, http.StatusOK, set)
	case "POST /device/code":
		p.begin(w, r)
	case "GET /auth":
		p.authorize(w, r)
	case "POST /token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code string) {
	reply(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": "said by the provider of the tests"})
}

func (p *Provider) begin(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.PostFormValue("client_id") != p.ClientID:
		refuse(w, "invalid_client")
	case r.PostFormValue("code_challenge_method") != "S256":
		refuse(w, "invalid_request")
	default:
		code, user := rand.Text(), rand.Text()[:4]+"-"+rand.Text()[:4]
		p.logins[code] = &login{nonce: r.PostFormValue("nonce"), scope: r.PostFormValue("scope"), challenge: r.PostFormValue("code_challenge")}
		says := map[string]any{"device_code": code, "user_code": user, "verification_uri": p.URL + "/device", "verification_uri_complete": p.URL + "/device?user_code=" + user}
		for name, n := range map[string]int{"interval": p.Interval, "expires_in": p.Expires} {
			if n != 0 {
				says[name] = n
			}
		}
		reply(w, http.StatusOK, says)
	}
}

// authorize sends whoever asks back with a code: they log in at once.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.Redirect:
		http.Error(w, "unknown client, or an address that is not its", http.StatusBadRequest)
		return
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "":
		http.Error(w, "not a request for a code as it should be", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if len(p.Say) > 0 {
		back.Set("error", p.Say[0])
		p.Say = p.Say[1:]
	} else {
		code := rand.Text()
		p.logins[code] = &login{nonce: q.Get("nonce"), scope: q.Get("scope"), challenge: q.Get("code_challenge"), redirect: p.Redirect}
		back.Set("code", code)
	}
	http.Redirect(w, r, p.Redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.asked = append(p.asked, p.Now())
	grant, code := r.PostFormValue("grant_type"), r.PostFormValue("device_code")
	browser := grant == "authorization_code"
	client := r.PostFormValue("client_id") == p.ClientID && r.Header.Get("Authorization") == ""
	if browser {
		code = r.PostFormValue("code")
	}
	if p.Secret != "" {
		id, secret, ok := r.BasicAuth()
		client = ok && id == p.ClientID && secret == p.Secret
	}
	l := p.logins[code]
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case !browser && grant != "urn:ietf:params:oauth:grant-type:device_code":
		refuse(w, "unsupported_grant_type")
		return
	case !client:
		refuse(w, "invalid_client")
		return
	case l == nil || base64.RawURLEncoding.EncodeToString(challenge[:]) != l.challenge || browser != (l.redirect != "") || r.PostFormValue("redirect_uri") != l.redirect:
		refuse(w, "invalid_grant")
		return
	}
	if len(p.Say) > 0 {
		say := p.Say[0]
		p.Say = p.Say[1:]
		if say == "503" {
			http.Error(w, "come back later", http.StatusServiceUnavailable)
			return
		}
		refuse(w, say)
		return
	}
	if !p.Sloppy {
		delete(p.logins, code)
	}
	says := map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300}
	if slices.Contains(strings.Fields(l.scope), "openid") {
		more := map[string]any{"nonce": l.nonce}
		if p.Forgetful || l.nonce == "" {
			more["nonce"] = nil
		}
		id, err := p.issue(more, p.keys[len(p.keys)-1], nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		says["id_token"] = id
		p.issued = append(p.issued, id)
	}
	reply(w, http.StatusOK, says)
}

// Token is an ID token of the provider's, with more claims than it has for all; nil takes one out.
func (p *Provider) Token(t testing.TB, more map[string]any) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.must(t, more, p.keys[len(p.keys)-1], nil)
}

// Forged is a token that says what the provider's would, signed with another key and with a head of its own.
func (p *Provider) Forged(t testing.TB, more map[string]any, k Key, head map[jose.HeaderKey]any) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.must(t, more, k, head)
}

// Key is what it signs with.
func (p *Provider) Key() Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[len(p.keys)-1]
}

func (p *Provider) must(t testing.TB, more map[string]any, k Key, head map[jose.HeaderKey]any) string {
	t.Helper()
	id, err := p.issue(more, k, head)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (p *Provider) issue(more map[string]any, k Key, head map[jose.HeaderKey]any) (string, error) {
	now := p.Now()
	all := map[string]any{"iss": p.URL, "aud": p.ClientID, "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": rand.Text()}
	maps.Copy(all, p.Claims)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	body, err := json.Marshal(all)
	opts := new(jose.SignerOptions).WithType("JWT").WithHeader("kid", k.ID)
	for name, v := range head {
		opts = opts.WithHeader(name, v)
	}
	signer, serr := jose.NewSigner(jose.SigningKey{Algorithm: k.Alg, Key: k.Private}, opts)
	if err := errors.Join(err, serr); err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
