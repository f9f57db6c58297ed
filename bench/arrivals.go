// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/headrace/headrace/internal/trusttest"
)

// trial returns the options of a trial in a folder of its own.
func (b *bench) trial() (trusttest.Options, error) {
	dir, err := os.MkdirTemp(b.temp, "trial-")
	return trusttest.Options{Binary: b.bin, Dir: dir, Seed: 1, Log: func(s string) { fmt.Fprintln(b.log, " ", s) }}, err
}

// measureArrivals sends bundles from many contributors while hub and senders are killed and connections cut.
func measureArrivals(ctx context.Context, b *bench) ([]row, error) {
	t, err := b.trial()
	if err != nil {
		return nil, err
	}
	o := trusttest.IntakeOptions{Options: t, Contributors: 5, Bundles: 200, Kills: 20}
	switch {
	case b.quick:
		o.Contributors, o.Bundles, o.Kills = 3, 24, 9
	case b.long:
		o.Contributors, o.Bundles, o.Kills = 100, 10_000, 1000
	}
	begin := time.Now()
	r, err := trusttest.Intake(ctx, o)
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("%d bundles of %d contributors in %d tries; the hub killed %d times, senders %d times, %d connections cut; %d bundles carried a checkpoint; longest start after a kill %v; %.0f s",
		r.Bundles, o.Contributors, r.Tries, r.HubKills, r.SenderKills, r.Cuts, r.Continued, r.Restart.Round(time.Millisecond), time.Since(begin).Seconds())
	for _, wrong := range [][]string{r.Lost, r.Twice, r.Unproven, r.Stray} {
		if len(wrong) > 0 {
			note += fmt.Sprintf("; %q", wrong[:min(3, len(wrong))])
		}
	}
	one := func(id string, n int, unit, note string) row {
		return row{ID: id, Ours: figure(float64(n)), Unit: unit, N: o.Bundles, Seed: int64(o.Seed), Note: note}
	}
	unproven := o.Bundles - r.Proven
	return []row{one("intake", len(r.Lost)+len(r.Twice)+len(r.Stray)+unproven, "bundles lost, twice, stray or unproven", note),
		one("intake/lost", len(r.Lost), "bundles", "with a receipt, not at the hub"),
		one("intake/twice", len(r.Twice), "bundles, records or entries", "more than once at the hub or in its log"),
		one("intake/unproven", unproven, "receipts", "whose bundle the log, read whole with the hub's public key alone, does not show")}, os.RemoveAll(o.Dir)
}
