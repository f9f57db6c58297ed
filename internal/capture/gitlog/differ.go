// SPDX-License-Identifier: Apache-2.0

package gitlog

import "slices"

// maxCells bounds the table that two texts are compared in.
const maxCells = 4 << 20

// differ returns which lines only before has, and which only after has, by a longest common subsequence of lines that are
// equal word for word. Lines without a word are in neither.
func differ(before, after [][]Word) (gone, added []int) {
	b, a := worded(before), worded(after)
	equal := func(i, j int) bool { return slices.Equal(before[b[i]], after[a[j]]) }
	for len(b) > 0 && len(a) > 0 && equal(0, 0) {
		b, a = b[1:], a[1:]
	}
	for len(b) > 0 && len(a) > 0 && equal(len(b)-1, len(a)-1) {
		b, a = b[:len(b)-1], a[:len(a)-1]
	}
	n, m := len(b), len(a)
	if n == 0 || m == 0 || n*m > maxCells {
		return b, a
	}
	x, y := numbers(before, b, after, a)
	best := make([]int32, (n+1)*(m+1)) // of what is left, from each pair of places on
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			at := i*(m+1) + j
			if x[i] == y[j] {
				best[at] = best[at+m+2] + 1
			} else {
				best[at] = max(best[at+m+1], best[at+1])
			}
		}
	}
	i, j := 0, 0
	for i < n && j < m {
		switch at := i*(m+1) + j; {
		case x[i] == y[j]:
			i, j = i+1, j+1
		case best[at+m+1] >= best[at+1]:
			gone, i = append(gone, b[i]), i+1
		default:
			added, j = append(added, a[j]), j+1
		}
	}
	return append(gone, b[i:]...), append(added, a[j:]...)
}

// worded are the lines that have a word.
func worded(lines [][]Word) (out []int) {
	for i, l := range lines {
		if len(l) > 0 {
			out = append(out, i)
		}
	}
	return out
}

func pick(lines [][]Word, which []int) (out [][]Word) {
	for _, i := range which {
		out = append(out, lines[i])
	}
	return out
}

// numbers gives lines that are equal the same number.
func numbers(before [][]Word, b []int, after [][]Word, a []int) (x, y []int) {
	known := map[uint64][]int{} // by hash, numbers
	var all [][]Word
	number := func(l []Word) int {
		h := hashOf(l)
		for _, n := range known[h] {
			if slices.Equal(all[n], l) {
				return n
			}
		}
		known[h] = append(known[h], len(all))
		all = append(all, l)
		return len(all) - 1
	}
	for _, i := range b {
		x = append(x, number(before[i]))
	}
	for _, i := range a {
		y = append(y, number(after[i]))
	}
	return x, y
}

func hashOf(words []Word) uint64 {
	h := uint64(14695981039346656037)
	for _, w := range words {
		h = (h ^ uint64(w)) * 1099511628211
	}
	return h
}
