// SPDX-License-Identifier: Apache-2.0

package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/headrace/headrace/episode"
)

// Syslog is a server that takes rows as messages of RFC 5424: facility 13 (log audit), the row in JSON as the message.
//
// Over TCP messages are framed by their length (RFC 6587), over a Unix stream by line feeds; a Unix socket of datagrams and
// UDP take one each. Syslog has no acknowledgement. So each delivery over a stream is a connection of its own, which we end
// by saying that nothing more comes: a server that closes its side then has read all of it. UDP promises nothing.
type Syslog struct {
	network, address, app string
}

// patience is how long a server may take to be reached, to take rows, and to close its side after them. One that says
// nothing at all for as long counts as one that leaves connections open.
const patience = 5 * time.Second

// ParseSyslog reads an address: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH. app names this program to the server. Of the
// empty string it makes none.
func ParseSyslog(address, app string) (*Syslog, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err == nil {
		s := &Syslog{network: u.Scheme, address: u.Host, app: app}
		_, port, splitErr := net.SplitHostPort(u.Host)
		switch {
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
			s.address = u.Path
			return s, nil
		case (u.Scheme == "udp" || u.Scheme == "tcp") && splitErr == nil && u.Hostname() != "" && port != "" && strings.Trim(u.Path, "/") == "":
			return s, nil
		}
	}
	return nil, &episode.Problem{Code: "config/syslog", Message: fmt.Sprintf("syslog is %q", address), Hint: "use udp://HOST:514, tcp://HOST:601 or unix:///dev/log"}
}

// String is the address.
func (s *Syslog) String() string { return s.network + "://" + s.address }

// Send delivers rows.
func (s *Syslog) Send(ctx context.Context, rows []Row) error {
	c, framing, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer c.Close()
	for _, r := range rows {
		m, err := s.message(r)
		if err != nil {
			return fmt.Errorf("syslog: row %d: %w", r.Seq, err)
		}
		if err := errors.Join(c.SetWriteDeadline(time.Now().Add(patience)), write(c, framing(m))); err != nil {
			return fmt.Errorf("syslog: row %d: %w", r.Seq, err)
		}
	}
	if err := finish(c); err != nil {
		return fmt.Errorf("syslog: not all was read: %w", err)
	}
	return nil
}

func write(c net.Conn, b []byte) error {
	_, err := c.Write(b)
	return err
}

func (s *Syslog) dial(ctx context.Context) (net.Conn, func([]byte) []byte, error) {
	d := net.Dialer{Timeout: patience}
	alone := func(m []byte) []byte { return m }
	switch s.network {
	case "udp":
		c, err := d.DialContext(ctx, "udp", s.address)
		return c, alone, err
	case "tcp":
		c, err := d.DialContext(ctx, "tcp", s.address)
		return c, func(m []byte) []byte { return fmt.Appendf(nil, "%d %s", len(m), m) }, err
	}
	c, err := d.DialContext(ctx, "unixgram", s.address)
	if errors.Is(err, syscall.EPROTOTYPE) { // it is a stream
		c, err = d.DialContext(ctx, "unix", s.address)
		return c, func(m []byte) []byte { return append(m, '\n') }, err
	}
	return c, alone, err
}

// finish waits until the server of a stream has read all.
func finish(c net.Conn) error {
	stream, ok := c.(interface{ CloseWrite() error })
	if u, is := c.(*net.UnixConn); is && u.RemoteAddr().Network() == "unixgram" {
		ok = false
	}
	if !ok {
		return nil
	}
	if err := errors.Join(stream.CloseWrite(), c.SetReadDeadline(time.Now().Add(patience))); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c)
	if ne, is := errors.AsType[net.Error](err); is && ne.Timeout() {
		return nil // it leaves connections open
	}
	return err
}

// message is a row as RFC 5424 has it. Its message is the line that headrace audit --json prints.
func (s *Syslog) message(r Row) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	const logAudit, notice = 13, 5
	return fmt.Appendf(nil, "<%d>1 %s %s %s %d %s - %s", logAudit*8+notice, r.At.UTC().Format("2006-01-02T15:04:05.000000Z"),
		word(host, 255), word(s.app, 48), os.Getpid(), word(r.What, 32), b), nil
}

// word is a header field: printable ASCII without spaces, at most n of it, - for none.
func word(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(n, len(s))]
}
