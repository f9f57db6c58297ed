// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
)

// service is one role in a process of its own.
type service struct {
	dir      string // of the role's state
	web      net.Listener
	handler  http.Handler
	grpc     net.Listener // nil for none
	rpc      *grpc.Server
	loop     func(context.Context) error
	controls controls
}

// run serves and turns until ctx ends; ready is called when everything answers.
func (s *service) run(ctx context.Context, ready func()) error {
	g, ctx := errgroup.WithContext(ctx)
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	g.Go(func() error {
		if err := srv.Serve(s.web); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	if s.grpc != nil {
		g.Go(func() error { return s.rpc.Serve(s.grpc) })
	}
	g.Go(func() error { return s.controls.serve(ctx, s.dir, ready) })
	g.Go(func() error { return s.loop(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		if s.rpc != nil {
			s.rpc.Stop()
		}
		return srv.Close()
	})
	return ended(g.Wait())
}

// listenAnywhere opens a port, and says so where others can reach it.
func listenAnywhere(w io.Writer, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &episode.Problem{Code: "listen/in-use", Message: "cannot listen on " + addr, Err: err,
			Hint: "is Headrace running already? Stop it, or choose another host:port with --listen (and --otlp for OTLP/gRPC)"}
	}
	if !isLoopback(l) {
		fmt.Fprintf(w, "warning: %s can be reached from other machines, without encryption: put a proxy with TLS in front of it\n", addr)
	}
	return l, nil
}

func isLoopback(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// reachable is the address by which others find a listener.
func reachable(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	switch ip := net.ParseIP(host); {
	case ip.IsLoopback():
		host = "localhost"
	case ip.IsUnspecified():
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return "http://" + net.JoinHostPort(host, port)
}

// hostsOf are the names that pages and APIs answer to: those configured and the one that reachable gives out.
func hostsOf(l net.Listener, configured []string) []string {
	host, _, _ := net.SplitHostPort(strings.TrimPrefix(reachable(l), "http://"))
	return append([]string{host}, configured...)
}

// bearerOf is who sends: with the edge's token, a service that speaks for the developers whom its payloads name.
func bearerOf(authorization, token string) edge.Principal {
	if strings.TrimPrefix(authorization, "Bearer ") == token && token != "" {
		return edge.Principal{Authenticated: true}
	}
	return edge.Principal{Name: "unauthenticated"}
}
