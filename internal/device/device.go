// SPDX-License-Identifier: Apache-2.0

// Package device gives the machines of developers an identity towards the edge, and edges one towards a hub: a short-lived
// certificate, for which the edge, or the hub, is its own authority. What is said here of edge and machine holds of hub and edge.
//
// The edge has an [Authority]; a machine makes a [Request], proves who sits at it by other means (a one-time code, a
// login), and gets a certificate that names the developer. With it the two speak TLS in both directions. A machine knows
// the edge by [Pin], which travels with the one-time code: no certificate of the enterprise's own is needed.
package device

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Validity is how long a device's certificate is good for at most; it is renewed when half of that is over.
const Validity = 7 * 24 * time.Hour

const (
	authorityFor = 10 * 365 * 24 * time.Hour
	serverFor    = 30 * 24 * time.Hour
	backdated    = 5 * time.Minute // clocks differ
)

// Authority issues certificates.
type Authority struct {
	name string
	key  ed25519.PrivateKey
	cert *x509.Certificate
	now  func() time.Time
}

// NewAuthority makes the authority that belongs to a secret of 32 bytes: the same secret gives the same key, so that what
// was issued before a restart stays good. Its certificates say name.
func NewAuthority(secret []byte, name string, now func() time.Time) (*Authority, error) {
	if len(secret) < ed25519.SeedSize {
		return nil, errors.New("device authority: the secret is too short")
	}
	a := &Authority{name: name, key: ed25519.NewKeyFromSeed(secret[:ed25519.SeedSize]), now: now}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + " authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, NotBefore: now().Add(-backdated), NotAfter: now().Add(authorityFor), MaxPathLenZero: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("device authority: %w", err)
	}
	a.cert, err = x509.ParseCertificate(der)
	return a, err
}

// Pin names the authority's key: 32 letters and digits.
func (a *Authority) Pin() string { return pin(a.cert) }

func pin(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base32.StdEncoding.EncodeToString(sum[:20])
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// parse reads a request, and checks that who made it has the key.
func parse(request []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("not a certificate request")
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = req.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("read a certificate request: %w", err)
	}
	return req, nil
}

// KeyName names the key that a request is for, in letters that fit into an address: a login that carries the name was made
// for that machine.
func KeyName(request []byte) (string, error) {
	req, err := parse(request)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(req.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// Issue answers a request with a certificate for the developer that ends at until, and its serial number.
func (a *Authority) Issue(request []byte, developer string, until time.Time) (certificate []byte, serial string, err error) {
	req, err := parse(request)
	if err != nil {
		return nil, "", err
	}
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, "", err
	}
	template := &x509.Certificate{SerialNumber: number, Subject: pkix.Name{CommonName: developer}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, NotBefore: a.now().Add(-backdated), NotAfter: until, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, req.PublicKey, a.key)
	if err != nil {
		return nil, "", fmt.Errorf("issue a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), number.Text(16), nil
}

// Server is how the edge speaks TLS under the names hosts: devices may show a certificate, and one that is shown must be
// of this authority. It makes a new certificate of its own before the last one ends.
func (a *Authority) Server(hosts []string) (*tls.Config, error) {
	issue := func() (*tls.Certificate, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(a.now().UnixNano()), Subject: pkix.Name{CommonName: a.name}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: a.now().Add(-backdated), NotAfter: a.now().Add(serverFor), BasicConstraintsValid: true}
		for _, h := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
			if ip := net.ParseIP(h); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, h)
			}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
		if err != nil {
			return nil, err
		}
		return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
	}
	first, err := issue()
	if err != nil {
		return nil, fmt.Errorf("the edge's own certificate: %w", err)
	}
	current := renewed[*tls.Certificate]{value: first, at: a.now(), every: serverFor / 2, now: a.now, make: issue}
	return a.Accept(func() (*tls.Certificate, error) { return current.get() }), nil
}

// Accept is how to speak TLS with a certificate from elsewhere: a client may show a certificate of this authority.
func (a *Authority) Accept(own func() (*tls.Certificate, error)) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, Time: a.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own() }}
}

// Developer is whom the certificate of a connection names; empty where it showed none.
func Developer(s *tls.ConnectionState) (developer, serial string) {
	if s == nil || len(s.VerifiedChains) == 0 {
		return "", ""
	}
	leaf := s.VerifiedChains[0][0]
	return leaf.Subject.CommonName, leaf.SerialNumber.Text(16)
}

// Request makes a device's key and its request for a certificate, both PEM.
func Request() (key, request []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, err
	}
	req, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, crypto.Signer(k))
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: req}), nil
}

// ErrPin says that whoever answered is not the edge or hub that the pin names.
var ErrPin = errors.New("another server answered than the one that the code names")

// Client is how a device speaks TLS to the edge that pin names; cert is nil before it has one. The name by which the edge
// is reached does not matter: its authority does.
func Client(pinned string, cert func() (*tls.Certificate, error)) *tls.Config {
	return ClientAt(pinned, cert, time.Now)
}

// ClientAt is Client by a clock of one's own.
func ClientAt(pinned string, cert func() (*tls.Certificate, error), now func() time.Time) *tls.Config {
	c := &tls.Config{Time: now, MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, // by host name: VerifyConnection looks at more
		VerifyConnection: func(s tls.ConnectionState) error {
			chain := s.PeerCertificates
			if len(chain) != 2 || pin(chain[1]) != pinned {
				return ErrPin
			}
			roots := x509.NewCertPool()
			roots.AddCert(chain[1])
			_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		}}
	if cert != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert() }
	}
	return c
}
