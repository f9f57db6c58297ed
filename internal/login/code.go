// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"

	"github.com/headrace/headrace/episode"
)

// CodeConfig says how people sign in to pages: by the authorization code grant, with PKCE.
type CodeConfig struct {
	Issuer
	Secret   string // of the client; empty for a public one
	Redirect string // the address of ours to which the provider sends people back
	Claim    string // what names a person: email (the default), preferred_username or sub
	Groups   string // the claim with a person's groups; groups by default
	Now      func() time.Time
}

// Code signs people in to pages. It is safe for concurrent use, and keeps nothing of who is on the way.
type Code struct {
	v      *Verifier
	cfg    CodeConfig
	client *http.Client
}

// Begun is a login on its way. All but its address stays with us.
type Begun struct {
	Address  string // at the provider
	Nonce    string
	Verifier string
}

// Who is somebody who logged in.
type Who struct {
	Name   string
	Groups []string
}

// NewCode makes one. The provider is not asked before somebody wants in.
func NewCode(cfg CodeConfig) (*Code, error) { return newCode(cfg, http.DefaultTransport) }

func newCode(cfg CodeConfig, next http.RoundTripper) (*Code, error) {
	if cfg.Groups == "" {
		cfg.Groups = "groups"
	}
	// Who may do what hangs on groups; that a provider lets everybody have an account lets in nobody.
	v, err := newVerifier(Config{Issuer: cfg.Issuer, Claim: cfg.Claim, Allow: []string{"group:any"}, Now: cfg.Now}, next)
	if err != nil {
		return nil, err
	}
	return &Code{v: v, cfg: cfg, client: newClient(next)}, nil
}

func (c *Code) conf(is *provider) *oauth2.Config {
	end := is.endpoint
	if c.cfg.Secret == "" {
		end.AuthStyle = oauth2.AuthStyleInParams // there is nothing that a header could carry
	}
	return &oauth2.Config{ClientID: c.cfg.ClientID, ClientSecret: c.cfg.Secret, Endpoint: end, RedirectURL: c.cfg.Redirect, Scopes: c.cfg.Scopes}
}

// Begin is where to send a person who wants in. The provider sends them back with state.
func (c *Code) Begin(ctx context.Context, state string) (Begun, error) {
	is, err := c.v.provider(ctx)
	if err != nil {
		return Begun{}, err
	}
	u, err := url.Parse(is.endpoint.AuthURL)
	if err == nil {
		err = secure(u)
	}
	if err != nil {
		return Begun{}, c.odd("where to log in: " + err.Error())
	}
	b := Begun{Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
	b.Address = c.conf(is).AuthCodeURL(state, oidc.Nonce(b.Nonce), oauth2.S256ChallengeOption(b.Verifier))
	return b, nil
}

// Finish is who logged in, by what the provider sent them back with. That it belongs to b its caller knows by the state.
func (c *Code) Finish(ctx context.Context, b Begun, back url.Values) (Who, error) {
	// Where a provider says who it is (RFC 9207), it must be the one that was asked.
	if back.Has("iss") && back.Get("iss") != c.cfg.URL {
		return Who{}, again("login/other-provider", "another identity provider answered than was asked")
	}
	if code := back.Get("error"); code != "" {
		return Who{}, c.said(code, back.Get("error_description"))
	}
	is, err := c.v.provider(ctx)
	if err != nil {
		return Who{}, err
	}
	token, err := c.conf(is).Exchange(oidc.ClientContext(ctx, c.client), back.Get("code"), oauth2.VerifierOption(b.Verifier))
	switch r, said := errors.AsType[*oauth2.RetrieveError](err); {
	case err == nil:
	case said && r.ErrorCode == "invalid_grant":
		return Who{}, again("login/used", "this login was used before, or took too long")
	case said:
		return Who{}, c.said(r.ErrorCode, r.ErrorDescription)
	case errors.Is(err, errAway):
		return Who{}, away(c.cfg.URL, err)
	default:
		return Who{}, c.odd(err.Error())
	}
	id, _ := token.Extra("id_token").(string)
	if id == "" {
		return Who{}, c.odd("there is no ID token; the client must be allowed the scope openid")
	}
	t, err := c.v.open(ctx, id)
	if err != nil {
		return Who{}, err
	}
	if t.Nonce != b.Nonce {
		return Who{}, again("login/other-login", "this login was made for another sign-in")
	}
	who := Who{Groups: groupsOf(t.raw, c.cfg.Groups)}
	who.Name, err = t.developer(c.v.cfg.Claim, t.Subject)
	return who, err
}

// groupsOf are the groups that a claim names: a list of strings, or one string. What is of another kind names none. A claim
// within another is meant by its path with dots, where none has that very name.
func groupsOf(raw jsontext.Value, claim string) []string {
	var all map[string]jsontext.Value
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	if v, ok := all[claim]; ok {
		return (&claims{Group: v}).groups()
	}
	if outer, inner, ok := strings.Cut(claim, "."); ok {
		return groupsOf(all[outer], inner)
	}
	return nil
}

// again is for a login that is none, and of which another try may come.
func again(code, message string) error {
	return &episode.Problem{Code: code, Message: message, Hint: "sign in again, and do so in one browser"}
}

// said is what the provider says no with, in words.
func (c *Code) said(code, description string) error {
	if code == "access_denied" {
		return &episode.Problem{Code: "login/denied", Message: "the identity provider did not let you in",
			Hint: "sign in again; if it stays so, you are not among those whom it lets use this client: ask whoever runs it"}
	}
	return &episode.Problem{Code: "login/provider-refused", Message: clean(strings.TrimSuffix("the identity provider refuses: "+code+": "+description, ": ")),
		Hint: "tell whoever runs Headrace: access: in its configuration, the client and its secret, and the address to come back to must be what the provider knows"}
}

// odd is for an answer that no provider should give.
func (c *Code) odd(what string) error {
	return &episode.Problem{Code: ErrProvider.Code, Message: "the identity provider gave an answer that cannot be used: " + clean(what),
		Hint: "tell whoever runs Headrace"}
}
