// SPDX-License-Identifier: Apache-2.0

package scrub

// automaton finds every keyword in one pass (Aho and Corasick 1975), as one dense table: a row per state, a column per
// class of bytes. Letters are folded to lower case and all digits to '0'; a detector checks the exact bytes after a
// hit. Overlapping keywords are all reported.
type automaton struct {
	column [256]uint8
	// next holds, for state*width + column, the next state's row offset, shifted left by one; the lowest bit says that
	// keywords end there.
	next  []uint32
	width uint32
	out   [][]rule // by state
}

// rule says what a keyword means.
type rule struct {
	keyword string
	detect  func(w *worker, r *rule, start, end int) // of the keyword in w.buf
	word    word                                     // for assignments
	form    *tokenForm                               // for vendors' credentials
}

func fold(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= '0' && c <= '9':
		return '0'
	}
	return c
}

func newAutomaton(rules []rule) *automaton {
	a := &automaton{width: 1}
	for _, r := range rules {
		for _, c := range []byte(r.keyword) {
			if f := fold(c); a.column[f] == 0 {
				a.column[f] = uint8(a.width)
				a.width++
			}
		}
	}
	for c := range 256 {
		a.column[c] = a.column[fold(byte(c))]
	}
	w := int(a.width)
	trie := make([]uint32, w) // state 0 is the root; 0 also means "no edge yet"
	a.out = make([][]rule, 1)
	for _, r := range rules {
		s := 0
		for _, c := range []byte(r.keyword) {
			e := &trie[s*w+int(a.column[c])]
			if *e == 0 {
				*e = uint32(len(a.out))
				a.out = append(a.out, nil)
				s = len(a.out) - 1
				trie = append(trie, make([]uint32, w)...)
			} else {
				s = int(*e)
			}
		}
		a.out[s] = append(a.out[s], r)
	}
	a.link(trie)
	return a
}

// link fills in the edges of failure, breadth first, and packs the table.
func (a *automaton) link(trie []uint32) {
	w := int(a.width)
	fail := make([]int, len(a.out))
	var queue []int
	for c := 1; c < w; c++ {
		if s := int(trie[c]); s != 0 {
			queue = append(queue, s)
		}
	}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		a.out[s] = append(a.out[s], a.out[fail[s]]...)
		for c := 1; c < w; c++ {
			e, back := &trie[s*w+c], trie[fail[s]*w+c]
			if *e == 0 {
				*e = back
				continue
			}
			fail[*e] = int(back)
			queue = append(queue, int(*e))
		}
	}
	a.next = make([]uint32, len(trie))
	for i, s := range trie {
		a.next[i] = s * a.width << 1
		if len(a.out[s]) > 0 {
			a.next[i] |= 1
		}
	}
}
