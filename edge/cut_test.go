// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
)

// cutter passes connections on to an address and cuts each after some bytes of what is sent, for as long as it has cuts.
type cutter struct {
	net.Listener
	to string

	mu   sync.Mutex
	rng  *rand.Rand
	cuts int // 0: no more
	done int
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, to: to, rng: rand.New(rand.NewPCG(1, 7))}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { c.pass(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return c
}

// after is how many bytes of the next connection are passed on; negative: all.
func (c *cutter) after() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cuts == 0 {
		return -1
	}
	c.cuts--
	c.done++
	return c.rng.Int64N(8000)
}

func (c *cutter) allow(cuts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts = cuts
}

func (c *cutter) pass(conn net.Conn) {
	defer conn.Close()
	up, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer up.Close()
	var src io.Reader = conn
	if n := c.after(); n >= 0 {
		src = io.LimitReader(conn, n)
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		io.Copy(conn, up)
		conn.Close()
	}()
	io.Copy(up, src)
	up.Close() // in the middle of whatever it is
	conn.Close()
	<-back
}

// TestUploadsThatAreCutAnywhereArriveOnce cuts the connection in the middle of layers, manifests and answers, and ends the hub
// and the edge in between; whatever was approved is at the hub once, with a receipt.
func TestUploadsThatAreCutAnywhereArriveOnce(t *testing.T) {
	l := newLoop(t)
	c := newCutter(t, strings.TrimPrefix(l.url, "http://"))
	url := l.url
	l.url = "http://" + c.Addr().String()
	e := l.edge("alder-bank")
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	failed := 0
	for i := range rounds {
		for k := range 12 { // a payload of some kilobytes
			l.send(e, one(fmt.Sprint(i, "-", k), "portal"))
		}
		c.allow(1 + i%4)
		if e.Turn(context.Background()) != nil {
			failed++
		}
		switch i % 5 {
		case 1:
			l.restartHub()
		case 3:
			l.close(e)
			e = l.edge("alder-bank")
		}
	}
	c.allow(0)
	l.url = url
	l.close(e)
	e = l.edge("alder-bank")
	l.turn(e)
	eps, _ := l.count("alder-bank")
	for id, n := range eps {
		if n != 1 {
			t.Errorf("%s is %d times at the hub", id, n)
		}
	}
	if len(eps) != rounds*12 {
		t.Errorf("%d records at the hub, want %d", len(eps), rounds*12)
	}
	l.close(e)
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "")
	l.ok(err)
	for _, b := range rows {
		if b.State != "received" || b.Receipt == nil {
			t.Errorf("bundle %s is %s: %s", b.ID, b.State, b.Note)
		}
	}
	if failed == 0 || c.done < rounds/2 {
		t.Errorf("only %d of %d turns failed by %d cuts: they hit nothing", failed, rounds, c.done)
	}
	t.Logf("%d cuts, %d of %d turns failed, %d bundles", c.done, failed, rounds, len(rows))
}
