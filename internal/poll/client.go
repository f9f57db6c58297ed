// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// server is what there is to know of a kind of server besides its report.
type server struct {
	title, address string
	// sign puts the key into a request.
	sign func(r *http.Request, key string)
	// key says which key it takes and where one is made.
	key string
}

const (
	maxAnswer = 64 << 20         // bytes of one answer
	maxLine   = 4 << 20          // bytes of one line of a report
	maxReport = 4 << 30          // bytes of one file of a report
	patience  = 2 * time.Minute  // for one answer, and for how long a pass waits because a server asks it to
	unhurried = 15 * time.Minute // for one file of a report
	tries     = 4                // of one request
)

// client sends requests to one server.
type client struct {
	server
	base    *url.URL
	keyFile string
	key     string // of this pass: it is read anew for each
	http    *http.Client
}

func newClient(s server, base *url.URL, keyFile string) *client {
	return &client{server: s, base: base, keyFile: keyFile, http: &http.Client{
		// A key must not follow wherever a server points: net/http would send headers such as x-api-key along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// safe reports whether what is sent to u cannot be read on the way.
func safe(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func (c *client) readKey() error {
	b, err := os.ReadFile(c.keyFile)
	if err != nil {
		return &episode.Problem{Code: "poll/no-key", Message: "read the key for " + c.title, Err: err, Hint: c.server.key + "; write it into that file, readable by the edge alone"}
	}
	key := strings.TrimSpace(string(b))
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || r == ' ' }) {
		return &episode.Problem{Code: "poll/no-key", Message: c.keyFile + " does not hold a key for " + c.title, Hint: c.server.key + "; the file holds the key and nothing else"}
	}
	c.key = key
	return nil
}

// get asks for a document below the server's address. The body is nil where the server says that there is none.
func (c *client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	var body []byte
	err := c.again(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		resp, err := c.send(ctx, u, true)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusNoContent {
			body = nil
			return nil
		}
		if body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
			return &passing{err: fmt.Errorf("%s stopped in the middle of its answer: %w", c.title, err)}
		}
		if len(body) > maxAnswer {
			return c.unexpected("its answer is larger than %d MiB", maxAnswer>>20)
		}
		return nil
	})
	return body, err
}

// getJSON asks for a JSON object; it returns false where the server says that there is none.
func (c *client) getJSON(ctx context.Context, path string, query url.Values, into any) (bool, error) {
	body, err := c.get(ctx, path, query)
	if err != nil || body == nil {
		return false, err
	}
	if !lax.Decode(body, into) {
		return false, c.unexpected("its answer is not the JSON that is expected")
	}
	return true, nil
}

// lines reads a file of a report by a link that the server signed: it takes no key, and none is sent. each is called for
// every line that is not blank, and again from the first should the file have to be read again: begin says so.
func (c *client) lines(ctx context.Context, link string, begin func(), each func([]byte)) error {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || !safe(u) || u.Scheme == "http" && !c.plain() {
		return c.unexpected("it links to a file that is not to be had by https")
	}
	return c.again(ctx, func() error {
		begin()
		ctx, cancel := context.WithTimeout(ctx, unhurried)
		defer cancel()
		resp, err := c.send(ctx, u, false)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return c.split(resp.Body, each)
	})
}

// plain reports whether the server itself is reached without TLS, on this machine.
func (c *client) plain() bool { return c.base.Scheme == "http" }

// split calls each for every line of a report. A line that is too long is handed on cut: it does not read.
func (c *client) split(r io.Reader, each func([]byte)) error {
	var line []byte
	buf, total := make([]byte, 64<<10), int64(0)
	for {
		n, err := r.Read(buf)
		if total += int64(n); total > maxReport {
			return c.unexpected("a file of its report is larger than %d GiB", maxReport>>30)
		}
		for rest := buf[:n]; len(rest) > 0; {
			part, after, ended := bytes.Cut(rest, []byte{'\n'})
			line = append(line, part[:min(len(part), max(0, maxLine-len(line)))]...)
			if rest = after; ended {
				if len(bytes.TrimSpace(line)) > 0 {
					each(line)
				}
				line = line[:0]
			}
		}
		if errors.Is(err, io.EOF) {
			if len(bytes.TrimSpace(line)) > 0 {
				each(line)
			}
			return nil
		}
		if err != nil {
			return &passing{err: fmt.Errorf("%s stopped in the middle of a file: %w", c.title, err)}
		}
	}
}

// send sends one request. An answer is returned only where it is one: 200 or 204.
func (c *client) send(ctx context.Context, u *url.URL, signed bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, c.unexpected("it cannot be asked for that")
	}
	req.Header.Set("User-Agent", "headrace (+https://github.com/headrace/headrace)")
	if signed {
		req.Header.Set("Accept", "application/json")
		c.sign(req, c.key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the address of a signed link is a secret
		}
		return nil, &passing{err: &episode.Problem{Code: "poll/unreachable", Message: c.title + " at " + u.Host + " cannot be reached", Err: err,
			Hint: "check that this machine may reach it (a proxy is taken from HTTPS_PROXY); it is asked again within the hour"}}
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent {
		return resp, nil
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // for people to read; what is missing of it is missing
	return nil, c.refusal(resp, u, words(said))
}

// refusal is what an answer that is none means.
func (c *client) refusal(resp *http.Response, u *url.URL, said string) error {
	status := resp.Status
	if said != "" {
		status += ", saying: " + said
	}
	p := &episode.Problem{Message: c.title + " answered " + status}
	wait, asked := retryAfter(resp.Header, time.Now())
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests || code == http.StatusForbidden && asked:
		p.Code, p.Hint = "poll/rate-limited", "it has been asked too often, here or elsewhere with the same key; it is asked again within the hour"
		return &passing{err: p, wait: wait, asked: asked}
	case code >= 500 || code == http.StatusRequestTimeout:
		p.Code, p.Hint = "poll/unavailable", "its server has trouble; it is asked again within the hour"
		return &passing{err: p, wait: wait, asked: asked}
	case code == http.StatusUnauthorized:
		p.Code, p.Hint = "poll/key-refused", "the key in "+c.keyFile+" is wrong, expired or revoked: "+c.server.key
	case code == http.StatusForbidden:
		p.Code, p.Hint = "poll/not-allowed", "the key in "+c.keyFile+" may not read this: "+c.server.key
	case code == http.StatusNotFound:
		p.Code, p.Hint = "poll/not-found", "is "+u.Scheme+"://"+u.Host+u.Path+" right? Some servers say so, too, where a key may not know: "+c.server.key
	default:
		p.Code, p.Hint = "poll/answer", "this is not how its documentation says it answers: is url: right, or has the report changed?"
	}
	return p
}

// words is the beginning of what a server said, on one line.
func words(b []byte) string {
	s := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(b), ""), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// retryAfter is for how long a server wants to be left alone, if it says so.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.Atoi(v); err == nil && s >= 0 {
			return time.Duration(min(s, 1<<20)) * time.Second, true
		}
		if t, err := http.ParseTime(v); err == nil {
			return max(0, t.Sub(now)), true
		}
	}
	if h.Get("X-RateLimit-Remaining") == "0" { // GitHub
		if s, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return max(0, time.Unix(s, 0).Sub(now)), true
		}
	}
	return 0, false
}

// passing is an error that may be over soon.
type passing struct {
	err   error
	wait  time.Duration // how long the server says
	asked bool          // whether it does
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// again does f until it goes well, fails for good or has failed too often.
func (c *client) again(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		p, ok := errors.AsType[*passing](err)
		if err == nil || !ok {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := time.Second << (n - 1)
		if p.asked {
			wait = p.wait
		}
		if n == tries || wait > patience {
			return p.err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// unexpected says that a server does not answer as documented.
func (c *client) unexpected(format string, a ...any) error {
	return &episode.Problem{Code: "poll/answer", Message: c.title + ": " + fmt.Sprintf(format, a...), Hint: "is url: right, or has the report changed? What was read before stays"}
}

func (c *client) endless() error { return c.unexpected("it goes on for more than %d pages", maxPages) }

// pages calls one for each page of a list until there is no next; a page names the next by a word of the server's.
func (c *client) pages(one func(token string) (next string, err error)) error {
	seen := map[string]bool{}
	for token := ""; ; {
		next, err := one(token)
		if err != nil || next == "" {
			return err
		}
		if seen[next] || len(seen) >= maxPages {
			return c.endless()
		}
		seen[next], token = true, next
	}
}

// count is how many there are; nothing where that is no number of things.
func count(n lax.Number) float64 { return float64(n.Int()) }

// firstDay reads the first of some words that is there.
func firstDay(days ...lax.String) (int64, bool) {
	first := cmp.Or(days...)
	return parseDay(string(first))
}
