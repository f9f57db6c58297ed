// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// WorkloadConfig says whose tokens of workloads are taken: programs that got them by a secret or a place of their own (client
// credentials, a projected token), not people who logged in.
type WorkloadConfig struct {
	Issuer   string
	Audience string
	// Claim names the workload; sub by default.
	Claim string
	Now   func() time.Time
}

// Workloads tells from tokens which workload sends. It is safe for concurrent use.
type Workloads struct {
	v     *Verifier
	claim string
}

// NewWorkloads makes one. The provider is not asked before there is a token.
func NewWorkloads(c WorkloadConfig) (*Workloads, error) {
	return newWorkloads(c, http.DefaultTransport)
}

func newWorkloads(c WorkloadConfig, next http.RoundTripper) (*Workloads, error) {
	if c.Audience == "" {
		return nil, &episode.Problem{Code: "config/oidc", Message: "oidc: there is no audience", Hint: "it needs issuer: https://… and audience:, which tokens must be for"}
	}
	if c.Claim == "" {
		c.Claim = claimSubject
	}
	// Everybody's accounts are no danger here: a subject counts only where an invite named it.
	v, err := newVerifier(Config{Issuer: Issuer{URL: c.Issuer, ClientID: c.Audience, Scopes: []string{oidc.ScopeOpenID}}, Audience: c.Audience, Claim: claimSubject, Allow: []string{"group:workloads"}, Now: c.Now}, next)
	if err != nil {
		return nil, err
	}
	return &Workloads{v, c.Claim}, nil
}

// Subject verifies a token (signature, issuer, audience, not before, expiry) and returns whom its claim names.
func (w *Workloads) Subject(ctx context.Context, token string) (string, error) {
	if len(token) > maxToken {
		return "", errors.New("the token is too large")
	}
	is, err := w.v.provider(ctx)
	if err != nil {
		return "", err
	}
	if _, err := is.keys.VerifySignature(ctx, token); errors.Is(err, errAway) {
		return "", away(w.v.cfg.URL, err)
	}
	t, err := is.tokens.Verify(ctx, token)
	if err != nil {
		return "", errors.New("the token is not taken: " + clean(strings.ReplaceAll(err.Error(), "oidc: ", "")))
	}
	var claims map[string]jsontext.Value
	if err := t.Claims(&claims); err != nil {
		return "", err
	}
	var name string
	if err := json.Unmarshal(claims[w.claim], &name); err != nil || name == "" {
		return "", errors.New("the token's claim " + w.claim + " names nobody")
	}
	return name, nil
}
