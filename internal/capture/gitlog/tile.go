// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"cmp"
	"slices"
)

// A stream is words in a row. Word 0 stands between what does not belong together, and matches nothing.
type stream struct {
	words []Word
	line  []int32 // of each word: a number that lines differ in
}

func (s *stream) add(line int32, words ...Word) {
	for _, w := range words {
		s.words, s.line = append(s.words, w), append(s.line, line)
	}
}

func (s *stream) gap() {
	if n := len(s.words); n > 0 && s.words[n-1] != 0 {
		s.words, s.line = append(s.words, 0), append(s.line, -1)
	}
}

// run is the shortest run of words that counts as the same text.
const run = 4

// tile is a run of n words that stands in both streams.
type tile struct{ r, a, n int }

// perGram bounds how often a run of common words is looked at.
const perGram = 48

// tiles finds runs of words of r in a, the longest first; no word of either is in two of them. Of runs of the same length
// the one comes first that stands beside another of its own, then the first of each stream.
func tiles(r, a []Word) []tile {
	at := map[uint64][]int32{}
	for j := 0; j+run <= len(a); j++ {
		if g, ok := gram(a[j:]); ok && len(at[g]) < perGram {
			at[g] = append(at[g], int32(j))
		}
	}
	var found []tile
	for i := 0; i+run <= len(r); i++ {
		g, ok := gram(r[i:])
		if !ok {
			continue
		}
		for _, j32 := range at[g] {
			j := int(j32)
			if i > 0 && j > 0 && r[i-1] == a[j-1] && r[i-1] != 0 && !skipped(at, r, a, i-1, j-1) {
				continue // part of one that begins earlier
			}
			n := 0
			for i+n < len(r) && j+n < len(a) && r[i+n] == a[j+n] && r[i+n] != 0 {
				n++
			}
			if n >= run {
				found = append(found, tile{i, j, n})
			}
		}
	}
	return place(found, len(r), len(a))
}

// skipped reports whether a run that begins at i and j was not looked at, because its words are too common.
func skipped(at map[uint64][]int32, r, a []Word, i, j int) bool {
	g, ok := gram(r[i:])
	if !ok {
		return true
	}
	list := at[g]
	return len(list) == perGram && int(list[perGram-1]) < j
}

func gram(w []Word) (uint64, bool) {
	h := uint64(14695981039346656037)
	for _, x := range w[:run] {
		if x == 0 {
			return 0, false
		}
		h = (h ^ uint64(x)) * 1099511628211
	}
	return h, true
}

// place takes tiles, the longest first, as far as no other has taken their words.
func place(found []tile, n, m int) (out []tile) {
	byLength := func(x, y tile) int {
		return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.r, y.r), cmp.Compare(x.a, y.a))
	}
	slices.SortFunc(found, byLength)
	inR, inA := make([]bool, n), make([]bool, m)
	take := func(t tile) {
		out = append(out, t)
		for k := range t.n {
			inR[t.r+k], inA[t.a+k] = true, true
		}
	}
	beside := func(t tile) bool { // it goes on where another ends, or ends where one goes on
		for _, o := range out {
			if d := t.r - o.r - o.n; d >= 0 && d < 24 && t.a-o.a-o.n >= 0 && t.a-o.a-o.n < 24 {
				return true
			}
			if d := o.r - t.r - t.n; d >= 0 && d < 24 && o.a-t.a-t.n >= 0 && o.a-t.a-t.n < 24 {
				return true
			}
		}
		return false
	}
	for len(found) > 0 {
		longest := found[0].n
		var same, rest []tile
		k := 0
		for ; k < len(found) && found[k].n == longest; k++ {
			part := free(found[k], inR, inA)
			for _, t := range part {
				if t.n == longest {
					same = append(same, t)
				} else {
					rest = append(rest, t)
				}
			}
		}
		found = found[k:]
		slices.SortStableFunc(same, func(x, y tile) int {
			switch bx, by := beside(x), beside(y); {
			case bx && !by:
				return -1
			case by && !bx:
				return 1
			}
			return 0
		})
		for _, t := range same {
			for _, p := range free(t, inR, inA) {
				if p.n == longest {
					take(p)
				} else {
					rest = append(rest, p)
				}
			}
		}
		if len(rest) > 0 {
			found = append(found, rest...)
			slices.SortFunc(found, byLength)
		}
	}
	return out
}

// free is what of a tile no other has taken, in parts that are long enough.
func free(t tile, inR, inA []bool) (out []tile) {
	start := 0
	for k := 0; k <= t.n; k++ {
		if k < t.n && !inR[t.r+k] && !inA[t.a+k] {
			continue
		}
		if k-start >= run {
			out = append(out, tile{t.r + start, t.a + start, k - start})
		}
		start = k + 1
	}
	return out
}
