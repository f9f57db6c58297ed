// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"math"
	"slices"
)

// want is a line that is looked for in what a commit adds to a file.
type want struct {
	words []Word
	owner int // lines of one owner belong together: a suggestion, or what the commit took away of one
	hunk  int // of the commit, that took the line away; -1 for a line that is not in the file
}

// evidence is how much must speak for lines being somebody's and not just alike. A run of words speaks for it by the bits
// of its words less those of the places that it could have been found at by chance (after Karlin and Altschul 1990, "Methods
// for assessing the statistical significance of molecular sequence features"). A line of which the commit takes away the old
// form needs none.
type evidence struct {
	need func(owner int) float64 // of all that is found of an owner's lines
	all  func(owner int) float64 // the bits of all its words: where that is little, less is needed
	bits func(Word) float64
}

// little is the most that may be asked of a suggestion all of whose words say less.
const little = 20

// alone is how much must speak for a run of words that stands far from the others of its owner.
const alone = 8

// align finds lines in what a commit adds: for each word of each line its place in a, or -1. A line that is found in part
// was changed.
func align(wants []want, a *stream, hunkOf []int32, ev evidence) [][]int32 {
	var r stream
	var first []int // of each want, in r
	for i, w := range wants {
		if i > 0 && (w.owner != wants[i-1].owner || w.hunk != wants[i-1].hunk) {
			r.gap()
		}
		first = append(first, len(r.words))
		r.add(int32(i), w.words...)
	}
	found := make([][]int32, len(wants))
	for i, w := range wants {
		found[i] = slices.Repeat([]int32{-1}, len(w.words))
	}
	taken := make([]bool, len(a.words))
	set := func(t tile) {
		for k := range t.n {
			i := r.line[t.r+k]
			found[i][t.r+k-first[i]] = int32(t.a + k)
			taken[t.a+k] = true
		}
	}
	owner := func(t tile) int { return wants[r.line[t.r]].owner }
	byOwner := map[int][]tile{}
	for _, t := range tiles(r.words, a.words) {
		byOwner[owner(t)] = append(byOwner[owner(t)], t)
	}
	for o, list := range byOwner {
		slices.SortFunc(list, func(x, y tile) int { return x.r - y.r })
		size := 0
		for _, w := range wants {
			if w.owner == o {
				size += len(w.words)
			}
		}
		chance := math.Log2(float64(size) * float64(len(a.words)))
		var sure []tile
		best := 0.0
		for k, t := range list {
			score := -chance
			for _, w := range r.words[t.r : t.r+t.n] {
				score += ev.bits(w)
			}
			if wants[r.line[t.r]].hunk >= 0 || near(list, k) || score >= alone {
				sure = append(sure, t)
				best = max(best, score)
			}
		}
		need := ev.need(o)
		if need > 0 && need <= little { // who says little can only be known by little
			need = min(need, max(2, 0.6*(ev.all(o)-chance)))
		}
		if need > 0 && best < need {
			continue
		}
		for _, t := range sure {
			set(t)
		}
	}
	fill(wants, found, a, taken, hunkOf)
	return found
}

// near reports whether a tile stands, in both streams, close to one before or after it.
func near(list []tile, k int) bool {
	const reach = 40
	t := list[k]
	for _, d := range [...]int{-1, 1} {
		if k+d < 0 || k+d >= len(list) {
			continue
		}
		x, y := list[k+d], t
		if d > 0 {
			x, y = t, list[k+d]
		}
		if r, a := y.r-x.r-x.n, y.a-x.a-x.n; r < reach && a >= 0 && a < reach && max(list[k+d].n, t.n) >= 2*run {
			return true
		}
	}
	return false
}

// fill finds lines that are too short or too much changed for a run: between the lines of the same owner that were found,
// or in the same hunk, the line that shares the most words with it, at least half.
func fill(wants []want, found [][]int32, a *stream, taken []bool, hunkOf []int32) {
	place := func(i int) (first, last int32) { // of a line that was found
		first, last = -1, -1
		n := 0
		for _, j := range found[i] {
			if j >= 0 {
				if n++; first < 0 || j < first {
					first = j
				}
				last = max(last, j)
			}
		}
		if 2*n < len(found[i]) {
			return -1, -1
		}
		return first, last
	}
	for i := range wants {
		if f, _ := place(i); f >= 0 {
			continue
		}
		lo, hi := int32(0), int32(len(a.words)) // between these
		anchored := false
		for p := i - 1; p >= 0 && p >= i-6 && wants[p].owner == wants[i].owner; p-- {
			if _, last := place(p); last >= 0 {
				lo, anchored = last+1, true
				break
			}
		}
		for n := i + 1; n < len(wants) && n <= i+6 && wants[n].owner == wants[i].owner; n++ {
			if f, _ := place(n); f >= 0 {
				if f >= lo {
					hi, anchored = f, true
				}
				break
			}
		}
		switch {
		case wants[i].hunk >= 0:
			lo, hi = within(hunkOf, int32(wants[i].hunk), lo, hi)
		case !anchored:
			continue
		default:
			lo, hi = max(lo, hi-90), min(hi, lo+90)
		}
		best(wants[i].words, found[i], a, taken, lo, hi)
	}
}

// within narrows a range of words to those of a hunk, if any is.
func within(hunkOf []int32, hunk, lo, hi int32) (int32, int32) {
	for lo < hi && hunkOf[lo] != hunk {
		lo++
	}
	for hi > lo && hunkOf[hi-1] != hunk {
		hi--
	}
	return lo, hi
}

// best finds in a[lo:hi] the line most like the words, and notes where each of them is.
func best(words []Word, found []int32, a *stream, taken []bool, lo, hi int32) {
	var most float64
	var pick []int32
	for _, j := range found {
		if j >= 0 {
			taken[j] = false
		}
	}
	for j := lo; j < hi; {
		end := j + 1
		for end < hi && a.line[end] == a.line[j] {
			end++
		}
		if a.line[j] >= 0 {
			pairs := common(words, a.words[j:end], taken[j:end])
			n := 0
			for _, p := range pairs {
				if p >= 0 {
					n++
				}
			}
			if like := 2 * float64(n) / float64(len(words)+int(end-j)); like > most && 2*n >= len(words) && like >= 0.5 {
				most = like
				pick = pick[:0]
				for _, p := range pairs {
					if p >= 0 {
						p += j
					}
					pick = append(pick, p)
				}
			}
		}
		j = end
	}
	if pick != nil {
		copy(found, pick)
	}
	for _, j := range found {
		if j >= 0 {
			taken[j] = true
		}
	}
}

// common is a longest common subsequence of two lines: for each word of x its place in y, or -1. Words of y that are
// taken do not count.
func common(x, y []Word, taken []bool) []int32 {
	n, m := len(x), len(y)
	table := make([]int16, (n+1)*(m+1))
	equal := func(i, j int) bool { return x[i] == y[j] && !taken[j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			at := i*(m+1) + j
			if equal(i, j) {
				table[at] = table[at+m+2] + 1
			} else {
				table[at] = max(table[at+m+1], table[at+1])
			}
		}
	}
	out := slices.Repeat([]int32{-1}, n)
	for i, j := 0, 0; i < n && j < m; {
		switch at := i*(m+1) + j; {
		case equal(i, j):
			out[i] = int32(j)
			i, j = i+1, j+1
		case table[at+m+1] >= table[at+1]:
			i++
		default:
			j++
		}
	}
	return out
}
