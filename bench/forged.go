// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/trusttest"
)

// measureForged sends changed bundles to a hub. A row is a reason, and its figure how many were refused for it.
func measureForged(ctx context.Context, b *bench) ([]row, error) {
	t, err := b.trial()
	if err != nil {
		return nil, err
	}
	o := trusttest.ForgeOptions{Options: t, Forgeries: 10_000}
	if b.quick {
		o.Forgeries = 300
	}
	r, err := trusttest.Forge(ctx, o)
	if err != nil {
		return nil, err
	}
	rows := []row{{ID: "forged", Ours: figure(float64(len(r.Passed))), Unit: "taken in", N: r.Tried, Seed: int64(o.Seed),
		Note: fmt.Sprintf("%d kinds of change, in turn, sent to a hub in a process of its own or as folders to verify: %q", r.Kinds, r.Passed)},
		{ID: "forged/other-reason", Ours: figure(float64(len(r.Other))), Unit: "refused for a reason that is not its own", N: r.Tried, Seed: int64(o.Seed), Note: fmt.Sprintf("%q", r.Other)}}
	inFolders, carried := r.InFolders(), 0
	for _, n := range inFolders {
		carried += n
	}
	rows = append(rows, row{ID: "forged/in-folders", Ours: figure(float64(carried)), Unit: "came in a folder", N: carried, Seed: int64(o.Seed),
		Note: fmt.Sprintf("of %d kinds, counted above where one was taken in or had another reason: %s", len(r.Carried), trusttest.Table(inFolders))})
	for _, reason := range slices.SortedFunc(maps.Keys(r.Reasons), func(a, b string) int {
		return cmp.Or(r.Reasons[b]-r.Reasons[a], strings.Compare(a, b))
	}) {
		var kinds []string
		for k, by := range r.ByKind {
			if by[reason] > 0 {
				kinds = append(kinds, fmt.Sprintf("%s (%d)", k, by[reason]))
			}
		}
		slices.Sort(kinds)
		rows = append(rows, row{ID: "forged/" + reason, Ours: figure(float64(r.Reasons[reason])), Unit: "refused", N: r.Tried, Seed: int64(o.Seed), Note: strings.Join(kinds, ", ")})
	}
	return rows, os.RemoveAll(o.Dir)
}
