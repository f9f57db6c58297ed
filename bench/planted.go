// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/trusttest"
)

// measureCanaries plants strings at every way in and counts the places outside of seals where one stands after a full turn.
func measureCanaries(ctx context.Context, b *bench) ([]row, error) {
	n := 100_000
	if b.quick {
		n = 2000
	}
	return b.searched(ctx, "canaries", n, 0)
}

// measureRawRest does the same while agent, edge and hub are killed in the middle of their work.
func measureRawRest(ctx context.Context, b *bench) ([]row, error) {
	n, kills := 10_000, 24
	if b.quick {
		n, kills = 1000, 4
	}
	return b.searched(ctx, "raw-rest", n, kills)
}

func (b *bench) searched(ctx context.Context, id string, n, kills int) ([]row, error) {
	t, err := b.trial()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	r, err := trusttest.Search(ctx, trusttest.SearchOptions{Options: t, Canaries: n, Kills: kills})
	if err != nil {
		return nil, err
	}
	var ways, left []string
	for _, k := range slices.Sorted(maps.Keys(r.By)) {
		ways = append(ways, fmt.Sprintf("%s %d", k, r.By[k]))
	}
	pages := 0
	for _, n := range r.Pages {
		pages += n
	}
	for _, level := range slices.Sorted(maps.Keys(r.Left)) {
		left = append(left, fmt.Sprintf("%d %s", r.Left[level], level))
	}
	note := fmt.Sprintf("planted: %s; %d raw texts sealed at the edge; left: %s; of %d records of clean text, %d without a canary, %d were stopped for a canary and %d wait; %d processes killed on the way, three ended by faults; searched: %d files of %.1f MB, %d pages of %d kinds, all answers, all that was printed; %.0f s",
		strings.Join(ways, ", "), r.Sealed, strings.Join(left, ", "), r.Texts, r.Whole, r.Stopped, r.Waiting, r.Kills, r.Files, float64(r.Bytes)/1e6, pages, len(r.Pages), time.Since(begin).Seconds())
	if len(r.Found) > 0 {
		note += fmt.Sprintf("; %q", r.Found[:min(10, len(r.Found))])
	}
	return []row{{ID: id, Ours: figure(float64(len(r.Found))), Unit: "places where a planted string stands", N: r.Planted, Seed: int64(t.Seed), Note: note}}, os.RemoveAll(t.Dir)
}
