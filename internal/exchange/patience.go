// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Impatient makes a transport give up a connection on which nothing has moved, either way, for so long: one whose other side
// accepts and says nothing, or takes nothing more.
func Impatient(t *http.Transport, patience time.Duration) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &moving{c, patience}, c.SetDeadline(time.Now().Add(patience))
	}
}

// moving is a connection whose deadline moves on with each byte.
type moving struct {
	net.Conn
	patience time.Duration
}

func (m *moving) moved(n int, err error) (int, error) {
	if n > 0 && err == nil {
		err = m.SetDeadline(time.Now().Add(m.patience))
	}
	return n, err
}

func (m *moving) Read(b []byte) (int, error) { return m.moved(m.Conn.Read(b)) }

func (m *moving) Write(b []byte) (int, error) { return m.moved(m.Conn.Write(b)) }
