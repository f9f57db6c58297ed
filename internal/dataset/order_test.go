// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestManyAreSortedAsFewAre holds the quick order against the plain one, with names that begin alike, are empty or end early.
func TestManyAreSortedAsFewAre(t *testing.T) {
	type item struct {
		contributor, id string
		day             int64
		revision        int
	}
	compare := func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.contributor, b.contributor), cmp.Compare(a.day, b.day), cmp.Compare(a.id, b.id), cmp.Compare(a.revision, b.revision))
	}
	rapid.Check(t, func(t *rapid.T) {
		begin := rapid.SampledFrom([]string{"", "ep_", "ep_0123456789"}).Draw(t, "begin")
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) item {
			return item{rapid.SampledFrom([]string{"", "a", "b", "b2"}).Draw(t, "contributor"), begin + rapid.StringOfN(rapid.RuneFrom([]rune("a\x00é")), 0, 12, -1).Draw(t, "id"),
				rapid.Int64Range(-1, 1).Draw(t, "day"), rapid.IntRange(0, 2).Draw(t, "revision")}
		})).Draw(t, "list")
		want := slices.Clone(list)
		slices.SortFunc(want, func(a, b item) int { return compare(&a, &b) })
		if SortFunc(list, func(i *item) (string, int64, string) { return i.contributor, i.day, i.id }, compare); !slices.Equal(list, want) {
			t.Fatalf("sorted to %v, not %v", list, want)
		}
	})
}
