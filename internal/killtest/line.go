// SPDX-License-Identifier: Apache-2.0

package killtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// Line is the network between two processes: it passes connections on to an address, which may change, and cuts as many as
// it is told to in the middle of whatever is under way.
type Line struct {
	l    net.Listener
	open sync.WaitGroup

	mu   sync.Mutex // guards what follows
	to   string
	rng  *rand.Rand
	cuts int
	done int
}

// cutWithin is how many bytes of a connection pass at most before it is cut.
const cutWithin = 8000

// NewLine listens on an address of its own. The same seed cuts after the same numbers of bytes.
func NewLine(seed uint64) (*Line, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Line{l: l, rng: rand.New(rand.NewPCG(seed, 7))}
	c.open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.open.Go(func() { c.pass(conn) })
		}
	})
	return c, nil
}

// Addr is where the line begins, as host:port.
func (c *Line) Addr() string { return c.l.Addr().String() }

// Close ends the line; connections that are under way end by themselves.
func (c *Line) Close() error {
	err := c.l.Close()
	c.open.Wait()
	return err
}

// To says where the line leads from now on, as host:port.
func (c *Line) To(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = addr
}

// Cut says that so many of the next connections are cut; 0 is none of them.
func (c *Line) Cut(connections int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts = connections
}

// Cuts is how many connections have been chosen to be cut so far. One that is shorter than its cut came through.
func (c *Line) Cuts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// next is where the next connection goes and how many bytes pass each way; negative: all.
func (c *Line) next() (to string, there, back int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cuts == 0 {
		return c.to, -1, -1
	}
	c.cuts--
	c.done++
	n := c.rng.Int64N(cutWithin)
	if c.rng.IntN(4) == 0 { // the answer breaks off
		return c.to, -1, n / 8
	}
	return c.to, n, -1
}

func (c *Line) pass(conn net.Conn) {
	defer conn.Close()
	to, there, back := c.next()
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer up.Close()
	var both sync.WaitGroup
	one := func(dst, src net.Conn, n int64) {
		if n < 0 {
			_, err := io.Copy(dst, src)
			if err == nil || errors.Is(err, net.ErrClosed) {
				if tcp, ok := dst.(*net.TCPConn); ok {
					tcp.CloseWrite()
					return
				}
			}
		} else {
			io.CopyN(dst, src, n)
		}
		up.Close() // in the middle of whatever it is
		conn.Close()
	}
	both.Go(func() { one(up, conn, there) })
	both.Go(func() { one(conn, up, back) })
	both.Wait()
}
