// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/release/releasetest"
)

// measureRollback rolls out releases whose truth is known, on channel canary with the hub's default pace, looking every hour: those that
// lose a fifth of the reward, and those that gain from nothing to a fifth. The peer looks as often with a test of two means that is
// made for one look.
func measureRollback(ctx context.Context, b *bench) ([]row, error) {
	seeds, goods := 2*b.seeds, 2*b.seeds
	if b.quick {
		seeds, goods = 20, 6
	}
	var rows []row
	for _, s := range []struct {
		id   string
		aDay int
	}{{"", 1_000_000}, {"/100k-a-day", 100_000}, {"/10k-a-day", 10_000}} {
		bad, err := rollouts(ctx, seeds, s.aDay, func(int) float64 { return -0.2 })
		if err != nil {
			return nil, err
		}
		good, err := rollouts(ctx, goods, s.aDay, func(i int) float64 { return []float64{0, 0, 0.05, 0.1, 0.2}[i%5] })
		if err != nil {
			return nil, err
		}
		mean, most, over, missed, peer := 0.0, 0.0, 0, 0, 0.0
		for _, o := range bad {
			share := 100 * float64(o.served) / float64(s.aDay)
			mean, most, peer = mean+share/float64(len(bad)), max(most, share), peer+100*float64(o.peerServed)/float64(s.aDay)/float64(len(bad))
			if share > 5 {
				over++
			}
			if !o.back {
				missed++
			}
		}
		back, peerBack, all := 0, 0, 0
		for _, o := range good {
			if o.back {
				back++
			}
			if o.peerBack {
				peerBack++
			}
			if o.stage == allOfCanary {
				all++
			}
		}
		rows = append(rows, row{ID: "rollback" + s.id, Ours: figure(mean), Unit: "% of a day's decisions", Peer: figure(peer), PeerName: "test of two means, each hour", N: len(bad),
			Note: fmt.Sprintf("%d decisions a day, planted -20 %%: mean of %d seeds; at most %.2f %%, above 5 %% in %d; not found within %d days in %d", s.aDay, len(bad), most, over, rollbackDays, missed)},
			row{ID: "rollback/good" + s.id, Ours: figure(100 * float64(back) / float64(len(good))), Unit: "% rolled back", Peer: figure(100 * float64(peerBack) / float64(len(good))), PeerName: "test of two means, each hour", N: len(good),
				Note: fmt.Sprintf("%d decisions a day, planted 0 %% (two in five), +5, +10, +20 %%: %d of %d reached all of canary within %d days", s.aDay, all, len(good), rollbackDays)})
	}
	return rows, nil
}

const (
	rollbackDays = 14
	allOfCanary  = 4 // the stage at which the channel has it whole, and there is nothing to compare with
	aDeveloper   = 50
)

// rolled is what became of a roll-out.
type rolled struct {
	back       bool
	served     int // decisions that the release made before it went back
	stage      int
	peerBack   bool
	peerServed int
}

// rollouts plays as many as there are seeds, on all cores.
func rollouts(ctx context.Context, seeds, aDay int, gain func(seed int) float64) ([]rolled, error) {
	out := make([]rolled, seeds)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range out {
		g.Go(func() error {
			out[i] = rollout(uint64(i+1), aDay, gain(i))
			return ctx.Err()
		})
	}
	return out, g.Wait()
}

func rollout(seed uint64, aDay int, gain float64) (o rolled) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	on := release.Start(release.Filter, "rel_"+strconv.FormatUint(seed, 10), release.Rollout{}, "", now)
	developers := aDay / aDeveloper
	trial := releasetest.New(seed, developers, gain)
	m := release.NewMonitor(release.Watch{Value: releasetest.OldValue})
	cells := make([]int, developers)
	begin := func() {
		trial.Reach(on.Release, release.Share(release.Canary, on.Stage))
		for d := range cells {
			cells[d] = m.Cell("", strconv.Itoa(on.Stage), trial.Name(d), trial.Reached[d])
		}
	}
	begin()
	var means [2]struct{ n, sum, squares float64 }
	pace := release.Pace{Lead: 24 * time.Hour, Patience: 7 * 24 * time.Hour}
	for range rollbackDays * 24 {
		for range aDay / 24 {
			d, s := trial.Decide()
			m.Add(cells[d], s)
			side := &means[0]
			if trial.Reached[d] {
				side = &means[1]
				o.served++
			}
			side.n, side.sum, side.squares = side.n+1, side.sum+s.Reward, side.squares+s.Reward*s.Reward
		}
		if !o.peerBack {
			o.peerServed = o.served
			z := 0.0
			if old, new := means[0], means[1]; new.n > 1 {
				variance := func(n, sum, squares float64) float64 { return (squares/n - sum/n*sum/n) / n }
				z = (new.sum/new.n - old.sum/old.n) / math.Sqrt(variance(new.n, new.sum, new.squares)+variance(old.n, old.sum, old.squares))
			}
			o.peerBack = z < -1.645
		}
		now = now.Add(time.Hour)
		next, changed := on.Next(m.Look(), pace, "", now)
		if !changed {
			continue
		}
		on = next
		if on.State == release.Back {
			o.back = true
			return o
		}
		if o.stage = on.Stage; on.Stage == allOfCanary {
			return o
		}
		begin()
	}
	return o
}
