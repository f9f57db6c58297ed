// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Which file is worth a trial is learned: from records that may only serve to judge nothing is offered.
func TestProposalsComeOfRecordsThatMayServeToLearn(t *testing.T) {
	until := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	w, err := sim.New(sim.Config{Seed: 4, Decisions: 6_000, Developers: 300, Draws: 1, Delays: true, Rules: &sim.Rules{Helps: 2.5, Hurts: 2.5}})
	if err != nil {
		t.Fatal(err)
	}
	const contributor = "alder-bank"
	var rows []dataset.Row
	err = w.Settled(contributor, until, func(ep *episode.Episode) error {
		ep = ep.Clone()
		ep.Privacy = &episode.Privacy{Level: episode.LevelSignal}
		for i := range ep.Artifacts { // as an edge names them
			ep.Artifacts[i].Digest = "ar_" + ep.Artifacts[i].Digest[len("sha256:"):][:32]
		}
		rows = append(rows, dataset.Row{Contributor: contributor, Episode: ep})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for purpose, want := range map[episode.Purpose]int{episode.PurposeEvaluate: 0, episode.PurposeReward: 1} {
		h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker", Now: func() time.Time { return until }})
		if err != nil {
			t.Fatal(err)
		}
		terms := &episode.Terms{Purposes: []episode.Purpose{purpose}, Recipients: []string{"maker"}}
		for i := range rows {
			rows[i].Episode.Terms = terms
		}
		s := &snapshot{manifest: &dataset.Manifest{ID: "sha256:1"}, rows: rows}
		if err := h.instruct(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		docs, err := h.db.DocumentsOf(t.Context(), sqlstore.DocInstructions, contributor)
		if err != nil || len(docs) != want {
			t.Errorf("for %s there are %d offers, %v; want %d", purpose, len(docs), err, want)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
