// SPDX-License-Identifier: Apache-2.0

package trail_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/trail"
)

// collector is a syslog server of one kind: it gives out each message.
type collector struct {
	address string
	got     chan string
	close   func() error
}

func collect(t *testing.T, network, at string) *collector {
	t.Helper()
	c := &collector{got: make(chan string, 10000)}
	switch network {
	case "udp", "unixgram":
		l, err := net.ListenPacket(network, at)
		if err != nil {
			t.Fatal(err)
		}
		c.close, c.address = l.Close, l.LocalAddr().String()
		go func() {
			b := make([]byte, 1<<16)
			for {
				n, _, err := l.ReadFrom(b)
				if err != nil {
					return
				}
				c.got <- string(b[:n])
			}
		}()
	default:
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		c.close, c.address = l.Close, l.Addr().String()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				c.read(t, conn, network)
			}
		}()
	}
	t.Cleanup(func() { c.close() })
	return c
}

func (c *collector) read(t *testing.T, conn net.Conn, network string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		if network == "unix" {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			c.got <- strings.TrimSuffix(line, "\n")
			continue
		}
		size, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil {
			t.Error(err)
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		c.got <- string(b)
	}
}

// next waits for a message. The deadline is there for a test that fails.
func (c *collector) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-c.got:
		return m
	case <-time.After(time.Minute):
		t.Fatal("no message came")
		return ""
	}
}

var rfc5424 = regexp.MustCompile(`^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [!-~]{1,255} headrace-edge \d+ [!-~]{1,32} - (\{.*\})$`)

// TestRowsReachASyslogServerAndVerifyThere sends to a real listener of each kind, one that comes up late, and checks the chain
// from what arrived.
func TestRowsReachASyslogServerAndVerifyThere(t *testing.T) {
	for _, network := range []string{"udp", "tcp", "unixgram", "unix"} {
		t.Run(network, func(t *testing.T) {
			at := "127.0.0.1:0"
			scheme := network
			if strings.HasPrefix(network, "unix") {
				dir, err := os.MkdirTemp("", "log") // a socket's path must be short
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				at, scheme = filepath.Join(dir, "log"), "unix"
			}
			c := collect(t, network, at)
			m := newMemory()
			k := newKeeper(t, m)
			var err error
			if k.Syslog, err = trail.ParseSyslog(scheme+"://"+c.address, "headrace-edge"); err != nil {
				t.Fatal(err)
			}
			m.add(40)
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { k.Run(ctx) })
			t.Cleanup(func() { stop(); wg.Wait() })
			var export bytes.Buffer
			for i := range 80 {
				if i == 40 {
					m.add(40)
				}
				row := rfc5424.FindStringSubmatch(c.next(t))
				if row == nil {
					t.Fatal("not as RFC 5424 has it")
				}
				fmt.Fprintln(&export, row[1])
			}
			h, err := m.TrailHead(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := trail.Verify(trail.Read(&export), h); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhatAServerMissedIsSentLater: a server that is away, or goes away before it has read all, gets each row once it is back.
func TestWhatAServerMissedIsSentLater(t *testing.T) {
	dir, err := os.MkdirTemp("", "log") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := filepath.Join(dir, "log")
	m := newMemory()
	k := newKeeper(t, m)
	if k.Syslog, err = trail.ParseSyslog("unix://"+at, "headrace-edge"); err != nil {
		t.Fatal(err)
	}
	m.add(3)
	if err := k.Forward(t.Context()); err == nil {
		t.Fatal("sent to nobody")
	}
	if s, err := k.State(t.Context()); err != nil || s.Away == "" || s.Unsent != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	// It takes the connection, reads a little and dies.
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conn.Read(make([]byte, 10))
		conn.Close()
	}()
	if err := k.Forward(t.Context()); err == nil {
		t.Fatal("taken as read")
	}
	l.Close()
	second := collect(t, "unix", at)
	if err := k.Forward(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		var r trail.Row
		if err := json.Unmarshal([]byte(rfc5424.FindStringSubmatch(second.next(t))[1]), &r); err != nil || r.Seq != int64(i+1) {
			t.Errorf("row %d, want %d; %v", r.Seq, i+1, err)
		}
	}
	if s, err := k.State(t.Context()); err != nil || s.Away != "" || s.Unsent != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSyslogAddresses(t *testing.T) {
	for address, ok := range map[string]bool{"udp://siem.example:514": true, "tcp://[2001:db8::1]:601": true, "unix:///dev/log": true,
		"siem.example:514": false, "udp://siem.example": false, "tls://siem.example:6514": false, "unix://dev/log": false, "udp://u@x:1": false, "tcp://x:1/y": false, "tcp://:601": false, "%": false} {
		s, err := trail.ParseSyslog(address, "x")
		if (err == nil) != ok || ok && s.String() != address {
			t.Errorf("%s: %v, %v", address, s, err)
		}
	}
	if s, err := trail.ParseSyslog("", "x"); s != nil || err != nil {
		t.Error(s, err)
	}
}
