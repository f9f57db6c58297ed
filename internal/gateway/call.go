// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	captured "github.com/headrace/headrace/internal/capture/gateway"
)

// MaxHead is how much of a request's body is read before it goes on, in bytes: the model's name is looked for there.
const MaxHead = 4 << 20

// asks reports whether requests to an endpoint name a model, and suggests whether its answers suggest something.
func asks(path string) bool {
	return suggests(path) || path == "/v1/embeddings" || path == "/v1/messages/count_tokens"
}

func suggests(path string) bool {
	switch path {
	case "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages":
		return true
	}
	return false
}

// call is one request on its way.
type call struct {
	g         *Gateway
	path      string // escaped, without the developer's name
	developer string // as the path names them
	proven    bool   // the request has that developer's token
	admitted  bool   // it has that, or the edge's
	to        target
	head      []byte // of the body, as it goes up
	whole     bool   // the head is all of it
	unpacked  bool   // it came compressed
	shift     int    // by which the body has grown
	read      bool   // the head was read
	sent      time.Time
	choice    Choice // where the model is a route's
	model     string // that was chosen
}

// take finds out where a request goes.
func (g *Gateway) take(w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{g: g, path: r.URL.EscapedPath()}
	if rest, ok := strings.CutPrefix(c.path, "/as/"); ok {
		name, rest, _ := strings.Cut(rest, "/")
		developer, err := url.PathUnescape(name)
		if err != nil || developer == "" {
			return nil, &refusal{http.StatusBadRequest, "gateway/developer", "the path names no developer", "a tool's address is http://HOST/as/DEVELOPER, or without"}
		}
		c.developer, c.path = developer, "/"+rest
	}
	if plain, err := url.PathUnescape(c.path); err != nil || slices.ContainsFunc(strings.FieldsFunc(plain, slash), dots) {
		return nil, &refusal{http.StatusBadRequest, "gateway/path", "the path leads up", "send it without . and .. in it"}
	}
	c.sent = time.Now()
	for _, token := range [...]string{r.Header.Get(TokenHeader), bearer(r), r.Header.Get("X-Api-Key")} {
		c.proven = c.proven || c.owns(token)
		c.admitted = c.admitted || c.proven || g.proves(token)
	}
	dialect := dialectOf(r, c.path)
	switch {
	case !c.admitted && (!g.open || forwarded(r)):
		return nil, noToken()
	case dialect == OpenAI && c.path != "/v1" && !strings.HasPrefix(c.path, "/v1/"):
		return nil, &refusal{http.StatusNotFound, "gateway/path", "there is nothing outside /v1/", "an address for OpenAI's dialect ends with /v1"}
	case g.named() && r.Header.Get("Upgrade") != "":
		return nil, &refusal{http.StatusNotImplemented, "gateway/model", "the model of a connection that is upgraded is not seen", "ask by plain HTTP, or without the gateway"}
	}
	if r.Method == http.MethodPost && (asks(c.path) || g.named() && !uploads(c.path)) {
		if err := c.readHead(w, r); err != nil {
			return nil, &refusal{http.StatusBadRequest, "gateway/body", "the request's body cannot be read", "send it again"}
		}
	}
	return c, c.find(r, dialect)
}

// find finds where the model is that the request names.
func (c *call) find(r *http.Request, dialect string) error {
	g, text := c.g, c.head
	packed := g.named() && r.Header.Get("Content-Encoding") != ""
	if packed {
		text, _ = captured.Open(c.head, r.Header.Get("Content-Encoding"))
	}
	name, start, end, ok := modelIn(text)
	if g.named() && (!ok || len(text) == 0 && len(c.head) > 0) {
		return unread("the request's model cannot be read")
	}
	to, known := g.models[name]
	options := g.routes[name]
	if options != nil {
		to, known = g.models[options[0]], true
	}
	switch {
	case !known:
		up, err := g.first(dialect)
		if err != nil {
			return err
		}
		to = target{up: up}
	case to.up.Kind != dialect:
		return &refusal{http.StatusBadRequest, "gateway/dialect", "that model's upstream does not speak as this endpoint does", "ask for it at the other's endpoint: the gateway translates nothing"}
	}
	keyed := func(o string) bool { return g.models[o].up.auth != "" }
	if !c.admitted && (to.up.auth != "" || slices.ContainsFunc(options, keyed)) {
		return noToken()
	}
	if to.up.auth != "" && !to.up.All && !(r.Method == http.MethodPost && asks(c.path)) && !(r.Method == http.MethodGet && (c.path == "/v1/models" || strings.HasPrefix(c.path, "/v1/models/"))) {
		return &refusal{http.StatusForbidden, "gateway/endpoint", "that is no question to a model, and the upstream " + to.up.Name + " has the edge's key", "ask it with a key of your own, or let all of it be asked for with all: true in edge.yaml"}
	}
	if options != nil {
		c.choice = g.choose(c.question(r, text, len(options)))
		c.model = options[c.choice.Option]
		to = g.models[c.model]
		to.model = cmp.Or(to.model, c.model)
	}
	if c.to = to; to.model == "" || to.model == name {
		return nil
	}
	if packed {
		if !c.whole || len(text) >= MaxHead {
			return unread("a compressed request of this size cannot be given another model's name")
		}
		c.head, c.unpacked = text, true
	}
	c.rename(start, end, to.model)
	return nil
}

func noToken() error {
	return &refusal{http.StatusUnauthorized, "gateway/token", "the request has neither its developer's token nor the edge's", "send one as the API key, or in the header " + TokenHeader}
}

func unread(what string) error {
	return &refusal{http.StatusBadRequest, "gateway/model", what, "send a JSON object with the model in its first 4 MiB, plain or by gzip or zstd, so that it goes where that model is"}
}

// named says that it matters which model a request names.
func (g *Gateway) named() bool { return len(g.models)+len(g.routes) > 0 }

// uploads reports whether an endpoint takes files, which name no model.
func uploads(path string) bool {
	return path == "/v1/files" || path == "/v1/uploads" || strings.HasPrefix(path, "/v1/files/") || strings.HasPrefix(path, "/v1/uploads/")
}

// forwarded reports whether a request comes by a proxy, so that whoever asks need not be on this machine.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

func slash(r rune) bool  { return r == '/' || r == '\\' }
func dots(s string) bool { return s == "." || s == ".." }
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// dialectOf is the dialect of a request: of what both have, such as the list of models, a header tells.
func dialectOf(r *http.Request, path string) string {
	if strings.HasSuffix(path, "/v1/messages") || strings.Contains(path, "/v1/messages/") || r.Header.Get("Anthropic-Version") != "" ||
		r.Header.Get("X-Api-Key") != "" && r.Header.Get("Authorization") == "" && !asks(path) {
		return Anthropic
	}
	return OpenAI
}

// readHead reads the body, or what of it may be large. It takes room as bytes come, and waits for them only so long.
func (c *call) readHead(w http.ResponseWriter, r *http.Request) (err error) {
	conn := http.NewResponseController(w)
	if conn.SetReadDeadline(time.Now().Add(c.g.patience)) == nil {
		defer conn.SetReadDeadline(time.Time{})
	}
	c.read = true
	c.head, err = io.ReadAll(io.LimitReader(r.Body, MaxHead+1))
	c.whole = len(c.head) <= MaxHead
	return err
}

// rename puts another name in the place of the model's.
func (c *call) rename(start, end int, name string) {
	quoted := quote(name)
	c.head = slices.Concat(c.head[:start], quoted, c.head[end:])
	c.shift = len(quoted) - (end - start)
}

// rewrite makes of the tool's request the upstream's.
func (c *call) rewrite(r *httputil.ProxyRequest) {
	up, out := c.to.up, r.Out
	at := *up.at
	path := c.path
	if up.Kind == OpenAI {
		path = strings.TrimPrefix(path, "/v1") // its address ends with it
	}
	at.RawPath = up.at.EscapedPath() + path
	at.Path, _ = url.PathUnescape(at.RawPath) // it was looked at
	at.RawQuery = r.In.URL.RawQuery
	out.URL, out.Host = &at, at.Host
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := r.In.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	out.Header.Del(TokenHeader)
	if key := r.In.Header.Get("X-Api-Key"); up.Kind == OpenAI || c.owns(key) || c.g.proves(key) {
		out.Header.Del("X-Api-Key") // which is Anthropic's
	}
	if token := bearer(r.In); c.owns(token) || c.g.proves(token) {
		out.Header.Del("Authorization")
	}
	if first, _ := c.g.first(up.Kind); up.auth != "" || up != first && !up.OwnLogin {
		for _, name := range [...]string{"Authorization", "X-Api-Key", "Api-Key", "Cookie"} {
			out.Header.Del(name)
		}
	}
	switch {
	case up.auth != "" && up.Kind == OpenAI:
		out.Header.Set("Authorization", "Bearer "+up.auth)
	case up.auth != "":
		out.Header.Set("X-Api-Key", up.auth)
	}
	if c.read {
		c.send(r)
	}
}

// send gives the request its body again.
func (c *call) send(r *httputil.ProxyRequest) {
	out := r.Out
	if c.unpacked {
		out.Header.Del("Content-Encoding")
	}
	if c.whole {
		out.ContentLength = int64(len(c.head))
		// For a connection that the upstream had closed before anything was written to it.
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.head)), nil }
		if out.Body, _ = out.GetBody(); len(c.head) == 0 {
			out.Body = http.NoBody
		}
	} else {
		out.Body = io.NopCloser(io.MultiReader(bytes.NewReader(c.head), out.Body))
		if out.ContentLength > 0 {
			out.ContentLength += int64(c.shift)
		}
	}
}

// answered sees to it that nothing is added to an answer.
func (c *call) answered(w http.ResponseWriter, res *http.Response) error {
	if c.model != "" {
		w.Header().Set(ModelHeader, c.model)
		if c.choice.Decision != "" {
			w.Header().Set(DecisionHeader, c.choice.Decision)
		}
	}
	for _, name := range [...]string{"Content-Type", "Date"} {
		if _, there := res.Header[name]; !there {
			w.Header()[name] = nil
		}
	}
	if c.whole && suggests(c.path) && res.StatusCode == http.StatusOK {
		c.g.listen(c, res)
	}
	return nil
}

// failed answers where the upstream does not.
func (c *call) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // whoever asked is gone
	}
	refuse(w, c.to.up.Kind, &refusal{http.StatusBadGateway, "gateway/upstream", "the upstream " + c.to.up.Name + " does not answer", "see that it runs, and its url in edge.yaml"})
}
