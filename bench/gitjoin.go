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

// measureGitJoin makes histories of which it is known what became of each suggested line, and compares what is found out; and
// it follows what others have recorded.
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
	recorded, err := joinRecordings(ctx, b)
	return append(rows, recorded), err
}

// joinRecordings follows sessions that others have recorded through their commits.
func joinRecordings(ctx context.Context, b *bench) (row, error) {
	out := row{ID: "git-join/entire", Unit: "least of precision and recall"}
	patches, err := b.shared("corpus/git-outcomes")
	if err != nil {
		out.Note = err.Error()
		return out, nil
	}
	checkpoints, err := b.shared("corpus/claude-code/entire")
	if err != nil {
		out.Note = err.Error()
		return out, nil
	}
	r, err := gitlogplay.Recordings(ctx, patches, checkpoints)
	if err != nil {
		return out, err
	}
	share := func(n, of int) float64 { return float64(n) / float64(max(1, of)) }
	recall := share(r.Both, r.SameText)
	out.Ours, out.N = figure(min(share(r.Own, r.Own+r.Other), recall)), r.Lines
	out.Note = fmt.Sprintf("%d commits of %d recorded sessions: %.3f of their lines are joined to their session, %.3f to another; %.3f of the %d that the session suggested in the same words. "+
		"With sessions of other commits, %.5f are joined, %.5f where the commit is made to name them", r.Commits, r.Sessions, share(r.Own, r.Lines), share(r.Other, r.Lines), recall, r.SameText,
		share(r.ForgedJoined, r.Forged), share(r.ForgedBelieved, r.Forged))
	return out, nil
}
