// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"io"
	"net/http"
	"regexp"
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
	// known, Lost those that could not be stored, Broken those whose answer the upstream broke off. All of them were answered.
	Large, Behind, Unread, Lost, Broken atomic.Int64
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
	res.Body = &tee{body: res.Body, s: s, length: res.ContentLength, gone: func() bool { return r.Context().Err() != nil }}
}

// sessionOf is the tool's own name of its session, where a header has it.
func sessionOf(h http.Header) string {
	return cmp.Or(h.Get("X-Claude-Code-Session-Id"), h.Get("Session_id"), h.Get("Session-Id"), h.Get("Conversation_id"), h.Get("X-Session-Id"))
}

// lastWords are what the last events of a stream say, in each dialect. Quotes within a text are escaped, and so are its lines.
var lastWords = regexp.MustCompile(`(?m)^data: ?\[DONE\]|"(finish_reason|stop_reason)": ?"|"type": ?"(message_stop|response\.(completed|incomplete|failed))"`)

// said reports whether all was said, though the stream was left open: many tools close it then.
func (s *Seen) said() bool {
	text, _ := captured.Open(s.Answer, s.AnswerEncoding)
	return lastWords.Match(text)
}

// tee copies what is read of an answer. One goroutine has it.
type tee struct {
	body   io.ReadCloser
	s      *Seen // nil once the copy was handed on, or given up
	length int64 // of the answer in bytes, negative where it was not said
	gone   func() bool
}

// Read implements io.Reader.
func (t *tee) Read(b []byte) (int, error) {
	n, err := t.body.Read(b)
	if t.s != nil {
		t.copy(b[:n])
	}
	if err != nil && t.s != nil {
		t.end(err == io.EOF, t.gone())
	}
	return n, err
}

// Close implements io.Closer. An answer that was not read to its end could not be passed on: whoever asked is gone.
func (t *tee) Close() error {
	if t.s != nil {
		t.end(false, true)
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

// end hands the copy on. What ended before its end was left by whoever asked, or the upstream broke it off.
func (t *tee) end(whole, gone bool) {
	s := t.s
	t.s = nil
	whole = whole || int64(len(s.Answer)) == t.length || s.said()
	if s.Ended, s.Gone = time.Now(), !whole; !whole && !gone {
		s.Done()
		s.g.stats.Broken.Add(1)
		return
	}
	select {
	case s.g.seen <- s:
	default:
		s.Done()
		s.g.stats.Behind.Add(1)
	}
}
