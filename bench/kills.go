// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/headrace/headrace/internal/killtest"
)

// measureKills kills "headrace up" at random moments of its work, starts it again each time, and counts what was
// acknowledged and did not reach the hub, or reached it twice.
func measureKills(ctx context.Context, b *bench) ([]row, error) {
	dir, err := os.MkdirTemp(b.temp, "kills-")
	if err != nil {
		return nil, err
	}
	o := killtest.Options{Binary: b.bin, Dir: dir, Kills: 100, Seed: 1, Log: func(s string) { fmt.Fprintln(b.log, " ", s) }}
	if b.quick {
		o.Kills = 3
	}
	r, err := killtest.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("acknowledged: %d episodes, %d later outcomes; left unfinished, by kind of work: %v, nothing in %d; longest start after a kill %v",
		r.Acknowledged, r.Outcomes, r.Spread, r.Idle, r.Restart.Round(time.Millisecond))
	return []row{
		{ID: "kills", Ours: figure(float64(len(r.Lost) + len(r.Twice))), Unit: "episodes lost or twice", N: r.Kills, Seed: int64(o.Seed), Note: note},
		{ID: "kills/lost", Ours: figure(float64(len(r.Lost))), Unit: "episodes", N: r.Kills, Seed: int64(o.Seed), Note: "acknowledged, not at the hub"},
		{ID: "kills/twice", Ours: figure(float64(len(r.Twice))), Unit: "episodes", N: r.Kills, Seed: int64(o.Seed), Note: "more than once at the hub"},
	}, os.RemoveAll(dir)
}
