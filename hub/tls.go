// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/sqlstore"
)

// TLS says how a hub speaks TLS: not at all (a proxy does), with a certificate of its own authority, which invites name, or
// with one from elsewhere.
type TLS struct {
	// Self makes the hub its own authority: nothing has to be bought or installed, and edges know it by the invite.
	Self bool `yaml:"self,omitempty"`
	// Certificate and Key are PEM files; they are read again when they change.
	Certificate string `yaml:"certificate,omitempty"`
	Key         string `yaml:"key,omitempty"`
	// Clients is "required" where edges must show the certificate that they got when they joined; else they may.
	Clients string `yaml:"clients,omitempty"`
}

// On reports whether the hub speaks TLS itself.
func (t TLS) On() bool { return t.Self || t.Certificate != "" }

// UnmarshalYAML takes the word self, or a mapping.
func (t *TLS) UnmarshalYAML(b []byte) error {
	if string(bytes.TrimSpace(b)) == "self" {
		t.Self = true
		return nil
	}
	type fields TLS
	return yaml.UnmarshalWithOptions(b, (*fields)(t), yaml.Strict())
}

func (t TLS) check() error {
	bad := func(message string) error {
		return &episode.Problem{Code: "config/tls", Message: "tls: " + message, Hint: "write tls: self, or tls: {certificate: FILE, key: FILE}, each with clients: required if you like"}
	}
	switch {
	case t.Self && t.Certificate != "":
		return bad("a certificate is given, and self says that there is none")
	case (t.Certificate == "") != (t.Key == ""):
		return bad("a certificate and its key go together")
	case t.Clients != "" && t.Clients != "required":
		return bad("clients is " + t.Clients + "; it can be required")
	case t.Clients != "" && !t.On():
		return bad("clients are required to show a certificate, and the hub does not speak TLS")
	}
	return nil
}

// certificateFor is how long a contributor's certificate is good for. An edge asks for the next one when half of that is over,
// and still can when it has ended.
const certificateFor = 30 * 24 * time.Hour

// ServerTLS is how the hub speaks TLS under the names hosts.
func (h *Hub) ServerTLS(hosts []string) (*tls.Config, error) {
	if h.cfg.TLS.Self {
		return h.door.authority.Server(hosts)
	}
	files := &certificateFiles{TLS: h.cfg.TLS}
	if _, err := files.get(); err != nil {
		return nil, &episode.Problem{Code: "config/tls", Message: "tls: the certificate cannot be used", Err: err, Hint: "name two PEM files that belong together"}
	}
	return h.door.authority.Accept(files.get), nil
}

// Pin names the authority of the hub's own certificate; empty where it has one from elsewhere, or none.
func (h *Hub) Pin() string {
	if !h.cfg.TLS.Self {
		return ""
	}
	return h.door.authority.Pin()
}

// certificateFiles reads a certificate again when its file changes: renewing one needs no restart.
type certificateFiles struct {
	TLS

	mu   sync.Mutex // guards what follows
	at   time.Time
	last *tls.Certificate
}

func (f *certificateFiles) get() (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.Certificate)
	if err == nil && f.last != nil && info.ModTime().Equal(f.at) {
		return f.last, nil
	}
	c, errLoad := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err = errors.Join(err, errLoad); err == nil {
		f.last, f.at = &c, info.ModTime()
	} else if f.last != nil {
		return f.last, nil // half written: the one before is good until it ends
	}
	return f.last, err
}

// TypeRenewal is the payload type of a [Renewal].
const TypeRenewal = "application/vnd.headrace.renewal.v1+json"

// Renewal is an edge's request for its next certificate, signed with the key that signs its bundles.
type Renewal struct {
	Contributor string `json:"contributor"`
	Request     string `json:"request"` // PEM
}

// issue answers a request for a certificate in a contributor's name.
func (h *Hub) issue(ctx context.Context, contributor, request string) (string, error) {
	until := h.cfg.Now().Add(certificateFor)
	cert, serial, err := h.door.authority.Issue([]byte(request), contributor, until)
	if err != nil {
		return "", &episode.Problem{Code: "enrol/bad-request", Message: "not a request for a certificate", Err: err, Hint: "run headrace edge join again"}
	}
	return string(cert), h.db.AddCertificate(ctx, serial, contributor, until)
}

// serveRenew gives a contributor its next certificate: for its token, and a request that its signing key has signed. The old
// certificate is not asked for, so that an edge that was off for long comes back by itself.
func (h *Hub) serveRenew(w http.ResponseWriter, r *http.Request) {
	c, err := h.contributorOf(r)
	if err != nil {
		h.answer(w, http.StatusUnauthorized, &episode.Problem{Code: "renew/refused", Message: err.Error(), Hint: "ask the hub's operator for an invite"})
		return
	}
	cert, err := h.renew(r, c)
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		h.answer(w, http.StatusForbidden, p)
	} else if err != nil {
		h.log.Error("renew", "err", err)
		h.answer(w, http.StatusServiceUnavailable, &episode.Problem{Code: "renew/not-stored", Message: "no certificate was made", Hint: "try again later"})
	} else {
		h.answer(w, http.StatusOK, EnrolAnswer{Contributor: c.Name, Certificate: cert})
	}
}

func (h *Hub) renew(r *http.Request, c sqlstore.ContributorRow) (string, error) {
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxEnrol))
	if err != nil {
		return "", &episode.Problem{Code: "renew/bad-request", Message: "not a request for a certificate", Err: err}
	}
	trust, err := h.trust(r.Context(), c.Name)
	if err != nil {
		return "", err
	}
	payload, _, err := bundle.OpenDocument(b, TypeRenewal, trust)
	if err != nil {
		return "", err
	}
	var req Renewal
	if err := bundle.DecodeDocument(payload, &req); err != nil {
		return "", err
	}
	if req.Contributor != c.Name {
		return "", &episode.Problem{Code: "renew/another", Message: "the request is in another contributor's name"}
	}
	return h.issue(r.Context(), c.Name, req.Request)
}

// answer writes what the hub says to an edge that joins or renews.
func (h *Hub) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// Revoke ends a contributor's token, certificates and signing key at once. What it gave stays, and so do the receipts.
func (h *Hub) Revoke(ctx context.Context, name string) error {
	err := h.db.Noting(h.entry(ctx, "", "revoke", name)).RevokeContributor(ctx, name, h.cfg.Now())
	if errors.Is(err, sqlstore.ErrNotFound) {
		return &episode.Problem{Code: "revoke/unknown", Message: name + " is not a contributor here", Hint: "the pages list them"}
	}
	return err
}

// checkCertificate compares whom a connection's certificate names with whom the token does.
func (h *Hub) checkCertificate(r *http.Request, contributor string) error {
	_, serial := device.Developer(r.TLS)
	if serial == "" {
		if h.cfg.TLS.Clients == "required" {
			return errors.New("show the certificate that this edge got when it joined")
		}
		return nil
	}
	owner, err := h.db.CertificateOf(r.Context(), serial, h.cfg.Now())
	if errors.Is(err, sqlstore.ErrNotFound) {
		return errors.New("the certificate was revoked or has ended")
	}
	if err == nil && owner != contributor {
		return errors.New("the certificate is another contributor's")
	}
	return err
}
