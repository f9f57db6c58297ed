// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"sort"
)

// spans are sorted and apart.
type spans []span

// join sorts what was found and joins what overlaps or touches.
func join(found []finding) spans {
	sorted := slices.Clone(found)
	slices.SortFunc(sorted, func(a, b finding) int { return cmp.Compare(a.Start, b.Start) })
	var all spans
	for _, f := range sorted {
		if n := len(all); n > 0 && f.Start <= all[n-1][1] {
			all[n-1][1] = max(all[n-1][1], f.End)
		} else if f.End > f.Start {
			all = append(all, span{f.Start, f.End})
		}
	}
	return all
}

// within is how many bytes of at lie in s.
func (s spans) within(at span) (n int) {
	for i := sort.Search(len(s), func(i int) bool { return s[i][1] > at[0] }); i < len(s) && s[i][0] < at[1]; i++ {
		n += min(s[i][1], at[1]) - max(s[i][0], at[0])
	}
	return n
}

// whole says whether every byte of at lies in s.
func (s spans) whole(at span) bool { return s.within(at) == at[1]-at[0] }

// touched says whether any byte of at lies in s.
func (s spans) touched(at span) bool { return s.within(at) > 0 }

// size is how many bytes lie in s.
func (s spans) size() (n int) {
	for _, x := range s {
		n += x[1] - x[0]
	}
	return n
}

// keptBack says whether all that is labelled in a text was kept back: it was dropped, or each of its spans is replaced whole,
// or, where none is named, anything is.
func keptBack(s *sample, found spans, dropped bool) bool {
	if dropped {
		return true
	}
	all := s.all()
	for _, at := range all {
		if !found.whole(at) {
			return false
		}
	}
	return len(all) > 0 || len(found) > 0
}

// share is a part of a whole.
type share struct{ part, n float64 }

func (s *share) count(yes bool) {
	s.n++
	if yes {
		s.part++
	}
}

func (s share) value() float64 {
	if s.n == 0 {
		return 0
	}
	return s.part / s.n
}
