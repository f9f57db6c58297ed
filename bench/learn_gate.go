// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/sim"
)

// turned draws a world, learns from three quarters of its developers and judges by the others.
func turned(ctx context.Context, cfg sim.Config, took *stages) (*gate.Report, *learn.Filter, *sim.World, error) {
	at := time.Now()
	w, err := sim.New(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	var rows []dataset.Row
	for _, contributor := range w.Contributors() {
		last := ""
		err := w.Episodes(contributor, func(e *episode.Episode) error {
			if id := e.Decisions[0].DecisionID; id != last { // the copies that a client sent twice go first, as in curation
				last = id
				rows = append(rows, dataset.Row{Contributor: contributor, Episode: e})
			}
			return nil
		})
		if err != nil {
			return nil, nil, nil, err
		}
	}
	heldOut, train := dataset.Split(dataset.Decisions(rows), gate.HeldOut(fmt.Append(nil, "split ", cfg.Seed)))
	at = took.add(0, at)
	f, _, err := learn.Fit(ctx, train, learn.Options{Kind: learn.Logistic})
	if err != nil {
		return nil, nil, nil, err
	}
	at = took.add(1, at)
	r := gate.Evaluate(heldOut, f, gate.Options{Look: gate.Look{Kind: "filter", Number: 1}}) // as a hub does first
	took.add(2, at)
	return &r, f, w, nil
}

// stages is how long simulating, fitting and judging took.
type stages struct {
	mu   sync.Mutex
	took [3]time.Duration
}

func (s *stages) add(k int, since time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[k] += time.Since(since)
	return time.Now()
}

func (s *stages) String() string {
	all := (s.took[0] + s.took[1] + s.took[2]).Seconds()
	return fmt.Sprintf("simulating %.0f %%, fitting %.0f %%, judging %.0f %% of %.0f s", 100*s.took[0].Seconds()/all, 100*s.took[1].Seconds()/all, 100*s.took[2].Seconds()/all, all)
}

// measurePower counts how many candidates are released where there are 20 % to be gained.
func measurePower(ctx context.Context, b *bench) ([]row, error) {
	n, cfg := 2*b.seeds, sim.Config{Gain: 0.2, Decisions: 100_000, Draws: 1 << 16}
	var took stages
	var mu sync.Mutex
	released, covered := 0, 0
	err := seeds(ctx, n, func(seed int64) error {
		cfg := cfg
		cfg.Seed = seed
		r, f, w, err := turned(ctx, cfg, &took)
		if err != nil {
			return err
		}
		old, new := w.True(func(m map[string]any) bool { show, _ := f.Decide(m); return show }, nil)
		mu.Lock()
		defer mu.Unlock()
		if r.Verdict == gate.Released {
			released++
		}
		if r.Gain != nil && r.Gain.Lower <= new-old && new-old <= r.Gain.Upper {
			covered++
		}
		return nil
	})
	return []row{{ID: "power", Ours: figure(float64(released)), Unit: "released", N: n, Seed: 1,
		Note: fmt.Sprintf("of %d seeds with 20 %% to gain, 100,000 decisions of 1,400 developers, logistic; %d intervals hold the true gain; %s", n, covered, &took)}}, err
}

// measureFalseRelease counts how many candidates are released that are truly worth nothing: half of them by construction
// exactly, half learned where there is nothing to be gained.
func measureFalseRelease(ctx context.Context, b *bench) ([]row, error) {
	n := b.seeds // of each
	t, err := worthNothing(600)
	if err != nil {
		return nil, err
	}
	old, new := t.truth()
	var mu sync.Mutex
	exactly, learned, worse := 0, 0, 0
	err = seeds(ctx, n, func(seed int64) error {
		r := gate.Evaluate(t.decisions(seed), t.model, gate.Options{})
		if r.Gain == nil {
			return fmt.Errorf("seed %d: %+v", seed, r.Reasons)
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Verdict == gate.Released {
			exactly++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var took stages
	err = seeds(ctx, n, func(seed int64) error {
		r, f, w, err := turned(ctx, sim.Config{Seed: seed, Gain: 0, Draws: 1 << 16}, &took)
		if err != nil {
			return err
		}
		old, new := w.True(func(m map[string]any) bool { show, _ := f.Decide(m); return show }, nil)
		mu.Lock()
		defer mu.Unlock()
		if new <= old {
			worse++
		}
		if r.Verdict == gate.Released {
			learned++
		}
		return nil
	})
	return []row{{ID: "false-release", Ours: figure(float64(exactly + learned)), Unit: "released", N: 2 * n, Seed: 1,
		Note: fmt.Sprintf("%d of %d whose true gain is %.0e (600 developers who differ, of uneven size), %d of %d learned at a planted gain of 0, of which %d are truly worth no more than the logged policy; %s", exactly, n, new-old, learned, n, worse, &took)}}, err
}
