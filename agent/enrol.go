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

	dir    string
	log    *slog.Logger
	client *http.Client

	mu   sync.Mutex       // guards pair
	pair *tls.Certificate // of Key and Cert
}

const edgeFile = "edge.json"

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
		Machine string `json:"machine"`
		Request string `json:"request"`
	}
	deviceAnswer struct {
		Developer   string `json:"developer"`
		Certificate string `json:"certificate"`
		SealTo      string `json:"seal_to"`
	}
)

// Enrol uses up a one-time code: the edge learns of this machine, and dir keeps what it answered.
func Enrol(ctx context.Context, dir, address, code string, log *slog.Logger) (*Edge, error) {
	code, pin, whole := strings.Cut(code, ".")
	if !whole || len(pin) != 32 {
		return nil, &episode.Problem{Code: "enrol/code", Message: "the code is not whole", Hint: "copy it as headrace edge invite printed it: letters, a dot, letters"}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, &episode.Problem{Code: "enrol/address", Message: address + " is not an edge's address", Hint: "it begins with https://, as headrace edge invite printed it"}
	}
	e := &Edge{URL: address, Pin: pin, dir: dir, log: log}
	if err := e.connect(); err != nil {
		return nil, err
	}
	if err := e.certify(ctx, "/v1/device/enrol", code); err != nil {
		return nil, err
	}
	return e, nil
}

// certify gets a certificate for a new key, and keeps both.
func (e *Edge) certify(ctx context.Context, path, code string) error {
	key, request, err := device.Request()
	if err != nil {
		return err
	}
	machine, _ := os.Hostname() // a name for its owner's list
	body, err := json.Marshal(deviceRequest{Code: code, Machine: machine, Request: string(request)})
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
	e.Developer, e.SealTo, e.Key, e.Cert = ans.Developer, ans.SealTo, string(key), ans.Certificate
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

// renew gets the next certificate once half of this one's time is over.
func (e *Edge) renew(ctx context.Context) error {
	if time.Until(e.Until()) > device.Validity/2 {
		return nil
	}
	return e.certify(ctx, "/v1/device/renew", "")
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
