// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/login"
	"github.com/headrace/headrace/internal/sqlstore"
)

// OIDC is how developers log in with the enterprise's own identity provider to enrol their machines.
type OIDC struct {
	// Issuer is what the provider calls itself (https://…), to the letter; empty: machines are enrolled by one-time code alone.
	Issuer string `yaml:"issuer"`
	// ClientID is what the provider knows Headrace as: a public client, without a secret, to which the device flow is open.
	ClientID string `yaml:"client_id"`
	// Audience is whom ID tokens are for, where that is not the client.
	Audience string `yaml:"audience"`
	// Scopes are what is asked for at a login.
	Scopes []string `yaml:"scopes"`
	// Claim names the developer: email, which the provider must have verified; or sub; or preferred_username, where nobody can
	// choose their own, and so another's.
	Claim string `yaml:"claim"`
	// Allow holds domains of verified e-mail addresses (example.com) and groups (group:developers, of the claim groups), of which
	// one is enough; empty lets everybody enrol whom the provider lets use the client.
	Allow []string `yaml:"allow"`
	// LoginEvery is how long a login is good for: no certificate lasts longer, and then the developer logs in again.
	LoginEvery time.Duration `yaml:"login_every"`
}

// leastLoginEvery keeps people from logging in all day.
const leastLoginEvery = time.Hour

// DefaultOIDC is what holds of logins where the file says nothing else.
func DefaultOIDC() OIDC {
	return OIDC{Scopes: []string{"openid", "email", "profile"}, Claim: "email", LoginEvery: 30 * 24 * time.Hour}
}

func (o OIDC) withDefaults() OIDC {
	d := DefaultOIDC()
	if len(o.Scopes) == 0 {
		o.Scopes = d.Scopes
	}
	if o.Claim == "" {
		o.Claim = d.Claim
	}
	if o.LoginEvery == 0 {
		o.LoginEvery = d.LoginEvery
	}
	return o
}

// verifier is what tells from tokens who developers are; nil where nobody logs in.
func (o OIDC) verifier(now func() time.Time) (*login.Verifier, error) {
	if o.LoginEvery < leastLoginEvery {
		return nil, &episode.Problem{Code: "config/oidc", Message: fmt.Sprintf("oidc: login_every is %v", o.LoginEvery), Hint: fmt.Sprintf("it is at least %v; 720h is the default", leastLoginEvery)}
	}
	if o.Issuer == "" && o.ClientID == "" {
		return nil, nil
	}
	return login.New(login.Config{Issuer: login.Issuer{URL: o.Issuer, ClientID: o.ClientID, Scopes: o.Scopes}, Audience: o.Audience, Claim: o.Claim, Allow: o.Allow, Now: now})
}

var (
	errNoLogin = &episode.Problem{Code: "device/no-login", Message: "this edge knows no identity provider with which you could log in",
		Hint: "whoever runs it can send you a code (headrace edge invite DEVELOPER), or set oidc: in edge.yaml"}
	errLoginUsed  = &episode.Problem{Code: "device/login-used", Message: "a machine was enrolled with this login already", Hint: "each login is good once: run the line again, and log in anew"}
	errLoginAgain = &episode.Problem{Code: "device/login-again", Message: "the login with which this machine was enrolled is too old for another certificate",
		Hint: "log in again: headrace agent enrol, as when you enrolled this machine"}
)

// LoginPin names this edge's authority to everybody who enrols by login, so that nobody in between can answer in its place.
// It is no secret.
func (e *Edge) LoginPin() (string, error) {
	if e.devices.logins == nil {
		return "", errNoLogin
	}
	return e.devices.authority.Pin(), nil
}

// serveLogin says where to log in.
func (e *Edge) serveLogin(w http.ResponseWriter, _ *http.Request) {
	if e.devices.logins == nil {
		refuse(w, http.StatusNotFound, errNoLogin)
		return
	}
	answer(w, http.StatusOK, e.devices.logins.Issuer())
}

// useLogin tells from an ID token whose the machine is that sends it with its request, and uses the login up.
//
// RFC 8628 has no nonce. The agent asks for one all the same, the name of the key in its request: a provider that passes it on
// binds the token to this machine. Of others a token is good for [login.Fresh] after it was issued, and once.
func (e *Edge) useLogin(ctx context.Context, req DeviceRequest) (sqlstore.Device, error) {
	if e.devices.logins == nil {
		return sqlstore.Device{}, errNoLogin
	}
	nonce, err := device.KeyName([]byte(req.Request))
	if err != nil {
		return sqlstore.Device{}, badRequest(err)
	}
	l, err := e.devices.logins.Verify(ctx, req.Login, nonce)
	if err != nil {
		return sqlstore.Device{}, err
	}
	if printable(l.Developer, maxName) != l.Developer {
		return sqlstore.Device{}, &episode.Problem{Code: "device/developer", Message: fmt.Sprintf("the identity provider calls you %.100q, which is not a name that records can have", l.Developer),
			Hint: "whoever runs the edge can set another claim: in edge.yaml"}
	}
	err = e.db.UseLogin(ctx, l.Digest, l.Until, e.cfg.Now())
	if errors.Is(err, sqlstore.ErrNotFound) {
		err = errLoginUsed
	}
	return sqlstore.Device{Developer: l.Developer, LoginAt: l.At}, err
}

// loginUntil is how long the login is good for that stands behind a machine; zero where a code does.
func (e *Edge) loginUntil(who sqlstore.Device) time.Time {
	if who.LoginAt.IsZero() {
		return time.Time{}
	}
	return who.LoginAt.Add(e.cfg.OIDC.LoginEvery)
}

// certificateUntil is how long the next certificate of a machine is good for. One that a login stands behind ends with it: who
// has left the enterprise cannot log in again.
func (e *Edge) certificateUntil(who sqlstore.Device, now time.Time) (time.Time, error) {
	until := now.Add(device.Validity)
	last := e.loginUntil(who)
	switch {
	case last.IsZero():
		return until, nil
	case !last.After(now) || !last.After(who.ExpiresAt): // the certificate that the machine has is its last
		return time.Time{}, errLoginAgain
	case last.Before(until):
		return last, nil
	}
	return until, nil
}
