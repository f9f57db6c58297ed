// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/internal/capture/gitlog/gitlogplay"
)

const gitJoinSeed = 1000

// measureGitJoin makes histories of which it is known what became of each suggested line, and compares what is found out.
func measureGitJoin(ctx context.Context, b *bench) ([]row, error) {
	seeds := 20
	if b.quick {
		seeds = 3
	}
	var rows []row
	for k := gitlogplay.Plain; k <= gitlogplay.Reformatted; k++ {
		sum := map[string]*gitlogplay.Tally{}
		for _, what := range gitlogplay.Scored {
			sum[what] = &gitlogplay.Tally{}
		}
		for seed := range seeds {
			dir := filepath.Join(b.temp, "git-join")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return nil, err
			}
			w, err := gitlogplay.Generate(ctx, dir, gitlogplay.Options{Seed: gitJoinSeed + uint64(seed), Kind: k})
			if err != nil {
				return nil, err
			}
			score, err := gitlogplay.Score(ctx, w)
			if err != nil {
				return nil, err
			}
			for what, t := range score {
				sum[what].Add(t)
			}
			if err := os.RemoveAll(dir); err != nil {
				return nil, err
			}
		}
		note := ""
		worst := 1.0
		for i, what := range gitlogplay.Scored[:7] {
			t := sum[what]
			if i > 0 {
				note += ", "
			}
			note += fmt.Sprintf("%s %.3f/%.3f", what, t.Precision(), t.Recall())
			if i < 5 {
				worst = min(worst, t.Precision(), t.Recall())
			}
		}
		all, text := sum["committed"], sum["committed by text"]
		rows = append(rows, row{ID: "git-join/" + k.String(), Ours: figure(worst), Unit: "least of precision and recall", Peer: figure(min(text.Precision(), text.Recall())), PeerName: "committed, by the same text in the same file", N: all.N, Seed: gitJoinSeed,
			Note: fmt.Sprintf("precision/recall over %d histories: %s; %.3f of committed lines told exactly as they are (verbatim, changed or dropped)", seeds, note, float64(all.Exact)/float64(all.N))})
	}
	return rows, nil
}
