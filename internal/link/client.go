// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
)

// Client speaks to one hub in the name of who joined it: by TLS to the hub that the invite named, with the
// certificate that the hub issued, and with the token of either. It is safe for concurrent use.
type Client struct {
	http *http.Client
	// tokenFile holds a token of the enterprise's identity provider, which something else keeps fresh; empty: the hub's own.
	tokenFile string

	mu     sync.Mutex // guards what follows
	member *Membership
	cert   *tls.Certificate // nil for none
}

// How long a hub may say nothing, while it verifies and scans what it was sent, and how long it or an exchange may hold up a
// turn: what is not done by then goes on with the next. Without an end to it raw text would outlive its time.
const (
	answersWithin = 5 * time.Minute
	VisitFor      = 30 * time.Minute
)

// renewBefore is how long before its end a certificate is renewed: it is good for twice that.
const renewBefore = 15 * 24 * time.Hour

func newClient(m *Membership, tokenFile string, now func() time.Time) (*Client, error) {
	c := &Client{member: m, tokenFile: tokenFile}
	if err := c.load(); err != nil {
		return nil, err
	}
	own := func() (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.cert == nil {
			return new(tls.Certificate), nil
		}
		return c.cert, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	if m.Pin != "" {
		t.TLSClientConfig = device.ClientAt(m.Pin, own, now)
	} else {
		t.TLSClientConfig = &tls.Config{Time: now, MinVersion: tls.VersionTLS12, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own() }}
	}
	exchange.Impatient(t, answersWithin)
	c.http = &http.Client{Transport: t}
	return c, nil
}

// Transport speaks TLS as joining settled it, for what needs no token.
func (m *Membership) Transport() (http.RoundTripper, error) {
	c, err := newClient(m, "", time.Now)
	if err != nil {
		return nil, err
	}
	return c.http.Transport, nil
}

// load takes the certificate up from the membership.
func (c *Client) load() error {
	if c.member.Certificate == "" {
		return nil
	}
	cert, err := tls.X509KeyPair([]byte(c.member.Certificate), []byte(c.member.CertificateKey))
	if err == nil {
		cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0])
	}
	if err != nil {
		return &episode.Problem{Code: "hub/membership", Message: "the certificate for the hub is broken", Err: err, Hint: "join again with a new invite"}
	}
	c.cert = &cert
	return nil
}

// Do sends a request with the contributor's token. An answer that says more than a status is an error that says it.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if err := refusalOf(resp); err != nil {
		return nil, err
	}
	return resp, nil
}

func (c *Client) token() (string, error) {
	if c.tokenFile == "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.member.Token, nil
	}
	b, err := os.ReadFile(c.tokenFile)
	if err != nil {
		return "", &episode.Problem{Code: "hub/token-file", Message: "read hub_token_file", Err: err, Hint: "it holds one token of your identity provider, which something else keeps fresh"}
	}
	return strings.TrimSpace(string(b)), nil
}

// renew asks for the next certificate when the one that there is has little time left, and keeps it in dir.
func (c *Client) renew(ctx context.Context, dir string, ring *keyring.Ring, now time.Time) error {
	c.mu.Lock()
	m, cert := *c.member, c.cert
	c.mu.Unlock()
	if cert == nil || now.Before(cert.Leaf.NotAfter.Add(-renewBefore)) {
		return nil
	}
	key, request, err := device.Request()
	if err != nil {
		return err
	}
	body, err := bundle.SealDocument(typeRenewal, renewal{m.Contributor, string(request)}, ring.Signing())
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+"/v1/renew", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		p := new(episode.Problem)
		if json.Unmarshal(b, p) == nil && p.Code != "" {
			return p
		}
		return fmt.Errorf("renew the certificate: the hub answered %s", resp.Status)
	}
	var ans struct {
		Certificate string `json:"certificate"`
	}
	if err := json.Unmarshal(b, &ans); err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	m.Certificate, m.CertificateKey = ans.Certificate, string(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.member
	c.member = &m
	if err := c.load(); err != nil {
		c.member = before
		return err
	}
	c.http.CloseIdleConnections() // they show the old one
	// What is kept is what joining settled: where it was joined again since, or left, this certificate is not its.
	kept, err := MembershipOf(dir, m.Hub)
	if err != nil || kept.Token != m.Token {
		return nil
	}
	kept.Certificate, kept.CertificateKey = m.Certificate, m.CertificateKey
	return kept.save(dir)
}

// typeRenewal and renewal are what a hub takes a request for a certificate as.
const typeRenewal = "application/vnd.headrace.renewal.v1+json"

type renewal struct {
	Contributor string `json:"contributor"`
	Request     string `json:"request"` // PEM
}

// explainTLS makes of a failed handshake what a person can act on.
func explainTLS(err error, now time.Time) *episode.Problem {
	if errors.Is(err, device.ErrPin) {
		return &episode.Problem{Code: "hub/other-hub", Message: "another server answered than the hub that the invite named", Hint: "check the address; if it is right, somebody may stand between: ask the hub's operator"}
	}
	if inv, ok := errors.AsType[x509.CertificateInvalidError](err); ok && inv.Reason == x509.Expired {
		return &episode.Problem{Code: "hub/clock", Message: "the hub's certificate is not good at this time (" + inv.Detail + ")",
			Hint: "here it is " + now.UTC().Format("2 January 2006 15:04 UTC") + ": if that is wrong, set this machine's clock, else ask the hub's operator"}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &episode.Problem{Code: "hub/unknown-authority", Message: "the hub's certificate is of an authority that this machine does not know", Err: err,
			Hint: "install that authority's certificate here; a hub with tls: self needs none, if you join with a new invite"}
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return &episode.Problem{Code: "hub/no-tls", Message: "the hub does not speak TLS at this address", Hint: "give the address as the invite has it: with http:// where that says so"}
	}
	return nil
}
