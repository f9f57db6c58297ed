// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/device"
	"github.com/headrace/headrace/internal/seal"
)

// Edge is the edge that this machine is enrolled with, as kept in edge.json (0600) in the agent's folder.
type Edge struct {
	URL       string `json:"url"`
	Pin       string `json:"pin"` // of its authority
	Developer string `json:"developer"`
	SealTo    string `json:"seal_to"`
	Key       string `json:"key"`         // PEM, this machine's
	Cert      string `json:"certificate"` // PEM
	// LoginUntil is when the developer has to log in again; zero where a code enrolled this machine.
	LoginUntil time.Time `json:"login_until,omitzero"`

	dir    string
	log    *slog.Logger
	client *http.Client
	again  time.Time // before that the edge need not be asked for another certificate: it wants a login

	mu   sync.Mutex       // guards pair
	pair *tls.Certificate // of Key and Cert
}

const (
	edgeFile   = "edge.json"
	pinLetters = 32
)

// ErrNotEnrolled says that this machine has no edge.
var ErrNotEnrolled = &episode.Problem{Code: "agent/not-enrolled", Message: "this machine is not enrolled with an edge",
	Hint: "ask whoever runs the edge for a code (headrace edge invite DEVELOPER), then: headrace agent enrol URL CODE; without an enterprise's edge, headrace up is all you need"}

// OpenEdge returns the edge that the agent in dir is enrolled with.
func OpenEdge(dir string, log *slog.Logger) (*Edge, error) {
	b, err := os.ReadFile(filepath.Join(dir, edgeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotEnrolled
	}
	if err != nil {
		return nil, err
	}
	e := &Edge{dir: dir, log: log}
	if err = json.Unmarshal(b, e); err == nil {
		err = e.connect()
	}
	if err != nil {
		return nil, &episode.Problem{Code: "agent/enrolment", Message: filepath.Join(dir, edgeFile) + " is broken", Err: err, Hint: "enrol this machine again"}
	}
	return e, nil
}

// Public is the edge's key.
func (e *Edge) Public() (seal.Public, error) { return seal.Parse(e.SealTo) }

// connect reads the certificate and makes the client that shows it.
func (e *Edge) connect() error {
	if e.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(e.Cert), []byte(e.Key))
		if err != nil {
			return err
		}
		e.mu.Lock()
		e.pair = &pair
		e.mu.Unlock()
	}
	if e.client == nil {
		e.client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
			TLSClientConfig: device.Client(e.Pin, func() (*tls.Certificate, error) {
				e.mu.Lock()
				defer e.mu.Unlock()
				if e.pair == nil {
					return new(tls.Certificate), nil
				}
				return e.pair, nil
			})}}
	}
	return nil
}

// wire is what the edge expects and answers; see edge.DeviceRequest and edge.DeviceAnswer.
type (
	deviceRequest struct {
		Code    string `json:"code,omitempty"`
		Login   string `json:"login,omitempty"`
		Machine string `json:"machine"`
		Request string `json:"request"`
	}
	deviceAnswer struct {
		Developer   string    `json:"developer"`
		Certificate string    `json:"certificate"`
		SealTo      string    `json:"seal_to"`
		LoginUntil  time.Time `json:"login_until"`
	}
)

// Enrol uses up a one-time code: the edge learns of this machine, and dir keeps what it answered.
func Enrol(ctx context.Context, dir, address, code string, log *slog.Logger) (*Edge, error) {
	code, pin, whole := strings.Cut(code, ".")
	if !whole || len(pin) != pinLetters {
		return nil, &episode.Problem{Code: "enrol/code", Message: "the code is not whole", Hint: "copy it as headrace edge invite printed it: letters, a dot, letters"}
	}
	e, err := newEdge(dir, address, pin, log)
	if err != nil {
		return nil, err
	}
	key, request, err := device.Request()
	if err != nil {
		return nil, err
	}
	if err := e.certify(ctx, "/v1/device/enrol", key, deviceRequest{Code: code, Request: string(request)}); err != nil {
		return nil, err
	}
	return e, nil
}

// newEdge is an edge that this machine knows nothing of yet but its address and the pin of its authority.
func newEdge(dir, address, pin string, log *slog.Logger) (*Edge, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, &episode.Problem{Code: "enrol/address", Message: address + " is not an edge's address", Hint: "it begins with https://, as headrace edge invite printed it"}
	}
	e := &Edge{URL: address, Pin: pin, dir: dir, log: log}
	return e, e.connect()
}

// certify gets a certificate for a new key, and keeps both.
func (e *Edge) certify(ctx context.Context, path string, key []byte, req deviceRequest) error {
	req.Machine, _ = os.Hostname() // a name for its owner's list
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	var ans deviceAnswer
	if err := e.post(ctx, path, "application/json", body, &ans); err != nil {
		return err
	}
	if _, err := seal.Parse(ans.SealTo); err != nil {
		return err
	}
	e.Developer, e.SealTo, e.Key, e.Cert, e.LoginUntil = ans.Developer, ans.SealTo, string(key), ans.Certificate, ans.LoginUntil
	if err := e.connect(); err != nil {
		return err
	}
	e.client.CloseIdleConnections() // they were made without it
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	return replace(filepath.Join(e.dir, edgeFile), append(b, '\n'))
}

// ErrOver says that this machine's certificate has ended: nothing can be delivered until it is enrolled again.
var ErrOver = &episode.Problem{Code: "agent/certificate-over"}

// askAgain is how long an edge that wants a login is not asked for a certificate.
const askAgain = time.Hour

// renew gets the next certificate once half of this one's time is over. Where the edge wants the developer to log in again,
// it says so now and then, while the certificate lasts; a login that was made meanwhile, by headrace agent enrol, is taken up.
func (e *Edge) renew(ctx context.Context) error {
	until := e.Until()
	if time.Until(until) > device.Validity/2 {
		return nil
	}
	if e.reload() {
		return nil
	}
	if !time.Now().Before(until) {
		return &episode.Problem{Code: ErrOver.Code, Message: "this machine's certificate ended on " + until.Local().Format("2 January at 15:04") + "; what is captured is kept", Hint: e.EnrolAgain()}
	}
	if time.Now().Before(e.again) {
		return nil
	}
	key, request, err := device.Request()
	if err != nil {
		return err
	}
	err = e.certify(ctx, "/v1/device/renew", key, deviceRequest{Request: string(request)})
	if errors.Is(err, errLoginAgain) {
		e.again = time.Now().Add(askAgain)
		e.log.Warn("log in again, or nothing is delivered from "+until.Local().Format("2 January at 15:04")+" on", "how", e.EnrolAgain())
		return nil
	}
	return err
}

// EnrolAgain is how this machine gets its next certificate, where it cannot by itself.
func (e *Edge) EnrolAgain() string {
	if !e.LoginUntil.IsZero() {
		return "log in again: headrace agent enrol " + e.URL + " --login " + e.Pin
	}
	return "ask whoever runs the edge for a code (headrace edge invite " + e.Developer + ")"
}

// reload takes up what another process has written, if this machine was enrolled again: with the same edge, for the same
// developer. Anything else is for the next start.
func (e *Edge) reload() bool {
	now, err := OpenEdge(e.dir, e.log)
	if err != nil || now.Cert == e.Cert || now.Pin != e.Pin || now.Developer != e.Developer {
		return false
	}
	e.URL, e.SealTo, e.Key, e.Cert, e.LoginUntil, e.again = now.URL, now.SealTo, now.Key, now.Cert, now.LoginUntil, time.Time{}
	if e.connect() != nil {
		return false // it was read a moment ago
	}
	e.client.CloseIdleConnections()
	return true
}

// Until is when the machine's certificate ends.
func (e *Edge) Until() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pair == nil {
		return time.Time{}
	}
	leaf, err := x509.ParseCertificate(e.pair.Certificate[0])
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}
