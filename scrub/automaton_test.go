// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Every keyword is visited, wherever it stands and whatever it overlaps: as by looking for each at every place.
func TestTheAutomatonFindsWhatASearchForEachKeywordFinds(t *testing.T) {
	rs := rules()
	a := newAutomaton(rs)
	folded := func(b []byte) []byte {
		b = bytes.Clone(b)
		for i := range b {
			b[i] = fold(b[i])
		}
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			k := rapid.SampledFrom(rs).Draw(t, "rule").keyword
			text = append(text, k[:rapid.IntRange(1, len(k)).Draw(t, "bytes")]...)
			if rapid.Bool().Draw(t, "apart") {
				text = append(text, rapid.SampledFrom([]string{" ", "X", "_", "İ", "9"}).Draw(t, "between")...)
			}
		}
		type place struct {
			Keyword    string
			Start, End int
		}
		want, got := map[place]int{}, map[place]int{}
		low := folded(text)
		for _, r := range rs {
			k := folded([]byte(r.keyword))
			for i := 0; i+len(k) <= len(low); i++ {
				if bytes.Equal(low[i:i+len(k)], k) {
					want[place{r.keyword, i, i + len(k)}]++
				}
			}
		}
		last := 0
		var found [lanes][]hit
		a.each(&found, text, func(r *rule, start, end int) {
			got[place{r.keyword, start, end}]++
			if stemEnd := min(end, start+stem); stemEnd < last {
				t.Fatalf("%q at %d comes after a keyword whose stem ends at %d", r.keyword, start, last)
			} else {
				last = stemEnd
			}
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("in %q: %s", text, d)
		}
	})
}
