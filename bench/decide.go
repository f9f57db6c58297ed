// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
)

const (
	decideRate        = 2000 // requests a second
	decideConnections = 16
	decideRounds      = 2 // each of ours and the peer's, in turns
)

// measureDecide takes one demo turn, so that a release is in force, and asks its edge for decisions: over loopback beside
// an empty handler at the same rate, then in this process.
func measureDecide(ctx context.Context, b *bench) ([]row, error) {
	seconds, calls := 10*time.Second, 100_000
	if b.quick {
		seconds, calls = 2*time.Second, 20_000
	}
	asked, err := decideRequests(1024)
	if err != nil {
		return nil, err
	}
	d, served, err := b.decided(ctx)
	if err != nil {
		return nil, err
	}
	defer d.remove()
	in, err := decideIn(ctx, d, served, asked, calls)
	if err != nil {
		return nil, err
	}
	over, err := b.decideOver(ctx, d, served, asked, seconds, []int{decideRate})
	return append([]row{in}, over...), err
}

// measureDecideRates asks the demo's edge over loopback at two rates, beside an empty handler at the same.
func measureDecideRates(ctx context.Context, b *bench) ([]row, error) {
	seconds := 10 * time.Second
	if b.quick {
		seconds = 2 * time.Second
	}
	asked, err := decideRequests(1024)
	if err != nil {
		return nil, err
	}
	d, served, err := b.decided(ctx)
	if err != nil {
		return nil, err
	}
	defer d.remove()
	durable, err := decideDurable(ctx, d, served, asked, 100*int(seconds.Seconds()))
	if err != nil {
		return nil, err
	}
	rows, err := b.decideOver(ctx, d, served, asked, seconds, []int{decideRate, 5 * decideRate})
	for i, rate := range []int{decideRate, 5 * decideRate} {
		if i < len(rows) {
			rows[i].ID = fmt.Sprintf("decide/%d", rate)
		}
	}
	return append(rows, durable), err
}

// decided takes one demo turn after which a release is in force, and returns the folder of its first edge.
func (b *bench) decided(ctx context.Context) (*demo, string, error) {
	d, err := b.demo(ctx, 1, 40_000, 0.6) // fewer decisions and a larger gain than usual: a release is sure, and soon there
	if err != nil {
		return nil, "", err
	}
	edges, err := filepath.Glob(filepath.Join(d.state(), "*", "edge.db"))
	switch {
	case d.result.Release == nil:
		err = errors.New("the demo's gate refused: no release is in force")
	case err == nil && len(edges) == 0:
		err = errors.New("the demo left no edge")
	}
	if err != nil {
		d.remove()
		return nil, "", err
	}
	slices.Sort(edges) // the first contributor's edge is the one that is served
	dir := filepath.Dir(edges[0])
	e, err := openEdge(ctx, d, dir)
	if err != nil {
		d.remove()
		return nil, "", err
	}
	// A new release begins with few developers. Here it decides for all.
	if err := errors.Join(e.PinRelease(ctx, "bench", d.result.Release.ID), e.Close()); err != nil {
		d.remove()
		return nil, "", err
	}
	return d, dir, nil
}

// openEdge opens an edge of a demo. The hub is not running and need not be: the release was pulled and verified in the demo's turn,
// and verifies again.
func openEdge(ctx context.Context, d *demo, dir string) (*edge.Edge, error) {
	hub, err := keyring.Open(filepath.Join(d.state(), "hub", "keys"))
	if err != nil {
		return nil, err
	}
	return edge.New(ctx, edge.Config{Dir: dir, Hubs: []edge.Hub{{Name: "demo-maker", Contributor: filepath.Base(dir), Channel: "early", URL: "http://127.0.0.1:1", Public: hub.Public()}}})
}

// decideOver measures over loopback, a row for each rate. It moves the edge's folder.
func (b *bench) decideOver(ctx context.Context, d *demo, dir string, asked []edge.DecideRequest, seconds time.Duration, rates []int) (rows []row, err error) {

	bodies := make([][]byte, len(asked))
	for i := range asked {
		if bodies[i], err = json.Marshal(asked[i]); err != nil {
			return nil, err
		}
	}
	peer, addr, err := startEmpty(ctx)
	if err != nil {
		return nil, err
	}
	defer peer.stop()
	// "up" without the demo has one edge beside the hub: here the demo's, which has the release.
	one := filepath.Join(d.state(), "edge")
	if err := os.Rename(dir, one); err != nil {
		return nil, err
	}
	dir = one
	c, served, err := b.up(ctx, d.state(), "--otlp=", "--agent=none", "--policy", filepath.Join(b.root, "cmd", "headrace", "demo-policy.yaml"))
	if err != nil {
		return nil, err
	}
	defer c.stop()
	token, err := os.ReadFile(filepath.Join(dir, "keys", "token"))
	if err != nil {
		return nil, err
	}
	if err := c.quiet(ctx, 3*time.Minute); err != nil { // it looks for histories, in vain
		return nil, err
	}
	var turn [decideConnections]int
	next := func(connection int) []byte {
		turn[connection]++
		return bodies[(turn[connection]*decideConnections+connection)%len(bodies)]
	}
	ours := &target{addr: served, path: "/v1/decide", token: strings.TrimSpace(string(token)), next: next, want: []byte(`"release":"rel_`)}
	if err := released(ctx, ours); err != nil {
		return nil, err
	}
	empty := &target{addr: addr, path: "/v1/decide", next: next}
	for _, rate := range rates {
		var p99, peer99, p50 []float64
		n, ticks, peerTicks := 0, 0, 0
		for range decideRounds {
			before := c.ticks()
			a, err := ours.open(ctx, decideConnections, float64(rate), time.Second, seconds)
			if err != nil {
				return rows, err
			}
			ticks += c.ticks() - before
			p99, p50, n = append(p99, us(a.quantile(0.99))), append(p50, us(a.quantile(0.5))), n+a.requests
			before = peer.ticks()
			if a, err = empty.open(ctx, decideConnections, float64(rate), time.Second, seconds); err != nil {
				return rows, err
			}
			peerTicks += peer.ticks() - before
			peer99 = append(peer99, us(a.quantile(0.99)))
		}
		rows = append(rows, row{ID: "decide/loopback-p99", Ours: figure(median(p99)), Unit: "µs", Peer: figure(median(peer99)), PeerName: emptyName, N: n, Seed: d.seed,
			Note: fmt.Sprintf("%d/s sent whether or not answered, %d connections, %d rounds of %v each in turns, medians of the rounds; ours p50 %.0f µs; ours/peer %.2f; processor time a request %.0f µs, the peer's %.0f µs",
				rate, decideConnections, decideRounds, seconds, median(p50), median(p99)/median(peer99), perRequest(ticks, n), perRequest(peerTicks, n))})
	}
	return rows, nil
}

// perRequest is the processor time of one of n requests in microseconds, of hundredths of a second for all.
func perRequest(ticks, n int) float64 { return float64(ticks) * 1e4 / float64(max(n, 1)) }

// released asks once, and says what was answered where no release is in force.
func released(ctx context.Context, t *target) error {
	c, err := dial(ctx, t.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	return c.ask(t, t.next(0))
}

// decideIn measures Edge.Decide in this process, called at 10,000 a second with the decision log running.
func decideIn(ctx context.Context, d *demo, dir string, asked []edge.DecideRequest, calls int) (r row, err error) {
	e, err := openEdge(ctx, d, dir)
	if err != nil {
		return r, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	took := &loaded{}
	with, unlogged := 0, 0
	for begin := time.Now(); took.requests < calls && ctx.Err() == nil; {
		for due := int(time.Since(begin).Seconds() * 10_000); took.requests < min(due, calls); took.requests++ {
			at := time.Now()
			a := e.Decide(edge.Principal{Authenticated: true}, asked[took.requests%len(asked)])
			took.took = append(took.took, time.Since(at))
			if a.Release != "" {
				with++
			}
			if a.DecisionID == "" {
				unlogged++
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return r, errors.Join(err, e.Close())
	}
	if err := e.Close(); err != nil {
		return r, err
	}
	if with != calls {
		return r, fmt.Errorf("only %d of %d decisions were made by the release", with, calls)
	}
	slices.Sort(took.took)
	return row{ID: "decide/in-process-p99", Ours: figure(us(took.quantile(0.99))), Unit: "µs", N: calls, Seed: d.seed,
		Note: fmt.Sprintf("10,000/s, one caller, decision log on; p50 %.1f µs, largest %.0f µs; %d not logged", us(took.quantile(0.5)), us(took.quantile(1)), unlogged)}, nil
}

// decideRequests are requests about suggestions of the simulator.
func decideRequests(n int) (list []edge.DecideRequest, err error) {
	err = episodes(n, func(e *episode.Episode) error {
		list = append(list, edge.DecideRequest{Developer: e.Developer, Features: e.Suggestions[0].Features})
		return nil
	})
	return list, err
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	switch n := len(s); {
	case n == 0:
		return 0
	case n%2 == 0:
		return (s[n/2-1] + s[n/2]) / 2
	default:
		return s[n/2]
	}
}
