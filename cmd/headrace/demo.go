// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/native"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/patch"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
)

//go:embed demo-policy.yaml
var demoPolicy []byte

// demo shows the whole loop: three synthetic enterprises with an edge each, one hub.
func (c *upCmd) demo(e *env) error {
	drawn := sim.Config{Seed: c.Seed, Gain: c.Gain, Decisions: c.Decisions}
	world, err := sim.New(drawn)
	if err != nil {
		return err
	}
	policy, err := consent.DecodePolicy(demoPolicy)
	if err != nil {
		return err
	}
	dir := filepath.Join(e.dir, "demo", fmt.Sprintf("seed-%d-gain-%g-decisions-%d", c.Seed, c.Gain, c.Decisions))
	conf := stackConfig{dir: dir, listen: c.listen(), otlp: c.otlp(), demo: true, hub: hub.Config{Name: policy.Recipients()[0], Version: version(), Pace: release.Pace{Lead: time.Minute, Patience: time.Minute}, Log: logger(e.err)}}
	clock := newSimulated()
	if !c.Once { // a story is told, on simulated time
		conf.dir, conf.hub.Now, conf.hub.Pace = dir+"-live", clock.now, release.Pace{Lead: 20 * time.Hour, Patience: 68 * time.Hour}
	}
	for _, name := range world.Contributors() {
		conf.edges = append(conf.edges, edge.Config{Dir: filepath.Join(conf.dir, name), Now: conf.hub.Now, Hubs: []edge.Hub{{Name: policy.Recipients()[0], Contributor: name, Channel: "early"}}, Policy: policy,
			Demo: true, Canaries: world.Planted(), Log: logger(e.err)})
	}
	told := &story{drawn: drawn, clock: clock, file: filepath.Join(conf.dir, "day")}
	if last, err := told.last(); err != nil {
		return err
	} else if last >= 0 { // before anything looks at the clock
		clock.day.Store(int64(last))
	}
	s, err := openStack(e.ctx, conf)
	if err != nil {
		return err
	}
	defer s.close()
	if !c.Once {
		s.rest, told.stack = make(chan struct{}), s
		return c.live(e, s, nil, true, func(ctx context.Context) error { return told.play(ctx, world) })
	}
	return s.run(e.ctx, nil, "", false, func(ctx context.Context) error {
		n, readFor, err := s.feed(ctx, world)
		if err != nil {
			return err
		}
		if err := s.approvedTurn(ctx, "demo"); err != nil {
			return err
		}
		res, err := s.result(ctx, n, readFor)
		if err != nil {
			return err
		}
		if err := s.truth(ctx, world, res); err != nil {
			return err
		}
		return res.print(e.out, c.JSON)
	})
}

// offer asks the first enterprise to have instructions tried: somebody there is to look at what they change.
func (s *stack) offer(ctx context.Context) error {
	const text = "Read the tests of what you change. Change as little as does it, and add a test that fails without it.\n"
	p := instruct.New("Tests first", "Other teams kept more of their code with this. Whether yours do, a trial tells.",
		instruct.Change{Diff: patch.Unified(patch.DevNull, "b/AGENTS.md", nil, []byte(text))})
	payload, err := p.Marshal()
	if err == nil {
		_, err = s.hub.OfferInstructions(ctx, s.names[0], payload)
	}
	return err
}

// feed lets the synthetic tools of each enterprise send what they recorded, then, when that has left, what became known
// days later. It returns how many episodes were read and how long reading alone took.
func (s *stack) feed(ctx context.Context, world *sim.World) (episodes int, readSeconds float64, err error) {
	counts := make([]int, len(s.edges))
	took := make([]time.Duration, len(s.edges))
	var g errgroup.Group
	for i, e := range s.edges {
		g.Go(func() error {
			var err error
			if counts[i], took[i], err = read(ctx, e, func(emit func(*episode.Episode) error) error { return world.Episodes(s.names[i], emit) }); err != nil {
				return err
			}
			if err := e.Turn(ctx); err != nil {
				return err
			}
			_, late, err := read(ctx, e, func(emit func(*episode.Episode) error) error { return world.Late(s.names[i], emit) })
			took[i] += late
			return err
		})
	}
	err = g.Wait()
	for i := range counts {
		episodes += counts[i]
		readSeconds += took[i].Seconds()
	}
	return episodes, readSeconds, err
}

// read takes a tool's history through the reader into the edge. The history is piped, never written: raw text rests only
// in the vault.
func read(ctx context.Context, e *edge.Edge, history func(emit func(*episode.Episode) error) error) (n int, took time.Duration, err error) {
	start := time.Now()
	var receiving time.Duration
	r, w := io.Pipe()
	defer r.Close() // a writer that is still at it ends
	go func() {
		var buf []byte
		err := history(func(ep *episode.Episode) (err error) {
			if buf, err = episode.Append(buf, ep); err != nil {
				return err
			}
			if buf = append(buf, '\n'); len(buf) < 256<<10 {
				return nil
			}
			_, err = w.Write(buf)
			buf = buf[:0]
			return err
		})
		if err == nil {
			_, err = w.Write(buf)
		}
		w.CloseWithError(err)
	}()
	var lines []byte
	held := 0
	deliver := func() error {
		begin := time.Now()
		err := e.Deliver(ctx, edge.Principal{Authenticated: true}, lines, held)
		receiving += time.Since(begin)
		lines, held = lines[:0], 0
		return err
	}
	_, err = capture.ReadFrom(ctx, []capture.Source{native.Source{}}, "", capture.File{Path: "simulated", R: r}, func(ep *episode.Episode) (err error) {
		n++
		held++
		if lines, err = episode.Append(lines, ep); err != nil {
			return err
		}
		if lines = append(lines, '\n'); len(lines) < 1<<20 {
			return nil
		}
		return deliver()
	})
	if err == nil {
		err = deliver()
	}
	return n, time.Since(start) - receiving, err
}

// truth adds what the simulator knows: what the released filter is really worth on the population.
func (s *stack) truth(ctx context.Context, world *sim.World, res *result) error {
	if res.Gate == nil || res.Gate.Model == "" || res.Gain == nil {
		return nil
	}
	model, err := s.hub.Candidate(ctx, res.Gate.Model)
	if err != nil {
		return err
	}
	f := new(learn.Filter)
	if err := f.UnmarshalBinary(model); err != nil {
		return err
	}
	coarse, err := consent.NewCoarsener()
	if err != nil {
		return err
	}
	was, is := world.True(func(features map[string]any) bool { show, _ := f.Decide(features); return show }, coarse.Features)
	gain := is - was
	res.Gain.True = &gain
	return nil
}
