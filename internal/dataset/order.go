// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// SortFunc sorts all as [slices.SortFunc] does by compare, which must order by what key gives first: contributor, day and id. It is
// for many: what is looked at again and again is a few numbers that lie side by side, of an id eight bytes, and compare is asked where these are alike.
func SortFunc[T any](all []T, key func(*T) (contributor string, day int64, id string), compare func(a, b *T) int) {
	if len(all) < 2 {
		return
	}
	rank := map[string]int32{}
	_, _, begin := key(&all[0])
	for i := range all {
		contributor, _, id := key(&all[i])
		rank[contributor] = 0
		begin = begin[:alike(begin, id)]
	}
	names := make([]string, 0, len(rank))
	for name := range rank {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		rank[name] = int32(i)
	}
	type place struct {
		day              int64
		head             uint64 // of the id, after what all ids begin with
		contributor, was int32
	}
	places := make([]place, len(all))
	for i := range all {
		contributor, day, id := key(&all[i])
		var head [8]byte
		copy(head[:], id[len(begin):])
		places[i] = place{day, binary.BigEndian.Uint64(head[:]), rank[contributor], int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.contributor != b.contributor:
			return cmp.Compare(a.contributor, b.contributor)
		case a.day != b.day:
			return cmp.Compare(a.day, b.day)
		case a.head != b.head:
			return cmp.Compare(a.head, b.head)
		}
		return compare(&all[a.was], &all[b.was])
	})
	were := slices.Clone(all)
	for i, p := range places {
		all[i] = were[p.was]
	}
}

// alike is how many bytes a and b begin with alike.
func alike(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
