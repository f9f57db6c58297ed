// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// emptyPeer makes this program an HTTP server that reads each request and answers 200: what no server in Go can be
// faster than. It is its own process, as Headrace is.
const emptyPeer = "empty-handler"

const emptyName = "empty net/http handler"

func serveEmpty(stdout, stderr io.Writer) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(stderr, "empty handler:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte("{}\n"))
	})}
	go func() { <-ctx.Done(); srv.Close() }()
	fmt.Fprintln(stdout, l.Addr())
	if err := srv.Serve(l); err != http.ErrServerClosed {
		fmt.Fprintln(stderr, "empty handler:", err)
		return 1
	}
	return 0
}

var hostPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// startEmpty starts the empty handler and returns its address.
func startEmpty(ctx context.Context) (*child, string, error) { return startSelf(ctx, emptyPeer) }

// startSelf starts this program as something else, and returns its address.
func startSelf(ctx context.Context, args ...string) (*child, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	c, err := start(exec.CommandContext(ctx, self, args...))
	if err != nil {
		return nil, "", err
	}
	addr, err := c.until(ctx, hostPort, 30*time.Second)
	if err != nil {
		c.stop()
	}
	return c, addr, err
}
