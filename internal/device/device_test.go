// SPDX-License-Identifier: Apache-2.0

package device

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"testing"
	"time"
)

func authority(t *testing.T, secret byte, now func() time.Time) *Authority {
	t.Helper()
	a, err := NewAuthority(bytes.Repeat([]byte{secret}, 32), "Headrace edge", now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve is an edge that says who speaks to it.
func serve(t *testing.T, a *Authority) string {
	t.Helper()
	c, err := a.Server([]string{"edge.example"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, serial := Developer(r.TLS)
		io.WriteString(w, name+" "+serial)
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "https://" + l.Addr().String()
}

func get(url string, c *tls.Config) (string, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c}}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

func TestACertificateNamesTheDeveloperAndNoOtherAuthorityCan(t *testing.T) {
	a, stranger := authority(t, 1, time.Now), authority(t, 2, time.Now)
	url := serve(t, a)
	if got, err := get(url, Client(a.Pin(), nil)); err != nil || got != " " {
		t.Errorf("without a certificate: %q, %v", got, err)
	}
	if _, err := get(url, Client(stranger.Pin(), nil)); !errors.Is(err, ErrPin) {
		t.Errorf("another edge's pin: %v", err)
	}
	key, req, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by   *Authority
		want bool
	}{{a, true}, {authority(t, 1, time.Now), true}, {stranger, false}} {
		cert, serial, err := c.by.Issue(req, "ada", time.Now().Add(Validity))
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := get(url, Client(a.Pin(), func() (*tls.Certificate, error) { return &pair, nil }))
		if ok := err == nil && got == "ada "+serial; ok != c.want {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestAnExpiredCertificateIsRefusedAndTheEdgesOwnIsRenewed(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	a := authority(t, 1, clock)
	url := serve(t, a)
	key, req, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := a.Issue(req, "ada", clock().Add(Validity))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	client := func() *tls.Config {
		c := Client(a.Pin(), func() (*tls.Certificate, error) { return &pair, nil })
		return c
	}
	if _, err := get(url, client()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(Validity + time.Hour)
	if got, err := get(url, client()); err == nil {
		t.Errorf("an expired certificate is taken: %q", got)
	}
}

func TestWhatIsNoRequestGetsNoCertificate(t *testing.T) {
	a := authority(t, 1, time.Now)
	_, req, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, []byte("x"), a.PEM(), bytes.Replace(req, []byte("\n"), []byte("\nA"), 2)} {
		if _, _, err := a.Issue(bad, "ada", time.Now().Add(Validity)); err == nil {
			t.Errorf("%.40q gets a certificate", bad)
		}
		if name, err := KeyName(bad); err == nil {
			t.Errorf("%.40q is for the key %s", bad, name)
		}
	}
}

func TestAKeyHasOneNameAndEachItsOwn(t *testing.T) {
	_, one, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, r := range [][]byte{one, one, other} {
		n, err := KeyName(r)
		if err != nil || len(n) != 43 {
			t.Errorf("%q, %v", n, err)
		}
		names[n] = true
	}
	if len(names) != 2 {
		t.Errorf("two keys have %d names", len(names))
	}
}

func FuzzIssue(f *testing.F) {
	_, req, _ := Request()
	f.Add(req)
	a, err := NewAuthority(make([]byte, 32), "Headrace edge", time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, issued := a.Issue(b, "ada", time.Now().Add(Validity))
		if _, named := KeyName(b); issued == nil && named != nil {
			t.Errorf("a certificate is issued for a key that has no name: %v", named)
		}
	})
}
