// SPDX-License-Identifier: Apache-2.0

package login

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/headrace/headrace/internal/login/logintest"
)

// FuzzVerify: whatever is sent as a token, it is taken only if the provider signed just that.
func FuzzVerify(f *testing.F) {
	p, v, now := office(f, nil)
	good := p.Token(f, nil)
	f.Add(good)
	f.Add(p.Token(f, map[string]any{"aud": []string{"headrace", "x"}, "azp": "headrace", "groups": "x", "email_verified": "true"}))
	f.Add(p.Forged(f, nil, logintest.NewKey(f, jose.ES256), nil))
	f.Add(changed(good))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"e30","signatures":[{"protected":"e30","signature":""}]}`)
	f.Fuzz(func(t *testing.T, token string) {
		now.pass(time.Microsecond)
		l, err := v.Verify(t.Context(), token, "")
		if err == nil && (l.Developer != "ada@example.com" || !slices.Contains(claimsOf(token), "iss")) {
			t.Errorf("%q is %+v", token, l)
		}
	})
}

// claimsOf are the names of what a compact token says.
func claimsOf(token string) []string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	b, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil
	}
	return slices.Collect(maps.Keys(m))
}

// FuzzClaims: nothing that a provider says of a person lets in whom nothing names.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"email":"a@example.com","email_verified":true,"groups":["a"]}`, `{"email":"@","email_verified":"true","groups":"a"}`, `{"groups":{"a":[1]},"preferred_username":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readClaims(raw)
		if err != nil {
			return
		}
		c.allowed([]string{"example.com", "group:a"})
		for _, claim := range []string{claimEmail, claimUsername, claimSubject} {
			if name, err := c.developer(claim, "u"); err == nil && strings.TrimSpace(name) == "" {
				t.Errorf("%s: without a name", claim)
			}
		}
		if c.allowed([]string{"group:"}) {
			t.Error("nobody's group is everybody's")
		}
	})
}
