// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

func BenchmarkEpisodes(b *testing.B) {
	w := simtest.World(b, sim.Config{Gain: 0.2})
	n := 0
	for b.Loop() {
		if err := w.Episodes("alder-bank", func(*episode.Episode) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "episodes/s")
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		simtest.World(b, sim.Config{Gain: 0.2})
	}
}

func BenchmarkTrue(b *testing.B) {
	w := simtest.World(b, sim.Config{Gain: 0.2})
	for b.Loop() {
		w.True(func(m map[string]any) bool { return m["language"] != "sql" && m["mean_logprob"].(float64) > -0.5 }, nil)
	}
}
