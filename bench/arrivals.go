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
	note := fmt.Sprintf("%d bundles with %d records of %d contributors in %d tries; the hub killed %d times, senders %d times, %d connections cut; %d bundles carried a checkpoint; %d entries in the log; longest start after a kill %v; %.0f s",
		r.Bundles, r.Records, o.Contributors, r.Tries, r.HubKills, r.SenderKills, r.Cuts, r.Continued, r.LogSize, r.Restart.Round(time.Millisecond), time.Since(begin).Seconds())
	if wrong := r.Wrong(); len(wrong) > 0 {
		note += fmt.Sprintf("; %q", wrong[:min(10, len(wrong))])
	}
	one := func(id string, n int, unit, note string) row {
		return row{ID: id, Ours: figure(float64(n)), Unit: unit, N: o.Bundles, Seed: int64(o.Seed), Note: note}
	}
	unproven := o.Bundles - r.Proven
	return []row{one("intake", len(r.Lost)+len(r.Twice)+len(r.Changed)+len(r.Stray)+unproven, "records, bundles or entries lost, twice, changed or stray, or receipts unproven", note),
		one("intake/lost", len(r.Lost), "bundles or records", "with a receipt, not where curation reads them"),
		one("intake/twice", len(r.Twice), "records or entries", "more than once where curation reads them, or in the log"),
		one("intake/changed", len(r.Changed), "records", "not byte for byte what was sent"),
		one("intake/unproven", unproven, "receipts", "that the log's files, read whole with the hub's public key alone, do not bear out")}, os.RemoveAll(o.Dir)
}
