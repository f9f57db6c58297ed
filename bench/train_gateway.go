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
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/gateway"
)

const (
	gatewayRate        = 2000 // requests a second
	gatewayConnections = 32
	gatewayRounds      = 2
	// stubModel makes this program a server that answers as a model's does, and gatewayPeer an edge with a gateway before it.
	stubModel   = "stub-model"
	gatewayPeer = "gateway-edge"
)

// serveUntil serves until it is told to end, and says where.
func serveUntil(ctx context.Context, h http.Handler, stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: h}
	go func() { <-ctx.Done(); srv.Close() }()
	fmt.Fprintln(stdout, l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveModel answers with a stream of twenty pieces where one is asked for, else with the same text at once.
func serveModel(ctx context.Context, stdout io.Writer) error {
	return serveUntil(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(b), `"stream":true`) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"id":"c1","model":"stub","choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":100,"completion_tokens":20}}`, strings.Repeat("word ", 20))
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			io.WriteString(w, "data: {\"id\":\"c1\",\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "data: [DONE]\n\n")
	}), stdout)
}

// serveGateway runs an edge in dir whose gateway stands before the upstream.
func serveGateway(ctx context.Context, dir, upstream string, stdout io.Writer) error {
	e, err := edge.New(ctx, edge.Config{Dir: dir, Settle: time.Hour, Gateway: gateway.Config{Upstreams: []gateway.Upstream{{Name: "stub", Kind: gateway.OpenAI, URL: "http://" + upstream + "/v1"}}}})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	mux := http.NewServeMux()
	mux.Handle("/", e.Gateway())
	mux.HandleFunc("/said", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, e.GatewaySaid()) })
	err = serveUntil(ctx, mux, stdout)
	<-ended
	return errors.Join(err, e.Close())
}

// gatewayChild is what this program does as one of the two.
func gatewayChild(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if args[0] == stubModel {
		err = serveModel(ctx, stdout)
	} else {
		err = serveGateway(ctx, args[1], args[2], stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, args[0]+":", err)
		return 1
	}
	return 0
}

// measureGateway asks a stub for models at a fixed rate, directly and through an edge's gateway that captures all of it, in turns. What the
// gateway adds is the difference of the quantiles.
func measureGateway(ctx context.Context, b *bench) (rows []row, err error) {
	seconds := 10 * time.Second
	if b.quick {
		seconds = 3 * time.Second
	}
	stub, upstream, err := startSelf(ctx, stubModel)
	if err != nil {
		return nil, err
	}
	defer stub.stop()
	dir, err := os.MkdirTemp(b.temp, "gateway-")
	if err != nil {
		return nil, err
	}
	c, addr, err := startSelf(ctx, gatewayPeer, filepath.Join(dir, "edge"), upstream)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	token, err := os.ReadFile(filepath.Join(dir, "edge", "keys", "token"))
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct{ name, stream string }{{"whole", "false"}, {"stream", "true"}} {
		var n [gatewayConnections]int
		next := func(connection int) []byte {
			n[connection]++
			return fmt.Appendf(nil, `{"model":"stub","stream":%s,"messages":[{"role":"system","content":%q},{"role":"user","content":"%s %d/%d"}]}`, kind.stream, strings.Repeat("Be brief. ", 100), kind.name, connection, n[connection])
		}
		direct := &target{addr: upstream, path: "/v1/chat/completions", next: next, want: []byte("word ")}
		ours := &target{addr: addr, path: "/as/ada/v1/chat/completions", token: strings.TrimSpace(string(token)), next: next, want: direct.want}
		var d50, d99, o50, o99 []float64
		asked, ticks := 0, 0
		for range gatewayRounds {
			a, err := direct.open(ctx, gatewayConnections, gatewayRate, time.Second, seconds)
			if err != nil {
				return rows, err
			}
			d50, d99 = append(d50, us(a.quantile(0.5))), append(d99, us(a.quantile(0.99)))
			before := c.ticks()
			if a, err = ours.open(ctx, gatewayConnections, gatewayRate, time.Second, seconds); err != nil {
				return rows, err
			}
			ticks += c.ticks() - before
			o50, o99, asked = append(o50, us(a.quantile(0.5))), append(o99, us(a.quantile(0.99))), asked+a.requests
		}
		said, err := gatewaySaid(ctx, addr)
		if err != nil {
			return rows, err
		}
		note := fmt.Sprintf("%d/s sent whether or not answered, %d connections, %d rounds of %v each in turns, medians of the rounds; processor time a request %.0f µs; %s", gatewayRate, gatewayConnections, gatewayRounds, seconds, perRequest(ticks, asked), said)
		rows = append(rows, row{ID: "gateway/" + kind.name + "/p50", Ours: figure(median(o50) - median(d50)), Unit: "µs", N: asked, Note: fmt.Sprintf("added: %.0f through the gateway, %.0f directly; %s", median(o50), median(d50), note)},
			row{ID: "gateway/" + kind.name + "/p99", Ours: figure(median(o99) - median(d99)), Unit: "µs", N: asked, Note: fmt.Sprintf("added: %.0f through the gateway, %.0f directly", median(o99), median(d99))})
	}
	return rows, nil
}

// gatewaySaid waits until no more is captured, and returns what the gateway counted.
func gatewaySaid(ctx context.Context, addr string) (said string, err error) {
	for last := "-"; said != last; {
		last = said
		time.Sleep(time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/said", nil)
		if err != nil {
			return "", err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return "", err
		}
		said = string(b)
	}
	return said, nil
}
