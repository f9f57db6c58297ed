// SPDX-License-Identifier: Apache-2.0

// Package simtest gives tests the decisions of a simulated world as a snapshot would hold them, without the pipe in
// between: flattened by package dataset, records sent twice removed, features as they are (they have no more than two
// significant digits, so leaving at level signal does not change them). It is for tests only.
package simtest

import (
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sim"
)

// World makes a world or fails the test.
func World(t testing.TB, cfg sim.Config) *sim.World {
	t.Helper()
	w, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Decisions returns every decision of the world, by contributor.
func Decisions(t testing.TB, w *sim.World) []dataset.Decision {
	t.Helper()
	var rows []dataset.Row
	for _, contributor := range w.Contributors() {
		last := ""
		err := w.Episodes(contributor, func(e *episode.Episode) error {
			if id := e.Decisions[0].DecisionID; id != last {
				last = id
				rows = append(rows, dataset.Row{Contributor: contributor, Episode: e})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dataset.Decisions(rows)
}
