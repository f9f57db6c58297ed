// SPDX-License-Identifier: Apache-2.0

package gitlog_test

import (
	"testing"

	"github.com/headrace/headrace/internal/capture/gitlog/gitlogplay"
	"github.com/headrace/headrace/internal/sharedtest"
)

// The measure proper, over many seeds, is headrace bench capture --only git-join.
func TestWhatBecameOfLinesIsMostlyTrue(t *testing.T) {
	for k := gitlogplay.Plain; k <= gitlogplay.Reformatted; k++ {
		w, err := gitlogplay.Generate(t.Context(), t.TempDir(), gitlogplay.Options{Seed: 41, Kind: k})
		if err != nil {
			t.Fatal(err)
		}
		score, err := gitlogplay.Score(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range gitlogplay.Scored[:5] {
			s := score[what]
			if s.Is < 200 || s.Precision() < 0.97 || s.Recall() < 0.95 || float64(s.Exact) < 0.94*float64(s.N) {
				t.Errorf("%v, %s: precision %.4f, recall %.4f, exact %.4f, of %d lines", k, what, s.Precision(), s.Recall(), float64(s.Exact)/float64(s.N), s.Is)
			}
		}
	}
}

// The recordings: 22 commits, for 20 of which the history of the session was recorded too.
func TestRecordedSessionsAreInTheirCommitsAndInNoOthers(t *testing.T) {
	r, err := gitlogplay.Recordings(t.Context(), sharedtest.Dir(t, "corpus/git-outcomes"), sharedtest.Dir(t, "corpus/claude-code/entire"))
	if err != nil {
		t.Fatal(err)
	}
	share := func(n, of int) float64 { return float64(n) / float64(max(1, of)) }
	t.Logf("%d commits of %d sessions add %d lines: %.3f joined to their session, %.3f to another; of the %d lines that the session suggested in the same words, %.3f",
		r.Commits, r.Sessions, r.Lines, share(r.Own, r.Lines), share(r.Other, r.Lines), r.SameText, share(r.Both, r.SameText))
	t.Logf("with the wrong sessions: %.5f of %d lines joined, %.5f where the commit is believed to name the session", share(r.ForgedJoined, r.Forged), r.Forged, share(r.ForgedBelieved, r.Forged))
	if r.Commits != 20 || r.Sessions != 17 || r.Lines != 2353 {
		t.Errorf("%d commits of %d sessions with %d lines", r.Commits, r.Sessions, r.Lines)
	}
	if share(r.Own, r.Lines) < 0.4 || share(r.Both, r.SameText) < 0.9 {
		t.Errorf("of %d lines, %d are joined to their session; of %d that it suggested in the same words, %d", r.Lines, r.Own, r.SameText, r.Both)
	}
	if share(r.Other, r.Own+r.Other) > 0.01 || share(r.ForgedJoined, r.Forged) > 0.001 || share(r.ForgedBelieved, r.Forged) > 0.005 {
		t.Errorf("joined to sessions that they are not of: %+v", r)
	}
}
