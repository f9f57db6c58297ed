// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// target is a server and what is asked of it.
type target struct {
	addr, path, token string
	contentType       string // JSON where empty
	// next returns a connection's next body; it may use the same bytes again.
	next func(connection int) []byte
	// want is in the body of each answer.
	want []byte
}

// loaded is what came of a load.
type loaded struct {
	requests int
	seconds  float64
	took     []time.Duration // by request, sorted
}

func (l *loaded) rate() float64 { return float64(l.requests) / l.seconds }

// quantile returns the q-quantile of how long requests took.
func (l *loaded) quantile(q float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	return l.took[min(int(q*float64(len(l.took))), len(l.took)-1)]
}

// closed keeps connections busy, each with one request at a time, and counts what is answered after the warm-up.
func (t *target) closed(ctx context.Context, connections int, warm, length time.Duration) (*loaded, error) {
	begin := time.Now().Add(warm)
	return t.each(ctx, connections, length, func(id int, c *connection, out *loaded) error {
		for end := begin.Add(length); ; {
			sent := time.Now()
			if sent.After(end) {
				return nil
			}
			if err := c.ask(t, t.next(id)); err != nil {
				return err
			}
			if now := time.Now(); sent.After(begin) && now.Before(end) {
				out.requests++
				out.took = append(out.took, now.Sub(sent))
			}
		}
	})
}

// open sends at a fixed rate, whether or not earlier requests are answered. A request whose connection was still busy
// when it was due has waited since then; one that could be sent is timed from when it was.
func (t *target) open(ctx context.Context, connections int, perSecond float64, warm, length time.Duration) (*loaded, error) {
	every := time.Duration(float64(time.Second) / perSecond)
	start := time.Now().Add(10 * time.Millisecond)
	begin := start.Add(warm)
	return t.each(ctx, connections, length, func(id int, c *connection, out *loaded) error {
		for k := 0; ; k++ {
			due := start.Add(time.Duration(k*connections+id) * every)
			if due.After(begin.Add(length)) {
				return nil
			}
			from := due
			if wait := time.Until(due); wait > 0 {
				time.Sleep(wait)
				from = time.Now()
			}
			if err := c.ask(t, t.next(id)); err != nil {
				return err
			}
			if due.After(begin) {
				out.requests++
				out.took = append(out.took, time.Since(from))
			}
		}
	})
}

// each runs f on so many connections at a time and puts together what they counted.
func (t *target) each(ctx context.Context, connections int, length time.Duration, f func(id int, c *connection, out *loaded) error) (*loaded, error) {
	parts := make([]loaded, connections)
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for i := range connections {
		c, err := dial(ctx, t.addr)
		if err != nil {
			return nil, err
		}
		defer c.conn.Close()
		stop := context.AfterFunc(ctx, func() { c.conn.Close() })
		defer stop()
		wg.Go(func() { errs[i] = f(i, c, &parts[i]) })
	}
	wg.Wait()
	all := &loaded{seconds: length.Seconds()}
	for _, p := range parts {
		all.requests += p.requests
		all.took = append(all.took, p.took...)
	}
	slices.Sort(all.took)
	return all, errors.Join(errs...)
}

// connection speaks just enough HTTP/1.1 to cost little beside the server: on a small machine both share the processors.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte
}

func dial(ctx context.Context, addr string) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, in: bufio.NewReaderSize(conn, 4096)}, nil
}

// ask sends one request and reads its answer, which must be 200 and hold what the target wants.
func (c *connection) ask(t *target, body []byte) error {
	c.out = fmt.Appendf(c.out[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", t.path, t.addr, t.token, cmp.Or(t.contentType, "application/json"), len(body))
	c.out = append(c.out, body...)
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	said := string(bytes.TrimSpace(status))
	length, chunked := -1, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		chunked = chunked || bytes.EqualFold(name, []byte("Transfer-Encoding"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	switch {
	case chunked:
		if err := c.chunks(); err != nil {
			return err
		}
	case length < 0:
		return fmt.Errorf("%s: an answer without its length", said)
	default:
		c.body = slices.Grow(c.body[:0], length)[:length]
		if _, err := io.ReadFull(c.in, c.body); err != nil {
			return err
		}
	}
	if !ok || !bytes.Contains(c.body, t.want) {
		return fmt.Errorf("%s %s was answered %s: %s", t.addr, t.path, said, c.body)
	}
	return nil
}

// chunks reads a body that comes in chunks.
func (c *connection) chunks() error {
	c.body = c.body[:0]
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return err
		}
		at := len(c.body)
		c.body = slices.Grow(c.body, int(n)+2)[:at+int(n)+2] // and the line's end
		if _, err := io.ReadFull(c.in, c.body[at:]); err != nil {
			return err
		}
		if c.body = c.body[:at+int(n)]; n == 0 {
			return nil
		}
	}
}
