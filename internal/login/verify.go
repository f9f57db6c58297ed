// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"

	"github.com/headrace/headrace/episode"
)

// Config says whose logins are taken, and what of them.
type Config struct {
	Issuer
	// Audience is whom tokens must be for; empty is the client.
	Audience string
	// Claim is what names the developer: email (the default), preferred_username or sub.
	Claim string
	// Allow holds domains of e-mail addresses (example.com) and groups (group:developers), of which one is enough; empty
	// lets everybody in whom the provider lets use the client.
	Allow []string
	Now   func() time.Time
}

// Login is what a token proves.
type Login struct {
	Developer string
	At        time.Time
	// Digest is the same for all ways to write this token, and another for any other. A token is to be taken once: its digest
	// need not be remembered beyond Until.
	Digest string
	Until  time.Time
}

// Fresh is how old a token may be. It is sent in the moment in which it was issued, so this is for clocks that differ.
const Fresh = 5 * time.Minute

const (
	maxToken   = 64 << 10
	rediscover = 24 * time.Hour  // what a provider says of itself may change
	askEvery   = 5 * time.Second // whatever comes in
)

// Verifier tells from ID tokens who a developer is. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	client *http.Client

	mu sync.Mutex // guards what follows
	is *provider
	at time.Time // when it was found
}

// provider is an identity provider that was found.
type provider struct {
	keys     *keySet
	tokens   *oidc.IDTokenVerifier
	endpoint oauth2.Endpoint
}

// keySet holds the keys of a provider. go-oidc's set may answer a token that comes close behind another with the other's
// keys: the question it asks counts as under way for a moment after its answer. So a token that the kept set does not know is
// shown to a new one, which asks for itself, as seldom as the client lets it.
type keySet struct {
	ctx context.Context // with the client; of no request
	url string

	mu   sync.Mutex
	kept *oidc.RemoteKeySet
}

// VerifySignature returns the payload of a token that one of the keys signed.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	k.mu.Lock()
	kept := k.kept
	k.mu.Unlock()
	if b, err := kept.VerifySignature(ctx, token); err == nil {
		return b, nil
	}
	fresh := oidc.NewRemoteKeySet(k.ctx, k.url)
	b, err := fresh.VerifySignature(ctx, token)
	if err == nil {
		k.mu.Lock()
		k.kept = fresh
		k.mu.Unlock()
	}
	return b, err
}

// New makes a verifier. The provider is not asked before there is a token.
func New(cfg Config) (*Verifier, error) { return newVerifier(cfg, http.DefaultTransport) }

func newVerifier(cfg Config, next http.RoundTripper) (*Verifier, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Audience == "" {
		cfg.Audience = cfg.ClientID
	}
	if cfg.Claim == "" {
		cfg.Claim = claimEmail
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Verifier{cfg: cfg, client: newClient(&seldom{next: next, every: askEvery, now: cfg.Now, said: map[string]said{}})}, nil
}

func (c *Config) check() error {
	bad := func(format string, a ...any) error {
		return &episode.Problem{Code: "config/oidc", Message: "oidc: " + fmt.Sprintf(format, a...),
			Hint: "it needs issuer: https://… and client_id:; see headrace edge --help"}
	}
	u, err := url.Parse(c.URL)
	if err == nil {
		err = secure(u)
	}
	switch {
	case err != nil:
		return bad("issuer: %v", err)
	case c.ClientID == "":
		return bad("there is no client_id")
	case !slices.Contains([]string{claimEmail, claimUsername, claimSubject}, c.Claim):
		return bad("claim is %q; a developer may be named by email, preferred_username or sub", c.Claim)
	case !slices.Contains(c.Scopes, oidc.ScopeOpenID):
		return bad("scopes lacks openid")
	case len(c.Allow) == 0 && public(u):
		return bad("anybody may have an account at %s: say in allow: who may enrol a machine", u.Host)
	}
	for _, a := range c.Allow {
		if group, is := strings.CutPrefix(a, groupPrefix); group == "" || !is && (strings.Contains(a, "@") || !strings.Contains(a, ".")) {
			return bad("allow has %q; it takes domains (example.com) and groups (group:developers)", a)
		}
	}
	return nil
}

// public tells providers at which anybody may have an account.
func public(u *url.URL) bool {
	const personal = "9188040d-6c67-4c5b-b112-36a304b66dad" // Microsoft's tenant for accounts of no enterprise
	return u.Host == "accounts.google.com" || u.Host == "gitlab.com" || strings.Contains(u.Path, personal)
}

// Issuer is where machines are to log in.
func (v *Verifier) Issuer() Issuer { return v.cfg.Issuer }

// refused says why a token is none for us.
func refused(format string, a ...any) error {
	return &episode.Problem{Code: "login/refused", Message: clean("the login is not taken: " + fmt.Sprintf(format, a...)),
		Hint: "run the line again and log in anew; if it stays so, show this to whoever runs the edge"}
}

// told is what a token says that the provider made for us just now.
type told struct {
	*oidc.IDToken
	claims
	raw jsontext.Value
}

// open reads a token, and refuses one that the provider did not make for us just now. What it was made for is not looked at.
func (v *Verifier) open(ctx context.Context, token string) (t told, err error) {
	if len(token) > maxToken {
		return t, refused("its token has %d bytes", len(token))
	}
	is, err := v.provider(ctx)
	if err != nil {
		return t, err
	}
	// go-oidc looks at the signature first, but does not let on whether it is wrong or the keys could not be had.
	if _, err := is.keys.VerifySignature(ctx, token); errors.Is(err, errAway) {
		return t, away(v.cfg.URL, err)
	}
	if t.IDToken, err = is.tokens.Verify(ctx, token); err != nil {
		return t, refused("%s", strings.ReplaceAll(err.Error(), "oidc: ", ""))
	}
	if err := t.Claims(&t.raw); err != nil {
		return t, refused("%v", err)
	}
	if t.claims, err = readClaims(t.raw); err != nil {
		return t, refused("its token: %v", err)
	}
	now := v.cfg.Now()
	switch age := now.Sub(t.IssuedAt); {
	case t.IssuedAt.Unix() <= 0:
		return t, refused("its token does not say when it was issued")
	case age > Fresh || age < -Fresh:
		return t, refused("its token was issued at %s, and here it is %s: a login is good for %v", t.IssuedAt.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), Fresh)
	case !isIDToken(token) || t.Type != "" && t.Type != "ID":
		return t, refused("its token is of another kind than an ID token")
	case t.Party != v.cfg.ClientID && (t.Party != "" || len(t.Audience) > 1):
		return t, refused("it was made with the client %q, not with %q", t.Party, v.cfg.ClientID)
	}
	return t, nil
}

// Verify tells who logged in. nonce is what the login must be for, where its token says anything of that.
func (v *Verifier) Verify(ctx context.Context, token, nonce string) (Login, error) {
	t, err := v.open(ctx, token)
	switch {
	case err != nil:
		return Login{}, err
	case t.Nonce != "" && t.Nonce != nonce:
		return Login{}, refused("it was made for another machine")
	case !t.allowed(v.cfg.Allow):
		return Login{}, refused("neither the domain of your verified e-mail address nor one of your groups is among those that may enrol a machine")
	}
	now := v.cfg.Now()
	name, err := t.developer(v.cfg.Claim, t.Subject)
	if err != nil {
		return Login{}, err
	}
	// A signature can be written in several ways, and so can the letters of a token; what it says cannot.
	sum := sha256.Sum256(t.raw)
	until := t.Expiry
	for _, most := range []time.Time{t.IssuedAt.Add(24 * time.Hour), now.Add(24 * time.Hour)} {
		if until.After(most) {
			until = most
		}
	}
	if least := t.IssuedAt.Add(Fresh); until.Before(least) {
		until = least
	}
	return Login{Developer: name, At: now, Digest: hex.EncodeToString(sum[:]), Until: until}, nil
}

// provider finds the provider.
func (v *Verifier) provider(ctx context.Context) (*provider, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.is != nil && v.cfg.Now().Sub(v.at) < rediscover {
		return v.is, nil
	}
	// One who goes away must not be what keeps others from it.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), v.client)
	p, err := oidc.NewProvider(ctx, v.cfg.URL)
	if err != nil {
		return nil, discovery(v.cfg.URL, err)
	}
	var says struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err = p.Claims(&says); err == nil && says.Keys == "" {
		err = errors.New("it names no keys")
	}
	if err != nil {
		return nil, discovery(v.cfg.URL, err)
	}
	keys := &keySet{ctx: ctx, url: says.Keys, kept: oidc.NewRemoteKeySet(ctx, says.Keys)}
	v.at = v.cfg.Now()
	end := p.Endpoint()
	// A client's secret goes into the header, as is the rule, unless the provider takes it in the form only.
	if end.AuthStyle = oauth2.AuthStyleInHeader; len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	v.is = &provider{endpoint: end, keys: keys, tokens: oidc.NewVerifier(v.cfg.URL, keys, &oidc.Config{ClientID: v.cfg.Audience, Now: v.cfg.Now,
		SupportedSigningAlgs: slices.DeleteFunc(says.Algorithms, func(a string) bool { return !slices.Contains(signatures(), a) })})}
	return v.is, nil
}

// signatures are the algorithms that a token may be signed with, if its provider says that it uses them (RS256 if it says
// nothing): none in which a key that is public verifies what it could have made.
func signatures() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}
}

// isIDToken says whether a token's head may be an ID token's: others (RFC 8725, section 3.11) say what they are.
func isIDToken(token string) bool {
	first, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(first)
	var head struct {
		Type string `json:"typ"`
	}
	return err == nil && json.Unmarshal(b, &head) == nil && (head.Type == "" || strings.EqualFold(head.Type, "JWT"))
}
