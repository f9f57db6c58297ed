// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	captured "github.com/headrace/headrace/internal/capture/gateway"
)

const (
	// maxCopy bounds the copy of an answer in bytes, as MaxHead does that of a request.
	maxCopy = 4 << 20
	// maxHeld bounds all copies that nobody is done with, in bytes, and maxSeen how many of them wait.
	maxHeld = 256 << 20
	maxSeen = 4096
)

// Stats counts requests since the gateway was opened.
type Stats struct {
	// Passed are all that came. Captured are those of which what they told is durable, Nothing those that told nothing, as where the model
	// answered without a word, and Off those of which the policy lets nothing be recorded.
	Passed, Captured, Nothing, Off atomic.Int64
	// Large are those whose answer was too large to copy, Behind those that came while too much waited, Unread those whose form was not
	// known, Lost those that could not be stored. All of them were answered.
	Large, Behind, Unread, Lost atomic.Int64
}

// Stats returns the gateway's counters.
func (g *Gateway) Stats() *Stats { return &g.stats }

// Seen is one request and its answer, and whose it was. Call Done when it is no longer needed.
type Seen struct {
	captured.Exchange
	// Proven says that the request had the token of Developer.
	Proven bool

	g    *Gateway
	size int64
}

// Done gives back the room that the copy takes.
func (s *Seen) Done() { s.g.held.Add(-s.size) }

// Seen are requests that were answered. Several may read it at a time.
func (g *Gateway) Seen() <-chan *Seen { return g.seen }

// hold takes room for n bytes, if there is any.
func (s *Seen) hold(n int) bool {
	if s.size += int64(n); s.g.held.Add(int64(n)) <= maxHeld {
		return true
	}
	s.Done()
	return false
}

// listen copies an answer as it passes.
func (g *Gateway) listen(c *call, res *http.Response) {
	r := res.Request
	s := &Seen{Proven: c.proven, g: g, Exchange: captured.Exchange{Path: c.path, Developer: c.developer, Agent: r.UserAgent(), Session: sessionOf(r.Header), Request: c.head, RequestEncoding: r.Header.Get("Content-Encoding"),
		AnswerEncoding: res.Header.Get("Content-Encoding"), Type: res.Header.Get("Content-Type"), Status: res.StatusCode, Sent: c.sent, Decision: c.choice.Decision}}
	if !s.hold(len(c.head)) {
		g.stats.Behind.Add(1)
		return
	}
	res.Body = &tee{body: res.Body, s: s, gone: func() bool { return r.Context().Err() != nil }}
}

// sessionOf is the tool's own name of its session, where a header has it.
func sessionOf(h http.Header) string {
	return cmp.Or(h.Get("X-Claude-Code-Session-Id"), h.Get("Session_id"), h.Get("Session-Id"), h.Get("Conversation_id"), h.Get("X-Session-Id"))
}

// tee copies what is read of an answer. One goroutine has it.
type tee struct {
	body io.ReadCloser
	s    *Seen // nil once the copy was handed on, or given up
	gone func() bool
}

// Read implements io.Reader.
func (t *tee) Read(b []byte) (int, error) {
	n, err := t.body.Read(b)
	if t.s != nil {
		t.copy(b[:n])
	}
	if err != nil {
		t.end()
	}
	return n, err
}

// Close implements io.Closer. An answer that was not read to its end could not be passed on.
func (t *tee) Close() error {
	if t.s != nil {
		t.s.Gone = true
		t.end()
	}
	return t.body.Close()
}

func (t *tee) copy(b []byte) {
	s := t.s
	if s.First.IsZero() && len(b) > 0 {
		s.First = time.Now()
	}
	switch {
	case len(s.Answer)+len(b) > maxCopy:
		s.Done()
		s.g.stats.Large.Add(1)
		t.s = nil
	case !s.hold(len(b)):
		s.g.stats.Behind.Add(1)
		t.s = nil
	default:
		s.Answer = append(s.Answer, b...)
	}
}

// end hands the copy on.
func (t *tee) end() {
	s := t.s
	if s == nil {
		return
	}
	t.s = nil
	s.Ended, s.Gone = time.Now(), s.Gone || t.gone()
	select {
	case s.g.seen <- s:
	default:
		s.Done()
		s.g.stats.Behind.Add(1)
	}
}
