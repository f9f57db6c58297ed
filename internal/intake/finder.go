// SPDX-License-Identifier: Apache-2.0

package intake

// literal is a word that is looked for, and for which rule.
type literal struct {
	word string
	rule int
}

// event is a place where a literal stands.
type event struct {
	start, end, rule int
}

// finder finds many literals in one pass: an automaton after Aho and Corasick ("Efficient string matching", 1975), written
// out as a table with a row for each state. Bytes that stand in no literal share one column, so that the table stays small.
type finder struct {
	column [256]uint8
	width  int
	next   []uint16 // by state and column
	ends   [][]literal
}

func newFinder(words []literal) *finder {
	f := &finder{width: 1}
	for _, w := range words {
		for _, c := range []byte(w.word) {
			if f.column[c] == 0 {
				f.column[c] = uint8(f.width)
				f.width++
			}
		}
	}
	f.next, f.ends = make([]uint16, f.width), make([][]literal, 1)
	for _, w := range words { // the trie; state 0 is its root, and where no way leads
		s := 0
		for _, c := range []byte(w.word) {
			to := &f.next[s*f.width+int(f.column[c])]
			if *to == 0 {
				*to = uint16(len(f.ends))
				f.next = append(f.next, make([]uint16, f.width)...)
				f.ends = append(f.ends, nil)
				to = &f.next[s*f.width+int(f.column[c])]
			}
			s = int(*to)
		}
		f.ends[s] = append(f.ends[s], w)
	}
	// Breadth first: where a state has no way on, it goes on as its longest suffix does.
	back := make([]int, len(f.ends))
	var queue []int
	for _, to := range f.next[:f.width] {
		if to != 0 {
			queue = append(queue, int(to))
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		f.ends[s] = append(f.ends[s], f.ends[back[s]]...)
		for c := range f.width {
			to := &f.next[s*f.width+c]
			other := f.next[back[s]*f.width+c]
			if *to == 0 {
				*to = other
				continue
			}
			back[*to] = int(other)
			queue = append(queue, int(*to))
		}
	}
	return f
}

// all appends where literals stand in b, in the order in which they end.
func (f *finder) all(dst []event, b []byte) []event {
	s, width := 0, f.width
	for i, c := range b {
		s = int(f.next[s*width+int(f.column[c])])
		if s == 0 {
			continue
		}
		for _, w := range f.ends[s] {
			dst = append(dst, event{i + 1 - len(w.word), i + 1, w.rule})
		}
	}
	return dst
}
