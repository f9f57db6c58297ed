// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/login/logintest"
)

func TestATokenOfTheWorkloadsIdentityIsTakenForTheContributorItWasInvitedFor(t *testing.T) {
	p := logintest.New(t)
	l, address := secured(t, hub.Intake{TLS: hub.TLS{Self: true}, OIDC: hub.OIDC{Issuer: p.URL, Audience: "headrace-hub"}})
	code, _, err := l.hub.Invite(t.Context(), "alder-bank", "svc-alder")
	l.ok(err)
	m, err := link.Join(t.Context(), l.path("alder-bank"), address, link.Invite(code, l.hub.Public(), l.hub.Pin()), keyring.Signing{})
	l.ok(err)
	file := filepath.Join(t.TempDir(), "token")
	e := l.edge("alder-bank", joinedAlready)
	l.ok(e.Connect(context.Background(), edge.Hub{Name: maker, URL: m.URL, Token: "not this one", Public: l.hub.Public(), Member: m, TokenFile: file}))
	send := func(token string) bool {
		t.Helper()
		l.ok(os.WriteFile(file, []byte(token+"\n"), 0o600))
		return e.Turn(t.Context()) == nil
	}
	l.send(e, one("1", "portal"))
	at := l.clock()
	p.Set(func(p *logintest.Provider) { p.Now = l.clock })
	good := map[string]any{"aud": "headrace-hub", "sub": "svc-alder"}
	with := func(k string, v any) map[string]any {
		c := map[string]any{k: v}
		for name, was := range good {
			if name != k {
				c[name] = was
			}
		}
		return c
	}
	for name, token := range map[string]string{
		"of another workload":  p.Token(t, with("sub", "svc-birch")),
		"for another audience": p.Token(t, with("aud", "somebody")),
		"that has ended":       p.Token(t, with("exp", at.Add(-time.Hour).Unix())),
		"of another issuer":    p.Token(t, with("iss", "https://login.example")),
		"signed by another":    p.Forged(t, good, logintest.NewKey(t, jose.RS256), nil),
		"that names nobody":    p.Token(t, with("sub", "")),
		"that is none":         "a.b.c",
		"that is empty":        "",
	} {
		if send(token) || len(l.atHub("alder-bank")) != 0 {
			t.Errorf("a token %s is taken", name)
		}
	}
	if !send(p.Token(t, good)) || len(l.atHub("alder-bank")) != 1 {
		t.Error("the workload's own token is not taken")
	}
	// Ended access ends for this way in, too.
	l.ok(l.hub.Revoke(t.Context(), "alder-bank"))
	l.send(e, one("2", "portal"))
	if send(p.Token(t, good)) || len(l.atHub("alder-bank")) != 1 {
		t.Error("a revoked contributor's workload is let in")
	}
	if _, _, err := newLoop(t).hub.Invite(t.Context(), "alder-bank", "svc"); err == nil {
		t.Error("a subject is taken where no identity provider is named")
	}
}
