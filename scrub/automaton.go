// SPDX-License-Identifier: Apache-2.0

package scrub

// automaton finds every keyword in one pass (Aho and Corasick 1975), as one dense table: a row per state, a column per
// class of bytes. Letters are folded to lower case and all digits to '0'; a detector checks the exact bytes after a
// hit. Overlapping keywords are all reported. Of a long keyword the table holds the first bytes, its stem, so that it
// stays in a core's cache; the rest is compared after a hit. States are numbered breadth first: the shallow ones, where
// most bytes of most texts lead, lie side by side.
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
	program *program                                 // for commands
	hint    hint                                     // for what stands near
}

const stem = 6 // bytes of a keyword that the table holds

// lanes is how many parts of a text are read at once: each step of a part waits for the memory that the step before
// asked for, and the steps of other parts fill the time.
const lanes = 4

// hit is a place where the stems of keywords end, and the state that knows which.
type hit struct{ at, state uint32 }

// find records in each lane, in order, where stems end in its part of b.
func (a *automaton) find(found *[lanes][]hit, b []byte) {
	next, column, size := a.next, &a.column, len(b)/lanes
	var row [lanes]uint32
	for l := range lanes {
		found[l] = found[l][:0]
		for _, c := range b[max(0, l*size-stem+1) : l*size] { // a stem may begin in the part before
			row[l] = next[row[l]+uint32(column[c])] >> 1
		}
	}
	b0, b1, b2, b3 := b[:size], b[size:2*size], b[2*size:3*size], b[3*size:4*size]
	r0, r1, r2, r3 := row[0], row[1], row[2], row[3]
	for i := range b0 {
		v0, v1 := next[r0+uint32(column[b0[i]])], next[r1+uint32(column[b1[i]])]
		v2, v3 := next[r2+uint32(column[b2[i]])], next[r3+uint32(column[b3[i]])]
		r0, r1, r2, r3 = v0>>1, v1>>1, v2>>1, v3>>1
		if (v0|v1|v2|v3)&1 == 0 {
			continue
		}
		for l, v := range [lanes]uint32{v0, v1, v2, v3} {
			if v&1 != 0 {
				found[l] = append(found[l], hit{uint32(l*size + i), v >> 1 / a.width})
			}
		}
	}
	for i := lanes * size; i < len(b); i++ {
		v := next[r3+uint32(column[b[i]])]
		if r3 = v >> 1; v&1 != 0 {
			found[lanes-1] = append(found[lanes-1], hit{uint32(i), r3 / a.width})
		}
	}
}

// each visits the keywords in b, in the order of where their stems end.
func (a *automaton) each(found *[lanes][]hit, b []byte, visit func(r *rule, start, end int)) {
	a.find(found, b)
	for _, lane := range found {
		for _, h := range lane {
			rules := a.out[h.state]
			for i := range rules {
				r := &rules[i]
				start := int(h.at) + 1 - min(len(r.keyword), stem)
				if len(r.keyword) <= stem || r.spelled(b, start) {
					visit(r, start, start+len(r.keyword))
				}
			}
		}
	}
}

// spelled reports whether all of the keyword stands at b[start:], not only its stem.
func (r *rule) spelled(b []byte, start int) bool {
	if len(b)-start < len(r.keyword) {
		return false
	}
	for i := stem; i < len(r.keyword); i++ {
		if fold(b[start+i]) != fold(r.keyword[i]) {
			return false
		}
	}
	return true
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
		for _, c := range []byte(r.keyword[:min(len(r.keyword), stem)]) {
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
	leads := make([]int, len(rules)) // where each keyword leads so far
	for depth := range stem {
		for i, r := range rules {
			if depth >= len(r.keyword) {
				continue
			}
			e := &trie[leads[i]*w+int(a.column[r.keyword[depth]])]
			if *e == 0 {
				*e = uint32(len(a.out))
				leads[i] = len(a.out)
				a.out = append(a.out, nil)
				trie = append(trie, make([]uint32, w)...)
			} else {
				leads[i] = int(*e)
			}
		}
	}
	for i, r := range rules {
		a.out[leads[i]] = append(a.out[leads[i]], r)
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
