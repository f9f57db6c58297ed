// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
)

func TestWhoMayBringWhatIsReadAndChecked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hub.yaml")
	read := func(text string) (hub.File, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return hub.ReadFile(path, dir)
	}
	f, err := read("tls: self\nquotas: {bundles_a_day: 7}\nrotate: 24h\n")
	if err != nil || !f.TLS.Self || f.Quotas.Bundles != 7 || f.Quotas.Uploads != hub.DefaultQuotas().Uploads || f.Rotate != 24*time.Hour {
		t.Errorf("%+v, %v", f.Intake, err)
	}
	if f, err = read("tls: {certificate: c.pem, key: k.pem, clients: required}\n"); err != nil || f.TLS.Certificate != filepath.Join(dir, "c.pem") || f.TLS.Clients != "required" {
		t.Errorf("%+v, %v", f.TLS, err)
	}
	if f, err = read(""); err != nil || f.TLS.On() || f.Quotas != hub.DefaultQuotas() || f.Rotate != hub.DefaultRotate {
		t.Errorf("%+v, %v", f.Intake, err)
	}
	for text, code := range map[string]string{
		"tls: {self: true, certificate: c.pem, key: k.pem}": "config/tls",
		"tls: {certificate: c.pem}":                         "config/tls",
		"tls: {self: true, clients: maybe}":                 "config/tls",
		"tls: {clients: required}":                          "config/tls",
		"quotas: {bytes_a_day: -1}":                         "config/quotas",
		"rotate: 0s":                                        "config/rotate",
		"oidc: {issuer: https://login.example}":             "config/oidc",
		"oidc: {issuer: http://login.example, audience: h}": "config/oidc",
		"tls: {selfish: true}":                              "config/invalid",
	} {
		if _, err := read(text + "\n"); !errors.Is(err, &episode.Problem{Code: code}) {
			t.Errorf("%s: %v, want %s", text, err, code)
		}
	}
}

// written puts a self-signed certificate and its key into files.
func written(t *testing.T, certificate, key, name string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestACertificateFromElsewhereIsReadAgainWhenItsFileChanges(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	written(t, cert, key, "one.example")
	h, err := hub.New(t.Context(), hub.Config{Dir: filepath.Join(dir, "hub"), Intake: hub.Intake{TLS: hub.TLS{Certificate: cert, Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	conf, err := h.ServerTLS(nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		t.Helper()
		c, err := conf.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.DNSNames[0]
	}
	later := func(d time.Duration) {
		t.Helper()
		if err := os.Chtimes(cert, time.Now().Add(d), time.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(); got != "one.example" || h.Pin() != "" {
		t.Errorf("shown %s, pinned %q", got, h.Pin())
	}
	if err := os.WriteFile(cert, []byte("half of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	later(time.Minute)
	if got := shown(); got != "one.example" {
		t.Errorf("half a file, and %s is shown", got)
	}
	written(t, cert, key, "two.example")
	later(2 * time.Minute)
	if got := shown(); got != "two.example" {
		t.Errorf("after the change %s is shown", got)
	}
}
