// SPDX-License-Identifier: Apache-2.0

// Package login lets people prove who they are with their enterprise's own identity provider (OpenID Connect), so that
// a machine can be enrolled without a code made for it.
//
// On the machine, [Device] takes the device authorization grant (RFC 8628): it shows an address and a code, the developer
// logs in with whatever browser they like, and an ID token comes of it. At the edge, a [Verifier] tells from the token who
// the developer is. The token says for which machine it was asked (its nonce names the key of the certificate request),
// where the provider passes that on; where not, it is good for a few minutes and, by its digest, once.
//
// People sign in to pages by the authorization code grant: [Code] sends them there and tells who came back.
//
// The package keeps nothing. Whether a token was used before is for its caller to remember; see [Login.Digest].
package login

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/headrace/headrace/episode"
)

// Issuer is an identity provider, and what it knows us as.
type Issuer struct {
	URL      string   `json:"issuer"`
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes"`
}

// What may be wrong with the provider. Nothing is known of the login then, which may be good.
var (
	ErrAway     = &episode.Problem{Code: "login/provider-away"} // it does not answer
	ErrProvider = &episode.Problem{Code: "login/provider"}      // what answers is not it, or makes no sense
)

// away is ErrAway in words.
func away(issuer string, err error) error {
	return &episode.Problem{Code: ErrAway.Code, Message: "the identity provider " + issuer + " does not answer", Err: err,
		Hint: "try again in a while; nothing is lost: what is captured is kept, and a machine that is enrolled stays so"}
}

// errAway marks what the provider did not answer, whatever was asked.
var errAway = errors.New("no answer")

const (
	patience  = 20 * time.Second // for one answer of a provider
	maxAnswer = 1 << 20          // bytes
)

// newClient is how we speak to a provider: by TLS, for a while, and not without end. Addresses come from the provider
// itself, and each is looked at, those it redirects to as well.
func newClient(next http.RoundTripper) *http.Client {
	return &http.Client{Timeout: patience, Transport: guard{next}}
}

type guard struct{ next http.RoundTripper }

// RoundTrip asks. It makes an error of an answer that only says that there is none.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := secure(r.URL); err != nil {
		return nil, err
	}
	res, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 400 && r.Method == http.MethodGet {
		res.Body.Close()
		return nil, fmt.Errorf("%w: %s", errAway, clean(res.Status))
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxAnswer), res.Body}
	return res, nil
}

// secure refuses an address on whose way somebody else could answer.
func secure(u *url.URL) error {
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && (host == "localhost" || ip.IsLoopback())) {
		return fmt.Errorf("%s is not an https:// address", clean(u.Redacted()))
	}
	return nil
}

// clean is what a provider said, as it may be shown on a terminal: in one line, not long, and without control characters.
func clean(s string) string {
	const most = 300
	var b strings.Builder
	for i, r := range strings.Join(strings.Fields(s), " ") {
		if i > most {
			b.WriteRune('…')
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// seldom asks for an address at most once in a while, and says the same again in between. Who sends forged tokens, each
// naming another key, must not make us flood the provider.
type seldom struct {
	next  http.RoundTripper
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	said map[string]said
}

type said struct {
	at     time.Time
	status int
	header http.Header
	body   string
	err    error
}

// RoundTrip asks, or remembers. Who waits for another's question waits for its answer.
func (s *seldom) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.URL.String()
	a, ok := s.said[key]
	if since := s.now().Sub(a.at); !ok || since < 0 || since >= s.every {
		a = s.ask(r)
		if len(s.said) > 16 { // a provider has two; redirections may have no end
			clear(s.said)
		}
		s.said[key] = a
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprint(a.status, " ", http.StatusText(a.status)), Header: a.header.Clone(), Body: io.NopCloser(strings.NewReader(a.body)),
		ContentLength: int64(len(a.body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

func (s *seldom) ask(r *http.Request) said {
	res, err := s.next.RoundTrip(r)
	if err != nil {
		return said{at: s.now(), err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return said{at: s.now(), status: res.StatusCode, header: res.Header, body: string(body), err: err}
}
