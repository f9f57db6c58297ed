// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // OTLP exporters compress

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/web"
)

// stack is a hub and its edges in one process, talking to each other over the same HTTP as when they are apart.
type stack struct {
	hub   *hub.Hub
	edges []*edge.Edge
	names []string // of the edges, as the hub knows them

	web   net.Listener
	grpc  net.Listener
	serve []func(context.Context) error
}

// stackConfig is what differs between a demo and a person's own loop.
type stackConfig struct {
	dir    string
	listen string // host:port of pages and APIs
	otlp   string // host:port of OTLP/gRPC; empty for none
	hub    hub.Config
	edges  []edge.Config
	demo   bool
	found  func() []web.History
	log    *slog.Logger
}

// open brings the stack up: everything is listening when it returns, and nothing is served before serveAll.
func openStack(ctx context.Context, c stackConfig) (*stack, error) {
	s := &stack{}
	var err error
	if s.web, err = listen(c.listen); err != nil {
		return nil, err
	}
	c.hub.Dir = filepath.Join(c.dir, "hub")
	if s.hub, err = hub.New(ctx, c.hub); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, ec := range c.edges {
		e, err := edge.New(ctx, ec)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.edges, s.names = append(s.edges, e), append(s.names, ec.Contributor)
		ans, err := s.hub.Enlist(ctx, ec.Contributor, e.Public(), c.demo)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		if err := e.Connect(ctx, edge.Hub{URL: "http://" + s.web.Addr().String(), Token: ans.Token, Public: s.hub.Public()}); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if c.otlp != "" {
		if s.grpc, err = listen(c.otlp); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *stack) close() error {
	var errs []error
	for _, e := range s.edges {
		errs = append(errs, e.Close())
	}
	if s.hub != nil {
		errs = append(errs, s.hub.Close())
	}
	for _, l := range []net.Listener{s.web, s.grpc} {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// listen opens a loopback port, or says who may have it.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usagef("%q is not host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usagef("%s is not a loopback address: headrace up serves this machine only; run headrace edge and headrace hub behind your proxy for more", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &episode.Problem{Code: "listen/in-use", Message: "cannot listen on " + addr, Err: err,
			Hint: "is Headrace running already? Stop it, or choose another port with --listen (and --otlp for OTLP/gRPC)"}
	}
	return l, nil
}

// run serves pages and APIs and, with loops, turns edges and hub, until ctx ends. ready is called with the address to
// open when everything answers.
func (s *stack) run(ctx context.Context, site *web.Site, token string, loops bool, during func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	srv := &http.Server{Handler: s.handler(site, token), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	g.Go(func() error {
		if err := srv.Serve(s.web); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	var rpc *grpc.Server
	if s.grpc != nil {
		rpc = grpc.NewServer(grpc.MaxRecvMsgSize(edge.MaxRequest))
		s.edges[0].RegisterGRPC(rpc, func(_ context.Context, auth string) (edge.Principal, error) { return s.caller(auth, token), nil })
		g.Go(func() error { return rpc.Serve(s.grpc) })
	}
	if loops {
		for _, e := range s.edges {
			g.Go(func() error { return ended(e.Run(ctx)) })
		}
		g.Go(func() error { return ended(s.hub.Run(ctx)) })
	}
	stop := make(chan struct{})
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-stop:
		}
		if rpc != nil {
			rpc.Stop()
		}
		return srv.Close()
	})
	g.Go(func() error {
		err := during(ctx)
		close(stop)
		return err
	})
	return ended(g.Wait())
}

// ended makes the end that was asked for no error.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// handler puts everything on one port: /v1/ by token, /v2/ and /log/ for contributors, the rest are pages.
func (s *stack) handler(site *web.Site, token string) http.Handler {
	mux := http.NewServeMux()
	h := s.hub.Handler()
	mux.Handle("/v2/", h)
	mux.Handle("/log/", h)
	mux.Handle("POST /v1/enrol", h)
	api := s.edges[0].Handler(func(r *http.Request) edge.Principal { return s.caller(r.Header.Get("Authorization"), token) })
	// OTLP from this machine may come without a token: it is marked as unauthenticated, and policy decides what it is good for.
	mux.Handle("POST /v1/logs", web.Hosts(nil, api))
	mux.Handle("/v1/", web.Hosts(nil, web.Bearer(token, api)))
	mux.Handle("/", site)
	return mux
}

// caller is who sends: with this machine's token, the person whose machine it is.
func (s *stack) caller(authorization, token string) edge.Principal {
	if strings.TrimPrefix(authorization, "Bearer ") == token && token != "" {
		return edge.Principal{Authenticated: true}
	}
	return edge.Principal{Name: "unauthenticated"}
}

// me is the person at this machine.
func me() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "me"
}

// address is where a person opens the pages.
func (s *stack) address() string {
	_, port, _ := net.SplitHostPort(s.web.Addr().String())
	return "http://localhost:" + port
}

// freePort is for a turn that nobody watches.
const freePort = "127.0.0.1:0"
