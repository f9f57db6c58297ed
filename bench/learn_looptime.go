// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
)

// measureLoopTime lets a demo with a million decisions take its first turn, then lets new feedback come in, and times how
// long it takes until the release that is learned from all of it decides at an edge: delivered, screened, packed, admitted,
// curated, learned, through the gate, released, fetched.
func measureLoopTime(ctx context.Context, b *bench) ([]row, error) {
	decisions, fresh := 1_000_000, 10_000
	if b.quick {
		decisions, fresh = 30_000, 1_000
	}
	d, err := b.demo(ctx, 1, decisions, demoGain)
	if err != nil {
		return nil, err
	}
	defer d.remove()
	l, err := openLoop(ctx, b, d)
	if err != nil {
		return nil, err
	}
	took, err := l.time(ctx, fresh)
	if err := errors.Join(err, l.close()); err != nil {
		return nil, err
	}
	return []row{{ID: "loop-time", Ours: figure(took.all), Unit: "s", N: decisions + fresh, Seed: d.seed,
		Note: fmt.Sprintf("%d new decisions beside %d; edges %.1f s (read, filter, consent, pack, send and admission), hub to release %.1f s (curate %.1f, learn %.1f, gate %.1f), fetch %.1f s; reward immediate; statements follow after",
			fresh, decisions, took.edges, took.hub, took.curate, took.learn, took.gate, took.fetch)}}, nil
}

// loop is the hub and the edges that a demo left, in this process, talking over loopback.
type loop struct {
	hub   *hub.Hub
	edges []*edge.Edge
	names []string
	serve net.Listener
}

func openLoop(ctx context.Context, b *bench, d *demo) (l *loop, err error) {
	l = &loop{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	file, err := os.ReadFile(filepath.Join(b.root, "cmd", "headrace", "demo-policy.yaml"))
	if err != nil {
		return l, err
	}
	policy, err := consent.DecodePolicy(file)
	if err != nil {
		return l, err
	}
	maker, log := policy.Recipients()[0], slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelError}))
	if l.hub, err = hub.New(ctx, hub.Config{Dir: filepath.Join(d.state(), "hub"), Name: maker, Log: log}); err != nil {
		return l, err
	}
	if l.serve, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return l, err
	}
	go http.Serve(l.serve, l.hub.Handler()) //nolint:errcheck // ends with the listener
	found, err := filepath.Glob(filepath.Join(d.state(), "*", "edge.db"))
	if err != nil {
		return l, err
	}
	for _, db := range found {
		name := filepath.Base(filepath.Dir(db))
		to := edge.Hub{Name: maker, Contributor: name, Channel: "early"}
		e, err := edge.New(ctx, edge.Config{Dir: filepath.Dir(db), Hubs: []edge.Hub{to}, Policy: policy, Demo: true, Log: log})
		if err != nil {
			return l, err
		}
		l.edges, l.names = append(l.edges, e), append(l.names, name)
		ans, err := l.hub.Enlist(ctx, name, e.Public(), true)
		if err != nil {
			return l, err
		}
		to.URL, to.Token, to.Public = "http://"+l.serve.Addr().String(), ans.Token, l.hub.Public()
		if err := e.Connect(ctx, to); err != nil {
			return l, err
		}
	}
	if len(l.edges) == 0 {
		return l, errors.New("the demo left no edge")
	}
	return l, nil
}

func (l *loop) close() error {
	var errs []error
	if l.serve != nil {
		errs = append(errs, l.serve.Close())
	}
	for _, e := range l.edges {
		errs = append(errs, e.Close())
	}
	if l.hub != nil {
		errs = append(errs, l.hub.Close())
	}
	return errors.Join(errs...)
}

// loopTook is what a turn of the loop took, in seconds.
type loopTook struct{ all, edges, hub, curate, learn, gate, fetch float64 }

// time is what new feedback takes until it decides. It comes from developers who are new, too.
func (l *loop) time(ctx context.Context, fresh int) (took loopTook, err error) {
	world, err := sim.New(sim.Config{Seed: 2, Gain: demoGain, Decisions: fresh})
	if err != nil {
		return took, err
	}
	// What the demo released reaches everybody first: one release is rolled out at a time.
	if _, err := l.hub.Steer(ctx, "bench", release.Filter, "widen", true); err != nil {
		return took, err
	}
	before, err := l.hub.Rollouts(ctx, release.Filter)
	if err != nil {
		return took, err
	}
	lines, held := make([][]byte, len(l.edges)), make([]int, len(l.edges))
	for i, name := range l.names {
		err := world.Episodes(name, func(e *episode.Episode) (err error) {
			later(e, 4*7*24*time.Hour) // the demo's four weeks are over
			if lines[i], err = episode.Append(lines[i], e); err == nil {
				lines[i], held[i] = append(lines[i], '\n'), held[i]+1
			}
			return err
		})
		if err != nil {
			return took, err
		}
	}
	each := func(f func(i int, e *edge.Edge) error) error {
		var g errgroup.Group
		for i, e := range l.edges {
			g.Go(func() error { return f(i, e) })
		}
		return g.Wait()
	}
	begin := time.Now()
	err = each(func(i int, e *edge.Edge) error {
		if err := e.Deliver(ctx, edge.Principal{Authenticated: true}, lines[i], held[i]); err != nil {
			return err
		}
		return e.Turn(ctx)
	})
	if err != nil {
		return took, err
	}
	took.edges = time.Since(begin).Seconds()
	// The hub's turn goes on to statements once the release is rolled out; it is fetched as soon as it is.
	turned := make(chan error, 1)
	go func() { turned <- l.hub.Turn(ctx) }()
	now := before
	for now[0].Release == before[0].Release {
		select {
		case err := <-turned:
			return took, errors.Join(err, errors.New("the hub's turn ended without a release"))
		case <-time.After(10 * time.Millisecond):
		}
		if now, err = l.hub.Rollouts(ctx, release.Filter); err != nil {
			return took, errors.Join(err, <-turned)
		}
	}
	stats := l.hub.Stats()
	took.hub, took.curate, took.learn, took.gate = time.Since(begin).Seconds()-took.edges, stats.Curate.Seconds(), stats.Learn.Seconds(), stats.Gate.Seconds()
	// What is rolled out is signed first and shown then: a turn may be too early by that.
	for begun := time.Now(); ; {
		if err := each(func(_ int, e *edge.Edge) error { return e.Turn(ctx) }); err != nil {
			return took, errors.Join(err, <-turned)
		}
		if now[0].Stage == 1 && l.decides(now[0]) {
			break
		}
		if time.Since(begun) > 10*time.Second {
			return took, errors.Join(fmt.Errorf("%+v is rolled out, and does not decide; before it was %+v", now[0], before[0]), <-turned)
		}
	}
	took.all = time.Since(begin).Seconds()
	took.fetch = took.all - took.edges - took.hub
	return took, <-turned
}

// later moves an episode in time.
func later(e *episode.Episode, by time.Duration) {
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	move(&e.StartedAt)
	move(&e.EndedAt)
	e.ID += "-later"
	for i := range e.Suggestions {
		move(&e.Suggestions[i].ShownAt)
	}
	for i := range e.Decisions {
		move(&e.Decisions[i].At)
	}
	for i := range e.Outcomes {
		move(&e.Outcomes[i].ObservedAt)
	}
}

// decides says that the release decides at the first edge for a developer whom it has reached.
func (l *loop) decides(on release.Rollout) bool {
	name := ""
	for i := 0; !on.Reaches(release.Canary, name); i++ {
		name = fmt.Sprint("dev-", i)
	}
	return l.edges[0].Decide(edge.Principal{Name: name, Authenticated: true}, edge.DecideRequest{}).Release == on.Release
}
