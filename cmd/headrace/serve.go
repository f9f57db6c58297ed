// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/canary"
)

// service is what runs in a process: pages and APIs, the roles' loops, and what commands may ask of it.
type service struct {
	web      net.Listener
	secured  bool // web speaks TLS
	handler  http.Handler
	grpc     net.Listener // nil for none
	rpc      *grpc.Server
	machines net.Listener // of developers, TLS; nil for none
	sealed   http.Handler
	models   net.Listener // of the gateway; nil for none
	asked    http.Handler
	loops    []func(context.Context) error
	controls map[string]controls // by the state folder in which commands find them
	guard    *canary.Guard       // of what is answered; nil for none
}

// roomToSync lets two goroutines more run at a time than there are processors. One that waits for an fsync keeps its slot
// until the scheduler takes it back: on two processors intake gains a fifth.
var roomToSync = sync.OnceFunc(func() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2) })

// run serves and turns until ctx ends or during returns; during starts when everything answers.
func (s *service) run(ctx context.Context, during func(context.Context) error) error {
	if len(s.loops) > 0 {
		roomToSync()
	}
	if s.guard != nil {
		s.handler, s.sealed = s.guard.Handler(s.handler), s.guard.Handler(s.sealed)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, BaseContext: func(net.Listener) context.Context { return ctx }}
	if s.secured {
		srv.ErrorLog = log.New(io.Discard, "", 0) // strangers' handshakes
	}
	g.Go(func() error {
		if err := srv.Serve(s.web); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	var machines *http.Server
	if s.machines != nil {
		machines = &http.Server{Handler: s.sealed, ReadHeaderTimeout: 10 * time.Second, BaseContext: srv.BaseContext, ErrorLog: log.New(io.Discard, "", 0)} // strangers' handshakes
		g.Go(func() error {
			if err := machines.Serve(s.machines); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	var gateway *http.Server
	if s.models != nil {
		gateway = &http.Server{Handler: s.asked, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, BaseContext: srv.BaseContext}
		g.Go(func() error {
			if err := gateway.Serve(s.models); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	if s.grpc != nil {
		g.Go(func() error { return s.rpc.Serve(s.grpc) })
	}
	ready := make(chan struct{}, len(s.controls))
	for dir, c := range s.controls {
		g.Go(func() error { return c.serve(ctx, dir, s.guard, func() { ready <- struct{}{} }) })
	}
	for _, loop := range s.loops {
		g.Go(func() error { return ended(loop(ctx)) })
	}
	g.Go(func() error {
		<-ctx.Done()
		if s.rpc != nil {
			s.rpc.Stop()
		}
		if machines != nil {
			machines.Close()
		}
		if gateway != nil {
			gateway.Close()
		}
		return srv.Close()
	})
	g.Go(func() error {
		defer stop()
		for range s.controls {
			select {
			case <-ready:
			case <-ctx.Done():
				return nil
			}
		}
		return during(ctx)
	})
	return ended(g.Wait())
}

// secure makes pages and APIs of a hub speak TLS.
func (s *service) secure(h *hub.Hub, hosts []string) error {
	own, _ := os.Hostname()
	conf, err := h.ServerTLS(append([]string{own}, hosts...))
	if err != nil {
		return err
	}
	s.web, s.secured = tls.NewListener(s.web, conf), true
	return nil
}

// address is where others find pages and APIs.
func (s *service) address() string {
	a := reachable(s.web)
	if s.secured {
		a = "https" + strings.TrimPrefix(a, "http")
	}
	return a
}

// serveDevices opens the port where developers' machines deliver.
func (s *service) serveDevices(ed *edge.Edge, addr string, hosts []string, limits access.Limits) error {
	l, err := listenAnywhere(io.Discard, addr)
	if err != nil {
		return err
	}
	own, _ := os.Hostname()
	conf, err := ed.DeviceTLS(append([]string{own}, hosts...))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.machines, s.sealed = tls.NewListener(l, conf), limits.APIs(ed.DeviceHandler())
	return nil
}

// invite makes a one-time code for a developer's machine, as a command that the developer can paste.
func (s *service) invite(ctx context.Context, ed *edge.Edge, developer string) (string, error) {
	line, err := s.enrolLine()
	if err != nil {
		return "", err
	}
	code, err := ed.InviteDevice(ctx, developer)
	return line + code, err
}

// inviteOIDC is the command that every developer can paste, to log in.
func (s *service) inviteOIDC(ed *edge.Edge) (string, error) {
	line, err := s.enrolLine()
	if err != nil {
		return "", err
	}
	pin, err := ed.LoginPin()
	return line + "--login " + pin, err
}

// enrolLine is how a machine is enrolled with this edge, but for what proves whose it is.
func (s *service) enrolLine() (string, error) {
	if s.machines == nil {
		return "", &episode.Problem{Code: "device/no-port", Message: "this edge has no port for developers' machines", Hint: "set devices: HOST:PORT in edge.yaml; headrace up needs none: its agent is in the same process"}
	}
	return "headrace agent enrol https" + strings.TrimPrefix(reachable(s.machines), "http") + " ", nil
}

// maxHeader bounds what a request may say before its body: a token of an identity provider has some kilobytes.
const maxHeader = 64 << 10

// until is what a service does when it has said where it is: nothing more, until it is stopped.
func until(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// ended makes the end that was asked for no error.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen opens a loopback port.
func listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usagef("%q is not host:port", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usagef("%s is not a loopback address: headrace up serves this machine only; run headrace edge and headrace hub behind your proxy for more", addr)
	}
	return listenAnywhere(io.Discard, addr)
}

// listenAnywhere opens a port, and says so where others can reach it.
func listenAnywhere(w io.Writer, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &episode.Problem{Code: "listen/in-use", Message: "cannot listen on " + addr, Err: err,
			Hint: "is Headrace running already? Stop it, or choose another host:port with --listen (pages and APIs), --otlp (OTLP/gRPC), --devices (developers' machines) or gateway: {listen: …} in edge.yaml"}
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
	given := sha256.Sum256([]byte(strings.TrimPrefix(authorization, "Bearer ")))
	if want := sha256.Sum256([]byte(token)); token != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
		return edge.Principal{Authenticated: true}
	}
	return edge.Principal{Name: "unauthenticated"}
}
