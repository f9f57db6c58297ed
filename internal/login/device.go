// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/headrace/headrace/episode"
)

// Ask is what a person needs to know to log in, in a browser on any device.
type Ask struct {
	Address string    // where to
	Code    string    // what to enter there
	Whole   string    // the address with the code in it; empty where the provider gives none
	Until   time.Time // and how long the code is good for
}

// Device logs a person in by the device authorization grant: show is called once with what to tell them, and the ID token
// is returned when they are done. nonce names what the login is for; not every provider passes it on.
func Device(ctx context.Context, is Issuer, nonce string, show func(Ask)) (string, error) {
	return (&flow{Issuer: is, client: newClient(http.DefaultTransport), verifier: oauth2.GenerateVerifier()}).run(ctx, nonce, show)
}

// flow is one login.
type flow struct {
	Issuer
	client   *http.Client
	verifier string // PKCE (RFC 7636): nobody else can fetch what comes of this login
}

func (f *flow) run(ctx context.Context, nonce string, show func(Ask)) (string, error) {
	ctx = oidc.ClientContext(ctx, f.client)
	provider, err := oidc.NewProvider(ctx, f.URL)
	if err != nil {
		return "", discovery(f.URL, err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // there is no secret that a header could carry
	if endpoint.DeviceAuthURL == "" || endpoint.TokenURL == "" {
		return "", &episode.Problem{Code: "login/no-device-login", Message: "the identity provider " + f.URL + " has no login for devices (RFC 8628)",
			Hint: "whoever runs the edge can enrol you with a code instead: headrace edge invite DEVELOPER"}
	}
	da, err := f.start(ctx, endpoint.DeviceAuthURL, nonce)
	if err != nil {
		return "", err
	}
	show(Ask{Address: da.VerificationURI, Code: da.UserCode, Whole: da.VerificationURIComplete, Until: da.Expiry})
	token, err := f.poll(ctx, &oauth2.Config{ClientID: f.ClientID, Endpoint: endpoint, Scopes: f.Scopes}, da)
	if err != nil {
		return "", err
	}
	id, _ := token.Extra("id_token").(string)
	if id == "" {
		return "", &episode.Problem{Code: "login/no-id-token", Message: "the identity provider " + f.URL + " let you in, but does not say who you are: there is no ID token",
			Hint: "the client " + f.ClientID + " must be allowed the scope openid: tell whoever runs the edge"}
	}
	return id, nil
}

// discovery is what went wrong when the provider was asked what it offers.
func discovery(issuer string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errAway):
		return away(issuer, err)
	}
	return &episode.Problem{Code: ErrProvider.Code, Message: "what answers at " + issuer + " is not the identity provider of that name: " + clean(err.Error()),
		Hint: "the issuer in edge.yaml must be, to the letter, what the provider calls itself in /.well-known/openid-configuration"}
}

// How long a person may take, where the provider does not say, and at most; and how often it is asked meanwhile: seconds.
const (
	takesTime    = 600
	takesAtMost  = 3600
	asksAfter    = 5 // the default of RFC 8628
	asksAtLatest = 60
)

// maxShown is how long an address or a code may be, in bytes.
const maxShown = 2000

// start asks for the codes. oauth2.Config.DeviceAuth would do that, but does not end with ctx, and the answer null, or an
// interval below 0, makes it panic.
func (f *flow) start(ctx context.Context, endpoint, nonce string) (*oauth2.DeviceAuthResponse, error) {
	form := url.Values{"client_id": {f.ClientID}, "scope": {strings.Join(f.Scopes, " ")}, "nonce": {nonce},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(f.verifier)}, "code_challenge_method": {"S256"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, f.odd(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, err := f.client.Do(req)
	if err != nil {
		return nil, discovery(f.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, discovery(f.URL, fmt.Errorf("%w: %w", errAway, err))
	}
	if res.StatusCode != http.StatusOK {
		var said struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(body, &said) // without a code there is still the status
		return nil, f.refused(said.Code, said.Description, res.Status)
	}
	da, err := answer(body, time.Now())
	if err != nil {
		return nil, f.odd(err)
	}
	return da, nil
}

// answer reads what the provider says to start with, and brings its numbers within reason.
func answer(body []byte, now time.Time) (*oauth2.DeviceAuthResponse, error) {
	var says struct {
		DeviceCode string      `json:"device_code"`
		UserCode   string      `json:"user_code"`
		Address    string      `json:"verification_uri"`
		Misspelt   string      `json:"verification_url"` // as before the RFC
		Whole      string      `json:"verification_uri_complete"`
		Expires    json.Number `json:"expires_in"` // some send a string
		Interval   json.Number `json:"interval"`
	}
	if err := json.Unmarshal(body, &says); err != nil {
		return nil, err
	}
	da := &oauth2.DeviceAuthResponse{DeviceCode: says.DeviceCode, UserCode: says.UserCode, VerificationURI: cmp.Or(says.Address, says.Misspelt), VerificationURIComplete: says.Whole}
	if da.DeviceCode == "" || da.UserCode == "" {
		return nil, errors.New("its answer holds no code")
	}
	for _, address := range []string{da.VerificationURI, da.VerificationURIComplete} {
		if address == "" && da.VerificationURI != "" {
			continue // the whole one may be missing
		}
		u, err := url.Parse(address)
		if err == nil {
			err = secure(u)
		}
		if err != nil {
			return nil, fmt.Errorf("where to log in: %w", err)
		}
	}
	// They are for a terminal, and for a person to type.
	for _, shown := range []string{da.VerificationURI, da.VerificationURIComplete, da.UserCode} {
		if len(shown) > maxShown || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return nil, errors.New("its answer holds what cannot be shown")
		}
	}
	within := func(n json.Number, none, most int64) int64 {
		if v, err := n.Int64(); err == nil && v > 0 {
			return min(v, most)
		}
		return none
	}
	da.Expiry = now.Add(time.Duration(within(says.Expires, takesTime, takesAtMost)) * time.Second)
	da.Interval = within(says.Interval, asksAfter, asksAtLatest)
	return da, nil
}

// poll waits until the person is done. A provider that does not answer for a while is asked again, less often.
func (f *flow) poll(ctx context.Context, conf *oauth2.Config, da *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	for {
		token, err := conf.DeviceAccessToken(ctx, da, oauth2.VerifierOption(f.verifier))
		switch r, said := errors.AsType[*oauth2.RetrieveError](err); {
		case err == nil:
			return token, nil
		case said:
			return nil, f.refused(r.ErrorCode, r.ErrorDescription, r.Response.Status)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !time.Now().Before(da.Expiry):
			return nil, f.refused("expired_token", "", "")
		case !errors.Is(err, errAway):
			return nil, f.odd(err)
		}
		da.Interval = min(2*da.Interval, asksAtLatest)
	}
}

// refused is what the provider says no with, in words.
func (f *flow) refused(code, description, status string) error {
	switch code {
	case "access_denied":
		return &episode.Problem{Code: "login/denied", Message: "the login was refused at " + f.URL,
			Hint: "run the line again and confirm the login; if you did, your identity provider does not let you use this client: ask whoever runs it"}
	case "expired_token":
		return &episode.Problem{Code: "login/too-late", Message: "nobody logged in while the code was good", Hint: "run the line again, and log in with the new code"}
	case "":
		code = status
	}
	return &episode.Problem{Code: "login/provider-refused", Message: clean(strings.TrimSuffix(fmt.Sprintf("the identity provider %s refuses: %s: %s", f.URL, code, description), ": ")),
		Hint: "the client " + f.ClientID + " must be a public one (without a secret) to which the device flow is open: tell whoever runs the edge"}
}

// odd is for an answer that no provider should give.
func (f *flow) odd(err error) error {
	return &episode.Problem{Code: ErrProvider.Code, Message: "the identity provider " + f.URL + " gave an answer that cannot be used: " + clean(err.Error()),
		Hint: "tell whoever runs the edge; a code enrols you as well: headrace edge invite DEVELOPER"}
}
