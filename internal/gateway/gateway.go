// SPDX-License-Identifier: Apache-2.0

// Package gateway stands between coding tools and the models they ask: a reverse proxy that speaks as OpenAI and Anthropic do.
//
// Start from [Gateway]. A request goes to its upstream as it came, but for the host, the headers that are of one connection only, the
// key where the upstream has one of its own, and the name of the model where the configuration gives it another: then only that
// JSON value changes. The answer comes back byte for byte, each piece of a stream as it came, with its status, headers and trailers. Who
// goes away is gone for the upstream, too. Nothing is tried again.
//
// A copy of what passes goes to whoever reads [Gateway.Seen]. That never holds up an answer: what cannot be held is not copied, and counted
// ([Stats]). The gateway keeps nothing itself and writes no log: texts and keys pass through it.
package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// TokenHeader is where a tool may send the edge's token, if its own authorisation is for the upstream. It goes no further.
const TokenHeader = "X-Headrace-Token"

// Gateway is an http.Handler.
type Gateway struct {
	upstreams []*upstream
	models    map[string]target
	routes    map[string][]string
	choose    func(Question) Choice
	token     [sha256.Size]byte // its digest
	tokenOf   func(developer string) string
	open      bool // requests need no token, where the upstream has no key of its own
	transport *http.Transport
	patience  time.Duration // how long the head of a request may take
	buffers   pool
	silence   *log.Logger // takes what the proxy would write to a log
	seen      chan *Seen
	held      atomic.Int64 // bytes of copies that nobody is done with
	stats     Stats
}

// upstream is where requests go.
type upstream struct {
	Upstream
	at   *url.URL // without a slash at its end
	auth string   // its own key; empty where the tool's goes there
}

// target is an upstream, and what it calls a model.
type target struct {
	up    *upstream
	model string
}

// New makes a gateway for tools that have the edge's token, or that of a developer, which alone proves whose a request is. open says that
// only this machine reaches it: then tools without a token may ask upstreams that have no key here.
// choose chooses among the models of a route; it must not wait.
func New(cfg Config, token string, tokenOf func(developer string) string, open bool, choose func(Question) Choice) (*Gateway, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	g := &Gateway{models: map[string]target{}, routes: cfg.Routes, choose: choose, token: sha256.Sum256([]byte(token)), tokenOf: tokenOf, open: open, transport: transport(), patience: 2 * time.Minute, buffers: pool{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
		silence: log.New(io.Discard, "", 0), seen: make(chan *Seen, maxSeen)}
	by := map[string]*upstream{}
	for _, c := range cfg.Upstreams {
		u := &upstream{Upstream: c}
		var err error
		if u.auth, err = c.key(); err != nil {
			return nil, err
		}
		if u.at, err = url.Parse(strings.TrimRight(c.URL, "/")); err != nil {
			return nil, err
		}
		g.upstreams, by[c.Name] = append(g.upstreams, u), u
	}
	for name, m := range cfg.Models {
		g.models[name] = target{by[m.Upstream], m.Model}
	}
	return g, nil
}

// transport asks upstreams. An answer is passed on as it is compressed, and may take as long as it takes.
func transport() *http.Transport {
	dial := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dial.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, ExpectContinueTimeout: time.Second, DisableCompression: true,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second}}
}

// ServeHTTP passes a request on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.stats.Passed.Add(1)
	c, err := g.take(w, r)
	if err != nil {
		refuse(w, dialectOf(r, r.URL.Path), err)
		return
	}
	p := httputil.ReverseProxy{Transport: g.transport, Rewrite: c.rewrite, ModifyResponse: func(res *http.Response) error { return c.answered(w, res) },
		ErrorHandler: c.failed, ErrorLog: g.silence, BufferPool: &g.buffers}
	p.ServeHTTP(w, r)
}

// owns reports whether it is the token of the developer that the path names.
func (c *call) owns(token string) bool {
	return token != "" && c.developer != "" && subtle.ConstantTimeCompare([]byte(token), []byte(c.g.tokenOf(c.developer))) == 1
}

// proves reports whether it is the edge's token.
func (g *Gateway) proves(token string) bool {
	given := sha256.Sum256([]byte(token))
	return token != "" && subtle.ConstantTimeCompare(given[:], g.token[:]) == 1
}

// first is the first upstream of a kind.
func (g *Gateway) first(kind string) (*upstream, error) {
	for _, u := range g.upstreams {
		if u.Kind == kind {
			return u, nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "gateway/no-upstream", fmt.Sprintf("the gateway has no upstream that speaks as %s does", kind), "add one to edge.yaml"}
}

// pool lends buffers to copy answers with.
type pool struct{ sync.Pool }

// Get implements httputil.BufferPool.
func (p *pool) Get() []byte { return *p.Pool.Get().(*[]byte) }

// Put implements httputil.BufferPool.
func (p *pool) Put(b []byte) { p.Pool.Put(&b) }
