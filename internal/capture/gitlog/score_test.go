// SPDX-License-Identifier: Apache-2.0

package gitlog_test

import (
	"testing"

	"github.com/headrace/headrace/internal/capture/gitlog/gitlogplay"
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
