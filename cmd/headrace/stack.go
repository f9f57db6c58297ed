// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/user"
	"path/filepath"

	_ "google.golang.org/grpc/encoding/gzip" // OTLP exporters compress

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/web"
)

// stack is a hub and its edges in one process, talking to each other over the same HTTP as when they are apart.
type stack struct {
	hub   *hub.Hub
	edges []*edge.Edge
	names []string      // of the edges, as the hub knows them
	rest  chan struct{} // closed once the hub is to turn by itself: until then a story turns it; nil: at once

	web  net.Listener
	grpc net.Listener
}

// stackConfig is what differs between a demo and a person's own loop.
type stackConfig struct {
	dir    string
	listen string // host:port of pages and APIs
	otlp   string // host:port of OTLP/gRPC; empty for none
	hub    hub.Config
	edges  []edge.Config
	demo   bool
}

// openStack brings the stack up: its ports are open when it returns, and nothing is served before run.
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
		to := ec.Hubs[0] // this one
		s.edges, s.names = append(s.edges, e), append(s.names, to.Contributor)
		ans, err := s.hub.Enlist(ctx, to.Contributor, e.Public(), c.demo)
		if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == hub.CodeRevokedKey {
			ec.Log.Error("an edge is not connected: nothing leaves it", "contributor", to.Contributor, "err", p, "hint", p.Hint)
			continue
		}
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		to.URL, to.Token, to.Public = "http://"+s.web.Addr().String(), ans.Token, s.hub.Public()
		if err := e.Connect(ctx, to); err != nil {
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

// run serves pages and APIs and, with loops, turns edges and hub, until ctx ends or during returns.
func (s *stack) run(ctx context.Context, site *web.Site, token string, loops bool, during func(context.Context) error) error {
	sv := &service{web: s.web, handler: s.handler(site, token), grpc: s.grpc}
	if s.grpc != nil {
		sv.rpc = edgeGRPC(s.edges[0], token, true)
	}
	if loops {
		for _, e := range s.edges {
			sv.loops = append(sv.loops, e.Run)
		}
		sv.loops = append(sv.loops, func(ctx context.Context) error {
			if s.rest != nil {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-s.rest:
				}
			}
			return s.hub.Run(ctx)
		})
		c := edgeControls(s.edges[0], sv, site)
		c["mine"] = func(ctx context.Context, request string) (string, error) { return mineOf(ctx, s.edges[0], request) }
		sv.controls = map[string]controls{s.edges[0].Dir(): c, s.hub.Dir(): {
			"rollout": does[hubRolloutCmd](s.hub),
			"offer":   does[offerJob](s.hub),
			"audit":   func(ctx context.Context, job string) (string, error) { return auditOf(ctx, s.hub.Trail(), job) },
		}}
	}
	return sv.run(ctx, during)
}

// handler puts everything on one port: /v1/ by token, /v2/ and /log/ for contributors, the rest are pages.
func (s *stack) handler(site *web.Site, token string) http.Handler {
	mux := http.NewServeMux()
	h := s.hub.Handler()
	mux.Handle("/v2/", h)
	mux.Handle("/log/", h)
	mux.Handle("POST /v1/enrol", h)
	mux.Handle("/", edgeHandler(s.edges[0], site, token, nil, access.Limits{}, true))
	return mux
}

// me is the person at this machine.
func me() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "me"
}

// freePort is for a turn that nobody watches.
const freePort = "127.0.0.1:0"
