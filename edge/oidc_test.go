// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/config"
)

func TestAFileNamesTheProviderAndTheRestHasDefaults(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "edge.yaml", "oidc:\n  issuer: https://login.example/realms/mill\n  client_id: headrace\n  allow: [example.com, 'group:developers']\n")
	f, err := ReadFile("", dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Config(member())
	if err != nil {
		t.Fatal(err)
	}
	want := OIDC{Issuer: "https://login.example/realms/mill", ClientID: "headrace", Scopes: []string{"openid", "email", "profile"}, Claim: "email",
		Allow: []string{"example.com", "group:developers"}, LoginEvery: 720 * time.Hour}
	if d := cmp.Diff(want, c.OIDC); d != "" {
		t.Error(d)
	}
	var shown bytes.Buffer
	if err := config.Format(&shown, f); err != nil || !strings.Contains(shown.String(), "login_every: 720h") {
		t.Errorf("%v, %s", err, &shown)
	}
	write(t, dir, "again.yaml", shown.String())
	again, err := ReadFile(dir+"/again.yaml", dir)
	if err != nil || !cmp.Equal(again.OIDC, f.OIDC) {
		t.Errorf("what is printed does not read: %v %+v", err, again.OIDC)
	}
}

func TestAFileThatWouldLetStrangersEnrolIsRefused(t *testing.T) {
	for text, code := range map[string]string{
		"oidc: {issuer: https://login.example}":                                                    "config/oidc",
		"oidc: {client_id: headrace}":                                                              "config/oidc",
		"oidc: {issuer: http://login.example, client_id: headrace}":                                "config/oidc",
		"oidc: {issuer: https://gitlab.com, client_id: headrace}":                                  "config/oidc",
		"oidc: {issuer: https://login.example, client_id: headrace, claim: nickname}":              "config/oidc",
		"oidc: {issuer: https://login.example, client_id: headrace, login_every: 1s}":              "config/oidc",
		"oidc: {issuer: https://login.example, client_id: headrace, login_every: -1h}":             "config/oidc",
		"oidc: {issuer: https://login.example, client_id: headrace, client_secret: x}":             "config/invalid",
		"oidc: {issuer: https://gitlab.com, client_id: headrace, allow: [example.com]}":            "",
		"oidc: {issuer: https://login.example, client_id: headrace, scopes: [openid, groups]}":     "",
		"oidc: {issuer: http://127.0.0.1:5556/dex, client_id: headrace, claim: sub, audience: me}": "",
	} {
		dir := t.TempDir()
		write(t, dir, "edge.yaml", text+"\n")
		_, err := ReadFile("", dir)
		if code == "" && err != nil || code != "" && !errors.Is(err, &episode.Problem{Code: code}) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
